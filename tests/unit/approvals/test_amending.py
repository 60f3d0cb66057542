"""Amending: the claimant changes what was asked for, and nothing else; the old answers are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.files.form_files import calendar
from chalicelib.domain.approvals import amendments
from chalicelib.domain.approvals.amendments import differences
from chalicelib.domain.errors import (
    AlreadyDecided,
    ClaimChanged,
    DecidedByAnother,
    DecidedEarlierStage,
    Difference,
    InvalidAnswers,
    NotAsked,
    NotFound,
    Overtaken,
    Refused,
)
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.intake.references import new_reference
from chalicelib.domain.records.submissions import Status
from chalicelib.domain.records.timeline import faults
from chalicelib.services.approvals import amending, deciding, task_view
from chalicelib.services.records import status_view
from tests.builders import MONDAY, PERSONAL, a_case, a_cost, a_form, a_person, claim_answers
from tests.unit import scenes
from tests.unit.scenes import SMALL, Scene, check_promises, step

story = scenes.story
FORM = a_form()
OPEN = {"the_day": "When and where?", "costs": "Less", "you": "Who?"}


@pytest.fixture
def returned(story: Scene) -> str:
    """The reference of a claim of which the lead wants `About you` changed."""
    reference = story.asked()
    story.ask_for_changes(reference, you="Who are you?")
    return reference


def problems(story: Scene, reference: str, **answers: Any) -> list[str]:
    with pytest.raises(InvalidAnswers) as caught:
        story.amend(reference, **answers)
    assert all(one.message for one in caught.value.problems)
    return [f"{one.pointer} {one.code}" for one in caught.value.problems]


def view(story: Scene, reference: str, force: str = "kent") -> amending.AmendView:
    return amending.amend_view(story.parts, force, reference)


# What is asked for


def test_the_claimant_is_shown_what_to_change_and_by_whom_it_was_asked(story: Scene) -> None:
    reference = story.asked()
    changes = {"costs": "Which hall?", "you": "Who?"}
    story.vote(reference, "lead-kent", "request-changes", comment="Nearly there", changes=changes)
    one = view(story, reference)
    assert [page.id for page in one.open_form.pages] == ["costs", "you"]
    assert (one.asked.role, one.asked.stage, one.asked.comment) == (
        "innovation-lead",
        "force-lead",
        "Nearly there",
    )
    assert (one.asked.at, dict(one.asked.changes)) == (story.clock.at, changes)
    assert (one.version, one.answers) == (1, claim_answers())
    assert one.due == story.parts.calendar.deadline(story.clock.at, 20)
    assert {answer.name for answer in one.fixed} == {
        "force",
        "event_title",
        "event_date",
        "venue_name",
        "venue_postcode",
        "expected_attendance",
    }


def test_where_no_page_is_named_all_are_open(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference, "request-changes", comment="Start again")
    one = view(story, reference)
    assert [page.id for page in one.open_form.pages] == ["the-day", "costs", "you"]
    assert (one.asked.comment, set(one.asked.changes.values())) == ("Start again", {""})


def test_the_last_who_asked_is_the_one_who_counts(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference, the_day="When?")
    story.amend(reference, event_title="A better name")
    story.ask(reference)
    story.decide(reference)
    story.ask(reference)
    story.ask_for_changes(reference, you="Who?")
    one = view(story, reference)
    assert [page.id for page in one.open_form.pages] == ["you"]
    assert (one.asked.role, one.asked.changes) == ("programme-manager", {"you": "Who?"})


@pytest.mark.parametrize("stage", ["new", "asked", "approved", "rejected", "withdrawn", "amended"])
def test_where_nothing_is_to_be_changed_nothing_can_be(story: Scene, stage: str) -> None:
    reference = story.submit().reference
    if stage == "approved":
        story.approve_up_to(reference, "nowhere")
    elif stage != "new":
        story.ask(reference)
    if stage == "rejected":
        story.decide(reference, "reject", comment="No")
    elif stage == "withdrawn":
        story.withdraw(reference)
    elif stage == "amended":
        story.ask_for_changes(reference, you="Who?")
        story.amend(reference, claimant_role="Inspector")
    before = story.store.snapshot()
    with pytest.raises(Overtaken, match="Nothing is to be changed in this claim now"):
        view(story, reference)
    with pytest.raises(Overtaken):
        story.amend(reference, claimant_role="Chief Inspector")
    assert story.store.snapshot() == before


def test_a_claim_that_is_not_there_is_not_found(story: Scene, returned: str) -> None:
    for force, reference in (("kent", "CLM-0000-0000"), ("essex", returned)):
        with pytest.raises(NotFound):
            view(story, reference, force)
        with pytest.raises(NotFound):
            amending.amend(story.parts, force, reference, claim_answers(), version=1)


# What can change


def test_only_the_open_pages_change_whatever_else_is_sent(story: Scene, returned: str) -> None:
    before = story.case(returned).answers
    story.amend(
        returned,
        claimant_role="Inspector",
        force="essex",
        event_title="Another day",
        cost_lines=[a_cost(1)],
        unheard_of=True,
    )
    case = story.case(returned)
    assert case.answers == {**before, "claimant_role": "Inspector"}
    assert (case.submission.amount_pence, case.submission.force) == (600_000, "kent")


def test_what_is_missing_from_a_closed_page_stays(story: Scene, returned: str) -> None:
    given = {"claimant_role": "Inspector"} | {
        name: value for name, value in claim_answers().items() if name in PERSONAL or name == "declaration"
    }
    amending.amend(story.parts, "kent", returned, {**given, "claimant_role": "Inspector"}, version=1)
    assert story.case(returned).answers == claim_answers(claimant_role="Inspector")


def test_an_optional_answer_of_an_open_page_can_be_taken_out(story: Scene, returned: str) -> None:
    story.amend(returned, claimant_phone=None)
    assert "claimant_phone" not in story.case(returned).answers


def test_nothing_changed_is_a_problem_and_stores_nothing(story: Scene, returned: str) -> None:
    before = story.store.snapshot()
    assert problems(story, returned) == [" unchanged"]
    assert problems(story, returned, event_title="Only a closed page is different") == [" unchanged"]
    assert story.store.snapshot() == before


def test_every_problem_of_the_open_pages_is_said_at_once(story: Scene, returned: str) -> None:
    before = story.store.snapshot()
    found = problems(story, returned, claimant_role="", claimant_email="nobody", event_date="never")
    assert found == ["/claimant_email format", "/claimant_role minLength"]
    assert problems(story, returned, declaration=False, claimant_name=None) == [
        "/claimant_name required",
        "/declaration const",
    ]
    assert story.store.snapshot() == before


def test_answers_are_tidied_as_in_a_new_claim(story: Scene, returned: str) -> None:
    story.amend(returned, claimant_name="Siân".replace("â", "a\u0302"))
    assert story.case(returned).answers["claimant_name"] == "Siân"


# What it changes


def test_the_old_answers_are_kept_as_a_version(story: Scene, returned: str) -> None:
    before = story.case(returned)
    story.clock.pass_by(days=2)
    story.amend(returned, claimant_role="Inspector")
    case = story.case(returned)
    (version,) = case.versions
    assert (version.number, version.at, version.amount_pence) == (1, story.clock.at, 600_000)
    assert {**version.answers, **version.personal} == before.answers
    assert set(version.personal) == set(PERSONAL)
    assert case.submission.version == 2
    assert case.seen != before.seen
    assert case.seen_before(before.seen) == version
    assert case.seen_before("0" * 64) is None


def test_the_timeline_says_that_and_what_was_changed_but_no_answer(story: Scene, returned: str) -> None:
    story.amend(returned, claimant_role="Inspector Quillfeather")
    case = story.case(returned)
    entry = case.entries[-1]
    assert (entry.action, entry.actor, entry.role, entry.stage) == (
        "amended",
        "claimant",
        "claimant",
        "force-lead",
    )
    assert (entry.details["version"], entry.details["changes"]) == (2, "you")
    assert entry.details["answers"] == case.seen
    assert "Quillfeather" not in repr(case.entries)


def test_the_claimant_is_told_that_it_came_in_and_who_is_next(story: Scene, returned: str) -> None:
    story.amend(returned, claimant_role="Inspector")
    (mail,) = story.mails("amended")
    assert mail.to == PERSONAL["claimant_email"]
    assert mail.values["sections"] == ["About you"]
    assert mail.values["next_stage"] == "Your force's innovation lead"


def test_the_execution_is_told_to_ask_again(story: Scene, returned: str) -> None:
    story.deliver()
    told = len(story.answers_told)
    story.amend(returned, claimant_role="Inspector")
    story.deliver()
    ((token, output),) = story.answers_told[told:]
    assert (token, output["stage"], output["asked"]) == ("token-1", "force-lead", "approver")


def test_the_stage_has_its_whole_time_again(story: Scene, returned: str) -> None:
    story.clock.pass_by(days=10)
    story.amend(returned, claimant_role="Inspector")
    one = story.standing(returned)
    due = story.parts.calendar.deadline(story.clock.at, 5)
    assert (one.status, one.asked_as, one.waiting_for) == (
        Status.IN_REVIEW,
        AskedAs.APPROVER,
        "innovation-lead",
    )
    assert (one.due_at, one.reminded) == (due, 0)
    assert one.next_at == story.parts.calendar.reminder(due, 1)


RESTARTING = [
    {"cost_lines": [a_cost(650_000)]},
    {"cost_lines": [a_cost(550_000)]},
    {"cost_lines": [a_cost(600_000, description="Hire of another hall")]},
    {"event_date": "2027-03-28"},
]
STAYING = [
    {"event_title": "A better name"},
    {"venue_name": "Town Hall"},
    {"expected_attendance": 12},
    {"purpose": "Another purpose, and a better one."},
    {"claimant_name": "Somebody Else"},
]


@pytest.mark.parametrize("answers", STAYING, ids=lambda one: next(iter(one)))
def test_the_same_stage_decides_where_nothing_that_concerns_all_changed(
    story: Scene, answers: dict[str, Any]
) -> None:
    reference = story.at_programme()
    story.ask_for_changes(reference, **OPEN)
    story.amend(reference, **answers)
    one = story.case(reference).submission
    assert (one.stage, one.approved_by) == ("programme", {"force-lead": ("lead-kent",)})
    story.ask(reference)
    assert story.case(reference).open_tasks[0].person_id == "programme"


@pytest.mark.parametrize("answers", RESTARTING, ids=["more", "less", "other-costs", "date"])
def test_the_first_stage_decides_again_where_amount_or_date_changed(
    story: Scene, answers: dict[str, Any]
) -> None:
    reference = story.at_programme()
    story.ask_for_changes(reference, **OPEN)
    story.amend(reference, **answers)
    one = story.case(reference).submission
    assert (one.stage, one.waiting_for, one.approved_by) == ("force-lead", "innovation-lead", {})
    story.ask(reference)
    assert story.case(reference).open_tasks[0].person_id == "lead-kent"
    story.approve_up_to(reference, "nowhere")
    one = story.case(reference).submission
    assert (one.status, list(one.approved_by)) == (Status("approved"), ["force-lead", "programme", "finance"])
    assert story.money() == (0, one.amount_pence)


def test_an_amount_below_the_limit_needs_the_fund_holder_no_more(story: Scene) -> None:
    reference = story.at_programme()
    story.ask_for_changes(reference, costs="Less")
    story.amend(reference, cost_lines=[a_cost(SMALL)])
    story.ask(reference)
    story.approve_up_to(reference, "nowhere")
    assert list(story.case(reference).submission.approved_by) == ["force-lead", "programme"]


def test_rounds_are_not_limited_and_each_keeps_its_version(story: Scene) -> None:
    reference = story.asked()
    for number in (1, 2, 3):
        story.ask_for_changes(reference, you=f"Who, for the {number}. time?")
        story.clock.pass_by(days=1)
        story.amend(reference, claimant_role=f"Inspector {number}")
        story.ask(reference)
    case = story.case(reference)
    assert [one.number for one in case.versions] == [1, 2, 3]
    assert [one.personal["claimant_role"] for one in case.versions] == [
        PERSONAL["claimant_role"],
        "Inspector 1",
        "Inspector 2",
    ]
    assert case.submission.version == 4
    view = story.look(reference, "lead-kent")
    assert (view.rounds, len(view.earlier)) == (3, 3)
    assert [(one.heading, one.before, one.after) for one in view.differences] == [
        ("Claimant's role", "Inspector 2", "Inspector 3")
    ]
    story.decide(reference)
    assert story.status(reference) is Status.IN_REVIEW


def test_the_approver_and_their_mail_are_told_what_is_different_in_words(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference, costs="Less", the_day="When?", you="Who?")
    story.amend(
        reference,
        event_date="2027-04-01",
        cost_lines=[a_cost(100_000), a_cost(5_050, description="Tea", category="catering")],
        innovation_day=None,
        claimant_phone="01632 960 999",
    )
    story.ask(reference)
    expected = [
        ["Date", "27 March 2027", "1 April 2027"],
        [
            "Costs",
            "Hire of the hall, Venue hire, £6,000",
            "Hire of the hall, Venue hire, £1,000\nTea, Catering, £50.50",
        ],
    ]
    found = story.look(reference, "lead-kent").differences
    assert [[one.heading, one.before, one.after] for one in found] == expected
    mail = story.mails("asked")[-1]
    assert mail.values["differences"] == expected
    assert "960 999" not in repr((found, mail.values))


def told(before: dict[str, Any], after: dict[str, Any]) -> tuple[Difference, ...]:
    return differences(FORM, before, after, force="kent", reader=None)


def test_an_answer_that_came_or_went_is_a_difference_to_nothing() -> None:
    before = claim_answers()
    day = {"innovation_day": "DAY-2222-222D"}
    (came,) = told(before, {**before, **day})
    assert (came.heading, came.before, came.after) == ("Registered day", "", "DAY-2222-222D")
    (went,) = told({**before, **day}, before)
    assert (went.before, went.after) == ("DAY-2222-222D", "")
    assert told(before, dict(before)) == ()


@pytest.mark.parametrize("asks", ["a-first", "lead-kent", "z-last"])
def test_of_several_with_the_role_whoever_asked_for_changes_is_asked_again(story: Scene, asks: str) -> None:
    reference = story.submit().reference
    story.people.register([a_person(asks, "innovation-lead@kent")])
    if asks != "lead-kent":
        story.people.remove("lead-kent")
    story.ask(reference)
    story.ask_for_changes(reference, you="Who?")
    story.people.register(
        [a_person(one, "innovation-lead@kent") for one in ("a-first", "lead-kent", "z-last")]
    )
    story.amend(reference, claimant_role="Inspector")
    story.ask(reference)
    assert [task.person_id for task in story.case(reference).open_tasks] == [asks]


def test_a_double_click_makes_one_amendment(story: Scene, returned: str) -> None:
    first = story.amend(returned, claimant_role="Inspector", version=1)
    before = story.store.snapshot()
    assert story.amend(returned, claimant_role="Inspector", version=1) == first
    assert story.store.snapshot() == before


@pytest.mark.parametrize(("force", "page"), [("kent", "you"), ("essex", "the_day")])
def test_a_double_click_at_one_moment_makes_one_amendment(story: Scene, force: str, page: str) -> None:
    reference = story.asked()
    story.ask_for_changes(reference, **{page: "Please"})
    answers = {"claimant_role": "Inspector", "force": force}
    story.first(lambda: story.amend(reference, version=1, **answers))
    found = story.amend(reference, version=1, **answers)
    assert (found.force, found.reference) == (force, reference)
    case = story.case(reference, force)
    assert (case.submission.version, len(case.versions)) == (2, 1)
    check_promises(story)


def test_an_old_page_does_not_overwrite_a_later_amendment(story: Scene, returned: str) -> None:
    story.amend(returned, claimant_role="Inspector")
    story.ask(returned)
    story.ask_for_changes(returned, you="Still not")
    before = story.store.snapshot()
    with pytest.raises(ClaimChanged):
        story.amend(returned, claimant_role="An old page", version=1)
    assert story.store.snapshot() == before


def test_whoever_withdraws_at_the_same_moment_is_not_brought_back(story: Scene, returned: str) -> None:
    story.first(lambda: story.withdraw(returned))
    with pytest.raises(Overtaken):
        story.amend(returned, claimant_role="Inspector")
    assert story.status(returned) is Status.WITHDRAWN


# The reference of a registered day


def test_the_reference_of_a_day_that_is_not_registered_is_a_problem(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference, the_day="Which one?")
    unknown = new_reference("DAY", lambda characters, count: characters[3] * count)
    before = story.store.snapshot()
    assert problems(story, reference, innovation_day=unknown) == ["/innovation_day unknown-reference"]
    assert problems(story, reference, innovation_day="DAY-1111-1111") == ["/innovation_day format"]
    assert story.store.snapshot() == before
    story.store.items[("reference", unknown)] = "kent"
    story.amend(reference, innovation_day=unknown)
    assert story.case(reference).answers["innovation_day"] == unknown


# The domain alone


def test_a_case_that_waits_for_no_changes_has_none(story: Scene) -> None:
    with pytest.raises(Overtaken):
        amendments.asked_for(a_case(), FORM)


def test_what_leads_back_to_the_first_stage_is_what_the_forms_file_says(story: Scene) -> None:
    case = a_case(
        status=Status.CHANGES_REQUESTED, stage="programme", approved_by={"force-lead": ("lead-kent",)}
    )
    given = claim_answers(purpose="Another purpose, and a better one.")
    for restart, stage, approved in (
        ((), "programme", {"force-lead": ("lead-kent",)}),
        (("purpose",), "force-lead", {}),
    ):
        amending_ = replace(FORM.workflow.amending, restart_if_changed=restart)
        form = replace(FORM, workflow=replace(FORM.workflow, amending=amending_))
        done = amendments.amend(case, form, given, changes={"costs": ""}, calendar=calendar(), now=MONDAY)
        assert (done.submission.stage, done.submission.approved_by) == (stage, approved)
        assert done.from_the_start == bool(restart)


# Another force


@pytest.fixture
def moved(story: Scene) -> str:
    """The reference of a claim that went from Kent to Essex, after Kent's lead had approved it."""
    reference = story.at_programme()
    story.ask_for_changes(reference, the_day="Is it not in Essex?")
    story.clock.pass_by(minutes=5)
    found = story.amend(reference, force="essex")
    assert (found.force, found.reference) == ("essex", reference)
    return reference


