"""Handing a task to somebody else who may decide: by the person asked, or by a coordinator."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.domain.approvals import who_decides
from chalicelib.domain.approvals.moves import waiting_until
from chalicelib.domain.errors import Forbidden, InvalidAnswers, NotAsked, Overtaken, OwnSubmission, Problem
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs, Stage
from chalicelib.domain.people.people import COORDINATOR, Person, check_coordinator, role_words
from chalicelib.domain.records.submissions import Case, Status, Submission, Task, TaskState
from chalicelib.domain.values import value
from chalicelib.services.approvals.task_view import check_waiting, find_task
from chalicelib.services.approvals.whom_to_ask import Chosen, may_be_asked, with_claimant
from chalicelib.services.changes import AddTask, ChangeRefused, CloseTask, StillHolds
from chalicelib.services.ports import Parts
from chalicelib.services.records.status_view import submission_for
from chalicelib.services.revision import Revision, again_if_overtaken


@value
class Candidate:
    """Somebody to whom the task can be handed."""

    person_id: str
    name: str
    role: str


@value
class HandOnView:
    """What can be handed on, and to whom. `task` is None where nobody is asked at present."""

    submission: Submission
    form: Form
    stage_title: str
    task: Task | None
    asked_name: str
    candidates: tuple[Candidate, ...]


def task_hand_on_view(parts: Parts, person: Person, task_id: str) -> HandOnView:
    """Handing on a task: for the person asked, and for coordinators. Raises as `viewing.task_view`."""
    case, task = find_task(parts, task_id)
    case, form, barred = _check(parts, case, task, person)
    return _view(parts, case, task, form, barred)


def submission_hand_on_view(parts: Parts, person: Person, reference: str) -> HandOnView:
    """Asking somebody about a submission, for coordinators: in place of whoever is asked, if somebody is.

    Raises NotFound, Forbidden, and Overtaken where nobody is to decide.
    """
    case = submission_for(parts, person, reference)
    case, form, barred = _check(parts, case, case.open_task, person)
    return _view(parts, case, case.open_task, form, barred)


def check_may_hand_on(parts: Parts, person: Person, case: Case) -> None:
    """Whether the person may ask somebody about the submission. Raises as `submission_hand_on_view`."""
    _check(parts, case, case.open_task, person)


def hand_on_task(parts: Parts, person: Person, task_id: str, to: object) -> None:
    """Hand a task to somebody else. Raises InvalidAnswers for somebody who may not decide it, and as the view."""

    def attempt() -> None:
        case, task = find_task(parts, task_id)
        _hand_on(parts, case, task, person, to)

    again_if_overtaken(attempt)


def hand_on_submission(parts: Parts, person: Person, reference: str, to: object) -> None:
    """Have somebody asked about a submission. Raises as `hand_on_task`."""

    def attempt() -> None:
        case = submission_for(parts, person, reference)
        _hand_on(parts, case, case.open_task, person, to)

    again_if_overtaken(attempt)


def _check(parts: Parts, case: Case, task: Task | None, person: Person) -> tuple[Case, Form, frozenset[str]]:
    """The case, with its form and the ids of those who may not decide it."""
    check_responsible(parts, person, case, task)
    one, barred = with_claimant(parts, case)
    form = parts.forms.form(one.form, one.form_version)
    if person.id == one.claimant_id:
        raise OwnSubmission(f"This is your own {form.noun}. Another coordinator says who decides it.")
    is_asked = one.is_open and one.status not in (Status.SUBMITTED, Status.CHANGES_REQUESTED)
    is_asked = is_asked and one.asked_as is not AskedAs.LATER
    if not is_asked or one.may_undo(parts.now()):
        raise Overtaken(f"Nobody is asked to decide this {form.noun} now, so there is nothing to hand on.")
    if task is not None:
        check_waiting(parts, case, task, form)
    return replace(case, submission=one), form, barred


def check_may_hand_on_task(parts: Parts, person: Person, task_id: str) -> None:
    """Raise NotFound, and as `check_responsible`."""
    case, task = find_task(parts, task_id)
    check_responsible(parts, person, case, task)


def check_responsible(parts: Parts, person: Person, case: Case, task: Task | None) -> None:
    """Raise unless they may say who decides: NotAsked for people who coordinate neither the force nor the nation,
    Forbidden for a force's coordinator where the seat is a national one."""
    one = case.submission
    force = one.force
    workflow = parts.forms.form(one.form, one.form_version).workflow
    stage = workflow.stage(task.stage if task else one.stage)
    if who_decides.may_hand_on(person, stage, task, force):
        return
    if not person.holds_for(COORDINATOR, force=force):
        if task is None:
            check_coordinator(person, force)
        raise NotAsked("Somebody else was asked. Only they, or a coordinator, can hand this on.")
    raise Forbidden("This is decided nationally. Only a national coordinator can ask somebody else.")


