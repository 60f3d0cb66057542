"""The outbox in DynamoDB. Deliveries are put by Records.commit, in the transaction of what caused them."""

from __future__ import annotations

from datetime import datetime, timedelta

from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.update import Action

from chalicelib.adapters import items, keys
from chalicelib.adapters.failures import in_our_words, is_condition
from chalicelib.adapters.tables import DeliveryItem, Row
from chalicelib.domain.deliveries import Delivery

KEPT_AFTER = timedelta(days=30)


class DynamoOutbox:
    """Deliveries not yet done. `relay_grace` is how long the stream has to carry one before the sweeper does."""

    def __init__(self, *, relay_grace: timedelta) -> None:
        self._relay_grace = relay_grace

    def get(self, delivery_id: str) -> Delivery | None:
        """The delivery, unless it is done."""
        with in_our_words():
            try:
                item = DeliveryItem.get(keys.delivery(delivery_id), keys.ONLY, consistent_read=True)
            except DeliveryItem.DoesNotExist:
                return None
        return None if item.done_at else items.delivery_from(item)

    def reference_of(self, delivery_id: str) -> str:
        """Kept on the item also when it is done, as long as the item is."""
        with in_our_words():
            try:
                return DeliveryItem.get(keys.delivery(delivery_id), keys.ONLY).reference
            except DeliveryItem.DoesNotExist:
                return ""

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
        return [row.pk.partition("#")[2] for row in rows]

    def claim(self, delivery_id: str, *, now: datetime, until: datetime) -> Delivery | None:
        """One update claims and reads it, and puts its date off so that the sweeper looks past it meanwhile."""
        item = DeliveryItem(keys.delivery(delivery_id), keys.ONLY)
        free = DeliveryItem.claimed_until.does_not_exist() | (DeliveryItem.claimed_until <= now)
        is_open = Row.pk.exists() & DeliveryItem.done_at.does_not_exist() & (DeliveryItem.starts_at <= now)
        actions: list[Action] = [DeliveryItem.claimed_until.set(until), DeliveryItem.due_at.set(until)]
        with in_our_words():
            try:
                item.update(actions=actions, condition=is_open & free)
            except UpdateError as error:
                if is_condition(error):
                    return None
                raise
        return items.delivery_from(item)

    def done(self, delivery: Delivery, *, at: datetime) -> None:
        """Empties the item and takes it out of the index. Refuses to make an item out of nothing."""
        actions: list[Action] = [
            DeliveryItem.done_at.set(at),
            DeliveryItem.ttl.set(items.seconds(at + KEPT_AFTER)),
            DeliveryItem.payload.remove(),
            DeliveryItem.due_kind.remove(),
            DeliveryItem.due_at.remove(),
            DeliveryItem.claimed_until.remove(),
        ]
        with in_our_words():
            _item(delivery).update(actions=actions, condition=Row.pk.exists())

    def failed(self, delivery: Delivery, *, error: str, again_at: datetime) -> None:
        """Counts the attempt and puts the next one off, unless somebody else delivered it meanwhile."""
        actions: list[Action] = [
            DeliveryItem.attempts.add(1),
            DeliveryItem.last_error.set(error),
            DeliveryItem.due_at.set(again_at),
            DeliveryItem.claimed_until.remove(),
        ]
        condition = Row.pk.exists() & DeliveryItem.done_at.does_not_exist()
        with in_our_words():
            try:
                _item(delivery).update(actions=actions, condition=condition)
            except UpdateError as failure:
                if not is_condition(failure):
                    raise


def _item(delivery: Delivery) -> DeliveryItem:
    return DeliveryItem(keys.delivery(delivery.id), keys.ONLY)
