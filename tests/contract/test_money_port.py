"""Money: never twice, never beyond the fund or the force's cap, every penny somewhere."""

from __future__ import annotations

import contextlib
import random

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.fund import Kind
from chalicelib.services.ports import ChangeRefused, MoveMoney, Parts
from tests.builders import a_movement


@pytest.fixture(autouse=True)
def fund(parts: Parts) -> None:
    parts.funds.open_fund(  # type: ignore[attr-defined]
        "ptf",
        name="the Police Transformation Fund",
        total_pence=100_000,
        caps={"kent": 60_000, "essex": 60_000},
    )


def move(parts: Parts, kind: Kind, amount_pence: object, **changes: object) -> bool:
    """Whether the movement was made."""
    try:
        parts.records.commit([MoveMoney(movement=a_movement(kind, amount_pence, **changes))])
    except ChangeRefused as refused:
        assert isinstance(refused.change, MoveMoney)
        return False
    return True


def figures(parts: Parts, force: str | None = None) -> tuple[int, int, int]:
    """Available, reserved and committed."""
    fund = parts.funds.fund("ptf")
    one = fund.forces[force] if force else fund.balance
    return one.available, one.reserved, one.committed


def test_a_fund_is_what_it_was_opened_with(parts: Parts) -> None:
    fund = parts.funds.fund("ptf")
    assert (fund.id, fund.name, fund.balance.total) == ("ptf", "the Police Transformation Fund", 100_000)
    assert {force: share.total for force, share in fund.forces.items()} == {"kent": 60_000, "essex": 60_000}
    with pytest.raises(NotFound):
        parts.funds.fund("other")


def test_opening_a_fund_again_keeps_its_balance(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    parts.funds.open_fund("ptf", name="fund", total_pence=5, caps={"kent": 5, "surrey": 7})  # type: ignore[attr-defined]
    assert figures(parts) == (90_000, 10_000, 0)
    assert figures(parts, "kent") == (50_000, 10_000, 0)
    assert figures(parts, "surrey") == (7, 0, 0)


def test_reserving_and_committing_move_the_fund_and_the_share_alike(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert figures(parts) == (90_000, 10_000, 0)
    assert figures(parts, "kent") == (50_000, 10_000, 0)
    assert move(parts, Kind.COMMIT, 10_000, sequence=2)
    assert figures(parts) == (90_000, 0, 10_000)
    assert figures(parts, "kent") == (50_000, 0, 10_000)
    assert figures(parts, "essex") == (60_000, 0, 0)


def test_releasing_gives_back(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert move(parts, Kind.RELEASE, 10_000, sequence=2)
    assert figures(parts) == (100_000, 0, 0)
    assert figures(parts, "kent") == (60_000, 0, 0)


def test_all_that_is_left_may_be_reserved_and_not_a_penny_more(parts: Parts) -> None:
    assert not move(parts, Kind.RESERVE, 60_001)
    assert move(parts, Kind.RESERVE, 60_000)
    assert not move(parts, Kind.RESERVE, 1, reference="CLM-0000-0001")
    assert not move(parts, Kind.RESERVE, 40_001, reference="CLM-0000-0002", force="essex")
    assert move(parts, Kind.RESERVE, 40_000, reference="CLM-0000-0002", force="essex")
    assert figures(parts)[0] == 0


def test_a_refused_movement_moves_neither_balance(parts: Parts) -> None:
    before = [figures(parts, force) for force in (None, "kent", "essex")]
    assert not move(parts, Kind.RESERVE, 60_001)
    assert not move(parts, Kind.COMMIT, 10)
    assert not move(parts, Kind.RELEASE, 10)
    assert [figures(parts, force) for force in (None, "kent", "essex")] == before


def test_a_force_without_a_share_gets_nothing(parts: Parts) -> None:
    assert not move(parts, Kind.RESERVE, 1, force="surrey")
    assert "surrey" not in parts.funds.fund("ptf").forces
    assert figures(parts)[0] == 100_000


def test_a_fund_that_is_not_there_gives_nothing(parts: Parts) -> None:
    assert not move(parts, Kind.RESERVE, 1, fund="other")
    with pytest.raises(NotFound):
        parts.funds.fund("other")


def test_the_same_line_twice_is_refused(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert not move(parts, Kind.RESERVE, 10_000)
    assert figures(parts) == (90_000, 10_000, 0)


def test_one_claim_is_reserved_once(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000, sequence=1)
    assert not move(parts, Kind.RESERVE, 10_000, sequence=2)
    assert figures(parts) == (90_000, 10_000, 0)


@pytest.mark.parametrize("first", [Kind.COMMIT, Kind.RELEASE])
@pytest.mark.parametrize("second", [Kind.COMMIT, Kind.RELEASE, Kind.RESERVE])
def test_what_was_settled_cannot_be_settled_again(parts: Parts, first: Kind, second: Kind) -> None:
    assert move(parts, Kind.RESERVE, 10_000, sequence=1)
    assert move(parts, Kind.RESERVE, 10_000, sequence=1, reference="CLM-0000-0001")
    assert move(parts, first, 10_000, sequence=2)
    before = figures(parts)
    assert not move(parts, second, 10_000, sequence=3)
    assert figures(parts) == before


@pytest.mark.parametrize("amount", [9_999, 10_001])
def test_another_amount_than_was_reserved_settles_nothing(parts: Parts, amount: int) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert move(parts, Kind.RESERVE, 10_000, reference="CLM-0000-0001")
    assert not move(parts, Kind.COMMIT, amount, sequence=2)
    assert not move(parts, Kind.RELEASE, amount, sequence=2)
    assert figures(parts) == (80_000, 20_000, 0)


@pytest.mark.parametrize("amount", [1.0, True, 0.5])
def test_only_whole_pence_move(parts: Parts, amount: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        move(parts, Kind.RESERVE, amount)
    assert figures(parts) == (100_000, 0, 0)


@pytest.mark.parametrize("amount", [-1, -10_000])
def test_a_negative_amount_makes_no_money(parts: Parts, amount: int) -> None:
    with contextlib.suppress(ValueError):
        move(parts, Kind.RESERVE, amount)
    assert figures(parts) == (100_000, 0, 0)


def test_every_penny_is_somewhere_whatever_is_tried(parts: Parts) -> None:
    chance = random.Random(20270111)
    claims: dict[str, tuple[str, int, str]] = {}
    for sequence in range(150):
        number = chance.randrange(12)
        reference = f"CLM-0000-{number:04d}"
        kind = chance.choice(list(Kind))
        force, amount, state = claims.get(
            reference, (chance.choice(["kent", "essex"]), chance.randint(1, 30_000), "new")
        )
        may = {Kind.RESERVE: state == "new"}.get(kind, state == "reserved")
        if kind is Kind.RESERVE:
            share, whole = figures(parts, force)[0], figures(parts)[0]
            may = may and amount <= min(share, whole)
        made = move(parts, kind, amount, force=force, reference=reference, sequence=sequence)
        assert made == may
        if made:
            claims[reference] = (force, amount, "reserved" if kind is Kind.RESERVE else kind.value)
    fund = parts.funds.fund("ptf")
    for name, state in (("reserved", "reserved"), ("committed", "commit")):
        expected = {
            force: sum(a for f, a, s in claims.values() if (f, s) == (force, state)) for force in fund.forces
        }
        assert {force: getattr(share, name) for force, share in fund.forces.items()} == expected
        assert getattr(fund.balance, name) == sum(expected.values())
    assert fund.balance.available + fund.balance.reserved + fund.balance.committed == 100_000
    assert fund.balance.available >= 0
