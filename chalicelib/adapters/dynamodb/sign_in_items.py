"""Pairs of code and link, and sessions, as items and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.tables import PairItem, SessionItem
from chalicelib.domain.people.accounts import Session
from chalicelib.domain.people.pairs import Pair

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_PAIR = ("first_mailed_at", "last_mailed_at", "lives_until", "used_at", "unused", "version", "changed_at")
_SESSION = ("person_id", "csrf", "started_at", "used_at", "proved_at", "expires_at")
"""What the item keeps under the same name and in the same form."""

CHANGING = (
    *_PAIR,
    *("nonce", "is_long", "mails", "wrong", "asked_for", "proved", "person_id", "sent", "ttl"),
)
"""All that a change may change."""


def pair_item(pair: Pair) -> PairItem:
    """The item of a pair."""
    return PairItem(
        keys.pair(pair.mailbox),
        keys.ONLY,
        nonce=pair.nonce or None,
        is_long=int(pair.is_long),
        mails=_numbers(pair.mails),
        wrong=_numbers(pair.wrong),
        asked_for=list(pair.asked_for),
        proved=list(pair.proved),
        person_id=pair.person_id or None,
        sent=_numbers(pair.sent) or None,
        ttl=items.seconds(pair.forgotten_at) if pair.forgotten_at else None,
        **_values(pair, _PAIR),
    )


def pair_from(item: PairItem) -> Pair:
    """The pair of an item."""
    return Pair(
        mailbox=keys.value(item.pk),
        nonce=item.nonce or "",
        is_long=bool(item.is_long),
        mails=_moments(item.mails),
        wrong=_moments(item.wrong),
        asked_for=tuple(item.asked_for),
        proved=tuple(item.proved),
        person_id=item.person_id or "",
        sent=_moments(item.sent or ()),
        **_values(item, _PAIR),
    )


def session_item(session: Session) -> SessionItem:
    """The item of a session, within its person."""
    return SessionItem(
        keys.person(session.person_id),
        keys.session(session.digest),
        browser=session.browser or None,
        ttl=items.seconds(session.expires_at),
        **_values(session, _SESSION),
    )


def session_from(item: SessionItem) -> Session:
    """The session of an item."""
    return Session(digest=keys.value(item.sk), browser=item.browser or "", **_values(item, _SESSION))


def _values(one: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}


def _numbers(moments: Iterable[datetime]) -> list[int]:
    return [(moment - _EPOCH) // _MICROSECOND for moment in moments]


def _moments(numbers: Any) -> tuple[datetime, ...]:
    return tuple(_EPOCH + number * _MICROSECOND for number in numbers)
