"""The store that all fakes share: its items, and what each change does to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from threading import RLock
from typing import Any

from chalicelib.domain.delivery.deliveries import Delivery, read_address
from chalicelib.domain.delivery.deliveries import Kind as DeliveryKind
from chalicelib.domain.money.fund import Balance, Held, Kind, Movement
from chalicelib.domain.records.submissions import Submission, Task, TaskState
from chalicelib.services.changes import (
    AMENDED,
    CONFIRMED,
    FIXED,
    AddDelivery,
    AddEntry,
    AddPersonChange,
    AddSession,
    AddSubmission,
    AddTask,
    CancelDelivery,
    Change,
    ChangeSubmission,
    CloseTask,
    CountMailbox,
    CountSource,
    KeepContent,
    KeepKey,
    KeepPair,
    KeepPersonal,
    KeepToken,
    KeepVersion,
    KnownReference,
    LinkIdentity,
    MoveSubmission,
    NotThere,
    ProveSession,
    ReopenTask,
    StillHolds,
    UseState,
)

CHECK, DELETE, PUT, UPDATE = range(4)
RELAY_GRACE = timedelta(seconds=60)
"""How long the stream has to carry a delivery before the sweeper does."""


class RefusedOperation(Exception):
    """DynamoDB's ValidationException: the transaction itself is wrong."""


@dataclass
class Operation:
    """A part of a change: on which item, whether its condition holds, and what it does."""

    change: Change
    rank: int
    item: tuple[Any, ...]
    holds: bool
    apply: Callable[[], None]


@dataclass
class Store:
    """All items, by key, as the one table holds them; `lock` isolates transactions."""

    items: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    lock: Any = field(default_factory=RLock)
    commits: int = 0

    def snapshot(self) -> dict[tuple[Any, ...], Any]:
        """A copy to compare with later."""
        with self.lock:
            return deepcopy(self.items)

    def of_kind(self, kind: str) -> list[Any]:
        """All items of one kind."""
        with self.lock:
            return [item for key, item in self.items.items() if key[0] == kind]


@dataclass
class Queued:
    """A delivery in the outbox. A delivery that is done has lost its payload."""

    delivery: Delivery
    again_at: datetime | None = None
    done_at: datetime | None = None
    claimed_until: datetime | None = None
    claimed_at: datetime | None = None
    aside_at: datetime | None = None
    error: str = ""
    is_moved: bool = False
    """It was part of a parcel, was set aside, and has an item of its own."""

    @property
    def is_open(self) -> bool:
        is_for_nobody = self.delivery.kind is DeliveryKind.NOTHING
        return not self.done_at and not self.aside_at and not is_for_nobody

    @property
    def due_at(self) -> datetime:
        grace = timedelta(0) if self.delivery.is_held else RELAY_GRACE
        return self.again_at or self.delivery.due_at + grace

    @property
    def as_read(self) -> Delivery:
        """The delivery as it is found again: that it was put off matters only when it is queued."""
        return replace(deepcopy(self.delivery), is_held=False)


