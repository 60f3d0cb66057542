"""Deciding: the one transaction in which a decision is made, and the one that takes it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.approvals import amendments, asked_values, decisions, who_decides
from chalicelib.domain.approvals.decisions import Answered, Decided
from chalicelib.domain.errors import (
    ClaimChanged,
    Conflict,
    DecidedByAnother,
    DoesNotFit,
    Forbidden,
    Gone,
    NoLongerUndoable,
    NotAsWritten,
    Refused,
    RoleGivenUp,
)
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import Choice
from chalicelib.domain.money.fund import Held, shortfall
from chalicelib.domain.people.people import Person, role_words
from chalicelib.domain.records.submissions import Case, Status, Task, TaskState
from chalicelib.domain.values import value
from chalicelib.services.approvals import attempts
from chalicelib.services.approvals.task_view import check_waiting, find_task, next_step
from chalicelib.services.changes import (
    CancelDelivery,
    ChangeRefused,
    CloseTask,
    MoveMoney,
    ReopenTask,
    StillHolds,
)
from chalicelib.services.ports import Parts
from chalicelib.services.records import lookup, trail
from chalicelib.services.revision import Revision, again_if_overtaken


@value
class Outcome:
    """What a decision came to. `repeated`: its maker had made it before, and nothing changed."""

    reference: str
    decision: str
    status: Status
    next_step: str
    undo_until: datetime | None = None
    repeated: bool = False


def decide(
    parts: Parts,
    person_id: str,
    task_id: str,
    *,
    decision: object,
    comment: object,
    seen: object,
    changes: object = None,
    values: object = None,
    read_values: Callable[[Form, Choice | None], object] | None = None,
    maker: Person | None = None,
) -> Outcome:
    """Record a decision. The same again by its maker gives the same answer.

    `changes` says what is to be changed, by the form's pages; `values` are what the choice asks for, or `read_values`
    finds them in what was typed; `maker` is the person, where they have been read already. Raises InvalidAnswers,
    NotFound, the refusals of `task_view.task_view` (NotAsWritten among them), AlreadyDecided, ClaimChanged,
    RoleGivenUp, and DoesNotFit where the fund or the force's cap has too little left. Whoever tried and may not is in
    the timeline.
    """
    case, task = find_task(parts, task_id)
    form = parts.forms.form(case.submission.form, case.submission.form_version)
    read = [(case, task)]

    def attempt() -> Outcome:
        case, task = read.pop() if read else find_task(parts, task_id)
        return _decide(parts, person_id, case, task, answered, str(seen), maker)

    try:
        # Who asks comes before what they ask: what may be chosen can say what others have chosen.
        if not _has_decided(task, person_id):
            who_decides.check_asked(case, task, person_id, form)
        stage = form.workflow.stage(task.stage)
        offered = decisions.offered_at(case, stage)
        if read_values is not None:
            values = read_values(form, stage.choice(decision))
        answered = decisions.read_answer(
            form,
            offered,
            decision=decision,
            comment=comment,
            changes=changes,
            values=values,
            now=parts.now(),
        )
        return again_if_overtaken(attempt)
    except (Forbidden, Gone, Conflict) as refused:
        if not isinstance(refused, (DoesNotFit, ChangeRefused, NotAsWritten)):
            attempts.note(parts, person_id, task_id, refused)
        raise


def _decide(
    parts: Parts,
    person_id: str,
    case: Case,
    task: Task,
    answered: Answered,
    seen: str,
    maker: Person | None,
) -> Outcome:
    form = parts.forms.form(case.submission.form, case.submission.form_version)
    if _is_repeat(task, person_id, answered):
        return _outcome(form, case, task, parts.now(), repeated=True)
    who_decides.check_asked(case, task, person_id, form)
    check_waiting(parts, case, task, form)
    case = trail.check_as_written(parts, case)
    task = case.task(task.number) or task
    now = parts.now()
    try:
        decided = decisions.decide(
            case,
            task,
            answered,
            seen=seen,
            form=form,
            calendar=parts.calendar,
            now=now,
            goes_out=now + parts.undo_for,
        )
    except ClaimChanged as error:
        raise _with_differences(parts, error, case, form, seen, person_id) from None
    maker = maker or parts.people.person(person_id)
    revision = _decided(parts, case, form, decided, answered, maker, now)
    try:
        revision.commit()
    except ChangeRefused as refused:
        raise _explained(parts, form, case, task, refused) from refused
    return _outcome(form, _after(revision, decided), decided.task, now)


def _has_decided(task: Task, person_id: str) -> bool:
    return task.person_id == person_id and task.state is TaskState.DECIDED


def _is_repeat(task: Task, person_id: str, answered: Answered) -> bool:
    return _has_decided(task, person_id) and task.decision == answered.choice.value


def _with_differences(
    parts: Parts, error: ClaimChanged, case: Case, form: Form, seen: str, person_id: str
) -> ClaimChanged:
    """The error with what is different now from what the person was shown, where that is still known."""
    shown = case.seen_before(seen)
    if shown is None:
        return error
    reader = lookup.reader(parts, form, case, person_id)
    force = case.submission.force
    changed = amendments.differences(form, shown.all_answers, case.answers, force=force, reader=reader)
    return ClaimChanged(str(error), changed)


def _after(revision: Revision, decided: Decided) -> Case:
    """The case as it is once the revision is stored."""
    case = revision.case
    changed = {task.number: task for task in (decided.task, *decided.closed)}
    tasks = tuple(changed.get(task.number, task) for task in case.tasks)
    entries = (*case.entries, *revision.entries)
    return replace(case, submission=revision.submission, tasks=tasks, entries=entries)


def _decided(
    parts: Parts,
    case: Case,
    form: Form,
    decided: Decided,
    answered: Answered,
    maker: Person | None,
    now: datetime,
) -> Revision:
    task, stage = decided.task, form.workflow.stage(decided.task.stage)
    revision = Revision(parts, case, now=now)
    revision.becomes(decided.submission)
    revision.moves(decided.movement)
    revision.records(
        "decided",
        stage=task.stage,
        by=task.person_id,
        role=task.role,
        details={
            **_details(decided, answered),
            **asked_values.details_of(form, answered.choice, answered.values),
        },
        words=answered.comment,
        sections={
            **{page: words for page, words in answered.changes.items() if words},
            **asked_values.personal_of(form, answered.choice, answered.values),
        },
    )
    revision.adds([CloseTask(task=task), *(CloseTask(task=other) for other in decided.closed)])
    revision.adds([StillHolds(person_id=task.person_id, holding=who_decides.holding_of(stage, task))])
    _tell(revision, form, decided, answered, goes_out=now + parts.undo_for)
    if parts.undo_for:
        revision.may_be_undone(task, until=now + parts.undo_for)
    if maker is not None:
        letters = revision.letters(form)
        revision.tells([letters.decision_made(task, maker, answered.comment)])
    return revision


def _details(decided: Decided, answered: Answered) -> dict[str, str | int]:
    task = decided.task
    details: dict[str, str | int] = {
        "decision": task.decision,
        "task": task.number,
        "seen": task.seen,
        "amount_pence": decided.submission.amount_pence,
    }
    if answered.changes:
        details["changes"] = " ".join(answered.changes)
    if decided.stands is not None and decided.stands.value != task.decision:
        details["stands"] = decided.stands.value
    if task.stands_in_for:
        details["stands-in-for"] = task.stands_in_for
    return details


def _tell(
    revision: Revision, form: Form, decided: Decided, answered: Answered, *, goes_out: datetime
) -> None:
    """What others are told once the decision can no longer be undone: nothing, while others are still to answer."""
    if decided.stands is None:
        return
    letters = revision.letters(form)
    changes = None
    if decided.stands.outcome.asks_for_changes:
        changes = amendments.Asked(
            role=decided.task.role,
            stage=decided.task.stage,
            at=revision.now,
            comment=answered.comment,
            changes=answered.changes,
        )
    comment = _reasons(revision.case, decided, answered, decided.stands.value)
    values = tuple(asked_values.in_words(form, answered.choice, answered.values))
    if decided.stands.value != answered.choice.value:
        values = ()
    revision.tells([letters.decided(decided.task, decided.stands, changes, comment, values)])
    reason = f"It was decided meanwhile: somebody {decided.stands.done} it."
    revision.tells(letters.no_longer_needed(decided.closed, reason))
    revision.tells_workflow(form, as_of=goes_out)


def _reasons(case: Case, decided: Decided, answered: Answered, stands: str) -> str:
    """What all those wrote who chose what stands. Whoever chose otherwise gave no reason for it."""
    sitting = {task.number for task in case.sitting}
    said = [
        case.words(entry.sequence)
        for entry in case.decisions
        if entry.details["task"] in sitting and entry.details["decision"] == stands
    ]
    if decided.task.decision == stands:
        said.append(answered.comment)
    return "\n\n".join(words for words in said if words)


def undo(parts: Parts, person_id: str, task_id: str) -> None:
    """Take one's own decision back while it has not gone out. Status and money are as they were before.

    Raises NotFound, NotAsked, NoLongerUndoable, and DoesNotFit where the money that the decision set free has
    been promised to others meanwhile.
    """
    again_if_overtaken(lambda: _undo(parts, person_id, task_id))


def _undo(parts: Parts, person_id: str, task_id: str) -> None:
    case, task = find_task(parts, task_id)
    form = parts.forms.form(case.submission.form, case.submission.form_version)
    who_decides.check_asked(case, task, person_id, form)
    if task.state is not TaskState.DECIDED:
        return  # it is undone already
    case = trail.check_as_written(parts, case)
    now = parts.now()
    undone = decisions.undo(case, task, form, now=now)
    revision = Revision(parts, case, now=now)
    revision.becomes(undone.submission)
    revision.records(
        "undone",
        stage=task.stage,
        by=task.person_id,
        role=task.role,
        details={"undone": undone.undo.sequence, "decision": task.decision, "task": task.number},
    )
    revision.moves(undone.movement)  # after the entry, which names the decision: that one says what moved
    revision.adds(ReopenTask(task=other, was=was) for other, was in undone.reopened)
    revision.adds(CancelDelivery(delivery_id=delivery_id) for delivery_id in undone.undo.deliveries)
    # What they would have been told is cancelled.
    revision.tells_nobody()
    revision.leaves_workflow_waiting()
    try:
        revision.commit()
    except ChangeRefused as refused:
        if isinstance(refused.change, CancelDelivery):
            raise NoLongerUndoable(
                "This decision has just gone out. It can no longer be undone."
            ) from refused
        raise _explained(parts, form, case, task, refused) from refused


def _explained(parts: Parts, form: Form, case: Case, task: Task, refused: ChangeRefused) -> Refused:
    """Why nothing was stored, in the words of the person who decided."""
    change = refused.change
    if isinstance(change, MoveMoney):
        move = change.movement
        fund = parts.funds.fund(form.workflow.fund, force=move.force)
        reason = shortfall(fund, move.force, move.amount_pence, noun=form.noun, is_more=move.before != Held())
        return DoesNotFit(reason) if reason else refused
    if isinstance(change, StillHolds):
        return RoleGivenUp(
            f"You are no longer {role_words(task.role)}. Somebody else decides this {form.noun}."
        )
    if isinstance(change, CloseTask):
        return DecidedByAnother("This was decided at the same moment. Look at it again.")
    return refused


def _outcome(form: Form, case: Case, task: Task, now: datetime, *, repeated: bool = False) -> Outcome:
    one = case.submission
    undo = one.undo if one.may_undo(now) else None
    return Outcome(
        reference=one.reference,
        decision=task.decision,
        status=one.status,
        next_step=next_step(form, case, task),
        undo_until=undo.until if undo and undo.task == task.number else None,
        repeated=repeated,
    )
