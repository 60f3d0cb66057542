"""Asking approvers: what the state machine calls at each step, and what hands a task on when its time is over.

The data decides where the submission stands. An execution that says otherwise (late, repeated, of an earlier
round) is told so at once and follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain import approvals, deliveries
from chalicelib.domain.decisions import going_on, waiting_until
from chalicelib.domain.forms import Form
from chalicelib.domain.leaving import NOBODY_ELSE
from chalicelib.domain.people import COORDINATOR, NATIONAL, Person
from chalicelib.domain.stages import TURNS, AskedAs, Stage, next_turn
from chalicelib.domain.submissions import Case, Status, Submission, Task, TaskState
from chalicelib.domain.values import value
from chalicelib.services import finding
from chalicelib.services.changes import AddDelivery, AddTask, Change, ChangeSubmission, CloseTask, KeepToken
from chalicelib.services.changing import again_if_overtaken, next_revision, with_entry
from chalicelib.services.choosing import Chosen, choose, choose_deputies, with_claimant
from chalicelib.services.ending import lapse_changes
from chalicelib.services.letters import Letters
from chalicelib.services.ports import Parts

MOST_TOLD = 60
"""A transaction takes 100 operations."""

NOBODY = "nobody who may decide holds the role"
TOO_LATE = "nobody decided in time"


class UnknownStage(LookupError):
    """A step waits at a stage that the submission's workflow does not have. The state machine knows this error by its
    name: the execution fails at once, and the reconciler starts a new one where the data says."""


@value
class Step:
    """What a step of the state machine says: whom it takes to be asked, and the token it waits on."""

    force: str
    reference: str
    round: int
    stage: str
    turn: AskedAs
    token: str


def read_step(event: Mapping[str, Any]) -> Step:
    """The step in a payload of any version still in flight. KeyError or ValueError for any other."""
    if event["payload_version"] not in deliveries.READ_VERSIONS:
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
    if step.round != one.round or one.moved_to:
        output = deliveries.superseded(step.force, step.reference, step.round)
        parts.workflows.answer(step.token, output)
    elif case.token == step.token:
        return  # Lambda runs some invocations twice
    elif not _has(form, step.stage):
        raise UnknownStage(f"The workflow {form.workflow.name} has no stage {step.stage!r}.")
    elif one.may_undo(now):
        parts.records.commit(_hold(parts, case, form, step.token, now))
    elif not _is_its_turn(one, step):
        parts.workflows.answer(step.token, deliveries.pointer(one, form, parts.calendar, now=now))
    else:
        parts.records.commit(_step_changes(parts, case, form, step, now))


def _has(form: Form, stage: str) -> bool:
    """Whether a submission of the form can wait at a stage. At the submitter's only where it can be sent back."""
    if stage == deliveries.CHANGES:
        return form.workflow.may_return
    return any(one.name == stage for one in form.workflow.stages)


def _hold(parts: Parts, case: Case, form: Form, token: str, now: datetime) -> list[Change]:
    """The last decision may still be undone: until then nobody is asked, and this wait gets the held answer."""
    one = case.submission
    assert one.undo is not None  # noqa: S101 - may_undo says so
    moved = next_revision(one, now=now)
    output = deliveries.pointer(one, form, parts.calendar, now=now)
    answer = deliveries.held(deliveries.answer(moved, token, output, now=now), until=one.undo.until)
    undo = replace(one.undo, deliveries=(*one.undo.deliveries, answer.id))
    moved = replace(moved, undo=undo)
    return [
        ChangeSubmission(submission=moved),
        KeepToken(submission=moved, token=token, wait=one.put_back(one.undo.before).wait),
        AddDelivery(delivery=answer),
    ]


def _is_its_turn(one: Submission, step: Step) -> bool:
    """The turn the data is at, or the one after it: then this turn's time ran out."""
    if one.status is Status.CHANGES_REQUESTED:
        return step.stage == deliveries.CHANGES
    if not one.is_open or one.stage != step.stage or step.turn not in TURNS:
        return False
    return step.turn in (one.asked_as, next_turn(one.asked_as))


def _step_changes(parts: Parts, case: Case, form: Form, step: Step, now: datetime) -> Sequence[Change]:
    one = case.submission
    is_over = one.due_at is not None and one.due_at <= now
    if one.status is Status.CHANGES_REQUESTED:
        if is_over:
            return lapse_changes(parts, replace(case, token=step.token), form, now)
        return _keep_token(one, step.token, now)
    asking = Asking(parts=parts, case=case, form=form, now=now, token=step.token)
    if is_over and (step.turn is not one.asked_as or step.turn is AskedAs.COORDINATORS):
        return asking.go_on(next_turn(one.asked_as), came_for=step.turn)
    if asking.is_asked_already:
        return _keep_token(one, step.token, now)
    return asking.go_on(one.asked_as, came_for=step.turn)


