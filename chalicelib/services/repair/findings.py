"""What staff may know of the reconciler's runs and of what was set aside."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.delivery.deliveries import SetAside
from chalicelib.domain.people.people import NATIONAL, Person, check_staff
from chalicelib.domain.records.roots import Verified
from chalicelib.domain.repair.checks import OVERDUE_AFTER, Run
from chalicelib.domain.values import value
from chalicelib.services.delivery import setting_aside
from chalicelib.services.ports import Parts

MOST_RUNS = 30
VERIFIED_WITHIN = timedelta(days=8)
"""A pass takes a week; that long after the last one ended, the next should have ended."""


@value
class Checks:
    """The last runs, the newest first. A force's staff see the last one and those that found something in their force,
    and nothing of other forces. `made` is how many there were. `is_overdue`: none was made when it should have been.
    `verified` is how far all timelines are verified, `is_verified_late`: not within a week."""

    is_national: bool
    runs: tuple[Run, ...]
    made: int
    is_overdue: bool
    set_aside: tuple[SetAside, ...]
    verified: Verified | None
    is_verified_late: bool
    may_try_again: bool


def checks_for(parts: Parts, person: Person) -> Checks:
    """The checks as this person may see them. Raises Forbidden for people who are no staff."""
    check_staff(person)
    scope = person.staff_of()
    is_national = NATIONAL in scope
    if is_national:
        runs = parts.checks.last(limit=MOST_RUNS)
        made = len(runs)
    else:
        runs, made = parts.checks.last_of(scope, limit=MOST_RUNS)
    verified = parts.checks.verified()
    is_overdue = not runs or parts.now() - runs[0].at > OVERDUE_AFTER
    return Checks(
        is_national=is_national,
        runs=tuple(runs),
        made=made,
        is_overdue=is_overdue,
        verified=verified,
        is_verified_late=verified is not None and parts.now() - _verified_at(verified) > VERIFIED_WITHIN,
        set_aside=tuple(setting_aside.all_for(parts, person)),
        may_try_again=setting_aside.may_try_again(person),
    )


def _verified_at(verified: Verified) -> datetime:
    """When all were verified last; before the first time, when that began."""
    return verified.last_ended or verified.began
