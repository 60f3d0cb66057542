"""The ports in memory, over one store. tests/contract holds them to the same promises as the real adapters."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum
from threading import RLock
from typing import Any

from chalicelib.adapters.form_files import FormFiles, calendar
from chalicelib.adapters.items import CHANGING
from chalicelib.adapters.links import SignedLinks
from chalicelib.domain.accounts import Session, SignIn
from chalicelib.domain.answers import is_mailbox
from chalicelib.domain.deliveries import Delivery
from chalicelib.domain.errors import NotFound
from chalicelib.domain.fund import Balance, Fund, Kind, Movement
from chalicelib.domain.people import Holding, Person, normalised
from chalicelib.domain.submissions import Case, Submission, Task, TaskState
from chalicelib.services.ports import (
    AddDelivery,
    AddEntry,
    AddSubmission,
    AddTask,
    Change,
    ChangeRefused,
    ChangeSubmission,
    CloseTask,
    KeepKey,
    KeepToken,
    KeyRecord,
    KnownReference,
    Parts,
    StillHolds,
    Waiting,
)
from tests.builders import MONDAY

MOST_OPERATIONS = 100
CHECK, PUT, UPDATE = range(3)
BASE_URL = "https://ideas.example.org"
RELAY_GRACE = timedelta(seconds=60)
"""How long the stream has to carry a delivery before the sweeper does."""


class Clock:
    """The time, as the test says it is."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **duration: float) -> None:
        """Let time pass: `clock.pass_by(days=3)`."""
        self.at += timedelta(**duration)


class Secrets:
    """Secrets that nobody guesses and every run repeats."""

    def __init__(self) -> None:
        self._made = 0

    def __call__(self) -> str:
        self._made += 1
        return f"secret-number-{self._made:06d}"


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
                    personal=self.store.items[("personal", self.force, reference)],
                    tasks=tuple(self._beside("task", reference).values()),
                    entries=tuple(self._beside("entry", reference).values()),
                    texts=self._beside("text", reference),
                    token=self.store.items.get(("token", self.force, reference), ""),
                )
            )

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
            operations = [operation for change in changes for operation in _operations(self.store, change)]
            items = [operation.item for operation in operations]
            if len(items) > MOST_OPERATIONS or len(set(items)) < len(items) or not items:
                raise RefusedOperation("no items, more than 100, or one item twice")
            for operation in sorted(operations, key=lambda one: one.rank):
                if not operation.holds:
                    raise ChangeRefused(operation.change)
            for operation in operations:
                operation.apply()
            self.store.commits += 1

    def key(self, form: str, key: str, *, now: datetime) -> KeyRecord | None:
        record: KeyRecord | None = self.store.items.get(("key", form, key))
        return record if record and record.expires_at > now else None

    def waiting(self) -> Iterator[Waiting]:
        waits = [one for one in self.store.of_kind("submission") if one.is_open]
        for one in sorted(waits, key=lambda one: one.due_at):
            yield Waiting(force=one.force, reference=one.reference, round=one.round)


