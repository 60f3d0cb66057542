"""The outbox: what is in it is delivered or still due; what is done has lost its personal data."""

from __future__ import annotations

import contextlib
from datetime import timedelta

from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.services.changes import AddDelivery
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, REFERENCE, a_delivery, all_values

SOON = MONDAY + timedelta(seconds=61)


def due(parts: Parts, at: timedelta = timedelta(0), limit: int = 50) -> list[str]:
    return parts.outbox.due(SOON + at, limit=limit)


def test_a_delivery_comes_back_as_it_was_put(parts: Parts) -> None:
    payload = {
        "template": "receipt",
        "to": "a@example.org",
        "values": {"rows": [["Ŵ", "1"]], "n": 3, "none": None},
    }
    delivery = a_delivery(payload=payload)
    parts.records.commit([AddDelivery(delivery=delivery)])
    assert parts.outbox.get(delivery.id) == delivery
    assert parts.outbox.due(SOON, limit=10) == [delivery.id]
    assert parts.outbox.get("mail.other.1") is None


def test_queueing_twice_is_harmless_and_keeps_the_first(parts: Parts) -> None:
    parts.outbox.add(a_delivery())
    parts.outbox.add(a_delivery(payload={"template": "other", "to": "b@example.org", "values": {}}))
    assert parts.outbox.get("mail.receipt.1") == a_delivery()
    assert len(due(parts)) == 1


def test_the_relay_has_its_time_before_the_sweeper(parts: Parts) -> None:
    parts.outbox.add(a_delivery())
    assert due(parts, timedelta(seconds=-30)) == []
    assert due(parts) == ["mail.receipt.1"]


def test_what_is_for_later_is_not_due(parts: Parts) -> None:
    parts.outbox.add(a_delivery(due_at=MONDAY + timedelta(hours=1)))
    assert due(parts) == []
    assert due(parts, timedelta(hours=1)) == ["mail.receipt.1"]


def test_the_oldest_come_first_and_no_more_than_asked_for(parts: Parts) -> None:
    for number in (3, 1, 2):
        parts.outbox.add(a_delivery(f"mail.receipt.{number}", due_at=MONDAY - timedelta(hours=5 - number)))
    assert due(parts, limit=2) == ["mail.receipt.1", "mail.receipt.2"]


def test_what_is_done_is_gone_with_its_personal_data(parts: Parts) -> None:
    delivery = a_delivery()
    parts.outbox.add(delivery)
    parts.outbox.done(delivery, at=MONDAY)
    assert parts.outbox.get(delivery.id) is None
    assert due(parts, timedelta(days=400)) == []


def test_what_is_done_is_not_queued_again(parts: Parts) -> None:
    delivery = a_delivery()
    parts.outbox.add(delivery)
    parts.outbox.done(delivery, at=MONDAY)
    parts.outbox.add(delivery)
    assert parts.outbox.get(delivery.id) is None


def test_done_twice_is_harmless(parts: Parts) -> None:
    delivery = a_delivery()
    parts.outbox.add(delivery)
    parts.outbox.done(delivery, at=MONDAY)
    parts.outbox.done(delivery, at=MONDAY)
    assert parts.outbox.get(delivery.id) is None


def claim(parts: Parts, after: timedelta = timedelta(0)) -> Delivery | None:
    now = MONDAY + after
    return parts.outbox.claim("mail.receipt.1", now=now, until=now + timedelta(seconds=30))


def test_only_one_at_a_time_has_a_delivery_in_hand(parts: Parts) -> None:
    parts.outbox.add(a_delivery())
    assert claim(parts) == a_delivery()
    assert claim(parts, timedelta(seconds=29)) is None
    assert due(parts, timedelta(seconds=-40)) == []
    assert claim(parts, timedelta(seconds=30)) == a_delivery(), "whoever had it died"


def test_what_failed_may_be_claimed_again_and_what_is_done_may_not(parts: Parts) -> None:
    parts.outbox.add(a_delivery())
    assert claim(parts)
    parts.outbox.failed(a_delivery(), error="ConnectionError", again_at=MONDAY + timedelta(seconds=5))
    assert claim(parts, timedelta(seconds=5)) == a_delivery(attempts=1)
    parts.outbox.done(a_delivery(), at=MONDAY)
    assert claim(parts, timedelta(hours=1)) is None


