"""What lists of submissions and of tasks are made of: each line as an index has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Status
from chalicelib.domain.values import value


@value
class Waiting:
    """An open submission, the round that its execution should be in, and whose turn it is."""

    force: str
    reference: str
    round: int
    turn: AskedAs


@value
class Listed:
    """A submission in a list, as an index has it. `turn` says whose turn of the stage it is; `waiting_for` is a role
    and `due_at` the deadline, both empty once it has ended."""

    reference: str
    form: str
    title: str
    force: str
    status: Status
    stage: str
    turn: AskedAs
    waiting_for: str
    due_at: datetime | None
    amount_pence: int
    submitted_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return bool(self.waiting_for)

    @property
    def place(self) -> Place:
        """Where it stands in a list."""
        return Place(submitted_at=self.submitted_at, force=self.force, reference=self.reference)

    def is_overdue(self, now: datetime) -> bool:
        """Whether nobody decided in time: its date has passed, or the coordinators are to see to it."""
        late = self.turn is AskedAs.COORDINATORS or (self.due_at is not None and self.due_at < now)
        return self.is_open and late


@value
class Place:
    """Where a page of a list ended."""

    submitted_at: datetime
    force: str
    reference: str


@value
class AskedTask:
    """A task that waits for somebody, as an index has it."""

    force: str
    reference: str
    number: int
    stage: str
    due_at: datetime

    @property
    def id(self) -> str:
        """As in Task."""
        return f"{self.force}.{self.reference}.{self.number}"


@value
class Published:
    """A submission that everybody may read, as the public list has it. `status` is the one the public may know."""

    reference: str
    title: str
    force: str
    category: str
    status: Status
    submitted_at: datetime

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return Place(submitted_at=self.submitted_at, force=self.force, reference=self.reference)


@value
class Counted:
    """How many ideas each force had published, by its code, when they were counted: at `at` (UTC). The figures are
    good until `good_until`. `is_cut`: there were more than were looked at."""

    by_force: Mapping[str, int]
    at: datetime
    good_until: datetime
    is_cut: bool = False

    @property
    def total(self) -> int:
        """Of all forces."""
        return sum(self.by_force.values())