def operations(store: Store, change: Change) -> Iterator[Operation]:
    """What DynamoDB is asked to do for a change, as chalicelib.adapters.dynamodb.changes asks it."""
    _check_kinds(change)
    items = store.items

    def absent(item: tuple[Any, ...], value: Any) -> Operation:
        kept = deepcopy(value)
        return Operation(change, PUT, item, item not in items, lambda: items.__setitem__(item, kept))

    def update(item: tuple[Any, ...], holds: Callable[[Any], bool], new: Callable[[Any], Any]) -> Operation:
        old = items.get(item)
        return Operation(
            change,
            UPDATE,
            item,
            old is not None and holds(old),
            lambda: items.__setitem__(item, new(items[item])),
        )

    if isinstance(change, AddSubmission):
        one = change.submission
        yield absent(("reference", one.reference), one.force)
        yield absent(("submission", one.force, one.reference), _as_stored(one))
        yield absent(("personal", one.force, one.reference), as_json(change.personal))
        yield absent(("salt", one.force, one.reference), change.salt)
    elif isinstance(change, ChangeSubmission):
        one = change.submission
        yield update(
            ("submission", one.force, one.reference),
            lambda old: old.revision == one.revision - 1,
            lambda old: _rewritten(old, one, change),
        )
    elif isinstance(change, MoveSubmission):
        one = change.submission
        yield absent(("submission", one.force, one.reference), _as_stored(one))
        yield update(("reference", one.reference), lambda old: old == change.was_at, lambda old: one.force)
    elif isinstance(change, KeepPersonal):
        item = ("personal", change.submission.force, change.submission.reference)
        personal = as_json(change.personal)
        kept_with = {item: personal, ("salt", *item[1:]): change.salt}
        yield Operation(change, PUT, item, True, lambda: items.update(kept_with))
    elif isinstance(change, KeepVersion):
        where = (change.submission.force, change.submission.reference, change.version.number)
        yield absent(("version", *where), change.version)
        yield absent(("personal-version", *where), None)
    elif isinstance(change, AddTask):
        yield absent(_task_key(change.task), change.task)
    elif isinstance(change, CloseTask):
        task = change.task
        yield update(_task_key(task), lambda old: old.state is TaskState.OPEN, lambda old: _closed(old, task))
    elif isinstance(change, ReopenTask):
        yield update(
            _task_key(change.task),
            lambda old: old.state is change.was,
            lambda old: replace(old, state=TaskState.OPEN, decision="", decided_at=None, seen="", ended_by=0),
        )
    elif isinstance(change, CancelDelivery) and read_address(change.delivery_id)[0]:
        return  # with the rest of its parcel
    elif isinstance(change, CancelDelivery):
        item = ("delivery", change.delivery_id)
        queued = items.get(item)
        free = queued is not None and not queued.done_at and not queued.claimed_until
        yield Operation(change, DELETE, item, free, lambda: items.pop(item, None))
    elif isinstance(change, AddEntry):
        where = (change.submission.force, change.submission.reference, change.entry.sequence)
        yield absent(("entry", *where), change.entry)
        if change.text is not None:
            yield absent(("text", *where), change.text)
    elif isinstance(change, KeepToken):
        item = ("token", change.submission.force, change.submission.reference)
        token = {item: change.token, ("token-for", *item[1:]): change.token_for}
        yield Operation(change, PUT, item, True, lambda: items.update(token))
    elif isinstance(change, AddDelivery) and change.delivery.parcel:
        return
    elif isinstance(change, AddDelivery):
        yield absent(("delivery", change.delivery.id), Queued(change.delivery))
    elif isinstance(change, KeepKey):
        record = change.record
        item = ("key", record.form, record.key)
        free = item not in items or items[item].expires_at <= record.submitted_at
        yield Operation(change, PUT, item, free, lambda: items.__setitem__(item, record))
    elif isinstance(change, KeepContent):
        kept = change.record
        item = ("content", kept.digest)
        stands = items.get(item)
        free = (
            stands is None or stands.expires_at <= kept.submitted_at or stands.reference == change.in_place_of
        )
        yield Operation(change, PUT, item, free or change.anyway, lambda: items.__setitem__(item, kept))
    elif isinstance(change, CountMailbox):
        item = ("mailbox", change.mailbox, change.hour)
        counted = items.get(item, 0)
        yield Operation(
            change, UPDATE, item, counted < change.limit, lambda: items.__setitem__(item, counted + 1)
        )
    elif isinstance(change, KeepPair):
        item = ("pair", change.pair.mailbox)
        seen = items[item].version if item in items else 0
        kept_pair = change.pair
        yield Operation(
            change, UPDATE, item, seen == kept_pair.version - 1, lambda: items.__setitem__(item, kept_pair)
        )
    elif isinstance(change, AddSession):
        yield absent(("session", change.session.person_id, change.session.digest), change.session)
    elif isinstance(change, ProveSession):
        proved_at = change.at
        yield update(
            ("session", change.session.person_id, change.session.digest),
            lambda old: True,
            lambda old: replace(old, proved_at=proved_at, used_at=proved_at),
        )
    elif isinstance(change, CountSource):
        item = ("source", change.source, change.hour)
        asked = items.get(item, 0)
        yield Operation(
            change, UPDATE, item, asked < change.limit, lambda: items.__setitem__(item, asked + 1)
        )
    elif isinstance(change, UseState):
        yield absent(("state", change.digest), change.expires_at)
    elif isinstance(change, LinkIdentity):
        link = change.link
        yield absent(("identity", link.digest), link)
        yield absent(("identity-of", link.person_id, link.digest), link)
    elif isinstance(change, AddPersonChange):
        made = change.change
        yield absent(("person-change", made.person_id, made.at, made.id), made)
    elif isinstance(change, StillHolds):
        item = ("holding", change.holding, change.person_id)
        yield Operation(change, CHECK, item, item in items, lambda: None)
    elif isinstance(change, NotThere):
        item = ("submission", change.force, change.reference)
        yield Operation(change, CHECK, item, item not in items, lambda: None)
    elif isinstance(change, KnownReference):
        item = ("reference", change.reference)
        yield Operation(change, CHECK, item, item in items, lambda: None)
    else:
        move = change.movement
        yield absent(("line", move.fund, move.reference, move.revision), move)
        reservation = ("reservation", move.fund, move.reference)
        held = items.get(reservation, Held())
        yield Operation(
            change,
            UPDATE,
            reservation,
            held == move.before,
            lambda: items.__setitem__(reservation, move.after),
        )
        for place in ("", move.force):
            yield update(
                ("balance", move.fund, place),
                lambda old: _source(old, move) >= move.amount_pence,
                lambda old: _moved(old, move),
            )


