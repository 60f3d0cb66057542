"""The table as tests have it."""

from __future__ import annotations

import pytest

from chalicelib.adapters.dynamodb import tables


def create_table_without_stream() -> None:
    """Where it is missing. Nobody reads a stream in most tests, and dynoxide never trims its records: after 13,000 of
    them a write takes milliseconds longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(tables.Row.Meta, "stream_view_type")
        tables.create_table()
