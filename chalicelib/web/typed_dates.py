"""Dates as people type them: in three inputs, the month as a number or a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

DATE_PARTS = ("day", "month", "year")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def typed_date(name: str, typed: Mapping[str, str]) -> date | None:
    """The day in the three inputs of this name; None where they hold none."""
    day, month, year = (read(text) for read, text in zip((_day, _month, _year), _texts(name, typed)))
    if not (day and month and year):
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def date_answer(name: str, typed: Mapping[str, str]) -> str | None:
    """The day as answers have it. What is no day stays something that the schema refuses; None: all left empty."""
    texts = _texts(name, typed)
    if not any(texts):
        return None
    day = typed_date(name, typed)
    # Begins with what no date begins with, and is short enough to fail as a date, not by its length.
    return day.isoformat() if day else ("/" + "/".join(texts))[:10]


def date_fields(name: str, day: date) -> dict[str, str]:
    """What would have been typed for this day."""
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": f"{day.year:04d}"}


def wrong_parts(name: str, typed: Mapping[str, str]) -> tuple[str, ...]:
    """Which inputs of a refused date to mark: those left out, else those that cannot be, else all three."""
    missing = missing_parts(name, typed)
    if missing:
        return missing
    readers = {"day": _day, "month": _month, "year": _year}
    wrong = tuple(part for part in DATE_PARTS if not readers[part](typed.get(f"{name}-{part}", "").strip()))
    return wrong or DATE_PARTS


def missing_parts(name: str, typed: Mapping[str, str]) -> tuple[str, ...]:
    """The parts left out of a date that has others."""
    missing = tuple(part for part in DATE_PARTS if not typed.get(f"{name}-{part}", "").strip())
    return () if len(missing) == len(DATE_PARTS) else missing


def _texts(name: str, typed: Mapping[str, str]) -> list[str]:
    return [typed.get(f"{name}-{part}", "").strip() for part in DATE_PARTS]


def _day(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,2}", text, re.ASCII) and 1 <= int(text) <= 31 else 0


def _month(text: str) -> int:
    if re.fullmatch("[0-9]{1,2}", text, re.ASCII):
        return int(text) if 1 <= int(text) <= 12 else 0
    word = text.casefold().rstrip(".")
    for names in (_MONTHS, _LONG_MONTHS):
        if word in names:
            return names.index(word) + 1
    return 9 if word == "sept" else 0


def _year(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{4}", text, re.ASCII) else 0
