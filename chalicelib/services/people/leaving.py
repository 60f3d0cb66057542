"""Leaving: said by whoever may look after the person, carried out at the end of the last day by a schedule.

Each step may be repeated, and each looks at what is there: a run that breaks off is finished by the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from chalicelib.domain.approvals.deadlines import end_of_day, london_day
from chalicelib.domain.approvals.decisions import needed_words
from chalicelib.domain.dates import long_date
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.errors import Conflict, Forbidden, InvalidAnswers, NotFound, Problem
from chalicelib.domain.people.accounts import digest
from chalicelib.domain.people.leaving import (
    MOST_AHEAD,
    MOST_BACK,
    SETTLING,
    Leaving,
    looks_after_anybody,
    may_look_after,
)
from chalicelib.domain.people.people import ADMIN, COORDINATOR, NATIONAL, Holding, Person, role_words
from chalicelib.domain.people.person_changes import SCHEDULE, PersonChange, What
from chalicelib.domain.values import value
from chalicelib.services.people.days_away import colleagues_of
from chalicelib.services.people.leavers_tasks import hand_over_all
from chalicelib.services.ports import Parts
from chalicelib.services.revision import MAX_TRIES

MOST_AT_ONCE = 20
_CHANGED = "Somebody else changed this at the same moment. Look at it again, then try once more."
_log = logging.getLogger(__name__)


@value
class CarriedOut:
    """How many leavings were worked on, and how many of them failed."""

    left: int
    failed: int


def person_for(parts: Parts, by: Person, person_id: str) -> Person:
    """Somebody whom `by` may look after. Raises Forbidden for whoever looks after nobody, NotFound for any other."""
    check_looks_after(by)
    person = parts.people.person(person_id)
    if person is None or not may_look_after(by, person.roles):
        raise NotFound("There is no such person, or they are not yours to look after.")
    return person


def check_looks_after(by: Person) -> None:
    """Raise Forbidden for people who look after nobody: it takes a coordinator, or a national administrator."""
    if not looks_after_anybody(by):
        raise Forbidden("This takes a coordinator or a national administrator.")


def check_said(parts: Parts, person: Person, last_day: date | None, reason: str) -> tuple[date, str]:
    """The last day and the reason, as they can be kept. Raises InvalidAnswers (pointers `/last`, `/reason`), also
    where the person leaves at once and is the last to hold a role."""
    problems = []
    today = london_day(parts.now())
    if last_day is None:
        problems.append(_problem("/last", "Enter their last day, such as 31 3 2027"))
    elif not -MOST_BACK <= last_day - today <= MOST_AHEAD:
        problems.append(_problem("/last", "The last day must be within the last month or the next year"))
    try:
        reason = needed_words("/reason", "why they leave", reason)
    except InvalidAnswers as error:
        problems += error.problems
    if problems or last_day is None:
        raise InvalidAnswers(problems)
    if last_day < today:
        check_not_last(parts, person)
    return last_day, reason


def check_not_last(parts: Parts, person: Person) -> None:
    """Raise InvalidAnswers, naming the roles, where nobody else holds what this person holds."""
    empty = sole_roles(parts, person)
    if empty:
        held = " and ".join(role_at(parts, one) for one in empty)
        message = (
            f"{person.name} is the only {held}. Register a successor first, or give a last day from today on"
        )
        raise InvalidAnswers([_problem("/last", message)])


def sole_roles(parts: Parts, person: Person) -> list[Holding]:
    """The roles that nobody else holds."""
    return [held for held in person.roles if not _another(parts, held, person.id)]


def role_at(parts: Parts, held: Holding) -> str:
    """A role and its place in words: `innovation lead of Kent Police`, `programme manager (national)`."""
    if held.at == NATIONAL:
        return f"{role_words(held.role)} (national)"
    return f"{role_words(held.role)} of {parts.forms.force_name(held.at)}"


def say(
    parts: Parts, person: Person, *, last_day: date, reason: str, by: str, at_once: bool = False
) -> Leaving:
    """Keep that somebody leaves, in place of what was said before: at the end of that day, where it is past with the
    next run of the schedule. With `at_once` their roles and tokens end now. Saying the same again changes nothing.
    `by` is a person's id, or COMMAND. Raises InvalidAnswers for the last holder of a role who leaves at once, Conflict
    where somebody was quicker."""
    now = parts.now()
    if at_once:
        check_not_last(parts, person)
    leaving = Leaving(
        person_id=person.id,
        name=person.name,
        last_day=last_day,
        ends_at=now if at_once else end_of_day(last_day),
        reason=reason,
        said_by=by,
        said_at=now,
    )
    change = _change(parts, leaving, What.LEAVING_SAID, by)
    said = _kept(parts, leaving, change)
    return _leave_now(parts, said) if at_once else said


def _kept(parts: Parts, leaving: Leaving, change: PersonChange) -> Leaving:
    """The leaving as it is kept: where somebody sends the same twice, the first one."""
    for _ in range(2):
        before = parts.leavings.leaving(leaving.person_id)
        if before is not None and before.is_repeated_by(leaving):
            return before
        if parts.leavings.say(leaving, change, instead_of=before):
            return leaving
    raise Conflict(_CHANGED)


def _leave_now(parts: Parts, leaving: Leaving) -> Leaving:
    """By hand. What takes long, the tasks, is the schedule's. Raises InvalidAnswers, and takes back what was said,
    where the other holder of a role has just gone as well."""
    try:
        begun = _end_roles(parts, leaving, by=leaving.said_by, by_hand=True)
    except InvalidAnswers:
        change = _change(parts, leaving, What.LEAVING_TAKEN_BACK, leaving.said_by)
        parts.leavings.take_back(leaving, change)
        raise
    _end_access(parts, leaving.person_id)
    return begun


def take_back(parts: Parts, person: Person, *, by: str) -> None:
    """They stay after all. Where nobody said that they leave, that is harmless. Raises Conflict where the roles have
    just ended."""
    leaving = parts.leavings.leaving(person.id)
    if leaving is None or leaving.has_begun:
        return  # they have left once, and came back
    if not parts.leavings.take_back(leaving, _change(parts, leaving, What.LEAVING_TAKEN_BACK, by)):
        raise Conflict(_CHANGED)


def carry_out_due(parts: Parts) -> CarriedOut:
    """Carry out what is due. Running it twice, or two at once, does nothing twice."""
    done = failed = 0
    for person_id in parts.leavings.due(parts.now(), limit=MOST_AT_ONCE):
        try:
            done += carry_out(parts, person_id)
        except Exception as error:  # one that fails must not keep the rest from being carried out
            failed += 1
            _log.warning("could not carry out a leaving: %s", type(error).__name__)
    return CarriedOut(left=done, failed=failed)


def carry_out(parts: Parts, person_id: str) -> bool:
    """All that is left to do of one leaving. False where nothing is."""
    leaving = parts.leavings.leaving(person_id)
    if leaving is None or leaving.done_at or leaving.ends_at > parts.now():
        return False
    if leaving.left_at is None:
        leaving = _end_roles(parts, leaving, by=SCHEDULE, by_hand=False)
    if parts.people.person(person_id) is not None:
        _finish(parts, leaving)  # registered again meanwhile: what they have now is not to be taken
        return True
    _end_access(parts, person_id)
    _forget_delegations(parts, leaving)
    _tell_of_empty_roles(parts, leaving)
    is_settled = leaving.left_at is not None and parts.now() - leaving.left_at >= SETTLING
    if hand_over_all(parts, person_id) and is_settled:
        _finish(parts, leaving)
    return True


def _end_roles(parts: Parts, leaving: Leaving, *, by: str, by_hand: bool) -> Leaving:
    """The person, address, roles and days away end together. By hand only where each role has another holder, who is
    still there in the same transaction."""
    for _ in range(MAX_TRIES):
        person = parts.people.person(leaving.person_id)
        others = _other_holders(parts, person) if person and by_hand else []
        now = parts.now()
        roles = person.roles if person else ()
        begun = replace(leaving, left_at=now, roles=roles)
        about = ", ".join(role_at(parts, held) for held in roles)
        change = replace(_change(parts, leaving, What.LEFT, by), about=about)
        if parts.leavings.end_roles(begun, person, change, others=others):
            return begun
        stored = parts.leavings.leaving(leaving.person_id)
        if stored is None or stored.said_at != leaving.said_at:
            raise Conflict(_CHANGED)  # taken back, or said anew
        if stored.has_begun:
            return stored
    raise Conflict(_CHANGED)


def _other_holders(parts: Parts, person: Person) -> list[tuple[Holding, str]]:
    check_not_last(parts, person)
    found = [(held, _another(parts, held, person.id)) for held in person.roles]
    return [(held, other) for held, other in found if other]


def _another(parts: Parts, held: Holding, person_id: str) -> str:
    """The id of somebody else who holds a role, in the order of ids; empty where nobody does."""
    return min((one.id for one in parts.people.holders(held) if one.id != person_id), default="")


def _end_access(parts: Parts, person_id: str) -> None:
    """Nothing that they hold opens anything. A session of somebody who is gone is refused by itself, too."""
    parts.accounts.end_all_sessions(person_id)
    parts.tokens.end_all(person_id)


def _forget_delegations(parts: Parts, leaving: Leaving) -> None:
    """Whoever named them as a delegate is one of those who may decide the same."""
    for colleague in colleagues_of(parts, leaving.person_id, leaving.roles):
        away = parts.people.away(colleague.person_id)
        if away is not None and away.delegate_id == leaving.person_id:
            parts.leavings.forget_delegate(colleague.person_id, leaving.person_id)


def _tell_of_empty_roles(parts: Parts, leaving: Leaving) -> None:
    """One mail to each national coordinator, however often it is asked for: the id is the same."""
    empty = [held for held in leaving.roles if not parts.people.holders(held)]
    if not empty:
        return
    values = {
        "name": leaving.name,
        "last_day": long_date(leaving.last_day),
        "roles": [role_at(parts, held) for held in empty],
        "people_url": parts.links.page("/desk/people"),
    }
    for person in _told(parts):
        about = f"{leaving.said_at:%Y%m%d%H%M%S%f}.{digest(leaving.person_id)[:16]}.{person.id}"
        mail = deliveries.mail(
            "role-empty", to=person.address, about=about, reference="", values=values, now=parts.now()
        )
        parts.outbox.add(mail)


def _told(parts: Parts) -> Sequence[Person]:
    """The national coordinators; where there are none, the national administrators."""
    for role in (COORDINATOR, ADMIN):
        found = parts.people.holders(Holding(role=role, at=NATIONAL))
        if found:
            return found
    _log.warning("a role is empty, and there is nobody to tell")
    return []


def _finish(parts: Parts, leaving: Leaving) -> None:
    parts.leavings.finish(replace(leaving, done_at=parts.now()))


def _change(parts: Parts, leaving: Leaving, what: What, by: str) -> PersonChange:
    return PersonChange(
        id=parts.draw("0123456789abcdef", 16),
        person_id=leaving.person_id,
        at=parts.now(),
        actor=by,
        what=what,
        about=leaving.last_day.isoformat(),
        reason=leaving.reason if what is What.LEAVING_SAID else "",
    )


def _problem(pointer: str, message: str) -> Problem:
    return Problem(pointer=pointer, code="invalid", message=message)
