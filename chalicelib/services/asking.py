"""Asking an approver: what the state machine calls at each step, with the token it then waits on.

The data decides where the submission stands. An execution that says otherwise (late, repeated, of an earlier
round) is told so at once and follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.domain import approvals, deliveries
from chalicelib.domain.answers import walk
from chalicelib.domain.deadlines import spoken_day
from chalicelib.domain.forms import Form, Stage
from chalicelib.domain.money import pounds
from chalicelib.domain.people import COORDINATOR, NATIONAL, Holding, Person, eligible
from chalicelib.domain.submissions import AskedAs, Case, Status, Submission, Task, TaskState
from chalicelib.services.changing import again_if_overtaken, next_revision, with_entry
from chalicelib.services.intake import cost_rows
from chalicelib.services.ports import (
    AddDelivery,
    AddTask,
    Change,
    ChangeSubmission,
    CloseTask,
    KeepToken,
    Parts,
)

MOST_TOLD = 90
"""A transaction takes 100 operations."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a step of the state machine says: whom it takes to be asked, and the token it waits on."""

    force: str
    reference: str
    round: int
    stage: str
    turn: AskedAs
    token: str


def read_step(event: Mapping[str, Any]) -> Step:
    """The step in a payload of any version still in flight (so far: 1). KeyError or ValueError for any other."""
    if event["payload_version"] != deliveries.PAYLOAD_VERSION:
        raise ValueError(f"payload version {event['payload_version']!r} is not known")
    return Step(
        force=event["force"],
        reference=event["reference"],
        round=int(event["round"]),
        stage=event["stage"],
        turn=AskedAs(event["asked"]),
        token=event["token"],
    )


def ask(parts: Parts, step: Step) -> None:
    """Ask whose turn it is, once; or tell the execution where the submission really stands."""
    again_if_overtaken(lambda: _ask(parts, step))


def _ask(parts: Parts, step: Step) -> None:
    case = parts.records.of(step.force).case(step.reference)
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    now = parts.now()
    if step.round != one.round:
        output = deliveries.superseded(step.force, step.reference, step.round)
        parts.workflows.answer(step.token, output)
        return
    if not _is_its_turn(one, step):
        parts.workflows.answer(step.token, deliveries.pointer(one, form, parts.calendar, now=now))
        return
    if case.token == step.token:
        return  # Lambda runs some invocations twice
    asking = _Asking(parts=parts, case=case, form=form, step=step, now=now)
    parts.records.commit(asking.changes())


def _is_its_turn(one: Submission, step: Step) -> bool:
    """The turn the data is at, or the one after it: then this turn's time ran out."""
    if not one.is_open or one.stage != step.stage:
        return False
    return step.turn in (one.asked_as, approvals.next_turn(one.asked_as))


