"""Deadlines in working days of England and Wales."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

_LONDON = ZoneInfo("Europe/London")
END_OF_DAY = time(17, 0)
"""When a deadline falls on its day: people who read "by Tuesday" have until the office closes."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Which days nobody works. `day_seconds` over zero makes each working day that short, to watch deadlines pass."""

    holidays: Set[date]
    day_seconds: int = 0

    def deadline(self, start: datetime, working_days: int) -> datetime:
        """17:00 in London on the `working_days`-th working day after `start`'s day, in UTC."""
        if self.day_seconds:
            return start + timedelta(seconds=working_days * self.day_seconds)
        day = start.astimezone(_LONDON).date()
        left = working_days
        while left:
            day += timedelta(days=1)
            if self.is_working(day):
                left -= 1
        return datetime.combine(day, END_OF_DAY, _LONDON).astimezone(timezone.utc)

    def is_working(self, day: date) -> bool:
        """Neither a weekend nor a bank holiday."""
        return day.weekday() < 5 and day not in self.holidays


def spoken_day(moment: datetime) -> str:
    """`Thursday 14 January 2027`, as it is in London."""
    local = moment.astimezone(_LONDON)
    return f"{local:%A} {local.day} {local:%B %Y}"


def spoken_time(moment: datetime) -> str:
    """`14 January 2027 at 5:00pm`, as it is in London."""
    local = moment.astimezone(_LONDON)
    return (
        f"{local.day} {local:%B %Y} at {local.hour % 12 or 12}:{local:%M}{'am' if local.hour < 12 else 'pm'}"
    )
