"""The table of a data folder that an earlier release made, brought up to date. On AWS, CloudFormation does it."""

from __future__ import annotations

from typing import Any


def add_missing() -> list[str]:
    """Add the indexes that the table does not have yet; DynamoDB fills them from the items that are there. Returns
    their names."""
    # Found when needed: the app's modules must not be imported before its settings are checked.
    from chalicelib.adapters.tables import Row

    connection = Row._get_connection().connection
    name = Row._get_connection().table_name
    there = connection.client.describe_table(TableName=name)["Table"]
    known = {one["IndexName"] for one in there.get("GlobalSecondaryIndexes", ())}
    missing = [index for index in Row._indexes if index not in known]
    for index in missing:
        connection.client.update_table(TableName=name, **_addition(Row._indexes[index]))
    return missing


def _addition(index: Any) -> dict[str, Any]:
    """What UpdateTable is told; it takes one new index a call."""
    keys = [one for one in index._get_attributes().values() if one.is_hash_key or one.is_range_key]
    schema = [
        {"AttributeName": one.attr_name, "KeyType": "HASH" if one.is_hash_key else "RANGE"}
        for one in sorted(keys, key=lambda one: not one.is_hash_key)
    ]
    projection = {
        "ProjectionType": index.Meta.projection.projection_type,
        "NonKeyAttributes": list(index.Meta.projection.non_key_attributes),
    }
    create = {"IndexName": index.Meta.index_name, "KeySchema": schema, "Projection": projection}
    return {
        "AttributeDefinitions": [
            {"AttributeName": one.attr_name, "AttributeType": one.attr_type} for one in keys
        ],
        "GlobalSecondaryIndexUpdates": [{"Create": create}],
    }
