"""The shapes of what stands beside a person: tokens, leaving, the audit trail. Loaded where they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pynamodb.attributes import ListAttribute, UnicodeAttribute, UTCDateTimeAttribute

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.tables import Row
from chalicelib.domain.people.leaving import Leaving
from chalicelib.domain.people.people import Holding, places
from chalicelib.domain.people.person_changes import PersonChange, What


class BearerItem(Row, discriminator="bearer"):
    """A bearer token, under its person. `scopes` are words between blanks."""

    name = UnicodeAttribute()
    scopes = UnicodeAttribute()
    made_at = UTCDateTimeAttribute()
    made_by = UnicodeAttribute()
    expires_at = UTCDateTimeAttribute()
    last_used_at = UTCDateTimeAttribute(null=True)


class PersonChangeItem(Row, discriminator="person-change"):
    """What changed about a person. Put once, never changed."""

    at = UTCDateTimeAttribute()
    actor = UnicodeAttribute()
    what = UnicodeAttribute()
    about = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)


class LeavingItem(Row, discriminator="leaving"):
    """That somebody leaves, or has left. `last_day` as `2027-01-14`."""

    name = UnicodeAttribute()
    last_day = UnicodeAttribute()
    ends_at = UTCDateTimeAttribute()
    reason = UnicodeAttribute()
    said_by = UnicodeAttribute()
    said_at = UTCDateTimeAttribute()
    left_at = UTCDateTimeAttribute(null=True)
    roles: ListAttribute[Any] = ListAttribute(null=True)
    done_at = UTCDateTimeAttribute(null=True)


class PlacedItem(Row, discriminator="placed"):
    """That a person holds a role at a place, or held one there when they left: the index `listed` finds them by it."""


def placed_items(person_id: str, roles: Iterable[Holding]) -> list[PlacedItem]:
    """One for each place where somebody holds a role."""
    return [
        PlacedItem(
            keys.person(person_id),
            keys.at(place),
            listed_as=keys.people_at(place),
            listed_at=items.NO_MOMENT,
        )
        for place in places(roles)
    ]


def left_items(leaving: Leaving) -> list[PlacedItem]:
    """One for each place where somebody held a role when they left."""
    return [
        PlacedItem(
            keys.person(leaving.person_id),
            keys.was_at(place),
            listed_as=keys.left_at(place),
            listed_at=leaving.left_at,
        )
        for place in places(leaving.roles)
    ]


def person_change_item(change: PersonChange) -> PersonChangeItem:
    """A change of a person as it stands in the audit trail."""
    return PersonChangeItem(
        keys.person(change.person_id),
        keys.person_change(change.at, change.id),
        at=change.at,
        actor=change.actor,
        what=change.what.value,
        about=change.about or None,
        reason=change.reason or None,
    )


def person_change_from(item: PersonChangeItem) -> PersonChange:
    """A change of a person."""
    return PersonChange(
        id=keys.person_change_id(item.sk),
        person_id=keys.value(item.pk),
        at=item.at,
        actor=item.actor,
        what=What(item.what),
        about=item.about or "",
        reason=item.reason or "",
    )
