"""Claims that are undone, changed, moved, handed on and withdrawn, on either store; and what must hold throughout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.items import held_from
from chalicelib.adapters.dynamodb.tables import BalanceItem, LineItem, ReservationItem, Row
from chalicelib.domain.approvals import decisions
from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.form import Form
from chalicelib.domain.money.fund import Held, Kind
from chalicelib.domain.records import trail
from chalicelib.domain.records.submissions import Submission
from chalicelib.services.approvals import amending, deciding, ending, following_up, reassigning
from chalicelib.services.ports import Parts
from tests import fakes
from tests.builders import Story


class Life(Story):
    """Everything that may happen to a claim, in one line each."""

    def may_undo(self, minutes: int = 10) -> Life:
        """From now on decisions may be undone for so long."""
        self.parts = replace(self.parts, undo_for=timedelta(minutes=minutes))
        return self

    def wait(self, **duration: float) -> None:
        """Let time pass, and deliver what is due then."""
        self.parts.now.pass_by(**duration)  # type: ignore[attr-defined]
        self.deliver()

    def request_changes(self, reference: str, *, force: str = "kent", **changes: str) -> deciding.Outcome:
        """Whoever is asked wants these pages changed: `the_day`, `costs`, `you`."""
        case = self.case(reference, force)
        task = case.open_task
        assert task is not None, "nobody is asked"
        return deciding.decide(
            self.parts,
            task.person_id,
            task.id,
            decision="request-changes",
            comment="Please change this",
            seen=case.seen,
            changes={page.replace("_", "-"): words for page, words in changes.items()},
        )

    def undo(self, reference: str, *, force: str = "kent") -> None:
        """Whoever decided last takes it back."""
        case = self.case(reference, force)
        last = case.task(case.submission.undo.task) if case.submission.undo else None
        assert last is not None, "nothing can be undone"
        deciding.undo(self.parts, last.person_id, last.id)

    def amend(
        self, reference: str, *, force: str = "kent", version: int | None = None, to: str = "", **answers: Any
    ) -> amending.AmendedTo:
        """The claimant sends changes, having been shown the answers of now; `to` another force, where named."""
        case = self.case(reference, force)
        answers = {"force": to or force, **answers}
        shown = case.submission.version if version is None else version
        return amending.amend(self.parts, force, reference, {**case.answers, **answers}, version=shown)

    def withdraw(self, reference: str, *, force: str = "kent") -> None:
        """The claimant does not want it any more."""
        ending.withdraw(self.parts, force, reference, reason="Not this year")

    def hand_on(self, reference: str, to: str, *, by: str = "coordinator-kent") -> None:
        """A coordinator asks somebody else."""
        reassigning.hand_on_submission(self.parts, self.person(by), reference, to)

    def follow_up(self) -> following_up.FollowedUp:
        """The schedule runs."""
        return following_up.follow_up(self.parts)


def at(parts: Parts, moment: datetime) -> Parts:
    """The same parts for somebody whose clock says this moment."""
    return replace(parts, now=lambda: moment)


def asking_all_leads(parts: Parts, *, quorum: int | None) -> Parts:
    """The first stage asks every innovation lead of the force."""

    class Forms:
        def form(self, form_id: str, version: int | None = None) -> Form:
            form = parts.forms.form(form_id, version)
            first, *others = form.workflow.stages
            first = replace(first, everyone=True, quorum=quorum, without_quorum="reject")
            return replace(form, workflow=replace(form.workflow, stages=(first, *others)))

        def __getattr__(self, name: str) -> Any:
            return getattr(parts.forms, name)

    return replace(parts, forms=Forms())


def submissions(parts: Parts, references: Iterable[str]) -> list[Submission]:
    """Each submission, at every force where it is or was."""
    found = []
    for reference in references:
        for force in ("kent", "essex"):
            try:
                found.append(parts.records.of(force).case(reference).submission)
            except NotFound:
                continue
    return found


def check_whole(story: Story, *references: str) -> None:
    """Every timeline verifies, nothing waits without an owner and dates, no task is open that leads nowhere; and
    the money is where the submissions and the ledger say."""
    for one in submissions(story.parts, references):
        case = story.case(one.reference, one.force)
        assert trail.faults_of(case) == []
        assert one.is_open == bool(one.waiting_for) == bool(one.due_at) == bool(one.next_at)
        if one.due_at and one.next_at:
            assert one.next_at <= one.due_at
        assert len(case.open_tasks) <= (1 if one.is_open else 0)
        assert [task.number for task in case.tasks] == list(range(1, one.tasks + 1))
        assert [version.number for version in case.versions] == sorted({v.number for v in case.versions})
    check_money(story.parts, references)


def check_money(parts: Parts, references: Iterable[str]) -> None:
    """The fund, each share, each reservation and each claim are the sum of the ledger's lines."""
    fund = parts.funds.fund("ptf")
    by_force = {force: Held() for force in fund.forces}
    by_claim: dict[str, Held] = {}
    for force, reference, kind, amount in ledger(parts):
        by_force[force] = by_force[force].moved(kind, amount)
        by_claim[reference] = by_claim.get(reference, Held()).moved(kind, amount)
    assert {force: _held(share) for force, share in fund.forces.items()} == by_force
    assert _held(fund.balance) == _total(by_force.values())
    assert min(fund.balance.available, *(share.available for share in fund.forces.values())) >= 0
    assert reservations(parts) == by_claim
    for reference in references:
        ones = submissions(parts, [reference])
        held = _total(decisions.held(one) for one in ones)
        assert held == by_claim.get(reference, Held())
    if not isinstance(parts.records, fakes.MemoryRecords):
        for row in Row.query(keys.fund("ptf"), consistent_read=True):
            assert isinstance(row, BalanceItem)
            assert row.available == row.total - row.reserved - row.committed - row.spent + row.returned


def ledger(parts: Parts) -> list[tuple[str, str, Kind, int]]:
    """Force, reference, movement and pence of every line."""
    if isinstance(parts.records, fakes.MemoryRecords):
        lines = parts.records.store.of_kind("line")
        return [(one.force, one.reference, one.kind, one.amount_pence) for one in lines]
    rows = Row.query(keys.ledger("ptf"), consistent_read=True)
    return [
        (row.force, row.reference, Kind(row.movement), row.amount_pence)
        for row in rows
        if isinstance(row, LineItem)
    ]


def reservations(parts: Parts) -> dict[str, Held]:
    """What is held for each claim that money was ever moved for."""
    if isinstance(parts.records, fakes.MemoryRecords):
        stored = parts.records.store.items
        return {key[2]: held for key, held in stored.items() if key[0] == "reservation"}
    rows = Row.query(keys.ledger("ptf"), consistent_read=True)
    return {row.sk.partition("#")[2]: held_from(row) for row in rows if isinstance(row, ReservationItem)}


def _held(balance: Any) -> Held:
    return Held(
        reserved=balance.reserved,
        committed=balance.committed,
        spent=balance.spent,
        returned=balance.returned,
    )


def _total(all_held: Iterable[Held]) -> Held:
    some = list(all_held)
    return Held(
        reserved=sum(one.reserved for one in some),
        committed=sum(one.committed for one in some),
        spent=sum(one.spent for one in some),
        returned=sum(one.returned for one in some),
    )
