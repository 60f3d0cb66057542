"""Reads a JSON body strictly, before anything looks at it.

Python's `json` takes NaN, repeated names, numbers of any length, lone surrogates and any depth; each of those
is a way to say one thing to us and another to the next reader (RFC 8259, sections 4, 6, 8 and 9).
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from chalicelib.domain.errors import TooLarge, Unreadable
from chalicelib.domain.forms.answers import MAX_MARKS, has_controls, has_mark_flood

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
MAX_DIGITS = 15
_NO_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[^"\[\]{}]+', re.DOTALL)
"""A string, or what is neither string nor bracket. A string that does not end goes to the end of the text, so that no
quotation mark is looked at twice, however many there are."""


def read_json(body: bytes) -> Any:
    """The value in `body`. Whole numbers written as `1.0` come back as integers.

    Raises TooLarge over 64 KB, Unreadable for all else that is not plain, bounded JSON in UTF-8.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(f"The request is larger than {MAX_BYTES // 1024} KB.")
    text = _decode(body)
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_number,
        )
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"The request is not valid JSON: line {error.lineno}, column {error.colno}."
        ) from None
    return _checked(value)


def _decode(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The request is not UTF-8 text.") from None
    if text.startswith("\ufeff"):
        raise Unreadable("The request starts with a byte order mark; send UTF-8 without one.")
    return text


def _check_depth(text: str) -> None:
    depth = 0
    for character in _NO_BRACKETS.sub("", text):
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Unreadable(f"The request is nested more than {MAX_DEPTH} levels deep.")
        else:
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = set()
    for name, value in pairs:
        is_plain = name.isascii() and name.isprintable()
        known_as = name if is_plain else unicodedata.normalize("NFC", _text(name))
        if known_as in names:
            raise Unreadable("The request names the same field twice.")
        if not is_plain and has_controls(name):
            raise Unreadable("The request names a field with a character that cannot be shown.")
        names.add(known_as)
        found[name] = _checked(value)
    return found


def _checked(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        for item in value:
            if isinstance(item, (str, list)):
                _checked(item)
    return value


def _text(value: str) -> str:
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Unreadable("The request holds half of a character (a lone surrogate).") from None
    if has_mark_flood(value):
        raise Unreadable(f"The request holds a letter with more than {MAX_MARKS} marks on it.")
    return value


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise Unreadable(f"The request holds a number of more than {MAX_DIGITS} digits.")
    return int(digits)


def _number(digits: str) -> int | float:
    value = float(digits)
    if value in (float("inf"), float("-inf")) or len(digits) > 2 * MAX_DIGITS:
        raise Unreadable("The request holds a number that is too large or too long.")
    return int(value) if value.is_integer() and abs(value) < 10**MAX_DIGITS else value


def _refuse_constant(name: str) -> Any:
    raise Unreadable(f"The request holds {name}, which is not JSON.")
