"""The desk counts what is open, however much there was before and since."""

from __future__ import annotations

import pytest

from chalicelib.services.desk import overview
from tests.builders import a_person
from tests.unit.scenes import Scene, a_scene

KENT = a_person("coordinator-kent", "coordinator@kent")
BOTH = a_person("both", "coordinator@kent", "admin@essex")
NATIONAL = a_person("national-coordinator", "coordinator@national")


@pytest.fixture
def story() -> Scene:
    return a_scene()


def counted(story: Scene, person: object) -> tuple[int, bool]:
    found = overview.desk_for(story.parts, person)  # type: ignore[arg-type]
    return sum(at.open for at in found.stages), found.is_whole


def test_an_old_open_claim_is_counted_after_many_that_ended(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_READ", 3)
    story.submit()
    for _ in range(3):
        story.parts.now.pass_by(minutes=1)  # type: ignore[attr-defined]
        story.withdraw(story.submit().reference)
    for person in (KENT, NATIONAL):
        assert counted(story, person) == (1, True)


def test_it_says_where_more_are_open_than_are_counted(story: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "MOST_READ", 2)
    story.submit()
    story.submit(force="essex")
    assert counted(story, BOTH) == (2, True), "so many of each force"
    story.submit()
    assert counted(story, KENT) == (2, False)
    assert counted(story, NATIONAL) == (2, False)
