"""Which timelines grew, from the entries of each day in the index `listed`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.failures import in_our_words
from chalicelib.adapters.dynamodb.tables import Row

_KEY = ["pk", "sk", "listed_as", "listed_at"]


class DynamoTimelines:
    """All timelines."""

    def moved(self, since: datetime, until: datetime) -> Iterator[tuple[str, str]]:
        """One query for each day, and for each megabyte of it: some 5,000 entries."""
        day = since
        while day.date() <= until.date():
            with in_our_words():
                for row in Row.listed.query(
                    keys.entries_of(day), Row.listed_at >= since, attributes_to_get=_KEY
                ):
                    yield keys.force_and_reference(row.pk)
            day += timedelta(days=1)
