"""What the services need from outside about tokens, and about people who leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from chalicelib.domain.people import Person
    from chalicelib.domain.person_changes import PersonChange
    from chalicelib.domain.tokens import Token


class Tokens(Protocol):
    """Bearer tokens, each under its person."""

    def token_and_holder(
        self, digest: str, person_id: str, *, now: datetime
    ) -> tuple[Token | None, Person | None]:
        """The token of this digest that belongs to this person, unless it expired, and the person, in one call."""

    def of(self, person_id: str) -> list[Token]:
        """All tokens of somebody, expired ones included as far as they are still there; the newest first."""

    def add(self, token: Token, change: PersonChange) -> bool:
        """Keep a new token, and that it was made. False, and nothing is kept, where the person is not registered."""

    def end(self, token: Token, change: PersonChange) -> bool:
        """Remove a token, and keep that it was revoked. False, and nothing is kept, where it is gone already."""

    def used(self, token: Token, *, at: datetime) -> None:
        """Write a use down. A token that is gone stays gone."""

    def end_all(self, person_id: str) -> int:
        """Remove all tokens of somebody; how many there were. Doing it again is harmless."""
