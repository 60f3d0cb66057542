"""References: three letters and eight characters that people can read out and type, such as `CLM-7K3F-9QXN`.

The alphabet has no vowels (no accidental words) and no look-alikes (0/O, 1/I/L, 5/S, 2/Z, 8/B, U/V). Its size is
prime, so the weighted sum in the last character finds every single wrong character and every swap of two; but for
letters of the prefix that are 23 apart (A and X, B and Y, C and Z), which no character of 23 can tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from chalicelib.domain.errors import MistypedReference

ALPHABET = "234679CDFGHJKMNPQRTVWXY"  # 23 characters; 23 is prime
_SHAPE = re.compile(r"([A-Z]{3})-?([0-9A-Z]{4})-?([0-9A-Z]{4})", re.ASCII)


def new_reference(prefix: str, draw: Callable[[str, int], str]) -> str:
    """A new reference. `draw` picks so many characters at random: 23**7, three thousand million."""
    body = draw(ALPHABET, 7)
    body += _check_character(prefix, body)
    return f"{prefix}-{body[:4]}-{body[4:]}"


def read_reference(typed: str) -> str:
    """The reference as we write it, from what somebody typed (any case, with or without dashes and spaces).

    Raises MistypedReference where the check character does not fit.
    """
    match = _SHAPE.fullmatch(re.sub(r"\s", "", typed).upper().replace("\u2013", "-"))
    if match is None:
        raise MistypedReference("This is not a reference. A reference looks like CLM-7K3F-9QXN.")
    prefix, first, second = match.groups()
    body = first + second
    if any(c not in ALPHABET for c in body) or _check_character(prefix, body[:-1]) != body[-1]:
        raise MistypedReference(
            "This reference was typed wrongly: one of its characters does not fit the others."
        )
    return f"{prefix}-{first}-{second}"


def is_reference(value: str) -> bool:
    """Whether `value` is a reference exactly as we write it."""
    try:
        return read_reference(value) == value
    except MistypedReference:
        return False


def _check_character(prefix: str, body: str) -> str:
    total = sum(weight * (ord(letter) - ord("A")) for weight, letter in enumerate(prefix, start=9))
    total += sum(weight * ALPHABET.index(character) for weight, character in enumerate(body, start=2))
    return ALPHABET[total % len(ALPHABET)]
