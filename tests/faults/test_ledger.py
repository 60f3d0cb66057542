"""The ledger on the real adapter, whatever happens on the line; and adapters with one thing left out, each of which
must be found out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamodb import changes, items, keys, records
from chalicelib.adapters.dynamodb.tables import BalanceItem, LineItem, Row
from chalicelib.domain.money.fund import Kind, Movement
from chalicelib.services.changes import MoveMoney
from chalicelib.services.ports import Parts
from tests.faults.ledger import Ledger, wander

PROVE = bool(os.environ.get("PROVE"))
OPERATIONS = 10_000 if PROVE else 500
STEPS = 40
EXAMPLES = 65 if PROVE else 8
"""So many runs at a time: the first of them is always Hypothesis's simplest, in which nothing fails."""
FAULTS = OPERATIONS // 20

pytestmark = pytest.mark.usefixtures("dynamo_parts")


def play(examples: int) -> None:
    """So many runs of the machine."""
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            report_multiple_bugs=False,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_on_the_line_every_penny_is_somewhere_and_none_is_promised_twice() -> None:
    began, before = time.monotonic(), (Ledger.count, Ledger.fired, Ledger.done)
    count = fired = done = 0
    for _ in range(40):
        play(EXAMPLES)
        count, fired, done = (
            now - was for now, was in zip((Ledger.count, Ledger.fired, Ledger.done), before)
        )
        if count >= OPERATIONS and fired >= FAULTS:
            break
    print(f"\n{count} operations, {done} movements, {fired} faults fired, {time.monotonic() - began:.0f} s")
    assert count >= OPERATIONS
    assert fired >= FAULTS
    assert done > count / 10


def _always() -> Condition:
    return Row.pk.exists() | Row.pk.does_not_exist()


def _drops(
    model: type[Row], which: Callable[[Any], bool] = lambda item: True
) -> Callable[[pytest.MonkeyPatch], None]:
    """An adapter that writes these items unconditionally."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        update, put = changes.Placed._update, changes.Placed._put

        def careless_update(self: Any, change: Any, item: Row, actions: Any, condition: Condition) -> None:
            drop = isinstance(item, model) and which(item)
            update(self, change, item, actions, _always() if drop else condition)

        def careless_put(self: Any, change: Any, item: Row, *condition: Any) -> None:
            if not (isinstance(item, model) and which(item)):
                return put(self, change, item, *condition)
            return self._put_if(change, item)

        patch.setattr(changes.Placed, "_update", careless_update)
        patch.setattr(changes.Placed, "_put", careless_put)

    return mutate


def _holds_whatever_is_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(items, "is_held", lambda before: _always())


def _gives_up_at_the_first_conflict(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(records, "MAX_TRIES", 1)


def _tries_again_whatever_was_refused(patch: pytest.MonkeyPatch) -> None:
    def reasons(error: Any, placed: Any) -> list[tuple[Any, str]]:
        return [(change, "TransactionConflict") for change, _ in said(error, placed)]

    said = records._reasons
    patch.setattr(records, "_reasons", reasons)


def _reads_then_writes(patch: pytest.MonkeyPatch) -> None:
    """Reads the balance, checks it, and writes what it should be then."""

    def move_balance(self: Any, change: MoveMoney, move: Movement, sk: str) -> None:
        row = BalanceItem.get(keys.fund(move.fund), sk, consistent_read=True)
        names = {
            Kind.RESERVE: ("available", "reserved"),
            Kind.COMMIT: ("reserved", "committed"),
            Kind.RELEASE: ("reserved", "available"),
            Kind.UNCOMMIT: ("committed", "reserved"),
            Kind.CANCEL: ("committed", "available"),
            Kind.PAY: ("committed", "spent"),
            Kind.RETURN: ("", "returned"),
        }[move.kind]
        actions = []
        for name, sign in zip(names, (-1, 1)):
            if name:
                value = getattr(row, name) + sign * move.amount_pence
                actions.append(getattr(BalanceItem, name).set(value))
        if move.kind is Kind.RETURN:
            actions.append(BalanceItem.available.set(row.available + move.amount_pence))
        enough = not names[0] or getattr(row, names[0]) >= move.amount_pence
        condition = _always() if enough else Row.pk.does_not_exist()
        self._update(change, BalanceItem(keys.fund(move.fund), sk), actions, condition)

    patch.setattr(changes.Placed, "_move_balance", move_balance)


MUTANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "the fund is not asked whether it has so much": _drops(
        BalanceItem, lambda item: item.sk == keys.FUND_BALANCE
    ),
    "the force's share is not asked": _drops(BalanceItem, lambda item: item.sk != keys.FUND_BALANCE),
    "nobody asks what is held for the claim": _holds_whatever_is_asked,
    "a line may be written over another": _drops(LineItem),
    "a conflict is not tried again": _gives_up_at_the_first_conflict,
    "what was refused is tried again": _tries_again_whatever_was_refused,
    "balances are read, then written": _reads_then_writes,
}


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_an_adapter_with_one_thing_left_out_is_found_out(
    mutant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Ledger.count
    with monkeypatch.context() as patch:
        MUTANTS[mutant](patch)
        with pytest.raises(AssertionError):
            for seed in range(20):
                wander(40, seed)
    print(f"\n{mutant}: found after {Ledger.count - before} operations")


def test_the_same_walk_over_the_adapter_as_it_is_finds_nothing() -> None:
    """Else a mutant might be found out for what the walk does."""
    for seed in range(20 if PROVE else 2):
        wander(40, seed)


def test_the_fixture_is_the_real_adapter(dynamo_parts: Parts) -> None:
    assert isinstance(dynamo_parts.records, records.DynamoRecords)
