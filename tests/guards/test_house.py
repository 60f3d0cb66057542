"""The plan of the code in docs/architecture.md is the code's, and capabilities keep to each other's public modules."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest

from infra import house, pictures

PLAN = unescape(house.PICTURE.read_text(encoding="utf-8"))


def test_the_plan_is_what_the_code_makes() -> None:
    assert house.draw() == house.PICTURE.read_text(encoding="utf-8"), "make pictures draws it again"


def test_the_guide_shows_the_plan() -> None:
    guide = (pictures.ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert "](images/house.svg)" in guide


@pytest.mark.parametrize("capability", house.capabilities())
def test_every_module_of_a_capability_is_in_the_plan(capability: str) -> None:
    rooms = [house.modules(house.CODE / folder / capability) for folder in house.LAYERS.values()]
    assert any(rooms)
    assert capability in PLAN
    assert [name for room in rooms for name in room if name not in PLAN] == []


def test_no_module_lies_outside_the_rooms() -> None:
    """A module that is for every capability may lie beside the rooms; these do."""
    beside = {
        "domain": {"dates", "errors", "lists", "sentences", "values"},
        "services": {"changes", "revision"},
        "adapters": {"openid"},
        "web": {"background"},
    }
    found = {
        layer: {one.stem for one in (house.CODE / layer).glob("*.py")} - {"__init__"} for layer in beside
    }
    assert found == beside


def test_a_room_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert house.modules(tmp_path / "nowhere") == []
