"""The items of a life, and of the fund that it takes from, as the product stores them.

tests/contract/tools/test_bench_lives.py holds them beside what it stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import chain

from bench.lives import Life
from chalicelib.adapters.dynamodb import case_items, entry_items, items, keys, submission_items
from chalicelib.adapters.dynamodb.tables import BalanceItem, PersonalItem, ReferenceItem, ReservationItem, Row
from chalicelib.domain.money.fund import Balance, Held

FUND = "ptf"
FUND_NAME = "the Police Transformation Fund"
SHARE_PENCE = 5_000_000_000
"""Of each force: enough for whatever 100,000 submissions ask for."""


def rows_of(life: Life) -> Iterator[Row]:
    """The items that a submission has once it has come so far, but for what has expired by then."""
    case, one = life.case, life.case.submission
    pk = keys.case(one.force, one.reference)
    yield ReferenceItem(keys.reference(one.reference), keys.ONLY, force=one.force)
    yield submission_items.submission_item(one)
    yield PersonalItem(pk, keys.PERSONAL, answers=dict(case.personal), salt=case.salt or None)
    yield from map(case_items.task_item, case.tasks)
    yield from (entry_items.entry_item(pk, entry) for entry in case.entries)
    yield from chain(*(case_items.version_items(one, version) for version in case.versions))
    yield from (entry_items.text_item(pk, text) for text in case.texts.values())
    if case.token_for is not None:
        yield case_items.token_item(one, case.token, case.token_for)
    yield from _money_rows(life)


def _money_rows(life: Life) -> Iterator[Row]:
    yield from map(items.line_item, life.movements)
    if life.movements:
        last = life.movements[-1]
        yield ReservationItem(
            keys.ledger(last.fund),
            keys.reservation(last.reference),
            reserved_pence=last.after.reserved,
            committed_pence=last.after.committed,
            spent_pence=last.after.spent,
            returned_pence=last.after.returned,
        )


def balance_rows(by_force: Mapping[str, Held]) -> Iterator[Row]:
    """The fund and the forces' shares, as the movements of all claims have left them."""
    whole = total(by_force.values())
    yield _balance_row(keys.FUND_BALANCE, SHARE_PENCE * len(by_force), whole, FUND_NAME)
    for force, held in by_force.items():
        yield _balance_row(keys.share(force), SHARE_PENCE, held, None)


def total(some: Iterable[Held]) -> Held:
    """What is held together."""
    all_held = list(some)
    return Held(
        reserved=sum(one.reserved for one in all_held),
        committed=sum(one.committed for one in all_held),
        spent=sum(one.spent for one in all_held),
        returned=sum(one.returned for one in all_held),
    )


def _balance_row(place: str, total: int, held: Held, name: str | None) -> Row:
    balance = Balance(total=total, **asdict(held))
    return BalanceItem(keys.fund(FUND), place, name=name, available=balance.available, **asdict(balance))
