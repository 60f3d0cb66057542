"""Following up on stored dates: reminders, tasks handed to the next person, and changes that did not come.

Runs by a schedule. The state machine's own time-outs are the second net: both come to the same data, and whoever
is second finds it done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.form import Form
from chalicelib.domain.records.submissions import Case, Status, Submission
from chalicelib.domain.values import value
from chalicelib.services.approvals.asking import handed_over
from chalicelib.services.approvals.ending import lapsed
from chalicelib.services.intake import unconfirmed
from chalicelib.services.ports import Parts, Waiting
from chalicelib.services.revision import Revision, again_if_overtaken

MOST_AT_ONCE = 200
REMINDED, HANDED_OVER, LAPSED, NOTHING = "reminded", "handed-over", "lapsed", ""

_log = logging.getLogger(__name__)


@value
class FollowedUp:
    """How many submissions were followed up, in which way."""

    reminded: int
    handed_over: int
    lapsed: int
    failed: int


def follow_up(parts: Parts) -> FollowedUp:
    """Do what the stored dates say. Running it twice, or two at once, does nothing twice."""
    done: list[str] = []
    failed = 0
    for waiting, follow in _due(parts):
        try:
            done.append(follow(parts, waiting.force, waiting.reference))
        except Exception as error:  # one that fails must not keep the rest from being followed up
            failed += 1
            _log.warning("could not follow up %s: %s", waiting.reference, type(error).__name__)
    return FollowedUp(
        reminded=done.count(REMINDED),
        handed_over=done.count(HANDED_OVER),
        lapsed=done.count(LAPSED),
        failed=failed,
    )


def _due(parts: Parts) -> Iterator[tuple[Waiting, Callable[[Parts, str, str], str]]]:
    """What is due, and how it is followed up."""
    now = parts.now()
    for waiting in list(islice(parts.records.due(now), MOST_AT_ONCE)):
        yield waiting, _follow_up_one
    for waiting in list(islice(parts.records.unconfirmed(now), MOST_AT_ONCE)):
        yield waiting, unconfirmed.follow_up_one


def _follow_up_one(parts: Parts, force: str, reference: str) -> str:
    return again_if_overtaken(lambda: _attempt(parts, force, reference))


def _attempt(parts: Parts, force: str, reference: str) -> str:
    try:
        case = parts.records.of(force).case(reference)
    except NotFound:
        return NOTHING
    one, now = case.submission, parts.now()
    if not one.is_open or one.may_undo(now) or one.due_at is None:
        return NOTHING
    form = parts.forms.form(one.form, one.form_version)
    if one.due_at <= now:
        if one.status is Status.CHANGES_REQUESTED:
            lapsed(parts, case, form, now).commit()
            return LAPSED
        handed_over(parts, case, form, now).commit()
        return HANDED_OVER
    if one.next_at is None or one.next_at > now:
        return NOTHING  # the index was behind
    if one.status is not Status.CHANGES_REQUESTED and not case.open_tasks:
        handed_over(parts, case, form, now).commit()  # nobody to remind: nobody was asked
        return HANDED_OVER
    _reminded(parts, case, form, now).commit()
    return REMINDED


def _reminded(parts: Parts, case: Case, form: Form, now: datetime) -> Revision:
    one = replace(case.submission, reminded=case.submission.reminded + 1)
    one = replace(one, next_at=_next_date(parts, one, form, now))
    revision = Revision(parts, case, now=now)
    revision.becomes(one)
    revision.records("reminded", stage=one.stage, details={"role": one.waiting_for, "time": one.reminded})
    revision.tells(revision.letters(form).reminders())
    return revision


def _next_date(parts: Parts, one: Submission, form: Form, now: datetime) -> datetime | None:
    if one.due_at is None:
        return None
    if one.status is Status.CHANGES_REQUESTED:
        days = form.workflow.amending.reminder_days
    else:
        days = form.workflow.stage(one.stage).reminder_days
    return parts.calendar.next_date(one.due_at, days, now)
