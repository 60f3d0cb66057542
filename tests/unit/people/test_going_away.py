"""Days away: what may be said of them, and who may be asked meanwhile."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from chalicelib.domain.errors import InvalidAnswers
from chalicelib.domain.people.people import Away
from chalicelib.services.people import days_away
from tests.builders import a_person
from tests.unit import scenes
from tests.unit.scenes import Scene, panel, register_panel

story = scenes.story

LEAD, DEPUTY = "lead-kent", "deputy-kent"
FIRST, LAST = date(2027, 1, 13), date(2027, 1, 15)


def go(
    story: Scene, first: date | None = FIRST, last: date | None = LAST, delegate: str = "", who: str = LEAD
) -> None:
    days_away.go_away(story.parts, story.person(who), first=first, last=last, delegate=delegate)


def problems(story: Scene, **given: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidAnswers) as caught:
        go(story, **given)  # type: ignore[arg-type]
    assert story.parts.people.away(LEAD) is None
    return [(one.pointer, one.message) for one in caught.value.problems]


def colleagues(story: Scene, who: str = LEAD) -> list[tuple[str, str]]:
    view = days_away.away_view(story.parts, story.person(who))
    return [(one.person_id, one.role) for one in view.colleagues]


def test_the_days_and_the_delegate_are_kept_and_shown(story: Scene) -> None:
    go(story, delegate=DEPUTY)
    kept = Away(first=FIRST, last=LAST, delegate_id=DEPUTY)
    assert story.parts.people.away(LEAD) == kept
    view = days_away.away_view(story.parts, story.person(LEAD))
    assert (view.away, view.delegate_name) == (kept, "Deputy Kent")


def test_without_a_delegate_it_is_for_the_deputy(story: Scene) -> None:
    go(story)
    view = days_away.away_view(story.parts, story.person(LEAD))
    assert (view.away, view.delegate_name) == (Away(first=FIRST, last=LAST), "")
    reference = story.submit().reference
    story.clock.at = datetime(2027, 1, 13, 9, tzinfo=timezone.utc)
    story.ask(reference)
    assert story.task_states(reference) == [(DEPUTY, "open", 0)]


def test_new_days_take_the_place_of_the_old_ones(story: Scene) -> None:
    go(story, delegate=DEPUTY)
    go(story, first=date(2027, 2, 1), last=date(2027, 2, 1))
    assert story.parts.people.away(LEAD) == Away(first=date(2027, 2, 1), last=date(2027, 2, 1))


@pytest.mark.parametrize(
    "days",
    [
        (date(2027, 1, 11), date(2027, 1, 11)),  # today, and only today
        (date(2027, 1, 4), date(2027, 1, 11)),  # away already
        (date(2027, 2, 1), date(2028, 2, 2)),  # a year and a day
    ],
)
def test_days_that_can_be_kept(story: Scene, days: tuple[date, date]) -> None:
    go(story, *days)
    assert story.parts.people.away(LEAD) == Away(first=days[0], last=days[1])


def test_both_days_must_be_said(story: Scene) -> None:
    first = ("/first", "Enter the first day you are away, such as 27 3 2027")
    last = ("/last", "Enter the last day you are away, such as 2 4 2027")
    assert problems(story, first=None) == [first]
    assert problems(story, last=None) == [last]
    assert problems(story, first=None, last=None) == [first, last]


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (date(2027, 1, 13), date(2027, 1, 12), "The last day must be the same as or after the first"),
        (date(2027, 1, 4), date(2027, 1, 10), "The last day must not be in the past"),
        (None, date(2027, 1, 10), "The last day must not be in the past"),
        (
            date(2027, 2, 1),
            date(2028, 2, 3),
            "A year is the longest we keep. Hand your role over instead",
        ),
    ],
)
def test_days_that_cannot_be(story: Scene, first: date | None, last: date, message: str) -> None:
    assert ("/last", message) in problems(story, first=first, last=last)


def test_today_is_the_day_in_london(story: Scene) -> None:
    story.clock.at = datetime(2027, 7, 12, 23, 30, tzinfo=timezone.utc)  # half past midnight on the 13th
    assert problems(story, first=date(2027, 7, 12), last=date(2027, 7, 12)) == [
        ("/last", "The last day must not be in the past")
    ]
    go(story, first=date(2027, 7, 12), last=date(2027, 7, 13))
    assert days_away.away_view(story.parts, story.person(LEAD)).away is not None


@pytest.mark.parametrize("delegate", [LEAD, "programme", "lead-essex", "coordinator-kent", "nobody"])
def test_a_delegate_must_be_on_the_list(story: Scene, delegate: str) -> None:
    assert problems(story, delegate=delegate) == [("/delegate", "Choose somebody from the list")]


def test_all_problems_are_said_at_once(story: Scene) -> None:
    assert [pointer for pointer, _ in problems(story, first=None, last=None, delegate="nobody")] == [
        "/first",
        "/last",
        "/delegate",
    ]


def test_the_list_has_those_who_may_decide_the_same_at_the_same_place(story: Scene) -> None:
    story.people.register(
        [
            a_person("z-lead", "innovation-lead@kent", name="Ada"),
            a_person("both", "programme-manager@national"),
        ]
    )
    assert colleagues(story) == [("z-lead", "innovation lead"), (DEPUTY, "deputy innovation lead")]
    assert colleagues(story, DEPUTY) == [("z-lead", "innovation lead"), (LEAD, "innovation lead")]
    assert colleagues(story, "programme") == [
        ("both", "programme manager"),
        ("programme-deputy", "deputy programme manager"),
    ]


def test_whoever_decides_nothing_has_nobody_on_the_list(story: Scene) -> None:
    assert colleagues(story, "coordinator-kent") == []


def test_whoever_holds_two_roles_has_the_colleagues_of_both_each_once(story: Scene) -> None:
    story.people.register(
        [
            a_person(LEAD, "innovation-lead@kent", "innovation-lead@essex"),
            a_person(DEPUTY, "innovation-lead-deputy@kent", "innovation-lead-deputy@essex"),
        ]
    )
    assert sorted(one for one, _ in colleagues(story)) == ["deputy-essex", DEPUTY, "lead-essex"]


def test_on_a_panel_the_colleagues_are_those_of_the_same_seat(story: Scene) -> None:
    register_panel(story)
    story.use_form(panel())
    assert colleagues(story, "tech") == [("tech-deputy", "tech lead deputy")]


def test_days_that_are_over_are_not_shown(story: Scene) -> None:
    go(story, delegate=DEPUTY)
    story.clock.at = datetime(2027, 1, 15, 23, 59, tzinfo=timezone.utc)
    assert days_away.away_view(story.parts, story.person(LEAD)).away is not None
    story.clock.at = datetime(2027, 1, 16, 0, 0, tzinfo=timezone.utc)
    view = days_away.away_view(story.parts, story.person(LEAD))
    assert (view.away, view.delegate_name) == (None, "")
    assert [one for one, _ in colleagues(story)] == [DEPUTY]


def test_a_delegate_who_left_is_shown_without_a_name(story: Scene) -> None:
    go(story, delegate=DEPUTY)
    story.people.remove(DEPUTY)
    view = days_away.away_view(story.parts, story.person(LEAD))
    assert view.away is not None
    assert view.delegate_name == ""


def test_whoever_comes_back_is_asked_again(story: Scene) -> None:
    go(story, first=date(2027, 1, 11), delegate=DEPUTY)
    assert story.task_states(story.asked()) == [(DEPUTY, "open", 0)]
    days_away.come_back(story.parts, story.person(LEAD))
    assert story.parts.people.away(LEAD) is None
    assert story.task_states(story.asked()) == [(LEAD, "open", 0)]
    days_away.come_back(story.parts, story.person(LEAD))  # never mind


def test_a_task_that_was_given_before_stays_where_it_is(story: Scene) -> None:
    reference = story.asked()
    go(story, first=date(2027, 1, 11), delegate=DEPUTY)
    story.ask(reference)
    assert story.task_states(reference) == [(LEAD, "open", 0)]
