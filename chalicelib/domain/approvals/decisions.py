"""What may be answered to a task, when an answer stands, and what it changes: status, stage and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime

from chalicelib.domain.approvals.deadlines import Calendar
from chalicelib.domain.errors import ClaimChanged, InvalidAnswers, NoLongerUndoable, Problem
from chalicelib.domain.forms.answers import unshowable
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs, Choice, Effect, Stage, Workflow
from chalicelib.domain.money.fund import Held, Movement, between
from chalicelib.domain.records.submissions import (
    Case,
    Status,
    Submission,
    Task,
    TaskState,
    Undo,
    before_decision,
)
from chalicelib.domain.records.timeline import CLAIMANT
from chalicelib.domain.values import value

MAX_COMMENT = 2000


@value
class Answered:
    """What somebody answered to a task. `changes` maps the form's pages to what is to be changed there."""

    choice: Choice
    comment: str
    changes: Mapping[str, str] = field(default_factory=dict)


@value
class Ended:
    """What an end that nobody decided changes: withdrawn, or lapsed."""

    submission: Submission
    closed: tuple[Task, ...]
    movement: Movement | None


@value
class Decided:
    """What an answer changes. `stands` is the choice that ends the stage, None while others are still to answer;
    `closed` are the tasks of others that are not needed any more."""

    submission: Submission
    task: Task
    closed: tuple[Task, ...]
    movement: Movement | None
    stands: Choice | None


@value
class Undone:
    """What an undo changes. `reopened` pairs each task with the state it had."""

    submission: Submission
    reopened: tuple[tuple[Task, TaskState], ...]
    movement: Movement | None
    undo: Undo


def read_answer(
    form: Form,
    offered: Sequence[Choice],
    *,
    decision: object,
    comment: object,
    changes: object = None,
) -> Answered:
    """What was answered of the choices offered, tidied. Raises InvalidAnswers with every problem: no choice or an
    unknown one, a reason missing, changes of pages that the form does not have."""
    problems: list[Problem] = []
    choice = next((one for one in offered if one.value == decision), None)
    if choice is None:
        known = [one.value for one in offered]
        choices = f"{', '.join(known[:-1])} or {known[-1]}"
        problems.append(_problem("/decision", "enum", f"Choose your decision: {choices}"))
    words = read_words("/comment", comment, problems, name="The comment")
    wanted = _changes(form, changes, problems)
    if choice is not None and choice.needs_reason and not words:
        problems.append(_problem("/comment", "required", f"Give the reason: {form.submitter} will read it"))
    if choice is not None and choice.effect is Effect.RETURN and not (words or wanted):
        message = f"Say what is to be changed: {form.submitter} will read it"
        problems.append(_problem(f"/changes/{form.pages[0].id}", "required", message))
    if choice is not None and choice.effect is not Effect.RETURN and wanted:
        message = "You named changes, but your decision is not to ask for any. Take one of the two back"
        problems.append(_problem("/decision", "contradiction", message))
    if choice is None or problems:
        raise InvalidAnswers(problems)
    if choice.effect is Effect.RETURN and not wanted:
        wanted = {page.id: "" for page in form.pages}
    return Answered(choice=choice, comment=words, changes=wanted)


def _changes(form: Form, changes: object, problems: list[Problem]) -> dict[str, str]:
    if changes is None:
        return {}
    if not isinstance(changes, Mapping):
        problems.append(
            _problem("/changes", "type", "The changes must be an object: what to change, by page")
        )
        return {}
    pages = [page.id for page in form.pages]
    for name in changes:
        if name not in pages:
            message = f"The form has no such page. It has: {', '.join(pages)}"
            problems.append(_problem("/changes", "additionalProperties", message))
    read = {
        page.id: read_words(
            f"/changes/{page.id}", changes[page.id], problems, name=f"What to change in “{page.title}”"
        )
        for page in form.pages
        if page.id in changes
    }
    return {name: words for name, words in read.items() if words}


