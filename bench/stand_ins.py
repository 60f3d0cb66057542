"""What the product's services are given around a submission whose life is lived through: nothing is stored, nothing
is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bench.environment import ENVIRONMENT
from chalicelib.adapters.aws.macs import KeyedMacs, key_of
from chalicelib.domain.errors import NotFound
from chalicelib.domain.money.fund import Balance, Fund, Movement
from chalicelib.domain.people.people import Away, Holding, Person
from chalicelib.domain.records.submissions import Case
from chalicelib.services.changes import (
    AddEntry,
    AddSubmission,
    AddTask,
    Change,
    ChangeSubmission,
    CloseTask,
    KeepPersonal,
    KeepToken,
    KeepVersion,
    MoveMoney,
)
from chalicelib.services.ports import Waiting

MACS = KeyedMacs([key_of(ENVIRONMENT["MAC_KEYS"])])
Commit = Callable[[Sequence[Change]], None]


@dataclass
class Records:
    """Records of one submission, at whatever force it is asked for."""

    also: Commit
    kept: Case | None = None
    movements: list[Movement] = field(default_factory=list)

    def of(self, force: str) -> Records:
        return self

    def case(self, reference: str) -> Case:
        if self.kept is None:
            raise NotFound("There is no submission with this reference.")
        return self.kept

    def force_of(self, reference: str) -> str:
        return self.case(reference).submission.force

    def due(self, now: datetime) -> Iterator[Waiting]:
        one = self.case("").submission
        if one.next_at is not None and one.next_at <= now:
            yield Waiting(force=one.force, reference=one.reference, round=one.round, turn=one.asked_as)

    def unconfirmed(self, now: datetime) -> Iterator[Waiting]:
        """None: all of them come from a mailbox that is proven."""
        yield from ()

    def commit(self, changes: Sequence[Change]) -> None:
        self.also(changes)
        for change in changes:
            self._apply(change)

    def _apply(self, change: Change) -> None:
        """What expires, and what goes out, is left out: it would be gone by now."""
        if isinstance(change, AddSubmission):
            self.kept = Case(submission=change.submission, personal=change.personal, salt=change.salt)
        case = self.kept
        if case is None:
            return
        if isinstance(change, ChangeSubmission):
            self.kept = replace(case, submission=change.submission)
        elif isinstance(change, AddTask):
            self.kept = replace(case, tasks=(*case.tasks, change.task))
        elif isinstance(change, CloseTask):
            tasks = tuple(change.task if one.number == change.task.number else one for one in case.tasks)
            self.kept = replace(case, tasks=tasks)
        elif isinstance(change, AddEntry):
            texts = {**case.texts, change.text.sequence: change.text} if change.text else case.texts
            self.kept = replace(case, entries=(*case.entries, MACS.sealed(change)), texts=texts)
        elif isinstance(change, KeepToken):
            self.kept = replace(case, token=change.token, token_for=change.token_for)
        elif isinstance(change, KeepVersion):
            self.kept = replace(case, versions=(*case.versions, change.version))
        elif isinstance(change, KeepPersonal):
            self.kept = replace(case, personal=change.personal, salt=change.salt)
        elif isinstance(change, MoveMoney):
            self.movements.append(change.movement)


class People:
    """Those who are registered, none of whom is ever away."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._by_id = {person.id: person for person in people}
        self._holders: dict[Holding, list[Person]] = {}
        for person in people:
            for holding in person.roles:
                self._holders.setdefault(holding, []).append(replace(person, roles=(holding,)))

    def person(self, person_id: str) -> Person | None:
        return self._by_id.get(person_id)

    def by_address(self, address: str) -> Person | None:
        return None

    def holders(self, holding: Holding) -> list[Person]:
        return self._holders.get(holding, [])

    def away(self, person_id: str) -> Away | None:
        return None


class Funds:
    """A fund that is never empty."""

    def fund(self, fund_id: str, *, force: str = "") -> Fund:
        return Fund(id=fund_id, name=fund_id, balance=Balance(total=10**12), forces={})


class Nothing:
    """State machines, mail and links, of which nothing is stored: whatever is asked of them is empty."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: ""
