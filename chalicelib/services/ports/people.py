"""What the services need from outside about tokens, and about people who leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from chalicelib.domain.people.leaving import Leaving, Registered
    from chalicelib.domain.people.people import Holding, Person
    from chalicelib.domain.people.person_changes import PersonChange
    from chalicelib.domain.people.tokens import Token


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


class Leavings(Protocol):
    """Who leaves, and what has changed about people."""

    def people_at(self, place: str, *, after: str, limit: int) -> tuple[list[Registered], str]:
        """Those who hold a role at a place, a force's code or `national`; with no place, all who are registered. From
        after a person's id on, in no particular order. With the id after which the next ones come, empty at the end.
        May be a moment behind."""

    def left(self, place: str, *, limit: int) -> list[Leaving]:
        """Those who held a role at a place when they left, the last one first; with no place, all who have left. May be
        a moment behind."""

    def leaving(self, person_id: str) -> Leaving | None:
        """What was last said of somebody's leaving, done or not."""

    def changes(self, person_id: str) -> list[PersonChange]:
        """Somebody's audit trail, the oldest first."""

    def say(self, leaving: Leaving, change: PersonChange, *, instead_of: Leaving | None) -> bool:
        """Keep that somebody leaves, in place of what was read before. False, and nothing is kept, where the person is
        not registered, or something else was said meanwhile."""

    def take_back(self, leaving: Leaving, change: PersonChange) -> bool:
        """Forget that somebody leaves. False, and nothing changes, where something else is kept, or they have left."""

    def due(self, now: datetime, *, limit: int) -> list[str]:
        """The ids of those whose roles are to end by now, or did and something is left to do, the oldest first. May be
        a moment behind."""

    def end_roles(
        self,
        leaving: Leaving,
        person: Person | None,
        change: PersonChange,
        *,
        others: Sequence[tuple[Holding, str]] = (),
    ) -> bool:
        """End all that is registered of somebody: person, address, roles, days away; and keep when, as `left_at` and
        `roles` say. False, and nothing changes, where the person is not as they were read, or the leaving is not, or
        one of `others` (a role and the id of whoever holds it as well) no longer holds theirs."""

    def finish(self, leaving: Leaving) -> None:
        """Keep when all was done, as `done_at` says. Doing it again is harmless."""

    def forget_delegate(self, person_id: str, delegate_id: str) -> bool:
        """Take a delegate off somebody's days away; False where that is not their delegate."""
