"""Money that leaves the fund for an approved claim, and what of it comes back: recorded by hand, by a fund holder who
had no part in the claim. Each in one transaction with the claim's next revision, its entry and its ledger line."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.approvals import decisions
from chalicelib.domain.approvals.decisions import needed_words
from chalicelib.domain.errors import Conflict, Forbidden, InvalidAnswers, Overtaken, OwnSubmission, Problem
from chalicelib.domain.forms.form import Form
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.people.people import FINANCE, NATIONAL, Person
from chalicelib.domain.records.submissions import STATUS_WORDS, Case, Status, Submission
from chalicelib.domain.records.timeline import Entry
from chalicelib.services.approvals.whom_to_ask import with_claimant
from chalicelib.services.ports import Parts
from chalicelib.services.records import trail
from chalicelib.services.records.status_view import submission_for
from chalicelib.services.revision import Revision, again_if_overtaken

PAID, RETURNED = "paid", "returned"
MOST_OF_A_REFERENCE = 35

_REFERENCE = re.compile(rf"[A-Z0-9](?:[A-Z0-9 /._-]{{0,{MOST_OF_A_REFERENCE - 2}}}[A-Z0-9])?", re.ASCII)


class ApprovedIt(Forbidden):
    """Whoever approved a claim does not record its payments."""


def pay(parts: Parts, person: Person, reference: str, payment: object) -> None:
    """Record that what is committed was paid, under the reference of the payment, and tell the claimant. The same
    again is harmless.

    Raises InvalidAnswers, the refusals of `tracking.submission_for` and `check_may_record`, and Overtaken where it
    waits for no payment: not approved, or paid under another reference.
    """
    payment = read_payment(payment)
    again_if_overtaken(lambda: _pay(parts, person, reference, payment))


def give_back(
    parts: Parts, person: Person, reference: str, *, amount_pence: int, reason: object, returned_before: int
) -> None:
    """Record that an amount of what was paid came back: it may be promised to others again. `returned_before` is what
    had come back when the form was shown: the same again is harmless, and no two people record one return.

    Raises InvalidAnswers, Conflict where something else came back meanwhile, and otherwise as `pay`.
    """
    words = needed_words("/reason", "why it came back", reason)
    again_if_overtaken(
        lambda: _give_back(parts, person, reference, amount_pence, words, returned_before=returned_before)
    )


def check_may_record(parts: Parts, person: Person, case: Case) -> None:
    """Raise Forbidden for whoever is no fund holder of the national team, OwnSubmission for the claimant, ApprovedIt
    for whoever approved it at any stage."""
    one = case.submission
    if not person.holds(FINANCE, at=NATIONAL):
        raise Forbidden("This takes the fund holder.")
    form = parts.forms.form(one.form, one.form_version)
    if any(person.id in people for people in one.approved_by.values()):
        raise ApprovedIt(
            f"You approved this {form.noun}: another fund holder records what is paid for it, and what comes back."
        )
    _, barred = with_claimant(parts, case)
    if person.id in barred:
        raise OwnSubmission(f"This is your own {form.noun}: somebody else records what is paid for it.")


def may_pay(one: Submission, now: datetime) -> bool:
    """Whether it waits for a payment: approved, and no longer to be undone."""
    return one.committed_pence > 0 and not one.is_open and not one.may_undo(now)


def may_return(one: Submission) -> bool:
    """Whether there is something left that could come back."""
    return one.paid_pence > one.returned_pence


def read_payment(typed: object) -> str:
    """The reference of a payment, tidied. Raises InvalidAnswers."""
    words = " ".join(typed.split()).upper() if isinstance(typed, str) else ""
    if not words:
        raise _invalid("/payment", "required", "Write the reference of the payment")
    if len(words) > MOST_OF_A_REFERENCE:
        raise _invalid("/payment", "maxLength", f"Write {MOST_OF_A_REFERENCE} characters or fewer")
    if not _REFERENCE.fullmatch(words):
        message = "Write it as the bank has it: letters, digits, spaces, and / . _ - between them"
        raise _invalid("/payment", "pattern", message)
    return words


def _pay(parts: Parts, person: Person, reference: str, payment: str) -> None:
    case = submission_for(parts, person, reference)
    one, now = case.submission, parts.now()
    form = parts.forms.form(one.form, one.form_version)
    check_may_record(parts, person, case)
    paid = _last(case, PAID)
    if paid is not None and paid.details.get("payment") == payment:
        return  # somebody pressed twice, or the answer was lost
    if paid is not None:
        raise Overtaken(f"This {form.noun} is paid already, under another reference.")
    if not may_pay(one, now):
        status = STATUS_WORDS[one.as_told(now).status].lower()
        raise Overtaken(f"This {form.noun} waits for no payment ({status}).")
    trail.check_as_written(parts, case)  # what was read while it changed is refused by its revision
    amount = one.committed_pence
    after = replace(
        one,
        status=Status.PAID,
        committed_pence=0,
        paid_pence=one.paid_pence + amount,
        undo=None,
    )
    revision = _revision(parts, case, form, after, note=payment)
    revision.records(PAID, stage=one.stage, by=person.id, role=FINANCE, details={"payment": payment})
    revision.tells([revision.letters(form).paid(pounds(amount), payment)])
    revision.commit()


def _give_back(
    parts: Parts, person: Person, reference: str, amount: int, words: str, *, returned_before: int
) -> None:
    case = submission_for(parts, person, reference)
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    check_may_record(parts, person, case)
    last = _last(case, RETURNED)
    if one.returned_pence != returned_before:
        is_repeat = last is not None and (last.actor, last.details.get("fund-return")) == (person.id, amount)
        if is_repeat and one.returned_pence == returned_before + amount:
            return
        raise Conflict("Something else came back meanwhile. Look at it again, then try once more.")
    left = one.paid_pence - one.returned_pence
    if not left:
        raise Overtaken(f"Nothing of this {form.noun} is paid that has not come back.")
    if type(amount) is not int or not 1 <= amount <= left:
        raise _invalid(
            "/amount", "range", f"The amount must be {pounds(left)} or less, and more than nothing"
        )
    trail.check_as_written(parts, case)  # what was read while it changed is refused by its revision
    after = replace(one, returned_pence=one.returned_pence + amount, undo=None)
    revision = _revision(parts, case, form, after)
    revision.records(RETURNED, stage=one.stage, by=person.id, role=FINANCE, words=words)
    revision.commit()


def _revision(parts: Parts, case: Case, form: Form, after: Submission, *, note: str = "") -> Revision:
    """The claim's next state, and the money that moves with it. `note` stands in the ledger line."""
    now = parts.now()
    movement = decisions.movement(case.submission, decisions.held(after), form.workflow.fund, now=now)
    assert movement is not None  # noqa: S101 - each of the two moves an amount
    revision = Revision(parts, case, now=now)
    revision.becomes(after)
    revision.moves(replace(movement, note=note))
    return revision


def _last(case: Case, action: str) -> Entry | None:
    return next((entry for entry in reversed(case.entries) if entry.action == action), None)


def _invalid(pointer: str, code: str, message: str) -> InvalidAnswers:
    return InvalidAnswers([Problem(pointer=pointer, code=code, message=message)])
