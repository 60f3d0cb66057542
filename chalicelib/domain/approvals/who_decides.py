"""Who is asked at a stage, and who may decide."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from chalicelib.domain.approvals.deadlines import spoken_time
from chalicelib.domain.errors import (
    AlreadyDecided,
    DecidedByAnother,
    DecidedEarlierStage,
    Expired,
    NotAsked,
    Overtaken,
    OwnSubmission,
    Reassigned,
    Refused,
)
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs, Seat, Stage
from chalicelib.domain.people.people import COORDINATOR, Holding, Person, role_words
from chalicelib.domain.records.submissions import Case, Submission, Task, TaskState, is_same_sitting


def barred(submission: Submission) -> frozenset[str]:
    """The ids of those who may not decide: the claimant, and whoever approved an earlier stage."""
    return frozenset({submission.claimant_id, *approvers(submission)} - {""})


def approvers(submission: Submission) -> frozenset[str]:
    """The ids of everybody who approved a stage."""
    return frozenset(person for people in submission.approved_by.values() for person in people)


def eligible(
    people: Iterable[Person], barred: Collection[str], *, before_others: Collection[str] = ()
) -> list[Person]:
    """Those of `people` who are not barred, in the order of their ids so that a repeat asks the same one; those
    of `before_others` first."""
    free = {person.id: person for person in people if person.id not in barred}
    return sorted(free.values(), key=lambda person: (person.id not in before_others, person.id))


def seat_of(stage: Stage, task: Task) -> Seat:
    """The seat that a task belongs to."""
    for seat in stage.seats:
        if task.role in (seat.asks.role, seat.deputy.role):
            return seat
    return stage.seats[0]


def holding_of(stage: Stage, task: Task) -> Holding:
    """The role in which a task was asked, and where it must be held when it is decided."""
    seat = seat_of(stage, task)
    asked = seat.deputy if task.role == seat.deputy.role else seat.asks
    return asked.holding(task.force)


def responsible_place(stage: Stage, task: Task | None, force: str) -> str:
    """Whose coordinators say who decides: those of the force where the task's seat is one of the force, the national
    ones where it is a national one, whoever stands in. Without a task it goes by the stage's first seat."""
    seat = seat_of(stage, task) if task else stage.seats[0]
    return seat.asks.holding(force).at


def may_hand_on(person: Person, stage: Stage, task: Task | None, force: str) -> bool:
    """Whether somebody may ask another in place of whoever is asked: their own task, or what they coordinate."""
    if task is not None and task.person_id == person.id:
        return True
    return person.holds_for(COORDINATOR, force=responsible_place(stage, task, force))


def waits_for(stage: Stage, turn: AskedAs) -> str:
    """Who decides in a turn, in one word: a role, or the panel."""
    if turn is AskedAs.COORDINATORS:
        return COORDINATOR
    if turn is AskedAs.DEPUTY and not stage.asks_several:
        return stage.seats[0].deputy.role
    return stage.waits_for


def preferred(case: Case) -> frozenset[str]:
    """Who is asked first of several: whoever decided at this stage before, on earlier answers."""
    stage = case.submission.stage
    return frozenset(
        task.person_id for task in case.tasks if task.stage == stage and task.state is TaskState.DECIDED
    )


def check_asked(case: Case, task: Task, person_id: str, form: Form) -> None:
    """Raise unless this person was asked: OwnSubmission, DecidedEarlierStage or NotAsked."""
    if person_id == case.submission.claimant_id:
        raise OwnSubmission(f"This is your own {form.noun}. Somebody else decides it.")
    if task.person_id != person_id:
        if person_id in approvers(case.submission):
            raise DecidedEarlierStage(
                f"You approved an earlier stage of this {form.noun}. Somebody else decides this stage."
            )
        raise NotAsked(
            f"Somebody else was asked to decide this {form.noun}. Being sent the link does not change that."
        )


def check_waiting(case: Case, task: Task, form: Form, *, winner: str = "") -> None:
    """Raise unless the task still waits: AlreadyDecided, DecidedByAnother, Reassigned, Expired or Overtaken.

    `winner` names whoever decided instead, where somebody did (`decided_instead`).
    """
    if task.state is TaskState.DECIDED:
        when = f" on {spoken_time(task.decided_at)}" if task.decided_at else ""
        made = form.workflow.choice(task.decision).done
        raise AlreadyDecided(f"You {made} this {form.noun} already{when}. Your decision stands.")
    if task.state is not TaskState.OPEN:
        raise _ended(case, task, form, winner)
    one = case.submission
    if not one.is_open or not is_same_sitting(task, one):
        raise Overtaken(f"This {form.noun} has moved on. There is nothing left for you to decide here.")


def decided_instead(case: Case, task: Task) -> Task | None:
    """The task of somebody else that was decided in place of this one: through every hand that it went, or because
    enough others had decided."""
    if task.state in (TaskState.OPEN, TaskState.DECIDED):
        return None
    other = case.task(task.ended_by)
    while other is not None and other.state is not TaskState.DECIDED:
        other = case.task(other.ended_by)
    return other


def _ended(case: Case, task: Task, form: Form, winner: str) -> Refused:
    instead = decided_instead(case, task)
    if instead is not None:
        when = f" on {spoken_time(instead.decided_at)}" if instead.decided_at else ""
        who = f"{winner}, {role_words(instead.role)}," if winner else f"The {role_words(instead.role)}"
        made = form.workflow.choice(instead.decision).done
        return DecidedByAnother(f"{who} {made} this {form.noun}{when}. Your own answer was not recorded.")
    if task.state is TaskState.REASSIGNED:
        return Reassigned(
            f"This task was handed to somebody else. They were asked to decide the {form.noun}."
        )
    if task.state is TaskState.OVERTAKEN:
        return Expired(
            "The time to decide ran out, and the deputy was asked instead. There is nothing left to do here."
        )
    return Overtaken(f"This {form.noun} no longer waits for you. There is nothing left to do here.")
