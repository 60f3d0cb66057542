"""The open tasks of somebody who has left: handed to whoever may decide in their place, else to the coordinators."""

from __future__ import annotations

import logging

from chalicelib.domain.approvals import who_decides
from chalicelib.domain.people.leaving import LEFT
from chalicelib.domain.records.submissions import Case, Status, Task, TaskState, is_same_sitting
from chalicelib.domain.records.timeline import SYSTEM
from chalicelib.services.approvals.asking import Asking
from chalicelib.services.approvals.reassigning import handed_on
from chalicelib.services.approvals.whom_to_ask import stand_in, with_claimant
from chalicelib.services.ports import AskedTask, Parts
from chalicelib.services.revision import again_if_overtaken

MOST_AT_ONCE = 100
_log = logging.getLogger(__name__)


def hand_over_all(parts: Parts, person_id: str) -> bool:
    """Hand over all tasks of somebody who has left. False where some cannot be handed over yet: a decision beside them
    can still be undone, or something failed. Doing it again is harmless."""
    found = parts.records.asked_of(person_id, limit=MOST_AT_ONCE)
    done = [_handed_over(parts, asked, person_id) for asked in found]
    return all(done) and len(found) < MOST_AT_ONCE


def _handed_over(parts: Parts, asked: AskedTask, person_id: str) -> bool:
    try:
        return again_if_overtaken(lambda: _hand_over(parts, asked, person_id))
    except Exception as error:  # one that fails must not keep the rest from being handed over
        _log.warning("could not hand over %s: %s", asked.id, type(error).__name__)
        return False


def _hand_over(parts: Parts, asked: AskedTask, person_id: str) -> bool:
    case = parts.records.of(asked.force).case(asked.reference)
    task = case.task(asked.number)
    if task is None or task.person_id != person_id or not _waits(case, task):
        return True  # it was decided, or has ended: the index was behind
    if case.submission.may_undo(parts.now()):
        return False
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    seat = who_decides.seat_of(form.workflow.stage(one.stage), task)
    _, barred = with_claimant(parts, case)
    chosen = stand_in(parts, case, seat, barred=barred, now=parts.now())
    if chosen is not None:
        handed_on(parts, case, form, task, chosen, by=SYSTEM, role=SYSTEM, reason=LEFT).commit()
    elif not _is_told(case, task):
        asking = Asking(parts=parts, case=case, form=form, now=parts.now())
        asking.told_that_left(task).commit()
    return True


def _waits(case: Case, task: Task) -> bool:
    one = case.submission
    is_asked = one.is_open and one.status is not Status.CHANGES_REQUESTED
    is_now = is_same_sitting(task, one)
    return task.state is TaskState.OPEN and is_asked and is_now


def _is_told(case: Case, task: Task) -> bool:
    """Whether the coordinators were told of this task already. It stays open until they hand it on."""
    return any(entry.action == "stuck" and entry.details.get("task") == task.number for entry in case.entries)
