"""What the asked person is shown: all that it takes to decide, or what they decided. Changes nothing."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.approvals import asked_values, decisions, who_decides
from chalicelib.domain.approvals.amendments import differences
from chalicelib.domain.errors import Difference, NotFound
from chalicelib.domain.forms.answers import Answer, walk
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import Choice
from chalicelib.domain.money.fund import Balance
from chalicelib.domain.people.people import Person, role_words
from chalicelib.domain.records.submissions import Case, Submission, Task, TaskState
from chalicelib.domain.records.timeline import Entry
from chalicelib.domain.records.withholding import kept_from_approver
from chalicelib.domain.values import value
from chalicelib.services.ports import Listed, Parts
from chalicelib.services.records import lookup, trail

MOST_LISTED = 6


@value
class EarlierDecision:
    """What was decided before. `done` is the decision in words; `changes` what was to be changed, by page title;
    `values` what the choice asked for, in words."""

    stage_title: str
    role: str
    decision: str
    done: str
    comment: str
    changes: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]
    at: datetime


@value
class Vote:
    """Somebody else who is asked at the same stage. `done` is empty while they have not decided."""

    role: str
    done: str


@value
class TaskView:
    """All that the asked person needs to decide. `may_decide` is false once the task is decided.

    `differences` is what changed since the version before, `rounds` how often it went back for changes;
    `force_claims` are the force's other submissions, the newest first. `undo_until` is set while the person may
    take their decision back.
    """

    task: Task
    submission: Submission
    form: Form
    force_name: str
    answers: tuple[Answer, ...]
    total_pence: int
    seen: str
    choices: tuple[Choice, ...]
    stage_title: str
    fund: Balance | None
    fund_name: str
    force_share: Balance | None
    force_claims: tuple[Listed, ...]
    earlier: tuple[EarlierDecision, ...]
    others: tuple[Vote, ...]
    needed: int
    differences: tuple[Difference, ...]
    rounds: int
    waiting_since: datetime
    may_decide: bool
    next_step: str
    comment: str
    changes: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]
    undo_until: datetime | None


def task_view(parts: Parts, person_id: str, task_id: str) -> TaskView:
    """What the person is asked to decide, or what they decided.

    Raises NotFound; NotAsked, OwnSubmission, DecidedEarlierStage; NotAsWritten where what is stored is not what was
    written; and where the task ended otherwise DecidedByAnother, Reassigned, Expired or Overtaken.
    """
    case, task = find_task(parts, task_id)
    form = parts.forms.form(case.submission.form, case.submission.form_version)
    who_decides.check_asked(case, task, person_id, form)
    if task.state is not TaskState.DECIDED:
        case = trail.check_as_written(parts, case)
        task = case.task(task.number) or task
        check_waiting(parts, case, task, form)
    return _view(parts, case, task, form)


def check_may_see(parts: Parts, person_id: str, task_id: str) -> None:
    """Raise for whoever was not asked, as `task_view` does."""
    case, task = find_task(parts, task_id)
    form = parts.forms.form(case.submission.form, case.submission.form_version)
    who_decides.check_asked(case, task, person_id, form)


def find_task(parts: Parts, task_id: str) -> tuple[Case, Task]:
    """The task of an id, with its case. Raises NotFound."""
    force, _, rest = task_id.partition(".")
    reference, _, number = rest.partition(".")
    missing = NotFound("There is no such task. Open the link from your mail again.")
    if not (force and reference and number.isdecimal() and number.isascii() and "#" not in force):
        raise missing
    try:
        case = parts.records.of(force).case(reference)
    except NotFound:
        raise missing from None
    task = case.task(int(number[:6]))
    if task is None:
        raise missing
    return case, task


def check_waiting(parts: Parts, case: Case, task: Task, form: Form) -> None:
    """Raise unless the task still waits; where somebody else decided, the error names them."""
    instead = who_decides.decided_instead(case, task)
    winner = parts.people.person(instead.person_id) if instead else None
    who_decides.check_waiting(case, task, form, winner=winner.name if winner else "")


def next_step(form: Form, case: Case, task: Task) -> str:
    """What happens next, once `task` is decided, in the words of the person who decided."""
    one, stage = case.submission, form.workflow.stage(task.stage)
    if any(other.state is TaskState.OPEN for other in case.sitting) and task in case.sitting:
        return "The others who were asked have not all answered. We go on as soon as enough agree."
    stood = _what_stood(form, case, task)
    if stood is None:
        stood = form.workflow.choice(task.decision)
    return stood.outcome.next_step(form, one, stage, with_reason=stood.value == task.decision)


def _what_stood(form: Form, case: Case, task: Task) -> Choice | None:
    """The choice that ended the stage at which this task was decided. Of several it may be another than theirs."""
    sitting = {other.number for other in case.sitting_of(task)}
    made = [entry for entry in case.decisions if entry.details.get("task") in sitting]
    if not made:
        return None
    last = made[-1].details
    return form.workflow.choice(str(last.get("stands", last["decision"])))


def _view(parts: Parts, case: Case, task: Task, form: Form) -> TaskView:
    one, now = case.submission, parts.now()
    stage = form.workflow.stage(task.stage)
    fund = parts.funds.fund(form.workflow.fund, force=one.force) if form.workflow.fund else None
    reader = lookup.reader(parts, form, case, task.person_id)
    hidden = kept_from_approver(reader, form, one.force, case.answers)
    own = next((entry for entry in case.decisions if entry.details.get("task") == task.number), None)
    may_undo = one.undo is not None and one.undo.task == task.number and one.may_undo(now)
    claims = parts.records.of(one.force).newest(one.form, limit=MOST_LISTED)
    return TaskView(
        task=task,
        submission=one,
        form=form,
        force_name=parts.forms.force_name(one.force),
        answers=tuple(a for a in walk(form, case.answers) if a.name not in hidden),
        total_pence=one.amount_pence,
        seen=case.seen,
        choices=decisions.offered_at(case, stage),
        stage_title=stage.title,
        fund=fund.balance if fund else None,
        fund_name=fund.name if fund else "",
        force_share=fund.forces.get(one.force, Balance(total=0)) if fund else None,
        force_claims=tuple(claim for claim in claims if claim.reference != one.reference),
        earlier=tuple(_earlier(case, form, entry) for entry in case.decisions if entry is not own),
        others=_others(case, task, form),
        needed=stage.needed(len(case.sitting_of(task))) if stage.asks_several else 1,
        differences=_differences(case, form, reader),
        rounds=len(case.versions),
        waiting_since=task.asked_at,
        may_decide=task.state is TaskState.OPEN,
        next_step=next_step(form, case, task),
        comment=case.words(own.sequence) if own else "",
        changes=_changes(case, form, own) if own else (),
        values=asked_values.given_at(case, form, own) if own else (),
        undo_until=one.undo.until if one.undo and may_undo else None,
    )


def _others(case: Case, task: Task, form: Form) -> tuple[Vote, ...]:
    return tuple(
        Vote(
            role=role_words(other.role),
            done=form.workflow.choice(other.decision).done if other.decision else "",
        )
        for other in case.sitting_of(task)
        if other.number != task.number
    )


def _differences(case: Case, form: Form, reader: Person | None) -> tuple[Difference, ...]:
    if not case.versions:
        return ()
    before = case.versions[-1].all_answers
    return differences(form, before, case.answers, force=case.submission.force, reader=reader)


def _earlier(case: Case, form: Form, entry: Entry) -> EarlierDecision:
    decision = str(entry.details["decision"])
    return EarlierDecision(
        stage_title=form.workflow.stage(entry.stage).title,
        role=role_words(entry.role),
        decision=decision,
        done=form.workflow.choice(decision).done,
        comment=case.words(entry.sequence),
        changes=_changes(case, form, entry),
        values=asked_values.given_at(case, form, entry),
        at=entry.at,
    )


def _changes(case: Case, form: Form, entry: Entry) -> tuple[tuple[str, str], ...]:
    """What was to be changed, by page title; empty words where the page was only opened."""
    text = case.texts.get(entry.sequence)
    wanted = str(entry.details.get("changes", "")).split()
    said = text.parts if text else {}
    return tuple((page.title, said.get(page.id, "")) for page in form.pages if page.id in wanted)
