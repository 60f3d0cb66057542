"""Choosing: holders of the role who may decide, or whoever stands in for them while they are away."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.people.people import Away
from chalicelib.services.approvals import following_up
from chalicelib.services.approvals.asking import NOBODY
from chalicelib.services.approvals.whom_to_ask import may_be_asked
from tests.builders import MONDAY, a_person
from tests.unit import scenes
from tests.unit.scenes import Scene, board, form_with, panel, register_board, register_panel

story = scenes.story

LEAD, DEPUTY = "lead-kent", "deputy-kent"
TODAY = MONDAY.date()


def away(story: Scene, person: str, delegate: str = "", first: date = TODAY, last: date = TODAY) -> None:
    story.people.set_away(person, Away(first=first, last=last, delegate_id=delegate))


def chosen(story: Scene, reference: str) -> list[tuple[str, str, str, str]]:
    """Whom the open tasks are with: person, role, turn, for whom they stand in."""
    tasks = story.case(reference).open_tasks
    return [(task.person_id, task.role, task.asked_as.value, task.stands_in_for) for task in tasks]


def passed_over(story: Scene, reference: str) -> list[tuple[object, object]]:
    found = story.actions(reference, "passed-over")
    return [(entry.details["role"], entry.details["reason"]) for entry in found]


def hand_over(story: Scene, reference: str) -> None:
    """Let the date pass and the schedule run."""
    due_at = story.case(reference).submission.due_at
    assert due_at is not None
    story.clock.at = due_at
    assert following_up.follow_up(story.parts).handed_over == 1


# Away, with a delegate


def test_in_place_of_somebody_away_their_delegate_is_asked(story: Scene) -> None:
    away(story, LEAD, DEPUTY)
    reference = story.asked()
    assert chosen(story, reference) == [(DEPUTY, "innovation-lead-deputy", "approver", LEAD)]
    (entry,) = story.actions(reference, "asked")
    assert (entry.details["person"], entry.details["stands-in-for"]) == (DEPUTY, LEAD)
    (mail,) = story.mails("asked")
    assert (mail.to, mail.values["stands_in"]) == ("deputy.kent@example.police.uk", True)
    assert story.case(reference).submission.waiting_for == "innovation-lead"
    story.decide(reference)
    assert story.case(reference).submission.approved_by == {"force-lead": (DEPUTY,)}
    assert story.actions(reference, "decided")[0].details["stands-in-for"] == LEAD


def test_a_delegate_who_holds_the_same_role_is_asked_in_it(story: Scene) -> None:
    story.people.register([a_person("z-lead", "innovation-lead@kent")])
    away(story, LEAD, "z-lead")
    assert chosen(story, story.asked()) == [("z-lead", "innovation-lead", "approver", LEAD)]


def test_nobody_stands_in_for_somebody_who_is_there(story: Scene) -> None:
    away(story, DEPUTY, LEAD)
    reference = story.asked()
    assert chosen(story, reference) == [(LEAD, "innovation-lead", "approver", "")]
    (mail,) = story.mails("asked")
    assert mail.values["stands_in"] is False
    assert "stands-in-for" not in story.actions(reference, "asked")[0].details


@pytest.mark.parametrize("delegate", ["", "programme", "lead-essex", "who-left"])
def test_without_a_delegate_who_may_decide_here_it_is_the_deputys_turn(story: Scene, delegate: str) -> None:
    away(story, LEAD, delegate)
    reference = story.asked()
    assert chosen(story, reference) == [(DEPUTY, "innovation-lead-deputy", "deputy", "")]
    assert passed_over(story, reference) == [("innovation-lead", NOBODY)]


def test_before_the_deputy_comes_the_next_holder_of_the_role(story: Scene) -> None:
    story.people.register([a_person("z-lead", "innovation-lead@kent")])
    away(story, LEAD)
    reference = story.asked()
    assert chosen(story, reference) == [("z-lead", "innovation-lead", "approver", "")]
    assert passed_over(story, reference) == []


def test_a_delegate_who_made_the_claim_is_not_asked(story: Scene) -> None:
    story.people.register([a_person("z-lead", "innovation-lead@kent")])
    away(story, LEAD, "z-lead")
    reference = story.asked(claimant_email="z.lead@example.police.uk")
    assert chosen(story, reference) == [(DEPUTY, "innovation-lead-deputy", "deputy", "")]


def test_a_delegate_who_approved_an_earlier_stage_is_not_asked(story: Scene) -> None:
    story.people.register([a_person(LEAD, "innovation-lead@kent", "programme-manager-deputy@national")])
    reference = story.asked()
    story.decide(reference)
    away(story, "programme", LEAD)
    story.ask(reference)
    assert chosen(story, reference) == [("programme-deputy", "programme-manager-deputy", "deputy", "")]


def test_a_delegate_who_is_away_is_not_asked_nor_the_one_they_named(story: Scene) -> None:
    story.people.register(
        [a_person("z-lead", "innovation-lead@kent"), a_person("y-lead", "innovation-lead@kent")]
    )
    away(story, LEAD, "y-lead")
    away(story, "y-lead", LEAD)
    away(story, "z-lead", "y-lead")
    reference = story.asked()
    assert chosen(story, reference) == [(DEPUTY, "innovation-lead-deputy", "deputy", "")]


def test_a_deputy_who_is_away_has_a_delegate_too(story: Scene) -> None:
    story.people.register([a_person("z-deputy", "innovation-lead-deputy@kent")])
    reference = story.asked()
    away(story, DEPUTY, "z-deputy", last=date(2027, 2, 1))
    hand_over(story, reference)
    assert chosen(story, reference) == [("z-deputy", "innovation-lead-deputy", "deputy", DEPUTY)]


def test_whoever_has_the_task_is_no_delegate_for_the_deputy(story: Scene) -> None:
    reference = story.asked()
    away(story, DEPUTY, LEAD, last=date(2027, 2, 1))
    hand_over(story, reference)
    case = story.case(reference)
    assert case.submission.asked_as is AskedAs.COORDINATORS
    assert chosen(story, reference) == [(LEAD, "innovation-lead", "approver", "")]
    assert passed_over(story, reference) == [("innovation-lead-deputy", NOBODY)]


def test_a_stand_in_who_does_not_decide_is_not_asked_again_as_the_deputy(story: Scene) -> None:
    away(story, LEAD, DEPUTY)
    reference = story.asked()
    hand_over(story, reference)
    assert story.case(reference).submission.asked_as is AskedAs.COORDINATORS
    assert story.task_states(reference) == [(DEPUTY, "open", 0)]


# Days as they are in London


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("now", "is_away"),
    [
        (at(2027, 1, 12, 23, 59), False),
        (at(2027, 1, 13, 0, 0), True),
        (at(2027, 1, 15, 23, 59), True),
        (at(2027, 1, 16, 0, 0), False),
    ],
)
def test_the_first_and_the_last_day_are_days_away(story: Scene, now: datetime, is_away: bool) -> None:
    story.clock.at = now
    away(story, LEAD, DEPUTY, first=date(2027, 1, 13), last=date(2027, 1, 15))
    assert [person for person, *_ in chosen(story, story.asked())] == [DEPUTY if is_away else LEAD]


@pytest.mark.parametrize(
    ("now", "is_away"),
    [
        (at(2027, 7, 12, 22, 59), False),
        (at(2027, 7, 12, 23, 0), True),  # midnight in London's summer
        (at(2027, 7, 14, 22, 59), True),
        (at(2027, 7, 14, 23, 0), False),
    ],
)
def test_a_day_begins_at_midnight_in_london_not_in_utc(story: Scene, now: datetime, is_away: bool) -> None:
    story.clock.at = now
    away(story, LEAD, DEPUTY, first=date(2027, 7, 13), last=date(2027, 7, 14))
    assert [person for person, *_ in chosen(story, story.asked())] == [DEPUTY if is_away else LEAD]


# Who comes first


def test_whoever_decided_here_on_earlier_answers_is_asked_first(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference, you="Your number, please")
    story.people.register([a_person("a-lead", "innovation-lead@kent")])
    story.amend(reference, claimant_phone="01632 960 999")
    story.ask(reference)
    assert chosen(story, reference) == [(LEAD, "innovation-lead", "approver", "")]
    assert chosen(story, story.asked()) == [("a-lead", "innovation-lead", "approver", "")]


def test_whoever_decided_here_before_is_still_replaced_while_away(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference, you="Your number, please")
    away(story, LEAD, DEPUTY)
    story.amend(reference, claimant_phone="01632 960 999")
    story.ask(reference)
    assert chosen(story, reference) == [(DEPUTY, "innovation-lead-deputy", "approver", LEAD)]


# Stages that ask several


def at_board(story: Scene, quorum: int | None = 2) -> str:
    register_board(story)
    story.use_form(board(quorum))
    return story.at_programme()


def people(story: Scene, reference: str) -> list[str]:
    return [person for person, *_ in chosen(story, reference)]


def test_all_who_hold_the_role_are_asked_at_once_each_by_a_mail(story: Scene) -> None:
    reference = at_board(story)
    assert people(story, reference) == ["programme", "programme-2", "programme-3"]
    case = story.case(reference)
    assert [task.number for task in case.open_tasks] == [2, 3, 4]
    assert (case.submission.tasks, case.submission.waiting_for) == (4, "programme-manager")
    assert [mail.to for mail in story.mails("asked")][1:] == [
        "programme@example.police.uk",
        "programme.2@example.police.uk",
        "programme.3@example.police.uk",
    ]
    assert len(story.actions(reference, "asked")) == 4


def test_of_all_who_hold_the_role_nobody_is_asked_twice_for_somebody_away(story: Scene) -> None:
    away(story, "programme-2", "programme")
    reference = at_board(story)
    assert people(story, reference) == ["programme", "programme-3"]


def test_a_delegate_who_would_have_been_asked_anyway_sits_once(story: Scene) -> None:
    away(story, "programme", "programme-3")
    reference = at_board(story)
    assert chosen(story, reference) == [
        ("programme-3", "programme-manager", "approver", "programme"),
        ("programme-2", "programme-manager", "approver", ""),
    ]


def test_where_fewer_are_there_than_must_agree_the_turn_is_passed_over(story: Scene) -> None:
    for one in ("programme-2", "programme-3"):
        away(story, one)
    reference = at_board(story)
    assert story.case(reference).submission.asked_as is AskedAs.COORDINATORS
    assert people(story, reference) == []
    assert passed_over(story, reference) == [("programme-manager", NOBODY), ("programme-manager", NOBODY)]


def test_when_time_runs_out_deputies_take_the_place_of_those_who_have_not_decided(story: Scene) -> None:
    story.people.register([a_person("programme-deputy-2", "programme-manager-deputy@national")])
    reference = at_board(story)
    story.vote(reference, "programme-2")
    hand_over(story, reference)
    assert story.task_states(reference)[1:] == [
        ("programme", "overtaken", 5),
        ("programme-2", "decided", 0),
        ("programme-3", "overtaken", 6),
        ("programme-deputy", "open", 0),
        ("programme-deputy-2", "open", 0),
    ]
    story.vote(reference, "programme-deputy-2")
    assert story.case(reference).submission.stage == "finance"
    assert story.case(reference).submission.approved_by["programme"] == ("programme-2", "programme-deputy-2")


def test_where_there_are_too_few_deputies_the_others_keep_their_tasks(story: Scene) -> None:
    reference = at_board(story)
    hand_over(story, reference)
    assert people(story, reference) == ["programme-2", "programme-3", "programme-deputy"]
    assert story.case(reference).submission.asked_as is AskedAs.DEPUTY
    hand_over(story, reference)
    assert story.case(reference).submission.asked_as is AskedAs.COORDINATORS
    assert people(story, reference) == ["programme-2", "programme-3", "programme-deputy"]


def test_nobody_who_sits_already_takes_the_place_of_another_as_their_deputy(story: Scene) -> None:
    reference = at_board(story, quorum=3)
    story.people.remove("programme-deputy")
    roles = ("programme-manager@national", "programme-manager-deputy@national")
    story.people.register([a_person(one, *roles) for one in ("programme-2", "programme-3")])
    story.vote(reference, "programme-2")
    hand_over(story, reference)
    assert story.case(reference).submission.asked_as is AskedAs.COORDINATORS
    assert people(story, reference) == ["programme", "programme-3"]


def at_panel(story: Scene, quorum: int | None = 2) -> str:
    register_panel(story)
    story.use_form(panel(quorum))
    return story.at_programme()


def test_each_seat_of_a_panel_has_one_person_and_the_deputy_where_nobody_else_may(story: Scene) -> None:
    away(story, "finance")
    away(story, "tech", "tech-deputy")
    reference = at_panel(story)
    assert chosen(story, reference) == [
        ("programme", "programme-manager", "approver", ""),
        ("finance-deputy", "fund-holder-deputy", "approver", ""),
        ("tech-deputy", "tech-lead-deputy", "approver", "tech"),
    ]
    assert story.case(reference).submission.waiting_for == "panel"


def test_nobody_sits_in_two_seats_of_a_panel(story: Scene) -> None:
    story.people.register([a_person("programme", "programme-manager@national", "fund-holder@national")])
    for one in ("finance", "finance-deputy"):
        story.people.remove(one)
    reference = at_panel(story)
    assert people(story, reference) == ["programme", "tech"]


@pytest.mark.parametrize(("quorum", "is_asked"), [(2, True), (None, False)])
def test_a_panel_that_all_must_agree_in_needs_every_seat(
    story: Scene, quorum: int | None, is_asked: bool
) -> None:
    for one in ("finance", "finance-deputy"):
        story.people.remove(one)
    reference = at_panel(story, quorum)
    assert people(story, reference) == (["programme", "tech"] if is_asked else [])
    assert (story.case(reference).submission.asked_as is AskedAs.COORDINATORS) is not is_asked


def test_a_panels_deputies_are_those_of_the_seats_that_have_not_decided(story: Scene) -> None:
    reference = at_panel(story, quorum=3)
    story.vote(reference, "finance")
    hand_over(story, reference)
    assert story.task_states(reference)[1:] == [
        ("programme", "overtaken", 5),
        ("finance", "decided", 0),
        ("tech", "overtaken", 6),
        ("programme-deputy", "open", 0),
        ("tech-deputy", "open", 0),
    ]


def test_a_restart_asks_nobody_of_a_panel_again(story: Scene) -> None:
    reference = at_panel(story)
    before = story.case(reference)
    story.ask(reference)
    assert story.case(reference).tasks == before.tasks


# To whom a task can be handed


def test_it_can_be_handed_to_all_who_may_decide_there_whether_away_or_not(story: Scene) -> None:
    story.people.register([a_person("z-lead", "innovation-lead@kent", "innovation-lead-deputy@kent")])
    away(story, "z-lead")
    reference = story.asked()
    case = story.case(reference)
    seat = story.form.workflow.stage("force-lead").seats[0]
    found = may_be_asked(story.parts, case, seat, barred=frozenset())
    assert {one: it.role for one, it in found.items()} == {
        "z-lead": "innovation-lead",
        DEPUTY: "innovation-lead-deputy",
    }


def test_a_stage_with_other_days_has_other_dates(story: Scene) -> None:
    story.use_form(form_with("force-lead", working_days=1, deputy_working_days=2, reminder_days=()))
    reference = story.asked()
    one = story.case(reference).submission
    assert one.due_at == one.next_at == datetime(2027, 1, 12, 17, tzinfo=timezone.utc)
    hand_over(story, reference)
    assert story.case(reference).submission.due_at == datetime(2027, 1, 14, 17, tzinfo=timezone.utc)
