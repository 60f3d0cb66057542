"""People, the roles they hold, and how their addresses are compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import date

from chalicelib.domain.errors import Forbidden
from chalicelib.domain.lists import entries
from chalicelib.domain.values import value

NATIONAL = "national"
ROLE_NAMES: dict[str, str] = {entry["code"]: entry["name"] for entry in entries("roles")}
"""Roles in words. A role is shown to the public; the name of its holder never is."""


def roles_that_may(do: str) -> tuple[str, ...]:
    """The roles that may do this, as the list of roles says: `coordinate`, `pay`, `administer`, or read a digest."""
    return tuple(entry["code"] for entry in entries("roles") if do in entry.get("may", ()))


(COORDINATOR,) = roles_that_may("coordinate")
(FINANCE,) = roles_that_may("pay")
(ADMIN,) = roles_that_may("administer")


@value
class Holding:
    """A role and where it is held: a force's code, or `national`."""

    role: str
    at: str


@value
class Person:
    """Somebody registered: `id` is for ever, name and address may change."""

    id: str
    name: str
    address: str
    roles: tuple[Holding, ...]

    def holds(self, role: str, *, at: str) -> bool:
        """Whether this person holds the role there."""
        return Holding(role=role, at=at) in self.roles

    def holds_for(self, role: str, *, force: str) -> bool:
        """Whether this person holds the role for a force: there, or for all of them."""
        return self.holds(role, at=force) or self.holds(role, at=NATIONAL)

    def staff_of(self) -> frozenset[str]:
        """The forces whose submissions this person may read as staff; `national` means all of them."""
        roles = [held for held in self.roles if held.role in (COORDINATOR, FINANCE, ADMIN)]
        return frozenset(held.at for held in roles)


def places(roles: Iterable[Holding]) -> list[str]:
    """Where these roles are held, each place once, in order."""
    return sorted({held.at for held in roles})


def check_staff(person: Person) -> None:
    """Raise Forbidden for people who are staff of no force."""
    if not person.staff_of():
        raise Forbidden("This takes a coordinator or the fund holder.")


def check_coordinator(person: Person, force: str) -> None:
    """Raise Forbidden for everybody but a coordinator of the force, or a national one."""
    if not person.holds_for(COORDINATOR, force=force):
        raise Forbidden("This takes a coordinator.")


@value
class Away:
    """Days on which somebody is away, first and last included, as they are in London. Meanwhile `delegate_id`,
    who must hold a role that decides the same, is asked instead; empty where nobody is named."""

    first: date
    last: date
    delegate_id: str = ""

    def covers(self, day: date) -> bool:
        """Whether the person is away on this day."""
        return self.first <= day <= self.last


def role_words(role: str) -> str:
    """A role as the public reads it: `programme manager`."""
    return ROLE_NAMES.get(role, role.replace("-", " "))


def normalised(address: str) -> str:
    """The form in which two spellings of one mailbox compare equal: NFKC, case-folded, without a `+tag`; at Gmail also
    without dots.

    For comparing only: mail goes to the address as it was given, and what proves a mailbox is for the exact address
    (pairs.mailbox_of). Tags are dropped because `lead+claims@…` reaches the same person as `lead@…`.
    """
    local, _, domain = unicodedata.normalize("NFKC", address.strip()).casefold().rpartition("@")
    local = local.partition("+")[0]
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), _GMAIL[0]
    return f"{local}@{domain}"


_GMAIL = ("gmail.com", "googlemail.com")
"""One provider under two names, and the only one that takes no notice of dots."""