def _operations(store: Store, change: Change) -> Iterator[Operation]:
    """What DynamoDB is asked to do for a change, as chalicelib.adapters.changes asks it."""
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
        yield absent(("submission", one.force, one.reference), replace(one, answers=_as_json(one.answers)))
        yield absent(("personal", one.force, one.reference), _as_json(change.personal))
    elif isinstance(change, ChangeSubmission):
        one = change.submission
        yield update(
            ("submission", one.force, one.reference),
            lambda old: old.revision == one.revision - 1,
            lambda old: _rewritten(old, one),
        )
    elif isinstance(change, AddTask):
        yield absent(_task_key(change.task), change.task)
    elif isinstance(change, CloseTask):
        task = change.task
        yield update(_task_key(task), lambda old: old.state is TaskState.OPEN, lambda old: _closed(old, task))
    elif isinstance(change, AddEntry):
        where = (change.submission.force, change.submission.reference, change.entry.sequence)
        yield absent(("entry", *where), change.entry)
        if change.text is not None:
            yield absent(("text", *where), change.text)
    elif isinstance(change, KeepToken):
        item = ("token", change.submission.force, change.submission.reference)
        yield Operation(change, PUT, item, True, lambda: items.__setitem__(item, change.token))
    elif isinstance(change, AddDelivery):
        yield absent(("delivery", change.delivery.id), Queued(change.delivery))
    elif isinstance(change, KeepKey):
        record = change.record
        item = ("key", record.form, record.key)
        free = item not in items or items[item].expires_at <= record.submitted_at
        yield Operation(change, PUT, item, free, lambda: items.__setitem__(item, record))
    elif isinstance(change, StillHolds):
        item = ("holding", change.holding, change.person_id)
        yield Operation(change, CHECK, item, item in items, lambda: None)
    elif isinstance(change, KnownReference):
        item = ("reference", change.reference)
        yield Operation(change, CHECK, item, item in items, lambda: None)
    else:
        move = change.movement
        yield absent(("line", move.fund, move.reference, move.sequence), move)
        reservation = ("reservation", move.fund, move.reference)
        if move.kind is Kind.RESERVE:
            yield absent(reservation, (move.amount_pence, "reserved"))
        else:
            settled = "committed" if move.kind is Kind.COMMIT else "released"
            yield update(
                reservation,
                lambda old: old == (move.amount_pence, "reserved"),
                lambda old: (move.amount_pence, settled),
            )
        for place in ("", move.force):
            yield update(
                ("balance", move.fund, place),
                lambda old: _source(old, move) >= move.amount_pence,
                lambda old: _moved(old, move),
            )


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


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(dict(value))))


def _task_key(task: Task) -> tuple[Any, ...]:
    return ("task", task.force, task.reference, task.number)


def _rewritten(old: Submission, new: Submission) -> Submission:
    names = {"chain" if name.startswith("chain_") else name for name in CHANGING} - {"due_kind"}
    moved = replace(old, **{name: getattr(new, name) for name in names})
    return moved if moved.is_open else replace(moved, due_at=None)


def _closed(old: Task, new: Task) -> Task:
    if new.state is not TaskState.DECIDED:
        return replace(old, state=new.state)
    return replace(old, state=new.state, decision=new.decision, decided_at=new.decided_at, seen=new.seen)


def _source(balance: Balance, move: Movement) -> int:
    return balance.available if move.kind is Kind.RESERVE else balance.reserved


def _moved(balance: Balance, move: Movement) -> Balance:
    amount = move.amount_pence
    if move.kind is Kind.RESERVE:
        return replace(balance, reserved=balance.reserved + amount)
    if move.kind is Kind.COMMIT:
        return replace(balance, reserved=balance.reserved - amount, committed=balance.committed + amount)
    return replace(balance, reserved=balance.reserved - amount)


@dataclass
class Queued:
    """A delivery in the outbox. A delivery that is done has lost its payload."""

    delivery: Delivery
    again_at: datetime | None = None
    done_at: datetime | None = None
    claimed_until: datetime | None = None
    error: str = ""

    @property
    def due_at(self) -> datetime:
        return self.again_at or self.delivery.due_at + timedelta(seconds=60)


