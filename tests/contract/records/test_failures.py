"""DynamoDB that is busy, breaks off or does not answer: what the real adapters make of it. Each fault is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from chalicelib.adapters.dynamodb.records import MAX_TRIES
from chalicelib.adapters.dynamodb.tables import shared_connection
from chalicelib.domain.errors import NotFound, Unavailable
from chalicelib.services.intake import submitting
from chalicelib.services.ports import Parts
from tests.builders import claim_answers, submitted
from tests.contract.broken_line import cancelled, error


class Faults:
    """Answers in DynamoDB's place, so many times, and counts how often."""

    def __init__(self) -> None:
        self.fired = 0
        self._left = 0
        self._make: Callable[[Any], AWSResponse] = self._unset
        self._events = shared_connection().client.meta.events
        self._events.register("before-send.dynamodb", self._answer)

    def set(self, make: Callable[[Any], AWSResponse], *, times: int) -> None:
        self._make, self._left = make, times

    def end(self) -> None:
        self._events.unregister("before-send.dynamodb", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse | None:
        if not self._left:
            return None
        self._left -= 1
        self.fired += 1
        return self._make(request)

    @staticmethod
    def _unset(request: Any) -> AWSResponse:
        raise AssertionError("no fault was set")


def breaks(error_class: type[Exception]) -> Callable[[Any], AWSResponse]:
    def broken(request: Any) -> AWSResponse:
        raise error_class(endpoint_url=request.url, error="injected")  # type: ignore[call-arg]

    return broken


pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def parts(dynamo_parts: Parts) -> Parts:
    return dynamo_parts


@pytest.fixture
def faults(parts: Parts) -> Iterator[Faults]:
    made = Faults()
    yield made
    made.end()


def submit(parts: Parts) -> submitting.Receipt:
    return submitted(parts, parts.forms.form("funding-claim"), claim_answers())


def test_a_transaction_that_met_another_one_is_tried_again(parts: Parts, faults: Faults) -> None:
    faults.set(cancelled("None", "TransactionConflict", "None"), times=3)
    receipt = submit(parts)
    assert faults.fired == 3
    assert parts.records.of("kent").case(receipt.reference).submission.reference == receipt.reference


def test_it_is_not_tried_for_ever(parts: Parts, faults: Faults) -> None:
    faults.set(cancelled("TransactionConflict"), times=1000)
    with pytest.raises(Unavailable):
        submit(parts)
    assert faults.fired == MAX_TRIES


def test_a_condition_beside_a_conflict_is_an_answer_and_not_tried_again(parts: Parts, faults: Faults) -> None:
    faults.set(cancelled("TransactionConflict", "ConditionalCheckFailed"), times=1)
    receipt = submit(parts)  # the reference was taken: another one is chosen, in a transaction of its own
    assert faults.fired == 1
    assert parts.records.force_of(receipt.reference) == "kent"


@pytest.mark.parametrize(
    "fault",
    [
        error("InternalServerError", 500),
        error("ServiceUnavailable", 503),
        error("ProvisionedThroughputExceededException"),
        error("ThrottlingException"),
        breaks(ConnectTimeoutError),
        breaks(EndpointConnectionError),
    ],
)
def test_a_store_that_does_not_answer_is_unavailable_and_says_so(
    parts: Parts, faults: Faults, fault: Callable[[Any], AWSResponse]
) -> None:
    faults.set(fault, times=1000)
    with pytest.raises(Unavailable):
        submit(parts)
    with pytest.raises(Unavailable):
        parts.records.of("kent").case("CLM-2222-222M")
    with pytest.raises(Unavailable):
        parts.people.person("lead-kent")
    assert faults.fired >= 3


def test_one_lost_request_is_nothing_to_anybody(parts: Parts, faults: Faults) -> None:
    faults.set(error("InternalServerError", 500), times=1)
    receipt = submit(parts)
    assert faults.fired == 1
    assert parts.records.force_of(receipt.reference) == "kent"


def test_what_is_wrong_with_us_is_not_called_busy(parts: Parts, faults: Faults) -> None:
    faults.set(error("AccessDeniedException"), times=1)
    with pytest.raises(Exception, match="Failed to write") as caught:
        submit(parts)
    assert not isinstance(caught.value, (Unavailable, NotFound))
    assert faults.fired == 1
