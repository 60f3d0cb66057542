"""Who holds what: the list and the page of one person, for those who look after them."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.errors import NotFound
from chalicelib.domain.leaving import Leaving, Registered, may_look_after
from chalicelib.domain.people import Holding, Person
from chalicelib.domain.person_changes import PersonChange
from chalicelib.domain.tokens import Token
from chalicelib.domain.values import value
from chalicelib.services import leaving, tokens
from chalicelib.services.ports import Parts

MOST_LEFT = 50


@value
class PeopleView:
    """Those whom somebody looks after, in the order of their names, and those who left last; of one place where one
    was named. `places` are those where people hold roles."""

    people: tuple[Registered, ...]
    left: tuple[Leaving, ...]
    places: tuple[str, ...]


@value
class PersonView:
    """One of them. `person` is None once they have left. `sole` are the roles that nobody else holds; `tasks` is how
    many wait for them. Tokens are shown to those who may revoke them."""

    person_id: str
    name: str
    roles: tuple[Holding, ...]
    person: Person | None
    leaving: Leaving | None
    sole: tuple[Holding, ...]
    tasks: int
    tokens: tuple[Token, ...]
    changes: tuple[PersonChange, ...]


def people_for(parts: Parts, by: Person, at: str = "") -> PeopleView:
    """Whom somebody looks after: all of them, or those with a role at a place, a force's code or `national`. Raises
    Forbidden for whoever looks after nobody."""
    leaving.check_looks_after(by)
    people = [one for one in parts.leavings.everybody() if may_look_after(by, one.person.roles)]
    left = [one for one in parts.leavings.left(limit=MOST_LEFT) if may_look_after(by, one.roles)]
    return PeopleView(
        people=tuple(one for one in people if _is_at(one.person.roles, at)),
        left=tuple(one for one in left if _is_at(one.roles, at)),
        places=tuple(sorted({held.at for one in people for held in one.person.roles})),
    )


def _is_at(roles: Iterable[Holding], at: str) -> bool:
    return not at or any(held.at == at for held in roles)


def person_view(parts: Parts, by: Person, person_id: str) -> PersonView:
    """One person, here or gone. Raises Forbidden, and NotFound for whoever is not theirs to look after."""
    leaving.check_looks_after(by)
    person = parts.people.person(person_id)
    said = parts.leavings.leaving(person_id)
    known = person or said
    if known is None or not may_look_after(by, known.roles):
        raise NotFound("There is no such person, or they are not yours to look after.")
    may_revoke = tokens.may_revoke_of_others(by)
    return PersonView(
        person_id=person_id,
        name=known.name,
        roles=known.roles,
        person=person,
        leaving=said if said and (person is None or not said.has_begun) else None,
        sole=tuple(leaving.sole_roles(parts, person)) if person else (),
        tasks=len(parts.records.asked_of(person_id, limit=100)),
        tokens=tuple(tokens.live_tokens(parts, person_id)) if may_revoke else (),
        changes=tuple(parts.leavings.changes(person_id)),
    )
