"""Who leaves, in DynamoDB: beside the person, and kept when the person is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.failures import in_our_words, is_condition
from chalicelib.adapters.dynamodb.people_tables import (
    LeavingItem,
    PersonChangeItem,
    left_items,
    person_change_from,
    person_change_item,
    placed_items,
)
from chalicelib.adapters.dynamodb.tables import AddressItem, AwayItem, HoldingItem, PersonItem, Row
from chalicelib.adapters.dynamodb.together import together
from chalicelib.domain.people.leaving import Leaving, Registered
from chalicelib.domain.people.people import Holding, Person, normalised
from chalicelib.domain.people.person_changes import PersonChange


class DynamoLeavings:
    """Who leaves, and what has changed about people."""

    def people_at(self, place: str, *, after: str, limit: int) -> tuple[list[Registered], str]:
        """The ids from the index, then batches of 100 items: two for each person."""
        with in_our_words():
            start = _start(place, after) if after else None
            index = Row.listed.query(keys.people_at(place), limit=limit, last_evaluated_key=start)
            ids = [row.pk for row in index]
            asked = [(pk, sk) for pk in ids for sk in (keys.ONLY, keys.LEAVING)]
            rows = list(Row.batch_get(asked, consistent_read=True)) if asked else []
        leavings = {row.pk: _leaving(row) for row in rows if isinstance(row, LeavingItem)}
        found = [
            Registered(person=items.person_from(row), leaving=leavings.get(row.pk))
            for row in rows
            if isinstance(row, PersonItem) and (not place or any(held["at"] == place for held in row.roles))
        ]
        return found, keys.value(ids[-1]) if len(ids) == limit else ""

    def left(self, place: str, *, limit: int) -> list[Leaving]:
        """The ids from the index, then one batch."""
        with in_our_words():
            index = Row.listed.query(keys.left_at(place), scan_index_forward=False, limit=limit)
            ids = [row.pk for row in index]
            rows = (
                list(Row.batch_get([(pk, keys.LEAVING) for pk in ids], consistent_read=True)) if ids else []
            )
        found = [_leaving(row) for row in rows if isinstance(row, LeavingItem) and row.left_at is not None]
        return sorted(found, key=lambda one: one.left_at or one.said_at, reverse=True)

    def leaving(self, person_id: str) -> Leaving | None:
        """The item beside the person."""
        with in_our_words():
            try:
                return _leaving(LeavingItem.get(keys.person(person_id), keys.LEAVING, consistent_read=True))
            except LeavingItem.DoesNotExist:
                return None

    def changes(self, person_id: str) -> list[PersonChange]:
        """One query; the key is in the order of time."""
        with in_our_words():
            begins = Row.sk.startswith(keys.PERSON_CHANGES)
            rows = list(Row.query(keys.person(person_id), begins, consistent_read=True))
        return [person_change_from(row) for row in rows if isinstance(row, PersonChangeItem)]

    def say(self, leaving: Leaving, change: PersonChange, *, instead_of: Leaving | None) -> bool:
        """On condition that the person is registered and the leaving is what was read."""

        def write(transaction: TransactWrite) -> None:
            is_same: Condition = Row.pk.does_not_exist()
            if instead_of is not None:
                is_same = LeavingItem.said_at == instead_of.said_at
            person = keys.person(leaving.person_id)
            transaction.condition_check(PersonItem, person, keys.ONLY, condition=Row.pk.exists())
            transaction.save(_item(leaving), condition=is_same)
            transaction.save(person_change_item(change), condition=Row.pk.does_not_exist())
            for earlier in left_items(instead_of) if instead_of is not None else ():
                transaction.delete(earlier)

        return together(write)

    def take_back(self, leaving: Leaving, change: PersonChange) -> bool:
        """On condition that the roles have not ended."""

        def write(transaction: TransactWrite) -> None:
            transaction.delete(_item(leaving), condition=_not_begun(leaving))
            transaction.save(person_change_item(change), condition=Row.pk.does_not_exist())

        return together(write)

    def due(self, now: datetime, *, limit: int) -> list[str]:
        """From the index alone."""
        with in_our_words():
            rows = Row.due.query(keys.DUE_LEAVING, Row.due_at <= now, limit=limit)
            return [keys.value(row.pk) for row in rows]

    def end_roles(
        self,
        leaving: Leaving,
        person: Person | None,
        change: PersonChange,
        *,
        others: Sequence[tuple[Holding, str]] = (),
    ) -> bool:
        """One transaction: nobody is half gone. It takes 5 operations, one for each role and one for each
        other, and two for each place."""
        owns_address = person is not None and self._owner(person.address) == person.id

        def write(transaction: TransactWrite) -> None:
            transaction.save(_item(leaving), condition=_not_begun(leaving))
            transaction.save(person_change_item(change), condition=Row.pk.does_not_exist())
            transaction.delete(AwayItem(keys.person(leaving.person_id), keys.AWAY))
            for placed in left_items(leaving):
                transaction.save(placed)
            for held, other in others:
                transaction.condition_check(HoldingItem, keys.holding(held), other, condition=Row.pk.exists())
            if person is None:
                gone = keys.person(leaving.person_id)
                transaction.condition_check(PersonItem, gone, keys.ONLY, condition=Row.pk.does_not_exist())
                return
            _delete_person(transaction, person)
            if owns_address:
                address = AddressItem(keys.address(normalised(person.address)), keys.ONLY)
                transaction.delete(address, condition=AddressItem.person_id == person.id)

        return together(write)

    def finish(self, leaving: Leaving) -> None:
        """Takes it out of the index of what is due."""
        item = LeavingItem(keys.person(leaving.person_id), keys.LEAVING)
        is_same = (LeavingItem.said_at == leaving.said_at) & LeavingItem.left_at.exists()
        done: list[Action] = [Row.due_kind.remove(), Row.due_at.remove()]
        if leaving.done_at is not None:
            done.append(LeavingItem.done_at.set(leaving.done_at))
        with in_our_words():
            try:
                item.update(actions=done, condition=is_same)
            except UpdateError as error:
                if not is_condition(error):
                    raise

    def forget_delegate(self, person_id: str, delegate_id: str) -> bool:
        """On condition that it is still this one: the days themselves stay."""
        item = AwayItem(keys.person(person_id), keys.AWAY)
        with in_our_words():
            try:
                item.update(
                    actions=[AwayItem.delegate_id.remove()], condition=AwayItem.delegate_id == delegate_id
                )
            except UpdateError as error:
                if is_condition(error):
                    return False
                raise
        return True

    def _owner(self, address: str) -> str:
        """Whose an address is: it may have gone to somebody else."""
        with in_our_words():
            try:
                return AddressItem.get(
                    keys.address(normalised(address)), keys.ONLY, consistent_read=True
                ).person_id
            except AddressItem.DoesNotExist:
                return ""


def _delete_person(transaction: TransactWrite, person: Person) -> None:
    """On condition that name, address and roles are as they were read: a role given meanwhile is seen."""
    roles = [{"role": held.role, "at": held.at} for held in person.roles]
    as_read = (PersonItem.address == person.address) & (PersonItem.roles == roles)
    transaction.delete(PersonItem(keys.person(person.id), keys.ONLY), condition=as_read)
    for held in person.roles:
        transaction.delete(HoldingItem(keys.holding(held), person.id))
    for placed in placed_items(person.id, person.roles):
        transaction.delete(placed)


def _start(place: str, after: str) -> dict[str, dict[str, str]]:
    """Where a query of the people at a place goes on."""
    return {
        "listed_as": {"S": keys.people_at(place)},
        "listed_at": items.moment(items.NO_MOMENT),
        "pk": {"S": keys.person(after)},
        "sk": {"S": keys.at(place) if place else keys.ONLY},
    }


def _not_begun(leaving: Leaving) -> Condition:
    is_same: Condition = LeavingItem.said_at == leaving.said_at
    not_begun: Condition = is_same & LeavingItem.left_at.does_not_exist()
    return not_begun


def _item(leaving: Leaving) -> LeavingItem:
    return LeavingItem(
        keys.person(leaving.person_id),
        keys.LEAVING,
        name=leaving.name,
        last_day=leaving.last_day.isoformat(),
        ends_at=leaving.ends_at,
        reason=leaving.reason,
        said_by=leaving.said_by,
        said_at=leaving.said_at,
        left_at=leaving.left_at,
        roles=[{"role": held.role, "at": held.at} for held in leaving.roles] or None,
        due_kind=keys.DUE_LEAVING,
        due_at=leaving.ends_at,
        listed_as=keys.LEFT if leaving.has_begun else None,
        listed_at=leaving.left_at,
    )


def _leaving(item: LeavingItem) -> Leaving:
    return Leaving(
        person_id=keys.value(item.pk),
        name=item.name,
        last_day=date.fromisoformat(item.last_day),
        ends_at=item.ends_at,
        reason=item.reason,
        said_by=item.said_by,
        said_at=item.said_at,
        left_at=item.left_at,
        roles=tuple(Holding(role=held["role"], at=held["at"]) for held in item.roles or ()),
        done_at=item.done_at,
    )
