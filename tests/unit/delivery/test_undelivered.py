"""Mail that came back: somebody may wait for nobody, so the coordinators learn of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.delivery.deliveries import read_address
from chalicelib.domain.delivery.mails import MAILS, Reader
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.people.people import Person
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import amending
from chalicelib.services.approvals.following_up import follow_up
from chalicelib.services.delivery import undelivered
from chalicelib.services.people import signing_in
from chalicelib.services.records import status_view
from chalicelib.web import background
from tests.builders import MONDAY, PERSONAL, a_delivery, a_person, claim_answers
from tests.unit import scenes
from tests.unit.scenes import Scene, board, form_with, register_board

story = scenes.story

LEAD, DEPUTY = "lead-kent", "deputy-kent"
BOTH = ["coordinator.kent@example.police.uk", "national.coordinator@example.police.uk"]


def came_back(story: Scene, notification_id: str, what: str = "bounce") -> bool:
    return undelivered.came_back(story.parts, story.address(notification_id), what=what)


def mail_id(story: Scene, template: str) -> str:
    """The id of the last mail of a template, all of which have gone out by now."""
    for _ in range(2):
        story.deliver()
    return [mail.notification_id for mail in story.sent if mail.template == template][-1]


def told(story: Scene, template: str = "stuck") -> list[tuple[str, str]]:
    """To which coordinators a mail is on its way, and why."""
    other = {"stuck": "undelivered", "undelivered": "stuck"}[template]
    assert story.mails(other) == []
    return [(mail.to, mail.values["reason"]) for mail in story.mails(template)]


def stuck(story: Scene) -> list[str]:
    coordinator = story.parts.people.person("coordinator-kent")
    assert isinstance(coordinator, Person)
    return [one.reference for one in status_view.stuck_for(story.parts, coordinator)]


# To the person asked


@pytest.mark.parametrize(("what", "happened"), [("bounce", "bounced"), ("complaint", "was marked as spam")])
def test_when_the_person_asked_does_not_get_the_mail_the_coordinators_see_to_it(
    story: Scene, what: str, happened: str
) -> None:
    reference = story.asked()
    notification_id = mail_id(story, "asked")
    assert notification_id == f"mail.asked.kent.{reference}.1"
    assert came_back(story, notification_id, what)
    case = story.case(reference)
    one = case.submission
    assert (one.asked_as, one.waiting_for, one.status) == (
        AskedAs.COORDINATORS,
        "coordinator",
        Status.IN_REVIEW,
    )
    assert one.due_at == one.next_at == story.parts.calendar.deadline(story.clock.at, 3)
    assert [entry.action for entry in case.entries[-2:]] == ["undelivered", "stuck"]
    assert dict(case.entries[-2].details) == {"mail": notification_id, "what": what}
    reason = f"our email to the person who was asked {happened}, so they may not know about it"
    assert case.entries[-1].details["reason"] == reason
    assert told(story) == [(to, reason) for to in BOTH]
    assert all(mail.values["has_task"] for mail in story.mails("stuck"))
    assert stuck(story) == [reference]


def test_the_task_stays_open_and_can_still_be_decided(story: Scene) -> None:
    reference = story.asked()
    came_back(story, mail_id(story, "asked"))
    assert story.task_states(reference) == [(LEAD, "open", 0)]
    assert story.look(reference, LEAD).may_decide
    story.decide(reference)
    assert story.standing(reference).stage == "programme"
    assert stuck(story) == []


def test_a_reminder_that_comes_back_counts_as_much(story: Scene) -> None:
    reference = story.asked()
    story.clock.pass_by(days=4)
    assert follow_up(story.parts).reminded == 1
    notification_id = mail_id(story, "reminder")
    assert notification_id == f"mail.reminder.kent.{reference}.1.1"
    assert came_back(story, notification_id)
    assert stuck(story) == [reference]


def test_the_coordinators_are_told_again_if_nothing_is_done(story: Scene) -> None:
    reference = story.asked()
    came_back(story, mail_id(story, "asked"))
    due_at = story.case(reference).submission.due_at
    assert due_at is not None
    story.clock.at = due_at
    assert follow_up(story.parts).handed_over == 1
    assert [to for to, _ in told(story)] == BOTH * 2
    assert story.task_states(reference) == [(LEAD, "open", 0)]


@pytest.mark.parametrize("number", [1, 10])
def test_a_task_is_not_taken_for_another_whose_number_begins_alike(story: Scene, number: int) -> None:
    story.people.register([a_person(f"lead-{one}", "innovation-lead@kent") for one in range(9)])
    story.use_form(form_with("force-lead", everyone=True, quorum=2))
    reference = story.asked()
    assert [task.number for task in story.case(reference).open_tasks] == list(range(1, 11))
    story.vote(reference, story.case(reference).tasks[9].person_id)
    came_back(story, f"mail.asked.kent.{reference}.{number}")
    assert (stuck(story) == [reference]) == (number == 1)


def test_of_several_who_are_asked_the_others_keep_their_tasks(story: Scene) -> None:
    register_board(story)
    story.use_form(board(2))
    reference = story.at_programme()
    story.deliver()
    came_back(story, f"mail.asked.kent.{reference}.3")
    assert stuck(story) == [reference]
    assert [state for _, state, _ in story.task_states(reference)] == ["decided", "open", "open", "open"]
    for one in ("programme", "programme-3"):
        story.vote(reference, one)
    assert story.standing(reference).stage == "finance"


# Mail that nobody waits for any more


@pytest.mark.parametrize("how", ["decided", "handed on"])
def test_a_request_to_decide_that_nothing_waits_for_any_more_is_only_noted(story: Scene, how: str) -> None:
    reference = story.asked()
    if how == "handed on":
        story.clock.pass_by(days=8)
        follow_up(story.parts)
    else:
        story.decide(reference)
    for _ in range(2):
        story.deliver()
    before = story.standing(reference)
    assert came_back(story, f"mail.asked.kent.{reference}.1")
    assert story.standing(reference) == before
    assert story.case(reference).entries[-1].action == "undelivered"
    assert told(story) == []


# To the claimant


@pytest.mark.parametrize("template", ["receipt", "moved-on", "changes-requested"])
def test_when_the_claimant_does_not_get_a_mail_the_coordinators_are_told_and_the_turn_stays(
    story: Scene, template: str
) -> None:
    reference = story.asked()
    if template == "moved-on":
        story.decide(reference)
        story.ask(reference)
    elif template == "changes-requested":
        story.ask_for_changes(reference)
    before = story.case(reference)
    assert came_back(story, mail_id(story, template))
    after = story.case(reference)
    assert after.submission.standing == before.submission.standing
    assert after.open_tasks == before.open_tasks
    assert [entry.action for entry in after.entries[len(before.entries) :]] == ["undelivered"]
    assert told(story, "undelivered") == [(to, "our email to them bounced") for to in BOTH]
    assert stuck(story) == []


TO_SUBMITTER = [name for name, mail in MAILS.items() if mail.reader is Reader.SUBMITTER]


@pytest.mark.parametrize("template", TO_SUBMITTER)
def test_of_every_mail_to_the_submitter_that_does_not_arrive_the_coordinators_are_told(
    story: Scene, template: str
) -> None:
    reference = story.asked()
    mail = a_delivery(f"mail.{template}.kent.{reference}.1.5", reference=reference, force="kent")
    story.parts.outbox.add(mail)
    assert came_back(story, mail.id)
    assert [to for to, _ in told(story, "undelivered")] == BOTH


@pytest.mark.parametrize(("what", "happened"), [("bounce", "bounced"), ("complaint", "was marked as spam")])
def test_when_the_claimant_does_not_learn_how_it_ended_the_coordinators_are_told(
    story: Scene, what: str, happened: str
) -> None:
    reference = story.asked()
    story.decide(reference, "reject", comment="No")
    before = story.standing(reference)
    assert came_back(story, mail_id(story, "rejected"), what)
    assert story.case(reference).entries[-1].action == "undelivered"
    assert told(story, "undelivered") == [(to, f"our email to them {happened}") for to in BOTH]
    assert story.standing(reference) == before
    assert story.status(reference) is Status("rejected")


def test_when_the_claimants_code_does_not_arrive_the_coordinators_are_told_once_a_day(story: Scene) -> None:
    reference = story.asked()
    for _ in range(3):
        signing_in.ask_claimant_code(story.parts, "kent", reference)
        assert came_back(story, mail_id(story, "claimant-code"))
    assert len(story.actions(reference, "undelivered")) == 1
    assert story.mails("undelivered") == []  # the two have gone out, and no others come after them
    assert [mail.to for mail in story.sent if mail.template == "undelivered"] == BOTH
    story.clock.pass_by(days=1)
    signing_in.ask_claimant_code(story.parts, "kent", reference)
    assert came_back(story, mail_id(story, "claimant-code"))
    assert [to for to, _ in told(story, "undelivered")] == BOTH


def test_a_code_that_does_not_arrive_hides_no_other_mail_that_does_not(story: Scene) -> None:
    reference = story.asked()
    signing_in.ask_claimant_code(story.parts, "kent", reference)
    assert came_back(story, mail_id(story, "claimant-code"))
    assert came_back(story, mail_id(story, "receipt"))
    assert len(story.actions(reference, "undelivered")) == 2


# Told twice, or of something unknown


@pytest.mark.parametrize("template", ["asked", "receipt"])
def test_being_told_twice_does_it_once(story: Scene, template: str) -> None:
    reference = story.asked()
    notification_id = mail_id(story, template)
    came_back(story, notification_id)
    before = story.store.snapshot()
    for what in ("bounce", "complaint"):
        assert came_back(story, notification_id, what)
    assert story.store.snapshot() == before
    assert len(story.actions(reference, "undelivered")) == 1


def test_being_told_twice_at_once_does_it_once(story: Scene) -> None:
    reference = story.asked()
    notification_id = mail_id(story, "asked")
    story.first(lambda: came_back(story, notification_id))
    assert came_back(story, notification_id)
    assert len(story.actions(reference, "undelivered")) == 1
    assert len(told(story)) == 2


def test_a_decision_at_the_same_moment_stands(story: Scene) -> None:
    reference = story.asked()
    notification_id = mail_id(story, "asked")
    story.first(lambda: story.decide(reference))
    assert came_back(story, notification_id)
    assert story.standing(reference).stage == "programme"
    assert story.standing(reference).asked_as is AskedAs.APPROVER
    assert told(story) == []


def test_a_vote_that_may_be_undone_stays_so(story: Scene) -> None:
    register_board(story)
    story.use_form(board(2))
    reference = story.at_programme()
    story.deliver()
    story.use_undo()
    story.vote(reference, "programme")
    came_back(story, f"mail.asked.kent.{reference}.3")
    assert stuck(story) == [reference]
    story.undo(reference, "programme")
    assert story.task_of(reference, "programme").state.value == "open"


def test_mail_that_is_not_ours_or_about_no_claim_is_nothing(
    story: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    story.asked()
    signing_in.ask_code(story.parts, "lead.kent@example.police.uk")
    before = {key: item for key, item in story.store.snapshot().items() if key[0] in ("submission", "entry")}
    for notification_id in (
        "mail.asked.kent.CLM-2222-2222.1",
        "mail.sign-in-code.0123456789abcdef.lead-kent",
        mail_id(story, "sign-in-code").rpartition(".")[0],
        "mail.digest.kent.2027-01-04-to-2027-01-10.lead-kent",
        "unknown",
        "",
    ):
        assert came_back(story, notification_id) is False
    for key, item in before.items():
        assert story.store.items[key] == item
    assert story.mails() == []
    assert "@" not in caplog.text


def test_a_claim_that_is_gone_since_is_nothing(story: Scene) -> None:
    reference = story.asked()
    notification_id = mail_id(story, "asked")
    where = ("reference", reference)
    force = story.store.items.pop(where)
    assert came_back(story, notification_id) is False
    story.store.items[where] = force


def test_a_claim_that_has_moved_is_noted_where_it_is_now(story: Scene) -> None:
    reference = story.asked()
    notification_id = mail_id(story, "asked")
    story.ask_for_changes(reference, the_day="Which force?")
    answers = claim_answers(force="essex", event_title="Innovation day at Chelmsford")
    amending.amend(story.parts, "kent", reference, answers, version=1)
    story.ask(reference, force="essex")
    assert came_back(story, notification_id)
    assert story.case(reference, "essex").entries[-1].action == "undelivered"
    assert story.standing(reference, "essex").asked_as is AskedAs.APPROVER


# As SES says it


def headers(address: str, name: str = "X-Notification-Id") -> list[dict[str, str]]:
    parcel, notification_id = read_address(address)
    return [
        {"name": "From", "value": "Share Your Knowledge <from@example.org>"},
        {"name": "To", "value": "lead.kent@example.police.uk"},
        {"name": "Subject", "value": "CLM-2222-2222: decide by Monday 18 January"},
        *({"name": "X-Parcel-Id", "value": one} for one in [parcel] if one),
        {"name": name, "value": notification_id},
        {"name": "MIME-Version", "value": "1.0"},
    ]


BOUNCED = [
    {
        "emailAddress": "lead.kent@example.police.uk",
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
]
BOUNCE: dict[str, Any] = {
    "feedbackId": "0102017712f0d2d5-0b7f9c44-000000",
    "bounceType": "Permanent",
    "bounceSubType": "General",
    "bouncedRecipients": BOUNCED,
    "timestamp": "2027-01-11T09:31:07.041Z",
    "reportingMTA": "dns; a7-12.smtp-out.eu-west-2.amazonses.com",
}
COMPLAINT: dict[str, Any] = {
    "feedbackId": "0102017712f0d2d5-1c0a7f11-000000",
    "complaintSubType": None,
    "complainedRecipients": [{"emailAddress": "lead.kent@example.police.uk"}],
    "timestamp": "2027-01-11T09:35:00.000Z",
    "userAgent": "ExampleCorp Feedback Loop (V0.01)",
    "complaintFeedbackType": "abuse",
    "arrivalDate": "2027-01-11T09:34:12.000Z",
}


def said(kind_name: str, kind: str, notification_id: str, **parts: Any) -> dict[str, Any]:
    """What SES says: `eventType` by event publishing, `notificationType` by feedback notifications."""
    mail = {
        "timestamp": "2027-01-11T09:31:05.000Z",
        "source": "from@example.org",
        "sourceArn": "arn:aws:ses:eu-west-2:123456789012:identity/example.org",
        "sendingAccountId": "123456789012",
        "messageId": "0102017712f0cabc-7c7f6c44-000000",
        "destination": ["lead.kent@example.police.uk"],
        "headersTruncated": False,
        "headers": headers(notification_id),
        "commonHeaders": {"subject": "CLM-2222-2222: decide by Monday 18 January"},
    }
    if kind_name == "eventType":
        mail["tags"] = {"ses:configuration-set": ["share-your-knowledge"]}
    return {kind_name: kind, "mail": mail, **parts}


def event(*messages: Any) -> dict[str, Any]:
    """SNS's event for a Lambda function."""
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": "arn:aws:sns:eu-west-2:123456789012:mail-events:0a1b",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": f"95df01b4-ee98-5cb9-9903-{number:012d}",
                    "TopicArn": "arn:aws:sns:eu-west-2:123456789012:mail-events",
                    "Subject": "Amazon SES Email Event Notification",
                    "Message": message if isinstance(message, str) else json.dumps(message),
                    "Timestamp": MONDAY.isoformat(),
                },
            }
            for number, message in enumerate(messages)
        ]
    }


