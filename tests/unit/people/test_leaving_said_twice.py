"""Leaving, said twice: the same is kept once, and something else is something new."""

from __future__ import annotations

from datetime import date
from typing import Any

from chalicelib.domain.people.person_changes import What
from chalicelib.services.people import leaving
from tests.builders import a_person
from tests.unit import scenes
from tests.unit.scenes import Scene

story = scenes.story

LEAD, COORDINATOR, NATIONAL = "lead-kent", "coordinator-kent", "national-coordinator"


def say(story: Scene, **given: Any) -> None:
    wanted = {"last_day": date(2027, 1, 15), "reason": "A new post", "by": COORDINATOR, **given}
    leaving.say(story.parts, story.person(LEAD), **wanted)


def test_saying_the_same_twice_is_kept_once(story: Scene) -> None:
    say(story)
    first = story.parts.leavings.leaving(LEAD)
    story.clock.pass_by(seconds=1)
    say(story)
    assert story.parts.leavings.leaving(LEAD) == first
    assert trail(story) == [What.LEAVING_SAID]
    for said in ({"reason": "Another post"}, {"by": NATIONAL}, {"last_day": date(2027, 1, 22)}):
        story.clock.pass_by(seconds=1)
        say(story, **said)
    assert trail(story) == [What.LEAVING_SAID] * 4, "something else is something new"


def test_the_same_said_twice_at_the_same_moment_is_kept_once(story: Scene) -> None:
    story.first(lambda: say(story))
    say(story)
    assert trail(story) == [What.LEAVING_SAID]


def test_leaving_at_once_that_broke_off_is_carried_on_by_saying_the_same_again(story: Scene) -> None:
    story.people.register([a_person("second", "innovation-lead@kent")])
    say(story, last_day=date(2027, 1, 8))
    say(story, last_day=date(2027, 1, 8), at_once=True)
    assert trail(story) == [What.LEAVING_SAID, What.LEFT]
    assert story.parts.people.person(LEAD) is None


def test_after_it_was_taken_back_the_same_can_be_said_anew(story: Scene) -> None:
    say(story)
    leaving.take_back(story.parts, story.person(LEAD), by=COORDINATOR)
    story.clock.pass_by(seconds=1)
    say(story)
    assert trail(story) == [What.LEAVING_SAID, What.LEAVING_TAKEN_BACK, What.LEAVING_SAID]


def trail(story: Scene) -> list[What]:
    changes = story.parts.leavings.changes(LEAD)
    return [one.what for one in sorted(changes, key=lambda one: one.at)]
