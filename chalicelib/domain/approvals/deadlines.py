"""Deadlines in working days of England and Wales."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date, datetime, time, timedelta, timezone
from functools import cached_property
from zoneinfo import ZoneInfo

from chalicelib.domain.values import value

_LONDON = ZoneInfo("Europe/London")
_MOST_KEPT = 500
START_OF_DAY = time(9, 0)
END_OF_DAY = time(17, 0)
"""When a deadline falls on its day: people who read "by Tuesday" have until the office closes."""


@value
class Calendar:
    """Which days nobody works. `day_seconds` over zero makes each working day that short, to watch deadlines pass."""

    holidays: Set[date]
    day_seconds: int = 0

    def deadline(self, start: datetime, working_days: int) -> datetime:
        """17:00 in London on the `working_days`-th working day after `start`'s day, in UTC."""
        if self.day_seconds:
            return start + timedelta(seconds=working_days * self.day_seconds)
        day = self._working_day(start.astimezone(_LONDON).date(), working_days, 1)
        return datetime.combine(day, END_OF_DAY, _LONDON).astimezone(timezone.utc)

    def reminder(self, deadline: datetime, working_days: int) -> datetime:
        """09:00 in London, so many working days before a deadline's day, in UTC."""
        if self.day_seconds:
            return deadline - timedelta(seconds=working_days * self.day_seconds)
        day = self._working_day(deadline.astimezone(_LONDON).date(), working_days, -1)
        return datetime.combine(day, START_OF_DAY, _LONDON).astimezone(timezone.utc)

    def morning(self, start: datetime, day: date) -> datetime:
        """09:00 in London on a day, in UTC. Where days are short, so many of them after `start` as there are until
        then."""
        if self.day_seconds:
            return start + timedelta(seconds=(day - london_day(start)).days * self.day_seconds)
        return datetime.combine(day, START_OF_DAY, _LONDON).astimezone(timezone.utc)

    def next_date(self, deadline: datetime, reminder_days: Sequence[int], now: datetime) -> datetime:
        """What comes next: the first reminder still to come, or the deadline."""
        reminders = (self.reminder(deadline, days) for days in sorted(reminder_days, reverse=True))
        return next((at for at in reminders if at > now), deadline)

    def _working_day(self, day: date, count: int, step: int) -> date:
        """The `count`-th working day after a day (`step` 1) or before it (-1). Asked for the same few days all day."""
        asked = (day, count, step)
        if asked not in self._found:
            left = count
            while left:
                day += timedelta(days=step)
                left -= self.is_working(day)
            if len(self._found) >= _MOST_KEPT:
                self._found.clear()
            self._found[asked] = day
        return self._found[asked]

    @cached_property
    def _found(self) -> dict[tuple[date, int, int], date]:
        return {}

    def is_working(self, day: date) -> bool:
        """Neither a weekend nor a bank holiday."""
        return day.weekday() < 5 and day not in self.holidays


def london_day(moment: datetime) -> date:
    """The day it is in London."""
    return moment.astimezone(_LONDON).date()


def end_of_day(day: date) -> datetime:
    """When a day is over in London, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(0), _LONDON).astimezone(timezone.utc)


def short_day(moment: datetime) -> str:
    """`Thursday 14 January`, as it is in London."""
    local = moment.astimezone(_LONDON)
    return f"{local:%A} {local.day} {local:%B}"


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
