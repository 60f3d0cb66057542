"""Outcomes: one object for each thing that a choice can do, which knows all that follows from it.

What becomes of the submission, its dates and its money, how votes come to it, which mail its submitter gets, and what
a workflow file may say of it. The state machine is told where the submission stands then, and the ledger what is held
for it: both follow from the next state. Nothing else asks which outcome a choice has
(docs/adr/0034-outcomes-are-objects.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from chalicelib.domain.approvals.deadlines import spoken_day
from chalicelib.domain.approvals.moves import at_stage, closed, going_on, waiting_until
from chalicelib.domain.dates import long_date
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.records.submissions import Status, Submission
from chalicelib.domain.records.timeline import CLAIMANT
from chalicelib.domain.sentences import capital, mid_sentence
from chalicelib.domain.values import value

if TYPE_CHECKING:
    from chalicelib.domain.approvals.deadlines import Calendar
    from chalicelib.domain.forms.form import Form
    from chalicelib.domain.forms.stages import Choice, Stage, Workflow

MOST_DAYS = 180
"""For how long something may be put aside at once."""


@value
class Stood:
    """A choice that stands at a stage. `agreed` are the ids of those who made it, `values` what was asked with it, `at`
    is when others are told of it: their time begins then."""

    stage: Stage
    choice: Choice
    workflow: Workflow
    agreed: tuple[str, ...]
    calendar: Calendar
    at: datetime
    values: Mapping[str, Any]


class Outcome:
    """What a choice does when it stands."""

    word: ClassVar[str]
    """What a workflow file calls it."""

    needs: ClassVar[frozenset[str]] = frozenset()
    """What the file must say of a choice with this outcome."""

    members: ClassVar[frozenset[str]] = frozenset()
    """What else it may say, besides what it may say of every choice."""

    is_enough_alone: ClassVar[bool] = False
    """Whether it stands as soon as one person chooses it, whatever the quorum."""

    asks_for_changes: ClassVar[bool] = False
    """Whether whoever chooses it says what the submitter is to change."""

    goes_on: ClassVar[bool] = False
    """Whether the submission comes nearer to what it asks for."""

    ends: ClassVar[bool] = False
    """Whether it ends the submission, whatever the stage."""

    ended_mail: ClassVar[str] = "approved"
    """The mail to whoever asked for money, where it ends the submission."""

    asks: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """The values that it always asks for, as a workflow file would say them."""

    def wrong_values(self, values: Mapping[str, Any], today: date) -> Iterator[tuple[str, str, str]]:
        """Name, code and message of each value that it cannot do anything with, though it is of the right kind."""
        return iter(())

    def decided(self, one: Submission, stood: Stood) -> Submission:
        """The submission afterwards: status, stage, dates, and the money that is held for it."""
        raise NotImplementedError

    def mail(self, one: Submission, form: Form, choice: Choice) -> tuple[str, dict[str, Any]]:
        """The mail that tells the submitter, and what it needs to say besides who chose, and why; `one` is the
        submission afterwards."""
        following = form.workflow.stage(one.stage).title if one.is_open else ""
        if not form.workflow.fund:
            return "answered", {"done": choice.done, "next_stage": following}
        return ("moved-on" if one.is_open else self.ended_mail), {"next_stage": following}

    def next_step(self, form: Form, one: Submission, stage: Stage, *, with_reason: bool) -> str:
        """What happens next, in the words of the person who decided. `with_reason`: the submitter reads theirs."""
        raise NotImplementedError

    def said(self, workflow: Workflow, stage: Stage, choice: Choice) -> Iterator[str]:
        """What it does, for whoever reads the workflow."""
        raise NotImplementedError


class Advance(Outcome):
    """On to the next stage; after the last one, to an end."""

    word = "advance"
    members = frozenset({"status", "passing"})
    goes_on = True

    def decided(self, one: Submission, stood: Stood) -> Submission:
        """As in Outcome. The stage of `reserve_at` reserves the money, the last one commits it."""
        workflow, stage, choice = stood.workflow, stood.stage, stood.choice
        one = replace(one, approved_by={**one.approved_by, stage.name: stood.agreed})
        if stage.name == workflow.publishes_at:
            one = replace(one, published_at=stood.at)
        following = workflow.after(stage.name, one.amount_pence)
        if following is None:
            committed = one.amount_pence if workflow.fund else 0
            return replace(closed(one, Status(choice.status)), committed_pence=committed)
        if stage.name == workflow.reserve_at:
            one = replace(one, reserved_pence=one.amount_pence)
        status = Status(choice.passing) if choice.passing else going_on(one)
        return replace(at_stage(one, following, stood.calendar, stood.at), status=status)

    def next_step(self, form: Form, one: Submission, stage: Stage, *, with_reason: bool) -> str:
        """As in Outcome."""
        who = form.submitter
        following = form.workflow.after(stage.name, one.amount_pence)
        if following is not None:
            return f"{capital(who)} is told. Next to decide: {mid_sentence(following.title)}."
        committed = " The money is committed." if form.workflow.fund else ""
        return f"The {form.noun} is approved, and {who} is told.{committed}"

    def said(self, workflow: Workflow, stage: Stage, choice: Choice) -> Iterator[str]:
        """As in Outcome."""
        names = [one.name for one in workflow.stages]
        later = workflow.stages[names.index(stage.name) + 1 :]
        ways = [
            f"on to {one.name}" + (f" from {pounds(one.from_pence)}" if one.from_pence else "")
            for one in later[:1]
        ]
        if choice.status and all(one.from_pence for one in later):
            ways.append(f"{'else ' if ways else ''}ends as {choice.status}")
            if workflow.fund:
                ways[-1] += ", which commits the money"
        if choice.passing:
            ways.append(f"meanwhile it is {choice.passing}")
        if stage.name == workflow.reserve_at:
            ways.append("reserves the money")
        yield from ways


class Close(Outcome):
    """To an end. No money stays held."""

    word = "close"
    needs = frozenset({"status"})
    ends = True
    ended_mail = "rejected"

    def decided(self, one: Submission, stood: Stood) -> Submission:
        """As in Outcome."""
        return closed(one, Status(stood.choice.status))

    def next_step(self, form: Form, one: Submission, stage: Stage, *, with_reason: bool) -> str:
        """As in Outcome."""
        told = "told, with your reason" if with_reason else "told"
        return f"{capital(form.submitter)} is {told}. The {form.noun} has ended."

    def said(self, workflow: Workflow, stage: Stage, choice: Choice) -> Iterator[str]:
        """As in Outcome."""
        yield f"ends as {choice.status}" + (", which frees the money" if workflow.fund else "")


class Return(Outcome):
    """Back to the submitter for changes. Whoever cannot decide on what is there is enough alone. What is held for the
    submission stays held."""

    word = "return"
    is_enough_alone = True
    asks_for_changes = True

    def decided(self, one: Submission, stood: Stood) -> Submission:
        """As in Outcome."""
        amending = stood.workflow.amending
        due = stood.calendar.deadline(stood.at, amending.working_days)
        moved = replace(one, status=Status.CHANGES_REQUESTED, asked_as=AskedAs.CLAIMANT, waiting_for=CLAIMANT)
        return waiting_until(moved, due, amending.reminder_days, stood.calendar, stood.at)

    def mail(self, one: Submission, form: Form, choice: Choice) -> tuple[str, dict[str, Any]]:
        """As in Outcome."""
        return "changes-requested", {}

    def next_step(self, form: Form, one: Submission, stage: Stage, *, with_reason: bool) -> str:
        """As in Outcome."""
        who = capital(form.submitter)
        return f"{who} is asked for the changes. You get the {form.noun} back when they have made them."

    def said(self, workflow: Workflow, stage: Stage, choice: Choice) -> Iterator[str]:
        """As in Outcome."""
        yield "back to the submitter for changes"


class Defer(Outcome):
    """Put aside until a day; then the same stage is asked anew, in a new sitting. Whoever cannot decide yet is enough
    alone. The state machine waits for the approvers until then, and the schedule that follows up on dates asks them."""

    word = "defer"
    is_enough_alone = True
    asks = (
        {
            "name": "until",
            "label": "Until which day?",
            "short": "Put aside until",
            "hint": f"A day after today, at most {MOST_DAYS} days from now. Then those who decide are asked again.",
            "widget": "date",
            "schema": {"type": "string", "format": "date"},
        },
    )

    def wrong_values(self, values: Mapping[str, Any], today: date) -> Iterator[tuple[str, str, str]]:
        """As in Outcome."""
        until = date.fromisoformat(values["until"])
        if until <= today:
            yield "until", "minimum", "Put it aside until a day after today"
        elif until > today + timedelta(days=MOST_DAYS):
            last = long_date(today + timedelta(days=MOST_DAYS))
            yield "until", "maximum", f"Put it aside until {last} or earlier"

    def decided(self, one: Submission, stood: Stood) -> Submission:
        """As in Outcome."""
        due = stood.calendar.morning(stood.at, date.fromisoformat(stood.values["until"]))
        moved = at_stage(one, stood.stage, stood.calendar, stood.at)
        return replace(moved, status=one.status, asked_as=AskedAs.LATER, due_at=due, next_at=due)

    def mail(self, one: Submission, form: Form, choice: Choice) -> tuple[str, dict[str, Any]]:
        """As in Outcome."""
        return "deferred", {"until": spoken_day(one.due_at) if one.due_at else ""}

    def next_step(self, form: Form, one: Submission, stage: Stage, *, with_reason: bool) -> str:
        """As in Outcome."""
        until = f" on {spoken_day(one.due_at)}" if one.asked_as is AskedAs.LATER and one.due_at else ""
        return f"{capital(form.submitter)} is told. The same stage is asked again{until}."

    def said(self, workflow: Workflow, stage: Stage, choice: Choice) -> Iterator[str]:
        """As in Outcome."""
        yield "put aside until a day that they name, then this stage is asked again"


OUTCOMES: Mapping[str, Outcome] = {
    outcome.word: outcome for outcome in (Advance(), Close(), Return(), Defer())
}
"""Every outcome, by the word that workflow files use."""