def _stage(case: Case, form: Form) -> Stage:
    return form.workflow.stage(case.submission.stage)


def _candidates(
    parts: Parts, case: Case, task: Task | None, form: Form, barred: frozenset[str]
) -> dict[str, Chosen]:
    stage = _stage(case, form)
    seat = who_decides.seat_of(stage, task) if task else stage.seats[0]
    return may_be_asked(parts, case, seat, barred=barred)


def _view(parts: Parts, case: Case, task: Task | None, form: Form, barred: frozenset[str]) -> HandOnView:
    asked = parts.people.person(task.person_id) if task else None
    found = _candidates(parts, case, task, form, barred).values()
    return HandOnView(
        submission=case.submission,
        form=form,
        stage_title=_stage(case, form).title,
        task=task,
        asked_name=asked.name if asked else "",
        candidates=tuple(
            Candidate(person_id=one.person.id, name=one.person.name, role=role_words(one.role))
            for one in found
        ),
    )


def _hand_on(parts: Parts, case: Case, task: Task | None, person: Person, to: object) -> None:
    case, form, barred = _check(parts, case, task, person)
    chosen = _candidates(parts, case, task, form, barred).get(str(to))
    if chosen is None:
        message = "Choose who is to decide"
        raise InvalidAnswers([Problem(pointer="/to", code="enum", message=message)])
    try:
        handed_on(parts, case, form, task, chosen, by=person.id, role=_role(person, task)).commit()
    except ChangeRefused as refused:
        if isinstance(refused.change, StillHolds):
            message = "This person no longer holds the role. Choose somebody else"
            raise InvalidAnswers([Problem(pointer="/to", code="enum", message=message)]) from refused
        raise


def handed_on(
    parts: Parts,
    case: Case,
    form: Form,
    task: Task | None,
    chosen: Chosen,
    *,
    by: str,
    role: str,
    reason: str = "",
) -> Revision:
    """Somebody is asked in place of whoever has the task. `by` is the id of who says so, in this role; `reason` stands
    in the timeline, where there is one."""
    now, stage = parts.now(), _stage(case, form)
    moved = case.submission
    # After the coordinators it is the deputy's turn again: once more unanswered, it comes back to them.
    turn = AskedAs.DEPUTY if moved.asked_as is AskedAs.COORDINATORS else moved.asked_as
    due = _due(parts, case, stage, now)
    waits_for = stage.waits_for if stage.asks_several else chosen.role
    moved = replace(moved, asked_as=turn, waiting_for=waits_for, undo=None)
    moved = waiting_until(moved, due, stage.reminder_days, parts.calendar, now)
    fresh = chosen.task(moved, asked_at=now, due_at=due)
    revision = Revision(parts, case, now=now)
    revision.becomes(replace(moved, tasks=fresh.number))
    revision.moves_nothing()
    revision.records(
        "reassigned",
        stage=fresh.stage,
        by=by,
        role=role,
        details={
            "person": fresh.person_id,
            "role": fresh.role,
            "task": fresh.number,
            "turn": turn.value,
            **({"instead-of": task.number} if task else {}),
            **({"reason": reason} if reason else {}),
        },
    )
    holding = who_decides.holding_of(stage, fresh)
    revision.adds([AddTask(task=fresh), StillHolds(person_id=fresh.person_id, holding=holding)])
    letters = revision.letters(form)
    revision.tells([letters.asked(fresh, chosen.person)])
    if task is not None:
        revision.adds([CloseTask(task=replace(task, state=TaskState.REASSIGNED, ended_by=fresh.number))])
        if task.person_id != by:
            why = "A coordinator has asked somebody else to decide."
            revision.tells(letters.no_longer_needed([task], why))
    return revision


def _due(parts: Parts, case: Case, stage: Stage, now: datetime) -> datetime:
    """At least a deputy's time, and never less than was left."""
    due = parts.calendar.deadline(now, stage.deputy_working_days)
    return max(due, case.submission.due_at or due)


def _role(by: Person, task: Task | None) -> str:
    return task.role if task is not None and task.person_id == by.id else COORDINATOR