@dataclass
class MemoryOutbox:
    """Deliveries not yet done."""

    store: Store

    def get(self, delivery_id: str) -> Delivery | None:
        queued = self.store.items.get(("delivery", delivery_id))
        return deepcopy(queued.delivery) if queued and not queued.done_at else None

    def add(self, delivery: Delivery) -> None:
        with self.store.lock:
            self.store.items.setdefault(("delivery", delivery.id), Queued(deepcopy(delivery)))

    def due(self, now: datetime, *, limit: int) -> list[str]:
        with self.store.lock:
            waits = [one for one in self.store.of_kind("delivery") if not one.done_at and one.due_at <= now]
            return [one.delivery.id for one in sorted(waits, key=lambda one: one.due_at)[:limit]]

    def claim(self, delivery_id: str, *, now: datetime, until: datetime) -> Delivery | None:
        with self.store.lock:
            queued = self.store.items.get(("delivery", delivery_id))
            if queued is None or queued.done_at or queued.delivery.due_at > now:
                return None
            if queued.claimed_until is not None and queued.claimed_until > now:
                return None
            queued.claimed_until = queued.again_at = until
            return deepcopy(queued.delivery)

    def done(self, delivery: Delivery, *, at: datetime) -> None:
        with self.store.lock:
            queued = self._stored(delivery)
            if queued is None:
                raise LookupError(f"no delivery {delivery.id}")
            queued.delivery, queued.done_at = replace(queued.delivery, payload={}), at

    def failed(self, delivery: Delivery, *, error: str, again_at: datetime) -> None:
        with self.store.lock:
            queued = self._stored(delivery)
            if queued is not None and not queued.done_at:
                queued.delivery = replace(queued.delivery, attempts=queued.delivery.attempts + 1)
                queued.error, queued.again_at, queued.claimed_until = error, again_at, None

    def _stored(self, delivery: Delivery) -> Queued | None:
        return self.store.items.get(("delivery", delivery.id))


@dataclass
class MemoryFunds:
    """The funds. A force's share is a balance like the fund's own, whose place is empty."""

    store: Store

    def fund(self, fund_id: str) -> Fund:
        with self.store.lock:
            found = {key[2]: one for key, one in self.store.items.items() if key[:2] == ("balance", fund_id)}
            if "" not in found:
                raise NotFound("There is no such fund.")
            return Fund(
                id=fund_id, name=self.store.items[("fund-name", fund_id)], balance=found.pop(""), forces=found
            )

    def open_fund(self, fund_id: str, *, name: str, total_pence: int, caps: Mapping[str, int]) -> None:
        with self.store.lock:
            self.store.items.setdefault(("fund-name", fund_id), name)
            for place, total in {"": total_pence, **caps}.items():
                self.store.items.setdefault(("balance", fund_id, place), Balance(total=total))


@dataclass
class MemoryPeople:
    """Who is registered."""

    store: Store

    def person(self, person_id: str) -> Person | None:
        return self.store.items.get(("person", person_id))

    def by_address(self, address: str) -> Person | None:
        person_id = self.store.items.get(("address", normalised(address)))
        return self.person(person_id) if person_id else None

    def holders(self, holding: Holding) -> list[Person]:
        with self.store.lock:
            found = [key[2] for key in self.store.items if key[:2] == ("holding", holding)]
            return [replace(self.store.items[("person", one)], roles=(holding,)) for one in sorted(found)]

    def register(self, people: Iterable[Person]) -> None:
        with self.store.lock:
            for person in people:
                self.remove(person.id)
                self.store.items[("person", person.id)] = person
                self.store.items[("address", normalised(person.address))] = person.id
                for held in person.roles:
                    self.store.items[("holding", held, person.id)] = True

    def remove(self, person_id: str) -> None:
        """Somebody left."""
        known = self.store.items.pop(("person", person_id), None)
        if known is not None:
            self.store.items.pop(("address", normalised(known.address)), None)
            for held in known.roles:
                self.store.items.pop(("holding", held, person_id), None)


@dataclass
class MemoryAccounts:
    """Sign-ins, sessions and bearer tokens."""

    store: Store

    def add_sign_in(self, sign_in: SignIn) -> None:
        self._add(("sign-in", sign_in.id), sign_in)

    def count_code(self, person_id: str, *, hour: str, limit: int) -> bool:
        with self.store.lock:
            counted = self.store.items.get(("codes", person_id, hour), 0)
            if counted >= limit:
                return False
            self.store.items[("codes", person_id, hour)] = counted + 1
            return True

    def use_try(self, sign_in_id: str, *, now: datetime) -> SignIn | None:
        with self.store.lock:
            found: SignIn | None = self.store.items.get(("sign-in", sign_in_id))
            if found is None or found.tries_left <= 0 or found.expires_at <= now:
                return None
            used = replace(found, tries_left=found.tries_left - 1)
            self.store.items[("sign-in", sign_in_id)] = used
            return used

    def end_sign_in(self, sign_in_id: str) -> bool:
        with self.store.lock:
            return self.store.items.pop(("sign-in", sign_in_id), None) is not None

    def add_session(self, session: Session) -> None:
        self._add(("session", session.digest), session)

    def session(self, digest: str, *, now: datetime) -> Session | None:
        found: Session | None = self.store.items.get(("session", digest))
        return found if found and found.expires_at > now else None

    def end_session(self, digest: str) -> None:
        self.store.items.pop(("session", digest), None)

    def token_holder(self, digest: str, *, now: datetime) -> str | None:
        return self.store.items.get(("bearer", digest))

    def add_token(self, digest: str, person_id: str) -> None:
        self.store.items[("bearer", digest)] = person_id

    def _add(self, item: tuple[Any, ...], value: Any) -> None:
        with self.store.lock:
            if item in self.store.items:
                raise RefusedOperation("it is there already")
            self.store.items[item] = value


