"""The definition of every workflow, executed: where it begins, what it does with answers, and with none."""

from __future__ import annotations

import pytest

from tests.workflows.machine import CHANGES, DONE, PLACES, STAGES, TURNS, Machines, where

each_place = pytest.mark.parametrize(("stage", "turn"), PLACES)


@pytest.mark.parametrize(("stage", "turn"), [*PLACES, CHANGES])
def test_it_begins_wherever_the_data_says(machines: Machines, stage: str, turn: str) -> None:
    execution = machines.start(where(stage, turn))
    assert execution.is_asked(1) == (stage, turn)
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


def test_it_goes_through_the_stages_as_it_is_told(machines: Machines) -> None:
    execution = machines.start(where())
    assert execution.is_asked(1) == ("force-lead", "approver")
    execution.answer(where("programme"))
    assert execution.is_asked(2) == ("programme", "approver")
    execution.answer(where("finance"))
    assert execution.is_asked(3) == ("finance", "approver")
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


def test_a_step_says_only_where_the_submission_is(machines: Machines) -> None:
    execution = machines.start(where())
    execution.is_asked(1)
    assert set(execution.asked[0]) == {
        "payload_version", "token", "force", "reference", "round", "stage", "asked",
    }  # fmt: skip
    execution.answer(DONE)


@pytest.mark.parametrize("stage", STAGES)
def test_after_each_time_out_the_next_is_asked_and_the_coordinators_again(
    machines: Machines, stage: str
) -> None:
    execution = machines.start(where(stage, seconds=1))
    for times, turn in enumerate((*TURNS, "coordinators"), start=1):
        assert execution.is_asked(times) == (stage, turn)
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("turn", TURNS)
def test_the_data_may_be_at_another_turn_of_the_same_stage(machines: Machines, stage: str, turn: str) -> None:
    execution = machines.start(where(stage, "deputy"))
    execution.is_asked(1)
    execution.answer(where(stage, turn))
    assert execution.is_asked(2) == (stage, turn)
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


@each_place
def test_any_turn_may_send_the_claim_back_and_it_returns_to_the_stage_that_asked(
    machines: Machines, stage: str, turn: str
) -> None:
    execution = machines.start(where(stage, turn))
    execution.is_asked(1)
    execution.answer(where(*CHANGES))
    assert execution.is_asked(2) == CHANGES
    execution.answer(where(stage))
    assert execution.is_asked(3) == (stage, "approver")
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


@each_place
def test_a_changed_claim_goes_wherever_it_is_sent(machines: Machines, stage: str, turn: str) -> None:
    execution = machines.start(where(*CHANGES))
    execution.is_asked(1)
    execution.answer(where(stage, turn))
    assert execution.is_asked(2) == (stage, turn)
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


def test_a_claim_may_be_sent_back_again_and_again(machines: Machines) -> None:
    execution = machines.start(where("finance"))
    places = [CHANGES, ("force-lead", "approver"), CHANGES, CHANGES, ("programme", "deputy"), CHANGES]
    for times, place in enumerate(places, start=1):
        execution.is_asked(times)
        execution.answer(where(*place))
        assert execution.is_asked(times + 1) == place
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


def test_when_the_claimants_time_is_over_the_function_is_asked_again_and_ends_it(machines: Machines) -> None:
    execution = machines.start(where())
    execution.is_asked(1)
    execution.answer(where(*CHANGES, seconds=1))
    assert execution.is_asked(2) == CHANGES
    assert execution.is_asked(3) == CHANGES
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


def test_changes_that_came_at_the_last_moment_are_followed_after_the_time_out(machines: Machines) -> None:
    execution = machines.start(where(*CHANGES, seconds=1))
    assert execution.is_asked(2) == CHANGES
    execution.answer(where("programme"))
    assert execution.is_asked(3) == ("programme", "approver")
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


def test_any_stage_that_the_data_names_is_passed_on(machines: Machines) -> None:
    execution = machines.start(where("triage"))
    for times, stage in enumerate(("national-review", "leaders", "casting"), start=1):
        execution.is_asked(times)
        execution.answer(where(stage, "deputy"))
        assert execution.is_asked(times + 1) == (stage, "deputy")
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


@pytest.mark.parametrize("place", [*PLACES[:3], CHANGES])
def test_a_stage_that_the_function_refuses_fails_it_at_once(
    machines: Machines, place: tuple[str, str]
) -> None:
    """At once: a repeat would be refused as well."""
    machines.refusing["refused"] = "UnknownStage"
    execution = machines.start(where("force-lead"))
    execution.is_asked(1)
    execution.answer(where("refused", place[1]))
    assert execution.end() == "FAILED"
    assert execution.why() == "UnknownStage"
    assert len(execution.asked) == 2


@pytest.mark.parametrize("place", [("force-lead", "approver"), CHANGES])
def test_a_turn_it_does_not_know_fails_it(machines: Machines, place: tuple[str, str]) -> None:
    execution = machines.start(where(*place))
    execution.is_asked(1)
    execution.answer(where("force-lead", "nobody"))
    assert execution.end() == "FAILED"
    assert execution.why() == "UnknownStage"
    assert machines.start(where("force-lead", "nobody")).end() == "FAILED"
