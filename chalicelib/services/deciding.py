"""Deciding: what the asked person is shown, and the one transaction in which a decision is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain import approvals, deliveries
from chalicelib.domain.answers import Answer, walk
from chalicelib.domain.approvals import CHOICE_WORDS, Choice, Decided
from chalicelib.domain.errors import AlreadyDecided, DoesNotFit, Forbidden, NotFound, Refused
from chalicelib.domain.forms import Form
from chalicelib.domain.fund import Balance, shortfall
from chalicelib.domain.money import pounds
from chalicelib.domain.people import ROLE_NAMES
from chalicelib.domain.submissions import Case, Status, Submission, Task, TaskState
from chalicelib.services.changing import again_if_overtaken, with_entry
from chalicelib.services.ports import (
    AddDelivery,
    Change,
    ChangeRefused,
    ChangeSubmission,
    CloseTask,
    MoveMoney,
    Parts,
    StillHolds,
)


@dataclass(frozen=True, kw_only=True)
class EarlierDecision:
    """What an earlier stage decided."""

    stage_title: str
    role: str
    decision: str
    comment: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """All that the asked person needs to decide. `may_decide` is false once the task is decided or overtaken."""

    task: Task
    submission: Submission
    form: Form
    force_name: str
    answers: tuple[Answer, ...]
    total_pence: int
    seen: str
    choices: tuple[tuple[str, str], ...]
    stage_title: str
    fund: Balance
    fund_name: str
    force_share: Balance
    earlier: tuple[EarlierDecision, ...]
    waiting_since: datetime
    may_decide: bool
    next_step: str
    comment: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a decision came to. `repeated`: its maker had made it before, and nothing changed."""

    reference: str
    decision: str
    status: Status
    next_step: str
    repeated: bool = False


def task_view(parts: Parts, person_id: str, task_id: str) -> TaskView:
    """What the person is asked to decide, or what they decided. Changes nothing.

    Raises NotFound, NotAsked or Forbidden, and Gone where the task was overtaken.
    """
    case, task = _find(parts, task_id)
    approvals.check_asked(case, task, person_id)
    form = parts.forms.form(case.submission.form, case.submission.form_version)
    if task.state is not TaskState.DECIDED:
        approvals.check_waiting(case, task)
    return _view(parts, case, task, form)


def decide(
    parts: Parts, person_id: str, task_id: str, *, decision: object, comment: object, seen: object
) -> Outcome:
    """Record a decision. The same again by its maker gives the same answer.

    Raises InvalidAnswers, NotFound, NotAsked, Forbidden, AlreadyDecided, ClaimChanged, Gone, and DoesNotFit
    where the fund or the force's cap has too little left.
    """
    choice, words = approvals.read_choice(decision, comment)
    return again_if_overtaken(lambda: _decide(parts, person_id, task_id, choice, words, str(seen)))


def _decide(parts: Parts, person_id: str, task_id: str, choice: Choice, words: str, seen: str) -> Outcome:
    case, task = _find(parts, task_id)
    form = parts.forms.form(case.submission.form, case.submission.form_version)
    if _is_repeat(task, person_id, choice):
        return _outcome(form, case.submission, task, repeated=True)
    approvals.check_asked(case, task, person_id)
    approvals.check_waiting(case, task)
    decided = approvals.decide(
        case, task, choice, seen=seen, form=form, calendar=parts.calendar, now=parts.now()
    )
    try:
        parts.records.commit(_changes(parts, case, form, decided, words))
    except ChangeRefused as refused:
        raise _explained(parts, form, case, task, refused) from refused
    return _outcome(form, decided.submission, decided.task)


def _find(parts: Parts, task_id: str) -> tuple[Case, Task]:
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


def _is_repeat(task: Task, person_id: str, choice: Choice) -> bool:
    same = task.person_id == person_id and task.state is TaskState.DECIDED
    return same and task.decision == choice.value


def _changes(parts: Parts, case: Case, form: Form, decided: Decided, words: str) -> list[Change]:
    task = decided.task
    now = decided.submission.changed_at
    one, entry = with_entry(
        decided.submission,
        at=now,
        action="decided",
        stage=task.stage,
        actor=task.person_id,
        role=task.role,
        details={
            "decision": task.decision,
            "task": task.number,
            "seen": task.seen,
            "amount_pence": decided.submission.amount_pence,
            **{f"fund-{move.kind.value}": move.amount_pence for move in decided.movements},
        },
        words=words,
        salt=parts.new_secret() if words else "",
    )
    stage = form.workflow.stage(task.stage)
    output = deliveries.pointer(one, form, parts.calendar, now=now)
    changes: list[Change] = [
        ChangeSubmission(submission=one),
        CloseTask(task=task),
        entry,
        StillHolds(person_id=task.person_id, holding=approvals.asked_in(stage, task.asked_as, one.force)),
        *(MoveMoney(movement=movement) for movement in decided.movements),
        AddDelivery(delivery=_claimant_mail(parts, case, form, one, task, words)),
    ]
    if case.token:
        changes.append(AddDelivery(delivery=deliveries.answer(one, case.token, output, now=now)))
    return changes


