"""Attributes that PynamoDB lacks."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.constants import NUMBER


class IntegerAttribute(Attribute[int]):
    """A whole number, pence above all. Refuses floats and booleans, which NumberAttribute would store."""

    attr_type = NUMBER

    def serialize(self, value: Any) -> str:
        """The number as DynamoDB takes it."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"not a whole number: {type(value).__name__}")
        return str(value)

    def deserialize(self, value: str) -> int:
        """The stored number."""
        return int(value)
