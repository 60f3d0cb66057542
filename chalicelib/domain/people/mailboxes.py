"""Addresses that mail can be sent to."""

from __future__ import annotations

import re

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+)*", re.ASCII)
_DOMAIN_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)


def is_mailbox(value: str) -> bool:
    """Whether `value` is exactly one address that mail can be sent to: no name, no list, no line break.

    Stricter than RFC 5321: ASCII, a dotted domain, no quoted local part and no address literal.
    """
    local, at, domain = value.rpartition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and len(value) <= 254
        and len(local) <= 64
        and _LOCAL_PART.fullmatch(local) is not None
        and len(labels) > 1
        and all(_DOMAIN_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )
