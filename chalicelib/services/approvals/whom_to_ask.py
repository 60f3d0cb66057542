"""Whom to ask: holders of a role who are not barred, or whoever stands in for them while they are away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.approvals import who_decides
from chalicelib.domain.approvals.deadlines import london_day
from chalicelib.domain.forms.stages import Asked, AskedAs, Seat, Stage
from chalicelib.domain.people.people import Person
from chalicelib.domain.records.submissions import Case, Submission, Task
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts

MOST_ASKED = 18
"""A transaction takes 100 operations, and handing a task on takes five."""


@value
class Chosen:
    """Somebody to be asked, in which role. `stands_in_for` is the id of somebody who is away; `instead_of` the
    open task that is handed on."""

    person: Person
    role: str
    stands_in_for: str = ""
    instead_of: Task | None = None

    def task(self, one: Submission, *, asked_at: datetime, due_at: datetime) -> Task:
        """The submission's next task, in the turn that it is at."""
        return Task(
            force=one.force,
            reference=one.reference,
            number=one.tasks + 1,
            stage=one.stage,
            version=one.version,
            sitting=one.sitting,
            asked_as=one.asked_as,
            person_id=self.person.id,
            role=self.role,
            asked_at=asked_at,
            due_at=due_at,
            stands_in_for=self.stands_in_for,
        )


def with_claimant(parts: Parts, case: Case) -> tuple[Submission, frozenset[str]]:
    """The submission, saying who the claimant is, if registered, and the ids of those who may not decide it.

    The claimant stays the first who was known: another address, given with changes, bars whoever has it as well,
    and lets nobody in.
    """
    one = case.submission
    email_field = parts.forms.form(one.form, one.form_version).email_field
    claimant = parts.people.by_address(str(case.personal.get(email_field, "")))
    present = claimant.id if claimant else ""
    one = replace(one, claimant_id=one.claimant_id or present)
    return one, who_decides.barred(one) | ({present} - {""})


def choose(
    parts: Parts, case: Case, stage: Stage, turn: AskedAs, *, barred: frozenset[str], now: datetime
) -> list[Chosen]:
    """Who is asked in a turn; nobody where there are fewer than the stage's quorum takes."""
    if turn is AskedAs.DEPUTY:
        waiting = {task.person_id for task in case.open_tasks}
        chooser = _Chooser(parts, case, barred | waiting, now)
        return _one_or_none(chooser.one(stage.seats[0], as_deputy=True))
    chooser = _Chooser(parts, case, barred, now)
    if stage.everyone:
        found = list(chooser.everyone(stage.seats[0]))
    elif stage.asks_several:
        found = [chosen for seat in stage.seats if (chosen := chooser.either(seat))]
        if stage.quorum is None and len(found) < len(stage.seats):
            return []
    else:
        return _one_or_none(chooser.one(stage.seats[0]))
    return found if found and len(found) >= stage.needed(len(found)) else []


def choose_deputies(
    parts: Parts, case: Case, stage: Stage, *, barred: frozenset[str], now: datetime
) -> list[Chosen]:
    """A deputy for each open task of a stage that asks several, as far as there are any."""
    sitting = {task.person_id for task in case.sitting}
    chooser = _Chooser(parts, case, barred | sitting, now)
    found = []
    for task in case.sitting:
        if task not in case.open_tasks:
            continue
        chosen = chooser.one(who_decides.seat_of(stage, task), as_deputy=True)
        if chosen is not None:
            found.append(replace(chosen, instead_of=task))
    return found


def may_be_asked(parts: Parts, case: Case, seat: Seat, *, barred: frozenset[str]) -> dict[str, Chosen]:
    """Everybody who may decide in a seat, by id, whether away or not: those to whom a task can be handed."""
    barred |= {task.person_id for task in case.sitting}
    found: dict[str, Chosen] = {}
    for asked in (seat.asks, seat.deputy):
        holders = parts.people.holders(asked.holding(case.submission.force))
        for person in who_decides.eligible(holders, barred):
            found.setdefault(person.id, Chosen(person=person, role=asked.role))
    return found


def stand_in(parts: Parts, case: Case, seat: Seat, *, barred: frozenset[str], now: datetime) -> Chosen | None:
    """One person for the seat of somebody who has left: another holder of the role, else the deputy."""
    sitting = {task.person_id for task in case.sitting}
    return _Chooser(parts, case, barred | sitting, now).either(seat)


def _one_or_none(chosen: Chosen | None) -> list[Chosen]:
    return [chosen] if chosen else []


class _Chooser:
    """Chooses one person after another, nobody twice."""

    def __init__(self, parts: Parts, case: Case, barred: frozenset[str], now: datetime) -> None:
        self._parts = parts
        self._force = case.submission.force
        self._taken = set(barred)
        self._first = who_decides.preferred(case)
        self._today = london_day(now)

    def one(self, seat: Seat, *, as_deputy: bool = False) -> Chosen | None:
        """One person for a seat."""
        return self._take(next(self._candidates(seat, seat.deputy if as_deputy else seat.asks), None))

    def either(self, seat: Seat) -> Chosen | None:
        """One person for a seat, its deputy where nobody else may."""
        return self.one(seat) or self.one(seat, as_deputy=True)

    def everyone(self, seat: Seat) -> Iterator[Chosen]:
        """All who hold the seat's role, as far as one transaction can ask and hand on."""
        for _ in range(MOST_ASKED):
            chosen = self.one(seat)
            if chosen is None:
                break
            yield chosen

    def _take(self, chosen: Chosen | None) -> Chosen | None:
        if chosen is not None:
            self._taken |= {chosen.person.id, chosen.stands_in_for}
        return chosen

    def _candidates(self, seat: Seat, asked: Asked) -> Iterator[Chosen]:
        """Those who hold the role, in order; for those who are away, the delegate whom they named."""
        for person in who_decides.eligible(self._holders(asked), self._taken, before_others=self._first):
            away = self._parts.people.away(person.id)
            if away is None or not away.covers(self._today):
                yield Chosen(person=person, role=asked.role)
            elif delegate := self._delegate(seat, away.delegate_id):
                yield Chosen(person=delegate.person, role=delegate.role, stands_in_for=person.id)

    def _delegate(self, seat: Seat, person_id: str) -> Chosen | None:
        """The delegate, where they may decide here and are not away themselves."""
        if not person_id or person_id in self._taken:
            return None
        away = self._parts.people.away(person_id)
        if away is not None and away.covers(self._today):
            return None
        for asked in (seat.asks, seat.deputy):
            for person in self._holders(asked):
                if person.id == person_id:
                    return Chosen(person=person, role=asked.role)
        return None

    def _holders(self, asked: Asked) -> list[Person]:
        return self._parts.people.holders(asked.holding(self._force))
