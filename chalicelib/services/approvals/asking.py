"""Asking approvers: what the state machine calls at each step, and what hands a task on when its time is over.

The data decides where the submission stands. An execution that says otherwise (late, repeated, of an earlier
round) is told so at once and follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain.approvals import who_decides
from chalicelib.domain.approvals.moves import going_on, waiting_until
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import TURNS, AskedAs, Stage, next_turn
from chalicelib.domain.people.leaving import NOBODY_ELSE
from chalicelib.domain.people.people import COORDINATOR, NATIONAL, Person
from chalicelib.domain.records.submissions import Case, Status, Submission, Task, TaskState
from chalicelib.domain.values import value
from chalicelib.services.approvals.ending import lapsed
from chalicelib.services.approvals.whom_to_ask import Chosen, choose, choose_deputies, with_claimant
from chalicelib.services.changes import AddTask, CloseTask
from chalicelib.services.ports import Parts
from chalicelib.services.records import lookup
from chalicelib.services.revision import Revision, again_if_overtaken

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
        _answered_after_undo(parts, replace(case, token=step.token), form, now).commit()
    elif not _is_its_turn(one, step):
        parts.workflows.answer(step.token, deliveries.pointer(one, form, parts.calendar, now=now))
    else:
        _stepped(parts, replace(case, token=step.token), form, step, now).commit()


def _has(form: Form, stage: str) -> bool:
    """Whether a submission of the form can wait at a stage. At the submitter's only where it can be sent back."""
    if stage == deliveries.CHANGES:
        return form.workflow.may_return
    return any(one.name == stage for one in form.workflow.stages)


def _answered_after_undo(parts: Parts, case: Case, form: Form, now: datetime) -> Revision:
    """The last decision may still be undone: until then nobody is asked, and this wait gets the held answer."""
    one = case.submission
    assert one.undo is not None  # noqa: S101 - may_undo says so
    revision = Revision(parts, case, now=now)
    revision.tells_workflow(form)
    revision.waits_for_undo(one.undo)
    revision.keeps_token(wait=one.put_back(one.undo.before).wait)
    return revision


def _is_its_turn(one: Submission, step: Step) -> bool:
    """The turn the data is at, or the one after it: then this turn's time ran out."""
    if one.status is Status.CHANGES_REQUESTED:
        return step.stage == deliveries.CHANGES
    if not one.is_open or one.stage != step.stage or step.turn not in TURNS:
        return False
    return step.turn in (one.asked_as, next_turn(one.asked_as))


def _stepped(parts: Parts, case: Case, form: Form, step: Step, now: datetime) -> Revision:
    one = case.submission
    is_over = one.due_at is not None and one.due_at <= now
    if one.status is Status.CHANGES_REQUESTED:
        return lapsed(parts, case, form, now) if is_over else _with_token(parts, case, now)
    asking = Asking(parts=parts, case=case, form=form, now=now)
    if is_over and (step.turn is not one.asked_as or step.turn is AskedAs.COORDINATORS):
        return asking.go_on(next_turn(one.asked_as), came_for=step.turn)
    if asking.is_asked_already:
        return _with_token(parts, case, now)
    return asking.go_on(one.asked_as, came_for=step.turn)


def _with_token(parts: Parts, case: Case, now: datetime) -> Revision:
    revision = Revision(parts, case, now=now)
    revision.keeps_token()
    return revision


def handed_over(parts: Parts, case: Case, form: Form, now: datetime) -> Revision:
    """The time of the present turn is over: the next one's people are asked, whether or not an execution comes.
    Where nobody was asked in this turn yet, it is this one's people."""
    asking = Asking(parts=parts, case=case, form=form, now=now)
    turn = case.submission.asked_as
    return asking.go_on(next_turn(turn) if asking.is_asked_already else turn, came_for=None)


