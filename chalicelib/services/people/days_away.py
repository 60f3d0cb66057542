"""Days away: somebody else is asked meanwhile, named by the person who goes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from chalicelib.domain.approvals.deadlines import london_day
from chalicelib.domain.errors import InvalidAnswers, Problem
from chalicelib.domain.forms.stages import Seat
from chalicelib.domain.people.people import Away, Holding, Person, role_words
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts

LONGEST = timedelta(days=366)


@value
class Colleague:
    """Somebody who may decide the same."""

    person_id: str
    name: str
    role: str


@value
class AwayView:
    """The days away that are kept, and who may be asked meanwhile."""

    away: Away | None
    delegate_name: str
    colleagues: tuple[Colleague, ...]


def away_view(parts: Parts, person: Person) -> AwayView:
    """What somebody has said of their days away; past days are not shown."""
    away = parts.people.away(person.id)
    if away is not None and away.last < london_day(parts.now()):
        away = None
    colleagues = colleagues_of(parts, person.id, person.roles)
    names = {one.person_id: one.name for one in colleagues}
    return AwayView(
        away=away, delegate_name=names.get(away.delegate_id, "") if away else "", colleagues=tuple(colleagues)
    )


def go_away(parts: Parts, person: Person, *, first: date | None, last: date | None, delegate: str) -> None:
    """Keep the days. `delegate` is a colleague's id, or empty: then the deputy is asked. Raises InvalidAnswers."""
    problems = []
    today = london_day(parts.now())
    if first is None:
        problems.append(_problem("/first", "Enter the first day you are away, such as 27 3 2027"))
    if last is None:
        problems.append(_problem("/last", "Enter the last day you are away, such as 2 4 2027"))
    if first and last and last < first:
        problems.append(_problem("/last", "The last day must be the same as or after the first"))
    elif last and last < today:
        problems.append(_problem("/last", "The last day must not be in the past"))
    elif first and last and last - first > LONGEST:
        problems.append(_problem("/last", "A year is the longest we keep. Hand your role over instead"))
    if delegate and delegate not in {one.person_id for one in colleagues_of(parts, person.id, person.roles)}:
        problems.append(_problem("/delegate", "Choose somebody from the list"))
    if problems or first is None or last is None:
        raise InvalidAnswers(problems)
    parts.people.set_away(person.id, Away(first=first, last=last, delegate_id=delegate))


def come_back(parts: Parts, person: Person) -> None:
    """Never mind: not away."""
    parts.people.set_away(person.id, None)


def colleagues_of(parts: Parts, person_id: str, roles: Iterable[Holding]) -> list[Colleague]:
    """Everybody who may decide something that a person with these roles may."""
    found: dict[str, Colleague] = {}
    for held in roles:
        for seat in _seats(parts, held):
            for asked in (seat.asks, seat.deputy):
                for other in parts.people.holders(Holding(role=asked.role, at=held.at)):
                    if other.id != person_id:
                        one = Colleague(person_id=other.id, name=other.name, role=role_words(asked.role))
                        found.setdefault(other.id, one)
    return sorted(found.values(), key=lambda one: one.name)


def _seats(parts: Parts, held: Holding) -> list[Seat]:
    """The seats in which this role is asked."""
    return list(
        dict.fromkeys(
            seat
            for form in parts.forms.all()
            for stage in form.workflow.stages
            for seat in stage.seats
            if held.role in (seat.asks.role, seat.deputy.role)
        )
    )


def _problem(pointer: str, message: str) -> Problem:
    return Problem(pointer=pointer, code="invalid", message=message)
