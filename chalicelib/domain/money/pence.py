"""Money is integer pence; these two functions are where it meets people."""

from __future__ import annotations

import re

_TYPED = re.compile(r"£?\s?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]{1,2}))?", re.ASCII)


def pounds(pence: int) -> str:
    """`123450` → `£1,234.50`; whole pounds without pence: `500000` → `£5,000`."""
    sign = "-" if pence < 0 else ""
    whole, rest = divmod(abs(pence), 100)
    return f"{sign}£{whole:,}" + (f".{rest:02d}" if rest else "")


def pence_from_typed(typed: str) -> int | None:
    """Pence from pounds as people type them (`1,234.56`, `£1234.5`), or None where it is not an amount."""
    match = _TYPED.fullmatch(typed.strip())
    if match is None or len(typed) > 20:
        return None
    whole, part = match.groups()
    return int(whole.replace(",", "")) * 100 + int((part or "").ljust(2, "0"))
