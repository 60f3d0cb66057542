"""A body is plain, bounded JSON in UTF-8, or it is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import TooLarge, Unreadable
from chalicelib.domain.strict_json import MAX_BYTES, MAX_DEPTH, read_json


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
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
).filter(lambda value: json.dumps(value).count("[") + json.dumps(value).count("{") <= MAX_DEPTH)


@given(values, st.booleans())
def test_what_json_writes_is_read_as_it_was(value: Any, ascii_only: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