def test_a_claim_of_another_force_goes_on_there_under_its_reference(story: Scene, moved: str) -> None:
    case = story.case(moved, "essex")
    one = case.submission
    assert (one.status, one.stage, one.waiting_for) == (Status.IN_REVIEW, "force-lead", "innovation-lead")
    assert (one.version, one.round, one.tasks, one.approved_by) == (2, 2, 0, {})
    assert story.parts.records.force_of(moved) == "essex"
    assert case.answers == claim_answers(force="essex")
    assert [version.answers["force"] for version in case.versions] == ["kent"]
    story.ask(moved, force="essex")
    assert story.case(moved, "essex").open_tasks[0].person_id == "lead-essex"
    story.approve_up_to(moved, "nowhere", force="essex")
    assert story.status(moved, "essex") is Status("approved")
    assert story.parts.funds.fund("ptf").forces["essex"].committed == 600_000


def test_its_timeline_begins_anew_and_the_old_one_ends(story: Scene, moved: str) -> None:
    """Neither force reads what was written in the other."""
    here, left = story.case(moved, "essex"), story.case(moved)
    (entry,) = here.entries
    assert (entry.action, entry.sequence, entry.details["from"]) == ("moved-here", 0, "kent")
    assert (here.texts, here.tasks) == ({}, ())
    assert (left.entries[-1].action, left.entries[-1].details) == ("moved", {"to": "essex"})
    for case in (here, left):
        assert faults(case.entries, case.submission.chain, case.texts) == []


