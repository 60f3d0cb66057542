"""Sign-ins and sessions in DynamoDB. What expired is ignored, removed or not."""

from __future__ import annotations

from datetime import datetime, timedelta

from pynamodb.exceptions import DeleteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters import items, keys
from chalicelib.adapters.failures import in_our_words, is_condition
from chalicelib.adapters.tables import CodesItem, PersonItem, Row, SessionItem, SignInItem
from chalicelib.domain.accounts import Session, SignIn
from chalicelib.domain.people import Person


class DynamoAccounts:
    """Sign-ins and sessions."""

    def add_sign_in(self, sign_in: SignIn) -> None:
        """Its id is random: put if absent."""
        item = SignInItem(
            keys.sign_in(sign_in.id),
            keys.ONLY,
            person_id=sign_in.person_id or None,
            code_digest=sign_in.code_digest,
            tries_left=sign_in.tries_left,
            expires_at=sign_in.expires_at,
            ttl=items.seconds(sign_in.expires_at),
        )
        with in_our_words():
            item.save(condition=Row.pk.does_not_exist())

    def count_code(self, person_id: str, *, hour: str, limit: int) -> bool:
        """Adds one, on condition that the limit is not reached."""
        item = CodesItem(keys.person(person_id), keys.codes(hour))
        condition = CodesItem.mailed.does_not_exist() | (CodesItem.mailed < limit)
        actions: list[Action] = [
            CodesItem.mailed.add(1),
            CodesItem.kind.set(CodesItem),
            CodesItem.ttl.set(
                items.seconds(datetime.fromisoformat(hour + ":00:00+00:00") + timedelta(hours=2))
            ),
        ]
        return self._updated(item, actions, condition)

    def use_try(self, sign_in_id: str, *, now: datetime) -> SignIn | None:
        """Takes one try before the code is looked at, so that parallel guesses count each."""
        item = SignInItem(keys.sign_in(sign_in_id), keys.ONLY)
        condition = (SignInItem.tries_left > 0) & (SignInItem.expires_at > now)
        if not self._updated(item, [SignInItem.tries_left.add(-1)], condition):
            return None
        return SignIn(
            id=sign_in_id,
            person_id=item.person_id or "",
            code_digest=item.code_digest,
            expires_at=item.expires_at,
            tries_left=item.tries_left,
        )

    def end_sign_in(self, sign_in_id: str) -> bool:
        """A code works once: only one caller removes it."""
        with in_our_words():
            try:
                SignInItem(keys.sign_in(sign_in_id), keys.ONLY).delete(condition=Row.pk.exists())
            except DeleteError as error:
                if is_condition(error):
                    return False
                raise
        return True

    def add_session(self, session: Session) -> None:
        """Its digest is of a random secret: put if absent."""
        item = SessionItem(
            keys.session(session.digest),
            keys.ONLY,
            person_id=session.person_id,
            csrf=session.csrf,
            expires_at=session.expires_at,
            ttl=items.seconds(session.expires_at),
        )
        with in_our_words():
            item.save(condition=Row.pk.does_not_exist())

    def session(self, digest: str, *, now: datetime) -> Session | None:
        """The session, unless it expired."""
        with in_our_words():
            try:
                item = SessionItem.get(keys.session(digest), keys.ONLY, consistent_read=True)
            except SessionItem.DoesNotExist:
                return None
        return _session(digest, item, now)

    def session_and_holder(
        self, digest: str, person_id: str, *, now: datetime
    ) -> tuple[Session | None, Person | None]:
        """One BatchGetItem, consistent."""
        asked = [(keys.session(digest), keys.ONLY), (keys.person(person_id), keys.ONLY)]
        with in_our_words():
            found = list(Row.batch_get(asked, consistent_read=True))
        sessions = [_session(digest, item, now) for item in found if isinstance(item, SessionItem)]
        people = [items.person_from(item) for item in found if isinstance(item, PersonItem)]
        return next(iter(sessions), None), next(iter(people), None)

    def end_session(self, digest: str) -> None:
        """Ending a session that is gone is harmless."""
        with in_our_words():
            SessionItem(keys.session(digest), keys.ONLY).delete()

    def _updated(self, item: Row, actions: list[Action], condition: Condition) -> bool:
        with in_our_words():
            try:
                item.update(actions=actions, condition=condition)
            except UpdateError as error:
                if is_condition(error):
                    return False
                raise
        return True


def _session(digest: str, item: SessionItem, now: datetime) -> Session | None:
    if item.expires_at <= now:
        return None
    return Session(digest=digest, person_id=item.person_id, csrf=item.csrf, expires_at=item.expires_at)
