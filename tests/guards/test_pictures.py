"""The pictures of the workflows: each is what its file and the definition make, and leaves nothing out."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest

from infra import machines, pictures

pytestmark = pytest.mark.slow

WORKFLOWS = pictures.workflows()
each_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def a_state(kind: str, **more: Any) -> dict[str, Any]:
    return {"Type": kind, **more}


def a_task(stage: str, asked: str, goes_to: str, late: str) -> dict[str, Any]:
    return a_state(
        "Task",
        Parameters={"Payload": {"stage": stage, "asked": asked}},
        Catch=[
            {"ErrorEquals": ["States.Timeout"], "Next": late},
            {"ErrorEquals": ["States.ALL"], "Next": "Broken"},
        ],
        Next=goes_to,
    )


def a_machine() -> pictures.Machine:
    """One stage with two turns."""
    begin = a_state(
        "Choice",
        Choices=[{"Next": "finance.Ask"}, {"Next": "finance.Deputy"}, {"Next": "Done"}],
        Default="Odd",
    )
    states = {
        "Begin": begin,
        "Done": a_state("Succeed"),
        "Odd": a_state("Fail"),
        "Broken": a_state("Fail"),
        "finance.Ask": a_task("finance", "approver", "Begin", "finance.Deputy"),
        "finance.Deputy": a_task("finance", "deputy", "Begin", "finance.Again"),
        "finance.Again": a_state("Pass", Next="finance.Deputy"),
    }
    notes = {"finance.Ask": "fund holder, 5 working days"}
    return pictures.Machine(start="Begin", states=states, titles={"finance": "finance, over £5"}, notes=notes)


@each_workflow
def test_the_picture_is_what_the_workflow_makes(name: str) -> None:
    drawn = pictures.draw_workflow(WORKFLOWS[name])
    assert drawn == pictures.picture(name).read_text(encoding="utf-8"), "make pictures draws it again"


@each_workflow
def test_every_stage_and_every_state_is_in_the_picture_by_its_name(name: str) -> None:
    text = unescape(pictures.picture(name).read_text(encoding="utf-8"))
    definition = json.loads(machines.definition().read_text(encoding="utf-8"))
    for stage in WORKFLOWS[name].stages:
        assert stage.name in text
    for state in pictures.unfold(definition, WORKFLOWS[name]).states:
        assert state.rpartition(".")[2] in text


@each_workflow
def test_the_guide_shows_the_picture(name: str) -> None:
    guide = (pictures.ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")
    assert f"](images/{name}.svg)" in guide


def test_only_a_workflow_that_may_ask_for_changes_shows_the_submitters_turn() -> None:
    definition = json.loads(machines.definition().read_text(encoding="utf-8"))
    shown = {name: "changes" in pictures.unfold(definition, one).stages for name, one in WORKFLOWS.items()}
    assert shown == {name: one.may_return for name, one in WORKFLOWS.items()}
    assert set(shown.values()) == {True, False}


def test_states_that_belong_to_a_stage_stand_in_its_frame_under_its_title() -> None:
    assert a_machine().stages == {
        "": ["Begin", "Done", "Odd", "Broken"],
        "finance": ["finance.Ask", "finance.Deputy", "finance.Again"],
    }
    assert "label=<<b>finance, over £5</b>>" in pictures.dot(a_machine())


def test_a_state_says_whom_it_asks_and_for_how_long() -> None:
    assert ">Ask<br/>fund holder, 5 working days</font>" in pictures.dot(a_machine())


def test_a_way_to_every_turn_of_a_stage_is_one_arrow_at_its_frame() -> None:
    arrows = [line for line in pictures.dot(a_machine()).splitlines() if line.startswith('"Begin" ->')]
    assert [arrow.split(" [")[0] for arrow in arrows] == ['"Begin" -> "finance.Ask":n', '"Begin" -> "Odd"']
    assert 'lhead="cluster_finance", dir=both' in arrows[0]


def test_a_time_out_is_dashed_and_says_so() -> None:
    late = [line for line in pictures.dot(a_machine()).splitlines() if "dashed" in line]
    assert [line.split(" [")[0] for line in late] == [
        '"finance.Ask" -> "finance.Deputy"',
        '"finance.Deputy" -> "finance.Again"',
    ]
    assert all("time-out" in line for line in late)


def test_where_only_errors_lead_is_named_and_not_drawn() -> None:
    drawn = pictures.dot(a_machine())
    assert "Not drawn: errors, which end in Broken." in drawn
    assert '"Broken"' not in drawn


def test_what_graphviz_cannot_read_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        pictures.draw("no graph at all {")
