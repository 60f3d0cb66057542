"""Deadlines in working days of England and Wales, at five in the afternoon in London."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.form_files import calendar
from chalicelib.domain.deadlines import Calendar, spoken_day, spoken_time

REAL = calendar()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (utc(2027, 1, 11, 9), 1, utc(2027, 1, 12, 17)),
        (utc(2027, 1, 11, 9), 5, utc(2027, 1, 18, 17)),
        (utc(2027, 1, 15, 9), 1, utc(2027, 1, 18, 17)),
        (utc(2027, 1, 16, 12), 1, utc(2027, 1, 18, 17)),
        # Christmas 2026: Friday; Boxing Day falls on Saturday, its substitute is Monday the 28th.
        (utc(2026, 12, 23, 9), 1, utc(2026, 12, 24, 17)),
        (utc(2026, 12, 24, 9), 1, utc(2026, 12, 29, 17)),
        (utc(2026, 12, 24, 9), 4, utc(2027, 1, 4, 17)),
        # Easter 2027: Good Friday 26 March, Easter Monday 29 March; the clocks go forward on the 28th.
        (utc(2027, 3, 24, 9), 1, utc(2027, 3, 25, 17)),
        (utc(2027, 3, 25, 9), 1, utc(2027, 3, 30, 16)),
        # The clocks go back on 31 October 2027.
        (utc(2027, 10, 28, 9), 1, utc(2027, 10, 29, 16)),
        (utc(2027, 10, 29, 9), 1, utc(2027, 11, 1, 17)),
        # Just before midnight in UTC is already the next day in London's summer.
        (utc(2027, 7, 12, 22, 59), 1, utc(2027, 7, 13, 16)),
        (utc(2027, 7, 12, 23, 0), 1, utc(2027, 7, 14, 16)),
    ],
)
def test_working_days_skip_weekends_and_bank_holidays(start: datetime, days: int, due: datetime) -> None:
    assert REAL.deadline(start, days) == due


@pytest.mark.parametrize(
    "day", [date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1), date(2027, 3, 26), date(2027, 3, 29),
            date(2027, 5, 3), date(2027, 5, 31), date(2027, 8, 30), date(2027, 1, 16), date(2027, 1, 17)],
    ids=str,
)  # fmt: skip
def test_nobody_works(day: date) -> None:
    assert not REAL.is_working(day)


@pytest.mark.parametrize(
    "day", [date(2026, 12, 24), date(2026, 11, 30), date(2027, 3, 1), date(2027, 3, 17)], ids=str
)
def test_holidays_of_other_nations_are_working_days(day: date) -> None:
    assert REAL.is_working(day)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)), st.integers(1, 30))
def test_a_deadline_is_later_in_utc_and_on_a_working_day(start: datetime, days: int) -> None:
    aware = start.replace(tzinfo=timezone.utc)
    due = REAL.deadline(aware, days)
    assert due.utcoffset() == timedelta(0)
    assert due - aware >= timedelta(hours=16)
    assert REAL.is_working(due.date())
    assert due.hour in (16, 17)
    assert REAL.deadline(aware, days + 1) > due


def test_the_zone_of_the_start_does_not_matter() -> None:
    start = datetime(2027, 1, 11, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert REAL.deadline(start, 1) == REAL.deadline(start.astimezone(timezone.utc), 1) == utc(2027, 1, 13, 17)


def test_a_short_working_day_is_that_short() -> None:
    start = utc(2027, 1, 16, 12)
    assert Calendar(holidays=frozenset(), day_seconds=2).deadline(start, 5) == start + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("moment", "day", "time"),
    [
        (utc(2027, 1, 14, 17), "Thursday 14 January 2027", "14 January 2027 at 5:00pm"),
        (utc(2027, 7, 1, 23, 5), "Friday 2 July 2027", "2 July 2027 at 12:05am"),
        (utc(2027, 7, 2, 11), "Friday 2 July 2027", "2 July 2027 at 12:00pm"),
        (utc(2027, 1, 4, 8, 9), "Monday 4 January 2027", "4 January 2027 at 8:09am"),
    ],
)
def test_days_and_times_are_spoken_as_in_london(moment: datetime, day: str, time: str) -> None:
    assert (spoken_day(moment), spoken_time(moment)) == (day, time)
