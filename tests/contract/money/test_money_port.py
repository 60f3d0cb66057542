"""Money: never twice, never beyond the fund or the force's cap, every penny somewhere."""

from __future__ import annotations

import contextlib
import random
from collections import Counter

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.money.fund import Balance, Held, Kept, Kind, Movement, as_lines_say
from chalicelib.services.changes import ChangeRefused, MoveMoney
from chalicelib.services.ports import Parts
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
    return commits(parts, a_movement(kind, amount_pence, **changes))


def commits(parts: Parts, movement: Movement) -> bool:
    try:
        parts.records.commit([MoveMoney(movement=movement)])
    except ChangeRefused as refused:
        assert isinstance(refused.change, MoveMoney)
        return False
    return True


FIGURES = ("reserved", "committed", "spent", "returned")


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


def test_a_fund_for_one_force_tells_no_other_force_s_share(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    whole, fund = parts.funds.fund("ptf"), parts.funds.fund("ptf", force="kent")
    assert (fund.id, fund.name, fund.balance) == (whole.id, whole.name, whole.balance)
    assert fund.forces == {"kent": whole.forces["kent"]}
    assert parts.funds.fund("ptf", force="surrey").forces == {}
    with pytest.raises(NotFound):
        parts.funds.fund("other", force="kent")


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
    assert move(parts, Kind.COMMIT, 10_000, revision=2)
    assert figures(parts) == (90_000, 0, 10_000)
    assert figures(parts, "kent") == (50_000, 0, 10_000)
    assert figures(parts, "essex") == (60_000, 0, 0)


def test_releasing_gives_back(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert move(parts, Kind.RELEASE, 10_000, revision=2)
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
    assert move(parts, Kind.RESERVE, 10_000, revision=1)
    assert not move(parts, Kind.RESERVE, 10_000, revision=2)
    assert figures(parts) == (90_000, 10_000, 0)


def test_an_approval_that_is_taken_back_is_reserved_again_and_may_be_committed_again(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert move(parts, Kind.COMMIT, 10_000, revision=2)
    assert move(parts, Kind.UNCOMMIT, 10_000, revision=3)
    assert figures(parts) == (90_000, 10_000, 0)
    assert figures(parts, "kent") == (50_000, 10_000, 0)
    assert move(parts, Kind.COMMIT, 10_000, revision=4)
    assert figures(parts, "kent") == (50_000, 0, 10_000)


def test_giving_up_what_was_approved_makes_it_available_again(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert move(parts, Kind.COMMIT, 10_000, revision=2)
    assert move(parts, Kind.CANCEL, 10_000, revision=3)
    assert figures(parts) == (100_000, 0, 0)
    assert figures(parts, "kent") == (60_000, 0, 0)
    assert move(parts, Kind.RESERVE, 10_000, revision=4), "what is held is nothing, as at first"


def test_a_part_is_released_and_more_is_reserved_beside_what_is_held(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert move(parts, Kind.RELEASE, 4_000, revision=2, before=Held(reserved=10_000))
    assert figures(parts, "kent") == (54_000, 6_000, 0)
    assert move(parts, Kind.RESERVE, 9_000, revision=3, before=Held(reserved=6_000))
    assert figures(parts, "kent") == (45_000, 15_000, 0)
    assert figures(parts) == (85_000, 15_000, 0)


@pytest.mark.parametrize("first", [Kind.COMMIT, Kind.RELEASE])
@pytest.mark.parametrize("second", [Kind.COMMIT, Kind.RELEASE])
def test_what_was_settled_cannot_be_settled_again(parts: Parts, first: Kind, second: Kind) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert move(parts, Kind.RESERVE, 10_000, reference="CLM-0000-0001")
    assert move(parts, first, 10_000, revision=2)
    before = figures(parts)
    assert not move(parts, second, 10_000, revision=3)
    assert figures(parts) == before


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    "taken_for",
    [
        Held(reserved=9_999, committed=5_000, spent=2_000),
        Held(reserved=10_001, committed=5_000, spent=2_000),
        Held(reserved=10_000, committed=4_999, spent=2_000),
        Held(reserved=5_000, committed=10_000, spent=2_000),
        Held(reserved=10_000, committed=5_000),
        Held(reserved=10_000, committed=5_000, spent=2_001),
        Held(reserved=10_000, committed=5_000, spent=2_000, returned=1),
        Held(reserved=10_000),
        Held(committed=5_000),
        Held(),
    ],
)
def test_a_movement_that_takes_another_amount_for_held_is_refused(
    parts: Parts, kind: Kind, taken_for: Held
) -> None:
    assert move(parts, Kind.RESERVE, 17_000)
    assert move(parts, Kind.COMMIT, 7_000, revision=2, before=Held(reserved=17_000))
    assert move(parts, Kind.PAY, 2_000, revision=3, before=Held(reserved=10_000, committed=7_000))
    assert move(parts, Kind.RESERVE, 20_000, reference="CLM-0000-0001"), "there is money in every balance"
    assert move(
        parts, Kind.COMMIT, 10_000, revision=2, reference="CLM-0000-0001", before=Held(reserved=20_000)
    )
    before = figures(parts)
    with contextlib.suppress(ValueError):  # it takes more than it says is held
        assert not move(parts, kind, 1_000, revision=4, before=taken_for)
    assert figures(parts) == before
    assert move(parts, kind, 1_000, revision=4, before=Held(reserved=10_000, committed=5_000, spent=2_000))


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
    claims: dict[str, tuple[str, Held]] = {}
    made_of = Counter[Kind]()
    for revision in range(250):
        reference = f"CLM-0000-{chance.randrange(12):04d}"
        force, held = claims.get(reference, (chance.choice(["kent", "essex"]), Held()))
        kind = chance.choice(list(Kind))
        most = {Kind.RESERVE: 30_000, Kind.COMMIT: held.reserved, Kind.RELEASE: held.reserved}
        most[Kind.RETURN] = held.spent - held.returned
        amount = chance.randint(1, most.get(kind, held.committed) or 1)
        is_stale = chance.random() < 0.2
        before = Held(reserved=held.reserved + 1, committed=held.committed + 1) if is_stale else held
        try:
            movement = a_movement(
                kind, amount, force=force, reference=reference, revision=revision, before=before
            )
        except ValueError:
            continue  # it takes more than is held
        may = not is_stale
        if kind is Kind.RESERVE:
            may = may and amount <= min(figures(parts, force)[0], figures(parts)[0])
        assert commits(parts, movement) == may
        if may:
            claims[reference] = (force, movement.after)
            made_of[kind] += 1
        all_held = [held for _, held in claims.values()]
        for name in FIGURES:
            assert getattr(parts.funds.fund("ptf").balance, name) == sum(
                getattr(one, name) for one in all_held
            )
    assert min(made_of[kind] for kind in Kind) > 0, "every kind of movement was tried"
    fund = parts.funds.fund("ptf")
    for name in FIGURES:
        expected = {
            force: sum(getattr(held, name) for where, held in claims.values() if where == force)
            for force in fund.forces
        }
        assert {force: getattr(share, name) for force, share in fund.forces.items()} == expected
    one = fund.balance
    assert one.available + one.reserved + one.committed + one.spent - one.returned == 100_000
    ledger = parts.funds.ledger("ptf")
    assert ledger.kept == {reference: held for reference, (_, held) in claims.items()}
    for kept in parts.funds.kept("ptf"):
        lines = [line for line in ledger.lines if kept.force in ("", line.force)]
        assert kept.adds_up
        assert as_lines_say(kept.balance, lines) == kept.balance
    assert min(fund.balance.available, *(share.available for share in fund.forces.values())) >= 0


def test_what_is_paid_has_left_and_what_comes_back_may_be_promised_again(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    assert move(parts, Kind.COMMIT, 10_000, revision=2)
    assert move(parts, Kind.PAY, 10_000, revision=3, note="BACS 1")
    for force in (None, "kent"):
        fund = parts.funds.fund("ptf")
        one = fund.forces[force] if force else fund.balance
        assert (one.total - one.available, one.committed, one.spent, one.returned) == (10_000, 0, 10_000, 0)
    paid = Held(spent=10_000)
    assert move(parts, Kind.RETURN, 4_000, revision=4, before=paid)
    assert not move(parts, Kind.RETURN, 4_000, revision=5, before=paid), "it came back once"
    some_back = Held(spent=10_000, returned=4_000)
    with pytest.raises(ValueError):
        a_movement(Kind.RETURN, 6_001, revision=5, before=some_back)
    assert move(parts, Kind.RETURN, 6_000, revision=5, before=some_back)
    assert figures(parts) == (100_000, 0, 0)
    assert figures(parts, "kent") == (60_000, 0, 0)
    assert parts.funds.fund("ptf").balance.spent == 10_000


@pytest.mark.parametrize("kind", [Kind.PAY, Kind.RETURN])
def test_nothing_is_paid_that_is_not_committed_and_nothing_comes_back_that_was_not_paid(
    parts: Parts, kind: Kind
) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    with pytest.raises(ValueError):
        a_movement(kind, 1, before=Held(reserved=10_000))
    assert not move(parts, kind, 10_000, revision=2)
    assert figures(parts) == (90_000, 10_000, 0)


def seen(parts: Parts, force: str = "") -> Kept:
    (one,) = [kept for kept in parts.funds.kept("ptf") if kept.force == force]
    return one


def test_a_fund_that_is_not_open_has_nothing_kept_and_no_lines(parts: Parts) -> None:
    assert parts.funds.kept("other") == []
    assert (parts.funds.ledger("other").lines, parts.funds.ledger("other").kept) == ((), {})


@pytest.mark.parametrize("force", ["", "kent"])
def test_a_balance_is_stored_anew_only_in_place_of_just_what_was_seen(parts: Parts, force: str) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    before = seen(parts, force)
    wanted = Balance(total=before.balance.total, reserved=7, committed=6, spent=5, returned=4)
    assert move(parts, Kind.RELEASE, 1, revision=2, before=Held(reserved=10_000)), "somebody is quicker"
    moved = [seen(parts, one) for one in ("", "kent", "essex")]
    assert not parts.funds.recompute("ptf", before, wanted)
    assert [seen(parts, one) for one in ("", "kent", "essex")] == moved
    now = seen(parts, force)
    assert parts.funds.recompute("ptf", now, wanted)
    assert not parts.funds.recompute("ptf", now, wanted), "once"
    stored = seen(parts, force)
    assert (stored.balance, stored.available, stored.adds_up) == (wanted, wanted.available, True)
    assert seen(parts, "essex") == moved[2]


def test_what_is_held_is_stored_anew_only_in_place_of_just_what_was_seen(parts: Parts) -> None:
    assert move(parts, Kind.RESERVE, 10_000)
    reference = next(iter(parts.funds.ledger("ptf").kept))
    wanted = Held(reserved=1, committed=2, spent=3, returned=1)
    for other in (Held(), Held(reserved=9_999), Held(reserved=10_000, spent=1), Held(committed=10_000)):
        assert not parts.funds.recompute_held("ptf", reference, other, wanted)
    assert parts.funds.ledger("ptf").kept == {reference: Held(reserved=10_000)}
    assert parts.funds.recompute_held("ptf", reference, Held(reserved=10_000), wanted)
    assert parts.funds.ledger("ptf").kept == {reference: wanted}
    assert parts.funds.recompute_held("ptf", "CLM-0000-0009", Held(), wanted), "one that was lost is made"
    assert not parts.funds.recompute_held("ptf", "CLM-0000-0009", Held(), wanted)
