"""A submission changes through a `Revision`, and in no other way.

    revision = Revision(parts, case, now=now)
    revision.becomes(ended.submission)        # status, stage, dates
    revision.moves(ended.movement)            # money
    revision.records("withdrawn", by=CLAIMANT, role=CLAIMANT)
    revision.tells([revision.letters(form).ended("withdrawn")])
    revision.tells_workflow(form)
    revision.commit()

`commit` stores everything in one transaction, or nothing. Before it does, it raises Forgotten where a part is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.domain.approvals import decisions
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.forms.answers import answers_digest, personal_digest
from chalicelib.domain.forms.form import Form
from chalicelib.domain.money.fund import Held, Movement
from chalicelib.domain.records.submissions import Case, Submission, Task, Undo
from chalicelib.domain.records.timeline import GENESIS, SYSTEM, Entry, Text
from chalicelib.domain.records.waits import Wait
from chalicelib.services.changes import (
    AMENDED,
    CONFIRMED,
    FIXED,
    AddDelivery,
    AddEntry,
    AddSubmission,
    Change,
    ChangeRefused,
    ChangeSubmission,
    KeepToken,
    MoveMoney,
    MoveSubmission,
)
from chalicelib.services.delivery.letters import Letters
from chalicelib.services.ports import Parts

Result = TypeVar("Result")
MAX_TRIES = 5


class Forgotten(AssertionError):
    """A fault in our code: a revision was about to be stored without something that belongs to it."""


class EntryForgotten(Forgotten):
    """The submission stands somewhere else now, and no timeline entry says so."""


class MoneyForgotten(Forgotten):
    """The fund holds money for the submission, or is to, and nobody said what becomes of it."""


class WorkflowForgotten(Forgotten):
    """The status changes and the workflow that waits is not told, or somebody is to decide and none is started."""


class MailForgotten(Forgotten):
    """The status changes, and nobody said who is told."""


class Revision:
    """One change of a submission, from how it was read (`case`) to how it will be stored (`submission`).

    `case.token` is of the workflow that waits, if one does.
    """

    def __init__(self, parts: Parts, case: Case, *, now: datetime) -> None:
        self.parts = parts
        self.case = case
        self.now = now
        self.before = case.submission
        self._one = self._first()
        self._entries: list[AddEntry] = []
        self._beside: list[Change] = []
        self._told: list[Delivery] = []
        self._movement: Movement | None = None
        self._leaves_held: Held | None = None
        self._is_workflow_told = False
        self._are_people_told = False

    @property
    def submission(self) -> Submission:
        """The submission as it will be stored, as far as the revision has come."""
        return self._one

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The timeline entries that it adds."""
        return tuple(added.entry for added in self._entries)

    def letters(self, form: Form) -> Letters:
        """The mails about the submission as it will be stored."""
        return Letters(parts=self.parts, case=self.case, form=form, one=self._one)

    def becomes(self, state: Submission) -> None:
        """The submission's next state. Its revision number, the time of the change and the timeline are ours."""
        kept = self._one
        self._one = replace(state, revision=kept.revision, changed_at=kept.changed_at, chain=kept.chain)

    def records(
        self,
        action: str,
        *,
        by: str = SYSTEM,
        role: str = SYSTEM,
        stage: str = "",
        details: Mapping[str, str | int] | None = None,
        words: str = "",
        sections: Mapping[str, str] | None = None,
    ) -> None:
        """Add a timeline entry. `by` is a person's id, `claimant` or `system`; `words` and `sections` (by page) are
        what the person wrote. The details say what money moves, where `moves` comes before this."""
        money = self._movement.details if self._movement else {}
        self._one, entry = with_entry(
            self._one,
            at=self.now,
            action=action,
            stage=stage,
            actor=by,
            role=role,
            details={**(details or {}), **money},
            words=words,
            parts=sections,
            salt=self.parts.new_secret() if words or sections else "",
        )
        self._entries.append(entry)

    def moves(self, movement: Movement | None) -> None:
        """The ledger line that goes with the next state; None where the same money is held as before."""
        self._movement = movement
        self._leaves_held = movement.after if movement else decisions.held(self.before)

    def moves_nothing(self) -> None:
        """The fund goes on holding what it holds for the submission."""
        self.moves(None)

    def mends_ledger(self, movement: Movement) -> None:
        """A ledger line that makes the fund hold what the submission says. The submission's own sums stay."""
        self._movement = movement
        self._leaves_held = decisions.held(self.before)

    def tells(self, mails: Iterable[Delivery]) -> None:
        """Mail that goes out with the change."""
        self._told += mails
        self._are_people_told = True

    def tells_nobody(self) -> None:
        """The status changes without a mail."""
        self._are_people_told = True

    def tells_workflow(self, form: Form, *, as_of: datetime | None = None) -> None:
        """Answer the workflow that waits, if one does, with where the submission stands. Its times to wait begin at
        `as_of`, or else now."""
        output = deliveries.pointer(self._one, form, self.parts.calendar, now=as_of or self.now)
        self._answers(output)

    def ends_workflow(self) -> None:
        """Answer the workflow that waits, if one does, that its round is over."""
        one = self.before
        self._answers(deliveries.superseded(one.force, one.reference, one.round))

    def _answers(self, output: Mapping[str, Any]) -> None:
        self._is_workflow_told = True
        if self.case.token:
            self._told.append(deliveries.answer(self._one, self.case.token, output, now=self.now))

    def starts_workflow(self, form: Form) -> None:
        """Start a workflow for the round that the submission is in."""
        self._is_workflow_told = True
        self._told.append(deliveries.start(self._one, form, self.parts.calendar, now=self.now))

    def keeps_token(self, *, wait: Wait | None = None) -> None:
        """Keep the token of the workflow that waits. `wait` is what it waits for, where that is not what the
        submission says now."""
        self._is_workflow_told = True
        self._beside.append(KeepToken(submission=self._one, token=self.case.token, wait=wait))

    def leaves_workflow_waiting(self) -> None:
        """The workflow goes on waiting for the answer that it waits for."""
        self._is_workflow_told = True

    def may_be_undone(self, task: Task, *, until: datetime) -> None:
        """What was told so far goes out at `until` (UTC), so that the decision on this task can be undone before."""
        sequence = self.before.chain.length
        self._holds_back(
            Undo(task=task.number, until=until, sequence=sequence, before=self.before.standing, deliveries=())
        )

    def waits_for_undo(self, undo: Undo) -> None:
        """What was told so far goes out with a decision that can still be undone, and is undone with it."""
        self._holds_back(undo)

    def _holds_back(self, undo: Undo) -> None:
        self._told = [deliveries.held(delivery, until=undo.until) for delivery in self._told]
        ids = tuple(delivery.id for delivery in self._told)
        self._one = replace(self._one, undo=replace(undo, deliveries=(*undo.deliveries, *ids)))

    def adds(self, changes: Iterable[Change]) -> None:
        """What is stored beside the submission: tasks, personal answers, versions, what must still be true."""
        self._beside += changes

    def commit(self) -> None:
        """Store it. Raises ChangeRefused, which names the change, where something is no longer as it was read; and
        Forgotten."""
        commit(self.parts, self)

    def all_changes(self) -> list[Change]:
        """Everything that is to be stored. Raises Forgotten where a part is missing."""
        self._check()
        money = [MoveMoney(movement=self._movement)] if self._movement else []
        told = [AddDelivery(delivery=delivery) for delivery in self._told]
        return [self._stored(), *self._entries, *self._beside, *told, *money]

    def _first(self) -> Submission:
        return next_revision(self.before, now=self.now)

    def _stored(self) -> Change:
        return ChangeSubmission(
            submission=self._one, amended=self._differs(AMENDED), confirmed=self._differs(CONFIRMED)
        )

    def _differs(self, names: Iterable[str]) -> bool:
        return any(getattr(self.before, name) != getattr(self._one, name) for name in names)

    def _check(self) -> None:
        before, after = self.before, self._one
        if self._differs(FIXED):
            raise Forgotten("a submission's reference, form and force stay: store it as a MovedSubmission")
        if after.chain.state and after.chain.state != after.state:
            raise EntryForgotten(f"{after.reference}: no timeline entry says what changed")
        self._check_money(before, after)
        if before.status is after.status:
            return
        is_concerned = self.case.token if before.is_open else after.is_open
        if is_concerned and not self._is_workflow_told:
            raise WorkflowForgotten(f"{after.reference}: the workflow is not told")
        if not self._are_people_told:
            raise MailForgotten(f"{after.reference}: tell somebody, or say tells_nobody()")

    def _check_money(self, before: Submission, after: Submission) -> None:
        held = decisions.held(after)
        is_held = held.reserved or held.committed or held != decisions.held(before)
        if is_held and before.state != after.state and self._leaves_held is None:
            raise MoneyForgotten(f"{after.reference}: say moves(…) or moves_nothing()")
        if self._leaves_held is not None and self._leaves_held != held:
            raise MoneyForgotten(f"{after.reference}: the money that moves is not what the new state says")


