"""What waits for its code, in memory and in DynamoDB: who finds it, and what confirming rewrites."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.dynamodb.archive import DynamoArchive
from chalicelib.domain.people import pairs
from chalicelib.domain.records.submissions import Status, Submission
from chalicelib.services.approvals import following_up
from chalicelib.services.changes import ChangeRefused, ChangeSubmission, KeepKey, KeepPair
from chalicelib.services.intake import confirming, submitting
from chalicelib.services.ports import Parts
from tests import fakes
from tests.builders import MONDAY, PERSONAL, REFERENCE, Story, a_key, added, claim_answers
from tests.contract.crowd import at_once

DAY = timedelta(days=1)


def waiting(parts: Parts) -> Submission:
    one, changes = added(
        status=Status.UNCONFIRMED,
        is_unproven=True,
        waiting_for="",
        due_at=MONDAY + 7 * DAY,
        next_at=MONDAY + DAY,
    )
    parts.records.commit(changes)
    return one


def found(parts: Parts) -> list[str]:
    """By every list that there is."""
    force = parts.records.of("kent")
    is_fake = isinstance(parts.records, fakes.MemoryRecords)
    archive = parts.archive if is_fake else DynamoArchive()
    return [
        *(one.reference for one in force.newest("funding-claim", limit=9)),
        *(one.reference for one in force.page("funding-claim", after=None, limit=9)),
        *(one.reference for one in force.open(limit=9)),
        *(one.reference for one in parts.records.page("funding-claim", after=None, limit=9)),
        *(one.reference for one in parts.records.open(limit=9)),
        *(one.reference for one in parts.records.waiting()),
        *(one.reference for one in parts.records.due(MONDAY + 30 * DAY)),
        *(one.reference for one in archive.submitted("kent", "funding-claim", until=MONDAY + 30 * DAY)),
    ]


def test_what_waits_for_its_code_is_in_no_list_and_is_found_by_its_date(parts: Parts) -> None:
    one = waiting(parts)
    assert found(parts) == []
    assert list(parts.records.unconfirmed(MONDAY + DAY - timedelta(seconds=1))) == []
    (due,) = parts.records.unconfirmed(MONDAY + DAY)
    assert (due.force, due.reference) == ("kent", REFERENCE)
    assert parts.records.of("kent").case(REFERENCE).submission == one


def test_confirming_puts_it_in_every_list_at_its_new_place(parts: Parts) -> None:
    one = waiting(parts)
    confirmed = replace(
        one,
        status=Status.SUBMITTED,
        is_unproven=False,
        waiting_for="innovation-lead",
        submitted_at=MONDAY + DAY,
        revision=2,
    )
    parts.records.commit([ChangeSubmission(submission=confirmed, confirmed=True)])
    assert found(parts) == [REFERENCE] * 8
    assert list(parts.records.unconfirmed(MONDAY + 30 * DAY)) == []
    assert parts.records.of("kent").newest("funding-claim", limit=1)[0].submitted_at == MONDAY + DAY
    assert parts.records.of("kent").case(REFERENCE).submission == confirmed


def test_what_ended_without_its_code_stays_in_no_list(parts: Parts) -> None:
    one = waiting(parts)
    ended = replace(
        one, status=Status.LAPSED, revision=2, due_at=None, next_at=None, answers={}, title=REFERENCE
    )
    parts.records.commit([ChangeSubmission(submission=ended, amended=True)])
    assert found(parts) == []
    assert list(parts.records.unconfirmed(MONDAY + 30 * DAY)) == []
    kept = parts.records.of("kent").case(REFERENCE).submission
    assert (kept.answers, kept.title, kept.is_unproven) == ({}, REFERENCE, True)


@pytest.mark.parametrize("status", [Status.UNCONFIRMED, Status.SUBMITTED])
def test_a_key_keeps_what_its_first_request_was_told(parts: Parts, status: Status) -> None:
    parts.records.commit([KeepKey(record=a_key(status=status))])
    record = parts.records.key("funding-claim", "key-1", now=MONDAY)
    assert record is not None
    assert record.status is status


def test_a_pair_keeps_when_submissions_came_without_proof(parts: Parts) -> None:
    mailbox = pairs.mailbox_of("me@example.police.uk")
    pair = pairs.sending(pairs.looked_at(pairs.Pair(mailbox=mailbox), MONDAY), MONDAY, most=20)
    parts.records.commit([KeepPair(pair=pair)])
    assert parts.accounts.pairs([mailbox]) == [pair]
    later = replace(pairs.looked_at(pair, MONDAY + DAY), sent=())
    parts.records.commit([KeepPair(pair=later)])
    assert parts.accounts.pairs([mailbox]) == [later]


def test_a_claim_is_confirmed_and_asked_about_on_either_store(story: Story) -> None:
    receipt = submitting.submit(story.parts, story.form, claim_answers(), key="key-1")
    (pair,) = story.parts.accounts.pairs([receipt.mailbox])
    confirming.confirm(story.parts, "kent", receipt.reference, story.parts.seals.code(pair))
    story.ask(receipt.reference)
    assert story.case(receipt.reference).open_task is not None
    again = submitting.submit(story.parts, story.form, claim_answers(), key="key-1")
    assert again == replace(receipt, replayed=True)


def test_a_claim_that_nobody_confirms_loses_what_was_typed_on_either_store(story: Story) -> None:
    receipt = submitting.submit(story.parts, story.form, claim_answers())
    story.parts.now.pass_by(days=7)  # type: ignore[attr-defined]
    assert following_up.follow_up(story.parts).lapsed == 1
    case = story.case(receipt.reference)
    assert (case.submission.answers, dict(case.personal)) == ({}, {})


def test_of_many_who_confirm_or_disown_at_once_one_kind_wins(dynamo_parts: Parts) -> None:
    story = Story(dynamo_parts)
    receipt = submitting.submit(story.parts, story.form, claim_answers())
    (pair,) = story.parts.accounts.pairs([receipt.mailbox])
    code = story.parts.seals.code(pair)
    act = [
        lambda: confirming.confirm(story.parts, "kent", receipt.reference, code),
        lambda: confirming.disown(story.parts, "kent", receipt.reference),
    ]
    at_once(*(act * 4))
    case = story.case(receipt.reference)
    ends = [entry.action for entry in case.entries if entry.action in ("confirmed", "disowned")]
    assert len(ends) == 1
    assert bool(case.personal) == (ends == ["confirmed"])


def test_submissions_of_one_mailbox_at_once_are_all_stored_with_one_pair(dynamo_parts: Parts) -> None:
    story = Story(dynamo_parts)
    some = [claim_answers(event_title=f"Day {number}") for number in range(6)]
    at_once(*(lambda one=one: submitting.submit(story.parts, story.form, one) for one in some))  # type: ignore[misc]
    (pair,) = story.parts.accounts.pairs([pairs.mailbox_of(PERSONAL["claimant_email"])])
    assert len(pair.asked_for) == len(pair.sent) == 6
    assert len(pair.mails) == pairs.AT_ONCE


def test_a_stale_confirmation_is_refused(parts: Parts) -> None:
    one = waiting(parts)
    late = replace(one, status=Status.SUBMITTED, is_unproven=False, revision=3)
    with pytest.raises(ChangeRefused):
        parts.records.commit([ChangeSubmission(submission=late, confirmed=True)])
    assert found(parts) == []
