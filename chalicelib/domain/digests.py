"""Digests: how a programme stands at a force or everywhere, in figures that name nobody."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, time, timedelta, timezone

from chalicelib.domain.deadlines import short_day
from chalicelib.domain.exports import LONDON, Period
from chalicelib.domain.fund import Balance
from chalicelib.domain.money import pounds
from chalicelib.domain.people import role_words
from chalicelib.domain.submissions import Status, Submission

FIRST_FORTNIGHT = date(2026, 1, 5)
"""A Monday. Fortnights are counted from it, so that each has one name."""

MOST_NAMED = 5
"""How many of those that wait a digest names."""

_TURNED_DOWN = frozenset({Status.REJECTED, Status.DECLINED})
_ENDED_EARLY = frozenset({Status.WITHDRAWN, Status.LAPSED})


@dataclass(frozen=True, kw_only=True)
class WaitingFor:
    """An open submission: who is to act (`role`) and by when (UTC)."""

    reference: str
    force: str
    role: str
    by: datetime


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Counts of all submissions so far, and what the fund holds for them, in pence.

    `overdue` are those of `waiting` whose date has passed; `longest` are the first of those that wait, by date.
    """

    submitted: int = 0
    approved: int = 0
    rejected: int = 0
    ended: int = 0
    waiting: int = 0
    overdue: int = 0
    reserved_pence: int = 0
    committed_pence: int = 0
    longest: tuple[WaitingFor, ...] = ()

    def __add__(self, other: Figures) -> Figures:
        """Both together."""
        numbers = (one.name for one in fields(Figures) if one.name != "longest")
        sums = {name: getattr(self, name) + getattr(other, name) for name in numbers}
        return replace(self, **sums, longest=_first((*self.longest, *other.longest)))

    def to_json(self) -> bytes:
        """The figures as they are stored."""
        data = asdict(self)
        data["longest"] = [{**asdict(one), "by": one.by.isoformat()} for one in self.longest]
        return json.dumps(data, indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Figures:
        """What `to_json` made."""
        data = json.loads(content)
        longest = [{**one, "by": datetime.fromisoformat(one["by"])} for one in data.pop("longest")]
        return cls(**data, longest=tuple(WaitingFor(**one) for one in longest))


def _first(waiting: Iterable[WaitingFor]) -> tuple[WaitingFor, ...]:
    return tuple(sorted(waiting, key=lambda one: (one.by, one.reference))[:MOST_NAMED])


def figures(submissions: Iterable[Submission], *, now: datetime) -> Figures:
    """Count submissions, one at a time. Those that were moved to another force count there."""
    found = Figures()
    for one in submissions:
        if not one.moved_to:
            found = found + _of_one(one, now)
    return found


def _of_one(one: Submission, now: datetime) -> Figures:
    named: tuple[WaitingFor, ...] = ()
    if one.is_open and one.due_at is not None:
        waits = WaitingFor(
            reference=one.reference, force=one.force, role=one.waiting_for or "claimant", by=one.due_at
        )
        named = (waits,)
    is_over = not one.is_open
    return Figures(
        submitted=1,
        approved=is_over and one.status not in _TURNED_DOWN | _ENDED_EARLY,
        rejected=one.status in _TURNED_DOWN,
        ended=one.status in _ENDED_EARLY,
        waiting=one.is_open,
        overdue=one.is_open and one.due_at is not None and one.due_at <= now,
        reserved_pence=one.reserved_pence,
        committed_pence=one.committed_pence,
        longest=named,
    )


def last_week(now: datetime) -> Period:
    """The last whole week in London, Monday to Sunday."""
    monday = _monday(now)
    return _days(monday - timedelta(days=7), monday)


def last_fortnight(now: datetime) -> Period:
    """The last whole fortnight in London."""
    passed = (now.astimezone(LONDON).date() - FIRST_FORTNIGHT).days // 14
    end = FIRST_FORTNIGHT + timedelta(days=14 * passed)
    return _days(end - timedelta(days=14), end)


def so_far(now: datetime) -> Period:
    """This week up to now, for looking at a digest before its day; the last week on the stroke of Monday."""
    start, end = _midnight(_monday(now)), now.replace(microsecond=0)
    return Period(start=start, end=end) if start < end else last_week(now)


def before(period: Period) -> Period:
    """The period whose figures these are compared with: the one of the same length before; before a part of a
    week, the last whole one."""
    start, end = period.start.astimezone(LONDON).date(), period.end.astimezone(LONDON).date()
    is_whole = _midnight(end) == period.end and (end - start).days % 7 == 0
    return _days(start - (end - start if is_whole else timedelta(days=7)), start)


def _monday(now: datetime) -> date:
    today = now.astimezone(LONDON).date()
    return today - timedelta(days=today.weekday())


def _days(first: date, end: date) -> Period:
    return Period(start=_midnight(first), end=_midnight(end))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON).astimezone(timezone.utc)


def figure_rows(now: Figures, last: Figures | None, noun: str) -> list[list[str]]:
    """Each count in words, and by how much it is more or less than `last` time."""
    names = {
        "submitted": f"{noun.capitalize()}s sent in",
        "approved": "Approved",
        "rejected": "Not approved",
        "ended": "Withdrawn or lapsed",
        "waiting": "Waiting for an answer",
    }
    return [[heading, _compared(now, last, name)] for name, heading in names.items()]


def _compared(now: Figures, last: Figures | None, name: str) -> str:
    number: int = getattr(now, name)
    if last is None:
        return f"{number:,}"
    moved = number - int(getattr(last, name))
    if not moved:
        return f"{number:,}, as last time"
    return f"{number:,}, {abs(moved):,} {'more' if moved > 0 else 'fewer'} than last time"


def money_rows(now: Figures, last: Figures | None, balance: Balance) -> list[list[str]]:
    """What is reserved, committed and left, in pounds."""
    found = []
    for name, heading in (("reserved_pence", "Reserved"), ("committed_pence", "Committed")):
        pence, words = int(getattr(now, name)), ""
        moved = pence - int(getattr(last, name)) if last else 0
        if last:
            more = "more" if moved > 0 else "less"
            words = f", {pounds(abs(moved))} {more} than last time" if moved else ", as last time"
        found.append([heading, pounds(pence) + words])
    return [*found, ["Left", f"{pounds(balance.available)} of {pounds(balance.total)}"]]


def chart_rows(now: Figures) -> list[list[str | int]]:
    """The bars: label and number. They add up to all that was sent in."""
    return [
        ["Approved", now.approved],
        ["Waiting", now.waiting],
        ["Not approved", now.rejected],
        ["Withdrawn or lapsed", now.ended],
    ]


def waiting_rows(longest: Sequence[WaitingFor], force_names: dict[str, str]) -> list[list[str]]:
    """Who is to answer what, and by when; with the force's name where there are several."""
    rows = []
    for one in longest:
        where = f"{force_names[one.force]}, " if one.force in force_names else ""
        who = "whoever sent it in" if one.role == "claimant" else role_words(one.role)
        rows.append([one.reference, f"{where}{who}, by {short_day(one.by)}"])
    return rows
