"""People: one person for each mailbox, however it is spelled."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.domain.people.people import Away, Holding
from chalicelib.services.changes import ChangeRefused, StillHolds
from chalicelib.services.ports import Parts
from tests.builders import a_person

LEAD = Holding(role="innovation-lead", at="kent")


def register(parts: Parts, *people: object) -> None:
    parts.people.register(people)  # type: ignore[attr-defined]


def test_a_person_comes_back_as_registered(parts: Parts) -> None:
    ann = a_person("ann", "innovation-lead@kent", "coordinator@essex", name="Ann Ó Ŵ")
    register(parts, ann)
    assert parts.people.person("ann") == ann
    assert parts.people.person("bob") is None


@pytest.mark.parametrize(
    "spelling",
    [
        "ann.smith@example.police.uk",
        "Ann.Smith@Example.Police.UK",
        "  ann.smith@example.police.uk ",
        "ann.smith+claims@example.police.uk",
        "ANN.SMITH+a+b@EXAMPLE.police.uk",
        "ａｎｎ.smith@example.police.uk",
    ],
)
def test_a_person_is_found_however_the_address_is_spelled(parts: Parts, spelling: str) -> None:
    register(parts, a_person("ann", address="Ann.Smith@example.police.uk"))
    found = parts.people.by_address(spelling)
    assert found is not None
    assert found.id == "ann"
    assert found.address == "Ann.Smith@example.police.uk"


@pytest.mark.parametrize(
    "other",
    ["", "@", "ann", "annsmith@example.police.uk", "ann.smith@example.police.uk.evil.org", "+x@example.org"],
)
def test_another_address_is_nobody(parts: Parts, other: str) -> None:
    register(parts, a_person("ann", address="ann.smith@example.police.uk"))
    assert parts.people.by_address(other) is None


def test_holders_are_those_of_the_role_at_the_place(parts: Parts) -> None:
    register(
        parts,
        a_person("zoe", "innovation-lead@kent"),
        a_person("ann", "innovation-lead@kent", "coordinator@kent"),
        a_person("bob", "innovation-lead@essex"),
        a_person("eve", "innovation-lead-deputy@kent"),
    )
    found = parts.people.holders(LEAD)
    assert sorted(person.id for person in found) == ["ann", "zoe"]
    assert all(person.roles == (LEAD,) for person in found)
    assert {person.address for person in found} == {"ann@example.police.uk", "zoe@example.police.uk"}
    assert parts.people.holders(Holding(role="innovation-lead", at="surrey")) == []


def test_registering_again_replaces_the_name(parts: Parts) -> None:
    register(parts, a_person("ann", "innovation-lead@kent", name="Ann Smith"))
    register(parts, a_person("ann", "innovation-lead@kent", name="Ann Jones"))
    assert parts.people.person("ann").name == "Ann Jones"  # type: ignore[union-attr]
    assert [person.name for person in parts.people.holders(LEAD)] == ["Ann Jones"]


def test_whoever_lost_a_role_holds_it_no_more(parts: Parts) -> None:
    register(parts, a_person("ann", "innovation-lead@kent"))
    register(parts, a_person("ann", "coordinator@kent"))
    assert parts.people.holders(LEAD) == []
    with pytest.raises(ChangeRefused):
        parts.records.commit([StillHolds(person_id="ann", holding=LEAD)])


def test_an_address_given_up_leads_to_nobody(parts: Parts) -> None:
    register(parts, a_person("ann", address="ann.old@example.police.uk"))
    register(parts, a_person("ann", address="ann.new@example.police.uk"))
    assert parts.people.by_address("ann.old@example.police.uk") is None
    assert parts.people.by_address("ann.new@example.police.uk").id == "ann"  # type: ignore[union-attr]


def test_more_people_than_one_batch_takes(parts: Parts) -> None:
    register(parts, *(a_person(f"p{number:03d}", "innovation-lead@kent") for number in range(60)))
    assert len(parts.people.holders(LEAD)) == 60


def test_nobody_is_away_until_they_say_so(parts: Parts) -> None:
    register(parts, a_person("ann"))
    assert parts.people.away("ann") is None
    assert parts.people.away("nobody") is None


@pytest.mark.parametrize("delegate", ["bob", ""])
def test_days_away_come_back_as_they_were_said(parts: Parts, delegate: str) -> None:
    register(parts, a_person("ann"))
    away = Away(first=date(2027, 1, 14), last=date(2027, 2, 1), delegate_id=delegate)
    parts.people.set_away("ann", away)
    assert parts.people.away("ann") == away
    assert parts.people.away("bob") is None


def test_new_days_away_take_the_place_of_the_old_ones(parts: Parts) -> None:
    register(parts, a_person("ann"))
    parts.people.set_away("ann", Away(first=date(2027, 1, 1), last=date(2027, 1, 2), delegate_id="bob"))
    later = Away(first=date(2027, 3, 1), last=date(2027, 3, 1))
    parts.people.set_away("ann", later)
    assert parts.people.away("ann") == later
    parts.people.set_away("ann", None)
    assert parts.people.away("ann") is None
    parts.people.set_away("ann", None)
    assert parts.people.away("ann") is None


def test_days_away_stand_beside_the_person_and_outlast_a_new_registration(parts: Parts) -> None:
    ann = a_person("ann", "innovation-lead@kent")
    register(parts, ann)
    away = Away(first=date(2027, 1, 14), last=date(2027, 1, 15))
    parts.people.set_away("ann", away)
    assert parts.people.person("ann") == ann
    assert [person.id for person in parts.people.holders(LEAD)] == ["ann"]
    register(parts, a_person("ann", "innovation-lead@kent", name="Ann Jones"))
    assert parts.people.away("ann") == away
