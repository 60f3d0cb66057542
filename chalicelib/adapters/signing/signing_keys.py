"""The signing keys, where there are any."""

from __future__ import annotations


class NoSigningKeys(Exception):
    """Something was to be signed or verified by a function that has no SIGNING_KEYS: in the deployed service each
    function has them only if it signs."""


def given(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys, newest first. Raises NoSigningKeys where there are none."""
    if not keys:
        raise NoSigningKeys("set SIGNING_KEYS for this function")
    return keys