def test_the_old_one_is_closed_and_its_money_is_free(story: Scene, moved: str) -> None:
    left = story.case(moved).submission
    assert (left.status, left.moved_to, left.is_open) == (Status.WITHDRAWN, "essex", False)
    assert (left.reserved_pence, left.answers["force"]) == (0, "kent")
    assert story.money() == (0, 0)
    assert story.parts.funds.fund("ptf").forces["kent"].available == 1_000_000


def test_an_old_status_link_follows(story: Scene, moved: str) -> None:
    old = story.parts.links.status_token("kent", moved)
    found = status_view.status_of(story.parts, old)
    assert found.token == story.parts.links.status_token("essex", moved)
    assert (found.status, found.stage) == (Status.IN_REVIEW, "force-lead")
    assert "went to the force that you named" in found.history[0].words
    story.withdraw(moved)
    assert story.status(moved, "essex") is Status.WITHDRAWN


def test_the_old_execution_ends_and_a_new_one_starts(story: Scene, moved: str) -> None:
    story.deliver()
    assert story.answers_told[-1][0] == "token-2"
    assert (story.answers_told[-1][1]["stage"], story.answers_told[-1][1]["force"]) == ("done", "kent")
    workflows: Any = story.parts.workflows
    assert workflows.started[("funding-claim", f"{moved}-r2")]["force"] == "essex"
    step(story, moved, round=1, token="late")
    assert story.answers_told[-1][0] == "late"
    assert story.answers_told[-1][1]["stage"] == "done"


