"""The table of a data folder that an earlier release made, brought up to date. On AWS, CloudFormation does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def add_missing() -> list[str]:
    """Add the indexes that the table does not have yet; DynamoDB fills them from the items that are there. Returns
    their names."""
    # Found when needed: the app's modules must not be imported before its settings are checked.
    from chalicelib.adapters.dynamodb import tables

    indexes = tables.indexes()
    if not indexes:
        return []
    from chalicelib.adapters.dynamodb import private

    client, name = tables.shared_connection().client, tables.Row.Meta.table_name
    there = client.describe_table(TableName=name)["Table"]
    known = {one["IndexName"] for one in there.get("GlobalSecondaryIndexes", ())}
    missing = [index for index in indexes if index not in known]
    for index in missing:
        client.update_table(TableName=name, **_addition(private.definition_of(indexes[index])))
    return missing


def _addition(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What UpdateTable is told; it takes one new index a call."""
    create = {
        "IndexName": schema["index_name"],
        "KeySchema": sorted(schema["key_schema"], key=lambda key: str(key["KeyType"])),  # HASH, RANGE
        "Projection": schema["projection"],
    }
    return {
        "AttributeDefinitions": schema["attribute_definitions"],
        "GlobalSecondaryIndexUpdates": [{"Create": create}],
    }
