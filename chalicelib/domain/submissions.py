"""A submission and all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from chalicelib.domain.answers import fingerprint
from chalicelib.domain.timeline import Chain, Entry, Text


class Status(str, Enum):
    """Where a claim stands."""

    SUBMITTED = "submitted"
    IN_REVIEW = "in-review"
    APPROVED = "approved"
    REJECTED = "rejected"


OPEN = frozenset({Status.SUBMITTED, Status.IN_REVIEW})

STATUS_WORDS = {
    Status.SUBMITTED: "Received",
    Status.IN_REVIEW: "Being decided",
    Status.APPROVED: "Approved",
    Status.REJECTED: "Not approved",
}


class TaskState(str, Enum):
    """A task is decided once, or overtaken by the next person asked."""

    OPEN = "open"
    DECIDED = "decided"
    OVERTAKEN = "overtaken"


class AskedAs(str, Enum):
    """In what turn somebody is asked; the members' order is the order of turns."""

    APPROVER = "approver"
    DEPUTY = "deputy"
    COORDINATORS = "coordinators"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One approver, asked once. `number` counts the submission's tasks; `seen` is the hash of what was decided on."""

    force: str
    reference: str
    number: int
    stage: str
    asked_as: AskedAs
    person_id: str
    role: str
    asked_at: datetime
    due_at: datetime
    state: TaskState = TaskState.OPEN
    decision: str = ""
    decided_at: datetime | None = None
    seen: str = ""

    @property
    def id(self) -> str:
        """What a link names. It says where the task is stored; it allows nobody anything."""
        return f"{self.force}.{self.reference}.{self.number}"


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One submission, without its personal answers.

    `round` counts the executions of its workflow; `revision` counts its changes and is what every change names.
    `waiting_for` is a role, `due_at` the next date; both empty once it is decided. `approved_by` maps stages to
    the ids of the people who approved there. Times are UTC.
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
    answers: Mapping[str, Any]
    amount_pence: int
    claimant_id: str
    waiting_for: str
    due_at: datetime | None
    tasks: int
    approved_by: Mapping[str, str]
    chain: Chain

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to decide."""
        return self.status in OPEN

    @property
    def title(self) -> str:
        """What it is about, in the claimant's words."""
        return str(self.answers.get("event_title", self.reference))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A submission with everything stored beside it. `token` is the workflow's, of the wait that is on."""

    submission: Submission
    personal: Mapping[str, Any]
    tasks: tuple[Task, ...] = ()
    entries: tuple[Entry, ...] = ()
    texts: Mapping[int, Text] = field(default_factory=dict)
    token: str = ""

    @property
    def answers(self) -> dict[str, Any]:
        """All answers, personal ones included, as they were given."""
        return {**self.submission.answers, **self.personal}

    @property
    def open_task(self) -> Task | None:
        """The task that waits, if one does."""
        return next((task for task in self.tasks if task.state is TaskState.OPEN), None)

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
        one = self.submission
        return fingerprint(one.reference, one.form, one.form_version, self.answers)
