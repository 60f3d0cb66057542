"""The other ports in memory: the outbox, the funds, people and their accounts, state machines and mail."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from chalicelib.adapters.dynamodb.checks import PLACES
from chalicelib.adapters.dynamodb.outbox import KEPT_ASIDE
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Claimed, Delivery, Mark, SetAside
from chalicelib.domain.errors import NotFound
from chalicelib.domain.money.fund import Balance, Fund, Held, Kept, Ledger, Line
from chalicelib.domain.people.accounts import Session
from chalicelib.domain.people.mailboxes import is_mailbox
from chalicelib.domain.people.pairs import Pair
from chalicelib.domain.people.people import Away, Holding, Person, normalised
from chalicelib.domain.records.roots import Verified
from chalicelib.domain.repair.checks import Run
from tests.fakes.store import Queued, RefusedOperation, Store, as_json


@dataclass
class MemoryOutbox:
    """Deliveries not yet done."""

    store: Store

    def get(self, address: str) -> Delivery | None:
        queued = self._at(address)
        return queued.as_read if queued and queued.is_open else None

    def reference_of(self, address: str) -> str:
        queued = self._at(address, leads=False)
        return queued.delivery.reference if queued else ""

    def add(self, delivery: Delivery) -> None:
        with self.store.lock:
            self.store.items.setdefault(("delivery", delivery.id), Queued(deepcopy(delivery)))

    def due(self, now: datetime, *, limit: int) -> list[str]:
        with self.store.lock:
            waits = [one for one in self.store.of_kind("delivery") if one.is_open and one.due_at <= now]
            ids = (
                one.delivery.parcel or one.delivery.id for one in sorted(waits, key=lambda one: one.due_at)
            )
            return list(dict.fromkeys(ids))[:limit]

    def claim(self, delivery_id: str, *, now: datetime, until: datetime) -> Delivery | None:
        with self.store.lock:
            queued = self._at(delivery_id, leads=False)
            if queued is None or not queued.is_open or queued.delivery.due_at > now:
                return None
            if queued.claimed_until is not None and queued.claimed_until > now:
                return None
            queued.claimed_until = until
            return queued.as_read

    def claim_parts(
        self, parcel: str, *, lane: str, now: datetime, until: datetime, is_late: bool
    ) -> Claimed | None:
        with self.store.lock:
            open_parts = [
                one
                for one in self.store.of_kind("delivery")
                if one.delivery.parcel == parcel and one.delivery.lane == lane and one.is_open
            ]
            is_due = any(not is_late or one.due_at <= now for one in open_parts)
            taken = self.store.items.get(("claim", parcel, lane))
            if not is_due or (taken is not None and taken > now):
                return None
            self.store.items["claim", parcel, lane] = until
            for one in self.store.of_kind("delivery"):
                if one.delivery.parcel == parcel:
                    one.claimed_at = now
            found = [one for one in open_parts if (one.due_at if is_late else one.delivery.due_at) <= now]
            found.sort(key=lambda one: (one.delivery.attempts, one.due_at))
            return Claimed(parcel=parcel, lane=lane, until=until, parts=tuple(one.as_read for one in found))

    def mark(self, claimed: Claimed, marks: Sequence[Mark], *, at: datetime) -> None:
        with self.store.lock:
            place = ("claim", claimed.parcel, claimed.lane)
            is_ours = self.store.items.get(place) == claimed.until
            if is_ours:
                del self.store.items[place]
            for one in marks:
                if not one.error:
                    self.done(one.delivery, at=at)
                elif one.again_at is not None and is_ours:
                    self.failed(one.delivery, error=one.error, again_at=one.again_at)

    def done(self, delivery: Delivery, *, at: datetime) -> None:
        with self.store.lock:
            queued = self._stored(delivery)
            if queued is None:
                raise LookupError(f"no delivery {delivery.id}")
            queued.delivery, queued.done_at = replace(queued.delivery, payload={}), at
            queued.aside_at = None

    def failed(self, delivery: Delivery, *, error: str, again_at: datetime) -> None:
        with self.store.lock:
            queued = self._stored(delivery)
            if queued is not None and queued.is_open:
                queued.delivery = replace(queued.delivery, attempts=queued.delivery.attempts + 1)
                queued.error, queued.again_at, queued.claimed_until = error, again_at, None

    def set_aside(self, delivery: Delivery, *, error: str, at: datetime) -> bool:
        with self.store.lock:
            queued = self._stored(delivery)
            if queued is None or not queued.is_open:
                return False
            queued.delivery = replace(queued.delivery, attempts=delivery.attempts + 1)
            queued.error, queued.aside_at, queued.claimed_until = error, at, None
            if delivery.parcel:  # it becomes an item of its own
                moved = replace(queued, delivery=replace(queued.delivery, parcel=""))
                self.store.items["delivery", delivery.id] = moved
                queued.delivery = replace(queued.delivery, payload={})
                queued.is_moved = True
            return True

    def all_set_aside(self, *, force: str = "", limit: int) -> list[SetAside]:
        with self.store.lock:
            found = [
                _set_aside(one)
                for one in self.store.of_kind("delivery")
                if one.aside_at and not one.is_moved and force in ("", one.delivery.force)
            ]
            return sorted(found, key=lambda one: one.at, reverse=True)[:limit]

    def force_of(self, address: str) -> str | None:
        queued = self._at(address, leads=False)
        return queued.delivery.force if queued else None

    def again(self, delivery_id: str, *, now: datetime) -> bool:
        with self.store.lock:
            queued = self.store.items.get(("delivery", delivery_id))
            if queued is None or not queued.aside_at:
                return False
            queued.delivery = replace(queued.delivery, attempts=0)
            queued.again_at, queued.aside_at = now, None
            return True

    def _stored(self, delivery: Delivery) -> Queued | None:
        return self.store.items.get(("delivery", delivery.address))

    def _at(self, address: str, *, leads: bool = True) -> Queued | None:
        """A part is found by its address; by its id only where its parcel is named after it."""
        queued: Queued | None = self.store.items.get(("delivery", address))
        if queued is None and leads:
            queued = self.store.items.get(("delivery", f"{deliveries.parcel_led_by(address)}/{address}"))
        return queued


def _set_aside(queued: Queued) -> SetAside:
    one, at = queued.delivery, queued.aside_at
    assert at is not None
    return SetAside(
        id=one.id,
        kind=one.kind,
        reference=one.reference,
        force=one.force,
        attempts=one.attempts,
        error=queued.error,
        at=at,
        until=at + KEPT_ASIDE,
    )


@dataclass
class MemoryChecks:
    """What the last runs of the reconciler found. It is no part of the store: a run that mends nothing changes nothing
    there."""

    kept: list[Run] = field(default_factory=list)
    verified_so_far: Verified | None = None

    def keep(self, run: Run) -> None:
        self.kept.append(run)
        del self.kept[:-PLACES]

    def keep_verified(self, verified: Verified) -> None:
        self.verified_so_far = verified

    def verified(self) -> Verified | None:
        return self.verified_so_far

    def last(self, *, limit: int) -> list[Run]:
        return sorted(self.kept, key=lambda run: run.at, reverse=True)[:limit]

    def last_of(self, forces: Collection[str], *, limit: int) -> tuple[list[Run], int]:
        runs = [run.of(frozenset(forces)) for run in self.last(limit=limit)]
        return [run for place, run in enumerate(runs) if run.findings or not place], len(runs)


@dataclass
class MemoryDayKeys:
    """The keys that networks are hashed with. They are no part of the store, as whoever only looks may make one."""

    stored: dict[date, str] = field(default_factory=dict)

    def key(self, day: date, *, new: str) -> str:
        return self.stored.setdefault(day, new)


@dataclass
class MemoryFunds:
    """The funds. A force's share is a balance like the fund's own, whose place is empty."""

    store: Store

    def fund(self, fund_id: str, *, force: str = "") -> Fund:
        with self.store.lock:
            found = {key[2]: one for key, one in self.store.items.items() if key[:2] == ("balance", fund_id)}
            if "" not in found:
                raise NotFound("There is no such fund.")
            balance = found.pop("")
            forces = {place: one for place, one in found.items() if force in ("", place)}
            return Fund(
                id=fund_id, name=self.store.items[("fund-name", fund_id)], balance=balance, forces=forces
            )

    def ledger(self, fund_id: str) -> Ledger:
        with self.store.lock:
            moves = {key[2:]: one for key, one in self.store.items.items() if key[:2] == ("line", fund_id)}
            lines = tuple(
                Line(
                    force=move.force,
                    reference=move.reference,
                    revision=move.revision,
                    kind=move.kind,
                    amount_pence=move.amount_pence,
                )
                for _, move in sorted(moves.items())
            )
            kept = {
                key[2]: one for key, one in self.store.items.items() if key[:2] == ("reservation", fund_id)
            }
            return Ledger(lines=lines, kept=kept)

    def kept(self, fund_id: str) -> list[Kept]:
        with self.store.lock:
            found = [
                Kept(
                    force=key[2],
                    balance=one,
                    available=self.store.items.get(("available", *key[1:]), one.available),
                )
                for key, one in self.store.items.items()
                if key[:2] == ("balance", fund_id)
            ]
            return sorted(found, key=lambda one: one.force)

    def recompute(self, fund_id: str, seen: Kept, balance: Balance) -> bool:
        with self.store.lock:
            if seen not in self.kept(fund_id):
                return False
            self.store.items[("balance", fund_id, seen.force)] = balance
            self.store.items.pop(("available", fund_id, seen.force), None)
            return True

    def recompute_held(self, fund_id: str, reference: str, seen: Held, held: Held) -> bool:
        with self.store.lock:
            key = ("reservation", fund_id, reference)
            if self.store.items.get(key, Held()) != seen:
                return False
            self.store.items[key] = held
            return True

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

    def away(self, person_id: str) -> Away | None:
        return self.store.items.get(("away", person_id))

    def set_away(self, person_id: str, away: Away | None) -> None:
        with self.store.lock:
            self.store.items.pop(("away", person_id), None)
            if away is not None:
                self.store.items[("away", person_id)] = away

    def register(self, people: Iterable[Person], *, bring_back: Collection[str] = ()) -> None:
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
    """Pairs and sessions."""

    store: Store

    def pairs(self, mailboxes: Sequence[str]) -> list[Pair]:
        with self.store.lock:
            return [self.store.items.get(("pair", one), Pair(mailbox=one)) for one in mailboxes]

    def add_session(self, session: Session) -> None:
        self._add(("session", session.person_id, session.digest), session)

    def session_and_holder(
        self, digest: str, person_id: str, *, now: datetime
    ) -> tuple[Session | None, Person | None]:
        found: Session | None = self.store.items.get(("session", person_id, digest))
        person = self.store.items.get(("person", person_id))
        return (found if found and found.ends_at > now else None), person

    def sessions(self, person_id: str, *, now: datetime) -> list[Session]:
        found = [one for one in self._of(person_id) if one.ends_at > now]
        return sorted(found, key=lambda one: one.used_at, reverse=True)

    def note_use(self, session: Session, *, at: datetime) -> None:
        with self.store.lock:
            kept = self.store.items.get(("session", session.person_id, session.digest))
            if kept is not None:
                self.store.items[("session", kept.person_id, kept.digest)] = replace(kept, used_at=at)

    def end_session(self, person_id: str, digest: str) -> None:
        self.store.items.pop(("session", person_id, digest), None)

    def end_all_sessions(self, person_id: str, *, except_for: str = "") -> None:
        for one in self._of(person_id):
            if one.digest != except_for:
                self.end_session(person_id, one.digest)

    def _of(self, person_id: str) -> list[Session]:
        with self.store.lock:
            return [one for key, one in self.store.items.items() if key[:2] == ("session", person_id)]

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
    stopped: list[str] = field(default_factory=list)
    failing: bool = False

    def start(self, workflow: str, name: str, payload: Mapping[str, Any]) -> None:
        self._answer()
        self.started.setdefault((workflow, name), as_json(payload))

    def answer(self, token: str, output: Mapping[str, Any]) -> None:
        self._answer()
        self.answers.append((token, as_json(output)))

    def running(self, workflow: str) -> frozenset[str]:
        self._answer()
        return frozenset(name for of, name in self.started if of == workflow and (of, name) not in self.ended)

    def is_running(self, workflow: str, name: str) -> bool:
        self._answer()
        return (workflow, name) in self.started and (workflow, name) not in self.ended

    def stop(self, workflow: str, name: str) -> None:
        self._answer()
        if (workflow, name) in self.started:
            self.stopped.append(name)
            self.ended.add((workflow, name))

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
    parcel: str = ""

    @property
    def address(self) -> str:
        """Where the outbox knows it."""
        return f"{self.parcel}/{self.notification_id}" if self.parcel else self.notification_id


@dataclass
class MemoryMailer:
    """Keeps what was sent. Addresses in `bouncing` fail, with a message that holds the address."""

    sent: list[SentMail] = field(default_factory=list)
    bouncing: set[str] = field(default_factory=set)

    def send(
        self, *, notification_id: str, to: str, template: str, values: Mapping[str, Any], parcel: str = ""
    ) -> None:
        from chalicelib.adapters.aws.ses import render

        if not is_mailbox(to):
            raise ValueError("not one mailbox")
        if to in self.bouncing:
            raise ConnectionError(f"cannot reach {to}")
        render(template, values)
        self.sent.append(
            SentMail(
                notification_id=notification_id,
                to=to,
                template=template,
                values=as_json(values),
                parcel=parcel,
            )
        )

    def check(self) -> None:
        if self.bouncing:
            raise ConnectionError("mail cannot be sent")

    def templates(self) -> list[str]:
        """The templates of what was sent, in order."""
        return [mail.template for mail in self.sent]
