"""Delivering what the outbox holds: the relay as it comes in, the sweeper what the relay missed.

At least once, in any order: each delivery is harmless to repeat, and a mail keeps its notification id. What fails
too often is set aside by the sweeper, until a person says that it be tried again (`setting_aside.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import field
from datetime import timedelta

from chalicelib.domain.deliveries import Delivery, Kind
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts

SWEEP_LIMIT = 50
CLAIM = timedelta(seconds=30)
"""How long one delivery may take. Behind a burst, relay and sweeper come to the same ones: one of them waits."""

DELIVERED, FAILED, SET_ASIDE = "delivered", "failed", "set-aside"
NOT_OURS = "not-ours"
"""Done before, in other hands, or for the sweeper when its time comes."""

_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
_log = logging.getLogger(__name__)


@value
class Swept:
    """What a sweep did; `done` are those that it delivered."""

    delivered: int
    failed: int
    set_aside: int = 0
    done: tuple[Delivery, ...] = field(default=(), compare=False)


def relay(parts: Parts, delivery_ids: Iterable[str]) -> list[str]:
    """Deliver these; returns the ids that failed, for the stream to bring again."""
    return [one for one in delivery_ids if _attempt(parts, one, sets_aside=False)[0] == FAILED]


def sweep(parts: Parts) -> Swept:
    """Deliver what is due and was not relayed."""
    return deliver(parts, parts.outbox.due(parts.now(), limit=SWEEP_LIMIT), sets_aside=True)


def deliver(parts: Parts, delivery_ids: Iterable[str], *, sets_aside: bool) -> Swept:
    """Deliver these. Setting aside what failed too often is the sweeper's: it takes the right to read submissions."""
    attempts = [_attempt(parts, one, sets_aside=sets_aside) for one in delivery_ids]
    results = [result for result, _ in attempts]
    return Swept(
        delivered=results.count(DELIVERED),
        failed=results.count(FAILED),
        set_aside=results.count(SET_ASIDE),
        done=tuple(one for result, one in attempts if result == DELIVERED and one is not None),
    )


def _attempt(parts: Parts, delivery_id: str, *, sets_aside: bool) -> tuple[str, Delivery | None]:
    """One failure must not keep the others back, whatever it is: so everything is caught, logged by its kind
    (messages may hold addresses) and tried again later, or set aside."""
    now = parts.now()
    try:
        delivery = parts.outbox.claim(delivery_id, now=now, until=now + CLAIM)
    except Exception as error:  # it is where it was
        _log.warning("delivery %s failed: %s", delivery_id, type(error).__name__)
        return FAILED, None
    if delivery is None:
        return NOT_OURS, None
    try:
        _deliver(parts, delivery)
        parts.outbox.done(delivery, at=parts.now())
    except Exception as error:
        return _failed(parts, delivery, type(error).__name__, sets_aside), delivery
    return DELIVERED, delivery


def _failed(parts: Parts, delivery: Delivery, kind: str, sets_aside: bool) -> str:
    from chalicelib.services import setting_aside  # the relay's cold start has no use for it

    _log.warning("delivery %s failed: %s", delivery.id, kind)
    try:
        if sets_aside and setting_aside.set_aside(parts, delivery, error=kind):
            return SET_ASIDE
        pause = min(_FIRST_PAUSE * 2 ** min(delivery.attempts, 10), _LONGEST_PAUSE)
        parts.outbox.failed(delivery, error=kind, again_at=parts.now() + pause)
    except Exception as error:  # the claim on it ends, and the sweeper finds it again
        _log.warning("delivery %s failed: %s", delivery.id, type(error).__name__)
    return FAILED


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
