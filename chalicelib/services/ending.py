"""Ends that nobody decided: a submission withdrawn by its submitter or a coordinator, or lapsed for want of changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain import decisions, deliveries
from chalicelib.domain.errors import InvalidAnswers, Overtaken, Problem
from chalicelib.domain.forms import Form
from chalicelib.domain.people import COORDINATOR, Person
from chalicelib.domain.submissions import STATUS_WORDS, Case, Status, TaskState
from chalicelib.domain.timeline import CLAIMANT, SYSTEM
from chalicelib.services.changes import (
    AddDelivery,
    CancelDelivery,
    Change,
    ChangeSubmission,
    CloseTask,
    MoveMoney,
)
from chalicelib.services.changing import again_if_overtaken, with_entry
from chalicelib.services.finding import case_of
from chalicelib.services.letters import Letters
from chalicelib.services.ports import Parts

WITHDRAWABLE = frozenset(
    {
        Status.SUBMITTED,
        Status.IN_REVIEW,
        Status.CHANGES_REQUESTED,
        Status.PUBLISHED,
        Status.SHORTLISTED,
        Status.APPROVED,
    }
)


def withdraw(parts: Parts, force: str, reference: str, *, reason: str = "", by: Person | None = None) -> None:
    """Withdrawn by its submitter, or by a coordinator on their behalf; also when it is approved: the money is free
    again. Withdrawing it twice is harmless. Raises NotFound, InvalidAnswers for a reason that cannot be kept, and
    Overtaken where it has ended otherwise."""
    problems: list[Problem] = []
    reason = decisions.read_words("/reason", reason, problems, name="The reason")
    if problems:
        raise InvalidAnswers(problems)
    again_if_overtaken(lambda: _withdraw(parts, force, reference, reason, by))


def _withdraw(parts: Parts, force: str, reference: str, reason: str, by: Person | None) -> None:
    case = case_of(parts, force, reference)
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    if one.status is Status.WITHDRAWN:
        return
    now = parts.now()
    told = one.as_told(now).status
    if one.status not in WITHDRAWABLE and told not in WITHDRAWABLE:
        raise Overtaken(
            f"This {form.noun} has ended ({STATUS_WORDS[one.status].lower()}); it cannot be withdrawn."
        )
    actor, role = (by.id, COORDINATOR) if by else (CLAIMANT, CLAIMANT)
    changes = _changes(parts, case, form, Status.WITHDRAWN, now, actor=actor, role=role, words=reason)
    parts.records.commit(changes)


def lapse_changes(parts: Parts, case: Case, form: Form, now: datetime) -> list[Change]:
    """The changes that were asked for did not come in time."""
    return _changes(parts, case, form, Status.LAPSED, now, actor=SYSTEM, role=SYSTEM)


def _changes(
    parts: Parts,
    case: Case,
    form: Form,
    status: Status,
    now: datetime,
    *,
    actor: str,
    role: str,
    words: str = "",
) -> list[Change]:
    before = case.submission
    ended = decisions.end(case, form, status, now=now)
    one, entry = with_entry(
        ended.submission,
        at=now,
        action=status.value,
        stage=before.stage,
        actor=actor,
        role=role,
        details=ended.movement.details if ended.movement else {},
        words=words,
        salt=parts.new_secret() if words else "",
    )
    letters = Letters(parts=parts, case=case, form=form, one=one)
    # What is held back until a decision can no longer be undone must not go out after the end.
    undo = before.undo if before.may_undo(now) else None
    held: Sequence[str] = undo.deliveries if undo else ()
    changes: list[Change] = [
        ChangeSubmission(submission=one),
        entry,
        *(CancelDelivery(delivery_id=delivery_id) for delivery_id in held),
        *(CloseTask(task=task) for task in ended.closed),
        AddDelivery(delivery=letters.ended(status.value)),
    ]
    if ended.movement is not None:
        changes.append(MoveMoney(movement=ended.movement))
    # Those whose tasks that decision had closed have not been told of it either.
    closed = [task for task in case.tasks if task.state is TaskState.CLOSED]
    unaware = [task for task in closed if undo and task.ended_by == undo.task]
    who = "a coordinator" if role == COORDINATOR else "the person who made it"
    told = letters.no_longer_needed((*ended.closed, *unaware), f"The {form.noun} was withdrawn by {who}.")
    changes += [AddDelivery(delivery=mail) for mail in told]
    if case.token:
        output = deliveries.pointer(one, form, parts.calendar, now=now)
        changes.append(AddDelivery(delivery=deliveries.answer(one, case.token, output, now=now)))
    return changes
