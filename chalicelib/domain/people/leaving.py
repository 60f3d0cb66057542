"""Leaving: a last day, what ends with it, and who may say so."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from chalicelib.domain.people.people import ADMIN, COORDINATOR, NATIONAL, Holding, Person
from chalicelib.domain.values import value

MOST_AHEAD = timedelta(days=366)
MOST_BACK = timedelta(days=31)
SETTLING = timedelta(minutes=10)
"""How long after the roles ended the person's tasks are still looked for: whoever was just choosing whom to ask may
have chosen them, and the index of tasks is a moment behind."""

LEFT = "left"
"""The reason in the timeline, where a task was handed on since the person asked had left."""

NOBODY_ELSE = "whoever was asked has left, and nobody else may decide"


@value
class Leaving:
    """That somebody leaves. `ends_at` is when their roles end: the end of `last_day` in London, or at once. `said_by`
    is a person's id, or COMMAND. `left_at` is when the roles did end, and `roles` which they were; `done_at` when all
    that follows from it was done."""

    person_id: str
    name: str
    last_day: date
    ends_at: datetime
    reason: str
    said_by: str
    said_at: datetime
    left_at: datetime | None = None
    roles: tuple[Holding, ...] = ()
    done_at: datetime | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the roles have ended, so that nothing can be taken back."""
        return self.left_at is not None

    def is_repeated_by(self, other: Leaving) -> bool:
        """Whether the same person says the same of this leaving once more, before it has begun."""
        said = (self.last_day, self.reason, self.said_by)
        return not self.has_begun and said == (other.last_day, other.reason, other.said_by)


@value
class Registered:
    """Somebody registered, and when they leave, if somebody has said so."""

    person: Person
    leaving: Leaving | None = None


def looks_after_everybody(person: Person) -> bool:
    """Whether somebody may look after all people: national coordinators and administrators."""
    return any(person.holds(role, at=NATIONAL) for role in (COORDINATOR, ADMIN))


def looks_after_anybody(person: Person) -> bool:
    """Whether somebody may look after people at all: those above, and the coordinators of a force."""
    return looks_after_everybody(person) or any(held.role == COORDINATOR for held in person.roles)


def may_look_after(by: Person, roles: tuple[Holding, ...]) -> bool:
    """Whether somebody may look after a person with these roles: all people, or those whose roles are all in forces
    that `by` coordinates. Whoever holds no role is the national team's to look after."""
    if looks_after_everybody(by):
        return True
    forces = {held.at for held in by.roles if held.role == COORDINATOR} - {NATIONAL}
    return bool(roles) and {held.at for held in roles} <= forces
