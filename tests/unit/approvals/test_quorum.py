"""Stages that ask several: when they end, who counts, and what becomes of those who are not needed any more."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import permutations

import pytest

from chalicelib.domain.errors import (
    AlreadyDecided,
    DecidedByAnother,
    DecidedEarlierStage,
    Expired,
    NotAsked,
    Overtaken,
)
from chalicelib.domain.people.people import Away
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import deciding
from tests.builders import PERSONAL, a_cost, a_person
from tests.unit import scenes
from tests.unit.scenes import MANAGERS, PANEL, SMALL, Scene, board, panel, register_board, register_panel

story = scenes.story


def a_board(story: Scene, quorum: int | None = 2, pence: int = SMALL) -> str:
    """The reference of a claim that three programme managers are asked to decide."""
    story.use_form(board(quorum))
    register_board(story)
    return story.at_programme(cost_lines=[a_cost(pence)])


def a_panel(story: Scene, quorum: int | None = 2) -> str:
    """The reference of a claim that a panel of three seats is asked to decide."""
    story.use_form(panel(quorum))
    register_panel(story)
    return story.at_programme(cost_lines=[a_cost(SMALL)])


def asked(story: Scene, reference: str) -> list[str]:
    """Who has a task that waits."""
    return [task.person_id for task in story.case(reference).open_tasks]


def test_all_holders_are_asked_at_once_each_with_a_task_and_a_mail(story: Scene) -> None:
    reference = a_board(story)
    assert asked(story, reference) == list(MANAGERS)
    to = [mail.to for mail in story.mails("asked")][1:]
    assert to == [f"{one.replace('-', '.')}@example.police.uk" for one in MANAGERS]
    assert story.case(reference).submission.waiting_for == "programme-manager"


def test_a_panel_asks_one_person_for_each_seat(story: Scene) -> None:
    story.people.register([a_person("zoe", "programme-manager@national")])
    reference = a_panel(story)
    assert asked(story, reference) == list(PANEL)
    roles = [task.role for task in story.case(reference).open_tasks]
    assert roles == ["programme-manager", "fund-holder", "tech-lead"]
    assert story.case(reference).submission.waiting_for == "panel"


def test_one_vote_of_two_that_it_takes_ends_nothing_and_tells_nobody_but_its_maker(story: Scene) -> None:
    reference = a_board(story)
    before, mails = story.standing(reference), len(story.mails())
    outcome = story.vote(reference, "programme-2")
    assert outcome.status is Status.IN_REVIEW
    assert outcome.next_step.startswith("The others who were asked have not all answered")
    assert story.standing(reference) == before
    assert asked(story, reference) == ["programme", "programme-3"]
    assert [mail.template for mail in story.mails()[mails:]] == ["decision-made"]
    story.deliver()
    assert "token-2" not in dict(story.answers_told), "the execution goes on waiting"
    assert story.money() == (SMALL, 0)


@pytest.mark.parametrize("order", list(permutations(MANAGERS, 2)))
def test_the_vote_that_reaches_the_quorum_ends_the_stage(story: Scene, order: tuple[str, str]) -> None:
    reference = a_board(story)
    for person in order:
        outcome = story.vote(reference, person)
    assert outcome.status is Status("approved")
    one = story.case(reference).submission
    assert sorted(one.approved_by["programme"]) == sorted(order)
    assert story.money() == (0, SMALL)


def test_those_not_needed_any_more_are_told_and_see_who_decided(story: Scene) -> None:
    reference = a_board(story)
    late = story.case(reference).seen
    for person in ("programme", "programme-2"):
        story.vote(reference, person)
    number = story.task_of(reference, "programme-2").number
    assert story.task_states(reference)[-1] == ("programme-3", "closed", number)
    (mail,) = story.mails("no-longer-needed")
    assert mail.to == "programme.3@example.police.uk"
    assert "approved" in mail.values["reason"]
    told = "Programme 2, programme manager, approved this claim on 11 January 2027"
    with pytest.raises(DecidedByAnother, match=told):
        story.look(reference, "programme-3")
    for decision in ("approve", "reject"):
        with pytest.raises(DecidedByAnother, match=told):
            story.vote(reference, "programme-3", decision, comment="x", seen=late)
    assert story.money() == (0, SMALL)
    assert len(story.actions(reference, "decided")) == 3


def test_whoever_left_is_still_said_to_have_decided_by_their_role(story: Scene) -> None:
    reference = a_board(story)
    for person in ("programme", "programme-2"):
        story.vote(reference, person)
    story.people.remove("programme-2")
    with pytest.raises(DecidedByAnother, match="The programme manager approved this claim"):
        story.look(reference, "programme-3")


def test_where_no_quorum_is_possible_the_forms_choice_stands(story: Scene) -> None:
    reference = a_board(story, quorum=3)
    story.vote(reference, "programme", "reject", comment="Too dear")
    outcome = story.vote(reference, "programme-2")
    assert (outcome.decision, outcome.status) == ("approve", Status("rejected"))
    assert asked(story, reference) == []
    assert story.money() == (0, 0)
    entry = story.actions(reference, "decided")[-1]
    assert (entry.details["decision"], entry.details["stands"]) == ("approve", "reject")
    (mail,) = story.mails("no-longer-needed")
    assert "rejected" in mail.values["reason"]
    assert [mail.to for mail in story.mails("rejected")] == [PERSONAL["claimant_email"]]
    assert "programme" not in story.case(reference).submission.approved_by


def test_what_comes_next_is_what_stands_not_what_one_voted(story: Scene) -> None:
    reference = a_board(story, quorum=3)
    story.vote(reference, "programme", "reject", comment="Too dear")
    outcome = story.vote(reference, "programme-2")
    assert outcome.next_step == "The claimant is told. The claim has ended."
    assert story.vote(reference, "programme-2").next_step == outcome.next_step
    assert story.look(reference, "programme-2").next_step == outcome.next_step
    told = story.look(reference, "programme").next_step
    assert told == "The claimant is told, with your reason. The claim has ended."


def test_whoever_was_outvoted_reads_that_it_was_approved(story: Scene) -> None:
    reference = a_board(story)
    story.vote(reference, "programme", "reject", comment="Too dear")
    for person in ("programme-2", "programme-3"):
        story.vote(reference, person)
    assert story.look(reference, "programme").next_step.startswith("The claim is approved")


@pytest.mark.parametrize("votes", [("reject", "approve"), ("approve", "reject")])
def test_a_claim_that_is_rejected_for_want_of_a_quorum_says_the_reason_of_those_who_rejected(
    story: Scene, votes: tuple[str, str]
) -> None:
    reference = a_board(story, quorum=3)
    for person, vote in zip(MANAGERS, votes):
        story.vote(reference, person, vote, comment={"reject": "Too dear", "approve": "Splendid"}[vote])
    (mail,) = story.mails("rejected")
    assert mail.values["comment"] == "Too dear"


def test_what_an_earlier_stage_wrote_is_no_reason_of_this_one(story: Scene) -> None:
    story.use_form(board())
    register_board(story)
    reference = story.asked(cost_lines=[a_cost(SMALL)])
    story.decide(reference, comment="Said by the lead")
    story.ask(reference)
    story.vote(reference, "programme", comment="One")
    story.vote(reference, "programme-2", comment="Two")
    (mail,) = story.mails("approved")
    assert mail.values["comment"] == "One\n\nTwo"


def test_the_reasons_of_all_who_rejected_reach_the_claimant(story: Scene) -> None:
    reference = a_board(story)
    story.vote(reference, "programme", "reject", comment="Too dear")
    story.vote(reference, "programme-2", "reject", comment="Too late")
    (mail,) = story.mails("rejected")
    assert mail.values["comment"] == "Too dear\n\nToo late"


@pytest.mark.parametrize("votes", list(permutations(("approve", "approve", "reject"))))
def test_two_of_three_approve_whatever_the_third_says_and_when(
    story: Scene, votes: tuple[str, str, str]
) -> None:
    reference = a_board(story)
    for person, vote in zip(MANAGERS, votes):
        if person in asked(story, reference):
            story.vote(reference, person, vote, comment="Because")
    assert story.status(reference) is Status("approved")
    approvers = [one for one, vote in zip(MANAGERS, votes) if vote == "approve"]
    assert list(story.case(reference).submission.approved_by["programme"]) == approvers


def test_all_means_all(story: Scene) -> None:
    reference = a_panel(story, quorum=None)
    for person in PANEL:
        assert story.status(reference) is Status.IN_REVIEW
        story.vote(reference, person)
    assert story.status(reference) is Status("approved")
    assert story.case(reference).submission.approved_by["programme"] == PANEL


def test_where_all_must_agree_it_ends_as_soon_as_they_cannot(story: Scene) -> None:
    reference = a_panel(story, quorum=None)
    story.vote(reference, "finance", "reject", comment="No")
    assert story.status(reference) is Status.IN_REVIEW, "all may reject it yet, or ask for changes"
    story.vote(reference, "tech")
    assert story.status(reference) is Status("rejected")
    assert asked(story, reference) == []


@pytest.mark.parametrize("quorum", [1, 2, 3, None])
def test_one_who_cannot_decide_on_what_is_there_is_enough(story: Scene, quorum: int | None) -> None:
    reference = a_board(story, quorum)
    story.ask_for_changes(reference, costs="Which hall?")
    one = story.case(reference).submission
    assert (one.status, one.waiting_for, one.stage) == (Status.CHANGES_REQUESTED, "claimant", "programme")
    assert asked(story, reference) == []
    assert len(story.mails("no-longer-needed")) == 2
    with pytest.raises(DecidedByAnother, match="asked for changes to this claim"):
        story.look(reference, "programme-2")


def test_nobody_has_two_votes(story: Scene) -> None:
    reference = a_board(story)
    story.vote(reference, "programme")
    assert story.vote(reference, "programme").repeated
    with pytest.raises(AlreadyDecided):
        story.vote(reference, "programme", "reject", comment="x")
    with pytest.raises(NotAsked):
        deciding.decide(
            story.parts,
            "programme",
            story.task_of(reference, "programme-2").id,
            decision="approve",
            comment="",
            seen=story.case(reference).seen,
        )
    assert story.status(reference) is Status.IN_REVIEW
    assert len(story.actions(reference, "decided")) == 2


def test_votes_at_the_same_moment_both_count(story: Scene) -> None:
    reference = a_board(story)
    story.first(lambda: story.vote(reference, "programme"))
    assert story.vote(reference, "programme-2").status is Status("approved")
    assert story.case(reference).submission.approved_by["programme"] == ("programme", "programme-2")
    assert story.money() == (0, SMALL)


def test_whoever_votes_at_the_moment_it_ends_is_told_who_decided(story: Scene) -> None:
    reference = a_board(story)
    story.vote(reference, "programme")
    story.first(lambda: story.vote(reference, "programme-2"))
    with pytest.raises(DecidedByAnother, match="Programme 2"):
        story.vote(reference, "programme-3", "reject", comment="No")
    assert story.status(reference) is Status("approved")


def test_everybody_sees_how_many_it_takes_and_what_the_others_said(story: Scene) -> None:
    reference = a_panel(story)
    story.vote(reference, "finance", comment="Fine")
    view = story.look(reference, "tech")
    assert view.needed == 2
    assert [(one.role, one.done) for one in view.others] == [
        ("programme manager", ""),
        ("fund holder", "approved"),
    ]


def test_an_earlier_vote_shows_the_others_of_its_own_stage_also_later(story: Scene) -> None:
    story.use_form(panel(None))
    register_panel(story)
    story.people.register([a_person("purse", "fund-holder@national")])
    reference = story.at_programme()
    for person in PANEL:
        story.vote(reference, person)
    story.ask(reference)
    assert asked(story, reference) == ["purse"]
    view = story.look(reference, "tech")
    assert view.needed == 3
    assert [(one.role, one.done) for one in view.others] == [
        ("programme manager", "approved"),
        ("fund holder", "approved"),
    ]


# Who counts


def test_the_claimant_is_not_asked_and_does_not_count(story: Scene) -> None:
    story.use_form(board(None))
    register_board(story)
    reference = story.at_programme(
        cost_lines=[a_cost(SMALL)], claimant_email="Programme.2+me@EXAMPLE.police.uk"
    )
    assert asked(story, reference) == ["programme", "programme-3"]
    for person in ("programme", "programme-3"):
        story.vote(reference, person)
    assert story.status(reference) is Status("approved")


def test_whoever_approved_an_earlier_stage_is_not_asked_and_does_not_count(story: Scene) -> None:
    story.use_form(board(None))
    register_board(story)
    story.people.register([a_person("lead-kent", "innovation-lead@kent", "programme-manager@national")])
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    assert asked(story, reference) == list(MANAGERS)


def test_all_who_approved_a_stage_are_barred_from_the_next(story: Scene) -> None:
    story.use_form(board(2))
    register_board(story)
    both = [a_person(one, "programme-manager@national", "fund-holder@national") for one in MANAGERS]
    story.people.remove("finance")
    story.people.register(both)
    reference = story.at_programme()
    for person in ("programme-2", "programme"):
        story.vote(reference, person)
    story.ask(reference)
    assert asked(story, reference) == ["programme-3"], "the only fund holder who did not approve"
    for person in ("programme", "programme-2"):
        with pytest.raises(DecidedEarlierStage):
            deciding.decide(
                story.parts,
                person,
                story.task_id(reference),
                decision="approve",
                comment="",
                seen=story.case(reference).seen,
            )
    assert story.money() == (600_000, 0)


@pytest.mark.parametrize("quorum", [2, 3])
def test_a_stage_with_too_few_people_goes_to_the_coordinators_with_the_reason(
    story: Scene, quorum: int
) -> None:
    story.use_form(board(quorum))
    if quorum == 3:
        story.people.register([a_person("programme-2", "programme-manager@national")])
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    assert asked(story, reference) == []
    one = story.case(reference).submission
    assert (one.status, one.stage, one.waiting_for) == (Status.IN_REVIEW, "programme", "coordinator")
    passed = [entry.details["reason"] for entry in story.actions(reference, "passed-over")]
    assert passed == ["nobody who may decide holds the role"] * 2
    (stuck,) = story.actions(reference, "stuck")
    assert stuck.details["reason"] == "nobody who may decide holds the role"
    told = [(mail.to, mail.values["reason"]) for mail in story.mails("stuck")]
    assert told == [
        (f"{who}@example.police.uk", "nobody who may decide holds the role")
        for who in ("coordinator.kent", "national.coordinator")
    ]


def test_a_panel_that_must_agree_whole_is_not_asked_in_part(story: Scene) -> None:
    story.use_form(panel(None))
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    assert asked(story, reference) == []
    assert story.case(reference).submission.waiting_for == "coordinator"


def test_a_panel_of_which_enough_can_be_asked_is_asked(story: Scene) -> None:
    story.use_form(panel(2))
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    assert asked(story, reference) == ["programme", "finance"]


def test_a_seat_whose_people_are_away_is_taken_by_its_deputy_at_once(story: Scene) -> None:
    today = story.clock.at.date()
    story.people.set_away("finance", Away(first=today, last=today + timedelta(days=9)))
    reference = a_panel(story)
    assert asked(story, reference) == ["programme", "finance-deputy", "tech"]


# Deputies


def test_deputies_take_open_seats_only_and_the_votes_that_were_given_stand(story: Scene) -> None:
    reference = a_panel(story)
    story.vote(reference, "finance")
    story.ask(reference, "deputy")
    numbers = {task.person_id: task.number for task in story.case(reference).tasks}
    assert story.task_states(reference)[1:] == [
        ("programme", "overtaken", numbers["programme-deputy"]),
        ("finance", "decided", 0),
        ("tech", "overtaken", numbers["tech-deputy"]),
        ("programme-deputy", "open", 0),
        ("tech-deputy", "open", 0),
    ]
    for late in ("programme", "tech"):
        with pytest.raises(Expired):
            story.vote(reference, late)
    assert story.vote(reference, "tech-deputy").status is Status("approved")
    assert story.case(reference).submission.approved_by["programme"] == ("finance", "tech-deputy")
    with pytest.raises(DecidedByAnother, match="Tech Deputy"):
        story.look(reference, "tech")


def test_an_open_task_without_a_deputy_stays_open(story: Scene) -> None:
    reference = a_board(story, quorum=3)
    story.ask(reference, "deputy")
    assert asked(story, reference) == ["programme-2", "programme-3", "programme-deputy"]
    for person in ("programme-deputy", "programme-2", "programme-3"):
        outcome = story.vote(reference, person)
    assert outcome.status is Status("approved")


def test_after_the_deputies_the_open_tasks_stay_and_the_coordinators_are_told(story: Scene) -> None:
    reference = a_panel(story)
    for turn in ("deputy", "coordinators"):
        story.ask(reference, turn)
    assert asked(story, reference) == ["programme-deputy", "finance-deputy", "tech-deputy"]
    (stuck,) = story.actions(reference, "stuck")
    assert stuck.details["reason"] == "nobody decided in time"
    for person in ("finance-deputy", "programme-deputy"):
        story.vote(reference, person)
    assert story.status(reference) is Status("approved")


# After an amendment


def test_a_vote_on_earlier_answers_does_not_count(story: Scene) -> None:
    reference = a_board(story)
    story.vote(reference, "programme", comment="Fine")
    story.vote(reference, "programme-2", "request-changes", changes={"you": "Who are you?"})
    story.amend(reference, claimant_role="Inspector")
    story.ask(reference)
    assert sorted(asked(story, reference)) == sorted(MANAGERS)
    assert story.vote(reference, "programme-3").status is Status.IN_REVIEW, "the old vote is no second one"
    first_task = next(one for one in story.case(reference).tasks if one.person_id == "programme")
    again = deciding.decide(
        story.parts, "programme", first_task.id, decision="approve", comment="", seen=first_task.seen
    )
    assert again.repeated
    assert story.status(reference) is Status.IN_REVIEW
    assert story.vote(reference, "programme").status is Status("approved")
    assert story.case(reference).submission.approved_by["programme"] == ("programme", "programme-3")


def test_a_task_of_earlier_answers_that_was_closed_stays_closed(story: Scene) -> None:
    reference = a_board(story)
    third = story.task_of(reference, "programme-3")
    story.ask_for_changes(reference, you="Who are you?")
    story.amend(reference, claimant_role="Inspector")
    story.ask(reference)
    with pytest.raises(DecidedByAnother):
        deciding.decide(
            story.parts,
            "programme-3",
            third.id,
            decision="approve",
            comment="",
            seen=story.case(reference).seen,
        )
    assert len(story.actions(reference, "decided")) == 2


def test_a_withdrawn_claim_asks_nobody_any_more(story: Scene) -> None:
    reference = a_panel(story)
    story.vote(reference, "finance")
    story.withdraw(reference)
    assert asked(story, reference) == []
    to = [mail.to for mail in story.mails("no-longer-needed")]
    assert to == ["programme@example.police.uk", "tech@example.police.uk"]
    for person in ("programme", "tech"):
        with pytest.raises(Overtaken):
            story.vote(reference, person)
    assert story.money() == (0, 0)


def test_deadlines_of_a_board_are_those_of_its_stage(story: Scene) -> None:
    reference = a_board(story)
    due = datetime(2027, 1, 18, 17, 0, tzinfo=timezone.utc)
    assert {task.due_at for task in story.case(reference).open_tasks} == {due}
    assert story.standing(reference).due_at == due