class _First(Revision):
    """The first revision in a partition."""

    def _first(self) -> Submission:
        return self.before

    def _check(self) -> None:
        one = self._one
        if not self._entries:
            raise EntryForgotten(f"{one.reference}: a timeline begins with an entry")
        if decisions.held(one) != Held():
            raise MoneyForgotten(f"{one.reference}: no money is held from the beginning")
        if one.is_open and not self._is_workflow_told:
            raise WorkflowForgotten(f"{one.reference}: no workflow is started")


class NewSubmission(_First):
    """The first revision of a submission. `personal` are its personal answers, with the salt of their digest."""

    def __init__(self, parts: Parts, one: Submission, personal: Mapping[str, Any], salt: str) -> None:
        super().__init__(parts, Case(submission=one, personal=personal, salt=salt), now=one.submitted_at)

    def _stored(self) -> Change:
        return AddSubmission(submission=self._one, personal=self.case.personal, salt=self.case.salt)


class MovedSubmission(_First):
    """A submission at the force to which it moves, under the same reference, with a timeline of its own."""

    def __init__(self, parts: Parts, one: Submission, *, was_at: str) -> None:
        super().__init__(parts, Case(submission=one, personal={}), now=one.changed_at)
        self._was_at = was_at

    def _stored(self) -> Change:
        return MoveSubmission(submission=self._one, was_at=self._was_at)


