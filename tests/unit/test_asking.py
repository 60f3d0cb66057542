"""Asking: whose turn it is, once; everything else is told where the claim stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.submissions import AskedAs, Status, TaskState
from chalicelib.services.asking import read_step
from tests.builders import PERSONAL, Story, a_person, changed

LEAD, DEPUTY = "lead-kent", "deputy-kent"


def asked(story: Story, reference: str) -> list[tuple[str, str, str]]:
    return [(task.person_id, task.asked_as.value, task.state.value) for task in story.case(reference).tasks]


def mails(story: Story, template: str = "asked") -> list[str]:
    story.deliver()
    return [mail.to for mail in story.parts.mailer.sent if mail.template == template]  # type: ignore[attr-defined]


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
    assert values["decide_by"] == "Monday 18 January 2027"
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


def test_a_claimant_who_is_the_lead_is_passed_over_for_the_deputy(story: Story) -> None:
    reference = story.submit(claimant_email="LEAD.Kent+claim@example.police.uk").reference
    token = story.ask(reference)
    case = story.case(reference)
    assert case.submission.asked_as is AskedAs.DEPUTY
    assert case.submission.waiting_for == "innovation-lead-deputy"
    assert case.open_task is None
    assert mails(story) == []
    ((answered, output),) = told(story)
    assert (answered, output["asked"], output["stage"]) == (token, "deputy", "force-lead")
    story.ask(reference, "deputy")
    case = story.case(reference)
    assert case.submission.claimant_id == LEAD
    assert asked(story, reference) == [(DEPUTY, "deputy", "open")]


def test_where_both_are_barred_the_coordinators_are_told(story: Story) -> None:
    both = a_person(LEAD, "innovation-lead@kent", "innovation-lead-deputy@kent")
    story.parts.people.remove(DEPUTY)  # type: ignore[attr-defined]
    story.parts.people.register([both])  # type: ignore[attr-defined]
    reference = story.submit(claimant_email=both.address).reference
    for turn in ("approver", "deputy", "coordinators"):
        story.ask(reference, turn)
    one = story.case(reference).submission
    assert (one.asked_as, one.waiting_for) == (AskedAs.COORDINATORS, "coordinator")
    assert sorted(mails(story, "stuck")) == [
        "coordinator.kent@example.police.uk",
        "national.coordinator@example.police.uk",
    ]
    assert [output["asked"] for _, output in told(story)] == ["deputy", "coordinators"]
    assert asked(story, reference) == []


def test_when_somebody_is_registered_after_all_they_are_asked(story: Story) -> None:
    for person in (LEAD, DEPUTY):
        story.parts.people.remove(person)  # type: ignore[attr-defined]
    reference = story.submit().reference
    for turn in ("approver", "deputy", "coordinators"):
        story.ask(reference, turn)
    story.parts.people.register([a_person("new-lead", "innovation-lead@kent")])  # type: ignore[attr-defined]
    story.parts.now.pass_by(days=5)  # type: ignore[attr-defined]
    story.ask(reference, "coordinators")
    assert story.case(reference).submission.asked_as is AskedAs.APPROVER
    story.ask(reference, "approver")
    assert asked(story, reference) == [("new-lead", "approver", "open")]


def test_an_earlier_approver_is_not_asked_again(story: Story) -> None:
    story.parts.people.remove("programme")  # type: ignore[attr-defined]
    story.parts.people.register([a_person(LEAD, "innovation-lead@kent", "programme-manager@national")])  # type: ignore[attr-defined]
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference)
    story.ask(reference)
    assert story.case(reference).submission.asked_as is AskedAs.DEPUTY
    story.ask(reference, "deputy")
    assert asked(story, reference)[-1] == ("programme-deputy", "deputy", "open")


def test_when_time_runs_out_the_deputy_is_asked_and_the_task_overtaken(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.parts.now.pass_by(days=7, hours=8)  # type: ignore[attr-defined]
    token = story.ask(reference, "deputy")
    assert asked(story, reference) == [(LEAD, "approver", "overtaken"), (DEPUTY, "deputy", "open")]
    case = story.case(reference)
    assert case.token == token
    assert case.submission.due_at == story.parts.calendar.deadline(story.parts.now(), 3)
    assert mails(story) == ["lead.kent@example.police.uk", "deputy.kent@example.police.uk"]


def test_after_the_deputy_the_coordinators_are_told_and_the_task_stays_open(story: Story) -> None:
    reference = story.submit().reference
    for turn in ("approver", "deputy", "coordinators"):
        story.ask(reference, turn)
    assert asked(story, reference)[-1] == (DEPUTY, "deputy", "open")
    assert len(mails(story, "stuck")) == 2
    story.decide(reference)
    assert story.case(reference).submission.stage == "programme"


def test_the_coordinators_are_told_again_at_every_date(story: Story) -> None:
    reference = story.submit().reference
    for turn in ("approver", "deputy", "coordinators"):
        story.ask(reference, turn)
    for times in (2, 3):
        story.parts.now.pass_by(days=4)  # type: ignore[attr-defined]
        story.ask(reference, "coordinators")
        assert len(mails(story, "stuck")) == 2 * times


def test_after_a_restart_the_coordinators_are_not_told_once_more(story: Story) -> None:
    reference = story.submit().reference
    for turn in ("approver", "deputy", "coordinators"):
        story.ask(reference, turn)
    one = story.case(reference).submission
    moved, changes = changed(one, action="restarted", round=2)
    story.parts.records.commit(changes)
    token = story.ask(reference, "coordinators")
    assert story.case(reference).token == token
    assert len(mails(story, "stuck")) == 2


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
    for turn in ("approver", "deputy", "coordinators"):
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
    step = read_step(STEP)
    assert (step.force, step.round, step.turn, step.token) == ("kent", 1, AskedAs.DEPUTY, "t")


@pytest.mark.parametrize("missing", sorted(STEP))
def test_a_step_that_lacks_anything_is_refused(missing: str) -> None:
    with pytest.raises(KeyError):
        read_step({name: value for name, value in STEP.items() if name != missing})


@pytest.mark.parametrize("changes", [{"payload_version": 2}, {"payload_version": None}, {"asked": "nobody"}])
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
