"""Deliveries that failed too often: set aside so that they hold nothing up, told of, shown, and tried again when a
person says so."""

from __future__ import annotations

import logging

from chalicelib.domain.delivery.deliveries import Delivery, Kind, SetAside
from chalicelib.domain.errors import Forbidden, NotFound
from chalicelib.domain.people.people import COORDINATOR, NATIONAL, Person, check_staff
from chalicelib.services.delivery import undelivered
from chalicelib.services.ports import Parts

MOST_TRIES = 13
"""With the pauses between them, about six hours."""

MORE_TRIES = 4
"""How often it is put off after that, where nobody could be told of it."""

MOST_SHOWN = 50
_log = logging.getLogger(__name__)


def set_aside(parts: Parts, delivery: Delivery, *, error: str) -> bool:
    """Have what has failed so often tried no more, and the coordinators told where it was to reach a person. Telling
    comes first: whoever dies between the two leaves a delivery that is tried once more, and telling twice is harmless.
    False where it is better tried again: it failed less often, nobody could be told, or somebody else is at it."""
    tries = delivery.attempts + 1
    if tries < MOST_TRIES or not (_is_told(parts, delivery) or tries >= MOST_TRIES + MORE_TRIES):
        return False
    if not parts.outbox.set_aside(delivery, error=error, at=parts.now()):
        return False
    _log.warning("delivery %s was set aside: %s", delivery.id, error)
    return True


def _is_told(parts: Parts, delivery: Delivery) -> bool:
    """A start or an answer is nobody's to chase: the reconciler starts the workflow anew."""
    if delivery.kind is not Kind.MAIL:
        return True
    try:
        undelivered.came_back(parts, delivery.address, what=undelivered.SET_ASIDE)
    except Exception as failed:  # the delivery's own failure is what matters
        _log.warning("could not tell of %s: %s", delivery.id, type(failed).__name__)
        return False
    return True


def all_for(parts: Parts, person: Person) -> list[SetAside]:
    """What was set aside in this person's forces, or anywhere; the newest first. Raises Forbidden for people who are
    no staff."""
    check_staff(person)
    scope = person.staff_of()
    if NATIONAL in scope:
        return parts.outbox.all_set_aside(limit=MOST_SHOWN)
    found = [
        one for force in sorted(scope) for one in parts.outbox.all_set_aside(force=force, limit=MOST_SHOWN)
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST_SHOWN]


def may_try_again(person: Person) -> bool:
    """Whether the page offers it: to coordinators, of a force or national."""
    return any(held.role == COORDINATOR for held in person.roles)


def check_may_try_again(person: Person) -> None:
    """Raise Forbidden for whoever coordinates nothing."""
    if not may_try_again(person):
        raise Forbidden("This takes a coordinator.")


def try_again(parts: Parts, person: Person, delivery_id: str) -> bool:
    """Have one tried again at once; False where it is not set aside any more, which is harmless. Raises Forbidden for
    whoever coordinates nothing, NotFound for a delivery that is not of their force."""
    check_may_try_again(person)
    # What is about no submission, or comes from an earlier release, is of no force: the national team's alone.
    force = parts.outbox.force_of(delivery_id)
    if force is None or not person.holds_for(COORDINATOR, force=force or NATIONAL):
        raise NotFound("There is no such delivery.")
    return parts.outbox.again(delivery_id, now=parts.now())
