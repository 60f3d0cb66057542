"""Bearer tokens in DynamoDB: each beside its person, so that one call reads both. What expired is ignored."""

from __future__ import annotations

from datetime import datetime

from pynamodb.exceptions import UpdateError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.failures import in_our_words, is_condition
from chalicelib.adapters.dynamodb.people_tables import BearerItem, person_change_item
from chalicelib.adapters.dynamodb.tables import PersonItem, Row
from chalicelib.adapters.dynamodb.together import together
from chalicelib.domain.people.people import Person
from chalicelib.domain.people.person_changes import PersonChange
from chalicelib.domain.people.tokens import USE_NOTED_EVERY, Scope, Token


class DynamoTokens:
    """Bearer tokens."""

    def token_and_holder(
        self, digest: str, person_id: str, *, now: datetime
    ) -> tuple[Token | None, Person | None]:
        """One BatchGetItem, consistent."""
        asked = [(keys.person(person_id), keys.bearer(digest)), (keys.person(person_id), keys.ONLY)]
        with in_our_words():
            found = list(Row.batch_get(asked, consistent_read=True))
        tokens = [_token(item) for item in found if isinstance(item, BearerItem)]
        people = [items.person_from(item) for item in found if isinstance(item, PersonItem)]
        live = (token for token in tokens if token.is_live(now))
        return next(live, None), next(iter(people), None)

    def of(self, person_id: str) -> list[Token]:
        """One query; consistent, so that whoever has just revoked one does not see it again."""
        tokens = map(_token, self._items(person_id))
        return sorted(tokens, key=lambda token: token.made_at, reverse=True)

    def add(self, token: Token, change: PersonChange) -> bool:
        """On condition that the person is registered: who has left gets no new token."""

        def write(transaction: TransactWrite) -> None:
            person = keys.person(token.person_id)
            transaction.condition_check(PersonItem, person, keys.ONLY, condition=Row.pk.exists())
            transaction.save(_item(token), condition=Row.pk.does_not_exist())
            transaction.save(person_change_item(change), condition=Row.pk.does_not_exist())

        return together(write)

    def end(self, token: Token, change: PersonChange) -> bool:
        """On condition that it is there: it is revoked once, by one person."""

        def write(transaction: TransactWrite) -> None:
            item = BearerItem(keys.person(token.person_id), keys.bearer(token.digest))
            transaction.delete(item, condition=Row.pk.exists())
            transaction.save(person_change_item(change), condition=Row.pk.does_not_exist())

        return together(write)

    def used(self, token: Token, *, at: datetime) -> None:
        """On condition that the token exists, and that nobody has just done the same."""
        item = BearerItem(keys.person(token.person_id), keys.bearer(token.digest))
        is_due = BearerItem.last_used_at.does_not_exist() | (BearerItem.last_used_at <= at - USE_NOTED_EVERY)
        with in_our_words():
            try:
                item.update(actions=[BearerItem.last_used_at.set(at)], condition=Row.pk.exists() & is_due)
            except UpdateError as error:
                if not is_condition(error):
                    raise

    def end_all(self, person_id: str) -> int:
        """One after another: there are at most ten that are live."""
        found = self._items(person_id)
        with in_our_words():
            for item in found:
                item.delete()
        return len(found)

    def _items(self, person_id: str) -> list[BearerItem]:
        with in_our_words():
            rows = Row.query(keys.person(person_id), Row.sk.startswith(keys.BEARERS), consistent_read=True)
            return [row for row in rows if isinstance(row, BearerItem)]


def _item(token: Token) -> BearerItem:
    return BearerItem(
        keys.person(token.person_id),
        keys.bearer(token.digest),
        name=token.name,
        scopes=" ".join(sorted(scope.value for scope in token.scopes)),
        made_at=token.made_at,
        made_by=token.made_by,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        ttl=items.seconds(token.expires_at),
    )


def _token(item: BearerItem) -> Token:
    return Token(
        digest=keys.value(item.sk),
        person_id=keys.value(item.pk),
        name=item.name,
        scopes=frozenset(Scope(word) for word in item.scopes.split()),
        made_at=item.made_at,
        made_by=item.made_by,
        expires_at=item.expires_at,
        last_used_at=item.last_used_at,
    )