@pytest.fixture
def noted(story: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Hands an event to the handler; returns how many mails it noted."""
    monkeypatch.setattr(wiring, "parts", lambda: story.parts)
    return lambda *messages: background.mail_events(event(*messages), None)["noted"]


@pytest.mark.parametrize("kind_name", ["eventType", "notificationType"])
@pytest.mark.parametrize(
    ("kind", "parts"), [("Bounce", {"bounce": BOUNCE}), ("Complaint", {"complaint": COMPLAINT})]
)
def test_bounces_and_complaints_are_read_from_both_kinds_of_message(
    story: Scene, noted: Any, kind_name: str, kind: str, parts: dict[str, Any]
) -> None:
    reference = story.asked()
    message = said(kind_name, kind, mail_id(story, "asked"), **parts)
    assert noted(message) == 1
    assert story.actions(reference, "undelivered")[0].details["what"] == kind.lower()
    assert stuck(story) == [reference]


@pytest.mark.parametrize("kind_name", ["eventType", "notificationType"])
def test_a_bounce_that_is_only_for_now_is_left_to_ses(story: Scene, noted: Any, kind_name: str) -> None:
    reference = story.asked()
    for subtype in ("General", "MailboxFull", "ContentRejected"):
        for_now = {**BOUNCE, "bounceType": "Transient", "bounceSubType": subtype}
        assert noted(said(kind_name, "Bounce", mail_id(story, "asked"), bounce=for_now)) == 0
    assert story.actions(reference, "undelivered") == []
    undetermined = {**BOUNCE, "bounceType": "Undetermined", "bounceSubType": "Undetermined"}
    assert noted(said(kind_name, "Bounce", mail_id(story, "asked"), bounce=undetermined)) == 1


def test_what_is_no_bad_news_is_passed_by(story: Scene, noted: Any) -> None:
    reference = story.asked()
    notification_id = mail_id(story, "asked")
    for kind in ("Delivery", "Send", "Open", "DeliveryDelay", "Reject", "Rendering Failure"):
        assert noted(said("eventType", kind, notification_id)) == 0
    assert noted({}) == 0
    assert story.actions(reference, "undelivered") == []


def test_the_sentence_with_which_ses_greets_a_topic_is_no_failure(story: Scene, noted: Any) -> None:
    story.asked()
    greeting = "Successfully validated SNS topic for Amazon SES event publishing."
    bounce = said("eventType", "Bounce", mail_id(story, "asked"), bounce=BOUNCE)
    assert noted(greeting, '"a string"', "[]", bounce) == 1


def test_the_name_of_our_header_is_read_in_any_case_and_others_are_not_taken_for_it(
    story: Scene, noted: Any
) -> None:
    notification_id = f"mail.asked.kent.{story.asked()}.1"
    message = said("eventType", "Bounce", "", bounce=BOUNCE)
    for name, count in (("X-Not", 0), ("x-notification-id", 1), ("X-NOTIFICATION-ID", 1)):
        message["mail"]["headers"] = headers(notification_id, name)
        assert noted(message) == count
    del message["mail"]["headers"]  # feedback notifications have them only where that is switched on
    assert noted(message) == 0


def test_several_records_are_each_noted_and_a_repeat_changes_nothing(story: Scene, noted: Any) -> None:
    story.asked()
    asked, receipt = (story.address(mail_id(story, one)) for one in ("asked", "receipt"))
    messages = [
        said("eventType", "Bounce", asked, bounce=BOUNCE),
        said("eventType", "Complaint", receipt, complaint=COMPLAINT),
        said("eventType", "Bounce", "of-somebody-else", bounce=BOUNCE),
    ]
    assert noted(*messages) == 2
    before = story.store.snapshot()
    noted(*messages)
    assert story.store.snapshot() == before


def test_no_address_is_kept_of_what_ses_says(story: Scene, noted: Any) -> None:
    reference = story.asked()
    noted(said("eventType", "Bounce", story.address(mail_id(story, "receipt")), bounce=BOUNCE))
    kept = str(story.case(reference).entries)
    assert "@" not in kept
    assert PERSONAL["claimant_email"] not in kept
