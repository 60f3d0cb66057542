"""Making, listing and revoking bearer tokens; and whose a token is."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Collection
from datetime import timedelta

from chalicelib.domain.errors import Forbidden, InvalidAnswers, NotSignedIn, Problem, Unavailable
from chalicelib.domain.people.people import ADMIN, COORDINATOR, NATIONAL, Person
from chalicelib.domain.people.person_changes import PersonChange, What
from chalicelib.domain.people.tokens import (
    LONGEST_DAYS,
    MOST_LIVE,
    MOST_NAME,
    Scope,
    Token,
    can_hold_tokens,
    holder_of_token,
    scopes_of,
    token_digest,
    token_secret,
)
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts

_UNKNOWN = "This token is not known, has expired or was revoked."
_log = logging.getLogger(__name__)


@value
class Made:
    """A new token. `secret` is shown once: only its digest is kept."""

    token: Token
    secret: str


def token_of(parts: Parts, secret: str) -> tuple[Token, Person]:
    """The token with this secret, and the person it acts for. Raises NotSignedIn for any other text."""
    person_id = holder_of_token(secret) if secret.isascii() else ""
    if not person_id:
        raise NotSignedIn(_UNKNOWN)
    now = parts.now()
    token, person = parts.tokens.token_and_holder(token_digest(secret), person_id, now=now)
    if token is None or person is None:
        raise NotSignedIn(_UNKNOWN)
    if token.use_is_due(now):
        _note_use(parts, token)
    return token, person


def _note_use(parts: Parts, token: Token) -> None:
    try:
        parts.tokens.used(token, at=parts.now())
    except Unavailable:  # what the token was used for matters more than the note of it
        _log.warning("could not note the use of a token")


def live_tokens(parts: Parts, person_id: str) -> list[Token]:
    """The tokens of somebody that have not expired, the newest first."""
    return [token for token in parts.tokens.of(person_id) if token.is_live(parts.now())]


def check_may_make(person: Person) -> None:
    """Raise Forbidden for people whose tokens could do nothing: those who are not staff."""
    if not scopes_of(person):
        raise Forbidden("Tokens are for coordinators, the fund holder and administrators.")


def make(
    parts: Parts, person: Person, *, name: str, scopes: Collection[str], days: int | None, by: str
) -> Made:
    """Make a token for somebody. `by` is who makes it: a person's id, or COMMAND.

    Raises InvalidAnswers (pointers `/name`, `/scopes`, `/days`), Forbidden for people who may have none.
    """
    check_may_make(person)
    name = " ".join(name.split())
    _check(parts, person, name, scopes, days)
    now = parts.now()
    secret = token_secret(parts.new_secret(), person.id)
    token = Token(
        digest=token_digest(secret),
        person_id=person.id,
        name=name,
        scopes=frozenset(map(Scope, scopes)),
        made_at=now,
        made_by=by,
        expires_at=now + timedelta(days=days or 0),
    )
    if not parts.tokens.add(token, _change(parts, token, What.TOKEN_MADE, by)):
        raise Forbidden("This person is no longer registered.")
    return Made(token=token, secret=secret)


def _check(parts: Parts, person: Person, name: str, scopes: Collection[str], days: int | None) -> None:
    problems = []
    if not name:
        problems.append(_problem("/name", "Enter a name, such as the program that will use the token"))
    elif len(name) > MOST_NAME or not name.isprintable():
        problems.append(_problem("/name", f"The name must be {MOST_NAME} characters or fewer"))
    may = {scope.value for scope in scopes_of(person)}
    if not scopes or not set(scopes) <= may:
        problems.append(_problem("/scopes", "Select what the token may do"))
    if days is None or not 1 <= days <= LONGEST_DAYS:
        problems.append(_problem("/days", f"Enter a number of days from 1 to {LONGEST_DAYS}"))
    if not can_hold_tokens(person.id):
        problems.append(_problem("/name", "The id of this person holds characters that no token can carry"))
    elif not problems and len(live_tokens(parts, person.id)) >= MOST_LIVE:
        problems.append(_problem("/name", f"There are {MOST_LIVE} tokens already. Revoke one first"))
    if problems:
        raise InvalidAnswers(problems)


def revoke(parts: Parts, person_id: str, token_id: str, *, by: Person | None, actor: str = "") -> bool:
    """Revoke a token, whether or not it has expired; False where there is none of this id, which is harmless. `by` is
    its owner, or a national coordinator or administrator; None for a command, whose `actor` is COMMAND. Raises
    Forbidden."""
    if by is not None:
        check_may_revoke(by, person_id)
    for token in parts.tokens.of(person_id):
        if hmac.compare_digest(token.id.encode(), token_id.encode()):
            change = _change(parts, token, What.TOKEN_REVOKED, by.id if by else actor)
            return parts.tokens.end(token, change)
    return False


def check_may_revoke(by: Person, person_id: str) -> None:
    """Raise Forbidden for whoever may not revoke the tokens of this person."""
    if by.id != person_id and not may_revoke_of_others(by):
        raise Forbidden("This takes the owner of the token, or a national coordinator or administrator.")


def may_revoke_of_others(person: Person) -> bool:
    """Whether somebody may revoke the tokens of others: national coordinators and administrators."""
    return any(person.holds(role, at=NATIONAL) for role in (COORDINATOR, ADMIN))


def _change(parts: Parts, token: Token, what: What, by: str) -> PersonChange:
    return PersonChange(
        id=parts.draw("0123456789abcdef", 16),
        person_id=token.person_id,
        at=parts.now(),
        actor=by,
        what=what,
        about=token.name,
    )


def _problem(pointer: str, message: str) -> Problem:
    return Problem(pointer=pointer, code="invalid", message=message)
