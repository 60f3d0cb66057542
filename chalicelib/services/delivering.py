"""Delivering what the outbox holds: the relay as it comes in, the sweeper what the relay missed.

At least once, in any order: each delivery is harmless to repeat, and a mail keeps its notification id.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.domain.deliveries import Delivery, Kind
from chalicelib.services.ports import Parts

SWEEP_LIMIT = 50
CLAIM = timedelta(seconds=30)
"""How long one delivery may take. Behind a burst, relay and sweeper come to the same ones: one of them waits."""

_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a sweep did."""

    delivered: int
    failed: int


def relay(parts: Parts, delivery_ids: Iterable[str]) -> list[str]:
    """Deliver these; returns the ids that failed, for the stream to bring again."""
    return [delivery_id for delivery_id in delivery_ids if not _relay_one(parts, delivery_id)]


def sweep(parts: Parts) -> Swept:
    """Deliver what is due and was not relayed."""
    results = [
        _relay_one(parts, delivery_id) for delivery_id in parts.outbox.due(parts.now(), limit=SWEEP_LIMIT)
    ]
    return Swept(delivered=results.count(True), failed=results.count(False))


def _relay_one(parts: Parts, delivery_id: str) -> bool:
    now = parts.now()
    delivery = parts.outbox.claim(delivery_id, now=now, until=now + CLAIM)
    if delivery is None:
        return True  # done before, in other hands, or for the sweeper when its time comes
    return _attempt(parts, delivery)


def _attempt(parts: Parts, delivery: Delivery) -> bool:
    """One failure must not keep the others back, whatever it is: so everything is caught, logged by its kind
    (messages may hold addresses) and tried again later."""
    try:
        _deliver(parts, delivery)
        parts.outbox.done(delivery, at=parts.now())
    except Exception as error:
        kind = type(error).__name__
        _log.warning("delivery %s failed: %s", delivery.id, kind)
        pause = min(_FIRST_PAUSE * 2 ** min(delivery.attempts, 10), _LONGEST_PAUSE)
        parts.outbox.failed(delivery, error=kind, again_at=parts.now() + pause)
        return False
    return True


def _deliver(parts: Parts, delivery: Delivery) -> None:
    payload = delivery.payload
    if delivery.kind is Kind.START:
        parts.workflows.start(payload["workflow"], payload["name"], payload["input"])
    elif delivery.kind is Kind.ANSWER:
        parts.workflows.answer(payload["token"], payload["output"])
    else:
        parts.mailer.send(
            notification_id=delivery.id,
            to=payload["to"],
            template=payload["template"],
            values=payload["values"],
        )
