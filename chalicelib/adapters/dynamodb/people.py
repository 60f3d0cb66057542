"""Who is registered, in DynamoDB."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from pynamodb.models import BatchWrite
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.failures import in_our_words
from chalicelib.adapters.dynamodb.tables import AddressItem, AwayItem, HoldingItem, PersonItem, Row
from chalicelib.domain.people.people import Away, Holding, Person, normalised, places


class DynamoPeople:
    """Who is registered."""

    def person(self, person_id: str) -> Person | None:
        """The person of this id."""
        with in_our_words():
            try:
                return items.person_from(
                    PersonItem.get(keys.person(person_id), keys.ONLY, consistent_read=True)
                )
            except PersonItem.DoesNotExist:
                return None

    def by_address(self, address: str) -> Person | None:
        """The person registered with this address."""
        with in_our_words():
            try:
                found = AddressItem.get(keys.address(normalised(address)), keys.ONLY, consistent_read=True)
            except AddressItem.DoesNotExist:
                return None
        return self.person(found.person_id)

    def holders(self, holding: Holding) -> list[Person]:
        """Those who hold a role at a place."""
        with in_our_words():
            rows = [
                row
                for row in Row.query(keys.holding(holding), consistent_read=True)
                if isinstance(row, HoldingItem)
            ]
        return [Person(id=row.sk, name=row.name, address=row.address, roles=(holding,)) for row in rows]

    def away(self, person_id: str) -> Away | None:
        """The item beside the person."""
        with in_our_words():
            try:
                item = AwayItem.get(keys.person(person_id), keys.AWAY, consistent_read=True)
            except AwayItem.DoesNotExist:
                return None
        return Away(
            first=date.fromisoformat(item.first),
            last=date.fromisoformat(item.last),
            delegate_id=item.delegate_id or "",
        )

    def set_away(self, person_id: str, away: Away | None) -> None:
        """Put, or delete."""
        item = AwayItem(keys.person(person_id), keys.AWAY)
        with in_our_words():
            if away is None:
                item.delete()
                return
            item.first, item.last = away.first.isoformat(), away.last.isoformat()
            item.delegate_id = away.delegate_id or None
            item.save()

    def register(self, people: Iterable[Person], *, bring_back: Collection[str] = ()) -> list[str]:
        """Store people with their addresses and roles, in place of what is stored of them. Whoever has left stays away,
        also if they leave in this moment, unless their id is in `bring_back`. Returns the ids of those who stay away.
        """
        people = list(people)
        stored = {person.id: self.person(person.id) for person in people}
        with in_our_words(), Row.batch_write() as batch:
            for person in people:
                _forget_what_changed(batch, stored[person.id], person)
        return [
            person.id
            for person in people
            if not _store(person, is_new=stored[person.id] is None, comes_back=person.id in bring_back)
        ]

    def all_ids(self) -> set[str]:
        """The ids of all who are registered, by any release. Reads the whole table: for commands alone."""
        with in_our_words():
            return {keys.value(row.pk) for row in PersonItem.scan(consistent_read=True)}


def _store(person: Person, *, is_new: bool, comes_back: bool) -> bool:
    """In one transaction, as leaving is: nobody who has left is half there. False where they have left."""
    from chalicelib.adapters.dynamodb.people_tables import LeavingItem, placed_items
    from chalicelib.adapters.dynamodb.together import together

    roles = [{"role": held.role, "at": held.at} for held in person.roles]
    item = PersonItem(
        keys.person(person.id),
        keys.ONLY,
        name=person.name,
        address=person.address,
        roles=roles,
        listed_as=keys.PEOPLE,
        listed_at=items.NO_MOMENT,
    )

    def write(transaction: TransactWrite) -> None:
        transaction.save(item, condition=None if is_new else Row.pk.exists())
        if is_new and not comes_back:
            has_not_left = LeavingItem.left_at.does_not_exist()
            transaction.condition_check(
                LeavingItem, keys.person(person.id), keys.LEAVING, condition=has_not_left
            )
        transaction.save(
            AddressItem(keys.address(normalised(person.address)), keys.ONLY, person_id=person.id)
        )
        for held in person.roles:
            transaction.save(
                HoldingItem(keys.holding(held), person.id, name=person.name, address=person.address)
            )
        for placed in placed_items(person.id, person.roles):
            transaction.save(placed)

    return together(write)


def _forget_what_changed(batch: BatchWrite[Row], stored: Person | None, person: Person) -> None:
    """An address that is no longer theirs must sign nobody in; a role given up must not be asked; a place where they
    hold no role any more must not list them."""
    if stored is None:
        return
    for place in set(places(stored.roles)) - set(places(person.roles)):
        batch.delete(Row(keys.person(person.id), keys.at(place)))
    if normalised(stored.address) != normalised(person.address):
        batch.delete(AddressItem(keys.address(normalised(stored.address)), keys.ONLY))
    for held in set(stored.roles) - set(person.roles):
        batch.delete(HoldingItem(keys.holding(held), person.id))
