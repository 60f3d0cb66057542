"""Deadlines in working days of England and Wales, at five in the afternoon in London."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.files.form_files import calendar
from chalicelib.domain.approvals.deadlines import Calendar, london_day, short_day, spoken_day, spoken_time

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


# Reminders and what comes next


@pytest.mark.parametrize(
    ("due", "days", "reminder"),
    [
        (utc(2027, 1, 18, 17), 1, utc(2027, 1, 15, 9)),
        (utc(2027, 1, 14, 17), 1, utc(2027, 1, 13, 9)),
        (utc(2027, 1, 14, 17), 3, utc(2027, 1, 11, 9)),
        (utc(2027, 1, 14, 17), 0, utc(2027, 1, 14, 9)),
        # Christmas and New Year
        (utc(2026, 12, 29, 17), 1, utc(2026, 12, 24, 9)),
        (utc(2027, 1, 4, 17), 1, utc(2026, 12, 31, 9)),
        (utc(2027, 1, 4, 17), 4, utc(2026, 12, 24, 9)),
        # A deadline after Easter, when the clocks have gone forward, reminded of before
        (utc(2027, 3, 30, 16), 1, utc(2027, 3, 25, 9)),
        (utc(2027, 3, 31, 16), 1, utc(2027, 3, 30, 8)),
        # and over the week-end on which they go back
        (utc(2027, 11, 1, 17), 1, utc(2027, 10, 29, 8)),
    ],
)
def test_a_reminder_is_at_nine_in_london_so_many_working_days_before(
    due: datetime, days: int, reminder: datetime
) -> None:
    assert REAL.reminder(due, days) == reminder


@given(st.datetimes(datetime(2026, 2, 1), datetime(2027, 11, 1)), st.integers(1, 20))
def test_a_reminder_and_the_deadline_count_the_same_working_days(start: datetime, days: int) -> None:
    due = REAL.deadline(start.replace(tzinfo=timezone.utc), days)
    reminder = REAL.reminder(due, days)
    assert reminder.utcoffset() == timedelta(0)
    assert REAL.is_working(london_day(reminder))
    assert REAL.deadline(reminder, days) == due


@pytest.mark.parametrize(
    ("now", "following"),
    [
        (utc(2027, 1, 11, 9, 30), utc(2027, 1, 25, 9)),
        (utc(2027, 1, 25, 8, 59), utc(2027, 1, 25, 9)),
        (utc(2027, 1, 25, 9), utc(2027, 2, 3, 9)),
        (utc(2027, 2, 3, 8, 59), utc(2027, 2, 3, 9)),
        (utc(2027, 2, 3, 9), utc(2027, 2, 8, 17)),
        (utc(2027, 2, 9, 9), utc(2027, 2, 8, 17)),
    ],
)
@pytest.mark.parametrize("reminder_days", [(10, 3), (3, 10), [3, 10, 3]])
def test_what_comes_next_is_the_first_reminder_still_to_come_or_the_deadline(
    now: datetime, following: datetime, reminder_days: Sequence[int]
) -> None:
    assert REAL.next_date(utc(2027, 2, 8, 17), reminder_days, now) == following


def test_without_reminders_the_deadline_comes_next() -> None:
    assert REAL.next_date(utc(2027, 2, 8, 17), (), utc(2027, 1, 11, 9)) == utc(2027, 2, 8, 17)


def test_with_short_working_days_reminders_come_as_much_earlier() -> None:
    short = Calendar(holidays=frozenset(), day_seconds=10)
    due = short.deadline(utc(2027, 1, 16, 12), 5)
    assert short.reminder(due, 2) == due - timedelta(seconds=20)
    assert short.next_date(due, (2, 1), due - timedelta(seconds=20)) == due - timedelta(seconds=10)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (utc(2027, 7, 12, 22, 59), date(2027, 7, 12)),
        (utc(2027, 7, 12, 23, 0), date(2027, 7, 13)),
        (utc(2027, 1, 12, 23, 59), date(2027, 1, 12)),
        (utc(2027, 1, 13, 0, 0), date(2027, 1, 13)),
    ],
)
def test_the_day_is_londons(moment: datetime, day: date) -> None:
    assert london_day(moment) == day


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (utc(2027, 1, 14, 17), "Thursday 14 January"),
        (utc(2027, 7, 1, 23, 5), "Friday 2 July"),
        (utc(2027, 7, 1, 22, 5), "Thursday 1 July"),
    ],
)
def test_a_near_day_is_said_without_its_year(moment: datetime, words: str) -> None:
    assert short_day(moment) == words
