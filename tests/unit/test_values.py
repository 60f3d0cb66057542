"""What a `@value` is: a frozen dataclass in everything but how long it takes to make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace

import pytest

from chalicelib.domain.values import value


@value
class Claim:
    reference: str
    pence: int = 0
    words: Mapping[str, str] = field(default_factory=dict)
    looked_at: int = field(default=0, compare=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Plain:
    reference: str
    pence: int = 0
    words: Mapping[str, str] = field(default_factory=dict)
    looked_at: int = field(default=0, compare=False)
    secret: str = field(default="", repr=False)


@value
class Place:
    force: str
    number: int


@value
class Seat(Place):
    row: int = 0


def test_values_that_hold_the_same_are_equal_whatever_is_not_compared() -> None:
    assert Claim(reference="a", pence=1, looked_at=1) == Claim(reference="a", pence=1, looked_at=2)
    assert Claim(reference="a", pence=1) != Claim(reference="a", pence=2)
    assert Claim(reference="a") != Plain(reference="a")
    assert Claim(reference="a") != "a"


def test_a_value_of_another_class_is_another_value() -> None:
    assert Place(force="kent", number=1) != Seat(force="kent", number=1)
    assert Seat(force="kent", number=1, row=2) != Seat(force="kent", number=1, row=3)
    assert Seat(force="kent", number=1, row=2) == Seat(force="kent", number=1, row=2)


def test_equal_values_are_found_in_sets_and_mappings() -> None:
    assert len({Place(force="kent", number=1), Place(force="kent", number=1)}) == 1
    assert {Place(force="kent", number=1): "x"}[Place(force="kent", number=1)] == "x"
    with pytest.raises(TypeError, match="unhashable"):
        hash(Claim(reference="a"))


def test_a_value_never_changes() -> None:
    one = Claim(reference="a")
    with pytest.raises(FrozenInstanceError):
        one.pence = 5  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.pence
    assert one == Claim(reference="a")


def test_a_value_is_shown_as_a_dataclass_is() -> None:
    given = {"reference": "a", "pence": 3, "words": {"b": "c"}, "secret": "s"}
    shown = repr(Claim(**given))  # type: ignore[arg-type]
    assert shown == repr(Plain(**given)).replace("Plain", "Claim")  # type: ignore[arg-type]
    assert "secret" not in shown


def test_what_works_on_dataclasses_works_on_values() -> None:
    one = replace(Claim(reference="a"), pence=7)
    assert asdict(one) == {"reference": "a", "pence": 7, "words": {}, "looked_at": 0, "secret": ""}
    with pytest.raises(TypeError):
        Claim("a")  # type: ignore[misc]
