"""Signing in: mailed codes, sessions and bearer tokens. Secrets are kept as digests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
CODES_AN_HOUR = 10
SESSION_LIFE = timedelta(hours=12)
CLAIMANT_LIFE = timedelta(hours=1)
_CLAIMANT = "claimant:"


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """One attempt to sign in, bound by `id` to the browser that asked. `person_id` is empty for unknown addresses."""

    id: str
    person_id: str
    code_digest: str
    expires_at: datetime
    tries_left: int = CODE_TRIES


@dataclass(frozen=True, kw_only=True)
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


def digest(secret: str, *, salt: str = "") -> str:
    """SHA-256 of a secret. A mailed code is salted with its sign-in's id, which only that browser knows."""
    return hashlib.sha256(f"{salt}:{secret}".encode()).hexdigest()
