"""Submissions and what is stored with them, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.errors import NotFound
from chalicelib.domain.submissions import Case, Submission
from chalicelib.services.changes import Change, ChangeRefused, ChangeSubmission, KeyRecord
from chalicelib.services.ports import Listed, Waiting
from tests.fakes.store import Operation, RefusedOperation, Store, operations

MOST_OPERATIONS = 100


@dataclass
class MemoryForceRecords:
    """The submissions of one force."""

    store: Store
    force: str

    def case(self, reference: str) -> Case:
        with self.store.lock:
            found = self.store.items.get(("submission", self.force, reference))
            if found is None:
                raise NotFound("There is no submission with this reference.")
            return deepcopy(
                Case(
                    submission=found,
                    personal=self.store.items.get(("personal", self.force, reference), {}),
                    tasks=tuple(self._beside("task", reference).values()),
                    entries=tuple(self._beside("entry", reference).values()),
                    texts=self._beside("text", reference),
                    token=self.store.items.get(("token", self.force, reference), ""),
                    versions=tuple(self._beside("version", reference).values()),
                )
            )

    def newest(self, form: str, *, limit: int) -> list[Listed]:
        found = [
            one for one in self.store.of_kind("submission") if (one.force, one.form) == (self.force, form)
        ]
        found.sort(key=lambda one: one.submitted_at, reverse=True)
        return [
            Listed(
                reference=one.reference,
                title=one.title,
                status=one.status,
                amount_pence=one.amount_pence,
                submitted_at=one.submitted_at,
            )
            for one in found[:limit]
        ]

    def _beside(self, kind: str, reference: str) -> dict[int, Any]:
        numbers = sorted(key[3] for key in self.store.items if key[:3] == (kind, self.force, reference))
        return {number: self.store.items[(kind, self.force, reference, number)] for number in numbers}


@dataclass
class MemoryRecords:
    """All submissions. `before_commit`, if set, runs once before the next commit: somebody who was quicker."""

    store: Store
    before_commit: Callable[[], object] | None = None

    def of(self, force: str) -> MemoryForceRecords:
        return MemoryForceRecords(self.store, force)

    def force_of(self, reference: str) -> str:
        try:
            return str(self.store.items[("reference", reference)])
        except KeyError:
            raise NotFound("There is no submission with this reference.") from None

    def commit(self, changes: Sequence[Change]) -> None:
        quicker, self.before_commit = self.before_commit, None
        if quicker:
            quicker()
        with self.store.lock:
            asked = [operation for change in changes for operation in operations(self.store, change)]
            items = [operation.item for operation in asked]
            if len(items) > MOST_OPERATIONS or len(set(items)) < len(items) or not items:
                raise RefusedOperation("no items, more than 100, or one item twice")
            refused = [one.change for one in sorted(asked, key=_order) if not one.holds]
            if refused:
                raise ChangeRefused(refused[0])
            for operation in asked:
                operation.apply()
            self.store.commits += 1

    def key(self, form: str, key: str, *, now: datetime) -> KeyRecord | None:
        record: KeyRecord | None = self.store.items.get(("key", form, key))
        return record if record and record.expires_at > now else None

    def waiting(self) -> Iterator[Waiting]:
        waits = [one for one in self.store.of_kind("submission") if one.is_open]
        for one in sorted(waits, key=_next_date):
            yield Waiting(force=one.force, reference=one.reference, round=one.round, turn=one.asked_as)

    def due(self, now: datetime) -> Iterator[Waiting]:
        late = {
            one.reference
            for one in self.store.of_kind("submission")
            if one.is_open and _next_date(one) <= now
        }
        return (one for one in self.waiting() if one.reference in late)


def _order(operation: Operation) -> tuple[bool, int]:
    """That the submission has moved on is told before all else."""
    return not isinstance(operation.change, ChangeSubmission), operation.rank


def _next_date(one: Submission) -> datetime:
    date = one.next_at or one.due_at
    assert date is not None, "an open submission has a next date"
    return date
