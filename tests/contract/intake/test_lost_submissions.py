"""A submission against a DynamoDB that breaks off before it is stored, after it, or once and is asked again; and which
calls it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from chalicelib.adapters.dynamodb.records import MAX_TRIES, DynamoRecords
from chalicelib.domain.errors import LikelyDuplicate, StillRunning, Unavailable
from chalicelib.services.intake import submitting
from chalicelib.services.ports import Parts
from tests.builders import idea_answers, submitted
from tests.contract.broken_line import Line, after, before, cancelled, error
from tests.contract.lives import Life, check_whole


class AnyLine(Line):
    """The line for one kind of call; `called` is every call that was made."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.called: list[str] = []
        super().__init__()

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        name = request.headers["X-Amz-Target"]
        name = (name.decode() if isinstance(name, bytes) else str(name)).rpartition(".")[2]
        self.called.append(name)
        if not self._left or name != self.operation:
            return None
        self._left -= 1
        assert self._cut is not None
        return self._cut(request)


@pytest.fixture
def life(dynamo_parts: Parts, stock: Callable[..., Parts]) -> Life:
    return Life(stock(dynamo_parts))


@pytest.fixture
def line(life: Life) -> Iterator[AnyLine]:
    made = AnyLine("TransactWriteItems")
    yield made
    made.end()


def with_key(life: Life) -> submitting.Receipt:
    return life.send(key="key-1")


def without_key(life: Life) -> submitting.Receipt:
    return life.send()


def references(life: Life) -> list[str]:
    return sorted(one.reference for one in life.parts.records.waiting())


each_way = pytest.mark.parametrize("send", [with_key, without_key])


@each_way
def test_what_never_arrived_stored_nothing_and_can_be_sent_again(
    life: Life, line: AnyLine, send: Callable[[Life], submitting.Receipt]
) -> None:
    table = line.table()
    line.cut(before)
    with pytest.raises(Unavailable):
        send(life)
    assert line.table() == table
    line.mend()
    receipt = send(life)
    assert not receipt.replayed
    assert references(life) == [receipt.reference]
    check_whole(life, receipt.reference)


def test_what_was_stored_though_the_answer_was_lost_is_answered_to_its_key(life: Life, line: AnyLine) -> None:
    line.cut(after)
    with pytest.raises(Unavailable):
        with_key(life)
    line.mend()
    table = line.table()
    receipt = with_key(life)
    assert receipt.replayed
    assert references(life) == [receipt.reference]
    assert line.table() == table
    life.deliver()
    assert life.parts.mailer.templates() == ["receipt"]  # type: ignore[attr-defined]


def test_what_was_stored_though_the_answer_was_lost_is_a_duplicate_without_a_key(
    life: Life, line: AnyLine
) -> None:
    line.cut(after)
    with pytest.raises(Unavailable):
        without_key(life)
    line.mend()
    for _ in range(2):
        with pytest.raises(LikelyDuplicate):
            without_key(life)
    (reference,) = references(life)
    life.deliver()
    mailed = [mail.notification_id for mail in life.parts.mailer.sent]  # type: ignore[attr-defined]
    assert sorted(mailed) == [f"mail.receipt.{reference}", f"mail.receipt.{reference}.again.2027-01-11T09"]


@each_way
def test_an_answer_that_was_lost_once_is_asked_for_again_and_nobody_notices(
    life: Life, line: AnyLine, send: Callable[[Life], submitting.Receipt]
) -> None:
    line.cut(after, times=1)
    receipt = send(life)
    assert not receipt.replayed
    assert references(life) == [receipt.reference]
    assert _counted(line) == 1


def test_a_second_one_on_purpose_whose_answer_was_lost_is_one_for_its_key(life: Life, line: AnyLine) -> None:
    first = life.send()
    line.cut(after)
    with pytest.raises(Unavailable):
        life.send(key="key-1", duplicate_ok=True)
    line.mend()
    second = life.send(key="key-1", duplicate_ok=True)
    assert second.replayed
    assert references(life) == sorted([first.reference, second.reference])


@pytest.mark.parametrize("how", [before, after])
def test_what_takes_the_place_of_a_withdrawn_one_does_so_once(
    life: Life, line: AnyLine, how: Callable[[Any], AWSResponse]
) -> None:
    first = life.send().reference
    life.withdraw(first)
    commits: list[Any] = []

    def cut_the_second(request: Any) -> AWSResponse | None:
        commits.append(request)
        return how(request) if len(commits) > 1 else None

    line.cut(cut_the_second)
    with pytest.raises(Unavailable):
        without_key(life)
    line.mend()
    if how is after:
        with pytest.raises(LikelyDuplicate):
            without_key(life)
    else:
        without_key(life)
    (reference,) = references(life)
    assert reference != first


