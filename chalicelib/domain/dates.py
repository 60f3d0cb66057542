"""Calendar days: as we store them, and as people read them."""

from __future__ import annotations

import re
from datetime import date

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def is_date(value: str) -> bool:
    """Whether `value` is a day that exists, as `2027-03-27`. RFC 3339 has a year 0; Python, and people, do not."""
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def long_date(day: date) -> str:
    """`2027-01-14` → `14 January 2027`."""
    return f"{day.day} {day:%B %Y}"
