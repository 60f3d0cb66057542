"""Dates as people type them: in three inputs, the month as a number or a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from chalicelib.domain.dates import is_date, long_date
from chalicelib.domain.forms.cells import Cell, ColumnKind
from chalicelib.domain.forms.widgets.base import Typed, Widget

if TYPE_CHECKING:
    from chalicelib.domain.forms.form import Question

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


class Date(Widget):
    """A calendar day, typed as day, month and year, and kept as `2027-03-25`."""

    word = "date"
    part_widths = {"day": 2, "month": 2, "year": 4}
    inputs = tuple(part_widths)
    template = "date"
    shape = {"type": "string", "format": "date"}
    keywords = frozenset({"maxLength"})
    members = frozenset()
    column = ColumnKind.DAY

    def read(self, question: Question, typed: Typed) -> str | None:
        texts = self._texts(typed)
        if not any(texts):
            return None
        day = self.day(typed)
        # Begins with what no date begins with, and is short enough to fail as a date, not by its length.
        return day.isoformat() if day else ("/" + "/".join(texts))[:10]

    def day(self, typed: Typed) -> date | None:
        """The day in the three inputs; None where they hold none."""
        day, month, year = (read(text) for read, text in zip((_day, _month, _year), self._texts(typed)))
        if not (day and month and year):
            return None
        try:
            return date(year, month, day)
        except ValueError:
            return None

    def typed(self, question: Question, answer: Any) -> dict[str, str]:
        return self.typed_day(date.fromisoformat(answer)) if is_date(str(answer)) else {}

    def typed_day(self, day: date) -> dict[str, str]:
        """What would have been typed for this day."""
        return {"day": str(day.day), "month": str(day.month), "year": f"{day.year:04d}"}

    def wrong(self, typed: Typed) -> tuple[str, ...]:
        """Those left out, else those that cannot be, else all three."""
        missing = self.unfinished(typed)
        if missing:
            return missing
        readers = zip(self.inputs, (_day, _month, _year), self._texts(typed))
        return tuple(name for name, read, text in readers if not read(text)) or self.inputs

    def unfinished(self, typed: Typed) -> tuple[str, ...]:
        missing = tuple(name for name, text in zip(self.inputs, self._texts(typed)) if not text)
        return () if missing == self.inputs else missing

    def fits(self, text: str) -> bool:
        return is_date(text)

    def said(self, question: Question, answer: Any) -> str:
        return long_date(date.fromisoformat(answer))

    def cell(self, question: Question, answer: Any) -> Cell:
        return date.fromisoformat(answer)

    def rules(self, question: Question, field: Mapping[str, Any], *, is_required: bool) -> Iterator[str]:
        yield from super().rules(question, field, is_required=is_required)
        if field.get("maxLength", 10) < 10:
            yield "no answer fits: a date has 10 characters"

    def _texts(self, typed: Typed) -> list[str]:
        return [typed.get(name, "").strip() for name in self.inputs]


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
