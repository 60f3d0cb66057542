"""Words fitted into a sentence."""

from __future__ import annotations


def capital(words: str) -> str:
    """Words at the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def mid_sentence(words: str) -> str:
    """A title or a label inside a sentence: `The fund holder` → `the fund holder`."""
    return words[:1].lower() + words[1:]
