"""Signing in: mailed codes, sessions and bearer tokens. Secrets are kept as digests."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta

from chalicelib.domain.values import value

CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
CODES_AN_HOUR = 10
SESSION_LIFE = timedelta(hours=12)
CLAIMANT_LIFE = timedelta(hours=1)
_CLAIMANT = "claimant:"
_COOKIE_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@value
class SignIn:
    """One attempt to sign in, bound by `id` to the browser that asked. `person_id` is empty for unknown addresses."""

    id: str
    person_id: str
    code_digest: str
    expires_at: datetime
    tries_left: int = CODE_TRIES


@value
class Session:
    """Somebody signed in. `digest` is of the cookie's value; `csrf` must come back with every form they post."""

    digest: str
    person_id: str
    csrf: str
    expires_at: datetime


def claimant_of(force: str, reference: str) -> str:
    """In whose name a submitter is signed in: nobody registered, and for this one submission."""
    return f"{_CLAIMANT}{force}.{reference}"


def longest_session(person_id: str) -> timedelta:
    """How long somebody may stay signed in; a submitter, whatever page they came by, not for long."""
    return CLAIMANT_LIFE if person_id.startswith(_CLAIMANT) else SESSION_LIFE


def session_secret(chance: str, person_id: str) -> str:
    """What the cookie of a session holds: chance alone makes it a secret. The id behind it lets session and person be
    read at once; it is part of what the digest is of, so that nobody puts another one there."""
    return f"{chance}.{person_id}" if _COOKIE_SAFE.fullmatch(person_id) else chance


def holder_of(secret: str) -> str:
    """Whose session a cookie says that it is of; empty where it does not say so. Only the digest shows that it is."""
    _, _, person_id = secret.partition(".")
    return person_id if _COOKIE_SAFE.fullmatch(person_id) else ""


def digest(secret: str, *, salt: str = "") -> str:
    """SHA-256 of a secret. A mailed code is salted with its sign-in's id, which only that browser knows."""
    return hashlib.sha256(f"{salt}:{secret}".encode()).hexdigest()
