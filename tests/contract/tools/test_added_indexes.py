"""A data folder that an earlier release made gets the indexes that came since."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.dynamodb import tables
from chalicelib.services.ports import Parts
from infra.local import indexes
from tests.builders import added


def described(client: Any) -> dict[str, Any]:
    table = client.describe_table(TableName=tables.Row.Meta.table_name)["Table"]
    names = ("IndexName", "KeySchema", "Projection")
    return {one["IndexName"]: {name: one[name] for name in names} for one in table["GlobalSecondaryIndexes"]}


def test_an_index_that_a_table_lacks_is_added_and_holds_what_is_stored(dynamo_parts: Parts) -> None:
    client = tables.shared_connection().client
    one, changes = added()
    dynamo_parts.records.commit(changes)
    before = described(client)
    client.update_table(
        TableName=tables.Row.Meta.table_name,
        GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "force"}}],
    )
    assert "force" not in described(client)
    assert indexes.add_missing() == ["force"]
    assert described(client) == before
    assert [line.reference for line in dynamo_parts.records.of("kent").open(limit=5)] == [one.reference]
    assert indexes.add_missing() == [], "it has all of them now"
