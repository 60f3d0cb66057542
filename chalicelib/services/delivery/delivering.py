"""Delivering what the outbox holds: the relay as it comes in, the sweeper what the relay missed.

At least once, in any order: each delivery is harmless to repeat, and a mail keeps its notification id. What fails
too often is set aside by the sweeper, until a person says that it be tried again (`setting_aside.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import timedelta

from chalicelib.domain.delivery.deliveries import CARRIED, Claimed, Delivery, Kind, Mark, is_parcel
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts

SWEEP_LIMIT = 50
CLAIM = timedelta(seconds=30)
"""How long a delivery, or a lane of a parcel, may take. Behind a burst, relay and sweeper come to the same ones: one of
them waits."""

LONGEST_DELIVERY = timedelta(seconds=10)
"""How much of a claim on several must be left for the next one to be begun."""

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


def relay(parts: Parts, delivery_ids: Iterable[str], *, lane: str = "") -> list[str]:
    """Deliver these; of parcels, what is in this lane. Returns the ids that failed, for the stream to bring again."""
    return [
        one
        for one in delivery_ids
        if any(result == FAILED for result, _ in _attempt(parts, one, lane=lane, sets_aside=False))
    ]


def sweep(parts: Parts) -> Swept:
    """Deliver what is due and was not relayed."""
    return deliver(parts, parts.outbox.due(parts.now(), limit=SWEEP_LIMIT), sets_aside=True)


def deliver(parts: Parts, delivery_ids: Iterable[str], *, sets_aside: bool) -> Swept:
    """Deliver these. Setting aside what failed too often is the sweeper's: it takes the right to read submissions."""
    attempts = [
        attempt
        for one in delivery_ids
        for attempt in _attempt(parts, one, is_late=True, sets_aside=sets_aside)
    ]
    results = [result for result, _ in attempts]
    return Swept(
        delivered=results.count(DELIVERED),
        failed=results.count(FAILED),
        set_aside=results.count(SET_ASIDE),
        done=tuple(one for result, one in attempts if result == DELIVERED and one is not None),
    )


def _attempt(
    parts: Parts, delivery_id: str, *, sets_aside: bool, lane: str = "", is_late: bool = False
) -> list[tuple[str, Delivery | None]]:
    """What became of a delivery, or of each part of a parcel. One failure must not keep the others back, whatever it
    is: so everything is caught, logged by its kind (messages may hold addresses) and tried again later, or set
    aside."""
    if not is_parcel(delivery_id):
        return [_attempt_one(parts, delivery_id, sets_aside=sets_aside)]
    lanes = (lane,) if lane else CARRIED
    return [
        attempt
        for one in lanes
        for attempt in _attempt_parts(parts, delivery_id, one, is_late=is_late, sets_aside=sets_aside)
    ]


def _attempt_one(parts: Parts, delivery_id: str, *, sets_aside: bool) -> tuple[str, Delivery | None]:
    now = parts.now()
    try:
        delivery = parts.outbox.claim(delivery_id, now=now, until=now + CLAIM)
    except Exception as error:  # it is where it was
        _warn(delivery_id, error)
        return FAILED, None
    if delivery is None:
        return NOT_OURS, None
    try:
        _deliver(parts, delivery)
        parts.outbox.done(delivery, at=parts.now())
    except Exception as error:
        _warn(delivery.id, error)
        failed = _failed(parts, delivery, type(error).__name__, sets_aside)
        if failed.again_at is None:
            return SET_ASIDE, delivery
        try:
            parts.outbox.failed(delivery, error=failed.error, again_at=failed.again_at)
        except Exception as unmarked:  # the claim on it ends, and the sweeper finds it again
            _warn(delivery.id, unmarked)
        return FAILED, delivery
    return DELIVERED, delivery


def _attempt_parts(
    parts: Parts, parcel: str, lane: str, *, is_late: bool, sets_aside: bool
) -> list[tuple[str, Delivery | None]]:
    now = parts.now()
    try:
        claimed = parts.outbox.claim_parts(parcel, lane=lane, now=now, until=now + CLAIM, is_late=is_late)
    except Exception as error:  # it is where it was
        _warn(parcel, error)
        return [(FAILED, None)]
    if claimed is None:
        return [(NOT_OURS, None)]
    marks = list(_marks(parts, claimed, sets_aside))
    left = claimed.parts[len(marks) :]
    try:
        parts.outbox.mark(claimed, marks, at=parts.now())
    except Exception as error:  # the claim ends, and the sweeper finds the parts again
        _warn(parcel, error)
        return [(FAILED, delivery) for delivery in claimed.parts]
    return [*((_result(one), one.delivery) for one in marks), *((FAILED, one) for one in left)]


def _marks(parts: Parts, claimed: Claimed, sets_aside: bool) -> Iterator[Mark]:
    """What became of each part, in order. Whoever is slow leaves the last ones, while the claim is still theirs."""
    for delivery in claimed.parts:
        if parts.now() > claimed.until - LONGEST_DELIVERY:
            return
        try:
            _deliver(parts, delivery)
        except Exception as error:
            _warn(delivery.id, error)
            yield _failed(parts, delivery, type(error).__name__, sets_aside)
        else:
            yield Mark(delivery=delivery)


def _result(mark: Mark) -> str:
    if not mark.error:
        return DELIVERED
    return FAILED if mark.again_at else SET_ASIDE


def _failed(parts: Parts, delivery: Delivery, kind: str, sets_aside: bool) -> Mark:
    """It is set aside, or is to be tried again."""
    from chalicelib.services.delivery import setting_aside  # the relay's cold start has no use for it

    try:
        if sets_aside and setting_aside.set_aside(parts, delivery, error=kind):
            return Mark(delivery=delivery, error=kind)
    except Exception as error:  # it is tried again like others
        _warn(delivery.id, error)
    pause = min(_FIRST_PAUSE * 2 ** min(delivery.attempts, 10), _LONGEST_PAUSE)
    return Mark(delivery=delivery, error=kind, again_at=parts.now() + pause)


def _warn(delivery_id: str, error: Exception) -> None:
    _log.warning("delivery %s failed: %s", delivery_id, type(error).__name__)


def _deliver(parts: Parts, delivery: Delivery) -> None:
    payload = delivery.payload
    if delivery.kind is Kind.START:
        parts.workflows.start(payload["workflow"], payload["name"], payload["input"])
    elif delivery.kind is Kind.ANSWER:
        parts.workflows.answer(payload["token"], payload["output"])
    else:
        parts.mailer.send(
            notification_id=delivery.id,
            parcel=delivery.parcel,
            to=payload["to"],
            template=payload["template"],
            values=payload["values"],
        )
