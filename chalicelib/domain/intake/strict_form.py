"""Reads the body of a posted HTML form strictly, before anything looks at it."""

from __future__ import annotations

from urllib.parse import parse_qsl

from chalicelib.domain.errors import TooLarge, Unreadable
from chalicelib.domain.forms.answers import MAX_MARKS, has_controls, has_mark_flood
from chalicelib.domain.intake.strict_json import MAX_BYTES

MAX_FIELDS = 300


def read_form(body: bytes) -> dict[str, str]:
    """The fields in `body`, each of another name, as they were typed.

    Raises TooLarge over 64 KB, Unreadable for all else that no form of ours sends.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(f"The form is larger than {MAX_BYTES // 1024} KB.")
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise Unreadable("The form holds characters that are not percent-encoded.") from None
    if text.count("&") >= MAX_FIELDS:
        raise Unreadable(f"The form holds more than {MAX_FIELDS} fields.")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise Unreadable("The form is not UTF-8 text.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if has_controls(name):
            raise Unreadable("The form names a field with a character that cannot be shown.")
        if has_mark_flood(name) or has_mark_flood(value):
            raise Unreadable(f"The form holds a letter with more than {MAX_MARKS} marks on it.")
        if name in found:
            raise Unreadable("The form names the same field twice.")
        found[name] = value
    return found
