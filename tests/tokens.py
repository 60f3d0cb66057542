"""Bearer tokens and sessions for tests, kept without asking who may have them."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.people.accounts import new_session, session_secret
from chalicelib.domain.people.person_changes import COMMAND, PersonChange, What
from chalicelib.domain.people.tokens import Scope, Token, token_digest, token_secret
from chalicelib.services.ports import Parts


def give_token(parts: Parts, person_id: str, *scopes: Scope, days: int = 30, chance: str = "chance") -> str:
    """The secret of a token of this person, kept as just used."""
    now = parts.now()
    secret = token_secret(chance, person_id)
    token = Token(
        digest=token_digest(secret),
        person_id=person_id,
        name="A program",
        scopes=frozenset(scopes),
        made_at=now,
        made_by=COMMAND,
        expires_at=now + timedelta(days=days),
        last_used_at=now,
    )
    change = PersonChange(
        id=token.id, person_id=person_id, at=now, actor=COMMAND, what=What.TOKEN_MADE, about=token.name
    )
    assert parts.tokens.add(token, change)
    return secret


def give_session(parts: Parts, person_id: str) -> str:
    """The cookie of a session of this person, as a browser sends it over https."""
    secret = session_secret("browser", person_id)
    parts.accounts.add_session(new_session(secret, person_id, csrf="csrf", now=parts.now()))
    return f"__Host-session={secret}"
