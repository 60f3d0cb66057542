"""What signing in needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.people.accounts import Session
    from chalicelib.domain.people.pairs import Pair
    from chalicelib.domain.people.people import Person


class Accounts(Protocol):
    """Pairs of code and link, sessions and bearer tokens. It is Records.commit that changes a pair."""

    def pairs(self, mailboxes: Sequence[str]) -> list[Pair]:
        """The pair of each mailbox, in this order; of one that nobody asked about, a pair of version 0."""

    def add_session(self, session: Session) -> None:
        """Keep a new session."""

    def session_and_holder(
        self, digest: str, person_id: str, *, now: datetime
    ) -> tuple[Session | None, Person | None]:
        """This person's session of this digest, unless it is over, and the person of this id, in one call."""

    def sessions(self, person_id: str, *, now: datetime) -> list[Session]:
        """The sessions of a person that are not over, the one used last first."""

    def note_use(self, session: Session, *, at: datetime) -> None:
        """The session was used. One that was ended meanwhile stays ended."""

    def end_session(self, person_id: str, digest: str) -> None:
        """End one session of a person. One that is over, or somebody else's, is no error, and stays as it is."""

    def end_all_sessions(self, person_id: str, *, except_for: str = "") -> None:
        """End the sessions of a person, but for the one of this digest."""


class Seals(Protocol):
    """What only the signing keys can make: codes, links and cookies."""

    def code(self, pair: Pair) -> str:
        """The code of a pair, to be mailed."""

    def is_code(self, pair: Pair, code: str) -> bool:
        """Whether this is the pair's code."""

    def link(self, pair: Pair) -> str:
        """The token in the link of a pair, 256 bits."""

    def is_link(self, pair: Pair, token: str) -> bool:
        """Whether this is the token of the pair's link."""

    def cookie(self, kind: str, content: Sequence[Any]) -> str:
        """Content for a cookie, which nobody can change. A cookie of one kind is none of another."""

    def read_cookie(self, kind: str, text: str) -> list[Any]:
        """What we put into a cookie; nothing where it is not ours."""


class Sources(Protocol):
    """What stands for a network address, in the security log and where asks for codes are counted."""

    def of(self, network: str, day: date) -> str:
        """What stands for a network on a day. The day after it is another one. Nobody finds the network from it once
        the day's key is gone, 30 days after the day. Raises LookupError from then on, and Unavailable."""