@value
class Asking:
    """Asking about one submission at one moment. The case's token is of the wait that is on, if one is."""

    parts: Parts
    case: Case
    form: Form
    now: datetime

    @property
    def stage(self) -> Stage:
        """The stage that the submission stands at."""
        return self.form.workflow.stage(self.case.submission.stage)

    @property
    def is_asked_already(self) -> bool:
        """After a restart the execution is new, but people were asked and the date stands."""
        if self.case.submission.asked_as is AskedAs.LATER:
            return True  # nobody is to be asked before its day
        if self.case.submission.asked_as is AskedAs.COORDINATORS:
            return any(e.action == "stuck" and e.stage == self.stage.name for e in self.case.entries)
        return any(task in self.case.sitting for task in self.case.open_tasks)

    def go_on(self, turn: AskedAs, *, came_for: AskedAs | None) -> Revision:
        """Ask whoever is to be asked in this turn; where nobody may be, the next turn at once, and in the end
        the coordinators. `came_for` is the turn that an execution waits in, None where none has come."""
        revision, barred = self._begun()
        if turn is AskedAs.COORDINATORS and not self.case.open_tasks:
            turn = self._turn_with_people_now(barred)
        reason = TOO_LATE if self.case.open_tasks else NOBODY
        while turn is not AskedAs.COORDINATORS:
            chosen = self._chosen(turn, barred)
            if chosen:
                self._ask_people(revision, turn, chosen)
                return self._followed(revision, came_for)
            reason = NOBODY
            self._pass_over(revision, turn)
            turn = next_turn(turn)
        self.tell_coordinators(revision, reason)
        return self._followed(revision, came_for)

    def _begun(self) -> tuple[Revision, frozenset[str]]:
        """The revision, and the ids of those who may not be asked."""
        one, barred = with_claimant(self.parts, self.case)
        revision = Revision(self.parts, self.case, now=self.now)
        revision.becomes(replace(one, undo=None))
        revision.moves_nothing()
        return revision, barred

    def _turn_with_people_now(self, barred: frozenset[str]) -> AskedAs:
        """Where nobody could be asked before, somebody may have been registered since."""
        turns = (AskedAs.APPROVER, AskedAs.DEPUTY)
        return next((turn for turn in turns if self._chosen(turn, barred)), AskedAs.COORDINATORS)

    def _chosen(self, turn: AskedAs, barred: frozenset[str]) -> list[Chosen]:
        if turn is AskedAs.DEPUTY and self.stage.asks_several:
            return choose_deputies(self.parts, self.case, self.stage, barred=barred, now=self.now)
        return choose(self.parts, self.case, self.stage, turn, barred=barred, now=self.now)

    def _followed(self, revision: Revision, came_for: AskedAs | None) -> Revision:
        """Keep the token where the execution waits in the turn that the data is at; else it is told to follow."""
        if came_for is revision.submission.asked_as:
            revision.keeps_token()
        else:
            revision.tells_workflow(self.form)
        return revision

    def _pass_over(self, revision: Revision, turn: AskedAs) -> None:
        details = {"role": who_decides.waits_for(self.stage, turn), "reason": NOBODY}
        revision.records("passed-over", stage=self.stage.name, details=details)

    def _ask_people(self, revision: Revision, turn: AskedAs, chosen: Sequence[Chosen]) -> None:
        due = self.parts.calendar.deadline(self.now, self.stage.days(turn))
        waits_for = who_decides.waits_for(self.stage, turn)
        one = revision.submission
        one = replace(one, status=going_on(one), asked_as=turn, waiting_for=waits_for)
        revision.becomes(waiting_until(one, due, self.stage.reminder_days, self.parts.calendar, self.now))
        tasks = []
        for choice in chosen:
            task = choice.task(revision.submission, asked_at=self.now, due_at=due)
            revision.becomes(replace(revision.submission, tasks=task.number))
            self._record_asked(revision, task)
            revision.adds([AddTask(task=task)])
            tasks.append((task, choice))
        overtaken = self._overtaken(tasks)
        revision.adds(CloseTask(task=task) for task in overtaken)
        letters = revision.letters(self.form)
        reason = "The time to decide ran out, and the deputy was asked instead."
        revision.tells(letters.no_longer_needed(overtaken, reason))
        revision.tells(letters.asked(task, choice.person) for task, choice in tasks)

    def _record_asked(self, revision: Revision, task: Task) -> None:
        details: dict[str, str | int] = {
            "person": task.person_id,
            "role": task.role,
            "task": task.number,
            "turn": task.asked_as.value,
        }
        if task.stands_in_for:
            details["stands-in-for"] = task.stands_in_for
        revision.records("asked", stage=task.stage, details=details)

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

    def told_that_left(self, task: Task) -> Revision:
        """Whoever was asked has left, and nobody else may decide: the coordinators are told. Where several are asked,
        the task stays open, so that it keeps its place among theirs until a coordinator hands it on."""
        others = tuple(other for other in self.case.tasks if other.number != task.number)
        asking = replace(self, case=replace(self.case, tasks=others))
        revision, _ = asking._begun()
        asking.tell_coordinators(revision, NOBODY_ELSE, task=task.number)
        if not self.stage.asks_several:
            revision.adds([CloseTask(task=replace(task, state=TaskState.CLOSED))])
        return asking._followed(revision, None)

    def tell_coordinators(self, revision: Revision, reason: str, **details: str | int) -> list[Delivery]:
        """Nobody decided, or nobody may: those who can put it right are told, again at every date. An open task
        stays open: late is better than nobody. Returns the mails."""
        due = self.parts.calendar.deadline(self.now, self.stage.days(AskedAs.COORDINATORS))
        one = revision.submission
        one = replace(
            one,
            status=going_on(one),
            asked_as=AskedAs.COORDINATORS,
            waiting_for=COORDINATOR,
            due_at=due,
            next_at=due,
        )
        revision.becomes(one)
        revision.records("stuck", stage=one.stage, details={"role": COORDINATOR, "reason": reason, **details})
        letters = revision.letters(self.form)
        task = self.case.open_task
        told = coordinators(self.parts, (one.force, NATIONAL))
        mails = [letters.stuck(person, reason, task=task) for person in told]
        revision.tells(mails)
        return mails


def coordinators(parts: Parts, places: Iterable[str]) -> list[Person]:
    """Who coordinates at these places, each once, no more than can be told in one transaction."""
    return lookup.coordinators(parts, places)[:MOST_TOLD]
