"""The escalation of an idea, executed: where it begins, what it does with answers, and with none."""

from __future__ import annotations

import pytest

from tests.workflows.machine import DONE, TODAY, TURNS, Execution, Machines, Where, where

FILE = TODAY.with_name("idea-escalation.asl.json")
STAGES = ("triage", "national-review", "leaders", "casting")


def begun(machines: Machines, given: Where) -> Execution:
    return machines.start(given, FILE)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("stage", STAGES)
def test_it_begins_wherever_the_data_says(machines: Machines, stage: str, turn: str) -> None:
    execution = begun(machines, where(stage, turn))
    assert execution.is_asked(1) == (stage, turn)
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


def test_it_goes_through_the_stages_as_it_is_told(machines: Machines) -> None:
    execution = begun(machines, where("triage"))
    for times, stage in enumerate(STAGES, start=1):
        assert execution.is_asked(times) == (stage, "approver")
        execution.answer(where(STAGES[times]) if times < len(STAGES) else DONE)
    assert execution.end() == "SUCCEEDED"


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_it_may_end_at_any_stage(machines: Machines, stage: str) -> None:
    execution = begun(machines, where(stage))
    execution.is_asked(1)
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


@pytest.mark.parametrize("stage", STAGES)
def test_after_each_time_out_the_next_is_asked_and_the_coordinators_again(
    machines: Machines, stage: str
) -> None:
    execution = begun(machines, where(stage, seconds=1))
    for times, turn in enumerate((*TURNS, "coordinators"), start=1):
        assert execution.is_asked(times) == (stage, turn)
    execution.answer(DONE)
    assert execution.end() == "SUCCEEDED"


def test_an_idea_is_never_sent_back_for_changes(machines: Machines) -> None:
    assert begun(machines, where("changes", "claimant")).end() == "FAILED"
