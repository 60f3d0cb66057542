"""Pairs of code and link, and sessions, as items and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from chalicelib.adapters import items, keys
from chalicelib.adapters.tables import PairItem, SessionItem
from chalicelib.domain.accounts import Session
from chalicelib.domain.pairs import Pair

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
CHANGING = (
    *("nonce", "is_long", "first_mailed_at", "last_mailed_at", "lives_until", "used_at", "mails", "unused"),
    *("wrong", "asked_for", "proved", "person_id", "sent", "version", "changed_at", "ttl"),
)
"""All that a change may change."""


def pair_item(pair: Pair) -> PairItem:
    """The item of a pair."""
    return PairItem(
        keys.pair(pair.mailbox),
        keys.ONLY,
        nonce=pair.nonce or None,
        is_long=int(pair.is_long),
        first_mailed_at=pair.first_mailed_at,
        last_mailed_at=pair.last_mailed_at,
        lives_until=pair.lives_until,
        used_at=pair.used_at,
        mails=_numbers(pair.mails),
        unused=pair.unused,
        wrong=_numbers(pair.wrong),
        asked_for=list(pair.asked_for),
        proved=list(pair.proved),
        person_id=pair.person_id or None,
        sent=_numbers(pair.sent) or None,
        version=pair.version,
        changed_at=pair.changed_at,
        ttl=items.seconds(pair.forgotten_at) if pair.forgotten_at else None,
    )


def pair_from(item: PairItem) -> Pair:
    """The pair of an item."""
    return Pair(
        mailbox=keys.value(item.pk),
        nonce=item.nonce or "",
        is_long=bool(item.is_long),
        first_mailed_at=item.first_mailed_at,
        last_mailed_at=item.last_mailed_at,
        lives_until=item.lives_until,
        used_at=item.used_at,
        mails=_moments(item.mails),
        unused=item.unused,
        wrong=_moments(item.wrong),
        asked_for=tuple(item.asked_for),
        proved=tuple(item.proved),
        person_id=item.person_id or "",
        sent=_moments(item.sent or ()),
        version=item.version,
        changed_at=item.changed_at,
    )


def session_item(session: Session) -> SessionItem:
    """The item of a session, within its person."""
    return SessionItem(
        keys.person(session.person_id),
        keys.session(session.digest),
        person_id=session.person_id,
        csrf=session.csrf,
        started_at=session.started_at,
        used_at=session.used_at,
        proved_at=session.proved_at,
        expires_at=session.expires_at,
        browser=session.browser or None,
        ttl=items.seconds(session.expires_at),
    )


def session_from(item: SessionItem) -> Session:
    """The session of an item."""
    return Session(
        digest=keys.value(item.sk),
        person_id=item.person_id,
        csrf=item.csrf,
        started_at=item.started_at,
        used_at=item.used_at,
        proved_at=item.proved_at,
        expires_at=item.expires_at,
        browser=item.browser or "",
    )


def _numbers(moments: Iterable[datetime]) -> list[int]:
    return [(moment - _EPOCH) // _MICROSECOND for moment in moments]


def _moments(numbers: Any) -> tuple[datetime, ...]:
    return tuple(_EPOCH + number * _MICROSECOND for number in numbers)