def read_words(pointer: str, given: object, problems: list[Problem], *, name: str = "") -> str:
    """What somebody wrote of their own accord, tidied: a comment, a note, a reason. What is wrong with it is added
    to `problems`, in sentences that begin with `name`; without one, they mean the only thing that there is to write."""
    if not isinstance(given, (str, type(None))):
        problems.append(_problem(pointer, "type", f"{name} must be text"))
        return ""
    words = (given or "").replace("\r\n", "\n").strip()
    if len(words) > MAX_COMMENT:
        at_most = f"{name} must be" if name else "Write"
        problems.append(_problem(pointer, "maxLength", f"{at_most} {MAX_COMMENT:,} characters or fewer"))
    if unshowable(words, multiline=True):
        message = f"{name or 'This'} holds a character that cannot be shown, such as a tab; take it out"
        problems.append(_problem(pointer, "control-characters", message))
    return words


def needed_words(pointer: str, what: str, given: object) -> str:
    """As `read_words`, where they are the only thing that there is to write. Raises InvalidAnswers, also where there
    are none."""
    problems: list[Problem] = []
    words = read_words(pointer, given, problems)
    if not words and not problems:
        problems.append(_problem(pointer, "required", f"Write {what}"))
    if problems:
        raise InvalidAnswers(problems)
    return words


def _problem(pointer: str, code: str, message: str) -> Problem:
    return Problem(pointer=pointer, code=code, message=message)


def what_stands(stage: Stage, votes: Sequence[str], waiting: int) -> str:
    """The choice that stands once these votes are in and `waiting` people are still to answer; empty while it is
    open. As soon as so many have chosen alike as the stage asks for; or its `without_quorum`, once none can."""
    needed = stage.needed(len(votes) + waiting)
    counts = Counter(votes).most_common(1)
    value, most = counts[0] if counts else ("", 0)
    if most >= needed:
        return value
    return stage.without_quorum if most + waiting < needed else ""


def decide(
    case: Case,
    task: Task,
    answered: Answered,
    *,
    seen: str,
    form: Form,
    calendar: Calendar,
    now: datetime,
    goes_out: datetime,
) -> Decided:
    """What the answer of the person who was asked changes. `goes_out` is when others are told of it: their time
    begins then. Raises ClaimChanged where `seen` is not what is stored."""
    if seen != case.seen:
        raise ClaimChanged(f"The {form.noun} changed after it was shown to you. Read it again, then decide.")
    one = case.submission
    stage = form.workflow.stage(task.stage)
    done = replace(task, state=TaskState.DECIDED, decision=answered.choice.value, decided_at=now, seen=seen)
    sitting = [done if other.number == task.number else other for other in case.sitting]
    stands = _stands(stage, answered.choice, sitting)
    moved = replace(one, revision=one.revision + 1, changed_at=now, undo=None)
    if stands is None:
        return Decided(submission=moved, task=done, closed=(), movement=None, stands=None)
    closed = tuple(
        replace(other, state=TaskState.CLOSED, ended_by=task.number)
        for other in case.open_tasks
        if other.number != task.number
    )
    moved = _moved(moved, stage, stands, sitting, form.workflow, calendar, goes_out)
    movement = _movement(one, moved, form.workflow, now)
    return Decided(submission=moved, task=done, closed=closed, movement=movement, stands=stands)


def _stands(stage: Stage, choice: Choice, sitting: Sequence[Task]) -> Choice | None:
    if choice.effect is Effect.RETURN:
        return choice  # one who cannot decide on what is there is enough
    votes = [task.decision for task in sitting if task.state is TaskState.DECIDED]
    waiting = len(sitting) - len(votes)
    return stage.choice(what_stands(stage, votes, waiting))


def _moved(
    one: Submission,
    stage: Stage,
    stands: Choice,
    sitting: Sequence[Task],
    workflow: Workflow,
    calendar: Calendar,
    now: datetime,
) -> Submission:
    if stands.effect is Effect.RETURN:
        return _returned(one, workflow, calendar, now)
    if stands.effect is Effect.CLOSE:
        return closed(one, Status(stands.status))
    agreed = tuple(task.person_id for task in sitting if task.decision == stands.value)
    one = replace(one, approved_by={**one.approved_by, stage.name: agreed})
    if stage.name == workflow.publishes_at:
        one = replace(one, published_at=now)
    following = workflow.after(stage.name, one.amount_pence)
    if following is None:
        committed = one.amount_pence if workflow.fund else 0
        return replace(closed(one, Status(stands.status)), committed_pence=committed)
    if stage.name == workflow.reserve_at:
        one = replace(one, reserved_pence=one.amount_pence)
    status = Status(stands.passing) if stands.passing else going_on(one)
    return replace(at_stage(one, following, calendar, now), status=status)


