"""The table's indexes: what they list, and in which order (docs/data-model.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection

if TYPE_CHECKING:
    from chalicelib.adapters.dynamodb.tables import Row  # noqa: F401 - what the indexes are of

_LINE = ["kind", "reference", "form", "title", "force", "status", "stage", "asked_as"] + [
    "waiting_for",
    "deadline",
    "amount_pence",
]
"""What a line of a list shows of a submission; PynamoDB asks for the kind in every query."""


_KEYS = ("force", "deadline")
"""The keys of the index `force`, which it has anyway."""


class DueIndex(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    """What waits, by the date it waits for: open deliveries and open submissions. Sparse."""

    class Meta:
        index_name = "due"
        projection = IncludeProjection([*_LINE, "round", "listed_at"])

    due_kind = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class ForceIndex(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    """The submissions of a force that wait for somebody, by their deadline: sparse, since what has ended has none."""

    class Meta:
        index_name = "force"
        projection = IncludeProjection(
            [*(name for name in _LINE if name not in _KEYS), "due_kind", "listed_at"]
        )

    force = UnicodeAttribute(hash_key=True)
    deadline = UTCDateTimeAttribute(range_key=True)


class ListedIndex(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    """The submissions of a form at a force, by when they were made; and what waits for a person, by its date."""

    class Meta:
        index_name = "listed"
        projection = IncludeProjection([*_LINE, "number"])

    listed_as = UnicodeAttribute(hash_key=True)
    listed_at = UTCDateTimeAttribute(range_key=True)


class EverywhereIndex(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    """The submissions of a form at all forces, by when they were made: for the national team alone."""

    class Meta:
        index_name = "everywhere"
        projection = IncludeProjection(list(_LINE))

    everywhere_as = UnicodeAttribute(hash_key=True)
    listed_at = UTCDateTimeAttribute(range_key=True)


class PublicIndex(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    """The submissions that everybody may read, by when they were made. Sparse."""

    class Meta:
        index_name = "public"
        # A decision that may still be undone has not happened for the public: `undo` says how it stood before.
        projection = IncludeProjection(
            ["kind", "reference", "form", "title", "force", "category", "status", "undo"]
        )

    public_as = UnicodeAttribute(hash_key=True)
    listed_at = UTCDateTimeAttribute(range_key=True)
