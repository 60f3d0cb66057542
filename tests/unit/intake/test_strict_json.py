"""A body is plain, bounded JSON in UTF-8, or it is refused."""

from __future__ import annotations

import contextlib
import json
import unicodedata
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import TooLarge, Unreadable
from chalicelib.domain.forms.answers import has_controls
from chalicelib.domain.intake import strict_json
from chalicelib.domain.intake.strict_form import read_form
from chalicelib.domain.intake.strict_json import MAX_BYTES, MAX_DEPTH, read_json


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b' \n\t{"a": [1, 2.5, true, null, "x"]} ', {"a": [1, 2.5, True, None, "x"]}),
        (b"1.0", 1),
        (b"1e2", 100),
        (b"-0", 0),
        (b"-0.0", 0),
        (b"999999999999999", 999_999_999_999_999),
        (b"-999999999999999", -999_999_999_999_999),
        (b"0.1", 0.1),
        ('"Ŵ 😀 \u2028"'.encode(), "Ŵ 😀 \u2028"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\u0000"', "\x00"),
        (b'{"a":{"a":1}}', {"a": {"a": 1}}),
        (b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
        (b'"[[[[[[[[[[[["', "[[[[[[[[[[[["),
        (b'"\\"[[[[[[[[[[[["', '"[[[[[[[[[[[['),
    ],
)
def test_plain_json_is_read(body: bytes, value: Any) -> None:
    found = read_json(body)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"\x00",
        b"nul",
        b"True",
        b"NaN",
        b"-Infinity",
        b'{"a":Infinity}',
        b"01",
        b"+1",
        b".5",
        b"1.",
        b"0x10",
        b"1_000",
        b"[1,]",
        b'{"a":1,}',
        b"{a:1}",
        b"{'a':1}",
        b'{"a" 1}',
        b"[1 2]",
        b'"\t"',
        b'"\x01"',
        b'"a\nb"',
        b'"\\x41"',
        b'"\\u12"',
        b'"open',
        b"{}x",
        b"{}{}",
        b"// comment\n{}",
        b"/**/{}",
        b"\xef\xbb\xbf{}",
        b"\xff",
        b'"\xc0\x80"',
        b'"\xed\xa0\x80"',
        "{}".encode("utf-16"),
        b"1e400",
        b"-1e400",
        b"9999999999999999",
        b"-1000000000000000",
        b"9" * 5000,
        b"0." + b"1" * 40,
        b"]]]]]]]]]]" + b"[" * 50,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_json(body)


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'[{"b":{"a":1,"a":2}}]', b'{"":1,"":2}']
)
def test_a_field_named_twice_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable, match="twice"):
        read_json(body)


@pytest.mark.parametrize(
    "name", ["a\x00", "\t", "a\nb", "\x7f", "\u202ename", "na\u2066me", "\u2028", "\ue000"]
)
def test_a_field_whose_name_cannot_be_shown_is_refused(name: str) -> None:
    for ascii_only in (True, False):
        with pytest.raises(Unreadable, match="cannot be shown"):
            read_json(json.dumps([{"a": {name: 1}}], ensure_ascii=ascii_only).encode())


def test_two_spellings_of_one_name_are_the_same_field() -> None:
    for names in (("Caf\u00e9", "Cafe\u0301"), ("\u212a", "K")):
        with pytest.raises(Unreadable, match="twice"):
            read_json(json.dumps(dict.fromkeys(names, 1)).encode())


@pytest.mark.parametrize(
    "body",
    [
        b'"\\ud800"',
        b'["\\udfff"]',
        b'[[["\\ud800x"]]]',
        b'{"a":"\\ud800"}',
        b'{"\\ud800":1}',
        b'{"a":["x",["\\udc00"]]}',
        b'[{"a":[{"b":"\\ud83d"}]}]',
        b'"\\ude00\\ud83d"',
    ],
)
def test_half_a_character_is_refused_wherever_it_stands(body: bytes) -> None:
    with pytest.raises(Unreadable, match="half of a character"):
        read_json(body)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_is_bounded_before_anything_is_parsed(opening: bytes, closing: bytes) -> None:
    inside = b"1"
    assert read_json(opening * MAX_DEPTH + inside + closing * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 10_000):
        with pytest.raises(Unreadable, match="deep"):
            read_json(opening * depth + inside + closing * depth)


