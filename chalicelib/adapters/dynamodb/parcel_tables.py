"""The shape of a parcel's item: what is stored of the deliveries of one transaction."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import Attribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.constants import MAP

from chalicelib.adapters.dynamodb.tables import Row


class PartsAttribute(Attribute[dict[str, Any]]):
    """The parts of a parcel by their id, each as DynamoDB has it: `parcels.py` reads and writes them."""

    attr_type = MAP

    def serialize(self, value: Any) -> Any:
        """As it is."""
        return value

    def deserialize(self, value: Any) -> dict[str, Any]:
        """As it is."""
        return dict(value)


class ParcelItem(Row, discriminator="parcel"):
    """The outbox item of several deliveries. `lane` is what the stream's consumers filter on: `both`, or `later` where
    all of them wait. Each lane has the date when it is due, and who has claimed it until when, and since."""

    delivery = UnicodeAttribute()
    lane = UnicodeAttribute()
    what = UnicodeAttribute()
    parts = PartsAttribute()
    workflow_due = UnicodeAttribute(null=True)
    workflow_until = UnicodeAttribute(null=True)
    workflow_claimed_at = UnicodeAttribute(null=True)
    mail_due = UnicodeAttribute(null=True)
    mail_until = UnicodeAttribute(null=True)
    mail_claimed_at = UnicodeAttribute(null=True)
    done_at = UTCDateTimeAttribute(null=True)