@pytest.mark.parametrize("how", [before, after])
def test_a_receipt_whose_queueing_broke_off_is_queued_by_the_next_try_once(
    life: Life, line: AnyLine, how: Callable[[Any], AWSResponse]
) -> None:
    without_key(life)
    line.operation = "PutItem"
    line.cut(how)
    with pytest.raises(Unavailable):
        without_key(life)
    line.mend()
    with pytest.raises(LikelyDuplicate):
        without_key(life)
    life.deliver()
    assert life.parts.mailer.templates() == ["receipt", "receipt"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("operation", ["GetItem", "Query"])
def test_what_cannot_be_looked_up_is_told_as_such_and_nothing_is_stored(
    life: Life, line: AnyLine, operation: str
) -> None:
    without_key(life)
    table = line.table()
    line.operation = operation
    line.cut(before)
    with pytest.raises(Unavailable):
        without_key(life)
    line.mend()
    assert line.table() == table


def test_a_submission_takes_one_call_and_so_does_an_idea(life: Life, line: AnyLine) -> None:
    line.called.clear()
    with_key(life)
    without = life.send(event_title="Another")
    assert without
    submitted(life.parts, life.parts.forms.form("idea"), idea_answers())
    assert line.called == ["TransactWriteItems"] * 3
    assert line.sizes == [8, 7, 7]


def test_a_repeat_takes_two_calls_and_a_duplicate_four(life: Life, line: AnyLine) -> None:
    with_key(life)
    line.called.clear()
    with_key(life)
    assert line.called == ["TransactWriteItems", "GetItem"]
    line.called.clear()
    with pytest.raises(LikelyDuplicate):
        without_key(life)
    assert line.called == ["TransactWriteItems", "GetItem", "Query", "PutItem"]


def conflict(*places: int, failed: tuple[int, ...] = ()) -> Callable[[Any], AWSResponse]:
    """DynamoDB's answer where other transactions hold these items, and the conditions of others failed."""

    codes = ["None"] * 8
    for place in places:
        codes[place] = "TransactionConflict"
    for place in failed:
        codes[place] = "ConditionalCheckFailed"
    return cancelled(*codes)


@pytest.fixture
def hasty(life: Life, no_pauses: None) -> Life:
    """Does not wait between two tries."""
    life.parts.__dict__["records"] = DynamoRecords(
        relay_grace=life.parts.records._relay_grace,  # type: ignore[attr-defined]
        macs=life.parts.macs,
        pause=lambda _: None,
    )
    return life


KEY, CONTENT, MAILBOX = 0, 1, 7
"""Their places among the eight operations of a submission with a key."""


def test_a_key_that_is_held_by_another_transaction_to_the_end_is_still_running(
    hasty: Life, line: AnyLine
) -> None:
    line.cut(conflict(KEY, CONTENT, MAILBOX))
    with pytest.raises(StillRunning, match="in a moment"):
        with_key(hasty)
    assert len(line.sizes) == MAX_TRIES
    line.mend()
    assert not with_key(hasty).replayed


def test_a_mailbox_that_is_held_to_the_end_is_no_sign_of_a_repeat(hasty: Life, line: AnyLine) -> None:
    line.cut(conflict(MAILBOX))
    with pytest.raises(Unavailable):
        with_key(hasty)


def test_a_content_that_is_there_decides_nothing_while_its_key_is_being_stored(
    hasty: Life, line: AnyLine
) -> None:
    """The first request's items are let go one after the other: its own repeat is no likely duplicate."""
    first = with_key(hasty)
    line.cut(conflict(KEY, failed=(CONTENT,)), times=2)
    again = with_key(hasty)
    assert again.replayed
    assert again.reference == first.reference


def test_a_mailbox_that_is_full_decides_nothing_while_its_content_is_being_stored(
    hasty: Life, line: AnyLine
) -> None:
    line.cut(conflict(CONTENT, failed=(MAILBOX,)), times=2)
    assert not with_key(hasty).replayed


def test_our_own_first_try_that_is_under_way_is_still_running(hasty: Life, line: AnyLine) -> None:
    line.cut(error("TransactionInProgressException"))
    with pytest.raises(StillRunning):
        with_key(hasty)
    with pytest.raises(Unavailable):
        without_key(hasty)


def _counted(line: AnyLine) -> int:
    (found,) = [item for item in line.table() if item["kind"]["S"] == "mailbox"]
    return int(found["counted"]["N"])


def test_what_is_kept_of_a_repeat_expires_by_itself(life: Life, line: AnyLine) -> None:
    with_key(life)
    seconds = life.parts.now().timestamp()
    expires = {item["kind"]["S"]: int(item["ttl"]["N"]) - seconds for item in line.table() if "ttl" in item}
    day = 24 * 3600
    assert (expires["key"], expires["content"]) == (day, 7 * day)
    assert 3600 <= expires["mailbox"] <= 2 * 3600
