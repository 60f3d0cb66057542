"""Which partition keys of the table each function may write: its own, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from tests.guards.aws_calls import Calls, Touched
from tests.guards.life import HTTP
from tests.guards.packaged import builds_once
from tests.guards.policies import LEADING, NAMES, PLACES, own_statements, patterns, permits, uses

pytestmark = builds_once

WRITES = ("PutItem", "UpdateItem", "DeleteItem")
SUBMISSION = "FORCE#kent#CLM-7K3F-9QX2"

KEPT = [("DeleteItem", key) for key in (SUBMISSION, "LEDGER#ptf", "FUND#ptf")]
"""What no function deletes. What lapses is emptied, by an update that the timeline records."""

MONEY = [(write, key) for write in WRITES for key in ("FUND#ptf", "LEDGER#ptf")]
MOVE_MONEY = {HTTP, "ask_approver", "follow_up", "reconcile"}
"""Who decides, lets lapse, or puts right."""

OTHERS_OF_RELAYS = [
    *((write, SUBMISSION) for write in WRITES),
    *(("UpdateItem", key) for key in ("PERSON#lead-kent", "CHECKS", "DELIVERY", "XDELIVERY#1")),
    *((read, "DELIVERY#1") for read in ("GetItem", "Query", "BatchGetItem")),
]


def forbidden(name: str) -> list[tuple[str, str]]:
    """All that a function must not do, and on which partition key; empty stands for a call that names none."""
    return [
        *KEPT,
        *((write, "") for write in WRITES if name != HTTP or write == "DeleteItem"),
        *(MONEY if name not in MOVE_MONEY else ()),
        *(OTHERS_OF_RELAYS if name.startswith("relay_") else ()),
    ]


def refused(policy: Sequence[Mapping[str, Any]], touched: Iterable[Touched]) -> list[Touched]:
    """What a policy does not allow of these."""
    return sorted(one for one in touched if not permits(policy, one[0], PLACES[one[1]], one[2]))


def wrongly_allowed(policy: Sequence[Mapping[str, Any]], name: str) -> list[tuple[str, str]]:
    """What a policy allows of what this function must not do."""
    return [
        (action, key)
        for action, key in forbidden(name)
        if permits(policy, f"dynamodb:{action}", PLACES["table"], (key,) if key else ())
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_function_may_touch_the_keys_that_it_touches(name: str, calls: Calls) -> None:
    assert refused(own_statements(name), calls.touched[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_function_may_touch_no_keys_that_it_does_not(name: str, calls: Calls) -> None:
    """If it does it after all, let it happen in one of the functions above."""
    for statement in own_statements(name):
        for action, pattern in uses(statement):
            only = [{**statement, "Condition": {"ForAllValues:StringLike": {LEADING: [pattern]}}}]
            given = [one for one in calls.touched[name] if one[0] == action]
            assert len(refused(only, given)) < len(given), (name, action, pattern)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_may_not_touch_what_is_none_of_its_business(name: str) -> None:
    assert wrongly_allowed(own_statements(name), name) == []


def test_only_the_public_function_writes_items_of_nearly_every_kind() -> None:
    """Each other one names the keys that it writes."""
    for name in NAMES:
        for statement in own_statements(name):
            writes = {f"dynamodb:{one}" for one in WRITES} & set(statement["Action"])
            if writes and patterns(statement) is None:
                assert (name, writes) == (HTTP, {"dynamodb:PutItem", "dynamodb:UpdateItem"})


SPOILED: Mapping[str, Mapping[str, Any] | None] = {
    "no condition": None,
    "every key": {"ForAllValues:StringLike": {LEADING: ["*"]}, "Null": {LEADING: "false"}},
    "one kind of key too many": {
        "ForAllValues:StringLike": {LEADING: ["DELIVERY#*", "FUND#*"]},
        "Null": {LEADING: "false"},
    },
    "a key may be absent": {"ForAllValues:StringLike": {LEADING: ["DELIVERY#*"]}},
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
def test_a_policy_that_allows_too_much_is_found(spoiled: Mapping[str, Any] | None) -> None:
    (statement,) = [one for one in own_statements("relay_mail") if patterns(one)]
    assert not wrongly_allowed([statement], "relay_mail")
    assert wrongly_allowed([{**statement, "Condition": spoiled or {}}], "relay_mail")


def test_a_policy_that_allows_too_little_is_found(calls: Calls) -> None:
    condition = {"ForAllValues:StringLike": {LEADING: ["DELIVERIES#*"]}, "Null": {LEADING: "false"}}
    policy = [{**one, "Condition": condition} for one in own_statements("relay_mail") if patterns(one)]
    assert refused(policy, calls.touched["relay_mail"])
