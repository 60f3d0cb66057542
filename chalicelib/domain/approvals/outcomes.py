"""Outcomes: one object for each thing that a choice can do, which knows all that follows from it.

What becomes of the submission, its dates and its money, how votes come to it, which mail its submitter gets, and what
a workflow file may say of it. The state machine is told where the submission stands then, and the ledger what is held
for it: both follow from the next state. Nothing else asks which outcome a choice has
(docs/adr/0034-outcomes-are-objects.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from chalicelib.domain.approvals.moves import at_stage, closed, going_on, waiting_until
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

    def decided(self, one: Submission, stood: Stood) -> Submission:
        """The submission afterwards: status, stage, dates, and the money that is held for it."""
        raise NotImplementedError

    def mail(self, one: Submission, form: Form) -> str:
        """The mail that tells the submitter; `one` is the submission afterwards."""
        if not form.workflow.fund:
            return "answered"
        return {Status.APPROVED: "approved", Status.REJECTED: "rejected"}.get(one.status, "moved-on")

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

    def mail(self, one: Submission, form: Form) -> str:
        """As in Outcome."""
        return "changes-requested"

    def next_step(self, form: Form, one: Submission, stage: Stage, *, with_reason: bool) -> str:
        """As in Outcome."""
        who = capital(form.submitter)
        return f"{who} is asked for the changes. You get the {form.noun} back when they have made them."

    def said(self, workflow: Workflow, stage: Stage, choice: Choice) -> Iterator[str]:
        """As in Outcome."""
        yield "back to the submitter for changes"


OUTCOMES: Mapping[str, Outcome] = {outcome.word: outcome for outcome in (Advance(), Close(), Return())}
"""Every outcome, by the word that workflow files use."""
