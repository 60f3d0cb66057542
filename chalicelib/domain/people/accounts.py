"""Sessions and bearer tokens. Secrets are kept as digests."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from urllib.parse import quote, unquote

from chalicelib.domain.values import value

SESSION_LIFE = timedelta(hours=12)
IDLE = timedelta(hours=2)
"""A session that nobody used for so long ends."""

NOTED_EVERY = timedelta(minutes=5)
"""How often the last use is written down: a session ends up to so much sooner than IDLE says."""

FRESH = timedelta(minutes=15)
"""Paying takes a proof of who one is that is no older."""

CLAIMANT_LIFE = timedelta(hours=1)
_CLAIMANT = "claimant:"
_COOKIE_SAFE = re.compile(r"[A-Za-z0-9._~%-]{1,200}", re.ASCII)


@value
class Session:
    """Somebody signed in. `digest` is of the cookie's value; `csrf` must come back with every form they post.

    `used_at` is the last use that was noted, `proved_at` when they last showed who they are. `browser` is what they
    signed in with, in words. All times are UTC.
    """

    digest: str
    person_id: str
    csrf: str
    started_at: datetime
    used_at: datetime
    proved_at: datetime
    expires_at: datetime
    browser: str = ""

    @property
    def ends_at(self) -> datetime:
        """When it ends unless it is used again."""
        return min(self.expires_at, self.used_at + IDLE)

    def is_fresh(self, now: datetime) -> bool:
        """Whether its holder has just shown who they are."""
        return now < self.proved_at + FRESH


def new_session(
    secret: str,
    person_id: str,
    *,
    csrf: str,
    now: datetime,
    life: timedelta = SESSION_LIFE,
    browser: str = "",
) -> Session:
    """The session that begins now, and lasts so long at most; a submitter's never long."""
    return Session(
        digest=digest(secret),
        person_id=person_id,
        csrf=csrf,
        started_at=now,
        used_at=now,
        proved_at=now,
        expires_at=now + min(life, longest_session(person_id)),
        browser=browser,
    )


def claimant_of(force: str, reference: str) -> str:
    """In whose name a submitter is signed in: nobody registered, and for this one submission."""
    return f"{_CLAIMANT}{force}.{reference}"


def is_claimant(person_id: str) -> bool:
    """Whether this is `claimant_of` some submission."""
    return person_id.startswith(_CLAIMANT)


def longest_session(person_id: str) -> timedelta:
    """How long somebody may stay signed in; a submitter, whatever page they came by, not for long."""
    return CLAIMANT_LIFE if is_claimant(person_id) else SESSION_LIFE


def session_secret(chance: str, person_id: str) -> str:
    """What the cookie of a session holds: chance alone makes it a secret. The id behind it says where the session is
    kept; it is part of what the digest is of, so that nobody puts another one there."""
    return f"{chance}.{quote(person_id, safe='')}"


def holder_of(secret: str) -> str:
    """Whose session a cookie says that it is of; empty where it does not say so. Only the digest shows that it is."""
    _, _, holder = secret.partition(".")
    return unquote(holder) if _COOKIE_SAFE.fullmatch(holder) else ""


def digest(secret: str) -> str:
    """SHA-256 of a secret."""
    return hashlib.sha256(f":{secret}".encode()).hexdigest()
