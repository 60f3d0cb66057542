"""Claims brought to where a page is worth looking at, for the tests of pages and for those in Chromium."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from website import Website

from chalicelib.domain.people.accounts import claimant_of
from chalicelib.domain.records.submissions import Task, Version
from chalicelib.services.approvals import amending
from chalicelib.services.changes import ChangeSubmission, KeepVersion
from chalicelib.services.intake.submitting import Receipt
from chalicelib.services.people import signing_in
from chalicelib.services.revision import answers_details, next_revision, with_entry

WANTED = {
    "costs": "Two quotes for the hall, please.\nAnd leave the sandwiches out.",
    "the-day": "Is this date right?",
}
COSTS = [{"description": "Main hall, one day", "category": "venue-hire", "amount_pence": 100_000}]


def sent_back(site: Website, changes: dict[str, str] | None = None, **answers: Any) -> Receipt:
    """A claim whose innovation lead asked for changes."""
    receipt = site.submit(**answers)
    site.ask(receipt)
    wanted = WANTED if changes is None else changes
    site.decide(receipt, "request-changes", comment="A good idea, too dear.", changes=wanted)
    return receipt


def amended(site: Website, **answers: Any) -> Receipt:
    """The same, after the claimant has made the changes."""
    receipt = sent_back(site)
    given = {**site.case(receipt).answers, "cost_lines": COSTS, **answers}
    amending.amend(site.parts, "kent", receipt.reference, given, version=1)
    return receipt


def changed_behind(site: Website, receipt: Receipt, **answers: Any) -> None:
    """Other answers are stored, as if somebody had changed them by hand: what was shown is not what is there."""
    case = site.case(receipt)
    before = case.submission
    one = next_revision(before, now=site.parts.now())
    one = replace(one, answers={**one.answers, **answers})
    details = {"version": 2, **answers_details(one, case.personal, case.salt)}
    one, entry = with_entry(one, at=one.changed_at, action="amended", details=details)
    earlier = Version(
        number=before.version,
        answers=before.answers,
        personal=case.personal,
        amount_pence=before.amount_pence,
        at=one.changed_at,
        salt=case.salt,
    )
    kept = KeepVersion(submission=one, version=earlier)
    site.parts.records.commit([ChangeSubmission(submission=one, amended=True), kept, entry])


def task_of(site: Website, path: str) -> Task:
    """The task of a page's path."""
    force, reference, number = path.removeprefix("/tasks/").split(".")
    task = site.parts.records.of(force).case(reference).task(int(number))
    assert task is not None
    return task


def claimant_session(site: Website, receipt: Receipt, force: str = "kent") -> str:
    """The cookie of somebody who typed the claimant's code."""
    return signing_in.open_session(site.parts, claimant_of(force, receipt.reference))
