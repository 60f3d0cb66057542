"""An idea's way: the force's coordinator, the national review, the leaders' panel, the casting vote."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.errors import Forbidden, InvalidAnswers, NotAsked, OwnSubmission
from chalicelib.domain.people.people import Away
from chalicelib.domain.records.submissions import Status, TaskState
from chalicelib.services.approvals import following_up, reassigning
from chalicelib.services.approvals.asking import UnknownStage
from chalicelib.services.records import status_view
from tests.builders import a_person, all_values, idea_answers
from tests.unit.escalation_scenes import ADDRESS, NAME, PANEL, Ideas
from tests.unit.scenes import TEN_MINUTES


@pytest.mark.parametrize(("decision", "status"), [("decline", "declined"), ("refer", "referred")])
def test_the_forces_coordinator_can_end_it(ideas: Ideas, decision: str, status: str) -> None:
    reference = ideas.asked()
    assert ideas.case(reference).open_tasks[0].person_id == "coordinator-kent"
    assert ideas.decide(reference, decision, comment="It has been tried.").status.value == status
    assert not ideas.case(reference).submission.is_open


@pytest.mark.parametrize("decision", ["decline", "refer"])
def test_whoever_ends_it_gives_the_reason(ideas: Ideas, decision: str) -> None:
    reference = ideas.asked()
    with pytest.raises(InvalidAnswers) as refused:
        ideas.decide(reference, decision)
    (problem,) = refused.value.problems
    assert problem.message == "Give the reason: the person who sent the idea will read it"
    assert ideas.status(reference) is Status.IN_REVIEW


def test_the_national_review_can_take_note_of_it(ideas: Ideas) -> None:
    reference = ideas.published()
    assert ideas.status(reference) is Status("published")
    assert ideas.decide(reference, "note").status is Status("noted")


@pytest.mark.parametrize(
    ("decisions", "status"),
    [
        (("adopt", "adopt"), Status("adopted")),
        (("pilot", "adopt", "pilot"), Status("piloted")),
        (("decline", "decline"), Status("declined")),
        (("adopt", "refer", "refer"), Status("referred")),
    ],
)
def test_two_of_the_panel_are_enough(ideas: Ideas, decisions: tuple[str, ...], status: Status) -> None:
    reference = ideas.before_the_leaders()
    assert ideas.status(reference) is Status("shortlisted")
    assert [task.person_id for task in ideas.case(reference).open_tasks] == list(PANEL)
    ideas.panel(reference, *decisions[:-1])
    assert ideas.status(reference) is Status("shortlisted"), "one is not enough"
    ideas.vote(reference, PANEL[len(decisions) - 1], decisions[-1], comment="So be it.")
    assert ideas.status(reference) is status
    assert ideas.case(reference).open_tasks == ()


@pytest.mark.parametrize(("cast", "status"), [("pilot", Status("piloted")), ("adopt", Status("adopted"))])
def test_without_a_majority_the_colleges_member_casts_the_vote(
    ideas: Ideas, cast: str, status: Status
) -> None:
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt", "pilot", "decline")
    one = ideas.case(reference).submission
    assert (one.stage, one.status, one.is_open) == ("casting", Status("shortlisted"), True)
    ideas.ask(reference)
    assert [task.person_id for task in ideas.case(reference).open_tasks] == ["college-leader"]
    assert ideas.decide(reference, cast, comment="I cast it so.").status is status


def test_the_casting_vote_is_among_the_answers_that_were_given(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt", "pilot", "refer")
    ideas.ask(reference)
    shown = ideas.look(reference, "college-leader")
    assert [choice.value for choice in shown.choices] == ["adopt", "pilot", "refer"]
    for wrong in ("decline", "no-majority", "publish"):
        with pytest.raises(InvalidAnswers):
            ideas.decide(reference, wrong, comment="Why not?")
    assert ideas.status(reference) is Status("shortlisted")


@pytest.mark.parametrize("decision", ["adopt", "decline", "refer", "burn"])
def test_who_may_ask_is_looked_at_before_what_they_ask(ideas: Ideas, decision: str) -> None:
    """Which answers the casting vote may be is what the panel has answered."""
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt", "pilot", "refer")
    ideas.ask(reference)
    with pytest.raises(NotAsked):
        ideas.decide(reference, decision, comment="Why not?", by="coordinator-essex")


def test_nobody_can_choose_that_there_is_no_majority(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    shown = ideas.look(reference, "npcc-leader")
    assert [choice.value for choice in shown.choices] == ["adopt", "pilot", "decline", "refer"]
    with pytest.raises(InvalidAnswers):
        ideas.vote(reference, "npcc-leader", "no-majority")


def late(ideas: Ideas, reference: str) -> None:
    """Nobody decides in time."""
    due = ideas.case(reference).submission.due_at
    assert due is not None
    ideas.clock.at = due + timedelta(minutes=1)
    following_up.follow_up(ideas.parts)


def open_to(ideas: Ideas, reference: str) -> list[str]:
    return [task.person_id for task in ideas.case(reference).open_tasks]


def test_every_seat_has_its_deputy(ideas: Ideas) -> None:
    reference = ideas.asked()
    late(ideas, reference)
    assert open_to(ideas, reference) == ["idea-reviewer"]
    ideas.decide(reference, "publish")
    ideas.ask(reference)
    assert open_to(ideas, reference) == ["idea-reviewer-deputy"], "whoever published it does not review it"


def test_the_deputies_of_the_panel_take_the_places_of_those_who_have_not_answered(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt")
    late(ideas, reference)
    assert open_to(ideas, reference) == ["npcc-leader-deputy", "college-leader-deputy"]
    ideas.vote(reference, "npcc-leader-deputy", "adopt", comment="We, too.")
    assert ideas.status(reference) is Status("adopted")


def test_the_colleges_deputy_casts_the_vote_that_the_member_does_not(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt", "pilot", "decline")
    ideas.ask(reference)
    late(ideas, reference)
    assert open_to(ideas, reference) == ["college-leader-deputy"]
    shown = ideas.look(reference, "college-leader-deputy")
    assert [choice.value for choice in shown.choices] == ["adopt", "pilot", "decline"]
    assert ideas.decide(reference, "decline", comment="No.").status is Status("declined")


def test_whoever_is_away_is_passed_over_for_the_seats_deputy(ideas: Ideas) -> None:
    reference = ideas.published()
    ideas.decide(reference, "shortlist")
    today = ideas.clock.at.date()
    ideas.people.set_away("npcc-leader", Away(first=today, last=today))
    ideas.ask(reference)
    assert open_to(ideas, reference) == ["home-office-leader", "npcc-leader-deputy", "college-leader"]


@pytest.mark.parametrize("name", [True, False])
def test_a_withheld_name_is_shown_to_the_national_reviewer_and_not_in_the_force(
    ideas: Ideas, name: bool
) -> None:
    reference = ideas.asked(withhold_name=name)
    shown = {answer.name for answer in ideas.look(reference, "coordinator-kent").answers}
    assert ("contact_name" in shown) is not name
    assert "contact_email" not in shown
    (mail,) = ideas.mails("asked")
    assert (NAME in all_values(mail.values)) is not name
    assert ADDRESS not in all_values(mail.values)
    ideas.decide(reference, "publish")
    ideas.ask(reference)
    shown = {answer.name for answer in ideas.look(reference, "idea-reviewer").answers}
    assert "contact_name" in shown
    assert NAME in all_values(ideas.mails("asked")[-1].values)


@pytest.mark.parametrize(
    ("person", "is_national"), [("coordinator-kent", False), ("national-coordinator", True)]
)
def test_staff_of_the_force_do_not_read_a_withheld_name_and_the_national_team_does(
    ideas: Ideas, person: str, is_national: bool
) -> None:
    reference = ideas.asked(withhold_name=True)
    who = ideas.people.person(person)
    assert who is not None
    case = status_view.submission_for(ideas.parts, who, reference)
    read = status_view.answers_for(ideas.parts, who, case)
    assert ({"contact_name", "contact_email"} <= set(read)) is is_national
    assert (NAME in all_values(read)) is is_national


def test_a_deputy_who_is_national_reads_the_name_withheld_in_the_force(ideas: Ideas) -> None:
    reference = ideas.asked(withhold_name=True)
    late(ideas, reference)
    shown = {answer.name for answer in ideas.look(reference, "idea-reviewer").answers}
    assert "contact_name" in shown


@pytest.mark.parametrize("person", ["home-office-leader", "npcc-leader", "college-leader"])
def test_no_member_of_the_panel_reads_a_withheld_name(ideas: Ideas, person: str) -> None:
    reference = ideas.before_the_leaders(withhold_name=True)
    shown = {answer.name for answer in ideas.look(reference, person).answers}
    assert "contact_name" not in shown
    who = ideas.person(person)
    (mail,) = [mail for mail in ideas.mails("asked") if mail.to == who.address]
    assert NAME not in all_values(mail.values)


def test_what_counts_is_every_role_that_somebody_holds(ideas: Ideas) -> None:
    """The page and the mail agree, whichever role the person was asked in."""
    ideas.people.remove("npcc-leader")
    ideas.people.register([a_person("both", "npcc-leader@national", "coordinator@national")])
    reference = ideas.before_the_leaders(withhold_name=True)
    assert "contact_name" in {answer.name for answer in ideas.look(reference, "both").answers}
    (mail,) = [mail for mail in ideas.mails("asked") if mail.to == ideas.person("both").address]
    assert NAME in all_values(mail.values)


def test_whoever_withheld_their_name_is_not_named_by_trying_to_decide(ideas: Ideas) -> None:
    reference = ideas.asked(contact_email="coordinator.kent@example.police.uk", withhold_name=True)
    with pytest.raises(OwnSubmission):
        ideas.decide(reference, "publish", by="coordinator-kent")
    (entry,) = ideas.actions(reference, "refused")
    assert entry.details["reason"] == "NotAsked"


def test_nobody_decides_an_idea_of_their_own(ideas: Ideas) -> None:
    address = "coordinator.kent@example.police.uk"
    reference = ideas.asked(contact_email=address)
    assert open_to(ideas, reference) == ["idea-reviewer"], "the deputy is asked at once"
    with pytest.raises(OwnSubmission, match="This is your own idea"):
        ideas.decide(reference, "publish", by="coordinator-kent")


def test_a_member_of_the_panel_who_had_the_idea_has_no_vote(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders(contact_email="npcc.leader@example.police.uk")
    assert open_to(ideas, reference) == ["home-office-leader", "npcc-leader-deputy", "college-leader"]


def test_somebody_who_was_not_asked_does_not_decide(ideas: Ideas) -> None:
    reference = ideas.asked()
    with pytest.raises(NotAsked):
        ideas.decide(reference, "publish", by="idea-reviewer")


def test_whoever_had_it_is_told_at_each_step_in_words_that_read_well(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt", "pilot", "decline")
    ideas.ask(reference)
    ideas.decide(reference, "pilot", comment="We start in three forces.")
    receipt, published, shortlisted, no_majority, piloted = ideas.told()
    assert "We have received your idea" in receipt
    assert "£" not in receipt
    assert f"The coordinator published your idea, {idea_answers()['title']}." in published
    assert "A good one." in published
    assert "This is not the final decision. Next to decide: The national review." in published
    assert "The national idea reviewer shortlisted your idea" in shortlisted
    assert "Next to decide: The leaders' panel." in shortlisted
    assert "The leaders' panel found no majority on your idea" in no_majority
    assert "says" not in no_majority, "no member's reason is the panel's"
    assert "Next to decide: The College's member of the leaders' panel." in no_majority
    assert "The College's member of the leaders' panel chose to pilot your idea" in piloted
    assert "We start in three forces." in piloted
    assert "This is the final decision. Thank you for sending us your idea." in piloted


def test_the_reasons_that_are_told_are_those_of_the_majority(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt", "decline", "adopt")
    text = ideas.told()[-1]
    assert "The leaders' panel adopted your idea" in text
    assert "adopt says home-office-leader" in text
    assert "adopt says college-leader" in text
    assert "decline says npcc-leader" not in text


def test_its_history_tells_a_members_answer_from_what_the_panel_came_to(ideas: Ideas) -> None:
    receipt = ideas.submit()
    reference = receipt.reference
    for decision in ("publish", "shortlist"):
        ideas.ask(reference)
        ideas.decide(reference, decision)
    ideas.ask(reference)
    ideas.panel(reference, "adopt", "adopt")
    said = [line.words for line in status_view.status_of(ideas.parts, receipt.status_token).history]
    assert said[-3:] == [
        "The Home Office's member of the leaders' panel answered: adopt the idea.",
        "The National Police Chiefs' Council's member of the leaders' panel answered: adopt the idea.",
        "With that, the leaders' panel adopted it.",
    ]


def test_a_vote_that_can_still_be_undone_is_told_to_nobody(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    ideas.use_undo(TEN_MINUTES)
    ideas.panel(reference, "adopt", "adopt")
    assert ideas.status(reference) is Status("adopted")
    assert ideas.mails("answered")[-1].is_held
    ideas.undo(reference, "npcc-leader")
    assert ideas.status(reference) is Status("shortlisted")
    assert open_to(ideas, reference) == ["npcc-leader", "college-leader"]
    states = [task.state for task in ideas.case(reference).sitting]
    assert states == [TaskState.DECIDED, TaskState.OPEN, TaskState.OPEN]


def test_it_can_be_withdrawn_until_it_is_decided(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    ideas.withdraw(reference)
    assert ideas.status(reference) is Status.WITHDRAWN
    assert open_to(ideas, reference) == []
    assert "£" not in ideas.told()[-1]


def test_without_anybody_registered_for_the_panel_the_coordinators_are_told(ideas: Ideas) -> None:
    for person in (*PANEL, *(f"{one}-deputy" for one in PANEL)):
        ideas.people.remove(person)
    reference = ideas.before_the_leaders()
    assert open_to(ideas, reference) == []
    assert {mail.to for mail in ideas.mails("stuck")} == {
        "coordinator.kent@example.police.uk",
        "national.coordinator@example.police.uk",
    }
    ideas.people.register([a_person(one, f"{one}@national") for one in PANEL])
    late(ideas, reference)
    assert open_to(ideas, reference) == list(PANEL)


def test_triage_is_the_forces_to_hand_on_also_while_the_national_reviewer_stands_in(ideas: Ideas) -> None:
    reference = ideas.asked()
    late(ideas, reference)
    assert open_to(ideas, reference) == ["idea-reviewer"]
    by = ideas.person("coordinator-kent")
    reassigning.hand_on_submission(ideas.parts, by, reference, "coordinator-kent")
    assert open_to(ideas, reference) == ["coordinator-kent"]
    ideas.decide(reference, "publish")
    ideas.ask(reference)
    with pytest.raises(Forbidden):
        reassigning.hand_on_submission(ideas.parts, by, reference, "idea-reviewer-deputy")


def test_nobody_waits_for_changes_to_an_idea_because_nobody_can_ask_for_any(ideas: Ideas) -> None:
    reference = ideas.submit().reference
    with pytest.raises(UnknownStage, match="The workflow idea-escalation has no stage 'changes'"):
        ideas.ask(reference, "claimant", stage="changes")