NESTED = st.recursive(
    st.text(alphabet='[]{}\\"a\n', max_size=8) | st.integers(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=25,
)


def depth_of(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 1 + max(map(depth_of, value.values()), default=0) if isinstance(value, dict) else 0


@given(NESTED)
def test_brackets_within_strings_are_no_depth(value: Any) -> None:
    body = json.dumps(value).encode()
    if depth_of(value) > MAX_DEPTH:
        with pytest.raises(Unreadable, match="deep"):
            read_json(body)
    else:
        with contextlib.suppress(Unreadable):  # of names that are alike or cannot be shown
            assert read_json(body) == value
        with pytest.raises(Unreadable, match="deep"):
            read_json(
                b"[" * (MAX_DEPTH + 1 - depth_of(value)) + body + b"]" * (MAX_DEPTH + 1 - depth_of(value))
            )


@pytest.mark.parametrize("text", ['"' + '\\"' * 30_000, '"' + "x" * 60_000 + "\\", '"a\\', '"'])
def test_a_string_without_an_end_is_looked_at_once(text: str) -> None:
    """Else each quotation mark in it would begin another look at all that follows."""
    assert strict_json._NO_BRACKETS.findall(text) == [text]
    with pytest.raises(Unreadable):
        read_json(text.encode())


def test_size_is_bounded_to_the_byte() -> None:
    body = b'"' + b"x" * (MAX_BYTES - 2) + b'"'
    assert len(read_json(body)) == MAX_BYTES - 2
    with pytest.raises(TooLarge, match="64 KB"):
        read_json(body + b" ")
    with pytest.raises(TooLarge):
        read_json("Ŵ".encode() * (MAX_BYTES // 2 + 1))


def test_no_refusal_repeats_what_was_sent() -> None:
    for body in (b'{"zuleika": 1, "zuleika": 2}', b'{"a": zuleika}', b'"zuleika', b"zuleika\xff"):
        with pytest.raises(Unreadable) as caught:
            read_json(body)
        assert "zuleika" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__cause__ is None


@given(st.binary(max_size=200))
def test_no_bytes_are_a_failure(body: bytes) -> None:
    with contextlib.suppress(Unreadable, TooLarge):
        read_json(body)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
names = texts.filter(lambda name: not has_controls(name) and unicodedata.is_normalized("NFC", name))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
).filter(lambda value: json.dumps(value).count("[") + json.dumps(value).count("{") <= MAX_DEPTH)


@given(values, st.booleans())
def test_what_json_writes_is_read_as_it_was(value: Any, ascii_only: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


FLOOD = "e" + "\u0316\u0301" * 16


@pytest.mark.parametrize(
    "value", [FLOOD, [[FLOOD]], {FLOOD: 1}, {"a": {"b": [FLOOD]}}, "\u0345\u0301\u0316" * 9000]
)
def test_more_marks_on_a_letter_than_any_language_has_are_refused(value: Any) -> None:
    """Normalising them takes their square: more than a second for 64 KB."""
    with pytest.raises(Unreadable, match="marks"):
        read_json(json.dumps(value, ensure_ascii=False).encode())


def test_letters_with_many_marks_are_read() -> None:
    text = ("e" + "\u0316\u0301" * 15) * 2
    assert read_json(json.dumps(text).encode()) == text
    with pytest.raises(Unreadable, match="marks"):
        read_form(urlencode({"a": FLOOD}).encode())
    assert read_form(urlencode({"a": text}).encode()) == {"a": text}
