"""What the load driver and its floor take for an answer, a latency, and another submission."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import driver, floor


def test_a_request_says_how_long_its_body_is() -> None:
    sent = driver.request("POST", "/x", {"name": "é"}, Idempotency_Key="k")
    head, _, body = sent.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /x HTTP/1.1"
    assert f"Content-Length: {len(body)}" in lines
    assert "Idempotency-Key: k" in lines
    assert json.loads(body) == {"name": "é"}


@pytest.mark.parametrize("end", [10, 30, 60, -1])
def test_an_answer_is_one_once_all_of_it_is_there(end: int) -> None:
    whole = b"HTTP/1.1 201 Created\r\nX: content-length\r\nContent-Length: 7\r\n\r\n" + b"a\r\n\r\nbc"
    assert driver.answer_in(whole[:end]) is None
    assert driver.answer_in(whole) == (201, whole[:-11], b"a\r\n\r\nbc")


def test_an_answer_without_a_length_has_no_body() -> None:
    assert driver.answer_in(b"HTTP/1.1 303 See Other\r\nLocation: /\r\n\r\n") == (
        303,
        b"HTTP/1.1 303 See Other\r\nLocation: /",
        b"",
    )


def test_what_is_no_answer_is_told() -> None:
    with pytest.raises(driver.Broken):
        driver.answer_in(b"SSH-2.0\r\n\r\n")


@pytest.mark.parametrize(("part", "expected"), [(50, 5.0), (95, 10.0), (99, 10.0), (10, 1.0), (100, 10.0)])
def test_a_percentile_is_a_value_that_was_measured(part: int, expected: float) -> None:
    assert driver.percentile([float(n) for n in range(10, 0, -1)], part) == expected


REFERENCE = "CLM-7K3F-9QXN"
OPERATION: dict[str, Any] = {
    "TransactItems": [
        {"Put": {"Item": {"pk": {"S": f"FORCE#kent#{REFERENCE}"}, "reference": {"S": REFERENCE}}}},
        {
            "Put": {
                "Item": {"pk": {"S": f"DELIVERY#start.{REFERENCE}-r1"}, "payload": {"S": f'["{REFERENCE}"]'}}
            }
        },
        {"Put": {"Item": {"pk": {"S": "KEY#funding-claim#floor-17"}, "reference": {"S": REFERENCE}}}},
        {"Put": {"Item": {"pk": {"S": "CONTENT#" + "ab" * 32}}}},
        {"Update": {"Key": {"pk": {"S": "MAILBOX#" + "cd" * 32}, "sk": {"S": "2027-01-11T09"}}}},
    ]
}


def test_copies_differ_in_every_key_and_in_nothing_else() -> None:
    copies = floor.copies(OPERATION, 200, seed=1)
    keys = [[_key(one) for one in copy["TransactItems"]] for copy in [OPERATION, *copies]]
    for same in zip(*keys):
        assert len(set(same)) == 201
        assert len({len(key) for key in same}) == 1
        assert len({key.partition("#")[0] for key in same}) == 1
    assert {len(json.dumps(copy)) for copy in copies} == {len(json.dumps(OPERATION))}


def test_a_copy_names_one_reference_throughout() -> None:
    (copy,) = floor.copies(OPERATION, 1, seed=2)
    case, delivery, key, *_ = copy["TransactItems"]
    reference = case["Put"]["Item"]["reference"]["S"]
    assert reference != REFERENCE
    assert _key(case) == f"FORCE#kent#{reference}"
    assert _key(delivery) == f"DELIVERY#start.{reference}-r1"
    assert delivery["Put"]["Item"]["payload"]["S"] == f'["{reference}"]'
    assert key["Put"]["Item"]["reference"]["S"] == reference
    assert REFERENCE not in json.dumps(copy)


def test_the_same_seed_makes_the_same_copies() -> None:
    assert floor.copies(OPERATION, 3, seed=5) == floor.copies(OPERATION, 3, seed=5)
    assert floor.copies(OPERATION, 3, seed=5) != floor.copies(OPERATION, 3, seed=6)


def _key(one: dict[str, Any]) -> str:
    ((_, action),) = one.items()
    return str((action.get("Item") or action["Key"])["pk"]["S"])