def commit(parts: Parts, *revisions: Revision, beside: Iterable[Change] = ()) -> None:
    """Store revisions of several submissions, and what goes with them, in one transaction. Raises as
    `Revision.commit`."""
    changes = [change for revision in revisions for change in revision.all_changes()]
    parts.records.commit([*beside, *changes])


def with_entry(
    submission: Submission,
    *,
    at: datetime,
    action: str,
    stage: str = "",
    actor: str = SYSTEM,
    role: str = SYSTEM,
    details: Mapping[str, str | int] | None = None,
    words: str = "",
    parts: Mapping[str, str] | None = None,
    salt: str = "",
) -> tuple[Submission, AddEntry]:
    """The submission with its chain moved on, and the entry to be stored beside it."""
    written = words or parts
    text = (
        Text(sequence=submission.chain.length, words=words, salt=salt, parts=parts or {}) if written else None
    )
    entry = Entry(
        sequence=submission.chain.length,
        at=at,
        actor=actor,
        role=role,
        action=action,
        stage=stage,
        details=details or {},
        previous=GENESIS,
    )
    chain, sealed = submission.chain.append(entry, text, state=submission.state)
    moved = replace(submission, chain=chain)
    return moved, AddEntry(submission=moved, entry=sealed, text=text)


def next_revision(submission: Submission, *, now: datetime) -> Submission:
    """The submission as the next change will store it."""
    return replace(submission, revision=submission.revision + 1, changed_at=now)


def answers_details(one: Submission, personal: Mapping[str, Any], salt: str) -> dict[str, str]:
    """What an entry says of the answers that are stored with it. The digest of the personal ones stays, so that the
    others can still be checked once those are removed."""
    return {
        "answers": answers_digest(one.reference, one.form, one.form_version, one.answers, personal, salt),
        "personal": personal_digest(personal, salt),
    }


def again_if_overtaken(attempt: Callable[[], Result]) -> Result:
    """Run `attempt`, which reads and commits; anew where somebody changed the submission in between.

    Only a submission's revision is worth another look: every other refusal is an answer.
    """
    for _ in range(MAX_TRIES - 1):
        try:
            return attempt()
        except ChangeRefused as refused:
            if not is_overtaken(refused.change):
                raise
    return attempt()


def is_overtaken(change: Change) -> bool:
    """Whether the change was refused because the submission had moved on."""
    return isinstance(change, (ChangeSubmission, AddEntry))
