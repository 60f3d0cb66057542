"""The money, checked: what is too much is released, what is no sum of its lines is worked out anew, and nothing that
only moves is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.money.fund import MENDED, Balance, Held, Kind
from chalicelib.domain.records.submissions import Status
from chalicelib.domain.repair.checks import Finding, Found
from chalicelib.services.changes import MoveMoney
from chalicelib.services.repair.reconciling import Reconciled, reconcile
from tests.builders import a_cost, a_movement
from tests.unit import scenes
from tests.unit.scenes import SMALL, Scene

story = scenes.story

FUND, SHARE = ("balance", "ptf", ""), ("balance", "ptf", "kent")


@pytest.fixture
def held(story: Scene) -> str:
    """A claim of £4,000 that is reserved, an hour ago."""
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    for _ in range(3):
        story.deliver()
    story.clock.pass_by(hours=1)
    return reference


def money(done: Reconciled) -> list[Finding]:
    """What was found about money."""
    kinds = (Found.STILL_HELD, Found.WRONG_HELD, Found.WRONG_BALANCE, Found.NOT_HELD, Found.COULD_NOT)
    return [one for one in done.findings if one.found in kinds]


def kinds(done: Reconciled) -> list[tuple[Found, str]]:
    return [(one.found, one.force) for one in money(done)]


def spoil(story: Scene, reference: str, **changes: Any) -> None:
    """Change the stored claim past every rule."""
    key = ("submission", "kent", reference)
    story.by_hand.add(reference)
    story.store.items[key] = replace(story.store.items[key], **changes)


def ended(status: Status = Status.WITHDRAWN) -> dict[str, Any]:
    """As a claim is stored that has ended."""
    nothing = {"waiting_for": "", "due_at": None, "next_at": None}
    return {**nothing, "status": status, "reserved_pence": 0, "committed_pence": 0}


def finish(story: Scene, reference: str) -> None:
    """Close the tasks of a claim whose end was forged, so that the scene's promises hold."""
    for key, task in list(story.store.items.items()):
        if key[0] == "task" and key[2] == reference and task.state.value == "open":
            story.store.items[key] = replace(task, state=type(task.state)("closed"))


# What is held without a use for it


