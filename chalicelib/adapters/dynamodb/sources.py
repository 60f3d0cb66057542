"""What stands for a network on a day, and the key that it is made with: random, shared by all processes, gone after 30
days. Without the key nobody finds the network again, not even with the signing keys."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from typing import Protocol

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import PutError

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.failures import in_our_words, is_condition
from chalicelib.adapters.dynamodb.tables import Row

KEPT_FOR = timedelta(days=30)
"""How long a key is kept after its day."""


class DayKeyItem(Row, discriminator="day-key"):
    """The key that network addresses are hashed with on a day."""

    secret = UnicodeAttribute()


class DayKeys(Protocol):
    """The stored keys."""

    def key(self, day: date, *, new: str) -> str:
        """The key of this day. Where there is none, `new` is stored, unless another process is faster: everybody gets
        the key that was stored first. Raises Unavailable."""


class DynamoDayKeys:
    """One item for each day, with a TTL."""

    def key(self, day: date, *, new: str) -> str:
        """One read; for the first of the day a put as well, and another read where somebody else put it first."""
        with in_our_words():
            return _stored(day) or _put(day, new) or _stored(day)


class DailySources:
    """Hashes of networks. It remembers the key of one day, so a process reads it once a day."""

    def __init__(self, kept: DayKeys, *, now: Callable[[], datetime], new_secret: Callable[[], str]) -> None:
        self._kept, self._now, self._new_secret = kept, now, new_secret
        self._last: tuple[date, str] | None = None

    def of(self, network: str, day: date) -> str:
        """32 hexadecimal digits. Raises LookupError for a day whose key has expired, whether or not DynamoDB has
        removed the item; Unavailable where the key cannot be read."""
        message = f"share-your-knowledge\nnetwork\n{network}"
        return hmac.new(self._key(day).encode(), message.encode(), hashlib.sha256).hexdigest()[:32]

    def _key(self, day: date) -> str:
        if self._now() >= expires(day):
            raise LookupError(f"the key of {day} has expired")
        last = self._last  # one read of the attribute: another thread may change it
        if last is None or last[0] != day:
            last = self._last = (day, self._kept.key(day, new=self._new_secret()))
        return last[1]


def expires(day: date) -> datetime:
    """From when on the key of a day is not used any more."""
    ends = datetime.combine(day, time.min, timezone.utc) + timedelta(days=1)
    return ends + KEPT_FOR


def _stored(day: date) -> str:
    try:
        return DayKeyItem.get(keys.day_key(day), keys.ONLY, consistent_read=True).secret
    except DayKeyItem.DoesNotExist:
        return ""


def _put(day: date, secret: str) -> str:
    """Returns nothing where there is one by now."""
    item = DayKeyItem(keys.day_key(day), keys.ONLY, secret=secret, ttl=items.seconds(expires(day)))
    try:
        item.save(condition=Row.pk.does_not_exist())
    except PutError as error:
        if not is_condition(error):
            raise
        return ""
    return secret