def parcels(store: Store, changes: list[Change]) -> Iterator[Operation]:
    """What DynamoDB is asked to do for parcels: each is one item, whatever parts come or are taken back."""
    items = store.items
    added: dict[str, list[AddDelivery]] = {}
    cancelled: dict[str, list[CancelDelivery]] = {}
    for change in changes:
        if isinstance(change, AddDelivery) and change.delivery.parcel:
            added.setdefault(change.delivery.parcel, []).append(change)
        elif isinstance(change, CancelDelivery) and read_address(change.delivery_id)[0]:
            cancelled.setdefault(read_address(change.delivery_id)[0], []).append(change)
    for parcel, adds in added.items():
        new = {("delivery", one.delivery.address): Queued(deepcopy(one.delivery)) for one in adds}
        new[("parcel", parcel)] = True  # type: ignore[index, assignment]
        absent = ("parcel", parcel) not in items
        yield Operation(adds[0], PUT, ("parcel", parcel), absent, lambda new=new: items.update(new))
    for parcel, cancels in cancelled.items():
        gone = [("delivery", one.delivery_id) for one in cancels]
        free = all(_may_cancel(items.get(one)) for one in gone)

        def take_back(gone: list[Any] = gone) -> None:
            for one in gone:
                del items[one]

        yield Operation(cancels[0], UPDATE, ("parcel", parcel), free, take_back)


def _may_cancel(queued: Queued | None) -> bool:
    """Of a part: no lane was claimed since it could go."""
    if queued is None or queued.done_at or queued.aside_at:
        return False
    return queued.claimed_at is None or queued.claimed_at < queued.delivery.due_at


def _check_kinds(thing: Any, kind: str = "") -> None:
    """Whole numbers only, as IntegerAttribute has it: a float or a boolean where the type says `int`."""
    if not is_dataclass(thing):
        return
    for one in fields(thing):
        value = getattr(thing, one.name)
        if one.type == "int" and (isinstance(value, bool) or not isinstance(value, int)):
            raise TypeError(f"not a whole number: {type(value).__name__}")
        if not isinstance(value, Enum):
            _check_kinds(value)


def as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(dict(value))))


def _task_key(task: Task) -> tuple[Any, ...]:
    return ("task", task.force, task.reference, task.number)


def _rewritten(old: Submission, new: Submission, change: ChangeSubmission) -> Submission:
    kept = {*FIXED, *(() if change.amended else AMENDED), *(() if change.confirmed else CONFIRMED)}
    names = {one.name for one in fields(Submission)} - kept
    return _as_stored(replace(old, **{name: getattr(new, name) for name in names}))


def _as_stored(one: Submission) -> Submission:
    """An open submission waits for its deadline where nothing comes before it; a closed one waits for nothing."""
    one = replace(one, answers=as_json(one.answers), next_at=one.next_at or one.due_at)
    return one if one.is_dated else replace(one, due_at=None, next_at=None)


def _closed(old: Task, new: Task) -> Task:
    ended = replace(old, state=new.state, ended_by=new.ended_by)
    if new.state is not TaskState.DECIDED:
        return ended
    return replace(ended, decision=new.decision, decided_at=new.decided_at, seen=new.seen)


def _source(balance: Balance, move: Movement) -> int:
    source = {
        Kind.RESERVE: balance.available,
        Kind.COMMIT: balance.reserved,
        Kind.RELEASE: balance.reserved,
        Kind.RETURN: balance.spent,
    }
    return source.get(move.kind, balance.committed)


def _moved(balance: Balance, move: Movement) -> Balance:
    return replace(
        balance,
        reserved=balance.reserved + move.after.reserved - move.before.reserved,
        committed=balance.committed + move.after.committed - move.before.committed,
        spent=balance.spent + move.after.spent - move.before.spent,
        returned=balance.returned + move.after.returned - move.before.returned,
    )