@pytest.mark.parametrize("status", [Status.WITHDRAWN, Status("rejected"), Status.LAPSED])
def test_what_is_held_for_a_claim_that_has_ended_is_released(
    story: Scene, held: str, status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(story, held, **ended(status))
    (one,) = money(reconcile(story.parts))
    assert (one.found, one.force, one.reference) == (Found.STILL_HELD, "kent", held)
    assert (one.was["reserved"], one.now["reserved"]) == (SMALL, 0)
    assert story.money() == (0, 0)
    last = story.case(held).entries[-1]
    assert (last.action, last.actor, dict(last.details)) == (MENDED, "system", {"fund-release": SMALL})
    line = story.store.items[("line", "ptf", held, story.case(held).submission.revision)]
    assert (line.kind, line.amount_pence, line.note) == (Kind.RELEASE, SMALL, MENDED)
    assert "released what was still held for 1 claims" in caplog.text
    assert money(reconcile(story.parts)) == []
    finish(story, held)


def test_what_is_promised_to_a_claim_that_has_ended_is_released(story: Scene, held: str) -> None:
    story.decide(held)
    story.clock.pass_by(hours=1)
    spoil(story, held, **ended())
    assert kinds(reconcile(story.parts)) == [(Found.STILL_HELD, "kent")]
    assert story.money() == (0, 0)
    assert money(reconcile(story.parts)) == []


def test_what_is_held_beyond_what_the_claim_says_is_released(story: Scene, held: str) -> None:
    spoil(story, held, reserved_pence=SMALL - 100)
    (one,) = money(reconcile(story.parts))
    assert (one.was["reserved"], one.now["reserved"]) == (SMALL, SMALL - 100)
    assert story.money() == (SMALL - 100, 0)
    assert money(reconcile(story.parts)) == []


def test_what_is_held_for_a_claim_that_is_not_there_is_released_by_a_line_alone(
    story: Scene, held: str
) -> None:
    for key in [key for key in story.store.items if key[1:3] == ("kent", held)]:
        del story.store.items[key]
    del story.store.items[("reference", held)]
    (one,) = money(reconcile(story.parts))
    assert (one.found, one.force, one.reference) == (Found.STILL_HELD, "kent", held)
    assert story.money() == (0, 0)
    lines = [move for key, move in story.store.items.items() if key[0] == "line"]
    assert [(one.kind, one.note) for one in lines] == [(Kind.RESERVE, ""), (Kind.RELEASE, MENDED)]
    assert money(reconcile(story.parts)) == []


def test_a_claim_that_says_more_than_is_held_is_reported_and_nothing_is_invented(
    story: Scene, held: str, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(story, held, reserved_pence=SMALL + 1)
    before = story.store.snapshot()
    (one,) = money(reconcile(story.parts))
    assert (one.found, one.was["reserved"], one.now["reserved"]) == (Found.NOT_HELD, SMALL, SMALL + 1)
    assert story.store.snapshot() == before
    assert "found 1 claims whose money is not held" in caplog.text
    spoil(story, held, reserved_pence=SMALL)


def test_an_ended_claim_that_says_more_than_is_held_is_found_within_a_day(story: Scene, held: str) -> None:
    story.withdraw(held)
    spoil(story, held, committed_pence=SMALL, status=Status("approved"))
    found = []
    for _ in range(24):
        story.clock.pass_by(hours=1)
        found += kinds(reconcile(story.parts))
    assert found == [(Found.NOT_HELD, "kent")]
    spoil(story, held, committed_pence=0, status=Status.WITHDRAWN)


def test_a_claim_with_another_kind_of_holding_is_reported(story: Scene, held: str) -> None:
    spoil(story, held, reserved_pence=0, committed_pence=SMALL)
    assert kinds(reconcile(story.parts)) == [(Found.NOT_HELD, "kent")]
    assert story.money() == (SMALL, 0)
    spoil(story, held, reserved_pence=SMALL, committed_pence=0)


# Nothing that only moves


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_what_may_still_be_undone_is_left_alone(story: Scene, held: str, decision: str) -> None:
    story.use_undo(timedelta(hours=3))
    story.decide(held, decision, comment="Because")
    story.clock.pass_by(hours=2)
    spoil(story, held, reserved_pence=0, committed_pence=0)
    assert money(reconcile(story.parts)) == []
    spoil(story, held, committed_pence=SMALL if decision == "approve" else 0)


def test_every_movement_of_a_claim_is_in_order(story: Scene) -> None:
    """From the form to every end, with a run after each step, at once and later."""
    story.use_undo()
    calm: list[Finding] = []

    def look() -> None:
        for _ in range(2):
            calm.extend(money(reconcile(story.parts)))
            story.clock.pass_by(minutes=11)

    reference = story.asked()
    look()
    story.decide(reference)
    look()
    story.ask(reference)
    story.ask_for_changes(reference, costs="Less, please")
    look()
    story.amend(reference, cost_lines=[a_cost(SMALL)])
    look()
    while story.case(reference).submission.is_open:
        story.ask(reference)
        story.decide(reference)
        story.clock.pass_by(minutes=1)
        calm.extend(money(reconcile(story.parts)))
        story.clock.pass_by(minutes=11)
    story.withdraw(reference)
    look()
    assert calm == []


def test_a_withdrawal_between_looking_and_mending_is_what_releases(story: Scene, held: str) -> None:
    spoil(story, held, reserved_pence=SMALL - 100)

    def quicker() -> None:
        spoil(story, held, reserved_pence=SMALL)
        story.withdraw(held)

    story.first(quicker)
    assert money(reconcile(story.parts)) == []
    assert story.money() == (0, 0)
    assert [entry.action for entry in story.case(held).entries][-1] == "withdrawn"


def test_two_at_one_moment_release_once(story: Scene, held: str) -> None:
    spoil(story, held, **ended())
    others: list[Reconciled] = []
    story.first(lambda: others.append(reconcile(story.parts)))
    first = reconcile(story.parts)
    assert sorted(len(money(done)) for done in (first, *others)) == [0, 1]
    assert story.money() == (0, 0)
    finish(story, held)


# Sums


def wrong(balance: Balance) -> Balance:
    return replace(balance, reserved=balance.reserved + 7_00, committed=3)


@pytest.mark.parametrize(("key", "force"), [(FUND, ""), (SHARE, "kent")])
def test_a_balance_that_is_not_the_sum_of_its_lines_is_worked_out_anew(
    story: Scene, held: str, key: tuple[str, ...], force: str, caplog: pytest.LogCaptureFixture
) -> None:
    right = story.store.items[key]
    story.store.items[key] = wrong(right)
    (one,) = money(reconcile(story.parts))
    assert (one.found, one.force, one.reference) == (Found.WRONG_BALANCE, force, "ptf")
    assert (one.was["reserved"], one.now["reserved"]) == (SMALL + 700, SMALL)
    assert (one.was["available"], one.now["available"]) == (right.available - 703, right.available)
    assert story.store.items[key] == right
    assert "worked out 1 sums of money anew" in caplog.text
    assert money(reconcile(story.parts)) == []


def test_what_is_kept_as_available_is_put_right_though_the_rest_adds_up(story: Scene, held: str) -> None:
    story.store.items[("available", "ptf", "")] = 5
    (one,) = money(reconcile(story.parts))
    assert (one.found, one.was["available"]) == (Found.WRONG_BALANCE, 5)
    assert money(reconcile(story.parts)) == []


@pytest.mark.parametrize("kept", [None, Held(), Held(reserved=SMALL, committed=SMALL), Held(reserved=1)])
def test_what_is_held_for_a_claim_is_the_sum_of_its_lines(story: Scene, held: str, kept: Held | None) -> None:
    key = ("reservation", "ptf", held)
    if kept is None:
        del story.store.items[key]
    else:
        story.store.items[key] = kept
    (one,) = money(reconcile(story.parts))
    assert (one.found, one.force, one.reference) == (Found.WRONG_HELD, "kent", held)
    assert (one.was["reserved"], one.now["reserved"]) == ((kept or Held()).reserved, SMALL)
    assert story.store.items[key] == Held(reserved=SMALL)
    assert money(reconcile(story.parts)) == []


def test_a_reservation_that_no_line_knows_is_nothing(story: Scene) -> None:
    key = ("reservation", "ptf", "CLM-2222-222M")
    story.store.items[key] = Held(reserved=5)
    (one,) = money(reconcile(story.parts))
    assert (one.found, one.force) == (Found.WRONG_HELD, "")
    assert story.store.items[key] == Held()


def between(story: Scene, name: str, act: Callable[[], object], *, after: int = 1) -> None:
    """`act` comes just after the funds were asked for something the `after`-th time."""
    funds: Any = story.parts.funds
    asking, calls = getattr(funds, name), []

    def asked(*given: Any) -> Any:
        answer = asking(*given)
        calls.append(name)
        if len(calls) == after:
            act()
        return answer

    setattr(funds, name, asked)


@pytest.mark.parametrize("name", ["ledger", "kept"])
def test_a_movement_while_the_ledger_is_read_is_no_fault(story: Scene, held: str, name: str) -> None:
    between(story, name, lambda: story.decide(held))
    assert money(reconcile(story.parts)) == []
    assert story.money() == (0, SMALL)


@pytest.mark.parametrize("name", ["ledger", "kept"])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_movement_between_looking_and_mending_is_not_lost(
    story: Scene, held: str, name: str, after: int
) -> None:
    story.store.items[FUND] = wrong(story.store.items[FUND])
    between(story, name, lambda: story.decide(held), after=after)
    reconcile(story.parts)
    assert [one.found for one in money(reconcile(story.parts))] in ([], [Found.WRONG_BALANCE])
    assert money(reconcile(story.parts)) == []
    assert story.money() == (0, SMALL)


def test_two_movements_that_take_each_other_back_are_not_taken_for_none(story: Scene, held: str) -> None:
    """The balance is as it was before; the lines were read before one of them, and after the other."""
    story.store.items[FUND] = wrong(story.store.items[FUND])
    funds: Any = story.parts.funds
    read, calls = funds.ledger, []

    def ledger(fund_id: str) -> Any:
        whole = read(fund_id)
        calls.append(1)
        if len(calls) != 2:
            return whole
        story.parts.records.commit(
            [MoveMoney(movement=a_movement(Kind.RESERVE, 500, reference="CLM-0000-0001"))]
        )
        torn = read(fund_id)
        given_back = a_movement(Kind.RELEASE, 500, reference="CLM-0000-0001", revision=2)
        story.parts.records.commit([MoveMoney(movement=given_back)])
        return torn

    funds.ledger = ledger
    reconcile(story.parts)
    assert story.money() == (SMALL, 0)
    funds.ledger = read
    assert money(reconcile(story.parts)) == []


def test_where_money_moves_all_the_time_nothing_is_worked_out(story: Scene, held: str) -> None:
    story.store.items[FUND] = wrong(story.store.items[FUND])
    funds: Any = story.parts.funds
    read, number = funds.ledger, iter(range(1, 99))

    def busy(fund_id: str) -> Any:
        whole = read(fund_id)
        move = a_movement(Kind.RESERVE, 1, reference=f"CLM-0000-{next(number):04d}")
        story.parts.records.commit([MoveMoney(movement=move)])
        return whole

    funds.ledger = busy
    assert Found.WRONG_BALANCE not in [one.found for one in money(reconcile(story.parts))]
    funds.ledger = read
    for key in [key for key in story.store.items if key[0] in ("line", "reservation") and "0000" in key[2]]:
        del story.store.items[key]
    assert {one.found for one in money(reconcile(story.parts))} == {Found.WRONG_BALANCE}


def test_lines_that_make_no_sense_are_left_for_people(story: Scene, held: str) -> None:
    key = next(key for key in story.store.items if key[0] == "line")
    line = story.store.items.pop(key)
    story.store.items[key] = replace(line, kind=Kind.COMMIT, before=Held(reserved=line.amount_pence))
    found = kinds(reconcile(story.parts))
    assert {kind for kind, _ in found} == {Found.COULD_NOT, Found.NOT_HELD}
    assert story.money() == (SMALL, 0)
    story.store.items[key] = line


def test_one_that_cannot_be_mended_keeps_no_other_from_it(story: Scene, held: str) -> None:
    other = story.at_programme(cost_lines=[a_cost(SMALL)], event_title="Another day")
    story.clock.pass_by(hours=1)
    first, second = sorted((held, other))
    for reference in (first, second):
        spoil(story, reference, reserved_pence=SMALL - 100)
    commit = story.parts.records.commit

    def one_fails(changes: Any) -> None:
        if any(isinstance(one, MoveMoney) and one.movement.reference == first for one in changes):
            raise ConnectionError("no answer")
        commit(changes)

    story.parts.records.commit = one_fails  # type: ignore[method-assign]
    assert sorted((one.found.value, one.reference) for one in money(reconcile(story.parts))) == [
        ("could-not", first),
        ("still-held", second),
    ]
    story.parts.records.commit = commit  # type: ignore[method-assign]
    assert [one.reference for one in money(reconcile(story.parts))] == [first]
