"""The outbox in DynamoDB. Deliveries are put by Records.commit, in the transaction of what caused them: one that is
alone as an item of its own, several as the parts of a parcel (`parcels.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PutError, TransactWriteError, UpdateError
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb import items, keys, parcels
from chalicelib.adapters.dynamodb.failures import in_our_words, is_condition
from chalicelib.adapters.dynamodb.parcel_tables import ParcelItem
from chalicelib.adapters.dynamodb.tables import DeliveryItem, Row, shared_connection
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Claimed, Delivery, Kind, Mark, SetAside

KEPT_ASIDE = timedelta(days=90)
"""How long what was set aside waits for somebody to have it tried again: it holds an address and what was written."""


class DynamoOutbox:
    """Deliveries not yet done. `relay_grace` is how long the stream has to carry one before the sweeper does."""

    def __init__(self, *, relay_grace: timedelta) -> None:
        self._relay_grace = relay_grace

    def get(self, address: str) -> Delivery | None:
        """By its address; or by its id alone, where it stands alone or its parcel is named after it."""
        parcel, delivery_id = deliveries.read_address(address)
        if not parcel:
            item = _item(delivery_id)
            if item is not None:
                return items.delivery_from(item) if item.due_kind == keys.DUE_DELIVERY else None
            parcel = deliveries.parcel_led_by(delivery_id)
        part = _part(parcel, delivery_id)
        return parcels.delivery_from(parcel, delivery_id, part) if part and parcels.is_open(part) else None

    def reference_of(self, address: str) -> str:
        """Kept on the item also when it is done, as long as the item is."""
        parcel, delivery_id = deliveries.read_address(address)
        if parcel:
            part = _part(parcel, delivery_id)
            return part["reference"]["S"] if part else ""
        item = _item(delivery_id)
        return item.reference if item else ""

    def add(self, delivery: Delivery) -> None:
        """Put if absent."""
        with in_our_words():
            try:
                items.delivery_item(delivery, self._relay_grace).save(condition=Row.pk.does_not_exist())
            except PutError as error:
                if not is_condition(error):
                    raise

    def due(self, now: datetime, *, limit: int) -> list[str]:
        """From the index, which holds what is open."""
        with in_our_words():
            rows = list(Row.due.query(keys.DUE_DELIVERY, Row.due_at <= now, limit=limit))
        return [keys.value(row.pk) for row in rows]

    def claim(self, delivery_id: str, *, now: datetime, until: datetime) -> Delivery | None:
        """One update claims and reads it. It moves nothing in the index."""
        values = {":due": {"S": keys.DUE_DELIVERY}, ":now": items.moment(now), ":until": items.moment(until)}
        with in_our_words():
            try:
                found = _update_as_written(delivery_id, _CLAIM, values)
            except UpdateError as error:
                if is_condition(error):
                    return None
                raise
        return items.delivery_from(DeliveryItem.from_raw_data(found["Attributes"]))

    def done(self, delivery: Delivery, *, at: datetime) -> None:
        """Empties the item and takes it out of the index. Refuses to make an item out of nothing."""
        values = {":at": items.moment(at), ":ttl": {"N": str(items.seconds(at + parcels.KEPT_AFTER))}}
        with in_our_words():
            _update_as_written(delivery.id, _DONE, values)

    def failed(self, delivery: Delivery, *, error: str, again_at: datetime) -> None:
        """Counts the attempt and puts the next one off, unless somebody else delivered it meanwhile."""
        actions: list[Action] = [
            DeliveryItem.attempts.add(1),
            DeliveryItem.last_error.set(error),
            DeliveryItem.due_at.set(again_at),
            DeliveryItem.claimed_until.remove(),
        ]
        _update(delivery.id, actions)

    def claim_parts(
        self, parcel: str, *, lane: str, now: datetime, until: datetime, is_late: bool
    ) -> Claimed | None:
        """One update."""
        return parcels.claim(parcel, lane=lane, now=now, until=until, is_late=is_late)

    def mark(self, claimed: Claimed, marks: Sequence[Mark], *, at: datetime) -> None:
        """One update; one more where the other lane was marked meanwhile."""
        parcels.mark(claimed, marks, at=at)

    def set_aside(self, delivery: Delivery, *, error: str, at: datetime) -> bool:
        """Into a place of its own in the index `due`, and in `listed` into its force's. A part of a parcel leaves it,
        and becomes an item of its own."""
        if delivery.parcel:
            return _take_out(delivery, error=error, at=at)
        actions: list[Action] = [
            DeliveryItem.attempts.set(delivery.attempts + 1),
            DeliveryItem.last_error.set(error),
            DeliveryItem.due_kind.set(keys.SET_ASIDE),
            DeliveryItem.due_at.set(at),
            DeliveryItem.ttl.set(items.seconds(at + KEPT_ASIDE)),
            DeliveryItem.claimed_until.remove(),
        ]
        if delivery.force:
            actions += [
                DeliveryItem.listed_as.set(keys.set_aside(delivery.force)),
                DeliveryItem.listed_at.set(at),
            ]
        return _update(delivery.id, actions)

    def all_set_aside(self, *, force: str = "", limit: int) -> list[SetAside]:
        """The index says which, a batch gets what they say; the index may be behind."""
        with in_our_words():
            if force:
                rows = Row.listed.query(keys.set_aside(force), scan_index_forward=False, limit=limit)
            else:
                rows = Row.due.query(keys.SET_ASIDE, scan_index_forward=False, limit=limit)
            wanted = [(row.pk, row.sk) for row in rows]
            if not wanted:
                return []
            found = {item.pk: item for item in DeliveryItem.batch_get(wanted, consistent_read=True)}
        known = (found[pk] for pk, _ in wanted if pk in found)
        return [_set_aside_from(item) for item in known if item.due_kind == keys.SET_ASIDE]

    def force_of(self, address: str) -> str | None:
        """Of the item, done or not."""
        parcel, delivery_id = deliveries.read_address(address)
        if parcel:
            part = _part(parcel, delivery_id)
            return part["force"]["S"] if part else None
        item = _item(delivery_id)
        return (item.force or "") if item else None

    def again(self, delivery_id: str, *, now: datetime) -> bool:
        """Back to where it is due, as if it had never been tried."""
        actions: list[Action] = [
            DeliveryItem.attempts.set(0),
            DeliveryItem.due_kind.set(keys.DUE_DELIVERY),
            DeliveryItem.due_at.set(now),
            DeliveryItem.ttl.remove(),
            DeliveryItem.listed_as.remove(),
            DeliveryItem.listed_at.remove(),
        ]
        return _update(delivery_id, actions, is_at=keys.SET_ASIDE)


_CLAIM = {
    "UpdateExpression": "SET claimed_until = :until",
    "ConditionExpression": "due_kind = :due AND starts_at <= :now"
    " AND (attribute_not_exists (claimed_until) OR claimed_until <= :now)",
    "ReturnValues": "ALL_NEW",
}
_DONE = {
    "UpdateExpression": "SET done_at = :at, #ttl = :ttl"
    " REMOVE payload, due_kind, due_at, listed_as, listed_at, claimed_until",
    "ConditionExpression": "attribute_exists (pk)",
    "ExpressionAttributeNames": {"#ttl": "ttl"},  # a reserved word
}


def _item(delivery_id: str) -> DeliveryItem | None:
    with in_our_words():
        try:
            return DeliveryItem.get(keys.delivery(delivery_id), keys.ONLY, consistent_read=True)
        except DeliveryItem.DoesNotExist:
            return None


def _part(parcel: str, delivery_id: str) -> parcels.Stored | None:
    with in_our_words():
        try:
            item = ParcelItem.get(keys.delivery(parcel), keys.ONLY, consistent_read=True)
        except ParcelItem.DoesNotExist:
            return None
    return parcels.part_of(item, delivery_id)


def _take_out(delivery: Delivery, *, error: str, at: datetime) -> bool:
    """One transaction: out of its parcel, and set aside as an item of its own."""
    alone = items.delivery_item(replace(delivery, attempts=delivery.attempts + 1), timedelta(0))
    alone.lane = deliveries.LANES[Kind.NOTHING]  # no relay need wake for it
    alone.last_error = error
    alone.due_kind, alone.due_at = keys.SET_ASIDE, at
    alone.ttl = items.seconds(at + KEPT_ASIDE)
    if delivery.force:
        alone.listed_as, alone.listed_at = keys.set_aside(delivery.force), at
    put = {"TableName": Row.Meta.table_name, "Item": alone.serialize()}
    update = parcels.putting_aside(delivery, at=at)
    try:
        with in_our_words():
            shared_connection().transact_write_items(
                condition_check_items=[], delete_items=[], put_items=[put], update_items=[update]
            )
    except TransactWriteError as failure:
        codes = {reason.code for reason in failure.cancellation_reasons if reason is not None}
        if "ConditionalCheckFailed" not in codes:
            raise
        return False
    return True


def _update_as_written(
    delivery_id: str, written: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, Any]:
    """UpdateItem. Every delivery is claimed and done, and for PynamoDB to compose these two anew each time takes longer
    than the call. Raises UpdateError."""
    asked = {
        "TableName": Row.Meta.table_name,
        "Key": {"pk": {"S": keys.delivery(delivery_id)}, "sk": {"S": keys.ONLY}},
        "ExpressionAttributeValues": values,
        **written,
    }
    try:
        return shared_connection().dispatch("UpdateItem", asked)
    except (BotoCoreError, ClientError) as error:
        raise UpdateError(f"Failed to update item: {error}", error) from error


def _update(delivery_id: str, actions: Iterable[Action], *, is_at: str = keys.DUE_DELIVERY) -> bool:
    """Whether it was still there: not done, nor set aside or brought back by somebody else meanwhile."""
    item = DeliveryItem(keys.delivery(delivery_id), keys.ONLY)
    with in_our_words():
        try:
            item.update(actions=list(actions), condition=DeliveryItem.due_kind == is_at)
        except UpdateError as failure:
            if not is_condition(failure):
                raise
            return False
    return True


def _set_aside_from(item: DeliveryItem) -> SetAside:
    at = item.due_at
    assert at is not None  # noqa: S101 - it is in the index
    return SetAside(
        id=item.delivery,
        kind=Kind(item.what),
        reference=item.reference,
        force=item.force or "",
        attempts=item.attempts,
        error=item.last_error or "",
        at=at,
        until=at + KEPT_ASIDE,
    )
