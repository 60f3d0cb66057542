"""A submission and all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any

from chalicelib.domain.forms.answers import answers_digest, fingerprint
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.statuses import STATUS_WORDS as STATUS_WORDS
from chalicelib.domain.records.statuses import STATUSES as STATUSES
from chalicelib.domain.records.statuses import Status as Status
from chalicelib.domain.records.timeline import Chain, Entry, Text
from chalicelib.domain.records.waits import TokenFor, Wait
from chalicelib.domain.values import value

VOUCHED = "vouched"
"""The `proof` in the first timeline entry of what a trusted sender vouched for, so that no code was needed."""


class TaskState(str, Enum):
    """How a task ended, if it did: decided; overtaken by the deadline; handed on; closed since it is not needed."""

    OPEN = "open"
    DECIDED = "decided"
    OVERTAKEN = "overtaken"
    REASSIGNED = "reassigned"
    CLOSED = "closed"


@value
class Task:
    """One approver, asked once. `number` counts the submission's tasks; `seen` is the hash of what was decided on.

    `version` is the version of the answers that is to be decided, `sitting` the number of the sitting. `ended_by` is
    the number of the task that took this one's place, or whose decision closed it; 0 where there is none.
    `stands_in_for` is the id of the person who is away.
    """

    force: str
    reference: str
    number: int
    stage: str
    asked_as: AskedAs
    person_id: str
    role: str
    asked_at: datetime
    due_at: datetime
    version: int = 1
    state: TaskState = TaskState.OPEN
    decision: str = ""
    decided_at: datetime | None = None
    seen: str = ""
    ended_by: int = 0
    stands_in_for: str = ""
    sitting: int = 1

    @property
    def id(self) -> str:
        """What a link names. It says where the task is stored; it allows nobody anything."""
        return f"{self.force}.{self.reference}.{self.number}"


@value
class Standing:
    """What a decision moves, and an undo puts back. Field by field as in Submission."""

    status: Status
    stage: str
    asked_as: AskedAs
    waiting_for: str
    due_at: datetime | None
    next_at: datetime | None
    reminded: int
    approved_by: Mapping[str, tuple[str, ...]]
    reserved_pence: int
    committed_pence: int
    sitting: int = 1
    published_at: datetime | None = None


@value
class Undo:
    """The last decision, while its maker may still take it back.

    `until` is when the window closes (UTC), `sequence` the decision's timeline entry, `before` how the submission
    stood, and `deliveries` what is held back until then.
    """

    task: int
    until: datetime
    sequence: int
    before: Standing
    deliveries: tuple[str, ...]


@value
class Submission:
    """One submission, without its personal answers.

    `round` counts the executions of its workflow; `revision` counts its changes and is what every change names;
    `version` counts its answers, `sitting` how often a stage was begun. `waiting_for` is a role, `due_at` the deadline
    and `next_at` the next date at which something is to happen (a reminder, or the deadline); all empty once it is
    decided. `approved_by` maps stages to the ids of the people who approved there. `moved_to` is the force it was moved
    to by a change of its answers. `is_unproven`: nobody has shown yet that the submitter's mailbox is
    theirs, so nobody else may read it.
    `link` is the number of the status link that works, `linked_at` when it was made where it is not the first.
    `submitted_at` is when that was shown; until then, when it came in. `paid_pence` has left the fund for it,
    `returned_pence` of that came back. Times are UTC, money is pence.
    """

    reference: str
    form: str
    form_version: int
    force: str
    status: Status
    stage: str
    asked_as: AskedAs
    round: int
    revision: int
    submitted_at: datetime
    changed_at: datetime
    title: str
    answers: Mapping[str, Any]
    amount_pence: int
    claimant_id: str
    waiting_for: str
    due_at: datetime | None
    tasks: int
    approved_by: Mapping[str, tuple[str, ...]]
    chain: Chain
    version: int = 1
    next_at: datetime | None = None
    reminded: int = 0
    reserved_pence: int = 0
    committed_pence: int = 0
    paid_pence: int = 0
    returned_pence: int = 0
    moved_to: str = ""
    undo: Undo | None = None
    is_unproven: bool = False
    link: int = 1
    linked_at: datetime | None = None
    sitting: int = 1
    category: str = ""
    published_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return bool(self.waiting_for)

    @property
    def is_dated(self) -> bool:
        """Whether something is to happen on a date: somebody has to do something, or the mailbox is to be proven."""
        return self.is_open or self.status is Status.UNCONFIRMED

    @property
    def wait(self) -> Wait:
        """What an execution waits for now."""
        return Wait(
            round=self.round,
            stage=self.stage,
            asked_as=self.asked_as,
            version=self.version,
            sitting=self.sitting,
        )

    @property
    def state(self) -> str:
        """The digest of what only an entry of the timeline changes."""
        return fingerprint(
            "submission",
            self.reference,
            self.force,
            self.form,
            self.form_version,
            self.version,
            self.status.value,
            self.stage,
            self.amount_pence,
            [self.reserved_pence, self.committed_pence, self.paid_pence, self.returned_pence],
            self.claimant_id,
            self.moved_to,
            {stage: list(people) for stage, people in self.approved_by.items()},
            *([self.sitting] if self.sitting > 1 else []),  # earlier releases counted none
        )

    @property
    def as_read(self) -> Submission:
        """The submission as it was read: the next entry says in which state it was found."""
        return replace(self, chain=replace(self.chain, state=self.state))

    @property
    def standing(self) -> Standing:
        """How it stands now."""
        return Standing(**{one.name: getattr(self, one.name) for one in fields(Standing)})

    def put_back(self, standing: Standing) -> Submission:
        """The submission as it stood then."""
        return replace(self, **{one.name: getattr(standing, one.name) for one in fields(Standing)})

    def may_undo(self, now: datetime) -> bool:
        """Whether the last decision may still be taken back; until then nobody else is told of it."""
        return self.undo is not None and now < self.undo.until

    def as_told(self, now: datetime) -> Submission:
        """The submission as others may know it: a decision that may still be undone has not happened."""
        return self.put_back(self.undo.before) if self.undo and self.may_undo(now) else self


@value
class Version:
    """Answers that were changed since, as they were: `number` counts from 1, `at` is when they were replaced. `salt`
    is as in Case."""

    number: int
    answers: Mapping[str, Any]
    personal: Mapping[str, Any]
    amount_pence: int
    at: datetime
    salt: str = ""

    @property
    def all_answers(self) -> dict[str, Any]:
        """All answers of this version, personal ones included."""
        return {**self.answers, **self.personal}


@value
class Case:
    """A submission with everything stored beside it. `token` is the workflow's, of the last wait that was kept;
    `token_for` says which, None where an earlier release kept it. `salt` goes with the personal answers; empty where
    an earlier release stored them."""

    submission: Submission
    personal: Mapping[str, Any]
    tasks: tuple[Task, ...] = ()
    entries: tuple[Entry, ...] = ()
    texts: Mapping[int, Text] = field(default_factory=dict)
    token: str = ""
    token_for: TokenFor | None = None
    versions: tuple[Version, ...] = ()
    salt: str = ""

    @property
    def is_waited_for(self) -> bool:
        """Whether the token is of what is waited for now, as far as it is known."""
        if not self.token:
            return False
        return self.token_for is None or self.token_for.wait == self.submission.wait

    @property
    def answers(self) -> dict[str, Any]:
        """All answers, personal ones included, as they were given."""
        return {**self.submission.answers, **self.personal}

    @property
    def is_vouched_for(self) -> bool:
        """Whether a trusted sender vouched for whoever it is from."""
        return any(is_vouched(entry) for entry in self.entries[:1])

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        """The tasks that wait."""
        return tuple(task for task in self.tasks if task.state is TaskState.OPEN)

    @property
    def open_task(self) -> Task | None:
        """The first task that waits, if one does."""
        return next(iter(self.open_tasks), None)

    @property
    def sitting(self) -> tuple[Task, ...]:
        """The tasks of the present sitting that count: waiting or decided."""
        return self.sitting_of(self.submission)

    def sitting_of(self, of: Submission | Task) -> tuple[Task, ...]:
        """The tasks that count, or counted, in the sitting that this task belongs to, or that the submission is in."""
        return tuple(
            task
            for task in self.tasks
            if is_same_sitting(task, of) and task.state in (TaskState.OPEN, TaskState.DECIDED)
        )

    def last_sitting_at(self, stage: str) -> tuple[Task, ...]:
        """The tasks of the last sitting of a stage on the present answers, whatever became of them."""
        at = (stage, self.submission.version)
        sat = [task for task in self.tasks if (task.stage, task.version) == at]
        last = max((task.sitting for task in sat), default=0)
        return tuple(task for task in sat if task.sitting == last)

    @property
    def decisions(self) -> tuple[Entry, ...]:
        """The decisions that stand, in order: those that were undone are left out."""
        undone = {str(entry.details.get("undone")) for entry in self.entries if entry.action == "undone"}
        return tuple(
            entry for entry in self.entries if entry.action == "decided" and str(entry.sequence) not in undone
        )

    def task(self, number: int) -> Task | None:
        """The task of this number."""
        return next((task for task in self.tasks if task.number == number), None)

    def words(self, sequence: int) -> str:
        """What was written with a timeline entry; empty where nothing was, or where it has been removed."""
        text = self.texts.get(sequence)
        return text.words if text else ""

    @property
    def seen(self) -> str:
        """The hash of what an approver is shown: the exact answers and the form version they answer."""
        return self.digest_of(self.submission.answers, self.personal, self.salt)

    def seen_before(self, seen: str) -> Version | None:
        """The earlier version of the answers that has this hash."""
        found = (one for one in self.versions if self.digest_of(one.answers, one.personal, one.salt) == seen)
        return next(found, None)

    def as_told(self, now: datetime) -> Case:
        """The case as its submitter may know it: a decision that may still be undone has not happened."""
        one = self.submission
        if one.undo is None or not one.may_undo(now):
            return self
        known = tuple(entry for entry in self.entries if entry.sequence < one.undo.sequence)
        tasks = tuple(before_decision(task, one.undo.task) for task in self.tasks)
        return replace(self, submission=one.as_told(now), entries=known, tasks=tasks)

    def digest_of(self, answers: Mapping[str, Any], personal: Mapping[str, Any], salt: str) -> str:
        """The digest of these answers to this submission."""
        one = self.submission
        return answers_digest(one.reference, one.form, one.form_version, answers, personal, salt)


def is_same_sitting(task: Task, of: Submission | Task) -> bool:
    """Whether a task is of the same sitting as another, or of the one that a submission is in. Earlier releases did not
    number them, and began each stage once for each version of the answers: there, all have the number 1."""
    return (task.stage, task.version, task.sitting) == (of.stage, of.version, of.sitting)


def is_vouched(entry: Entry) -> bool:
    """Whether this is the entry of a submission that came in vouched for."""
    return entry.action == "submitted" and entry.details.get("proof") == VOUCHED


def before_decision(task: Task, decided: int) -> Task:
    """A task as it was before the decision on the task of this number, which also closes others."""
    if task.number == decided:
        return replace(task, state=TaskState.OPEN, decision="", decided_at=None, seen="")
    if task.state is TaskState.CLOSED and task.ended_by == decided:
        return replace(task, state=TaskState.OPEN, ended_by=0)
    return task
