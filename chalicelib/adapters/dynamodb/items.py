"""Items to domain objects and back: all but those of a submission, which are in `case_items.py`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.tables import (
    BalanceItem,
    ContentItem,
    DeliveryItem,
    KeyItem,
    LineItem,
    PersonItem,
    ReservationItem,
    Row,
)
from chalicelib.domain.delivery.deliveries import Delivery, Kind
from chalicelib.domain.money.fund import Balance, Held, Line, Movement
from chalicelib.domain.money.fund import Kind as Moved
from chalicelib.domain.people.people import Holding, Person
from chalicelib.domain.records.submissions import Status
from chalicelib.services.changes import ContentRecord, KeyRecord

_FOR_NOBODY = timedelta(hours=1)
"""How long a delivery that nobody carries is kept: it has done its work when it is written."""


def delivery_item(delivery: Delivery, relay_grace: timedelta) -> DeliveryItem:
    """The item of a delivery. The due index lists it from when the sweeper should look at it: the stream has
    `relay_grace` to carry it first. What is held back was carried, and left, when it was made."""
    grace = timedelta(0) if delivery.is_held else relay_grace
    is_for_nobody = delivery.kind is Kind.NOTHING
    return DeliveryItem(
        keys.delivery(delivery.id),
        keys.ONLY,
        delivery=delivery.id,
        lane=delivery.lane,
        what=delivery.kind.value,
        reference=delivery.reference,
        force=delivery.force or None,
        starts_at=delivery.due_at,
        payload=dict(delivery.payload),
        attempts=delivery.attempts,
        due_kind=None if is_for_nobody else keys.DUE_DELIVERY,
        due_at=None if is_for_nobody else delivery.due_at + grace,
        ttl=seconds(delivery.due_at + _FOR_NOBODY) if is_for_nobody else None,
    )


def delivery_from(item: DeliveryItem) -> Delivery:
    """The delivery of an item that is not done."""
    return Delivery(
        id=item.delivery,
        kind=Kind(item.what),
        reference=item.reference,
        force=item.force or "",
        due_at=item.starts_at,
        payload=item.payload or {},
        attempts=item.attempts,
    )


def key_item(record: KeyRecord) -> KeyItem:
    """The item of an Idempotency-Key."""
    return KeyItem(
        keys.idempotency(record.form, record.key),
        keys.ONLY,
        form=record.form,
        form_version=record.form_version,
        fingerprint=record.fingerprint,
        force=record.force,
        reference=record.reference,
        status=record.status.value,
        submitted_at=record.submitted_at,
        expires_at=record.expires_at,
        ttl=seconds(record.expires_at),
    )


def key_from(item: KeyItem) -> KeyRecord:
    """The record of an Idempotency-Key."""
    return KeyRecord(
        form=item.form,
        key=keys.idempotency_key(item.pk),
        form_version=item.form_version,
        fingerprint=item.fingerprint,
        force=item.force,
        reference=item.reference,
        status=Status(item.status or Status.SUBMITTED.value),
        submitted_at=item.submitted_at,
        expires_at=item.expires_at,
    )


def content_item(record: ContentRecord) -> ContentItem:
    """The item of a content."""
    return ContentItem(
        keys.content(record.digest),
        keys.ONLY,
        force=record.force,
        reference=record.reference,
        submitted_at=record.submitted_at,
        expires_at=record.expires_at,
        ttl=seconds(record.expires_at),
    )


def content_from(item: ContentItem) -> ContentRecord:
    """The record of a content."""
    return ContentRecord(
        digest=keys.value(item.pk),
        force=item.force,
        reference=item.reference,
        submitted_at=item.submitted_at,
        expires_at=item.expires_at,
    )


def balance_from(item: BalanceItem) -> Balance:
    """A balance. What is available is worked out anew, not read."""
    return Balance(
        total=item.total,
        reserved=item.reserved,
        committed=item.committed,
        spent=item.spent,
        returned=item.returned,
    )


def line_item(move: Movement) -> LineItem:
    """A movement as the line that it leaves in the ledger."""
    return LineItem(
        keys.ledger(move.fund),
        keys.line(move.reference, move.revision),
        force=move.force,
        reference=move.reference,
        movement=move.kind.value,
        note=move.note or None,
        amount_pence=move.amount_pence,
        at=move.at,
    )


def line_from(item: LineItem) -> Line:
    """A ledger line."""
    reference, revision = keys.reference_and_revision(item.sk)
    return Line(
        force=item.force,
        reference=reference,
        revision=revision,
        kind=Moved(item.movement),
        amount_pence=item.amount_pence,
    )


def held_from(item: ReservationItem) -> Held:
    """What is held for a claim. Items of the first release say one amount, and which it is."""
    if item.state is not None and item.reserved_pence is None:
        amount = item.amount_pence or 0
        return Held(
            reserved=amount if item.state == "reserved" else 0,
            committed=amount if item.state == "committed" else 0,
        )
    return Held(
        reserved=item.reserved_pence,
        committed=item.committed_pence,
        spent=item.spent_pence or 0,
        returned=item.returned_pence or 0,
    )


def is_held(before: Held) -> Condition:
    """That a reservation says just this. An item of an earlier release says nothing of payments: there were none."""
    reserved, committed = ReservationItem.reserved_pence, ReservationItem.committed_pence
    held: Condition = (reserved == before.reserved) & (committed == before.committed)
    for paid, pence in (
        (ReservationItem.spent_pence, before.spent),
        (ReservationItem.returned_pence, before.returned),
    ):
        held &= (paid == pence) if pence else (paid.does_not_exist() | (paid == 0))
    if before == Held():
        held |= Row.pk.does_not_exist()
    elif before.spent:  # there were no payments in the first release
        return held
    elif not (before.reserved and before.committed):  # it may be an item of the first release
        state, amount = ("reserved", before.reserved) if before.reserved else ("committed", before.committed)
        is_first_release = reserved.does_not_exist() & (ReservationItem.state == state)
        held |= is_first_release & (ReservationItem.amount_pence == amount)
    return held


def person_from(item: PersonItem) -> Person:
    """Somebody registered."""
    roles = tuple(Holding(role=held["role"], at=held["at"]) for held in item.roles)
    return Person(id=keys.value(item.pk), name=item.name, address=item.address, roles=roles)


NO_MOMENT = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""Where an index asks for a moment, and none means anything."""


def moment(at: datetime) -> dict[str, str]:
    """A moment as DynamoDB takes it, for what is written down instead of being composed by PynamoDB."""
    return {"S": str(Row.due_at.serialize(at))}  # type: ignore[no-untyped-call]


def seconds(moment: datetime) -> int:
    """Seconds since 1970, as DynamoDB's TTL takes them."""
    return int(moment.timestamp())