def _keep_token(one: Submission, token: str, now: datetime) -> list[Change]:
    moved = next_revision(one, now=now)
    return [ChangeSubmission(submission=moved), KeepToken(submission=moved, token=token)]


def hand_over_changes(parts: Parts, case: Case, form: Form, now: datetime) -> Sequence[Change]:
    """The time of the present turn is over: the next one's people are asked, whether or not an execution comes.
    Where nobody was asked in this turn yet, it is this one's people."""
    asking = Asking(parts=parts, case=case, form=form, now=now, token=case.token)
    turn = case.submission.asked_as
    return asking.go_on(next_turn(turn) if asking.is_asked_already else turn, came_for=None)


@value
class Asking:
    """Asking about one submission at one moment. `token` is of the wait that is on, if one is."""

    parts: Parts
    case: Case
    form: Form
    now: datetime
    token: str

    @property
    def stage(self) -> Stage:
        """The stage that the submission stands at."""
        return self.form.workflow.stage(self.case.submission.stage)

    @property
    def is_asked_already(self) -> bool:
        """After a restart the execution is new, but people were asked and the date stands."""
        if self.case.submission.asked_as is AskedAs.COORDINATORS:
            return any(e.action == "stuck" and e.stage == self.stage.name for e in self.case.entries)
        return any(task in self.case.sitting for task in self.case.open_tasks)

    def go_on(self, turn: AskedAs, *, came_for: AskedAs | None) -> list[Change]:
        """Ask whoever is to be asked in this turn; where nobody may be, the next turn at once, and in the end
        the coordinators. `came_for` is the turn that an execution waits in, None where none has come."""
        one, barred = with_claimant(self.parts, self.case)
        one = replace(next_revision(one, now=self.now), undo=None)
        changes: list[Change] = []
        if turn is AskedAs.COORDINATORS and not self.case.open_tasks:
            turn = self._turn_with_people_now(barred)
        reason = TOO_LATE if self.case.open_tasks else NOBODY
        while turn is not AskedAs.COORDINATORS:
            chosen = self._chosen(turn, barred)
            if chosen:
                return self._finish(*self._ask_people(one, turn, chosen), came_for, changes)
            reason = NOBODY
            one, entry = self._pass_over(one, turn)
            changes.append(entry)
            turn = next_turn(turn)
        return self._finish(*self.tell_coordinators(one, reason), came_for, changes)

    def _turn_with_people_now(self, barred: frozenset[str]) -> AskedAs:
        """Where nobody could be asked before, somebody may have been registered since."""
        turns = (AskedAs.APPROVER, AskedAs.DEPUTY)
        return next((turn for turn in turns if self._chosen(turn, barred)), AskedAs.COORDINATORS)

    def _chosen(self, turn: AskedAs, barred: frozenset[str]) -> list[Chosen]:
        if turn is AskedAs.DEPUTY and self.stage.asks_several:
            return choose_deputies(self.parts, self.case, self.stage, barred=barred, now=self.now)
        return choose(self.parts, self.case, self.stage, turn, barred=barred, now=self.now)

    def _finish(
        self, one: Submission, asked: list[Change], came_for: AskedAs | None, before: list[Change]
    ) -> list[Change]:
        """Keep the token where the execution waits in the turn that the data is at; else it is told to follow."""
        changes = [ChangeSubmission(submission=one), *before, *asked]
        if came_for is one.asked_as:
            return [*changes, KeepToken(submission=one, token=self.token)]
        if not self.token:
            return changes
        output = deliveries.pointer(one, self.form, self.parts.calendar, now=self.now)
        answer = deliveries.answer(one, self.token, output, now=self.now)
        return [*changes, AddDelivery(delivery=answer)]

    def _pass_over(self, one: Submission, turn: AskedAs) -> tuple[Submission, Change]:
        role = approvals.waits_for(self.stage, turn)
        return with_entry(
            one,
            at=self.now,
            action="passed-over",
            stage=one.stage,
            details={"role": role, "reason": NOBODY},
        )

    def _ask_people(
        self, one: Submission, turn: AskedAs, chosen: Sequence[Chosen]
    ) -> tuple[Submission, list[Change]]:
        due = self.parts.calendar.deadline(self.now, self.stage.days(turn))
        waits_for = approvals.waits_for(self.stage, turn)
        one = replace(one, status=going_on(one), asked_as=turn, waiting_for=waits_for)
        one = waiting_until(one, due, self.stage.reminder_days, self.parts.calendar, self.now)
        changes: list[Change] = []
        tasks = []
        for choice in chosen:
            task = choice.task(one, asked_at=self.now, due_at=due)
            one, entry = self._asked_entry(replace(one, tasks=task.number), task)
            changes += [entry, AddTask(task=task)]
            tasks.append((task, choice))
        letters = Letters(parts=self.parts, case=self.case, form=self.form, one=one)
        overtaken = self._overtaken(tasks)
        changes += [CloseTask(task=task) for task in overtaken]
        reason = "The time to decide ran out, and the deputy was asked instead."
        mails = letters.no_longer_needed(overtaken, reason)
        mails += [letters.asked(task, choice.person) for task, choice in tasks]
        return one, [*changes, *(AddDelivery(delivery=mail) for mail in mails)]

    def _asked_entry(self, one: Submission, task: Task) -> tuple[Submission, Change]:
        details: dict[str, str | int] = {
            "person": task.person_id,
            "role": task.role,
            "task": task.number,
            "turn": task.asked_as.value,
        }
        if task.stands_in_for:
            details["stands-in-for"] = task.stands_in_for
        return with_entry(one, at=self.now, action="asked", stage=task.stage, details=details)

    def _overtaken(self, tasks: Sequence[tuple[Task, Chosen]]) -> list[Task]:
        """The open tasks that the new ones take the place of."""
        if not self.stage.asks_several:
            number = tasks[0][0].number
            return [
                replace(task, state=TaskState.OVERTAKEN, ended_by=number) for task in self.case.open_tasks
            ]
        return [
            replace(choice.instead_of, state=TaskState.OVERTAKEN, ended_by=task.number)
            for task, choice in tasks
            if choice.instead_of is not None
        ]

    def tell_that_left(self, task: Task) -> list[Change]:
        """Whoever was asked has left, and nobody else may decide: the coordinators are told. Where several are asked,
        the task stays open, so that it keeps its place among theirs until a coordinator hands it on."""
        one, _ = with_claimant(self.parts, self.case)
        one = replace(next_revision(one, now=self.now), undo=None)
        others = tuple(other for other in self.case.tasks if other.number != task.number)
        asking = replace(self, case=replace(self.case, tasks=others))
        changes = asking._finish(*asking.tell_coordinators(one, NOBODY_ELSE, task=task.number), None, [])
        if self.stage.asks_several:
            return changes
        return [*changes, CloseTask(task=replace(task, state=TaskState.CLOSED))]

    def tell_coordinators(
        self, one: Submission, reason: str, **details: str | int
    ) -> tuple[Submission, list[Change]]:
        """Nobody decided, or nobody may: those who can put it right are told, again at every date. An open task
        stays open: late is better than nobody."""
        due = self.parts.calendar.deadline(self.now, self.stage.days(AskedAs.COORDINATORS))
        one = replace(
            one,
            status=going_on(one),
            asked_as=AskedAs.COORDINATORS,
            waiting_for=COORDINATOR,
            due_at=due,
            next_at=due,
        )
        one, entry = with_entry(
            one,
            at=self.now,
            action="stuck",
            stage=one.stage,
            details={"role": COORDINATOR, "reason": reason, **details},
        )
        mails = coordinator_mails(self.parts, self.case, self.form, one, reason)
        return one, [entry, *mails]


def coordinator_mails(
    parts: Parts, case: Case, form: Form, one: Submission, reason: str, *, is_stuck: bool = True
) -> list[Change]:
    """A mail to each coordinator of the force and each national one: that nobody decides, or else that mail to the
    submitter does not arrive."""
    told = coordinators(parts, (one.force, NATIONAL))
    letters = Letters(parts=parts, case=case, form=form, one=one)
    if is_stuck:
        return [AddDelivery(delivery=letters.stuck(person, reason, task=case.open_task)) for person in told]
    return [AddDelivery(delivery=letters.undelivered(person, reason)) for person in told]


def coordinators(parts: Parts, places: Iterable[str]) -> list[Person]:
    """Who coordinates at these places, each once, no more than can be told in one transaction."""
    return finding.coordinators(parts, places)[:MOST_TOLD]
