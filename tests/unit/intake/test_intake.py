"""Taking a submission in."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import InvalidAnswers, KeyReused, Unavailable
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.intake.references import is_reference, new_reference
from chalicelib.domain.records.submissions import Status
from chalicelib.services.changes import ChangeRefused
from tests.builders import PERSONAL, Story, a_cost, claim_answers, submitted
from tests.unit import scenes

story = scenes.story


def stored(story: Story) -> list[Any]:
    return story.parts.records.store.of_kind("submission")  # type: ignore[attr-defined,no-any-return]


def test_a_claim_waits_for_the_forces_lead_with_a_date(story: Story) -> None:
    receipt = story.submit()
    one = story.case(receipt.reference).submission
    assert is_reference(receipt.reference)
    assert (one.status, one.stage, one.asked_as) == (Status.SUBMITTED, "force-lead", AskedAs.APPROVER)
    assert (one.round, one.revision, one.amount_pence) == (1, 1, 600_000)
    assert one.waiting_for == "innovation-lead"
    assert one.due_at == story.parts.calendar.deadline(story.parts.now(), 5)
    assert one.next_at == story.parts.calendar.reminder(one.due_at, 1)
    assert (one.version, one.reminded, one.reserved_pence, one.committed_pence) == (1, 0, 0, 0)
    assert (one.undo, one.moved_to, one.claimant_id) == (None, "", "")
    assert one.chain.length == 1


def test_the_receipt_says_all_that_the_submitter_needs(story: Story) -> None:
    receipt = story.submit()
    assert (receipt.form, receipt.form_version, receipt.status) == ("funding-claim", 1, Status.SUBMITTED)
    assert receipt.submitted_at == story.parts.now()
    assert receipt.status_url == f"https://ideas.example.org/status/{receipt.status_token}"
    assert story.parts.links.read_status_token(receipt.status_token) == ("kent", receipt.reference)
    assert not receipt.replayed


def test_personal_answers_stand_apart(story: Story) -> None:
    case = story.case(story.submit().reference)
    assert dict(case.personal) == PERSONAL
    assert not set(case.submission.answers) & set(PERSONAL)
    assert case.answers == claim_answers()


def test_the_receipt_mail_holds_the_answers_but_no_personal_ones(story: Story) -> None:
    receipt = story.submit(cost_lines=[a_cost(1_050, description="Tea")])
    story.deliver()
    (mail,) = story.parts.mailer.sent  # type: ignore[attr-defined]
    assert (mail.template, mail.to) == ("receipt", PERSONAL["claimant_email"])
    assert mail.notification_id == f"mail.receipt.{receipt.reference}"
    assert mail.values["total"] == "£10.50"
    assert mail.values["costs"] == [["Tea", "Venue hire", "£10.50"]]
    assert ["Name of the day", "Innovation day at Maidstone"] in mail.values["answers"]
    assert mail.values["status_url"] == receipt.status_url
    assert PERSONAL["claimant_name"] not in str(mail.values)


def test_one_submission_for_a_key_however_often_it_is_sent(story: Story) -> None:
    first = story.submit(key="key-1")
    story.parts.now.pass_by(hours=2)  # type: ignore[attr-defined]
    for _ in range(3):
        again = story.submit(key="key-1")
        assert again.replayed
        assert (again.reference, again.submitted_at, again.status_url, again.status) == (
            first.reference,
            first.submitted_at,
            first.status_url,
            first.status,
        )
    assert len(stored(story)) == 1
    story.deliver()
    assert story.parts.mailer.templates() == ["receipt"]  # type: ignore[attr-defined]


def test_answers_that_read_the_same_are_the_same(story: Story) -> None:
    story.submit(key="key-1", event_title="Caf\u00e9", purpose="Officers and staff\nwork")
    again = story.submit(key="key-1", event_title="Cafe\u0301", purpose="Officers and staff\r\nwork")
    assert again.replayed


def test_other_answers_under_a_used_key_are_refused(story: Story) -> None:
    story.submit(key="key-1")
    for changes in ({"event_title": "Another"}, {"claimant_phone": None}, {"cost_lines": [a_cost(1)]}):
        with pytest.raises(KeyReused, match="used before"):
            story.submit(key="key-1", **changes)
    assert len(stored(story)) == 1


def test_a_key_is_free_again_after_a_day(story: Story) -> None:
    first = story.submit(key="key-1")
    story.parts.now.pass_by(hours=24)  # type: ignore[attr-defined]
    second = story.submit(key="key-1", event_title="Another")
    assert not second.replayed
    assert second.reference != first.reference


def test_other_answers_are_another_submission_with_or_without_a_key(story: Story) -> None:
    assert story.submit().reference != story.submit().reference
    assert story.submit(key="a").reference != story.submit(key="b").reference


def test_a_refused_form_leaves_its_key_free(story: Story) -> None:
    with pytest.raises(InvalidAnswers):
        story.submit(key="key-1", force="nowhere")
    assert not story.submit(key="key-1").replayed


def test_a_reference_that_is_taken_is_drawn_again(story: Story) -> None:
    taken = story.submit().reference
    body = taken[4:8] + taken[9:12]
    drawn = iter([body, "2346797"])
    story.parts.__dict__["draw"] = lambda characters, count: next(drawn)
    second = story.submit().reference
    assert second != taken
    assert len(stored(story)) == 2


def test_where_no_reference_is_free_nothing_is_stored(story: Story) -> None:
    story.parts.__dict__["draw"] = lambda characters, count: characters[0] * count
    story.submit()
    with pytest.raises(Unavailable, match="Nothing was stored"):
        story.submit(key="key-1")
    assert len(stored(story)) == 1
    assert story.parts.records.key("funding-claim", "key-1", now=story.parts.now()) is None


def test_a_registered_day_that_does_not_exist_is_a_problem_of_its_answer(story: Story) -> None:
    day = new_reference("DAY", lambda characters, count: characters[3] * count)
    with pytest.raises(InvalidAnswers) as caught:
        story.submit(key="key-1", innovation_day=day)
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.code) == ("/innovation_day", "unknown-reference")
    assert problem.message.startswith("No day is registered under this reference")
    assert stored(story) == []
    story.parts.records.store.items[("reference", day)] = "kent"  # type: ignore[attr-defined]
    assert story.submit(key="key-1", innovation_day=day)


def test_a_refusal_nobody_foresaw_is_no_receipt(story: Story) -> None:
    reference = story.submit().reference
    store = story.parts.records.store  # type: ignore[attr-defined]
    address = ("delivery", f"parcel.start.{reference}-r1/mail.receipt.{reference}")
    queued = store.items[address]
    for key in [
        key for key in store.items if reference in key and key[0] in ("submission", "reference", "entry")
    ]:
        del store.items[key]
    body = reference[4:8] + reference[9:12]
    story.parts.__dict__["draw"] = lambda characters, count: body
    with pytest.raises((ChangeRefused, Unavailable)):
        story.submit()
    assert store.items[address] == queued


def test_the_workflow_is_started_under_the_name_of_the_round(story: Story) -> None:
    reference = story.submit().reference
    story.deliver()
    (((workflow, name), payload),) = story.parts.workflows.started.items()  # type: ignore[attr-defined]
    assert (workflow, name) == ("funding-claim", f"{reference}-r1")
    assert payload["reference"] == reference
    assert payload["stage"] == "force-lead"
    assert payload["asked"] == "approver"


def test_the_version_it_was_made_with_is_kept(story: Story) -> None:
    receipt = submitted(story.parts, story.parts.forms.form("funding-claim", 1), claim_answers())
    assert story.case(receipt.reference).submission.form_version == 1
