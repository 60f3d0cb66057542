"""Parcels: the deliveries of one transaction are one item, whose parts are claimed, marked and taken back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import keys, parcels
from chalicelib.adapters.dynamodb.tables import Row
from chalicelib.domain.delivery.deliveries import MOST_PARTS, Claimed, Delivery, Kind, Mark, gathered
from chalicelib.services.changes import AddDelivery, CancelDelivery, ChangeRefused
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, REFERENCE, a_delivery, all_values
from tests.contract.crowd import at_once

GRACE = timedelta(seconds=60)
UNTIL = MONDAY + timedelta(minutes=10)
PARCEL = "parcel.answer.1"


def a_part(delivery_id: str, **changes: Any) -> Delivery:
    kind = Kind.MAIL if delivery_id.startswith("mail.") else Kind.ANSWER
    return a_delivery(delivery_id, **{"kind": kind, "force": "kent", **changes})


ANSWER, MAIL, OTHER = a_part("answer.1"), a_part("mail.receipt.1"), a_part("mail.asked.1")


def put(parts: Parts, *some: Delivery) -> list[Delivery]:
    """These as one transaction; as they are found again."""
    parts.records.commit([AddDelivery(delivery=one) for one in some])
    return [replace(one, is_held=False) for one in gathered(some)]


def claim(
    parts: Parts, lane: str, after: timedelta = timedelta(0), *, is_late: bool = False, parcel: str = PARCEL
) -> Claimed | None:
    now = MONDAY + after
    return parts.outbox.claim_parts(
        parcel, lane=lane, now=now, until=now + timedelta(seconds=30), is_late=is_late
    )


def taken(parts: Parts, lane: str, after: timedelta = timedelta(0), **how: bool) -> list[str]:
    claimed = claim(parts, lane, after, **how)
    assert claimed is not None
    return [one.id for one in claimed.parts]


def finish(parts: Parts, claimed: Claimed | None, after: timedelta = timedelta(0)) -> None:
    """All that was claimed was delivered."""
    assert claimed is not None
    parts.outbox.mark(claimed, [Mark(delivery=one) for one in claimed.parts], at=MONDAY + after)


def due(parts: Parts, after: timedelta) -> list[str]:
    return parts.outbox.due(MONDAY + after, limit=9)


def test_several_deliveries_of_one_transaction_are_one_item(dynamo_parts: Parts) -> None:
    put(dynamo_parts, MAIL, OTHER, ANSWER)
    assert [keys.value(row.pk) for row in Row.scan()] == [PARCEL]


def test_one_delivery_alone_is_an_item_as_it_always_was(dynamo_parts: Parts) -> None:
    put(dynamo_parts, MAIL)
    assert [keys.value(row.pk) for row in Row.scan()] == [MAIL.id]


def test_each_part_comes_back_as_it_was_put(parts: Parts) -> None:
    odd = a_part("mail.asked.1", payload={"values": {"Ŵ": None, "n": 3}}, reference="", force="")
    for part in put(parts, MAIL, odd, ANSWER):
        assert part.parcel == PARCEL
        assert parts.outbox.get(part.address) == part
        assert parts.outbox.reference_of(part.address) == part.reference
        assert parts.outbox.force_of(part.address) == part.force


def test_an_answer_is_found_by_its_id_and_what_its_parcel_is_not_named_after_is_not(parts: Parts) -> None:
    put(parts, MAIL, ANSWER)
    assert parts.outbox.get("answer.1") == replace(ANSWER, parcel=PARCEL)
    assert parts.outbox.get(MAIL.id) is None
    assert parts.outbox.get(f"{PARCEL}/mail.never.1") is None
    assert parts.outbox.force_of(f"{PARCEL}/mail.never.1") is None
    assert parts.outbox.reference_of("parcel.never/mail.never.1") == ""


def test_the_same_transaction_again_is_refused_and_keeps_the_first(parts: Parts) -> None:
    put(parts, MAIL, ANSWER)
    with pytest.raises(ChangeRefused) as refused:
        put(parts, replace(MAIL, payload={}), ANSWER)
    assert isinstance(refused.value.change, AddDelivery)
    assert parts.outbox.get(f"{PARCEL}/{MAIL.id}") == replace(MAIL, parcel=PARCEL)


def test_each_lane_takes_its_own_parts_and_does_not_wait_for_the_other(parts: Parts) -> None:
    put(parts, MAIL, ANSWER, OTHER)
    assert taken(parts, "workflow") == ["answer.1"]
    assert sorted(taken(parts, "mail")) == [OTHER.id, MAIL.id]
    assert claim(parts, "mail", timedelta(seconds=29)) is None
    assert len(taken(parts, "mail", timedelta(seconds=30))) == 2, "whoever had them died"


def test_it_is_due_for_the_sweeper_until_both_lanes_are_done(parts: Parts) -> None:
    put(parts, MAIL, ANSWER)
    assert due(parts, GRACE - timedelta(seconds=1)) == []
    assert due(parts, GRACE) == [PARCEL]
    mail, workflow = claim(parts, "mail"), claim(parts, "workflow")
    assert due(parts, GRACE) == [PARCEL], "a claim moves nothing"
    finish(parts, mail)
    assert due(parts, GRACE) == [PARCEL]
    assert claim(parts, "mail", GRACE) is None
    finish(parts, workflow)
    assert due(parts, timedelta(days=99)) == []
    assert claim(parts, "workflow", GRACE) is None


def test_what_is_done_has_lost_its_personal_data_and_knows_what_it_was_about(dynamo_parts: Parts) -> None:
    put(dynamo_parts, MAIL, ANSWER)
    finish(dynamo_parts, claim(dynamo_parts, "mail"))
    finish(dynamo_parts, claim(dynamo_parts, "workflow"))
    (row,) = [row.serialize() for row in Row.scan()]
    assert not any("zuleika" in value.lower() for value in all_values(row))
    assert "ttl" in row
    assert "due_kind" not in row
    assert dynamo_parts.outbox.reference_of(f"{PARCEL}/{MAIL.id}") == REFERENCE
    assert dynamo_parts.outbox.get(f"{PARCEL}/{MAIL.id}") is None


def test_a_part_that_failed_is_tried_again_alone_and_at_its_own_time(parts: Parts) -> None:
    put(parts, MAIL, OTHER)
    claimed = claim(parts, "mail", parcel="parcel.mail.receipt.1")
    assert claimed is not None
    again_at = MONDAY + timedelta(minutes=5)
    marks = [
        Mark(delivery=one, error="E", again_at=again_at) if one.id == MAIL.id else Mark(delivery=one)
        for one in claimed.parts
    ]
    parts.outbox.mark(claimed, marks, at=MONDAY)
    assert due(parts, timedelta(seconds=299)) == []
    assert due(parts, timedelta(minutes=5)) == ["parcel.mail.receipt.1"]
    late = claim(parts, "mail", timedelta(minutes=5), is_late=True, parcel="parcel.mail.receipt.1")
    assert late is not None
    assert [(one.id, one.attempts) for one in late.parts] == [(MAIL.id, 1)]


def test_what_nobody_came_to_is_as_it_was(parts: Parts) -> None:
    put(parts, MAIL, OTHER, ANSWER)
    claimed = claim(parts, "mail")
    assert claimed is not None
    parts.outbox.mark(claimed, [Mark(delivery=claimed.parts[0])], at=MONDAY)
    assert taken(parts, "mail", timedelta(seconds=1)) == [claimed.parts[1].id]


def test_one_part_is_set_aside_alone_and_tried_again_alone(parts: Parts) -> None:
    put(parts, MAIL, OTHER, ANSWER)
    claimed = claim(parts, "mail")
    assert claimed is not None
    bad = next(one for one in claimed.parts if one.id == MAIL.id)
    assert parts.outbox.set_aside(bad, error="E", at=MONDAY)
    assert not parts.outbox.set_aside(bad, error="E", at=MONDAY), "it is set aside already"
    parts.outbox.mark(claimed, [Mark(delivery=bad, error="E")], at=MONDAY)
    (aside,) = parts.outbox.all_set_aside(force="kent", limit=9)
    assert parts.outbox.all_set_aside(limit=9) == [aside]
    assert (aside.id, aside.attempts, aside.force, aside.error) == (MAIL.id, 1, "kent", "E")
    assert taken(parts, "mail", timedelta(minutes=1)) == [OTHER.id]
    assert taken(parts, "workflow") == ["answer.1"]
    assert parts.outbox.force_of(MAIL.id) == "kent"
    assert parts.outbox.again(MAIL.id, now=MONDAY)
    again = parts.outbox.claim(MAIL.id, now=MONDAY, until=UNTIL)
    assert again == MAIL, "with its payload"


def test_a_part_that_is_done_is_not_set_aside(parts: Parts) -> None:
    put(parts, MAIL, ANSWER)
    claimed = claim(parts, "mail")
    finish(parts, claimed)
    assert claimed is not None
    assert not parts.outbox.set_aside(claimed.parts[0], error="E", at=MONDAY)
    assert parts.outbox.all_set_aside(limit=9) == []


def test_whoever_took_too_long_says_what_was_delivered_and_nothing_else(parts: Parts) -> None:
    put(parts, MAIL, OTHER, ANSWER)
    slow = claim(parts, "mail")
    assert slow is not None
    quick = claim(parts, "mail", timedelta(seconds=31))
    later = MONDAY + timedelta(hours=9)
    marks = [Mark(delivery=slow.parts[0]), Mark(delivery=slow.parts[1], error="E", again_at=later)]
    parts.outbox.mark(slow, marks, at=MONDAY)
    assert claim(parts, "mail", timedelta(seconds=32)) is None, "the other one is still at it"
    assert parts.outbox.get(slow.parts[0].address) is None
    found = parts.outbox.get(slow.parts[1].address)
    assert found is not None
    assert found.attempts == 0
    finish(parts, quick)
    finish(parts, claim(parts, "workflow"))
    assert due(parts, timedelta(days=9)) == []


# Taken back


def held(*some: Delivery) -> list[Delivery]:
    return [replace(one, due_at=UNTIL, is_held=True) for one in some]


def cancel(parts: Parts, some: Sequence[Delivery]) -> None:
    parts.records.commit([CancelDelivery(delivery_id=one.address) for one in some])


def test_what_is_held_is_due_at_its_time_and_what_is_not_goes_at_once(parts: Parts) -> None:
    put(parts, *held(MAIL, ANSWER), OTHER)
    assert taken(parts, "mail") == [OTHER.id]
    assert due(parts, GRACE) == [PARCEL]
    assert taken(parts, "workflow", UNTIL - MONDAY, is_late=True) == ["answer.1"]


def test_parts_are_taken_back_together_and_the_others_stay(parts: Parts) -> None:
    *window, other = put(parts, *held(MAIL, ANSWER), OTHER)
    finish(parts, claim(parts, "mail"))
    cancel(parts, window)
    assert [parts.outbox.get(one.address) for one in window] == [None, None]
    assert parts.outbox.reference_of(other.address) == REFERENCE
    with pytest.raises(ChangeRefused) as refused:
        cancel(parts, window)
    assert isinstance(refused.value.change, CancelDelivery)
    for lane in ("workflow", "mail"):
        claimed = claim(parts, lane, UNTIL - MONDAY, is_late=True)
        if claimed is not None:
            assert claimed.parts == ()
            finish(parts, claimed, UNTIL - MONDAY)
    assert due(parts, timedelta(days=9)) == [], "the sweeper tidies it up"


@pytest.mark.parametrize("lane", ["workflow", "mail"])
def test_nothing_is_taken_back_when_one_part_is_on_its_way(parts: Parts, lane: str) -> None:
    window = put(parts, *held(MAIL, ANSWER))
    claimed = claim(parts, lane, UNTIL - MONDAY, is_late=True)
    with pytest.raises(ChangeRefused):
        cancel(parts, window)
    finish(parts, claimed, UNTIL - MONDAY)
    with pytest.raises(ChangeRefused):
        cancel(parts, window)


# At the same moment


def test_two_lanes_at_once_leave_nothing_undone(parts: Parts) -> None:
    for number in range(12):
        some = [replace(one, id=f"{one.id}.{number}") for one in (ANSWER, MAIL, OTHER)]
        put(parts, *some)
        parcel = f"parcel.answer.1.{number}"
        claims = [claim(parts, lane, parcel=parcel) for lane in ("workflow", "mail")]
        outcomes = at_once(*(lambda one=one: finish(parts, one) for one in claims))
        assert outcomes == [None, None]
    assert due(parts, timedelta(days=9)) == []


def test_of_many_at_once_one_has_a_lane_in_hand(parts: Parts) -> None:
    put(parts, ANSWER, MAIL)
    found = at_once(*(lambda: claim(parts, "mail") for _ in range(6)))
    assert len([one for one in found if isinstance(one, Claimed)]) == 1


def test_an_undo_and_the_sweeper_at_the_same_moment_never_both_have_it(parts: Parts) -> None:
    for number in range(12):
        some = [replace(one, id=f"{one.id}.{number}") for one in held(ANSWER, MAIL)]
        window = put(parts, *some)
        parcel = f"parcel.answer.1.{number}"
        undone, claimed = at_once(
            lambda window=window: cancel(parts, window),
            lambda parcel=parcel: claim(parts, "mail", UNTIL - MONDAY, is_late=True, parcel=parcel),
        )
        has_parts = isinstance(claimed, Claimed) and bool(claimed.parts)
        assert (undone is None) + has_parts <= 1, (undone, claimed)
        assert parts.outbox.get(window[0].address) is None if undone is None else True


# What the stream says of it


@pytest.mark.parametrize(
    ("some", "lane"),
    [
        ([ANSWER, MAIL], "both"),
        ([MAIL, OTHER], "mail"),
        ([*held(ANSWER, MAIL), OTHER], "mail"),
        (held(ANSWER, MAIL), "later"),
    ],
)
def test_the_stream_wakes_the_relays_of_what_may_go_at_once(
    dynamo_parts: Parts, some: list[Delivery], lane: str
) -> None:
    put(dynamo_parts, *some)
    (row,) = [row.serialize() for row in Row.scan()]
    assert row["lane"] == {"S": lane}


# Very many


MANY = [a_part(f"mail.asked.CLM-2222-2222.7.person-with-a-long-name-{n:02d}") for n in range(61)]


def test_very_many_mails_are_several_parcels_and_each_is_sent(parts: Parts) -> None:
    addresses = [one.address for one in put(parts, ANSWER, *MANY)]
    parcels = list(dict.fromkeys(one.partition("/")[0] for one in addresses))
    assert [sum(one.startswith(f"{parcel}/") for one in addresses) for parcel in parcels] == [25, 25, 12]
    for parcel in parcels:
        finish(parts, claim(parts, "mail", parcel=parcel))
    finish(parts, claim(parts, "workflow"))
    assert due(parts, timedelta(days=9)) == []


def test_all_parts_of_a_parcel_fail_at_once_and_are_tried_again(parts: Parts) -> None:
    put(parts, *MANY[:MOST_PARTS])
    parcel = f"parcel.{MANY[0].id}"
    claimed = claim(parts, "mail", parcel=parcel)
    assert claimed is not None
    again_at = MONDAY + timedelta(minutes=2)
    failed = [Mark(delivery=one, error="Throttling", again_at=again_at) for one in claimed.parts]
    parts.outbox.mark(claimed, failed, at=MONDAY)
    repeat = claim(parts, "mail", timedelta(minutes=3), is_late=True, parcel=parcel)
    assert repeat is not None
    assert {one.attempts for one in repeat.parts} == {1}
    assert len(repeat.parts) == MOST_PARTS


def test_what_is_said_of_a_parcel_is_never_longer_than_dynamodb_takes() -> None:
    """4 KB for an expression, 300 operators: dynoxide and moto do not look."""
    some = [replace(one, parcel=PARCEL) for one in MANY[:MOST_PARTS]]
    item = parcels.parcel_item(some, GRACE)
    seen = {"parts": {"M": item.parts}, "workflow_due": {"S": "2027"}}
    claimed = Claimed(parcel=PARCEL, lane="mail", until=UNTIL, parts=tuple(some), seen=seen)
    marks = [Mark(delivery=one, error="Throttling" * 10, again_at=UNTIL) for one in some]
    written = [
        parcels._marking(claimed, marks, "2027", MONDAY),
        parcels.cancelling(PARCEL, [one.id for one in some]),
    ]
    for one in written:
        for expression in (one["UpdateExpression"], one["ConditionExpression"]):
            assert len(expression.encode()) < 4096
            assert len(re.findall(r" AND | OR |[=<]|attribute_", expression)) < 300