def test_what_is_for_later_or_was_never_queued_is_not_claimed(parts: Parts) -> None:
    assert claim(parts) is None
    parts.outbox.add(a_delivery(due_at=MONDAY + timedelta(minutes=10)))
    assert claim(parts) is None
    assert due(parts, timedelta(days=1)) == ["mail.receipt.1"], "asking made no phantom"
    assert claim(parts, timedelta(minutes=10)) is not None


def test_a_failure_counts_and_puts_off(parts: Parts) -> None:
    parts.outbox.add(a_delivery())
    parts.outbox.failed(a_delivery(), error="ConnectionError", again_at=SOON + timedelta(minutes=5))
    assert due(parts) == []
    assert due(parts, timedelta(minutes=5)) == [a_delivery().id]
    again = parts.outbox.get(a_delivery().id)
    assert again is not None
    assert again == a_delivery(attempts=1)
    parts.outbox.failed(again, error="ConnectionError", again_at=SOON + timedelta(minutes=10))
    again = parts.outbox.get(a_delivery().id)
    assert again is not None
    assert again.attempts == 2


def test_a_late_failure_does_not_bring_back_what_somebody_else_delivered(parts: Parts) -> None:
    parts.outbox.add(a_delivery())
    parts.outbox.done(a_delivery(), at=MONDAY)
    parts.outbox.failed(a_delivery(), error="ConnectionError", again_at=SOON)
    assert parts.outbox.get("mail.receipt.1") is None
    assert due(parts, timedelta(days=1)) == []


def test_marking_what_is_not_there_makes_no_phantom(parts: Parts) -> None:
    with contextlib.suppress(Exception):
        parts.outbox.done(a_delivery(), at=MONDAY)
    parts.outbox.failed(a_delivery(), error="ConnectionError", again_at=MONDAY)
    assert parts.outbox.get("mail.receipt.1") is None
    assert due(parts, timedelta(days=1)) == []
    parts.outbox.add(a_delivery())
    assert parts.outbox.get("mail.receipt.1") == a_delivery()


def test_a_done_delivery_holds_nothing_personal_in_the_table(dynamo_parts: Parts) -> None:
    from chalicelib.adapters.dynamodb.tables import Row

    dynamo_parts.outbox.add(a_delivery())
    dynamo_parts.outbox.done(a_delivery(), at=MONDAY)
    (row,) = [row.serialize() for row in Row.scan()]
    assert not any("zuleika" in value.lower() for value in all_values(row))
    assert "ttl" in row
    assert "due_kind" not in row


def test_what_is_held_back_is_due_at_its_time_and_not_a_minute_later(parts: Parts) -> None:
    """The stream carried it when it was made, and left it: the sweeper is the only one who comes for it."""
    until = MONDAY + timedelta(minutes=10, microseconds=7)
    parts.records.commit([AddDelivery(delivery=a_delivery(due_at=until, is_held=True))])
    assert parts.outbox.due(until - timedelta(microseconds=1), limit=5) == []
    assert parts.outbox.due(until, limit=5) == ["mail.receipt.1"]
    assert claim(parts, until - MONDAY - timedelta(microseconds=1)) is None
    assert claim(parts, until - MONDAY) == a_delivery(due_at=until)


def test_what_a_delivery_was_about_is_known_also_when_it_is_done(parts: Parts) -> None:
    parts.outbox.add(a_delivery())
    assert parts.outbox.reference_of("mail.receipt.1") == REFERENCE
    parts.outbox.done(a_delivery(), at=MONDAY)
    assert parts.outbox.reference_of("mail.receipt.1") == REFERENCE


def test_a_delivery_that_is_about_no_submission_or_is_not_known_is_about_nothing(parts: Parts) -> None:
    parts.outbox.add(a_delivery(reference=""))
    assert parts.outbox.reference_of("mail.receipt.1") == ""
    assert parts.outbox.reference_of("mail.other.1") == ""
    assert parts.outbox.reference_of("") == ""
