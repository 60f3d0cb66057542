"""Who holds what: the list and the page of one person, for those who look after them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from chalicelib.domain.errors import NotFound, Unreadable
from chalicelib.domain.people.leaving import Leaving, Registered, looks_after_everybody, may_look_after
from chalicelib.domain.people.people import COORDINATOR, NATIONAL, Holding, Person, places
from chalicelib.domain.people.person_changes import PersonChange
from chalicelib.domain.people.tokens import Token
from chalicelib.domain.values import value
from chalicelib.services.people import leaving, tokens
from chalicelib.services.ports import Parts

MOST_PEOPLE = 100
"""How many people a page shows."""

MOST_LEFT = 50
MOST_LEFT_READ = 200
"""Of each place: those who also held a role at a place that is not the reader's are left out afterwards."""

EVERYWHERE = ""
_LIST = "people"


@value
class PeopleView:
    """A page of those whom somebody looks after, in the order of their names; on the first page also those who left
    last. Of one place where one was named. `places` are those to choose from; `next` is the cursor of the next page,
    empty at the end."""

    people: tuple[Registered, ...]
    left: tuple[Leaving, ...]
    places: tuple[str, ...]
    next: str


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


def people_for(parts: Parts, by: Person, at: str = "", cursor: str = "") -> PeopleView:
    """A page of those whom somebody looks after: all of them, or those with a role at a place, a force's code or
    `national`. Of a force's coordinator, the rows of their own forces are read and no others. Raises Forbidden for
    whoever looks after nobody, Unreadable for a cursor that is not ours or belongs to another list."""
    leaving.check_looks_after(by)
    theirs = _places(parts, by)
    wanted = [place for place in theirs if place == at] if at else theirs
    if not at and looks_after_everybody(by):
        wanted = [EVERYWHERE]
    people, following = _people(parts, by, wanted, _read_cursor(parts, wanted, cursor))
    return PeopleView(
        people=tuple(sorted(people, key=lambda one: (one.person.name, one.person.id))),
        left=() if cursor else tuple(_left(parts, by, wanted)),
        places=tuple(theirs),
        next=parts.links.page_token([_LIST, *following]) if following else "",
    )


def _places(parts: Parts, by: Person) -> list[str]:
    """The places whose people somebody looks after."""
    if looks_after_everybody(by):
        return sorted([*parts.forms.forces(), NATIONAL])
    return places(held for held in by.roles if held.role == COORDINATOR and held.at != NATIONAL)


def _people(
    parts: Parts, by: Person, wanted: Sequence[str], start: tuple[str, str]
) -> tuple[list[Registered], tuple[str, str] | None]:
    """A page, place after place, and where the next one starts: a place, and the id of a person there."""
    found: list[Registered] = []
    first, after = start
    for number, place in enumerate(wanted):
        if place < first:
            continue
        while True:
            if len(found) >= MOST_PEOPLE:
                return found, (place, after)
            read, after = parts.leavings.people_at(place, after=after, limit=MOST_PEOPLE - len(found))
            theirs = (one for one in read if may_look_after(by, one.person.roles))
            found += (one for one in theirs if not _is_at(one.person.roles, wanted[:number]))
            if not after:
                break
    return found, None


def _left(parts: Parts, by: Person, wanted: Sequence[str]) -> list[Leaving]:
    """Those who left last, each once."""
    read = {
        one.person_id: one for place in wanted for one in parts.leavings.left(place, limit=MOST_LEFT_READ)
    }
    theirs = [one for one in read.values() if may_look_after(by, one.roles)]
    return sorted(theirs, key=lambda one: one.left_at or one.said_at, reverse=True)[:MOST_LEFT]


def _is_at(roles: Iterable[Holding], among: Collection[str]) -> bool:
    """Whether a place where a role is held is among these, so that its page has shown them."""
    return any(held.at in among for held in roles)


def _read_cursor(parts: Parts, wanted: Sequence[str], cursor: str) -> tuple[str, str]:
    if not cursor:
        return "", ""
    of, *start = parts.links.read_page_token(cursor)
    if of != _LIST or len(start) != 2 or start[0] not in wanted:
        raise Unreadable("This cursor belongs to another list. Start the list again.")
    place, after = start
    return place, after


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
