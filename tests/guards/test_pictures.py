"""The pictures of the state machines: each is what its file makes, and leaves nothing out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra import pictures

FILES = sorted(pictures.WORKFLOWS.glob("*.asl.json"))
each_machine = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


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


def a_machine(**changes: Any) -> pictures.Machine:
    """One stage with two turns."""
    states = {
        "Begin": a_state(
            "Choice", Choices=[{"Next": "Ask"}, {"Next": "Deputy"}, {"Next": "Done"}], Default="Odd"
        ),
        "Ask": a_task("finance", "approver", "Route", "Deputy"),
        "Deputy": a_task("finance", "deputy", "Route", "Again"),
        "Again": a_state("Pass", Next="Deputy"),
        "Route": a_state("Choice", Choices=[{"Next": "Ask"}, {"Next": "Deputy"}], Default="Begin"),
        "Done": a_state("Succeed"),
        "Odd": a_state("Fail"),
        "Broken": a_state("Fail"),
    }
    return pictures.Machine(start="Begin", states={**states, **changes})


@each_machine
def test_the_picture_is_what_the_file_makes(file: Path) -> None:
    drawn = pictures.draw(pictures.dot(pictures.read(file)))
    assert drawn == pictures.picture(file).read_text(encoding="utf-8"), "make pictures draws it anew"


@each_machine
def test_every_state_is_in_the_picture_by_its_name(file: Path) -> None:
    text = pictures.picture(file).read_text(encoding="utf-8")
    for name in pictures.read(file).states:
        assert name in text


@each_machine
def test_the_guide_shows_the_picture(file: Path) -> None:
    guide = (pictures.ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")
    assert f"](images/{pictures.picture(file).name})" in guide


def test_states_that_belong_to_a_stage_stand_in_its_frame() -> None:
    assert a_machine().stages == {
        "": ["Begin", "Done", "Odd", "Broken"],
        "finance": ["Ask", "Deputy", "Again", "Route"],
    }


def test_a_way_to_every_turn_of_a_stage_is_one_arrow_at_its_frame() -> None:
    arrows = [line for line in pictures.dot(a_machine()).splitlines() if line.startswith('"Begin" ->')]
    assert [arrow.split(" [")[0] for arrow in arrows] == ['"Begin" -> "Route":n', '"Begin" -> "Odd"']
    assert 'lhead="cluster_finance", dir=both' in arrows[0]


def test_a_way_to_only_one_turn_leads_to_that_turn() -> None:
    begin = a_state("Choice", Choices=[{"Next": "Deputy"}, {"Next": "Done"}], Default="Odd")
    drawn = pictures.dot(a_machine(Begin=begin))
    assert '"Begin" -> "Deputy" [' in drawn
    assert "lhead" not in drawn
    assert '"Route" -> "Begin" [' in drawn


def test_a_way_there_and_back_is_one_arrow_with_two_heads() -> None:
    drawn = pictures.dot(a_machine())
    assert '"Route" -> "Ask" [dir=both' in drawn
    assert '"Ask" -> "Route"' not in drawn


def test_a_time_out_is_dashed_and_says_so() -> None:
    late = [line for line in pictures.dot(a_machine()).splitlines() if "dashed" in line]
    assert [line.split(" [")[0] for line in late] == ['"Ask" -> "Deputy"', '"Deputy" -> "Again"']
    assert all("time-out" in line for line in late)


def test_where_only_errors_lead_is_named_and_not_drawn() -> None:
    drawn = pictures.dot(a_machine())
    assert "Not drawn: errors, which end in Broken." in drawn
    assert '"Broken"' not in drawn


def test_what_graphviz_cannot_read_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        pictures.draw("no graph at all {")
