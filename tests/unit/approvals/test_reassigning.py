"""Handing a task to somebody else: by the person asked, or by a coordinator; never to somebody who may not decide."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from chalicelib.adapters.aws.ses import render
from chalicelib.domain.errors import (
    Forbidden,
    InvalidAnswers,
    NotAsked,
    NotFound,
    Overtaken,
    OwnSubmission,
    Reassigned,
    Refused,
)
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.people.people import Away
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import asking, reassigning
from chalicelib.services.approvals.asking import read_step
from chalicelib.services.approvals.following_up import follow_up
from chalicelib.services.records import status_view
from tests.builders import MONDAY, PERSONAL, a_person
from tests.unit import scenes
from tests.unit.scenes import Scene, board, panel, register_board, register_panel

story = scenes.story

LEAD, DEPUTY = "lead-kent", "deputy-kent"
COORDINATORS = ("coordinator-kent", "national-coordinator")


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


def hand_on(story: Scene, reference: str, by: str, to: object) -> None:
    reassigning.hand_on_task(story.parts, story.person(by), story.task_id(reference), to)


def hand_on_submission(story: Scene, reference: str, by: str, to: object) -> None:
    reassigning.hand_on_submission(story.parts, story.person(by), reference, to)


def candidates(story: Scene, reference: str, by: str = LEAD) -> list[tuple[str, str]]:
    view = reassigning.task_hand_on_view(story.parts, story.person(by), story.task_id(reference))
    return sorted((one.person_id, one.role) for one in view.candidates)


def refused_to(story: Scene, reference: str, to: object, by: str = "coordinator-kent") -> InvalidAnswers:
    before = story.store.snapshot()
    with pytest.raises(InvalidAnswers) as caught:
        hand_on(story, reference, by, to)
    assert [problem.pointer for problem in caught.value.problems] == ["/to"]
    assert story.store.snapshot() == before
    return caught.value


def stuck(story: Scene, by: str = "coordinator-kent") -> list[str]:
    return [one.reference for one in status_view.stuck_for(story.parts, story.person(by))]


def with_coordinators(story: Scene) -> str:
    """A claim that neither lead nor deputy decided in time."""
    reference = story.asked()
    for _ in range(2):
        due_at = story.case(reference).submission.due_at
        assert due_at is not None
        story.clock.at = due_at
        follow_up(story.parts)
    assert stuck(story) == [reference]
    return reference


# By the person asked


def test_whoever_is_asked_hands_the_task_to_a_deputy_of_theirs(story: Scene) -> None:
    reference = story.asked()
    hand_on(story, reference, LEAD, DEPUTY)
    case = story.case(reference)
    assert story.task_states(reference) == [(LEAD, "reassigned", 2), (DEPUTY, "open", 0)]
    task = case.open_task
    assert task is not None
    assert (task.role, task.asked_as, task.stage) == (
        "innovation-lead-deputy",
        AskedAs.APPROVER,
        "force-lead",
    )
    assert (task.asked_at, task.due_at, task.version) == (story.clock.at, case.submission.due_at, 1)
    assert (case.submission.waiting_for, case.submission.status) == (
        "innovation-lead-deputy",
        Status.IN_REVIEW,
    )
    entry = case.entries[-1]
    assert (entry.action, entry.actor, entry.role) == ("reassigned", LEAD, "innovation-lead")
    assert dict(entry.details) == {
        "person": DEPUTY,
        "role": "innovation-lead-deputy",
        "task": 2,
        "turn": "approver",
        "instead-of": 1,
    }
    assert [mail.to for mail in story.mails("asked")][-1] == "deputy.kent@example.police.uk"
    assert story.mails("no-longer-needed") == []  # they did it themselves
    story.decide(reference)
    assert story.case(reference).submission.approved_by == {"force-lead": (DEPUTY,)}


def test_whoever_is_asked_hands_the_task_to_a_colleague_of_the_same_role(story: Scene) -> None:
    story.people.register([a_person("z-lead", "innovation-lead@kent")])
    reference = story.asked()
    hand_on(story, reference, LEAD, "z-lead")
    task = story.case(reference).open_task
    assert task is not None
    assert (task.person_id, task.role) == ("z-lead", "innovation-lead")


def test_a_deputy_hands_their_turn_to_the_one_whose_deputy_they_are(story: Scene) -> None:
    story.people.set_away(LEAD, Away(first=MONDAY.date(), last=MONDAY.date()))
    reference = story.asked()
    hand_on(story, reference, DEPUTY, LEAD)
    one = story.case(reference).submission
    assert (one.asked_as, one.waiting_for) == (AskedAs.DEPUTY, "innovation-lead")
    assert story.task_states(reference) == [(DEPUTY, "reassigned", 2), (LEAD, "open", 0)]


# By coordinators


@pytest.mark.parametrize("who", COORDINATORS)
@pytest.mark.parametrize("way", [hand_on, hand_on_submission])
def test_coordinators_of_the_force_and_the_nation_ask_somebody_else(
    story: Scene, who: str, way: object
) -> None:
    reference = story.asked()
    way(story, reference, who, DEPUTY)  # type: ignore[operator]
    assert story.task_states(reference) == [(LEAD, "reassigned", 2), (DEPUTY, "open", 0)]
    entry = story.case(reference).entries[-1]
    assert (entry.actor, entry.role) == (who, "coordinator")
    (told,) = story.mails("no-longer-needed")
    assert (told.to, told.values["reason"]) == (
        "lead.kent@example.police.uk",
        "A coordinator has asked somebody else to decide.",
    )


def test_a_coordinator_who_is_asked_hands_on_in_their_own_role(story: Scene) -> None:
    story.people.register([a_person(LEAD, "innovation-lead@kent", "coordinator@kent")])
    reference = story.asked()
    hand_on(story, reference, LEAD, DEPUTY)
    assert story.case(reference).entries[-1].role == "innovation-lead"
    assert story.mails("no-longer-needed") == []


@pytest.mark.parametrize(
    "who", [DEPUTY, "lead-essex", "coordinator-essex", "programme", "finance", "national-admin"]
)
def test_nobody_else_hands_a_task_on_or_sees_to_whom_it_could_be(story: Scene, who: str) -> None:
    story.people.register([a_person("national-admin", "admin@national")])
    reference = story.asked()
    before = story.store.snapshot()
    with pytest.raises(NotAsked):
        hand_on(story, reference, who, DEPUTY)
    with pytest.raises(NotAsked):
        candidates(story, reference, by=who)
    with pytest.raises((Forbidden, NotFound)):
        hand_on_submission(story, reference, who, DEPUTY)
    with pytest.raises((Forbidden, NotFound)):
        reassigning.submission_hand_on_view(story.parts, story.person(who), reference)
    assert story.store.snapshot() == before


def test_another_forces_claim_is_not_found_by_its_reference(story: Scene) -> None:
    reference = story.asked()
    with pytest.raises(NotFound):
        hand_on_submission(story, reference, "coordinator-essex", DEPUTY)


def test_where_nobody_is_asked_it_takes_a_coordinator(story: Scene) -> None:
    reference = nobody_asked(story)
    with pytest.raises(Forbidden):
        hand_on_submission(story, reference, "finance", "new-lead")
    hand_on_submission(story, reference, "coordinator-kent", "new-lead")
    assert story.task_states(reference) == [("new-lead", "open", 0)]
    entry = story.case(reference).entries[-1]
    assert (entry.action, entry.role, "instead-of" in entry.details) == ("reassigned", "coordinator", False)
    assert stuck(story) == []


def nobody_asked(story: Scene) -> str:
    for one in (LEAD, DEPUTY):
        story.people.remove(one)
    reference = story.asked()
    story.people.register([a_person("new-lead", "innovation-lead@kent")])
    assert stuck(story) == [reference]
    view = reassigning.submission_hand_on_view(story.parts, story.person("coordinator-kent"), reference)
    assert (view.task, view.asked_name) == (None, "")
    assert [one.person_id for one in view.candidates] == ["new-lead"]
    return reference


# To whom


def test_the_list_has_everybody_who_may_decide_and_nobody_else(story: Scene) -> None:
    story.people.register(
        [
            a_person("z-lead", "innovation-lead@kent"),
            a_person("e-lead", "innovation-lead@essex"),
            a_person("own-lead", "innovation-lead@kent", address=PERSONAL["claimant_email"]),
        ]
    )
    story.people.set_away("z-lead", Away(first=MONDAY.date(), last=MONDAY.date()))
    reference = story.asked()
    for by in (LEAD, *COORDINATORS):
        assert candidates(story, reference, by) == [
            (DEPUTY, "deputy innovation lead"),
            ("z-lead", "innovation lead"),
        ]
    view = reassigning.submission_hand_on_view(story.parts, story.person(COORDINATORS[0]), reference)
    assert (view.asked_name, view.stage_title) == ("Lead Kent", "Your force's innovation lead")


@pytest.mark.parametrize(
    "to", ["programme", "lead-essex", "coordinator-kent", LEAD, "nobody", "", None, 7, [DEPUTY]]
)
def test_it_goes_to_nobody_who_may_not_decide_it(story: Scene, to: object) -> None:
    refused_to(story, story.asked(), to)


def test_it_does_not_go_to_the_claimant(story: Scene) -> None:
    reference = story.asked(claimant_email="Deputy.Kent@example.police.uk")
    assert candidates(story, reference) == []
    refused_to(story, reference, DEPUTY)


def test_it_does_not_go_to_a_claimant_who_was_registered_since(story: Scene) -> None:
    reference = story.asked()
    story.people.register(
        [a_person("own-lead", "innovation-lead@kent", "coordinator@kent", address=PERSONAL["claimant_email"])]
    )
    assert candidates(story, reference) == [(DEPUTY, "deputy innovation lead")]
    refused_to(story, reference, "own-lead")
    with pytest.raises(OwnSubmission):
        hand_on(story, reference, "own-lead", DEPUTY)
    hand_on(story, reference, LEAD, DEPUTY)
    assert story.case(reference).submission.claimant_id == "own-lead"


def test_it_does_not_go_to_whoever_approved_an_earlier_stage(story: Scene) -> None:
    story.people.register([a_person(LEAD, "innovation-lead@kent", "programme-manager@national")])
    reference = story.asked()
    story.decide(reference)
    story.ask(reference)
    assert story.case(reference).open_task is not None
    assert LEAD not in dict(candidates(story, reference, "national-coordinator"))
    refused_to(story, reference, LEAD, by="national-coordinator")


@pytest.mark.parametrize("has_task", [True, False])
def test_a_national_seat_is_handed_on_by_a_national_coordinator_and_not_by_the_forces(
    story: Scene, has_task: bool
) -> None:
    if not has_task:
        story.people.remove("programme")
        story.people.remove("programme-deputy")
    reference = story.at_programme()
    if not has_task:
        assert story.case(reference).open_task is None
        story.people.register([a_person("programme-deputy", "programme-manager-deputy@national")])
    before = story.store.snapshot()
    with pytest.raises(Forbidden, match="Only a national coordinator can ask somebody else"):
        hand_on_submission(story, reference, "coordinator-kent", "programme-deputy")
    with pytest.raises(Forbidden):
        reassigning.submission_hand_on_view(story.parts, story.person("coordinator-kent"), reference)
    if has_task:
        with pytest.raises(Forbidden):
            hand_on(story, reference, "coordinator-kent", "programme-deputy")
    assert story.store.snapshot() == before
    hand_on_submission(story, reference, "national-coordinator", "programme-deputy")
    assert story.case(reference).open_tasks[0].person_id == "programme-deputy"


def test_a_forces_coordinator_is_told_who_sees_to_a_national_seat(story: Scene) -> None:
    story.people.remove("programme")
    story.people.remove("programme-deputy")
    reference = story.at_programme()
    (told,) = status_view.stuck_for(story.parts, story.person("coordinator-kent"))
    assert (told.reference, told.may_hand_on) == (reference, False)
    assert status_view.stuck_for(story.parts, story.person("national-coordinator"))[0].may_hand_on
    mails = {mail.to.partition(".")[0]: render("stuck", mail.values).text for mail in story.mails("stuck")}
    assert "This stage is decided nationally." in mails["coordinator"]
    assert "Follow the link to ask somebody." in mails["national"]


def test_whoever_coordinates_a_force_and_the_nation_may_do_both(story: Scene) -> None:
    story.people.register([a_person("both", "coordinator@kent", "coordinator@national")])
    story.people.remove("programme")
    story.people.remove("programme-deputy")
    story.at_programme()
    (mail,) = [mail for mail in story.mails("stuck") if mail.to.startswith("both")]
    assert mail.values["may_hand_on"] is True


def test_it_does_not_go_to_somebody_who_gives_the_role_up_at_this_moment(story: Scene) -> None:
    reference = story.asked()
    story.first(lambda: story.people.register([a_person(DEPUTY, "programme-manager@national")]))
    with pytest.raises(InvalidAnswers) as caught:
        hand_on(story, reference, LEAD, DEPUTY)
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.message) == (
        "/to",
        "This person no longer holds the role. Choose somebody else",
    )
    assert story.task_states(reference) == [(LEAD, "open", 0)]


def test_on_a_panel_it_goes_to_the_same_seat_and_nobody_gets_two(story: Scene) -> None:
    register_panel(story)
    story.use_form(panel())
    reference = story.at_programme()
    task = story.task_of(reference, "finance")
    view = reassigning.task_hand_on_view(story.parts, story.person("finance"), task.id)
    assert [one.person_id for one in view.candidates] == ["finance-deputy"]
    reassigning.hand_on_task(story.parts, story.person("finance"), task.id, "finance-deputy")
    assert story.task_states(reference)[1:] == [
        ("programme", "open", 0),
        ("finance", "reassigned", 5),
        ("tech", "open", 0),
        ("finance-deputy", "open", 0),
    ]
    assert story.case(reference).submission.waiting_for == "panel"


def test_where_all_are_asked_it_goes_to_nobody_who_is_asked_or_has_decided(story: Scene) -> None:
    register_board(story)
    story.use_form(board(2))
    reference = story.at_programme()
    story.vote(reference, "programme-2")
    view = reassigning.task_hand_on_view(
        story.parts, story.person("programme"), story.task_of(reference, "programme").id
    )
    assert [one.person_id for one in view.candidates] == ["programme-deputy"]


# What becomes of the task before


def test_whoever_had_the_task_learns_that_it_was_handed_on(story: Scene) -> None:
    reference = story.asked()
    hand_on(story, reference, "coordinator-kent", DEPUTY)
    before = len(story.case(reference).open_tasks)
    with pytest.raises(Reassigned):
        story.look(reference, LEAD)
    with pytest.raises(Reassigned):
        story.vote(reference, LEAD)
    assert story.standing(reference).stage == "force-lead"
    assert len(story.case(reference).open_tasks) == before == 1


def test_a_task_that_was_handed_on_cannot_be_handed_on_again(story: Scene) -> None:
    reference = story.asked()
    task_id = story.task_id(reference)
    hand_on(story, reference, LEAD, DEPUTY)
    before = story.store.snapshot()
    for by in (LEAD, "coordinator-kent"):
        with pytest.raises(Reassigned):
            reassigning.hand_on_task(story.parts, story.person(by), task_id, DEPUTY)
    assert story.store.snapshot() == before


@pytest.mark.parametrize("way", ["task", "reference"])
def test_sent_twice_at_once_it_is_handed_on_once(story: Scene, way: str) -> None:
    reference = story.asked()
    task_id = story.task_id(reference)
    by = story.person("coordinator-kent")

    def send() -> None:
        if way == "task":
            reassigning.hand_on_task(story.parts, by, task_id, DEPUTY)
        else:
            reassigning.hand_on_submission(story.parts, by, reference, DEPUTY)

    story.first(send)
    with pytest.raises(Refused):
        send()
    assert story.task_states(reference) == [(LEAD, "reassigned", 2), (DEPUTY, "open", 0)]
    assert len(story.mails("asked")) == 2


def test_a_decision_at_the_same_moment_wins(story: Scene) -> None:
    reference = story.asked()
    story.first(lambda: story.decide(reference))
    with pytest.raises(Refused):
        hand_on(story, reference, LEAD, DEPUTY)
    assert story.task_states(reference) == [(LEAD, "decided", 0)]


def test_it_can_be_handed_back(story: Scene) -> None:
    reference = story.asked()
    hand_on(story, reference, LEAD, DEPUTY)
    hand_on(story, reference, DEPUTY, LEAD)
    assert story.task_states(reference) == [
        (LEAD, "reassigned", 2),
        (DEPUTY, "reassigned", 3),
        (LEAD, "open", 0),
    ]


# Dates


@pytest.mark.parametrize(
    ("now", "due", "reminder"),
    [
        # a deputy's three working days are up before the lead's five: nobody loses time by it
        (utc(2027, 1, 11, 10), utc(2027, 1, 18, 17), utc(2027, 1, 15, 9)),
        (utc(2027, 1, 13, 10), utc(2027, 1, 18, 17), utc(2027, 1, 15, 9)),
        (utc(2027, 1, 14, 10), utc(2027, 1, 19, 17), utc(2027, 1, 18, 9)),
        (utc(2027, 1, 18, 16), utc(2027, 1, 21, 17), utc(2027, 1, 20, 9)),
    ],
)
def test_whoever_gets_it_has_a_deputys_time_and_never_less_than_was_left(
    story: Scene, now: datetime, due: datetime, reminder: datetime
) -> None:
    reference = story.asked()
    story.clock.at = now
    hand_on(story, reference, LEAD, DEPUTY)
    one = story.case(reference).submission
    assert (one.due_at, one.next_at, one.reminded) == (due, reminder, 0)
    assert story.task_of(reference, DEPUTY).due_at == due


def test_whoever_gets_it_is_reminded_anew(story: Scene) -> None:
    reference = story.asked()
    story.clock.at = utc(2027, 1, 15, 9)
    assert follow_up(story.parts).reminded == 1
    hand_on(story, reference, LEAD, DEPUTY)
    one = story.case(reference).submission
    assert (one.reminded, one.next_at, one.due_at) == (0, utc(2027, 1, 19, 9), utc(2027, 1, 20, 17))
    story.clock.at = utc(2027, 1, 19, 9)
    assert follow_up(story.parts).reminded == 1
    assert [mail.to for mail in story.mails("reminder")] == [
        "lead.kent@example.police.uk",
        "deputy.kent@example.police.uk",
    ]
    assert story.actions(reference, "reminded")[-1].details["time"] == 1


def test_the_waits_own_time_out_is_too_early_then_and_asks_nobody(story: Scene) -> None:
    reference = story.asked()
    story.clock.at = utc(2027, 1, 18, 16)
    hand_on(story, reference, LEAD, DEPUTY)
    story.clock.at = utc(2027, 1, 18, 17)
    step = {"payload_version": 2, "force": "kent", "reference": reference, "round": 1, "stage": "force-lead"}
    asking.ask(story.parts, read_step({**step, "asked": "deputy", "token": "timed-out"}))
    assert story.task_states(reference) == [(LEAD, "reassigned", 2), (DEPUTY, "open", 0)]
    assert story.case(reference).token == "timed-out"
    story.clock.at = utc(2027, 1, 21, 17)
    follow_up(story.parts)
    assert story.case(reference).submission.asked_as is AskedAs.COORDINATORS  # the deputy has it already


def test_a_task_handed_to_a_colleague_goes_to_the_deputy_after_its_date(story: Scene) -> None:
    story.people.register([a_person("z-lead", "innovation-lead@kent")])
    reference = story.asked()
    hand_on(story, reference, LEAD, "z-lead")
    story.clock.at = utc(2027, 1, 18, 17)
    follow_up(story.parts)
    assert story.task_states(reference) == [
        (LEAD, "reassigned", 2),
        ("z-lead", "overtaken", 3),
        (DEPUTY, "open", 0),
    ]


# Out of the coordinators' hands


def test_handed_on_by_a_coordinator_it_is_off_the_list_until_its_date(story: Scene) -> None:
    reference = with_coordinators(story)
    hand_on_submission(story, reference, "coordinator-kent", LEAD)
    for who in COORDINATORS:
        assert stuck(story, who) == []
    one = story.case(reference).submission
    assert (one.asked_as, one.waiting_for, one.reminded) == (AskedAs.DEPUTY, "innovation-lead", 0)
    assert one.due_at == utc(2027, 1, 26, 17)
    story.clock.at = utc(2027, 1, 25, 9)
    assert follow_up(story.parts).reminded == 1
    story.clock.at = utc(2027, 1, 26, 17)
    assert follow_up(story.parts).handed_over == 1
    for who in COORDINATORS:
        assert stuck(story, who) == [reference]
    assert [mail.to for mail in story.mails("stuck")].count("coordinator.kent@example.police.uk") == 2
    assert story.task_states(reference)[-1] == (LEAD, "open", 0)


def test_an_execution_that_waits_with_the_coordinators_goes_on_when_it_is_decided(story: Scene) -> None:
    reference = with_coordinators(story)
    step = {"payload_version": 2, "force": "kent", "reference": reference, "round": 1, "stage": "force-lead"}
    asking.ask(story.parts, read_step({**step, "asked": "coordinators", "token": "waits"}))
    hand_on_submission(story, reference, "coordinator-kent", LEAD)
    story.decide(reference)
    story.deliver()
    answered, output = story.answers_told[-1]
    assert (answered, output["stage"], output["asked"]) == ("waits", "programme", "approver")


# When there is nothing to hand on


def test_nobody_hands_on_their_own_claim(story: Scene) -> None:
    reference = story.asked(claimant_email="coordinator.kent@example.police.uk")
    for way in (hand_on, hand_on_submission):
        with pytest.raises(OwnSubmission):
            way(story, reference, "coordinator-kent", DEPUTY)
    with pytest.raises(OwnSubmission):
        candidates(story, reference, "coordinator-kent")
    hand_on(story, reference, "national-coordinator", DEPUTY)


def test_before_anybody_is_asked_there_is_nothing_to_hand_on(story: Scene) -> None:
    reference = story.submit().reference
    with pytest.raises(Overtaken):
        hand_on_submission(story, reference, "coordinator-kent", DEPUTY)


def test_while_the_last_decision_may_be_undone_there_is_nothing_to_hand_on(story: Scene) -> None:
    story.use_undo()
    reference = story.asked()
    story.decide(reference)
    with pytest.raises(Overtaken):
        hand_on_submission(story, reference, "national-coordinator", "programme-deputy")
    story.let_go(reference)
    hand_on_submission(story, reference, "national-coordinator", "programme-deputy")
    assert story.task_states(reference)[-1] == ("programme-deputy", "open", 0)


@pytest.mark.parametrize("how", ["rejected", "changes", "withdrawn"])
def test_what_nobody_is_to_decide_is_not_handed_on(story: Scene, how: str) -> None:
    reference = story.asked()
    task_id = story.task_id(reference)
    if how == "withdrawn":
        story.withdraw(reference)
    elif how == "changes":
        story.ask_for_changes(reference)
    else:
        story.decide(reference, "reject", comment="No")
    before = story.store.snapshot()
    with pytest.raises(Overtaken):
        hand_on_submission(story, reference, "coordinator-kent", DEPUTY)
    for look in (reassigning.task_hand_on_view,):
        with pytest.raises(Overtaken):
            look(story.parts, story.person(LEAD), task_id)
    with pytest.raises(Overtaken):
        reassigning.hand_on_task(story.parts, story.person(LEAD), task_id, DEPUTY)
    assert story.store.snapshot() == before


def test_a_task_that_does_not_exist_is_not_found(story: Scene) -> None:
    reference = story.asked()
    for task_id in ("", "kent", f"kent.{reference}.9", f"essex.{reference}.1", f"kent.{reference}.x"):
        with pytest.raises(NotFound):
            reassigning.hand_on_task(story.parts, story.person(LEAD), task_id, DEPUTY)
