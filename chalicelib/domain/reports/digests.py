"""Digests: how each form's submissions stand at a force or everywhere, in figures that name nobody."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, field, fields, replace
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.domain.approvals.deadlines import short_day
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.ideas import publication
from chalicelib.domain.lists import entries
from chalicelib.domain.money.fund import Balance
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.people.people import role_words
from chalicelib.domain.records.submissions import Submission
from chalicelib.domain.reports.exports import LEADERS, LONDON, Period, midnight
from chalicelib.domain.sentences import capital
from chalicelib.domain.values import value

FIRST_FORTNIGHT = date(2026, 1, 5)
"""A Monday. Fortnights are counted from it, so that each has one name."""

MOST_NAMED = 5
"""How many of those that wait a digest names."""

ENDED = "ended"
"""As what counts whatever ended without an answer."""

_TOLD = sorted(
    (entry for entry in entries("statuses") if "digest" in entry), key=lambda entry: entry["digest"]["place"]
)
_HEADINGS: dict[str, str] = {entry["code"]: entry["digest"]["heading"] for entry in _TOLD}


@value
class WaitingFor:
    """An open submission: who is to act (`role`) and by when (UTC). `is_late`: nobody decided in time.

    They are named by `rank`, then by date: 1 where the readers are asked about others of them, and not about this.
    """

    reference: str
    force: str
    role: str
    by: datetime
    is_late: bool = False
    rank: int = 0


@value
class Figures:
    """Counts of a form's submissions so far, and what the fund holds and has paid for them, in pence.

    `answered` are those that are over by the status they ended with, `ended` those that ended without an answer.
    `overdue` are those of `waiting` that nobody decided in time, `public` those that everybody may read, and
    `public_overdue` those that are both. `to_answer` need an answer, `for_readers` of them from the readers
    themselves; `longest` are the first of these.
    """

    submitted: int = 0
    ended: int = 0
    waiting: int = 0
    overdue: int = 0
    public: int = 0
    public_overdue: int = 0
    to_answer: int = 0
    for_readers: int = 0
    reserved_pence: int = 0
    committed_pence: int = 0
    paid_pence: int = 0
    longest: tuple[WaitingFor, ...] = ()
    answered: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Figures) -> Figures:
        """Both together."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _numbers()}
        answered = dict(Counter(self.answered) + Counter(other.answered))
        return replace(self, **sums, answered=answered, longest=_first((*self.longest, *other.longest)))

    def count(self, name: str) -> int:
        """One of the numbers, or how many were answered so."""
        return int(self.answered[name] if name in self.answered else getattr(self, name, 0))

    @property
    def hidden(self) -> int:
        """How many wait and are not public."""
        return self.waiting - self.public

    @property
    def hidden_overdue(self) -> int:
        """How many of those nobody decided in time."""
        return self.overdue - self.public_overdue

    def to_json(self) -> bytes:
        """The figures as they are stored. What is nought is left out."""
        data = _said(self)
        data |= data.pop("answered", {})
        data["longest"] = [{**_said(one), "by": one.by.isoformat()} for one in self.longest]
        return json.dumps(data, indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Figures:
        """What `to_json` made, also that of earlier versions, which counted less."""
        data = json.loads(content)
        longest = [{**one, "by": datetime.fromisoformat(one["by"])} for one in data.pop("longest")]
        answered = {name: data.pop(name) for name in list(data) if name not in _numbers()}
        return cls(**data, answered=answered, longest=tuple(WaitingFor(**one) for one in longest))


def _numbers() -> list[str]:
    return [one.name for one in fields(Figures) if one.name not in ("longest", "answered")]


def _said(one: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if value}


def _first(waiting: Iterable[WaitingFor]) -> tuple[WaitingFor, ...]:
    return tuple(sorted(waiting, key=lambda one: (one.rank, one.by, one.reference))[:MOST_NAMED])


def figures(
    submissions: Iterable[Submission], form: Form, *, now: datetime, for_leaders: bool = False
) -> Figures:
    """Count a form's submissions, one at a time, for a chief constable or for the national leaders. Those that
    were moved to another force count there."""
    asked = frozenset(
        stage.name
        for stage in form.workflow.stages
        if for_leaders and any(role.role in LEADERS for role in stage.roles)
    )
    found = Figures()
    for one in submissions:
        if not one.moved_to:
            found = found + (_open(one, form, asked, for_leaders, now) if one.is_open else _over(one))
    return found


def _over(one: Submission) -> Figures:
    if one.status.value in _HEADINGS:
        return _money(one) + Figures(submitted=1, answered={one.status.value: 1})
    return _money(one) + Figures(submitted=1, ended=1)


def _money(one: Submission) -> Figures:
    return Figures(
        reserved_pence=one.reserved_pence,
        committed_pence=one.committed_pence,
        paid_pence=one.paid_pence - one.returned_pence,
    )


def _open(one: Submission, form: Form, asked: frozenset[str], for_leaders: bool, now: datetime) -> Figures:
    is_late = one.asked_as is AskedAs.COORDINATORS or (one.due_at is not None and one.due_at <= now)
    is_public, is_theirs = publication.is_public(one), one.stage in asked
    # Of what is published, the leaders are told what they are asked themselves, and what nobody answered in time.
    is_named = not form.is_published or (is_public and (not for_leaders or is_theirs or is_late))
    named: tuple[WaitingFor, ...] = ()
    if is_named and one.due_at is not None:
        waits = WaitingFor(
            reference=one.reference,
            force=one.force,
            role=one.waiting_for,
            by=one.due_at,
            is_late=is_late,
            rank=0 if is_theirs or not asked else 1,
        )
        named = (waits,)
    return _money(one) + Figures(
        submitted=1,
        waiting=1,
        overdue=int(is_late),
        public=int(is_public),
        public_overdue=int(is_public and is_late),
        to_answer=int(is_named),
        for_readers=int(is_named and is_theirs),
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
    start, end = midnight(_monday(now)), now.replace(microsecond=0)
    return Period(start=start, end=end) if start < end else last_week(now)


def before(period: Period) -> Period:
    """The period whose figures these are compared with: the one of the same length before; before a part of a
    week, the last whole one."""
    start, end = period.start.astimezone(LONDON).date(), period.end.astimezone(LONDON).date()
    is_whole = midnight(end) == period.end and (end - start).days % 7 == 0
    return _days(start - (end - start if is_whole else timedelta(days=7)), start)


def _monday(now: datetime) -> date:
    today = now.astimezone(LONDON).date()
    return today - timedelta(days=today.weekday())


def _days(first: date, end: date) -> Period:
    return Period(start=midnight(first), end=midnight(end))


@value
class Group:
    """Some of a form's submissions: how they are called, how many they are, and whether they wait."""

    heading: str
    now: int
    last: int | None
    is_open: bool = False


def groups(form: Form, now: Figures, last: Figures | None) -> list[Group]:
    """All of a form's submissions: those that are over by what became of them, then those that wait."""
    headings = {**_HEADINGS, ENDED: _ended(form)}
    found = [_group(heading, now, last, name) for name, heading in headings.items()]
    if not form.is_published:
        return [*found, _group("Waiting for an answer", now, last, "waiting", is_open=True)]
    return [
        *found,
        _group("Published, waiting for an answer", now, last, "public", is_open=True),
        _group("Not published yet", now, last, "hidden", is_open=True),
    ]


def _ended(form: Form) -> str:
    """Only what is sent back for changes can lapse."""
    choices = (choice for stage in form.workflow.stages for choice in stage.choices)
    can_lapse = any(choice.outcome.asks_for_changes for choice in choices)
    return "Withdrawn or lapsed" if can_lapse else "Withdrawn"


def _group(heading: str, now: Figures, last: Figures | None, name: str, *, is_open: bool = False) -> Group:
    was = None if last is None else last.count(name)
    return Group(heading=heading, now=now.count(name), last=was, is_open=is_open)


def figure_rows(form: Form, now: Figures, last: Figures | None) -> list[list[str]]:
    """Each count in words, and by how much it is more or less than `last` time. An end that none has come to is left
    out."""
    sent = _group(f"{capital(form.noun)}s sent in", now, last, "submitted")
    told = [one for one in groups(form, now, last) if one.now or one.last or one.is_open]
    return [[one.heading, _compared(one)] for one in (sent, *told)]


def _compared(one: Group) -> str:
    if one.last is None:
        return f"{one.now:,}"
    moved = one.now - one.last
    if not moved:
        return f"{one.now:,}, as last time"
    return f"{one.now:,}, {abs(moved):,} {'more' if moved > 0 else 'fewer'} than last time"


def money_rows(now: Figures, last: Figures | None, balance: Balance) -> list[list[str]]:
    """What is reserved, committed, paid and left, in pounds. Where nothing was ever paid, that is left out."""
    found = []
    headings = {"reserved_pence": "Reserved", "committed_pence": "Committed", "paid_pence": "Paid"}
    for name, heading in headings.items():
        pence, was = int(getattr(now, name)), int(getattr(last, name)) if last else 0
        if name == "paid_pence" and not pence and not was:
            continue
        moved, words = pence - was, ""
        if last:
            more = "more" if moved > 0 else "less"
            words = f", {pounds(abs(moved))} {more} than last time" if moved else ", as last time"
        found.append([heading, pounds(pence) + words])
    return [*found, ["Left", f"{pounds(balance.available)} of {pounds(balance.total)}"]]


def chart_rows(form: Form, now: Figures) -> list[list[str | int]]:
    """The bars: label and number. They add up to all that was sent in; there is none for nothing."""
    return [[one.heading, one.now] for one in groups(form, now, None) if one.now]


def listed(names: Sequence[str]) -> str:
    """`claims, ideas and days`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def waiting_words(one: WaitingFor, force_names: dict[str, str]) -> str:
    """Who is to answer, and by when; with the force's name where there are several."""
    where = f"{force_names[one.force]}, " if one.force in force_names else ""
    who = "whoever sent it in" if one.role == "claimant" else role_words(one.role)
    return f"{'overdue: ' if one.is_late else ''}{where}{who}, by {short_day(one.by)}"


def waiting_rows(longest: Sequence[WaitingFor], force_names: dict[str, str]) -> list[list[str]]:
    """By reference: who is to answer what, and by when."""
    return [[one.reference, waiting_words(one, force_names)] for one in longest]
