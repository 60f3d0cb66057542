"""Ends that nobody decided: a submission withdrawn by its submitter or a coordinator, or lapsed for want of changes."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.approvals import decisions
from chalicelib.domain.errors import InvalidAnswers, Overtaken, Problem
from chalicelib.domain.forms.form import Form
from chalicelib.domain.people.people import COORDINATOR, Person
from chalicelib.domain.records.submissions import STATUS_WORDS, Case, Status, Submission, TaskState
from chalicelib.domain.records.timeline import CLAIMANT, SYSTEM
from chalicelib.services.changes import CancelDelivery, CloseTask
from chalicelib.services.ports import Parts
from chalicelib.services.records.lookup import case_of
from chalicelib.services.revision import Revision, again_if_overtaken


def may_withdraw(one: Submission) -> bool:
    """Whether a submission can still be withdrawn: it has not ended, or what it was promised is not paid yet."""
    return one.is_open or one.committed_pence > 0


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
    if not may_withdraw(one) and not may_withdraw(one.as_told(now)):
        raise Overtaken(
            f"This {form.noun} has ended ({STATUS_WORDS[one.status].lower()}); it cannot be withdrawn."
        )
    actor, role = (by.id, COORDINATOR) if by else (CLAIMANT, CLAIMANT)
    _ended(parts, case, form, Status.WITHDRAWN, now, actor=actor, role=role, words=reason).commit()


def lapsed(parts: Parts, case: Case, form: Form, now: datetime) -> Revision:
    """The changes that were asked for did not come in time."""
    return _ended(parts, case, form, Status.LAPSED, now, actor=SYSTEM, role=SYSTEM)


def _ended(
    parts: Parts,
    case: Case,
    form: Form,
    status: Status,
    now: datetime,
    *,
    actor: str,
    role: str,
    words: str = "",
) -> Revision:
    before = case.submission
    ended = decisions.end(case, form, status, now=now)
    # What is held back until a decision can no longer be undone must not go out after the end.
    undo = before.undo if before.may_undo(now) else None
    # Those whose tasks that decision had closed have not been told of it either.
    closed = [task for task in case.tasks if task.state is TaskState.CLOSED]
    unaware = [task for task in closed if undo and task.ended_by == undo.task]
    who = "a coordinator" if role == COORDINATOR else "the person who made it"
    reason = f"The {form.noun} was withdrawn by {who}."
    revision = Revision(parts, case, now=now)
    revision.becomes(ended.submission)
    revision.moves(ended.movement)
    revision.records(status.value, stage=before.stage, by=actor, role=role, words=words)
    revision.adds(
        CancelDelivery(delivery_id=delivery_id) for delivery_id in (undo.deliveries if undo else ())
    )
    revision.adds(CloseTask(task=task) for task in ended.closed)
    letters = revision.letters(form)
    revision.tells([letters.ended(status.value)])
    revision.tells(letters.no_longer_needed((*ended.closed, *unaware), reason))
    revision.tells_workflow(form)
    return revision
