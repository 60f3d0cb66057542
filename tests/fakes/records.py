"""Submissions and what is stored with them, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from chalicelib.adapters.aws.macs import KeyedMacs, key_of
from chalicelib.adapters.dynamodb.parcels import prepared
from chalicelib.adapters.dynamodb.records import FIRST_TOLD
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ideas import publication
from chalicelib.domain.records.submissions import Case, Submission, TaskState
from chalicelib.services.changes import AddEntry, Change, ChangeRefused, ContentRecord, KeyRecord
from chalicelib.services.desk.listing import listed
from chalicelib.services.ports import AskedTask, Counted, Listed, Place, Published, Waiting
from tests.builders import MAC_KEY
from tests.fakes.store import Operation, RefusedOperation, Store, operations, parcels

MOST_OPERATIONS = 100
MACS = KeyedMacs([key_of(MAC_KEY)])
"""What seals entries in tests."""


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
                    submission=found.as_read,
                    personal=self.store.items.get(("personal", self.force, reference), {}),
                    salt=self.store.items.get(("salt", self.force, reference), ""),
                    tasks=tuple(self._beside("task", reference).values()),
                    entries=tuple(self._beside("entry", reference).values()),
                    texts=self._beside("text", reference),
                    token=self.store.items.get(("token", self.force, reference), ""),
                    token_for=self.store.items.get(("token-for", self.force, reference)),
                    versions=tuple(self._beside("version", reference).values()),
                )
            )

    def newest(self, form: str, *, limit: int) -> list[Listed]:
        found = [one for one in _proven(self.store) if (one.force, one.form) == (self.force, form)]
        found.sort(key=lambda one: one.submitted_at, reverse=True)
        return [listed(one) for one in found[:limit]]

    def page(self, form: str, *, after: Place | None, limit: int) -> list[Listed]:
        found = _proven(self.store)
        return _page([one for one in found if (one.force, one.form) == (self.force, form)], after, limit)

    def open(self, *, limit: int) -> list[Listed]:
        return list(islice(self.waiting(), limit))

    def waiting(self) -> Iterator[Listed]:
        waits = [one for one in self.store.of_kind("submission") if one.is_open and one.force == self.force]
        yield from map(listed, sorted(waits, key=lambda one: one.due_at))

    def asked_of(self, person_id: str, *, limit: int) -> list[AskedTask]:
        tasks = MemoryRecords(self.store).asked_of(person_id, limit=10_000)
        return [task for task in tasks if task.force == self.force][:limit]

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
            sealed = [
                replace(change, entry=MACS.sealed(change)) if isinstance(change, AddEntry) else change
                for change in prepared(changes)
            ]
            asked = [operation for change in sealed for operation in operations(self.store, change)]
            asked += parcels(self.store, sealed)
            items = [operation.item for operation in asked]
            if len(items) > MOST_OPERATIONS or len(set(items)) < len(items) or not items:
                raise RefusedOperation("no items, more than 100, or one item twice")
            as_given = dict(zip(map(id, sealed), changes))
            refused = [as_given[id(one.change)] for one in sorted(asked, key=_order) if not one.holds]
            if refused:
                raise ChangeRefused(refused[0])
            for operation in asked:
                operation.apply()
            self.store.commits += 1

    def key(self, form: str, key: str, *, now: datetime) -> KeyRecord | None:
        record: KeyRecord | None = self.store.items.get(("key", form, key))
        return record if record and record.expires_at > now else None

    def content(self, digest: str, *, now: datetime) -> ContentRecord | None:
        record: ContentRecord | None = self.store.items.get(("content", digest))
        return record if record and record.expires_at > now else None

    def page(self, form: str, *, after: Place | None, limit: int) -> list[Listed]:
        found = _proven(self.store)
        return _page([one for one in found if one.form == form and not one.moved_to], after, limit)

    def open(self, *, limit: int) -> list[Listed]:
        waits = [one for one in self.store.of_kind("submission") if one.is_open]
        return [listed(one) for one in sorted(waits, key=_next_date)[:limit]]

    def asked_of(self, person_id: str, *, limit: int) -> list[AskedTask]:
        tasks = [one for one in self.store.of_kind("task") if one.state is TaskState.OPEN]
        theirs = sorted((one for one in tasks if one.person_id == person_id), key=lambda one: one.due_at)
        return [
            AskedTask(
                force=one.force,
                reference=one.reference,
                number=one.number,
                stage=one.stage,
                due_at=one.due_at,
            )
            for one in theirs[:limit]
        ]

    def count_published(self, now: datetime, *, most: int) -> tuple[Mapping[str, int], bool]:
        read = self.published(now)
        by_force = Counter(one.force for one in islice(read, most))
        return by_force, next(read, None) is not None

    def counted(self) -> Counted | None:
        found: Counted | None = self.store.items.get(("counted",))
        return found

    def keep_counted(self, counted: Counted, *, instead_of: Counted | None) -> bool:
        with self.store.lock:
            if self.counted() != instead_of:
                return False
            self.store.items[("counted",)] = counted
            return True

    def published(
        self,
        now: datetime,
        *,
        after: Place | None = None,
        force: str = "",
        category: str = "",
        look_at: int = 50,
    ) -> Iterator[Published]:
        found = sorted(self.store.of_kind("submission"), key=_order_of_lists, reverse=True)
        for one in found:
            told = one.put_back(one.undo.before) if one.undo and one.may_undo(now) else one
            # A change of its answers writes it anew; what is withdrawn cannot be told as if it were not.
            is_public = publication.is_public(told) and publication.is_public(one)
            is_wanted = force in ("", one.force) and category in ("", one.category)
            is_later = after is None or _order_of_lists(one) < (
                after.submitted_at,
                after.force,
                after.reference,
            )
            if is_public and is_wanted and is_later:
                yield published(told)

    def some(self, wanted: Sequence[tuple[str, str]]) -> Iterator[Case]:
        with self.store.lock:
            found = [one for one in dict.fromkeys(wanted) if ("submission", *one) in self.store.items]
            yield from [
                Case(
                    submission=deepcopy(self.store.items[("submission", *one)]).as_read,
                    personal={},
                    token=self.store.items.get(("token", *one), ""),
                    token_for=self.store.items.get(("token-for", *one)),
                )
                for one in found
            ]

    def waiting(self) -> Iterator[Waiting]:
        waits = [one for one in self.store.of_kind("submission") if one.is_open]
        for one in sorted(waits, key=_next_date):
            yield Waiting(force=one.force, reference=one.reference, round=one.round, turn=one.asked_as)

    def unconfirmed(self, now: datetime) -> Iterator[Waiting]:
        waits = [one for one in self.store.of_kind("submission") if one.is_dated and not one.is_open]
        for one in sorted((one for one in waits if _next_date(one) <= now), key=_next_date):
            yield Waiting(force=one.force, reference=one.reference, round=one.round, turn=one.asked_as)

    def due(self, now: datetime) -> Iterator[Waiting]:
        late = {
            one.reference
            for one in self.store.of_kind("submission")
            if one.is_open and _next_date(one) <= now
        }
        return (one for one in self.waiting() if one.reference in late)


def _proven(store: Store) -> list[Submission]:
    """The submissions that are in lists."""
    return [one for one in store.of_kind("submission") if not one.is_unproven]


def _order(operation: Operation) -> tuple[int, int]:
    """That the submission has moved on is told before all else, then what was sent before."""
    told = [isinstance(operation.change, kind) for kind in FIRST_TOLD]
    return (told.index(True) if any(told) else len(told)), operation.rank


def published(one: Submission) -> Published:
    """A submission as the public list has it."""
    return Published(
        reference=one.reference,
        title=one.title,
        force=one.force,
        category=one.category,
        status=one.status,
        submitted_at=one.submitted_at,
    )


def _page(found: Sequence[Submission], after: Place | None, limit: int) -> list[Listed]:
    lines = sorted((listed(one) for one in found), key=_order_of_lists, reverse=True)
    if after is not None:
        end = (after.submitted_at, after.force, after.reference)
        lines = [line for line in lines if _order_of_lists(line) < end]
    return lines[:limit]


def _order_of_lists(line: Listed | Submission) -> tuple[datetime, str, str]:
    return line.submitted_at, line.force, line.reference


def _next_date(one: Submission) -> datetime:
    date = one.next_at or one.due_at
    assert date is not None, "an open submission has a next date"
    return date
