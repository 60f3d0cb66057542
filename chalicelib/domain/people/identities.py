"""Who somebody is to an OpenID provider, and what a browser carries while they sign in there."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from chalicelib.domain.errors import NotVouchedFor
from chalicelib.domain.people.accounts import FRESH
from chalicelib.domain.people.browsers import ATTEMPT_LIFE, LINKING_LIFE
from chalicelib.domain.people.issuers import Issuer
from chalicelib.domain.values import value

LEEWAY = timedelta(seconds=60)
"""How far the clocks of a provider and of ours may be apart."""

_LONGEST = 255
"""Characters of a subject, as OpenID Connect has it."""

_LONGEST_SHOWN = 100


@value
class Attempt:
    """Somebody on the way to a provider. `state` comes back with them, `nonce` in the token, and `verifier` is what
    only this browser's attempt knows (PKCE). `after`: the page they wanted. `is_recent`: the provider must have them
    prove who they are, unless they just did."""

    issuer: str
    state: str
    nonce: str
    verifier: str
    at: datetime
    after: str = "/"
    is_recent: bool = False


@value
class Identity:
    """Somebody as a provider knows them. `digest` stands for them; `shown` is the name the provider gives them, for
    them to recognise; `proved_at` is when they last proved to it who they are, where it says so."""

    issuer: str
    digest: str
    shown: str
    proved_at: datetime | None = None


@value
class Link:
    """An identity that belongs to a person registered here."""

    digest: str
    issuer: str
    person_id: str
    linked_at: datetime


@value
class Linking:
    """An identity that is to be linked with a mailbox, once its owner has typed a mailed code."""

    identity: Identity
    at: datetime
    after: str = "/"


def identity_of(issuer: Issuer, claims: Mapping[str, Any], now: datetime, *, is_recent: bool) -> Identity:
    """Who the claims of a verified token are about. Only the issuer and its subject claims count: no address.

    Raises NotVouchedFor where one of them is missing, or where the proof must be recent and is not.
    """
    subject = [claims.get(name) for name in issuer.subject]
    if not all(isinstance(one, str) and 0 < len(one) <= _LONGEST for one in subject):
        raise NotVouchedFor(f"{issuer.name} did not say who you are in a way that we can use.")
    proved_at = _moment(claims.get("auth_time"))
    if is_recent and (proved_at is None or not now - FRESH - LEEWAY <= proved_at <= now + LEEWAY):
        raise NotVouchedFor(f"{issuer.name} did not ask you again who you are.")
    names = (claims.get(name) for name in ("preferred_username", "name"))
    shown = next((one for one in names if isinstance(one, str) and one.strip()), "")
    return Identity(
        issuer=issuer.id,
        digest=hashlib.sha256(json.dumps([issuer.url, *subject]).encode()).hexdigest(),
        shown=" ".join(shown.split())[:_LONGEST_SHOWN],
        proved_at=min(proved_at, now) if proved_at else None,
    )


def _moment(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


# As cookies hold them


def attempt_written(attempt: Attempt) -> list[Any]:
    """For read_attempt."""
    texts = [attempt.issuer, attempt.state, attempt.nonce, attempt.verifier, attempt.after]
    return [*texts, attempt.is_recent, _seconds(attempt.at)]


def read_attempt(content: Sequence[Any], now: datetime) -> Attempt | None:
    """What attempt_written made, unless it is too old."""
    if len(content) != 7:
        return None
    issuer, state, nonce, verifier, after, is_recent, seconds = content
    at = _moment(seconds)
    if at is None or now >= at + ATTEMPT_LIFE:
        return None
    return Attempt(
        issuer=issuer,
        state=state,
        nonce=nonce,
        verifier=verifier,
        at=at,
        after=after,
        is_recent=is_recent,
    )


def linking_written(linking: Linking) -> list[Any]:
    """For read_linking."""
    one = linking.identity
    return [one.issuer, one.digest, one.shown, linking.after, _seconds(linking.at)]


def read_linking(content: Sequence[Any], now: datetime) -> Linking | None:
    """What linking_written made, unless it is too old."""
    if len(content) != 5:
        return None
    issuer, digest, shown, after, seconds = content
    at = _moment(seconds)
    if at is None or now >= at + LINKING_LIFE:
        return None
    identity = Identity(issuer=issuer, digest=digest, shown=shown)
    return Linking(identity=identity, at=at, after=after)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
