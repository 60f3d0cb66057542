"""The private names of PynamoDB that we use, each with its reason. No other module uses one.

`tests/guards/test_private_names.py` shows that the pinned version has them and that they do what we take them to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynamodb.connection import Connection
from pynamodb.indexes import Index
from pynamodb.models import Model


def connection_of(model: type[Model]) -> Connection:
    """The connection of a model, made when first asked for. PynamoDB hands it out to nobody, but a transaction wants
    it, requests that are written already go through it, and its botocore session is worth sharing."""
    return model._get_connection().connection


def forget_connection(model: type[Model]) -> None:
    """Have the next call make a new one: PynamoDB notices another table's name, but no other endpoint or region."""
    model._connection = None


def indexes_of(model: type[Model]) -> Mapping[str, Index[Any]]:
    """The indexes of a model, by their names in DynamoDB."""
    return model._indexes


def definition_of(index: Index[Any]) -> Mapping[str, Any]:
    """What CreateTable is told of an index. UpdateTable, which adds one to a table, needs the same."""
    return index._get_schema()
