"""Showing where a submission comes from: by code, by link, once; and putting the address right before that."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import (
    Gone,
    InvalidAnswers,
    NotAskedHere,
    Overtaken,
    TooMany,
)
from chalicelib.domain.people import pairs
from chalicelib.domain.records import trail
from chalicelib.domain.records.submissions import Status
from chalicelib.services.intake import confirming, unconfirmed
from chalicelib.services.people import signing_in
from chalicelib.services.records import status_view
from tests.builders import all_values
from tests.unit import scenes
from tests.unit.proof_scenes import (
    ADDRESS,
    PHISHING,
    code,
    confirm,
    confirm_mails,
    mend,
    send,
    sent_from,
    started,
    status,
    wrong,
)
from tests.unit.scenes import Scene

story = scenes.story


# Confirming


def test_the_right_code_sends_it_on_with_the_receipt(story: Scene) -> None:
    receipt = send(story)
    story.clock.pass_by(minutes=5)
    confirm(story, receipt)
    one = story.case(receipt.reference).submission
    assert (one.status, one.is_unproven, one.stage) == (Status.SUBMITTED, False, "force-lead")
    assert one.submitted_at == story.parts.now(), "it counts from when it was confirmed"
    assert one.due_at == story.parts.calendar.deadline(story.parts.now(), 5)
    assert started(story) == [f"start.{receipt.reference}-r1"]
    assert [mail.to for mail in story.mails("receipt")] == [ADDRESS]
    assert [line.words for line in status_view.status_of(story.parts, receipt.status_token).history] == [
        "We received your claim.",
        "You confirmed your email address, and we sent the claim on.",
    ]
    story.approve_up_to(receipt.reference, "programme")


def test_confirming_again_is_harmless(story: Scene) -> None:
    receipt = send(story)
    typed = code(story)
    confirm(story, receipt, typed)
    before = story.store.snapshot()
    confirm(story, receipt, typed)
    assert story.store.snapshot() == before


def test_two_who_confirm_at_once_confirm_it_once(story: Scene) -> None:
    receipt = send(story)
    typed = code(story)
    story.first(lambda: confirm(story, receipt, typed))
    confirm(story, receipt, typed)
    assert len(story.actions(receipt.reference, "confirmed")) == 1
    assert len(started(story)) == 1


def test_a_wrong_code_is_refused_and_counted(story: Scene) -> None:
    receipt = send(story)
    right = code(story)
    with pytest.raises(InvalidAnswers) as caught:
        confirm(story, receipt, wrong(right))
    assert caught.value.problems[0].pointer == "/code"
    assert status(story, receipt) is Status.UNCONFIRMED
    confirm(story, receipt, right)


def test_a_code_that_was_guessed_at_too_often_ends_and_the_next_one_is_long(story: Scene) -> None:
    receipt = send(story)
    right = code(story)
    for _ in range(pairs.WRONG_GUESSES):
        with pytest.raises(InvalidAnswers):
            confirm(story, receipt, wrong(right))
    with pytest.raises(TooMany) as caught:
        confirm(story, receipt, right)
    assert caught.value.retry_after > 0
    unconfirmed.ask_again(story.parts, "kent", receipt.reference)
    assert len(code(story)) == pairs.LONG
    confirm(story, receipt)
    assert status(story, receipt) is Status.SUBMITTED


def test_a_code_proves_elsewhere_only_what_it_was_mailed_for(story: Scene) -> None:
    other = send(story, claimant_email="other@example.police.uk")
    send(story)
    with pytest.raises(InvalidAnswers):
        confirm(story, other, code(story))


def test_in_the_browser_that_sent_them_one_code_confirms_all_from_that_mailbox(story: Scene) -> None:
    mine = [send(story), send(story)]
    other = send(story, claimant_email="other@example.police.uk")
    elsewhere = send(story)
    sent = sent_from(story, *mine, other)
    mailbox = confirming.confirm_here(story.parts, sent, "kent", mine[0].reference, code(story))
    assert mailbox == pairs.mailbox_of(ADDRESS)
    assert [status(story, one).value for one in (*mine, other, elsewhere)] == [
        "submitted",
        "submitted",
        "unconfirmed",
        "unconfirmed",
    ]


def test_another_browser_cannot_use_the_page_of_the_one_that_sent_it(story: Scene) -> None:
    receipt = send(story)
    with pytest.raises(NotAskedHere):
        confirming.confirm_here(story.parts, [], "kent", receipt.reference, code(story))


def test_the_link_confirms_in_the_browser_that_sent_it_and_nowhere_else(story: Scene) -> None:
    receipt = send(story)
    token = str(confirm_mails(story)[-1].values["sign_in_url"]).rpartition("/")[2]
    before = story.store.snapshot()
    with pytest.raises(NotAskedHere):
        confirming.press_link(story.parts, token, [])
    sent = sent_from(story, receipt)
    assert confirming.link_in(story.parts, token, sent).address == ADDRESS
    assert story.store.snapshot() == before, "looking changes nothing"
    confirming.press_link(story.parts, token, sent)
    assert status(story, receipt) is Status.SUBMITTED


def test_an_old_link_confirms_nothing(story: Scene) -> None:
    receipt = send(story)
    token = str(confirm_mails(story)[-1].values["sign_in_url"]).rpartition("/")[2]
    story.clock.pass_by(minutes=11)
    with pytest.raises(Gone):
        confirming.press_link(story.parts, token, sent_from(story, receipt))


def test_whoever_did_not_send_it_ends_it_and_what_was_typed_is_gone(story: Scene) -> None:
    receipt = send(story, event_title=PHISHING)
    for _ in range(2):
        confirming.disown(story.parts, "kent", receipt.reference)
    case = story.case(receipt.reference)
    assert case.submission.status is Status.WITHDRAWN
    assert not any(PHISHING in text or ADDRESS in text for text in all_values(case))
    assert trail.faults_of(case) == []
    with pytest.raises(Gone):
        confirm(story, receipt)
    with pytest.raises(Gone):
        signing_in.ask_claimant_code(story.parts, "kent", receipt.reference)


def test_what_was_confirmed_cannot_be_disowned(story: Scene) -> None:
    receipt = send(story)
    confirm(story, receipt)
    with pytest.raises(Overtaken):
        confirming.disown(story.parts, "kent", receipt.reference)


def test_disowned_at_the_moment_it_is_confirmed_it_is_one_of_the_two(story: Scene) -> None:
    receipt = send(story)
    typed = code(story)
    story.first(lambda: confirming.disown(story.parts, "kent", receipt.reference))
    confirm(story, receipt, typed)
    assert status(story, receipt) is Status.WITHDRAWN
    assert started(story) == []


# The address put right


def test_the_address_can_be_put_right_three_times(story: Scene) -> None:
    receipt = send(story, claimant_email="zulieka@example.police.uk")
    for number in range(confirming.MOST_MENDS):
        mend(story, receipt, f"zuleika{number}@example.police.uk")
    with pytest.raises(InvalidAnswers) as caught:
        mend(story, receipt, ADDRESS)
    assert caught.value.problems[0].pointer == "/address"
    assert [mail.to for mail in confirm_mails(story)] == [
        "zulieka@example.police.uk",
        *(f"zuleika{number}@example.police.uk" for number in range(3)),
    ]
    confirm(story, receipt)
    case = story.case(receipt.reference)
    assert case.personal["claimant_email"] == "zuleika2@example.police.uk"
    assert trail.faults_of(case) == []


@pytest.mark.parametrize("address", ["me", "me@freemail.example", ""])
def test_it_is_put_right_only_to_an_address_that_the_form_takes(story: Scene, address: str) -> None:
    receipt = send(story)
    with pytest.raises(InvalidAnswers):
        mend(story, receipt, address)
    assert story.case(receipt.reference).personal["claimant_email"] == ADDRESS


def test_the_code_of_the_old_address_proves_nothing_once_it_is_put_right(story: Scene) -> None:
    receipt = send(story, claimant_email="attacker@example.police.uk")
    old = code(story)
    mend(story, receipt, ADDRESS)
    with pytest.raises(InvalidAnswers):
        confirm(story, receipt, old)
    with pytest.raises(InvalidAnswers):
        signing_in.prove_claimant(story.parts, "kent", receipt.reference, old)


def test_whoever_proved_one_address_cannot_send_it_in_the_name_of_another(story: Scene) -> None:
    receipt = send(story, claimant_email="attacker@example.police.uk")
    signing_in.prove_claimant(story.parts, "kent", receipt.reference, code(story))
    with pytest.raises(Overtaken):
        mend(story, receipt, ADDRESS)


def test_sessions_of_the_old_address_end_when_it_is_put_right(story: Scene) -> None:
    receipt = send(story, claimant_email="attacker@example.police.uk")
    secret = signing_in.prove_claimant(story.parts, "kent", receipt.reference, code(story))
    story.clock.pass_by(minutes=31)
    unconfirmed.ask_again(story.parts, "kent", receipt.reference)  # a new pair, which has proved nothing
    mend(story, receipt, ADDRESS)
    assert signing_in.session(story.parts, secret) is None


def test_an_address_with_a_tag_can_be_put_right_to_the_one_without(story: Scene) -> None:
    receipt = send(story)
    mend(story, receipt, ADDRESS.replace("@", "+claims@"))
    mend(story, receipt, ADDRESS)
    confirm(story, receipt)
    assert status(story, receipt) is Status.SUBMITTED


def test_a_confirmed_address_stays_when_the_claim_is_changed(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference)
    with pytest.raises(InvalidAnswers) as caught:
        story.amend(reference, claimant_email="somebody.else@example.police.uk")
    assert caught.value.problems[0].pointer == "/claimant_email"
