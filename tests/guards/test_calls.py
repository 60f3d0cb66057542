"""AWS calls of each step: what docs/performance.md promises, counted."""

from __future__ import annotations

from collections import Counter

import pytest

from bench import calls
from bench.calls_scene import Calls, Steps

pytestmark = pytest.mark.slow

DECISIONS = ("first decision, JSON: reserves the money", "last decision, page: commits the money")
DOCUMENTED = calls.read_document(calls.DOCUMENT.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def counted() -> Steps:
    return calls.count()


def test_every_step_makes_the_calls_that_are_documented(counted: Steps) -> None:
    assert counted
    assert calls.differences(counted, DOCUMENTED) == []


def test_a_submission_reads_its_mailbox_and_writes_once(counted: Steps) -> None:
    for step in ("submission, JSON", "submission, page"):
        assert dict(counted[step].made) == {"BatchGetItem": 1, "kms:GenerateMac": 1, "TransactWriteItems": 1}


def test_a_decision_is_two_reads_and_one_write(counted: Steps) -> None:
    for step in DECISIONS:
        assert (counted[step].reads, counted[step].writes) == (2, 1)


def test_every_entry_is_sealed_with_one_call_and_a_decision_verifies_what_it_rests_on(counted: Steps) -> None:
    first, last = (counted[step].made for step in DECISIONS)
    assert (first["kms:GenerateMac"], last["kms:GenerateMac"]) == (1, 1)
    assert (first["kms:VerifyMac"], last["kms:VerifyMac"]) == (2, 4)


def test_a_list_is_its_session_and_one_query(counted: Steps) -> None:
    lists = [step for step in counted if step.startswith("list of submissions")]
    assert len(lists) == 3
    for step in lists:
        assert dict(counted[step].made) == {"BatchGetItem": 1, "Query": 1}


def test_asking_for_a_code_makes_the_same_calls_for_everybody(counted: Steps) -> None:
    asked = [counted[step].made for step in counted if step.startswith("ask for a code")]
    assert len(asked) == 3
    assert asked[0] == asked[1] == asked[2]


def test_one_call_more_or_a_step_nobody_counts_is_found(counted: Steps) -> None:
    more = {**counted, "form, page": Calls(counted["form, page"].made + Counter(Query=1))}
    assert [found.partition(":")[0] for found in calls.differences(more, DOCUMENTED)] == ["form, page"]
    fewer = {step: made for step, made in counted.items() if step != "map"}
    assert calls.differences(fewer, DOCUMENTED) == ["map: documented, and not counted"]