@pytest.mark.parametrize(
    ("person", "number", "error"),
    [
        ("lead-kent", 1, AlreadyDecided),
        ("programme", 2, AlreadyDecided),
        ("lead-essex", 1, NotAsked),
        ("lead-essex", 2, NotAsked),
        ("lead-kent", 2, DecidedEarlierStage),
        ("lead-kent", 3, NotFound),
    ],
)
def test_task_ids_of_the_old_force_decide_nothing(
    story: Scene, moved: str, person: str, number: int, error: type[Refused]
) -> None:
    story.ask(moved, force="essex")
    before = story.case(moved, "essex"), story.money()
    seen = [story.case(moved).seen, story.case(moved, "essex").seen]
    for shown in seen:
        with pytest.raises(error):
            deciding.decide(
                story.parts, person, f"kent.{moved}.{number}", decision="reject", comment="No", seen=shown
            )
    assert (story.case(moved, "essex"), story.money()) == before


def test_an_open_page_of_the_old_force_is_over(story: Scene) -> None:
    """Kent's deputy was asked after the lead; the claim has left since."""
    reference = story.asked()
    story.ask(reference, "deputy")
    story.ask_for_changes(reference, the_day="Essex?")
    story.amend(reference, force="essex")
    with pytest.raises(DecidedByAnother, match="Deputy Kent"):
        task_view.task_view(story.parts, "lead-kent", f"kent.{reference}.1")


def test_back_to_a_force_where_it_was_before_is_a_problem_that_says_what_to_do(
    story: Scene, moved: str
) -> None:
    story.ask(moved, force="essex")
    story.ask_for_changes(moved, force="essex", the_day="This is Kent's")
    before = story.store.snapshot()
    with pytest.raises(InvalidAnswers) as caught:
        story.amend(moved, at="essex", force="kent")
    ((pointer, code, message),) = [(one.pointer, one.code, one.message) for one in caught.value.problems]
    assert (pointer, code) == ("/force", "moved-before")
    assert "make a new one" in message
    assert story.store.snapshot() == before


def test_an_old_link_leads_on_when_the_changes_are_sent_twice(story: Scene, moved: str) -> None:
    before = story.store.snapshot()
    found = story.amend(moved, version=1, force="essex")
    assert (found.force, story.store.snapshot()) == ("essex", before)
