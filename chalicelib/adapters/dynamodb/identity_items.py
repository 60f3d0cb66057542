"""Identities at OpenID providers, and the states used on the way there, in DynamoDB.

The models are here and not in tables.py: most processes never meet one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.failures import in_our_words
from chalicelib.adapters.dynamodb.people_tables import person_change_item
from chalicelib.adapters.dynamodb.tables import Row
from chalicelib.adapters.dynamodb.together import together
from chalicelib.domain.people.identities import Link
from chalicelib.domain.people.person_changes import PersonChange

_KEPT = timedelta(days=1)
"""A used state is kept for longer than any browser carries it."""


class IdentityItem(Row, discriminator="identity"):
    """An identity that belongs to a person: alone under its digest, and once more within the person."""

    person_id = UnicodeAttribute()
    issuer = UnicodeAttribute()
    linked_at = UTCDateTimeAttribute()


class StateItem(Row, discriminator="state"):
    """A state that was used, by its digest."""


def link_items(link: Link) -> list[IdentityItem]:
    """The two items of a link."""
    places = [
        (keys.identity(link.digest), keys.ONLY),
        (keys.person(link.person_id), keys.identity(link.digest)),
    ]
    return [
        IdentityItem(pk, sk, person_id=link.person_id, issuer=link.issuer, linked_at=link.linked_at)
        for pk, sk in places
    ]


def state_item(digest: str, expires_at: datetime) -> StateItem:
    """The item of a used state."""
    return StateItem(keys.state(digest), keys.ONLY, ttl=items.seconds(expires_at + _KEPT))


class DynamoIdentities:
    """Which identities belong to whom."""

    def holder(self, digest: str) -> str | None:
        """One read, consistent."""
        with in_our_words():
            try:
                return IdentityItem.get(keys.identity(digest), keys.ONLY, consistent_read=True).person_id
            except IdentityItem.DoesNotExist:
                return None

    def of_person(self, person_id: str) -> list[Link]:
        """The person's partition holds them."""
        with in_our_words():
            rows = Row.query(keys.person(person_id), Row.sk.startswith(keys.IDENTITIES), consistent_read=True)
            found = [_link(row) for row in rows if isinstance(row, IdentityItem)]
        return sorted(found, key=lambda one: one.linked_at)

    def unlink(self, link: Link, change: PersonChange) -> bool:
        """Both items and the entry of the audit trail, or none."""

        def write(transaction: TransactWrite) -> None:
            mine = IdentityItem.person_id == link.person_id
            alone, within = link_items(link)
            transaction.delete(alone, condition=mine)
            transaction.delete(within)
            transaction.save(person_change_item(change), condition=Row.pk.does_not_exist())

        return together(write)


def _link(item: IdentityItem) -> Link:
    return Link(
        digest=keys.value(item.sk), issuer=item.issuer, person_id=item.person_id, linked_at=item.linked_at
    )
