"""Who decides, in what order, and what a decision changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from chalicelib.domain.answers import unshowable
from chalicelib.domain.deadlines import Calendar, spoken_time
from chalicelib.domain.errors import (
    AlreadyDecided,
    ClaimChanged,
    Forbidden,
    Gone,
    InvalidAnswers,
    NotAsked,
    Problem,
)
from chalicelib.domain.forms import Asked, Form, Stage, Workflow
from chalicelib.domain.fund import Kind, Movement
from chalicelib.domain.people import NATIONAL, ROLE_NAMES, Holding
from chalicelib.domain.submissions import AskedAs, Case, Status, Submission, Task, TaskState

TURNS = tuple(AskedAs)
MAX_COMMENT = 2000


class Choice(str, Enum):
    """What an approver may answer to a claim."""

    APPROVE = "approve"
    REJECT = "reject"


DECIDED_WORDS = {Choice.APPROVE.value: "approved", Choice.REJECT.value: "rejected"}
"""A decision that was made, in words."""

CHOICE_WORDS = {Choice.APPROVE: "Approve the claim", Choice.REJECT: "Reject the claim"}


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What a decision changes: the submission, the task, and the fund."""

    submission: Submission
    task: Task
    movements: tuple[Movement, ...]


def asked_in(stage: Stage, turn: AskedAs, force: str) -> Holding:
    """The role that is asked in a turn, and where it must be held."""
    if turn is AskedAs.COORDINATORS:
        return Holding(role="coordinator", at=force)
    asked: Asked = stage.asks if turn is AskedAs.APPROVER else stage.deputy
    return Holding(role=asked.role, at=NATIONAL if asked.at == NATIONAL else force)


def next_turn(turn: AskedAs) -> AskedAs:
    """Who is asked after this turn; after the coordinators, the coordinators again."""
    return TURNS[min(TURNS.index(turn) + 1, len(TURNS) - 1)]


def is_turn_before(turn: AskedAs, other: AskedAs) -> bool:
    """Whether `turn` comes before `other`."""
    return TURNS.index(turn) < TURNS.index(other)


def barred(submission: Submission) -> frozenset[str]:
    """The ids of those who may not decide: the claimant, and whoever approved an earlier stage."""
    ids = {submission.claimant_id, *submission.approved_by.values()}
    return frozenset(ids - {""})


def read_choice(decision: object, comment: object) -> tuple[Choice, str]:
    """The choice and the tidied comment. Raises InvalidAnswers: no choice, an unknown one, a rejection unexplained."""
    problems = []
    words = comment.replace("\r\n", "\n").strip() if isinstance(comment, str) else ""
    choice = next((one for one in Choice if one.value == decision), None)
    if choice is None:
        choices = " or ".join(one.value for one in Choice)
        problems.append(Problem(pointer="/decision", code="enum", message=f"Choose your decision: {choices}"))
    if not isinstance(comment, (str, type(None))):
        problems.append(Problem(pointer="/comment", code="type", message="The comment must be text"))
    if len(words) > MAX_COMMENT:
        message = f"The comment must be {MAX_COMMENT:,} characters or fewer"
        problems.append(Problem(pointer="/comment", code="maxLength", message=message))
    if unshowable(words, multiline=True) == "control-characters":
        message = "The comment holds a character that cannot be shown, such as a tab; take it out"
        problems.append(Problem(pointer="/comment", code="control-characters", message=message))
    if choice is Choice.REJECT and not words:
        message = "Give the reason: the claimant will read it"
        problems.append(Problem(pointer="/comment", code="required", message=message))
    if choice is None or problems:
        raise InvalidAnswers(problems)
    return choice, words


def check_asked(case: Case, task: Task, person_id: str) -> None:
    """Raise unless this person was asked: NotAsked, or Forbidden with the reason that bars them."""
    if person_id == case.submission.claimant_id:
        raise Forbidden("This is your own claim. Somebody else decides it.")
    if task.person_id != person_id:
        if person_id in case.submission.approved_by.values():
            raise Forbidden("You approved an earlier stage of this claim. Somebody else decides this stage.")
        raise NotAsked(
            "Somebody else was asked to decide this claim. Being sent the link does not change that."
        )


def check_waiting(case: Case, task: Task) -> None:
    """Raise unless the task still waits: AlreadyDecided, or Gone where it was overtaken."""
    if task.state is TaskState.DECIDED:
        when = f" on {spoken_time(task.decided_at)}" if task.decided_at else ""
        raise AlreadyDecided(f"You decided this already{when}: {task.decision}.")
    one = case.submission
    if task.state is TaskState.OVERTAKEN:
        raise Gone(
            "The time to decide ran out, and the deputy was asked instead. There is nothing left to do here."
        )
    if not one.is_open or one.stage != task.stage:
        raise Gone("This claim has moved on. There is nothing left to do here.")


def decide(
    case: Case, task: Task, choice: Choice, *, seen: str, form: Form, calendar: Calendar, now: datetime
) -> Decided:
    """What the choice of the person who was asked changes. Raises ClaimChanged where `seen` is not what is stored."""
    if seen != case.seen:
        raise ClaimChanged("The claim changed after it was shown to you. Read it again, then decide.")
    one = case.submission
    done = replace(task, state=TaskState.DECIDED, decision=choice.value, decided_at=now, seen=seen)
    if choice is Choice.REJECT:
        moved = _closed(one, Status.REJECTED, now)
    else:
        approved_by = {**one.approved_by, task.stage: task.person_id}
        moved = _approved(replace(one, approved_by=approved_by), form.workflow, task.stage, calendar, now)
    return Decided(
        submission=moved, task=done, movements=_movements(one, moved, task.stage, form.workflow, now)
    )


def _approved(
    one: Submission, workflow: Workflow, stage: str, calendar: Calendar, now: datetime
) -> Submission:
    following = workflow.after(stage, one.amount_pence)
    if following is None:
        return _closed(one, Status.APPROVED, now)
    return replace(
        one,
        status=Status.IN_REVIEW,
        stage=following.name,
        asked_as=AskedAs.APPROVER,
        waiting_for=following.asks.role,
        due_at=calendar.deadline(now, following.working_days),
        revision=one.revision + 1,
        changed_at=now,
    )


def _closed(one: Submission, status: Status, now: datetime) -> Submission:
    return replace(one, status=status, waiting_for="", due_at=None, revision=one.revision + 1, changed_at=now)


def _movements(
    before: Submission, after: Submission, stage: str, workflow: Workflow, now: datetime
) -> tuple[Movement, ...]:
    """Reserve at the stage that says so, commit at the last approval, release a reservation on rejection."""
    kind: Kind | None = None
    if after.status is Status.APPROVED:
        kind = Kind.COMMIT
    elif after.status is Status.REJECTED:
        kind = Kind.RELEASE if workflow.reserve_at in before.approved_by else None
    elif stage == workflow.reserve_at:
        kind = Kind.RESERVE
    if kind is None:
        return ()
    movement = Movement(
        fund=workflow.fund,
        force=before.force,
        reference=before.reference,
        kind=kind,
        amount_pence=before.amount_pence,
        sequence=before.chain.length,
        at=now,
    )
    return (movement,)


def role_words(role: str) -> str:
    """A role as the public reads it: `programme manager`."""
    return ROLE_NAMES.get(role, role.replace("-", " "))
