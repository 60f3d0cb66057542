"""How many ideas each force has published, as it was last counted: one item, so that a map of many ideas is as quickly
drawn as one of few."""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import PutError

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.failures import in_our_words, is_condition
from chalicelib.adapters.dynamodb.tables import Row
from chalicelib.services.ports import Counted

PLACE = (keys.PUBLIC, keys.PUBLIC_COUNTED)
"""Where the one item stands."""


class CountedItem(Row, discriminator="counted"):
    """The figures, by force, and until when they are good."""

    by_force = JSONAttribute()
    at = UTCDateTimeAttribute()
    good_until = UTCDateTimeAttribute()
    is_cut = BooleanAttribute()


def read() -> Counted | None:
    """The figures that are kept."""
    with in_our_words():
        try:
            item = CountedItem.get(*PLACE)
        except CountedItem.DoesNotExist:
            return None
    return Counted(by_force=item.by_force, at=item.at, good_until=item.good_until, is_cut=item.is_cut)


def keep(counted: Counted, *, instead_of: Counted | None) -> bool:
    """One put, on condition that what is there is good until when it was."""
    item = CountedItem(
        *PLACE,
        by_force=dict(counted.by_force),
        at=counted.at,
        good_until=counted.good_until,
        is_cut=counted.is_cut,
    )
    stands = (
        Row.pk.does_not_exist() if instead_of is None else CountedItem.good_until == instead_of.good_until
    )
    with in_our_words():
        try:
            item.save(condition=stands)
        except PutError as error:
            if not is_condition(error):
                raise
            return False
    return True