@dataclass(frozen=True, kw_only=True)
class _Asking:
    parts: Parts
    case: Case
    form: Form
    step: Step
    now: datetime

    @property
    def _stage(self) -> Stage:
        return self.form.workflow.stage(self.step.stage)

    def changes(self) -> Sequence[Change]:
        one = self.case.submission
        timed_out = self.step.turn is not one.asked_as
        if not timed_out and self._is_asked_already():
            return self._keep_token(one)
        one = self._with_claimant(one)
        if self.step.turn is AskedAs.COORDINATORS:
            return self._ask_whoever_there_is_now(one) or self._tell_coordinators(one)
        person = eligible(self._holders(), approvals.barred(one))
        if person is None:
            return self._pass_over(one)
        return self._ask_person(one, person)

    def _is_asked_already(self) -> bool:
        """After a restart the execution is new, but the person was asked and the date stands."""
        if self.step.turn is AskedAs.COORDINATORS:
            told = any(e.action == "stuck" and e.stage == self.step.stage for e in self.case.entries)
            return told and self.case.entries[-1].action == "restarted"
        task = self.case.open_task
        return task is not None and task.stage == self.step.stage and task.asked_as is self.step.turn

    def _with_claimant(self, one: Submission) -> Submission:
        """Who the claimant is, if registered: that person is not asked and may not decide."""
        claimant = self.parts.people.by_address(str(self.case.personal.get("claimant_email", "")))
        return replace(one, claimant_id=claimant.id) if claimant else one

    def _holding(self) -> Holding:
        return approvals.asked_in(self._stage, self.step.turn, self.case.submission.force)

    def _holders(self, turn: AskedAs | None = None) -> list[Person]:
        one = self.case.submission
        return self.parts.people.holders(approvals.asked_in(self._stage, turn or self.step.turn, one.force))

    def _keep_token(self, one: Submission) -> Sequence[Change]:
        moved = next_revision(one, now=self.now)
        return [ChangeSubmission(submission=moved), KeepToken(submission=moved, token=self.step.token)]

    def _pass_over(self, one: Submission) -> Sequence[Change]:
        """Nobody may be asked in this turn: the next turn at once. The execution goes there by its answer."""
        turn = approvals.next_turn(self.step.turn)
        details = {"role": self._holding().role, "reason": "nobody who may decide holds this role"}
        return self._go_to(one, turn, action="passed-over", details=details)

    def _ask_whoever_there_is_now(self, one: Submission) -> Sequence[Change] | None:
        """Where nobody could be asked before, somebody may have been registered since."""
        if self.case.open_task is not None:
            return None
        for turn in (AskedAs.APPROVER, AskedAs.DEPUTY):
            if eligible(self._holders(turn), approvals.barred(one)):
                return self._go_to(one, turn, action="asked-anew", details={"turn": turn.value})
        return None

    def _go_to(
        self, one: Submission, turn: AskedAs, *, action: str, details: Mapping[str, str | int]
    ) -> Sequence[Change]:
        role = approvals.asked_in(self._stage, turn, one.force).role
        moved = replace(
            next_revision(one, now=self.now), asked_as=turn, waiting_for=role, due_at=self._due(turn)
        )
        moved, entry = with_entry(moved, at=self.now, action=action, stage=self.step.stage, details=details)
        output = deliveries.pointer(moved, self.form, self.parts.calendar, now=self.now)
        answer = deliveries.answer(moved, self.step.token, output, now=self.now)
        # An open task of the turn before stays open: late is better than nobody.
        return [ChangeSubmission(submission=moved), entry, AddDelivery(delivery=answer)]

    def _ask_person(self, one: Submission, person: Person) -> Sequence[Change]:
        number = one.tasks + 1
        task = Task(
            force=one.force,
            reference=one.reference,
            number=number,
            stage=self.step.stage,
            asked_as=self.step.turn,
            person_id=person.id,
            role=self._holding().role,
            asked_at=self.now,
            due_at=self._due(self.step.turn),
        )
        moved = replace(
            next_revision(one, now=self.now),
            status=Status.IN_REVIEW,
            asked_as=self.step.turn,
            waiting_for=task.role,
            due_at=task.due_at,
            tasks=number,
        )
        moved, entry = with_entry(
            moved,
            at=self.now,
            action="asked",
            stage=task.stage,
            details={"person": person.id, "role": task.role, "task": number, "turn": task.asked_as.value},
        )
        return [
            ChangeSubmission(submission=moved),
            entry,
            *self._overtake(),
            AddTask(task=task),
            KeepToken(submission=moved, token=self.step.token),
            AddDelivery(delivery=self._asking_mail(moved, task, person)),
        ]

    def _tell_coordinators(self, one: Submission) -> Sequence[Change]:
        """Nobody decided in time, or nobody may: those who can put it right are told, again at every date."""
        moved = replace(
            next_revision(one, now=self.now),
            status=Status.IN_REVIEW,
            asked_as=AskedAs.COORDINATORS,
            waiting_for=COORDINATOR,
            due_at=self._due(AskedAs.COORDINATORS),
        )
        moved, entry = with_entry(
            moved, at=self.now, action="stuck", stage=self.step.stage, details={"role": COORDINATOR}
        )
        everywhere = self._holders() + self.parts.people.holders(Holding(role=COORDINATOR, at=NATIONAL))
        told = list({person.id: person for person in everywhere}.values())[:MOST_TOLD]
        mails = [AddDelivery(delivery=self._stuck_mail(moved, person)) for person in told]
        return [
            ChangeSubmission(submission=moved),
            entry,
            KeepToken(submission=moved, token=self.step.token),
            *mails,
        ]

    def _due(self, turn: AskedAs) -> datetime:
        stage = self._stage
        days = stage.working_days if turn is AskedAs.APPROVER else stage.deputy_working_days
        return self.parts.calendar.deadline(self.now, days)

    def _overtake(self) -> list[Change]:
        task = self.case.open_task
        return [CloseTask(task=replace(task, state=TaskState.OVERTAKEN))] if task else []

    def _asking_mail(self, one: Submission, task: Task, person: Person) -> deliveries.Delivery:
        fund = self.parts.funds.fund(self.form.workflow.fund)
        share = fund.forces.get(one.force)
        answers = self.case.answers
        hidden = self.form.kept_from_approvers
        lines = [
            answer for answer in walk(self.form, answers) if not answer.rows and answer.name not in hidden
        ]
        return deliveries.mail(
            "asked",
            to=person.address,
            about=task.id,
            reference=one.reference,
            values={
                "reference": one.reference,
                "title": one.title,
                "force": self.parts.forms.force_name(one.force),
                "answers": [[answer.heading, answer.value] for answer in lines],
                "costs": cost_rows(self.form, answers),
                "total": pounds(one.amount_pence),
                "fund": fund.name,
                "fund_left": pounds(fund.balance.available),
                "force_left": pounds(share.available) if share else "",
                "as_deputy": task.asked_as is AskedAs.DEPUTY,
                "decide_by": spoken_day(task.due_at),
                "is_reserved": self.form.workflow.reserve_at in one.approved_by,
                "earlier": earlier_words(self.case, self.form),
                "task_url": self.parts.links.task(task),
            },
            now=self.now,
        )

    def _stuck_mail(self, one: Submission, person: Person) -> deliveries.Delivery:
        return deliveries.mail(
            "stuck",
            to=person.address,
            about=f"{one.reference}.{one.chain.length}.{person.id}",
            reference=one.reference,
            values={
                "reference": one.reference,
                "title": one.title,
                "force": self.parts.forms.force_name(one.force),
                "stage_title": self._stage.title,
                "total": pounds(one.amount_pence),
                "has_task": self.case.open_task is not None,
                "again_on": spoken_day(one.due_at) if one.due_at else "",
            },
            now=self.now,
        )


def earlier_words(case: Case, form: Form) -> list[list[str]]:
    """What earlier stages decided: stage, decision, comment."""
    return [
        [
            form.workflow.stage(entry.stage).title,
            approvals.DECIDED_WORDS[str(entry.details["decision"])],
            case.words(entry.sequence),
        ]
        for entry in case.entries
        if entry.action == "decided"
    ]
