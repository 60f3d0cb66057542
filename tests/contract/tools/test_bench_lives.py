"""What the benchmarks fill tables with is what the product stores."""

from __future__ import annotations

from typing import Any

from bench.lives import MOST_OPEN, UNTIL, Life, lives
from bench.rows import FUND, FUND_NAME, SHARE_PENCE, balance_rows, rows_of
from chalicelib.adapters.dynamodb.funds import DynamoFunds
from chalicelib.adapters.dynamodb.tables import Row, shared_connection
from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.money.fund import Held
from chalicelib.domain.records import trail
from chalicelib.domain.records.submissions import STATUSES, Status
from chalicelib.services.ports import Parts
from infra.local import seeds
from infra.local.options import ROOT

PEOPLE = seeds.people(seeds.read(ROOT / "infra" / "local" / "seeds.json"))
EXPIRES = ("delivery", "parcel", "key", "content", "mailbox")


def held_by_force(made: list[Life]) -> dict[str, Held]:
    found = {force: Held() for force in FormFiles().forces()}
    for move in (move for life in made for move in life.movements):
        found[move.force] = found[move.force].moved(move.kind, move.amount_pence)
    return found


def by_key(items: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in items}


def test_every_item_is_the_one_that_the_product_stored(dynamo_parts: Parts) -> None:
    dynamo_parts.people.register(PEOPLE)  # type: ignore[attr-defined]
    registered = by_key([row.serialize() for row in Row.scan()])
    forces = FormFiles().forces()
    DynamoFunds().open_fund(
        FUND, name=FUND_NAME, total_pence=SHARE_PENCE * len(forces), caps=dict.fromkeys(forces, SHARE_PENCE)
    )
    made = list(lives(60, PEOPLE, also=dynamo_parts.records.commit))
    rows = [*(row for life in made for row in rows_of(life)), *balance_rows(held_by_force(made))]
    client = shared_connection().client
    pages = client.get_paginator("scan").paginate(TableName=Row.Meta.table_name, ConsistentRead=True)
    stored = by_key([item for page in pages for item in page["Items"] if item["kind"]["S"] not in EXPIRES])
    for key in registered:
        stored.pop(key)
    assert by_key([row.serialize() for row in rows]) == stored


def test_the_same_seed_makes_the_same_and_parts_make_the_whole() -> None:
    whole = list(lives(12, PEOPLE, seed=3))
    assert list(lives(12, PEOPLE, seed=3)) == whole
    parts = [list(lives(12, PEOPLE, seed=3, part=part, of=2)) for part in (0, 1)]
    assert [life for pair in zip(*parts) for life in pair] == whole
    assert list(lives(12, PEOPLE, seed=4)) != whole


def test_they_end_in_every_way_and_are_whole() -> None:
    made = list(lives(600, PEOPLE))
    ones = [life.case.submission for life in made]
    assert {one.status for one in ones} == set(STATUSES) - {Status.UNCONFIRMED}
    assert sum(one.is_open for one in ones) <= MOST_OPEN
    assert len({one.reference for one in ones}) == 600
    assert max(one.changed_at for one in ones) <= UNTIL
    for life in made[:100]:
        case = life.case
        assert trail.faults_of(case) == []
