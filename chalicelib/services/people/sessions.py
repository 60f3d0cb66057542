"""What somebody signed in sees and does about their sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.errors import Forbidden
from chalicelib.domain.people import pairs
from chalicelib.domain.people.accounts import Session
from chalicelib.domain.people.pairs import Pair
from chalicelib.domain.people.people import Person
from chalicelib.domain.records.security import Event
from chalicelib.services.changes import Change, ProveSession
from chalicelib.services.people import signing_in
from chalicelib.services.ports import Parts

_NAME = 16
"""Characters of the digest by which a page names a session: enough to tell a person's sessions apart, and no secret."""


def sessions_of(parts: Parts, person_id: str) -> list[Session]:
    """The sessions of a person, the one used last first."""
    return parts.accounts.sessions(person_id, now=parts.now())


def name_of(session: Session) -> str:
    """What a page calls a session."""
    return session.digest[:_NAME]


def end(parts: Parts, person_id: str, name: str) -> None:
    """End the session of this person that a page calls so. One that is over is no error."""
    for one in sessions_of(parts, person_id):
        if name_of(one) == name:
            parts.accounts.end_session(person_id, one.digest)


def end_all(parts: Parts, person_id: str) -> None:
    """Sign somebody out everywhere."""
    parts.accounts.end_all_sessions(person_id)


def ask_again(parts: Parts, person: Person, *, source: str = "") -> None:
    """Have a code mailed to somebody signed in, who is to show once more who they are. Raises TooMany."""
    mailbox = pairs.mailbox_of(person.address)
    signing_in.ask_code(parts, person.address, source=source, known=[mailbox])


def prove_again(parts: Parts, session: Session, person: Person, typed: str) -> None:
    """Show with the mailed code who one is, for the session that is on. Raises InvalidAnswers for a wrong code,
    NotSignedIn where the session was ended meanwhile, Forbidden where staff do not sign in with codes."""
    if not parts.sign_in.codes:
        raise Forbidden("Sign in again with your organisation.")
    code = pairs.read_code(typed)
    is_right = False

    def guessed(pair: Pair, now: datetime) -> tuple[Pair, Sequence[Change]]:
        nonlocal is_right
        is_right = parts.seals.is_code(pair, code) and pair.takes_codes(now)
        if not is_right:
            return pairs.tried(pair, now, length=len(code)), []
        return pairs.used(pair, now), [ProveSession(session=session, at=now)]

    signing_in.change_pair(parts, pairs.mailbox_of(person.address), guessed)
    if not is_right:
        raise signing_in.wrong_code(parts, person.id)
    parts.security.note(Event.SIGNED_IN, "again", person=person.id)
