"""What comes from a mailbox that nobody has proven: it is stored, one neutral mail goes, and nobody is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.aws.ses import render
from chalicelib.domain.errors import (
    Gone,
    InvalidAnswers,
    LikelyDuplicate,
    NotFound,
    TooMany,
)
from chalicelib.domain.people import pairs
from chalicelib.domain.records.submissions import Status
from chalicelib.domain.records.timeline import faults
from chalicelib.domain.reports.digests import last_week
from chalicelib.domain.reports.exports import ALL
from chalicelib.services.approvals import following_up
from chalicelib.services.desk import listing, overview
from chalicelib.services.ideas import publishing
from chalicelib.services.intake import confirming, submitting, unconfirmed
from chalicelib.services.intake.submitting import Receipt
from chalicelib.services.people import signing_in
from chalicelib.services.records import status_view
from chalicelib.services.repair import reconciling, volumes
from chalicelib.services.reports import digesting, exporting
from tests.builders import a_form, all_values, claim_answers, idea_answers
from tests.unit import scenes
from tests.unit.proof_scenes import (
    ADDRESS,
    PHISHING,
    code,
    confirm,
    confirm_mails,
    mend,
    send,
    started,
    status,
)
from tests.unit.scenes import Scene

story = scenes.story


# S3: our domain mails nothing that strangers type, and no approver is asked


def test_what_a_stranger_types_is_in_no_mail_and_nobody_is_asked(story: Scene) -> None:
    for number in range(20):
        send(story, event_title=PHISHING, claimant_email=f"victim{number}@example.police.uk")
    mails = confirm_mails(story)
    assert len(mails) == 20
    for mail in mails:
        shown = render(mail.template, mail.values)
        assert "bank.example.net" not in shown.text + shown.html + shown.subject
        assert "Officers and staff" not in shown.text
    assert {mail.template for mail in story.sent} == {"confirm"}
    assert started(story) == []


def test_a_mailbox_that_a_stranger_names_again_and_again_gets_few_mails(story: Scene) -> None:
    for _ in range(40):
        send(story)
    story.clock.pass_by(minutes=59)
    following_up.follow_up(story.parts)
    assert len(confirm_mails(story)) <= pairs.MAILS_AN_HOUR


def test_spellings_of_one_mailbox_share_its_mails(story: Scene) -> None:
    idea = a_form("idea")
    for number, address in enumerate(
        ["a.b@gmail.com", "ab@googlemail.com", "ab+1@gmail.com", "AB+2@gmail.com", "a.b+3@gmail.com"]
    ):
        answers = idea_answers(contact_email=address, title=f"One template for all, number {number}")
        submitting.submit(story.parts, idea, answers)
    assert len(confirm_mails(story)) == pairs.AT_ONCE


# S6: identity does not rest on an address that nobody proved


@pytest.mark.parametrize(
    "address", ["someone.else@freemail.example", "lead@police.uk.example.org", "lead@notpolice.uk"]
)
def test_claims_from_other_domains_are_refused_and_nothing_is_stored(story: Scene, address: str) -> None:
    before = story.store.snapshot()
    with pytest.raises(InvalidAnswers) as caught:
        send(story, claimant_email=address)
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.code) == ("/claimant_email", "domain")
    assert "police.uk" in problem.message
    assert story.store.snapshot() == before


@pytest.mark.parametrize("address", ["me@police.uk", "me@KENT.Police.UK", "me@college.police.uk"])
def test_claims_from_the_forms_domains_are_taken(story: Scene, address: str) -> None:
    assert send(story, claimant_email=address).status is Status.UNCONFIRMED


def test_a_setting_adds_domains_but_only_where_the_form_names_some(story: Scene) -> None:
    story.parts = replace(story.parts, limits=replace(story.parts.limits, more_domains=("btp.example",)))
    assert send(story, claimant_email="me@btp.example")
    answers = idea_answers(contact_email="me@freemail.example")
    assert submitting.submit(story.parts, a_form("idea"), answers)


def test_the_lead_is_asked_only_after_the_mailbox_is_proven_and_never_about_their_own(story: Scene) -> None:
    receipt = send(story, claimant_email="lead.kent@example.police.uk")
    confirm(story, receipt)
    story.ask(receipt.reference)
    task = story.case(receipt.reference).open_task
    assert task is not None
    assert task.person_id == "deputy-kent"


# Stored, and waiting


def test_it_is_stored_at_once_and_waits_a_week_for_its_code(story: Scene) -> None:
    receipt = send(story)
    one = story.case(receipt.reference).submission
    assert (receipt.status, one.status, one.is_unproven) == (Status.UNCONFIRMED, Status.UNCONFIRMED, True)
    assert receipt.confirm_url.endswith(f"/api/v1/status/{receipt.status_token}/confirm")
    assert one.due_at == story.parts.now() + timedelta(days=7)
    assert (one.waiting_for, one.is_open) == ("", False)
    view = status_view.status_of(story.parts, receipt.status_token)
    assert (view.status, view.is_unconfirmed, view.may_withdraw) == (Status.UNCONFIRMED, True, False)


def test_the_mail_holds_reference_code_link_and_status_link(story: Scene) -> None:
    receipt = send(story)
    (mail,) = confirm_mails(story)
    shown = render(mail.template, mail.values)
    assert mail.to == ADDRESS
    assert receipt.reference in shown.subject
    assert f"\n    {mail.values['code']}\n" in shown.text, "it stands alone on its line"
    assert shown.text.count("/sign-in/") == 1
    assert receipt.status_url in shown.text


def test_an_unconfirmed_submission_is_in_no_list_count_search_digest_export_or_alarm(story: Scene) -> None:
    story.people.register(
        [
            scenes.a_person("chief", "chief-constable@kent"),
            scenes.a_person("leader", "home-office-leader@national"),
        ]
    )
    story.parts = replace(story.parts, limits=replace(story.parts.limits, force_an_hour=1))
    receipts = [send(story, event_title=PHISHING) for _ in range(3)]
    idea = submitting.submit(story.parts, a_form("idea"), idea_answers(title=PHISHING))
    gone = send(story, event_title=PHISHING)
    confirming.disown(story.parts, "kent", gone.reference)
    shown: list[Any] = []
    for person in ("coordinator-kent", "national-coordinator"):
        who = story.person(person)
        for wanted in [listing.Wanted(), listing.Wanted(q="act now"), listing.Wanted(force="kent")]:
            shown.append(listing.submissions(story.parts, who, wanted, limit=50))
        for one in [*receipts, idea, gone]:
            shown.append(listing.submissions(story.parts, who, listing.Wanted(q=one.reference), limit=50))
            with pytest.raises(NotFound):
                status_view.submission_for(story.parts, who, one.reference)
        board = overview.desk_for(story.parts, who)
        assert [stage.open for stage in board.stages if stage.open] == []
        shown += [board, status_view.stuck_for(story.parts, who)]
    shown.append(publishing.all_ideas(story.parts))
    shown.append(publishing.count_ideas(story.parts))
    assert volumes.watch(story.parts).submitted == 0
    assert reconciling.reconcile(story.parts).counts["restarted"] == 0
    story.clock.pass_by(days=7)
    digesting.digest(story.parts)
    week = last_week(story.parts.now())
    assert exporting.export(story.parts, "funding-claim", ALL, week).rows == 0
    assert [mail for mail in story.mails() if mail.template == "digest"] == []
    assert not any(PHISHING in text for text in all_values(shown))


# No code needed


def test_a_browser_that_proved_the_mailbox_needs_no_code(story: Scene) -> None:
    assert send(story, proved=[pairs.mailbox_of(ADDRESS)]).status is Status.SUBMITTED


def test_proof_is_for_the_exact_address(story: Scene) -> None:
    other = ADDRESS.replace("@", "+claims@")
    assert send(story, proved=[pairs.mailbox_of(other)]).status is Status.UNCONFIRMED
    assert send(story, proved=[pairs.mailbox_of(ADDRESS.upper())]).status is Status.SUBMITTED


def test_a_trusted_sender_vouches_for_ideas_but_not_where_money_is_asked_for(story: Scene) -> None:
    idea = submitting.submit(story.parts, a_form("idea"), idea_answers(), vouched=True)
    assert idea.status is Status.SUBMITTED
    (entry,) = story.case(idea.reference).entries
    assert entry.details["proof"] == "vouched"
    assert send(story, vouched=True).status is Status.UNCONFIRMED


def test_a_stranger_cannot_spend_the_share_of_whoever_proved_the_mailbox(story: Scene) -> None:
    story.parts = replace(story.parts, limits=replace(story.parts.limits, mailbox_an_hour=4))
    for _ in range(4):
        send(story)
    with pytest.raises(TooMany) as caught:
        send(story)
    assert caught.value.retry_after == 3600
    for _ in range(4):
        send(story, proved=[pairs.mailbox_of(ADDRESS)])
    with pytest.raises(TooMany):
        send(story, proved=[pairs.mailbox_of(ADDRESS)])


# Sent again


def test_a_replayed_key_gives_the_first_answer_also_after_confirming(story: Scene) -> None:
    answers = claim_answers()
    first = submitting.submit(story.parts, story.form, answers, key="key-1")
    again = submitting.submit(story.parts, story.form, answers, key="key-1")
    confirm(story, first)
    after = submitting.submit(story.parts, story.form, answers, key="key-1")
    assert again == after == replace(first, replayed=True)
    assert len(confirm_mails(story)) == 1


def test_a_duplicate_mails_the_code_again_and_not_the_receipt(story: Scene) -> None:
    answers = claim_answers()
    submitting.submit(story.parts, story.form, answers)
    story.clock.pass_by(minutes=7)
    with pytest.raises(LikelyDuplicate) as caught:
        submitting.submit(story.parts, story.form, answers)
    assert "code" in str(caught.value)
    assert len(confirm_mails(story)) == 2
    assert story.mails("receipt") == []


def test_what_lapsed_can_be_sent_anew(story: Scene) -> None:
    answers = claim_answers()
    first = submitting.submit(story.parts, story.form, answers)
    confirming.disown(story.parts, "kent", first.reference)
    assert submitting.submit(story.parts, story.form, answers).reference != first.reference


# Mails and dates


def test_the_first_three_are_mailed_at_once_and_later_ones_share_a_mail(story: Scene) -> None:
    receipts = [send(story) for _ in range(5)]
    assert len(confirm_mails(story)) == 3
    story.clock.pass_by(minutes=6)
    following_up.follow_up(story.parts)
    mails = confirm_mails(story)
    assert len(mails) == 4
    text = render("confirm", mails[-1].values).text
    assert all(receipt.status_url in text for receipt in receipts)
    following_up.follow_up(story.parts)
    assert len(confirm_mails(story)) == 4
    for receipt in receipts:
        confirm(story, receipt)


def test_one_reminder_with_a_code_goes_after_a_day(story: Scene) -> None:
    receipt = send(story)
    story.clock.pass_by(hours=23)
    following_up.follow_up(story.parts)
    assert len(confirm_mails(story)) == 1
    story.clock.pass_by(hours=2)
    for _ in range(2):
        following_up.follow_up(story.parts)
    mails = confirm_mails(story)
    assert [mail.values["is_reminder"] for mail in mails] == [False, True]
    confirm(story, receipt)


@pytest.mark.parametrize(
    ("address", "mails"),
    [("me@kent.police.uk", 2), ("me@btp.example", 2), ("me@freemail.example", 1), ("me@notpolice.uk", 1)],
)
def test_a_form_that_any_domain_may_send_reminds_only_those_that_some_form_names(
    story: Scene, address: str, mails: int
) -> None:
    """Nobody else, who may not have asked, is mailed twice."""
    story.parts = replace(story.parts, limits=replace(story.parts.limits, more_domains=("btp.example",)))
    submitting.submit(story.parts, a_form("idea"), idea_answers(contact_email=address))
    for _ in range(6):
        story.clock.pass_by(days=1)
        following_up.follow_up(story.parts)
    reminders = [mail.values["is_reminder"] for mail in confirm_mails(story)]
    assert reminders == [False, True][:mails]


def test_after_a_week_it_lapses_and_what_was_typed_goes(story: Scene) -> None:
    receipt = send(story, event_title=PHISHING)
    story.clock.pass_by(days=7)
    assert following_up.follow_up(story.parts).lapsed == 1
    assert following_up.follow_up(story.parts).lapsed == 0
    case = story.case(receipt.reference)
    assert case.submission.status is Status.LAPSED
    assert not any(PHISHING in text or ADDRESS in text for text in all_values(case))
    assert faults(case.entries, case.submission.chain, case.texts) == []
    view = status_view.status_of(story.parts, receipt.status_token)
    assert view.status_words == "Not confirmed in time"
    for refused in (confirm_late(story, receipt), again_late(story, receipt)):
        with pytest.raises(Gone):
            refused()
    assert {mail.template for mail in story.mails()} <= {"confirm"}


def confirm_late(scene: Scene, receipt: Receipt) -> Callable[[], None]:
    return lambda: confirm(scene, receipt, "123456")


def again_late(scene: Scene, receipt: Receipt) -> Callable[[], None]:
    return lambda: unconfirmed.ask_again(scene.parts, "kent", receipt.reference)


def test_confirmed_at_the_moment_it_lapses_it_is_one_of_the_two(story: Scene) -> None:
    receipt = send(story)
    story.clock.pass_by(days=7, minutes=-1)
    unconfirmed.ask_again(story.parts, "kent", receipt.reference)
    typed = code(story)
    story.clock.pass_by(minutes=1)
    story.first(lambda: confirm(story, receipt, typed))
    following_up.follow_up(story.parts)
    assert status(story, receipt) is Status.SUBMITTED
    assert story.case(receipt.reference).personal["claimant_email"] == ADDRESS


def test_a_mail_that_comes_back_tells_no_coordinator(story: Scene) -> None:
    story.parts.mailer.bouncing.add(ADDRESS)  # type: ignore[attr-defined]
    send(story)
    story.deliver()
    assert {mail.template for mail in story.mails()} <= {"confirm"}


# The whole service


def test_past_the_services_cap_codes_wait_for_the_next_hour_and_ring(
    story: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    limits = replace(story.parts.limits, unproven_mails_an_hour=8)
    story.parts = replace(story.parts, limits=limits)
    receipts = [send(story, claimant_email=f"sender{number}@example.police.uk") for number in range(30)]
    assert all(receipt.status is Status.UNCONFIRMED for receipt in receipts), "all are stored"
    assert len(confirm_mails(story)) <= 8
    assert "too many codes without proof" in caplog.text
    for _ in range(40):
        story.clock.pass_by(hours=1)
        following_up.follow_up(story.parts)
    assert {mail.to for mail in confirm_mails(story)} == {
        f"sender{number}@example.police.uk" for number in range(30)
    }


def test_the_cap_holds_no_sign_in_mail_and_nobody_who_proved_their_mailbox(story: Scene) -> None:
    story.parts = replace(story.parts, limits=replace(story.parts.limits, unproven_mails_an_hour=1))
    for number in range(20):
        send(story, claimant_email=f"sender{number}@example.police.uk")
    signing_in.ask_code(story.parts, "lead.kent@example.police.uk")
    send(story, proved=[pairs.mailbox_of(ADDRESS)])
    for _ in range(2):
        story.deliver()
    assert {"sign-in-code", "receipt"} <= {mail.template for mail in story.sent}


def test_send_again_counts_in_the_cap_and_past_it_waits_for_the_next_hour(
    story: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    capped(story, 16)  # two of each of eight counts
    receipt = send(story)
    for mails in (2, 2, 2):
        story.clock.pass_by(minutes=7)
        unconfirmed.ask_again(story.parts, "kent", receipt.reference)
        assert len(confirm_mails(story)) == mails
    assert "too many codes without proof" in caplog.text
    story.clock.pass_by(hours=1)
    for _ in range(2):
        following_up.follow_up(story.parts)
    assert [mail.values["is_reminder"] for mail in confirm_mails(story)] == [False, False, False]
    confirm(story, receipt)


def test_a_code_that_was_asked_for_again_past_the_cap_is_not_the_reminder(story: Scene) -> None:
    capped(story, 8)
    send(story)
    receipt = send(story, claimant_email="other@example.police.uk")
    unconfirmed.ask_again(story.parts, "kent", receipt.reference)
    for _ in range(60):
        story.clock.pass_by(hours=1)
        following_up.follow_up(story.parts)
    mails = [mail for mail in confirm_mails(story) if mail.to == "other@example.police.uk"]
    assert [mail.values["is_reminder"] for mail in mails].count(True) == 1


def test_asking_again_past_the_cap_still_counts_against_the_network(story: Scene) -> None:
    capped(story, 8)
    story.parts = replace(story.parts, limits=replace(story.parts.limits, source_an_hour=2))
    receipt = send(story)
    for _ in range(2):
        story.clock.pass_by(minutes=7)
        unconfirmed.ask_again(story.parts, "kent", receipt.reference, source="192.0.2.1")
    with pytest.raises(TooMany):
        unconfirmed.ask_again(story.parts, "kent", receipt.reference, source="192.0.2.1")


def test_send_again_past_the_cap_holds_no_sign_in_mail(story: Scene) -> None:
    capped(story, 8)
    receipt = send(story, claimant_email="lead.kent@example.police.uk")
    story.clock.pass_by(minutes=7)
    unconfirmed.ask_again(story.parts, "kent", receipt.reference)
    signing_in.ask_code(story.parts, "lead.kent@example.police.uk")
    for _ in range(2):
        story.deliver()
    assert "sign-in-code" in {mail.template for mail in story.sent}


def capped(scene: Scene, mails: int) -> None:
    """So many codes are mailed in an hour without proof."""
    scene.parts = replace(scene.parts, limits=replace(scene.parts.limits, unproven_mails_an_hour=mails))


def test_an_address_is_put_right_also_past_the_cap(story: Scene) -> None:
    story.parts = replace(story.parts, limits=replace(story.parts.limits, unproven_mails_an_hour=1))
    receipt = send(story)
    mend(story, receipt, "right@example.police.uk")
    assert story.case(receipt.reference).personal["claimant_email"] == "right@example.police.uk"
    story.clock.pass_by(hours=1)
    following_up.follow_up(story.parts)
    confirm(story, receipt)