def going_on(one: Submission) -> Status:
    """In review, for what somebody is to decide; where an earlier choice gave it a status in passing, still that."""
    return Status.IN_REVIEW if one.status in (Status.SUBMITTED, Status.CHANGES_REQUESTED) else one.status


def offered_at(case: Case, stage: Stage) -> tuple[Choice, ...]:
    """What may be chosen at a stage: for a casting vote, only what was chosen at the stage before it."""
    if not stage.choices_given_at:
        return stage.offered
    at = (stage.choices_given_at, case.submission.version)
    given = {task.decision for task in case.tasks if (task.stage, task.version) == at}
    return tuple(choice for choice in stage.offered if choice.value in given)


def at_stage(one: Submission, stage: Stage, calendar: Calendar, now: datetime) -> Submission:
    """The submission at the beginning of a stage, its approver still to be asked."""
    due = calendar.deadline(now, stage.working_days)
    moved = replace(
        one,
        status=Status.IN_REVIEW,
        stage=stage.name,
        asked_as=AskedAs.APPROVER,
        waiting_for=stage.waits_for,
    )
    return waiting_until(moved, due, stage.reminder_days, calendar, now)


def _returned(one: Submission, workflow: Workflow, calendar: Calendar, now: datetime) -> Submission:
    due = calendar.deadline(now, workflow.amending.working_days)
    moved = replace(one, status=Status.CHANGES_REQUESTED, asked_as=AskedAs.CLAIMANT, waiting_for=CLAIMANT)
    return waiting_until(moved, due, workflow.amending.reminder_days, calendar, now)


def waiting_until(
    one: Submission, due: datetime, reminder_days: Sequence[int], calendar: Calendar, now: datetime
) -> Submission:
    """The submission with a new deadline: its reminders are still to come, and are counted anew."""
    next_at = calendar.next_date(due, reminder_days, now)
    return replace(one, due_at=due, next_at=next_at, reminded=0)


def closed(one: Submission, status: Status) -> Submission:
    """The submission at an end, with no money held for it."""
    return replace(
        one,
        status=status,
        waiting_for="",
        due_at=None,
        next_at=None,
        reserved_pence=0,
        committed_pence=0,
    )


def end(case: Case, form: Form, status: Status, *, now: datetime) -> Ended:
    """What withdrawing or lapsing changes: it ends, its tasks are closed, its money is free again."""
    one = case.submission
    moved = replace(closed(one, status), revision=one.revision + 1, changed_at=now, undo=None)
    tasks = tuple(replace(task, state=TaskState.CLOSED) for task in case.open_tasks)
    return Ended(submission=moved, closed=tasks, movement=_movement(one, moved, form.workflow, now))


def undo(case: Case, task: Task, form: Form, *, now: datetime) -> Undone:
    """What taking back the last decision changes. Raises NoLongerUndoable."""
    one = case.submission
    last = one.undo
    if last is None or last.task != task.number or not one.may_undo(now):
        raise NoLongerUndoable(
            "This decision can no longer be undone: it has gone out, or another was made after it."
        )
    back = replace(one.put_back(last.before), revision=one.revision + 1, changed_at=now, undo=None)
    reopened = ((before_decision(other, task.number), other) for other in case.tasks)
    return Undone(
        submission=back,
        reopened=tuple((before, other.state) for before, other in reopened if before != other),
        movement=_movement(one, back, form.workflow, now),
        undo=last,
    )


def _movement(before: Submission, after: Submission, workflow: Workflow, now: datetime) -> Movement | None:
    return movement(before, held(after), workflow.fund, now=now)


def held(one: Submission) -> Held:
    """What the fund holds for a submission, has paid for it, and got back."""
    return Held(
        reserved=one.reserved_pence,
        committed=one.committed_pence,
        spent=one.paid_pence,
        returned=one.returned_pence,
    )


def movement(before: Submission, after: Held, fund: str, *, now: datetime) -> Movement | None:
    """The ledger line that leads from what is held to `after`; None where nothing moves."""
    step = between(held(before), after)
    if step is None:
        return None
    kind, amount = step
    return Movement(
        fund=fund,
        force=before.force,
        reference=before.reference,
        kind=kind,
        amount_pence=amount,
        revision=before.revision + 1,
        at=now,
        before=held(before),
    )
