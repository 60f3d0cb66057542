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

    def add(self, delivery: Delivery) -> None:
        """Put if absent."""
        with in_our_words():
            try:
                items.delivery_item(delivery, self._relay_grace).save(condition=Row.pk.does_not_exist())
            except PutError as error:
                if not is_condition(error):
                    raise

    def due(self, now: datetime, *, limit: int) -> list[Delivery]:
        """The index gives keys only, and may be a moment behind: what is done meanwhile falls out here."""
        with in_our_words():
            rows = list(Row.due.query(keys.DUE_DELIVERY, Row.due_at <= now, limit=limit))
        found = [self.get(row.pk.partition("#")[2]) for row in rows]
        return [delivery for delivery in found if delivery is not None]

    def done(self, delivery: Delivery, *, at: datetime) -> None:
        """Empties the item and takes it out of the index. Refuses to make an item out of nothing."""
        actions: list[Action] = [
            DeliveryItem.done_at.set(at),
            DeliveryItem.ttl.set(items.seconds(at + KEPT_AFTER)),
            DeliveryItem.payload.remove(),
            DeliveryItem.due_kind.remove(),
            DeliveryItem.due_at.remove(),
        ]
        with in_our_words():
            _item(delivery).update(actions=actions, condition=Row.pk.exists())

    def failed(self, delivery: Delivery, *, error: str, again_at: datetime) -> None:
        """Counts the attempt and puts the next one off, unless somebody else delivered it meanwhile."""
        actions: list[Action] = [
            DeliveryItem.attempts.add(1),
            DeliveryItem.last_error.set(error),
            DeliveryItem.due_at.set(again_at),
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