@dataclass
class MemoryWorkflows:
    """State machines that run nothing: what was started, what was answered. `failing` refuses everything."""

    started: dict[tuple[str, str], Any] = field(default_factory=dict)
    answers: list[tuple[str, Any]] = field(default_factory=list)
    ended: set[tuple[str, str]] = field(default_factory=set)
    failing: bool = False

    def start(self, workflow: str, name: str, payload: Mapping[str, Any]) -> None:
        self._answer()
        self.started.setdefault((workflow, name), _as_json(payload))

    def answer(self, token: str, output: Mapping[str, Any]) -> None:
        self._answer()
        self.answers.append((token, _as_json(output)))

    def running(self, workflow: str) -> frozenset[str]:
        self._answer()
        return frozenset(name for of, name in self.started if of == workflow and (of, name) not in self.ended)

    def is_running(self, workflow: str, name: str) -> bool:
        self._answer()
        return (workflow, name) in self.started and (workflow, name) not in self.ended

    def end(self, workflow: str, name: str) -> None:
        """The execution is stopped, timed out or lost."""
        self.ended.add((workflow, name))

    def _answer(self) -> None:
        if self.failing:
            raise ConnectionError("the state machines do not answer")


@dataclass(frozen=True, kw_only=True)
class SentMail:
    """One mail that was sent."""

    notification_id: str
    to: str
    template: str
    values: Mapping[str, Any]


@dataclass
class MemoryMailer:
    """Keeps what was sent. Addresses in `bouncing` fail, with a message that holds the address."""

    sent: list[SentMail] = field(default_factory=list)
    bouncing: set[str] = field(default_factory=set)

    def send(self, *, notification_id: str, to: str, template: str, values: Mapping[str, Any]) -> None:
        from chalicelib.adapters.mail import render

        if not is_mailbox(to):
            raise ValueError("not one mailbox")
        if to in self.bouncing:
            raise ConnectionError(f"cannot reach {to}")
        render(template, values)
        mail = SentMail(notification_id=notification_id, to=to, template=template, values=_as_json(values))
        self.sent.append(mail)

    def check(self) -> None:
        if self.bouncing:
            raise ConnectionError("mail cannot be sent")

    def templates(self) -> list[str]:
        """The templates of what was sent, in order."""
        return [mail.template for mail in self.sent]


def parts(store: Store | None = None, **replacements: Any) -> Parts:
    """All parts in memory. `parts().now` is a Clock; `records.store`, `mailer.sent`, … tell what happened."""
    store = store or Store()
    made: dict[str, Any] = {
        "records": MemoryRecords(store),
        "outbox": MemoryOutbox(store),
        "funds": MemoryFunds(store),
        "people": MemoryPeople(store),
        "accounts": MemoryAccounts(store),
        "workflows": MemoryWorkflows(),
        "mailer": MemoryMailer(),
        "links": SignedLinks(BASE_URL, ("k" * 40,)),
        "forms": FormFiles(),
        "calendar": calendar(),
        "now": Clock(datetime(2027, 1, 11, 9, 30, tzinfo=timezone.utc)),
        "choose": random.Random(7).choice,
        "new_secret": Secrets(),
    }
    return Parts(**{**made, **replacements})
