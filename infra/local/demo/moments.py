"""When things happen in the story: on working days of the three months before now, in office hours."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo

from chalicelib.domain.approvals.deadlines import END_OF_DAY, START_OF_DAY, Calendar, london_day

LONDON = ZoneInfo("Europe/London")
_FIRST, _LAST = time(8, 40), time(16, 45)
_AT_LEAST = timedelta(minutes=20)


class Moments:
    """Working days are counted back from the last one that is over: that is day 0."""

    def __init__(self, calendar: Calendar, now: datetime) -> None:
        self._calendar = calendar
        self.now = now
        self._day_0 = self._last_working_day()

    def _last_working_day(self) -> date:
        day = london_day(self.now)
        while not self._calendar.is_working(day) or at(day, END_OF_DAY) >= self.now:
            day -= timedelta(days=1)
        return day

    def day(self, ago: int) -> date:
        """The day so many working days before day 0."""
        return self._moved(self._day_0, -ago)

    def beginning(self, ago: int) -> datetime:
        """When that day begins."""
        return at(self.day(ago), time.min)

    def on(self, ago: int, chance: Random) -> datetime:
        """A time on that day."""
        return _between(at(self.day(ago), _FIRST), at(self.day(ago), _LAST), chance)

    def later(self, since: datetime, working_days: int, chance: Random) -> datetime:
        """A time so many working days after another; on the same day (0) where there is time left, else on the next."""
        day = self._moved(london_day(since), working_days)
        first = max(at(day, _FIRST), since + _AT_LEAST)
        if first < at(day, _LAST) and self._calendar.is_working(day):
            return _between(first, at(day, _LAST), chance)
        day = self._moved(day, 1)
        return _between(at(day, _FIRST), at(day, _LAST), chance)

    def follow_ups(self, since: datetime) -> list[datetime]:
        """Just after reminders and deadlines fall: 09:00 and 17:00 of each working day up to now."""
        return [
            moment
            for day in self._days(since)
            if self._calendar.is_working(day)
            for moment in (at(day, START_OF_DAY) + _SOON, at(day, END_OF_DAY) + _SOON)
            if moment <= self.now
        ]

    def digests(self, since: datetime) -> list[datetime]:
        """Mondays at 07:00 UTC, as the schedule has it, up to now."""
        mondays = (day for day in self._days(since) if day.weekday() == 0)
        moments = (datetime.combine(day, time(7), timezone.utc) for day in mondays)
        return [moment for moment in moments if moment <= self.now]

    def _days(self, since: datetime) -> list[date]:
        first = london_day(since)
        return [first + timedelta(days=number) for number in range((london_day(self.now) - first).days + 1)]

    def _moved(self, day: date, working_days: int) -> date:
        step = timedelta(days=1 if working_days >= 0 else -1)
        left = abs(working_days)
        while left:
            day += step
            left -= self._calendar.is_working(day)
        return day


_SOON = timedelta(seconds=40)


def at(day: date, clock: time) -> datetime:
    """The moment of a London time, in UTC."""
    return datetime.combine(day, clock, LONDON).astimezone(timezone.utc)


def _between(first: datetime, last: datetime, chance: Random) -> datetime:
    return first + timedelta(seconds=chance.randrange(max(1, int((last - first).total_seconds()))))
