"""Bearer tokens: what a program may do in the name of a person. The secret is shown once and kept as a digest."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from enum import Enum

from chalicelib.domain.people.people import ADMIN, COORDINATOR, NATIONAL, Person
from chalicelib.domain.values import value

USUAL_DAYS = 30
LONGEST_DAYS = 90
MOST_LIVE = 10
MOST_NAME = 60
USE_NOTED_EVERY = timedelta(hours=1)
"""How often a use is written down: the list says within an hour when a token was last used."""

_PREFIX = "syk_"
"""Lets tools that look for leaked secrets find ours."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Scope(Enum):
    """What a route may ask of a token. No scope covers deciding, paying, releasing money, people, tokens or erasure."""

    READ = "read"
    SUBMIT = "submit"
    MANAGE = "manage"


SCOPE_WORDS = {
    Scope.READ: "Read submissions, timelines, lists, exports and the fund",
    Scope.SUBMIT: "Send submissions for the users of another service",
    Scope.MANAGE: "Add notes, send reminders and try failed deliveries again",
}


@value
class Token:
    """A token that somebody made. `digest` is the SHA-256 of its secret, in hexadecimal digits."""

    digest: str
    person_id: str
    name: str
    scopes: frozenset[Scope]
    made_at: datetime
    made_by: str
    expires_at: datetime
    last_used_at: datetime | None = None

    @property
    def id(self) -> str:
        """What people and commands call it by."""
        return self.digest[:12]

    def is_live(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return now < self.expires_at

    def allows(self, scope: Scope, person: Person) -> bool:
        """Whether the token has this scope, and its person may still give it."""
        return scope in self.scopes and scope in scopes_of(person)

    def use_is_due(self, now: datetime) -> bool:
        """Whether a use at this moment is to be written down."""
        return self.last_used_at is None or now - self.last_used_at >= USE_NOTED_EVERY


def scopes_of(person: Person) -> frozenset[Scope]:
    """The scopes that a token of this person may have at present.

    Staff may read; coordinators may manage; `submit` vouches for the users of another service, so it takes a national
    coordinator or administrator.
    """
    found = set()
    if person.staff_of():
        found.add(Scope.READ)
    if any(held.role == COORDINATOR for held in person.roles):
        found.add(Scope.MANAGE)
    if any(person.holds(role, at=NATIONAL) for role in (COORDINATOR, ADMIN)):
        found.add(Scope.SUBMIT)
    return frozenset(found)


def can_hold_tokens(person_id: str) -> bool:
    """Whether a token can name this person: their id consists of letters, digits, `-` and `_`."""
    return _PLAIN_ID.fullmatch(person_id) is not None


def token_secret(chance: str, person_id: str) -> str:
    """The secret of a token. The id behind the dot lets token and person be read in one call; the digest covers it."""
    return f"{_PREFIX}{chance}.{person_id}"


def holder_of_token(secret: str) -> str:
    """The id that a secret names; empty where it names none. Only the digest shows whether it is a token."""
    chance, _, person_id = secret.partition(".")
    return person_id if chance.startswith(_PREFIX) and can_hold_tokens(person_id) else ""


def token_digest(secret: str) -> str:
    """SHA-256 of a secret of 256 random bits: it needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()
