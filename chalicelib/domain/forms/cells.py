"""What a column of an export holds."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

Cell = str | int | date | datetime | None
"""Text, a whole number (pence, for money), a day, a moment in UTC, or nothing."""


class ColumnKind(str, Enum):
    """How the cells of a column are written."""

    TEXT = "text"
    WHOLE = "whole"
    MONEY = "money"
    DAY = "day"
    MOMENT = "moment"
