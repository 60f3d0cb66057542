"""Approvals: whose turn it is, who may decide, and what the state machine is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.files.form_files import calendar
from chalicelib.domain.approvals import who_decides
from chalicelib.domain.approvals.who_decides import barred, eligible
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.errors import (
    AlreadyDecided,
    DecidedByAnother,
    DecidedEarlierStage,
    Expired,
    NotAsked,
    Overtaken,
    OwnSubmission,
    Reassigned,
    Refused,
)
from chalicelib.domain.forms.stages import TURNS, AskedAs, next_turn
from chalicelib.domain.people.people import normalised
from chalicelib.domain.records.submissions import Status, Task, TaskState
from tests.builders import MONDAY, a_case, a_form, a_person, a_task
from tests.unit.scenes import board, panel

FORM = a_form()
CALENDAR = calendar()


def test_the_turns_are_approver_deputy_coordinators_for_ever() -> None:
    assert [next_turn(turn) for turn in TURNS] == [
        AskedAs.DEPUTY,
        AskedAs.COORDINATORS,
        AskedAs.COORDINATORS,
    ]
    assert set(AskedAs) - set(TURNS) == {AskedAs.CLAIMANT, AskedAs.LATER}
    assert next_turn(AskedAs.LATER) is AskedAs.APPROVER


def test_each_turn_asks_the_role_of_its_stage_at_its_place() -> None:
    found = []
    for stage in FORM.workflow.stages:
        (seat,) = stage.seats
        found += [seat.asks.holding("kent"), seat.deputy.holding("kent")]
    assert [(one.role, one.at) for one in found] == [
        ("innovation-lead", "kent"),
        ("innovation-lead-deputy", "kent"),
        ("programme-manager", "national"),
        ("programme-manager-deputy", "national"),
        ("fund-holder", "national"),
        ("fund-holder-deputy", "national"),
    ]


def test_who_is_waited_for_is_said_in_one_word() -> None:
    found = [[who_decides.waits_for(stage, turn) for turn in TURNS] for stage in FORM.workflow.stages]
    assert found == [
        ["innovation-lead", "innovation-lead-deputy", "coordinator"],
        ["programme-manager", "programme-manager-deputy", "coordinator"],
        ["fund-holder", "fund-holder-deputy", "coordinator"],
    ]
    of_panel = panel().workflow.stage("programme")
    assert [who_decides.waits_for(of_panel, turn) for turn in TURNS] == ["panel", "panel", "coordinator"]
    of_board = board().workflow.stage("programme")
    assert [who_decides.waits_for(of_board, turn) for turn in TURNS] == [
        "programme-manager",
        "programme-manager",
        "coordinator",
    ]


@pytest.mark.parametrize(
    ("amount", "stages"),
    [
        (1, ["force-lead", "programme"]),
        (499_999, ["force-lead", "programme"]),
        (500_000, ["force-lead", "programme", "finance"]),
    ],
)
def test_the_fund_holder_is_asked_from_5000_pounds(amount: int, stages: list[str]) -> None:
    workflow = FORM.workflow
    found = [workflow.first(amount).name]
    while following := workflow.after(found[-1], amount):
        found.append(following.name)
    assert found == stages


def test_a_role_is_found_again_in_the_seat_that_it_was_asked_for() -> None:
    stage = panel().workflow.stage("programme")
    for seat in stage.seats:
        for asked in (seat.asks, seat.deputy):
            task = a_task(stage="programme", role=asked.role)
            assert who_decides.seat_of(stage, task) == seat
            assert who_decides.holding_of(stage, task) == asked.holding("kent")


def test_the_claimant_and_all_earlier_approvers_are_barred() -> None:
    one = a_case(
        claimant_id="ann", approved_by={"force-lead": ("bob",), "programme": ("cat", "dan")}
    ).submission
    assert barred(one) == {"ann", "bob", "cat", "dan"}
    assert barred(a_case().submission) == frozenset()


def test_those_who_may_decide_are_asked_always_in_the_same_order() -> None:
    people = [a_person("zoe"), a_person("bob"), a_person("ann"), a_person("bob")]
    assert [one.id for one in eligible(people, [])] == ["ann", "bob", "zoe"]
    assert [one.id for one in eligible(reversed(people), ["ann"])] == ["bob", "zoe"]
    assert [one.id for one in eligible(people, [], before_others=["zoe"])] == ["zoe", "ann", "bob"]
    assert eligible(people, ["ann", "bob", "zoe"]) == []
    assert eligible(people, ["ann", "bob", "zoe"], before_others=["zoe"]) == []


@pytest.mark.parametrize("other", ["a@example.org", "A@EXAMPLE.ORG", " a@example.org ", "a+b+c@example.org"])
def test_spellings_of_one_mailbox_compare_equal(other: str) -> None:
    assert normalised(other) == normalised("a@example.org")


@pytest.mark.parametrize("other", ["b@example.org", "a@example.com", "a.b@example.org", "a-b@example.org"])
def test_other_mailboxes_do_not(other: str) -> None:
    assert normalised(other) != normalised("a@example.org")


def test_the_asked_person_may_decide() -> None:
    who_decides.check_asked(a_case(), a_task(), "lead-kent", FORM)


@pytest.mark.parametrize("person", ["deputy-kent", "", "LEAD-KENT", "lead-kent "])
def test_whoever_was_not_asked_may_not(person: str) -> None:
    with pytest.raises(NotAsked, match="link"):
        who_decides.check_asked(a_case(claimant_id="ann"), a_task(), person, FORM)


def test_the_claimant_may_not_even_if_asked() -> None:
    with pytest.raises(OwnSubmission, match="own claim"):
        who_decides.check_asked(a_case(claimant_id="lead-kent"), a_task(), "lead-kent", FORM)


@pytest.mark.parametrize("person", ["ann", "bob"])
def test_an_earlier_approver_may_not(person: str) -> None:
    case = a_case(approved_by={"force-lead": ("ann", "bob")})
    with pytest.raises(DecidedEarlierStage, match="earlier stage"):
        who_decides.check_asked(case, a_task(stage="programme"), person, FORM)


@pytest.mark.parametrize(
    ("decision", "said"),
    [("approve", "You approved this claim"), ("request-changes", "You asked for changes to this claim")],
)
def test_a_task_that_was_decided_says_what_and_when(decision: str, said: str) -> None:
    task = a_task(state=TaskState.DECIDED, decision=decision, decided_at=MONDAY)
    with pytest.raises(AlreadyDecided, match=f"{said} already on 11 January 2027 at 9:30am"):
        who_decides.check_waiting(a_case(), task, FORM)


OVER = [
    (Expired, a_task(state=TaskState.OVERTAKEN), {}),
    (Reassigned, a_task(state=TaskState.REASSIGNED), {}),
    (Overtaken, a_task(state=TaskState.CLOSED), {}),
    (Overtaken, a_task(), {"stage": "programme"}),
    (Overtaken, a_task(), {"version": 2}),
    (Overtaken, a_task(), {"status": Status("approved")}),
    (Overtaken, a_task(), {"status": Status("rejected")}),
    (Overtaken, a_task(), {"status": Status.WITHDRAWN}),
    (Overtaken, a_task(), {"status": Status.LAPSED}),
]


@pytest.mark.parametrize(("error", "task", "changes"), OVER)
def test_a_task_that_is_over_says_how(error: type[Refused], task: Task, changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        who_decides.check_waiting(a_case(tasks=(task,), **changes), task, FORM)
    assert type(caught.value) is error


@pytest.mark.parametrize("turn", list(TURNS))
def test_an_open_task_of_the_stage_waits_in_any_turn(turn: AskedAs) -> None:
    who_decides.check_waiting(a_case(asked_as=turn), a_task(), FORM)


def test_whoever_decided_instead_is_found_through_every_hand_it_went() -> None:
    """Overtaken by the deputy, whose task a coordinator handed on, to somebody who decided."""
    mine = a_task(1, state=TaskState.OVERTAKEN, ended_by=2)
    deputys = a_task(2, person_id="deputy-kent", state=TaskState.REASSIGNED, ended_by=3)
    last = a_task(3, person_id="another", state=TaskState.OPEN)
    case = a_case(tasks=(mine, deputys, last))
    assert who_decides.decided_instead(case, mine) is None
    last = replace(last, state=TaskState.DECIDED, decision="approve", decided_at=MONDAY)
    case = replace(case, tasks=(mine, deputys, last))
    assert who_decides.decided_instead(case, mine) == last
    assert who_decides.decided_instead(case, deputys) == last
    assert who_decides.decided_instead(case, last) is None
    with pytest.raises(
        DecidedByAnother, match="Ann Other, innovation lead, approved this claim on 11 January"
    ):
        who_decides.check_waiting(case, mine, FORM, winner="Ann Other")
    with pytest.raises(DecidedByAnother, match="The innovation lead approved this claim"):
        who_decides.check_waiting(case, mine, FORM)


def test_the_vote_of_another_seat_is_not_mistaken_for_mine() -> None:
    """My deputy was asked and has not answered; that somebody else of the panel voted says nothing of my seat."""
    mine = a_task(1, stage="programme", state=TaskState.OVERTAKEN, ended_by=3)
    voted = a_task(2, stage="programme", person_id="finance", state=TaskState.DECIDED, decision="approve")
    deputys = a_task(3, stage="programme", person_id="programme-deputy")
    case = a_case(stage="programme", tasks=(mine, voted, deputys))
    with pytest.raises(Expired):
        who_decides.check_waiting(case, mine, FORM)


def test_the_state_machine_is_told_ids_and_seconds_only() -> None:
    one = a_case().submission
    told = deliveries.pointer(one, FORM, CALENDAR, now=MONDAY)
    assert set(told) == {"payload_version", "force", "reference", "round", "stage", "asked", "wait"}
    assert all(isinstance(seconds, int) and seconds > 0 for seconds in told["wait"].values())
    assert told["wait"]["approver_seconds"] == 7 * 24 * 3600
    assert set(told["wait"]) == {f"{turn.value}_seconds" for turn in (*TURNS, AskedAs.CLAIMANT)}


def test_until_its_day_the_state_machine_waits_for_the_approvers_of_what_is_put_aside() -> None:
    one = a_case(asked_as=AskedAs.LATER, due_at=MONDAY + timedelta(days=30)).submission
    told = deliveries.pointer(one, FORM, CALENDAR, now=MONDAY)
    assert (told["stage"], told["asked"]) == ("force-lead", "approver")
    assert told["wait"]["approver_seconds"] == 30 * 24 * 3600


@pytest.mark.parametrize("late", [timedelta(days=7), timedelta(days=8), timedelta(days=400)])
def test_a_date_that_is_past_leaves_a_second_to_wait(late: timedelta) -> None:
    told = deliveries.pointer(a_case().submission, FORM, CALENDAR, now=MONDAY + late)
    assert told["wait"]["approver_seconds"] == 1
    assert told["wait"]["deputy_seconds"] > 3600


@pytest.mark.parametrize("status", [Status("approved"), Status("rejected"), Status.WITHDRAWN, Status.LAPSED])
def test_a_claim_that_has_ended_ends_its_execution(status: Status) -> None:
    one = a_case(status=status, due_at=None).submission
    assert deliveries.pointer(one, FORM, CALENDAR, now=MONDAY)["stage"] == deliveries.DONE


def test_a_claim_that_waits_for_changes_is_told_to_wait_for_the_claimant() -> None:
    one = a_case(status=Status.CHANGES_REQUESTED, asked_as=AskedAs.CLAIMANT, stage="programme").submission
    told = deliveries.pointer(one, FORM, CALENDAR, now=MONDAY)
    assert (told["stage"], told["asked"]) == ("changes", "claimant")
    assert told["wait"]["claimant_seconds"] == 7 * 24 * 3600


def test_an_execution_has_a_legal_name_of_its_own_for_each_round() -> None:
    names = {deliveries.execution_name(a_case().submission.reference, n) for n in range(1, 30)}
    assert len(names) == 29
    assert all(len(name) <= 80 and name.replace("-", "").isalnum() for name in names)
