"""The stages of an approval, as a workflow file says them: who is asked, who must agree, by when, and the choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Any

from chalicelib.domain.people.people import NATIONAL, Holding
from chalicelib.domain.values import value

if TYPE_CHECKING:
    from chalicelib.domain.approvals.outcomes import Outcome
    from chalicelib.domain.forms.form import Question


class AskedAs(str, Enum):
    """Whose turn it is. Within a stage the turns follow each other; `claimant` is the way back, for changes, and
    `later` is nobody's: the stage is put aside, and its approvers are asked when its day comes."""

    APPROVER = "approver"
    DEPUTY = "deputy"
    COORDINATORS = "coordinators"
    CLAIMANT = "claimant"
    LATER = "later"


TURNS = (AskedAs.APPROVER, AskedAs.DEPUTY, AskedAs.COORDINATORS)
"""The turns of a stage, in order."""


@value
class Choice:
    """One of the answers to a task. `done` is it in words once made (`approved`).

    `status` is what a submission that ends by it is then, `passing` what one is that goes on by it;
    `needs_reason` asks for a comment. A choice that nobody is `offered` stands only for want of another. `asks` are
    the values that go with it, and `schema` is what they must be.
    """

    value: str
    label: str
    done: str
    outcome: Outcome
    status: str = ""
    passing: str = ""
    needs_reason: bool = False
    is_offered: bool = True
    asks: tuple[Question, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)


@value
class Asked:
    """A role, held at the submission's force (`at` is `force`) or nationally (`national`)."""

    role: str
    at: str

    def holding(self, force: str) -> Holding:
        """The role where it must be held for a submission of this force."""
        return Holding(role=self.role, at=NATIONAL if self.at == NATIONAL else force)


@value
class Seat:
    """One place at a stage: the role that is asked, and the one that stands in for it."""

    asks: Asked
    deputy: Asked


@value
class Stage:
    """One step of an approval. It applies only to amounts of `from_pence` and more.

    One holder of each seat's role is asked; with `everyone`, all holders of the one seat's role. `quorum` is how
    many must choose alike (None: all who are asked), and `without_quorum` the choice that stands where so many
    no longer can. `reminder_days` are working days before the deadline. `panel` names several seats. With
    `choices_given_at`, only what somebody chose at that stage may be chosen here.
    """

    name: str
    title: str
    seats: tuple[Seat, ...]
    choices: tuple[Choice, ...]
    working_days: int
    deputy_working_days: int
    reminder_days: tuple[int, ...] = ()
    everyone: bool = False
    quorum: int | None = 1
    without_quorum: str = ""
    from_pence: int = 0
    panel: str = ""
    choices_given_at: str = ""

    @property
    def asks_several(self) -> bool:
        """Whether more than one person may have to decide."""
        return self.everyone or len(self.seats) > 1

    @property
    def waits_for(self) -> str:
        """Who decides here, in one word: a role, or the panel."""
        return self.panel or self.seats[0].asks.role

    @property
    def roles(self) -> tuple[Asked, ...]:
        """Every role whose holders may decide here, deputies included."""
        return tuple(dict.fromkeys(asked for seat in self.seats for asked in (seat.asks, seat.deputy)))

    def choice(self, value: object) -> Choice | None:
        """The choice of this value."""
        return next((choice for choice in self.choices if choice.value == value), None)

    @property
    def offered(self) -> tuple[Choice, ...]:
        """The choices that people may make."""
        return tuple(choice for choice in self.choices if choice.is_offered)

    def needed(self, asked: int) -> int:
        """How many of `asked` people must choose alike."""
        return asked if self.quorum is None else self.quorum

    def days(self, turn: AskedAs) -> int:
        """Working days of a turn."""
        return self.working_days if turn is AskedAs.APPROVER else self.deputy_working_days


@value
class Amending:
    """How long a submission waits for its changes, when its submitter is reminded, and which answers, when they
    change, lead back to the first stage."""

    working_days: int
    reminder_days: tuple[int, ...]
    restart_if_changed: tuple[str, ...]


@value
class Workflow:
    """The state machine that runs a form's submissions and the stages it goes through, in order.

    `fund` is where the money comes from, and `reserve_at` the stage that sets it aside; both empty without money.
    Whoever approves at the stage `publishes_at` says that everybody may read the submission; empty where nobody may.
    """

    name: str
    stages: tuple[Stage, ...]
    fund: str
    reserve_at: str
    amending: Amending
    publishes_at: str = ""

    @property
    def may_return(self) -> bool:
        """Whether any stage may send a submission back for changes."""
        return any(choice.outcome.asks_for_changes for stage in self.stages for choice in stage.choices)

    def stage(self, name: str) -> Stage:
        """The stage of this name; KeyError where the form has none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    def first(self, amount_pence: int) -> Stage:
        """The stage that a new submission starts at."""
        return next(stage for stage in self.stages if amount_pence >= stage.from_pence)

    def after(self, name: str, amount_pence: int) -> Stage | None:
        """The stage that follows `name` for this amount, or None where `name` was the last."""
        names = [stage.name for stage in self.stages]
        later = self.stages[names.index(name) + 1 :]
        return next((stage for stage in later if amount_pence >= stage.from_pence), None)

    def choice(self, value: str) -> Choice:
        """A choice of any stage; KeyError where there is none."""
        for stage in self.stages:
            if choice := stage.choice(value):
                return choice
        raise KeyError(value)


def next_turn(turn: AskedAs) -> AskedAs:
    """Who is asked after this turn; after the coordinators, the coordinators again."""
    if turn is AskedAs.LATER:
        return AskedAs.APPROVER
    return TURNS[min(TURNS.index(turn) + 1, len(TURNS) - 1)]