def _claimant_mail(
    parts: Parts, case: Case, form: Form, one: Submission, task: Task, words: str
) -> deliveries.Delivery:
    template = {Status.APPROVED: "approved", Status.REJECTED: "rejected"}.get(one.status, "moved-on")
    following = form.workflow.stage(one.stage).title if one.is_open else ""
    return deliveries.mail(
        template,
        to=str(case.personal["claimant_email"]),
        about=task.id,
        reference=one.reference,
        values={
            "reference": one.reference,
            "title": one.title,
            "total": pounds(one.amount_pence),
            "role": ROLE_NAMES.get(task.role, task.role),
            "comment": words,
            "next_stage": following,
            "status_url": parts.links.status(one.force, one.reference),
        },
        now=one.changed_at,
    )


def _explained(parts: Parts, form: Form, case: Case, task: Task, refused: ChangeRefused) -> Refused:
    """Why nothing was stored, in the words of the person who decided."""
    change = refused.change
    if isinstance(change, MoveMoney):
        fund = parts.funds.fund(form.workflow.fund)
        reason = shortfall(fund, case.submission.force, case.submission.amount_pence)
        return DoesNotFit(reason) if reason else refused
    if isinstance(change, StillHolds):
        role = ROLE_NAMES.get(task.role, task.role)
        return Forbidden(f"You are no longer {role}. Somebody else decides this claim.")
    if isinstance(change, CloseTask):
        return AlreadyDecided("This was decided at the same moment. Look at it again.")
    return refused


def _outcome(form: Form, one: Submission, task: Task, *, repeated: bool = False) -> Outcome:
    return Outcome(
        reference=one.reference,
        decision=task.decision,
        status=one.status,
        next_step=_after(form, one, task),
        repeated=repeated,
    )


def _after(form: Form, one: Submission, task: Task) -> str:
    """What happens next, once `task` is decided."""
    if task.decision == Choice.REJECT.value:
        return "The claimant is told, with your reason. The claim has ended."
    following = form.workflow.after(task.stage, one.amount_pence)
    if following is None:
        return "The claim is approved, and the claimant is told. The money is committed."
    return f"The claimant is told. Next to decide: {_mid_sentence(following.title)}."


def _mid_sentence(title: str) -> str:
    """A stage's title inside a sentence: `The fund holder` → `the fund holder`."""
    return title[:1].lower() + title[1:]


def _view(parts: Parts, case: Case, task: Task, form: Form) -> TaskView:
    one = case.submission
    fund = parts.funds.fund(form.workflow.fund)
    comment = next(
        (
            case.words(entry.sequence)
            for entry in case.entries
            if entry.action == "decided"
            and entry.details.get("task") == task.number
            and entry.sequence in case.texts
        ),
        "",
    )
    return TaskView(
        task=task,
        submission=one,
        form=form,
        force_name=parts.forms.force_name(one.force),
        answers=tuple(a for a in walk(form, case.answers) if a.name not in form.kept_from_approvers),
        total_pence=one.amount_pence,
        seen=case.seen,
        choices=tuple((choice.value, CHOICE_WORDS[choice]) for choice in Choice),
        stage_title=form.workflow.stage(task.stage).title,
        fund=fund.balance,
        fund_name=fund.name,
        force_share=fund.forces.get(one.force, Balance(total=0)),
        earlier=_earlier(case, form, task),
        waiting_since=task.asked_at,
        may_decide=task.state is TaskState.OPEN,
        next_step=_after(form, one, task),
        comment=comment,
    )


def _earlier(case: Case, form: Form, task: Task) -> tuple[EarlierDecision, ...]:
    found = []
    for entry in case.entries:
        if entry.action != "decided" or entry.details.get("task") == task.number:
            continue
        found.append(
            EarlierDecision(
                stage_title=form.workflow.stage(entry.stage).title,
                role=ROLE_NAMES.get(entry.role, entry.role),
                decision=str(entry.details["decision"]),
                comment=case.words(entry.sequence),
                at=entry.at,
            )
        )
    return tuple(found)
