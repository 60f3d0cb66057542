"""Leaving: kept beside the person, taken back until the roles ended, and then all of it at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from chalicelib.domain.people.leaving import Leaving, Registered
from chalicelib.domain.people.people import Away, Holding, Person
from chalicelib.domain.people.person_changes import PersonChange, What
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, a_person

DAY = timedelta(days=1)
LEAD = Holding(role="innovation-lead", at="kent")
ANN = a_person("ann", "innovation-lead@kent", "coordinator@essex", name="Ann Ó Ŵ")


def a_leaving(
    person_id: str = "ann", said_at: datetime = MONDAY, ends_at: datetime = MONDAY + DAY
) -> Leaving:
    return Leaving(
        person_id=person_id,
        name=f"{person_id}, once",
        last_day=date(2027, 1, 11),
        ends_at=ends_at,
        reason="A new post",
        said_by="zoe",
        said_at=said_at,
    )


def a_change(what: What, at: datetime = MONDAY, person_id: str = "ann") -> PersonChange:
    return PersonChange(
        id=f"{what.value}-{at:%H%M}", person_id=person_id, at=at, actor="zoe", what=what, reason="A new post"
    )


def say(parts: Parts, leaving: Leaving, instead_of: Leaving | None = None) -> bool:
    change = a_change(What.LEAVING_SAID, leaving.said_at, leaving.person_id)
    return parts.leavings.say(leaving, change, instead_of=instead_of)


def end(
    parts: Parts, leaving: Leaving, person: Person | None = ANN, others: tuple[tuple[Holding, str], ...] = ()
) -> bool:
    begun = replace(leaving, left_at=MONDAY + DAY, roles=person.roles if person else ())
    return parts.leavings.end_roles(begun, person, a_change(What.LEFT, MONDAY + DAY), others=others)


def everybody(parts: Parts) -> list[Registered]:
    return parts.leavings.people_at("", after="", limit=1000)[0]


def ids_at(parts: Parts, place: str) -> list[str]:
    return sorted(one.person.id for one in parts.leavings.people_at(place, after="", limit=1000)[0])


def holders(parts: Parts) -> list[str]:
    return [person.id for person in parts.people.holders(LEAD)]


@pytest.fixture(autouse=True)
def _people(parts: Parts) -> None:
    parts.people.register([ANN, a_person("bob", "innovation-lead@kent"), a_person("zoe")])  # type: ignore[attr-defined]


def test_what_is_said_comes_back_with_the_person(parts: Parts) -> None:
    leaving = a_leaving()
    assert say(parts, leaving)
    assert parts.leavings.leaving("ann") == leaving
    assert {one.person.id: one.leaving for one in everybody(parts)} == {
        "ann": leaving,
        "bob": None,
        "zoe": None,
    }
    assert parts.leavings.changes("ann") == [a_change(What.LEAVING_SAID)]
    assert parts.people.person("ann") == ANN, "until then nothing changes"


def test_nobody_who_is_not_registered_leaves(parts: Parts) -> None:
    assert not say(parts, a_leaving("nobody"))
    assert parts.leavings.leaving("nobody") is None
    assert parts.leavings.changes("nobody") == []


def test_whoever_says_it_without_having_seen_what_was_said_is_refused(parts: Parts) -> None:
    first, second = a_leaving(), a_leaving(said_at=MONDAY + DAY)
    assert say(parts, first)
    assert not say(parts, second)
    assert parts.leavings.leaving("ann") == first
    assert say(parts, second, instead_of=first)
    assert not say(parts, a_leaving(said_at=MONDAY + 2 * DAY), instead_of=first)
    assert parts.leavings.leaving("ann") == second


def test_it_is_taken_back_until_the_roles_ended(parts: Parts) -> None:
    leaving = a_leaving()
    say(parts, leaving)
    taken_back = a_change(What.LEAVING_TAKEN_BACK)
    assert not parts.leavings.take_back(a_leaving(said_at=MONDAY + DAY), taken_back)
    assert parts.leavings.take_back(leaving, taken_back)
    assert parts.leavings.leaving("ann") is None
    assert not parts.leavings.take_back(leaving, taken_back)
    again = a_leaving(said_at=MONDAY + DAY)
    assert say(parts, again)
    assert end(parts, again)
    assert not parts.leavings.take_back(again, a_change(What.LEAVING_TAKEN_BACK, MONDAY + DAY))
    assert holders(parts) == ["bob"]


def test_it_is_due_from_its_moment_on_until_all_is_done(parts: Parts) -> None:
    leaving = a_leaving()
    say(parts, leaving)
    assert parts.leavings.due(leaving.ends_at - timedelta(microseconds=1), limit=10) == []
    assert parts.leavings.due(leaving.ends_at, limit=10) == ["ann"]
    end(parts, leaving)
    assert parts.leavings.due(leaving.ends_at, limit=10) == ["ann"]
    done = replace(leaving, left_at=MONDAY + DAY, roles=ANN.roles, done_at=MONDAY + 2 * DAY)
    for _ in range(2):
        parts.leavings.finish(done)
        assert parts.leavings.due(MONDAY + 90 * DAY, limit=10) == []
    assert parts.leavings.leaving("ann") == done


def test_what_has_not_begun_is_not_finished(parts: Parts) -> None:
    leaving = a_leaving()
    say(parts, leaving)
    parts.leavings.finish(replace(leaving, left_at=MONDAY, done_at=MONDAY))
    assert parts.leavings.leaving("ann") == leaving
    assert parts.leavings.due(leaving.ends_at, limit=10) == ["ann"]


def test_roles_address_and_days_away_end_together_and_once(parts: Parts) -> None:
    leaving = a_leaving()
    parts.people.set_away("ann", Away(first=date(2027, 1, 14), last=date(2027, 1, 15)))
    say(parts, leaving)
    assert end(parts, leaving)
    assert parts.people.person("ann") is None
    assert parts.people.by_address(ANN.address) is None
    assert parts.people.away("ann") is None
    assert holders(parts) == ["bob"]
    assert parts.people.holders(Holding(role="coordinator", at="essex")) == []
    kept = parts.leavings.leaving("ann")
    assert kept is not None
    assert (kept.left_at, kept.roles, kept.name) == (MONDAY + DAY, ANN.roles, "ann, once")
    assert not end(parts, leaving)
    assert [one.what for one in parts.leavings.changes("ann")] == [What.LEAVING_SAID, What.LEFT]
    assert sorted(one.person.id for one in everybody(parts)) == ["bob", "zoe"]
    assert parts.leavings.left("", limit=5) == [kept]


def test_a_role_that_was_given_meanwhile_is_not_passed_over(parts: Parts) -> None:
    leaving = a_leaving()
    say(parts, leaving)
    more = a_person("ann", "innovation-lead@kent", "coordinator@essex", "admin@national", name=ANN.name)
    parts.people.register([more])  # type: ignore[attr-defined]
    assert not end(parts, leaving)
    assert parts.people.person("ann") == more
    assert end(parts, leaving, more)


def test_what_was_said_anew_meanwhile_is_not_carried_out_as_before(parts: Parts) -> None:
    first = a_leaving()
    say(parts, first)
    say(parts, a_leaving(said_at=MONDAY + DAY), instead_of=first)
    assert not end(parts, first)
    assert parts.people.person("ann") == ANN


def test_two_who_hold_a_role_do_not_both_go_by_hand(parts: Parts) -> None:
    leaving, other = a_leaving(), a_leaving("bob")
    say(parts, leaving)
    say(parts, other)
    bob = parts.people.person("bob")
    assert end(parts, leaving, others=((LEAD, "bob"),))
    assert not end(parts, other, bob, others=((LEAD, "ann"),))
    assert holders(parts) == ["bob"]


def test_an_address_that_went_to_somebody_else_stays_theirs(parts: Parts) -> None:
    leaving = a_leaving()
    say(parts, leaving)
    parts.people.register([a_person("new", address=ANN.address)])  # type: ignore[attr-defined]
    assert end(parts, leaving)
    found = parts.people.by_address(ANN.address)
    assert found is not None
    assert found.id == "new"


def test_whose_item_is_gone_already_leaves_all_the_same(parts: Parts) -> None:
    leaving = a_leaving()
    say(parts, leaving)
    assert not end(parts, leaving, None), "they are there"
    assert end(parts, leaving)
    assert not end(parts, leaving, None)


def test_a_delegate_is_forgotten_and_the_days_stay(parts: Parts) -> None:
    away = Away(first=date(2027, 1, 14), last=date(2027, 1, 15), delegate_id="ann")
    parts.people.set_away("bob", away)
    assert not parts.leavings.forget_delegate("bob", "zoe")
    assert not parts.leavings.forget_delegate("zoe", "ann")
    assert parts.leavings.forget_delegate("bob", "ann")
    assert not parts.leavings.forget_delegate("bob", "ann")
    assert parts.people.away("bob") == replace(away, delegate_id="")
    assert parts.people.away("zoe") is None


def test_more_people_than_one_batch_takes(parts: Parts) -> None:
    parts.people.register([a_person(f"p{number:03d}") for number in range(120)])  # type: ignore[attr-defined]
    assert len(everybody(parts)) == 123


def test_people_are_found_by_the_places_where_they_hold_roles(parts: Parts) -> None:
    assert ids_at(parts, "kent") == ["ann", "bob"]
    assert ids_at(parts, "essex") == ["ann"]
    assert ids_at(parts, "ken") == ids_at(parts, "surrey") == []
    parts.people.register([a_person("ann", "innovation-lead@surrey"), a_person("bob")])  # type: ignore[attr-defined]
    assert ids_at(parts, "kent") == ids_at(parts, "essex") == []
    assert ids_at(parts, "surrey") == ["ann"]


def test_pages_of_people_hold_each_of_them_once(parts: Parts) -> None:
    parts.people.register([a_person(f"p{number:02d}", "coordinator@kent") for number in range(10)])  # type: ignore[attr-defined]
    for place, count in (("", 13), ("kent", 12)):
        found, after = parts.leavings.people_at(place, after="", limit=3)
        while after:
            assert len(found) % 3 == 0
            more, after = parts.leavings.people_at(place, after=after, limit=3)
            found += more
        assert len({one.person.id for one in found}) == len(found) == count


def test_who_has_left_is_found_by_each_place_until_they_are_to_leave_once_more(parts: Parts) -> None:
    leaving = a_leaving()
    say(parts, leaving)
    assert parts.leavings.left("kent", limit=5) == []
    end(parts, leaving)
    assert ids_at(parts, "kent") == ["bob"]
    assert ids_at(parts, "essex") == []
    kept = parts.leavings.leaving("ann")
    assert kept is not None
    for place in ("kent", "essex", ""):
        assert parts.leavings.left(place, limit=5) == [kept]
    assert parts.leavings.left("surrey", limit=5) == []
    parts.people.register([ANN], bring_back=["ann"])  # type: ignore[attr-defined]
    assert ids_at(parts, "kent") == ["ann", "bob"]
    assert say(parts, a_leaving(said_at=MONDAY + 2 * DAY), instead_of=kept)
    for place in ("kent", "essex", ""):
        assert parts.leavings.left(place, limit=5) == []
