"""Pairs of code and link, and sessions, in DynamoDB. What expired is ignored, removed or not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pynamodb.exceptions import UpdateError

from chalicelib.adapters.dynamodb import items, keys, sign_in_items
from chalicelib.adapters.dynamodb.failures import in_our_words, is_condition
from chalicelib.adapters.dynamodb.tables import PairItem, PersonItem, Row, SessionItem
from chalicelib.domain.people.accounts import Session
from chalicelib.domain.people.pairs import Pair
from chalicelib.domain.people.people import Person


class DynamoAccounts:
    """Pairs and sessions."""

    def pairs(self, mailboxes: Sequence[str]) -> list[Pair]:
        """One BatchGetItem, consistent."""
        with in_our_words():
            asked = [(keys.pair(one), keys.ONLY) for one in dict.fromkeys(mailboxes)]
            found = (
                {item.pk: item for item in PairItem.batch_get(asked, consistent_read=True)} if asked else {}
            )
        kept = {one: found.get(keys.pair(one)) for one in mailboxes}
        return [
            sign_in_items.pair_from(item) if item is not None else Pair(mailbox=mailbox)
            for mailbox, item in kept.items()
        ]

    def add_session(self, session: Session) -> None:
        """Its digest is of a random secret: put if absent."""
        with in_our_words():
            sign_in_items.session_item(session).save(condition=Row.pk.does_not_exist())

    def session_and_holder(
        self, digest: str, person_id: str, *, now: datetime
    ) -> tuple[Session | None, Person | None]:
        """One BatchGetItem, consistent."""
        pk = keys.person(person_id)
        with in_our_words():
            found = list(Row.batch_get([(pk, keys.session(digest)), (pk, keys.ONLY)], consistent_read=True))
        sessions = [sign_in_items.session_from(item) for item in found if isinstance(item, SessionItem)]
        people = [items.person_from(item) for item in found if isinstance(item, PersonItem)]
        return next((one for one in sessions if one.ends_at > now), None), next(iter(people), None)

    def sessions(self, person_id: str, *, now: datetime) -> list[Session]:
        """The person's partition holds them."""
        with in_our_words():
            rows = Row.query(keys.person(person_id), Row.sk.startswith(keys.SESSIONS), consistent_read=True)
            found = [sign_in_items.session_from(row) for row in rows if isinstance(row, SessionItem)]
        return sorted((one for one in found if one.ends_at > now), key=lambda one: one.used_at, reverse=True)

    def note_use(self, session: Session, *, at: datetime) -> None:
        """On condition that it is there: a session that was ended is not begun anew."""
        item = SessionItem(keys.person(session.person_id), keys.session(session.digest))
        with in_our_words():
            try:
                item.update(actions=[SessionItem.used_at.set(at)], condition=Row.pk.exists())
            except UpdateError as error:
                if not is_condition(error):
                    raise

    def end_session(self, person_id: str, digest: str) -> None:
        """Ending a session that is gone is harmless."""
        with in_our_words():
            SessionItem(keys.person(person_id), keys.session(digest)).delete()

    def end_all_sessions(self, person_id: str, *, except_for: str = "") -> None:
        """One after the other: a person has few."""
        with in_our_words():
            rows = Row.query(keys.person(person_id), Row.sk.startswith(keys.SESSIONS), consistent_read=True)
            for row in list(rows):
                if row.sk != keys.session(except_for):
                    row.delete()
