"""Asking: whose turn it is, once; everything else is told where the claim stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Status, TaskState
from chalicelib.services.approvals import amending, asking, deciding
from chalicelib.services.approvals.asking import NOBODY, TOO_LATE, read_step
from chalicelib.services.approvals.following_up import follow_up
from chalicelib.services.delivery import delivering
from chalicelib.services.repair.reconciling import reconcile
from tests.builders import PERSONAL, Story, a_person, changed, claim_answers
from tests.unit import scenes

story = scenes.story

LEAD, DEPUTY = "lead-kent", "deputy-kent"
TURNS = ("approver", "deputy", "coordinators")


def asked(story: Story, reference: str) -> list[tuple[str, str, str]]:
    return [(task.person_id, task.asked_as.value, task.state.value) for task in story.case(reference).tasks]


def mails(story: Story, template: str = "asked") -> list[str]:
    story.deliver()
    return [mail.to for mail in story.parts.mailer.sent if mail.template == template]  # type: ignore[attr-defined]


def step_now(story: Story, reference: str, turn: str, token: str, **changes: Any) -> None:
    """The state machine asks at this very moment, whatever the stored date."""
    one = story.case(reference).submission
    event = {"payload_version": 2, "force": "kent", "reference": reference, "round": one.round, "asked": turn}
    asking.ask(story.parts, read_step({**event, "stage": one.stage, "token": token, **changes}))


def let_undo(story: Story, minutes: int = 10) -> None:
    story.parts.__dict__["undo_for"] = timedelta(minutes=minutes)


def told(story: Story) -> list[tuple[str, Any]]:
    story.deliver()
    return list(story.parts.workflows.answers)  # type: ignore[attr-defined]


def test_the_forces_lead_is_asked_with_a_task_a_mail_and_a_date(story: Story) -> None:
    reference = story.submit().reference
    token = story.ask(reference)
    case = story.case(reference)
    task = case.open_task
    assert task is not None
    assert (task.person_id, task.role, task.stage, task.number) == (LEAD, "innovation-lead", "force-lead", 1)
    assert task.id == f"kent.{reference}.1"
    assert case.token == token
    one = case.submission
    assert (one.status, one.waiting_for, one.due_at, one.tasks) == (
        Status.IN_REVIEW,
        "innovation-lead",
        task.due_at,
        1,
    )
    assert mails(story) == ["lead.kent@example.police.uk"]
    assert told(story) == []


def test_the_mail_holds_all_that_it_takes_to_decide_and_one_link(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.deliver()
    values = story.parts.mailer.sent[-1].values  # type: ignore[attr-defined]
    assert values["task_url"] == f"https://ideas.example.org/tasks/kent.{reference}.1"
    assert values["total"] == "£6,000"
    assert (values["fund_left"], values["force_left"]) == ("£20,000", "£10,000")
    assert ["Claimant", PERSONAL["claimant_name"]] in values["answers"]
    assert PERSONAL["claimant_email"] not in str(values)
    assert PERSONAL["claimant_phone"] not in str(values)
    assert values["decide_by"] == "Monday 18 January"
    assert [name for name in values if "url" in name] == ["task_url"]


def test_the_next_stages_mail_says_what_was_decided_before(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference, comment="A good day")
    story.ask(reference)
    story.deliver()
    values = [m.values for m in story.parts.mailer.sent if m.template == "asked"][-1]  # type: ignore[attr-defined]
    assert values["earlier"] == [["Your force's innovation lead", "approved", "A good day"]]


def test_a_repeat_with_the_same_token_does_nothing(story: Story) -> None:
    reference = story.submit().reference
    token = story.ask(reference)
    store = story.parts.records.store  # type: ignore[attr-defined]
    before = store.snapshot()
    story.ask(reference, token=token)
    assert store.snapshot() == before


def test_a_new_token_for_the_same_turn_is_kept_and_sends_no_second_mail(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    due_at = story.case(reference).submission.due_at
    story.parts.now.pass_by(days=2)  # type: ignore[attr-defined]
    token = story.ask(reference)
    case = story.case(reference)
    assert case.token == token
    assert case.submission.due_at == due_at
    assert asked(story, reference) == [(LEAD, "approver", "open")]
    assert len(mails(story)) == 1


def test_a_claimant_who_is_the_lead_is_passed_over_for_the_deputy_at_once(story: Story) -> None:
    reference = story.submit(claimant_email="LEAD.Kent+claim@example.police.uk").reference
    commits = story.parts.records.store.commits  # type: ignore[attr-defined]
    token = story.ask(reference)
    assert story.parts.records.store.commits == commits + 1  # type: ignore[attr-defined]
    case = story.case(reference)
    one = case.submission
    assert (one.claimant_id, one.asked_as, one.waiting_for) == (
        LEAD,
        AskedAs.DEPUTY,
        "innovation-lead-deputy",
    )
    assert one.due_at == story.parts.calendar.deadline(story.parts.now(), 3)
    assert asked(story, reference) == [(DEPUTY, "deputy", "open")]
    assert [entry.action for entry in case.entries] == ["submitted", "passed-over", "asked"]
    assert dict(case.entries[1].details) == {"role": "innovation-lead", "reason": NOBODY}
    assert mails(story) == ["deputy.kent@example.police.uk"]
    ((answered, output),) = told(story)  # the execution waits for the approver: it has to follow
    assert (answered, output["asked"], output["stage"]) == (token, "deputy", "force-lead")


def test_the_execution_that_follows_finds_the_deputy_asked_already(story: Story) -> None:
    reference = story.submit(claimant_email="LEAD.Kent+claim@example.police.uk").reference
    story.ask(reference)
    due_at = story.case(reference).submission.due_at
    step_now(story, reference, "deputy", "the-next")
    case = story.case(reference)
    assert (case.token, case.submission.due_at) == ("the-next", due_at)
    assert asked(story, reference) == [(DEPUTY, "deputy", "open")]
    assert mails(story) == ["deputy.kent@example.police.uk"]
    assert len(told(story)) == 1


def test_where_both_are_barred_the_coordinators_are_told(story: Story) -> None:
    both = a_person(LEAD, "innovation-lead@kent", "innovation-lead-deputy@kent")
    story.parts.people.remove(DEPUTY)  # type: ignore[attr-defined]
    story.parts.people.register([both])  # type: ignore[attr-defined]
    reference = story.submit(claimant_email=both.address).reference
    token = story.ask(reference)
    case = story.case(reference)
    one = case.submission
    assert (one.asked_as, one.waiting_for) == (AskedAs.COORDINATORS, "coordinator")
    assert [entry.action for entry in case.entries] == ["submitted", "passed-over", "passed-over", "stuck"]
    assert sorted(mails(story, "stuck")) == [
        "coordinator.kent@example.police.uk",
        "national.coordinator@example.police.uk",
    ]
    assert [(answered, output["asked"]) for answered, output in told(story)] == [(token, "coordinators")]
    assert asked(story, reference) == []
    step_now(story, reference, "coordinators", "the-next")
    assert story.case(reference).token == "the-next"
    assert len(mails(story, "stuck")) == 2


def test_where_nobody_is_registered_the_coordinators_learn_that_and_learn_it_again(story: Story) -> None:
    reference = unattended(story)
    for times in (1, 2, 3):
        said = [entry for entry in story.case(reference).entries if entry.action == "stuck"]
        assert [entry.details["reason"] for entry in said] == [NOBODY] * times
        assert len(mails(story, "stuck")) == 2 * times
        values = [mail.values for mail in story.parts.mailer.sent]  # type: ignore[attr-defined]
        assert {(one["reason"], one["has_task"]) for one in values if "has_task" in one} == {(NOBODY, False)}
        due_at = story.case(reference).submission.due_at
        assert due_at is not None
        story.parts.now.at = due_at  # type: ignore[attr-defined]
        if times == 1:
            step_now(story, reference, "coordinators", f"token-again-{times}")
        else:
            follow_up(story.parts)
        assert story.case(reference).submission.due_at == story.parts.calendar.deadline(due_at, 3)


def unattended(story: Story) -> str:
    """A claim of a force for which nobody may decide."""
    for person in (LEAD, DEPUTY):
        story.parts.people.remove(person)  # type: ignore[attr-defined]
    reference = story.submit().reference
    token = story.ask(reference)
    assert story.case(reference).submission.asked_as is AskedAs.COORDINATORS
    assert [(answered, output["asked"]) for answered, output in told(story)] == [(token, "coordinators")]
    return reference


@pytest.mark.parametrize(
    ("role", "turn", "days"), [("innovation-lead", "approver", 5), ("innovation-lead-deputy", "deputy", 3)]
)
@pytest.mark.parametrize("by_schedule", [True, False])
def test_when_somebody_is_registered_after_all_they_are_asked(
    story: Story, role: str, turn: str, days: int, by_schedule: bool
) -> None:
    reference = unattended(story)
    story.parts.people.register([a_person("new-lead", f"{role}@kent")])  # type: ignore[attr-defined]
    step_now(story, reference, "coordinators", "waiting")
    assert asked(story, reference) == []  # at the date, not before
    story.parts.now.at = story.case(reference).submission.due_at  # type: ignore[attr-defined]
    if by_schedule:
        follow_up(story.parts)
    else:
        step_now(story, reference, "coordinators", "later")
    one = story.case(reference).submission
    assert asked(story, reference) == [("new-lead", turn, "open")]
    assert (one.asked_as.value, one.waiting_for) == (turn, role)
    assert one.due_at == story.parts.calendar.deadline(story.parts.now(), days)
    assert len(mails(story, "stuck")) == 2
    answered, output = told(story)[-1]
    assert (answered, output["asked"]) == ("waiting" if by_schedule else "later", turn)


def test_an_earlier_approver_is_not_asked_again(story: Story) -> None:
    story.parts.people.remove("programme")  # type: ignore[attr-defined]
    story.parts.people.register([a_person(LEAD, "innovation-lead@kent", "programme-manager@national")])  # type: ignore[attr-defined]
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference)
    token = story.ask(reference)
    assert story.case(reference).submission.asked_as is AskedAs.DEPUTY
    assert asked(story, reference)[-1] == ("programme-deputy", "deputy", "open")
    answered, output = told(story)[-1]
    assert (answered, output["stage"], output["asked"]) == (token, "programme", "deputy")


def test_when_time_runs_out_the_deputy_is_asked_and_the_task_overtaken(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.parts.now.pass_by(days=7, hours=8)  # type: ignore[attr-defined]
    token = story.ask(reference, "deputy")
    assert asked(story, reference) == [(LEAD, "approver", "overtaken"), (DEPUTY, "deputy", "open")]
    case = story.case(reference)
    assert case.token == token
    assert case.tasks[0].ended_by == 2
    assert case.submission.due_at == story.parts.calendar.deadline(story.parts.now(), 3)
    assert mails(story) == ["lead.kent@example.police.uk", "deputy.kent@example.police.uk"]
    assert told(story) == []


def test_a_time_out_counts_only_when_the_stored_date_has_come(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    due_at = story.case(reference).submission.due_at
    assert due_at is not None
    story.parts.now.at = due_at - timedelta(seconds=1)  # type: ignore[attr-defined]
    step_now(story, reference, "deputy", "too-early")
    case = story.case(reference)
    assert (case.token, case.submission.asked_as, case.submission.due_at) == (
        "too-early",
        AskedAs.APPROVER,
        due_at,
    )
    assert asked(story, reference) == [(LEAD, "approver", "open")]
    story.parts.now.at = due_at  # type: ignore[attr-defined]
    step_now(story, reference, "deputy", "in-time")
    assert asked(story, reference) == [(LEAD, "approver", "overtaken"), (DEPUTY, "deputy", "open")]
    assert story.case(reference).token == "in-time"


def test_an_execution_that_came_early_is_answered_when_the_deputy_is_asked(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    step_now(story, reference, "deputy", "too-early")
    assert mails(story) == ["lead.kent@example.police.uk"]
    assert told(story) == []
    story.parts.now.at = story.case(reference).submission.due_at  # type: ignore[attr-defined]
    follow_up(story.parts)
    assert asked(story, reference)[-1] == (DEPUTY, "deputy", "open")
    ((answered, output),) = told(story)
    assert (answered, output["asked"]) == ("too-early", "deputy")
    # it comes for the deputy once more: there is nothing left to do
    step_now(story, reference, "deputy", "again")
    assert story.case(reference).token == "again"
    assert len(mails(story)) == 2


def test_an_execution_in_the_next_turn_makes_up_an_ask_that_was_lost(story: Story) -> None:
    reference = story.submit().reference
    step_now(story, reference, "deputy", "ahead")
    assert asked(story, reference) == [(LEAD, "approver", "open")]
    ((answered, output),) = told(story)
    assert (answered, output["asked"]) == ("ahead", "approver")


def test_a_first_ask_that_comes_after_its_date_asks_the_approver_all_the_same(story: Story) -> None:
    reference = story.submit().reference
    story.parts.now.pass_by(days=30)  # type: ignore[attr-defined]
    token = story.ask(reference)
    assert asked(story, reference) == [(LEAD, "approver", "open")]
    case = story.case(reference)
    assert case.token == token
    assert case.submission.due_at == story.parts.calendar.deadline(story.parts.now(), 5)


def test_after_the_deputy_the_coordinators_are_told_and_the_task_stays_open(story: Story) -> None:
    reference = story.submit().reference
    for turn in TURNS:
        story.ask(reference, turn)
    assert asked(story, reference)[-1] == (DEPUTY, "deputy", "open")
    assert len(mails(story, "stuck")) == 2
    case = story.case(reference)
    assert (case.submission.asked_as, case.submission.waiting_for) == (AskedAs.COORDINATORS, "coordinator")
    assert case.entries[-1].details["reason"] == TOO_LATE
    values = story.parts.mailer.sent[-1].values  # type: ignore[attr-defined]
    assert (values["reason"], values["has_task"]) == (TOO_LATE, True)
    story.decide(reference)
    assert story.case(reference).submission.stage == "programme"


def test_the_coordinators_are_told_again_at_every_date(story: Story) -> None:
    reference = story.submit().reference
    for turn in TURNS:
        story.ask(reference, turn)
    for times in (2, 3):
        due_at = story.case(reference).submission.due_at
        assert due_at is not None
        story.parts.now.at = due_at - timedelta(seconds=1)  # type: ignore[attr-defined]
        step_now(story, reference, "coordinators", f"early-{times}")
        assert story.case(reference).token == f"early-{times}"
        assert len(story.case(reference).entries) == 3 + times - 1
        story.parts.now.at = due_at  # type: ignore[attr-defined]
        step_now(story, reference, "coordinators", f"in-time-{times}")
        assert len(mails(story, "stuck")) == 2 * times
        assert story.case(reference).token == f"in-time-{times}"
        assert story.case(reference).submission.due_at == story.parts.calendar.deadline(due_at, 3)
    assert asked(story, reference)[-1] == (DEPUTY, "deputy", "open")


def test_after_a_restart_the_coordinators_are_not_told_once_more(story: Story) -> None:
    reference = story.submit().reference
    for turn in TURNS:
        story.ask(reference, turn)
    one = story.case(reference).submission
    moved, changes = changed(one, action="restarted", round=2)
    story.parts.records.commit(changes)
    token = story.ask(reference, "coordinators")
    assert story.case(reference).token == token
    assert len(mails(story, "stuck")) == 2


def test_after_a_restart_the_task_stays_and_nobody_is_mailed_again(story: Story) -> None:
    reference = story.submit().reference
    story.deliver()
    story.ask(reference)
    before = story.case(reference)
    story.deliver()
    story.parts.workflows.end("funding-claim", f"{reference}-r1")  # type: ignore[attr-defined]
    story.parts.now.pass_by(hours=1)  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == (reference,)
    step_now(story, reference, "approver", "of-round-2", round=2)
    case = story.case(reference)
    assert (case.token, case.tasks) == ("of-round-2", before.tasks)
    assert (case.submission.due_at, case.submission.reminded) == (before.submission.due_at, 0)
    assert len(mails(story)) == 1
    step_now(story, reference, "deputy", "of-round-1", round=1)  # the lost one turns up
    assert story.case(reference).token == "of-round-2"
    answered, output = told(story)[-1]
    assert (answered, output["stage"]) == ("of-round-1", "done")


def test_the_execution_of_a_claim_that_moved_to_another_force_is_over(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference, "request-changes", comment="It is Essex's day")
    amending.amend(story.parts, "kent", reference, claim_answers(force="essex"), version=1)
    before = story.case(reference)
    assert before.submission.moved_to == "essex"
    step_now(story, reference, "approver", "of-kent", stage="force-lead", round=before.submission.round)
    assert story.case(reference) == before
    answered, output = story.parts.workflows.answers[-1]  # type: ignore[attr-defined]
    assert (answered, output["stage"], output["force"]) == ("of-kent", "done", "kent")
    story.ask(reference, force="essex")
    task = story.case(reference, "essex").open_task
    assert task is not None
    assert (task.person_id, task.number) == ("lead-essex", 1)


@pytest.mark.parametrize("turn", TURNS)
def test_while_a_decision_may_be_undone_nobody_is_asked_and_the_wait_gets_the_held_answer(
    story: Story, turn: str
) -> None:
    let_undo(story)
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference)
    story.parts.now.pass_by(minutes=9)  # type: ignore[attr-defined]
    step_now(story, reference, turn, "came-meanwhile", stage="force-lead")
    case = story.case(reference)
    assert case.token == "came-meanwhile"
    assert asked(story, reference) == [(LEAD, "approver", "decided")]
    story.parts.now.pass_by(seconds=59)  # type: ignore[attr-defined]
    delivering.sweep(story.parts)
    assert story.parts.workflows.answers == []  # type: ignore[attr-defined]
    story.parts.now.pass_by(seconds=1)  # type: ignore[attr-defined]
    delivering.sweep(story.parts)
    answers = dict(story.parts.workflows.answers)  # type: ignore[attr-defined]
    assert (answers["came-meanwhile"]["stage"], answers["came-meanwhile"]["asked"]) == (
        "programme",
        "approver",
    )
    step_now(story, reference, "approver", "the-next")
    assert asked(story, reference)[-1] == ("programme", "approver", "open")


def test_a_decision_that_was_undone_leaves_the_wait_that_came_meanwhile_without_an_answer(
    story: Story,
) -> None:
    let_undo(story)
    reference = story.submit().reference
    story.ask(reference)
    task_id = story.task_id(reference)
    story.decide(reference)
    step_now(story, reference, "approver", "came-meanwhile", stage="force-lead")
    deciding.undo(story.parts, LEAD, task_id)
    story.parts.now.pass_by(minutes=30)  # type: ignore[attr-defined]
    assert told(story) == []
    assert asked(story, reference) == [(LEAD, "approver", "open")]
    story.decide(reference, "reject", comment="No")
    story.parts.now.pass_by(minutes=30)  # type: ignore[attr-defined]
    assert [(answered, output["stage"]) for answered, output in told(story)] == [("came-meanwhile", "done")]


def test_the_wait_for_changes_keeps_its_token_and_nobody_is_asked(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference, "request-changes", comment="Say more")
    step_now(story, reference, "claimant", "for-changes", stage="changes")
    case = story.case(reference)
    assert (case.token, case.submission.status) == ("for-changes", Status.CHANGES_REQUESTED)
    step_now(story, reference, "approver", "late", stage="force-lead")
    assert story.case(reference) == case
    answered, output = story.parts.workflows.answers[-1]  # type: ignore[attr-defined]
    assert (answered, output["stage"], output["asked"]) == ("late", "changes", "claimant")


def test_a_wait_for_changes_whose_date_has_come_lets_the_claim_lapse(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference, "request-changes", comment="Say more")
    due_at = story.case(reference).submission.due_at
    story.parts.now.at = due_at - timedelta(seconds=1)  # type: ignore[attr-defined,operator]
    step_now(story, reference, "claimant", "early", stage="changes")
    assert story.case(reference).submission.status is Status.CHANGES_REQUESTED
    story.parts.now.at = due_at  # type: ignore[attr-defined]
    step_now(story, reference, "claimant", "in-time", stage="changes")
    assert story.case(reference).submission.status is Status.LAPSED
    assert [(answered, output["stage"]) for answered, output in told(story)][-1] == ("in-time", "done")


@pytest.mark.parametrize("late", ["approver", "deputy", "coordinators"])
def test_a_late_step_of_an_earlier_stage_is_told_where_the_claim_stands(story: Story, late: str) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "programme")
    story.ask(reference)
    before = story.case(reference)
    token = story.ask(reference, late, stage="force-lead")
    assert story.case(reference) == before
    answered, output = story.parts.workflows.answers[-1]  # type: ignore[attr-defined]
    assert answered == token
    assert (output["stage"], output["asked"], output["round"]) == ("programme", "approver", 1)


def test_a_late_step_of_an_earlier_turn_is_told_so(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.ask(reference, "deputy")
    before = story.case(reference)
    token = story.ask(reference, "approver")
    assert story.case(reference) == before
    answered, output = story.parts.workflows.answers[-1]  # type: ignore[attr-defined]
    assert (answered, output["asked"]) == (token, "deputy")


def test_nobody_is_skipped_by_a_step_that_comes_too_early(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    before = story.case(reference)
    story.ask(reference, "coordinators")
    story.ask(reference, stage="finance")
    assert story.case(reference) == before


def test_a_step_of_a_decided_claim_is_told_that_it_is_done(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference, "reject", comment="No")
    for turn in TURNS:
        token = story.ask(reference, turn)
        answered, output = story.parts.workflows.answers[-1]  # type: ignore[attr-defined]
        assert (answered, output["stage"]) == (token, "done")


def test_a_superseded_execution_is_told_that_it_is_done(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    _, changes = changed(story.case(reference).submission, action="restarted", round=2)
    story.parts.records.commit(changes)
    before = story.case(reference)
    token = story.ask(reference, round=1)
    assert story.case(reference) == before
    answered, output = story.parts.workflows.answers[-1]  # type: ignore[attr-defined]
    assert (answered, output["stage"], output["round"]) == (token, "done", 1)


def test_whoever_was_quicker_is_seen_at_the_second_look(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    records = story.parts.records
    records.before_commit = lambda: story.decide(reference)  # type: ignore[attr-defined]
    token = story.ask(reference, "deputy", stage="force-lead")
    assert asked(story, reference) == [(LEAD, "approver", "decided")]
    answered, output = story.parts.workflows.answers[-1]  # type: ignore[attr-defined]
    assert (answered, output["stage"]) == (token, "programme")


def test_the_same_person_is_asked_whatever_the_order_of_holders(story: Story) -> None:
    story.parts.people.register(
        [a_person("a-lead", "innovation-lead@kent"), a_person("z-lead", "innovation-lead@kent")]
    )  # type: ignore[attr-defined]
    reference = story.submit().reference
    story.ask(reference)
    assert asked(story, reference) == [("a-lead", "approver", "open")]


def test_a_task_names_its_own_stage_role_at_the_nation(story: Story) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "finance")
    story.ask(reference)
    task = story.case(reference).open_task
    assert task is not None
    assert (task.person_id, task.role, task.number) == ("finance", "fund-holder", 3)
    assert [one.state for one in story.case(reference).tasks[:2]] == [TaskState.DECIDED] * 2


STEP = {
    "payload_version": 1,
    "force": "kent",
    "reference": "CLM-2222-2222",
    "round": 1,
    "stage": "force-lead",
    "asked": "deputy",
    "token": "t",
}


def test_a_step_is_read_from_what_the_state_machine_sends() -> None:
    for version in (1, 2):  # executions outlive deploys
        step = read_step({**STEP, "payload_version": version})
        assert (step.force, step.round, step.turn, step.token) == ("kent", 1, AskedAs.DEPUTY, "t")
        assert (step.reference, step.stage) == ("CLM-2222-2222", "force-lead")


@pytest.mark.parametrize("missing", sorted(STEP))
def test_a_step_that_lacks_anything_is_refused(missing: str) -> None:
    with pytest.raises(KeyError):
        read_step({name: value for name, value in STEP.items() if name != missing})


@pytest.mark.parametrize("changes", [{"payload_version": 3}, {"payload_version": None}, {"asked": "nobody"}])
def test_a_step_of_another_version_or_turn_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        read_step({**STEP, **changes})


def test_a_case_knows_its_tasks_by_number(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    case = story.case(reference)
    assert case.task(1) == case.open_task
    assert case.task(2) is None
    assert replace(case, tasks=()).open_task is None
