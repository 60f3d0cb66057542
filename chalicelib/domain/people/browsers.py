"""What a browser carries between its visits: which mailboxes it asked codes for, and which it has proved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from chalicelib.domain.values import value

ASK_LIFE = timedelta(hours=1)
"""Longer than any pair lives."""

PROOF_LIFE = timedelta(days=90)
PROOF_LASTS = timedelta(hours=12)
"""As long as a session. On a computer that others use, too, nobody sends in somebody's name the day after."""

ATTEMPT_LIFE = timedelta(minutes=15)
"""From leaving for an OpenID provider to coming back."""

LINKING_LIFE = timedelta(minutes=30)
"""From coming back to typing the mailed code: as long as a pair lives, and some."""

MOST = 5
"""Mailboxes that a browser carries at once, of each kind: somebody has one or two."""

SENT_LIFE = timedelta(days=7)
"""As long as a submission waits for its code."""

MOST_SENT = 8
"""Submissions that a browser remembers to have sent, the newest: one code confirms them all in one transaction."""

_MOST_AFTER = 200
_UNKNOWN = "an unknown browser"


@value
class Carried:
    """A mailbox (pairs.mailbox_of) that this browser asked a code for, or proved, and when. `after`: the page that
    they wanted when they asked. `is_own`: whoever proved it says that nobody else uses this browser."""

    mailbox: str
    at: datetime
    after: str = ""
    is_own: bool = False

    def proves(self, now: datetime) -> bool:
        """Whether a mailbox that was proved needs no other code: for a working day; longer where the browser is its
        user's own."""
        return now < self.at + (PROOF_LIFE if self.is_own else PROOF_LASTS)


@value
class Sent:
    """A submission that this browser sent, by its name (pairs.submission_name): from which mailbox, and when."""

    mailbox: str
    name: str
    at: datetime


def carrying(carried: Iterable[Carried], one: Carried) -> list[Carried]:
    """All of them with this one, the newest first."""
    if len(one.after) > _MOST_AFTER:
        one = Carried(mailbox=one.mailbox, at=one.at, is_own=one.is_own)
    return [one, *(other for other in carried if other.mailbox != one.mailbox)][:MOST]


def without(carried: Iterable[Carried], mailbox: str) -> list[Carried]:
    """All but this mailbox."""
    return [one for one in carried if one.mailbox != mailbox]


def written(carried: Iterable[Carried]) -> list[Any]:
    """As a cookie holds them."""
    return [[one.mailbox, int(one.at.timestamp()), one.after, int(one.is_own)] for one in carried]


def read(content: Sequence[Any], now: datetime, *, life: timedelta) -> list[Carried]:
    """What a cookie of ours held, without what is too old, or what another release wrote in another way."""
    return [one for one in map(_read, content) if one is not None and now < one.at + life]


def _read(entry: Any) -> Carried | None:
    if not isinstance(entry, list) or len(entry) not in (3, 4):
        return None
    mailbox, seconds, after, *own = entry
    if not isinstance(mailbox, str) or not isinstance(seconds, int) or not isinstance(after, str):
        return None
    at = datetime.fromtimestamp(seconds, timezone.utc)
    return Carried(mailbox=mailbox, at=at, after=after, is_own=own == [1])


def sending(sent: Iterable[Sent], one: Sent) -> list[Sent]:
    """All of them with this one, the newest first."""
    return [one, *(other for other in sent if other.name != one.name)][:MOST_SENT]


def written_sent(sent: Iterable[Sent]) -> list[Any]:
    """As a cookie holds them."""
    return [[one.mailbox, int(one.at.timestamp()), one.name] for one in sent]


def read_sent(content: Sequence[Any], now: datetime) -> list[Sent]:
    """What a cookie of ours held, without what is too old, or what another release wrote in another way."""
    read = [one for one in map(_read, content) if one is not None]
    return [Sent(mailbox=one.mailbox, name=one.after, at=one.at) for one in read if now < one.at + SENT_LIFE]


def words(user_agent: str) -> str:
    """A browser and its system in words, such as `Firefox on Windows`, from its User-Agent. No version and nothing
    else of it: it is for its user to know it again."""
    browser = next((name for name, sign in _BROWSERS if sign in user_agent), "")
    system = next((name for name, sign in _SYSTEMS if sign in user_agent), "")
    if not browser:
        return f"a browser on {system}" if system else _UNKNOWN
    return f"{browser} on {system}" if system else browser


# The order matters: Edge says that it is Chrome, and Chrome that it is Safari.
_BROWSERS = (
    ("Edge", "Edg"),
    ("Samsung Internet", "SamsungBrowser/"),
    ("Opera", "OPR/"),
    ("Firefox", "Firefox/"),
    ("Firefox", "FxiOS/"),
    ("Chrome", "CriOS/"),
    ("Chrome", "Chrome/"),
    ("Safari", "Safari/"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("ChromeOS", "CrOS"),
    ("Mac", "Mac OS X"),
    ("Linux", "Linux"),
)
