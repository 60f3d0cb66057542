"""Taking a submission in: checked whole, then stored in one transaction with all that must follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain import deliveries
from chalicelib.domain.answers import check_answers, fingerprint, total_pence, walk
from chalicelib.domain.errors import InvalidAnswers, KeyReused, Problem, Unavailable
from chalicelib.domain.forms import Form
from chalicelib.domain.money import pounds
from chalicelib.domain.references import new_reference
from chalicelib.domain.stages import AskedAs
from chalicelib.domain.submissions import Status, Submission
from chalicelib.domain.timeline import CLAIMANT, Chain
from chalicelib.services.changes import (
    AddDelivery,
    AddSubmission,
    Change,
    ChangeRefused,
    KeepKey,
    KeyRecord,
    KnownReference,
)
from chalicelib.services.changing import with_entry
from chalicelib.services.letters import cost_rows
from chalicelib.services.ports import Parts

KEY_LIFE = timedelta(hours=24)
_TRIES_FOR_A_REFERENCE = 3


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the submitter gets, once everything is stored. `replayed`: it is the answer to an earlier request."""

    reference: str
    form: str
    form_version: int
    status: Status
    submitted_at: datetime
    status_url: str
    status_token: str
    replayed: bool = False


def submit(parts: Parts, form: Form, answers: Any, *, key: str | None = None) -> Receipt:
    """Accept a submission: exactly one for a key, however often it is sent.

    Raises InvalidAnswers with all problems, KeyReused where the key came with other answers before, Unavailable
    where nothing could be stored for sure (sending it again with the same key is safe).
    """
    tidy = check_answers(form, answers)
    sent = fingerprint(form.id, form.version, tidy)
    now = parts.now()
    for _ in range(_TRIES_FOR_A_REFERENCE):
        submission = _new_submission(parts, form, tidy, now)
        record = _key_record(submission, key, sent, now) if key else None
        try:
            parts.records.commit(_changes(parts, form, submission, tidy, record))
        except ChangeRefused as refused:
            if isinstance(refused.change, KeepKey):
                return _replay(parts, form, key or "", sent)
            if isinstance(refused.change, KnownReference):
                raise InvalidAnswers([unknown_reference(form, refused.change.field)]) from refused
            if not isinstance(refused.change, AddSubmission):
                raise
        else:
            return _receipt(parts, submission)
    raise Unavailable("No reference was free. Nothing was stored; try again.")


def _new_submission(parts: Parts, form: Form, answers: Mapping[str, Any], now: datetime) -> Submission:
    amount = total_pence(answers)
    stage = form.workflow.first(amount)
    due = parts.calendar.deadline(now, stage.working_days)
    reference = new_reference(form.reference_prefix, parts.choose)
    return Submission(
        reference=reference,
        title=form.title_of(answers, reference),
        form=form.id,
        form_version=form.version,
        force=answers["force"],
        status=Status.SUBMITTED,
        stage=stage.name,
        asked_as=AskedAs.APPROVER,
        round=1,
        revision=1,
        submitted_at=now,
        changed_at=now,
        answers={name: value for name, value in answers.items() if name not in form.personal},
        amount_pence=amount,
        claimant_id="",
        waiting_for=stage.waits_for,
        due_at=due,
        next_at=parts.calendar.next_date(due, stage.reminder_days, now),
        tasks=0,
        approved_by={},
        chain=Chain(),
    )


def _changes(
    parts: Parts, form: Form, submission: Submission, answers: Mapping[str, Any], record: KeyRecord | None
) -> list[Change]:
    now = submission.submitted_at
    submission, entry = with_entry(
        submission,
        at=now,
        action="submitted",
        actor=CLAIMANT,
        role=CLAIMANT,
        details={
            "form": f"{form.id}.v{form.version}",
            "amount_pence": submission.amount_pence,
            "answers": fingerprint(submission.reference, form.id, form.version, dict(answers)),
        },
    )
    personal = {name: value for name, value in answers.items() if name in form.personal}
    changes: list[Change] = [
        AddSubmission(submission=submission, personal=personal),
        entry,
        AddDelivery(delivery=deliveries.start(submission, form, parts.calendar, now=now)),
        AddDelivery(delivery=_receipt_mail(parts, form, submission, answers)),
    ]
    if record is not None:
        changes.append(KeepKey(record=record))
    if "innovation_day" in answers:
        changes.append(KnownReference(reference=answers["innovation_day"], field="innovation_day"))
    return changes


def _receipt_mail(
    parts: Parts, form: Form, submission: Submission, answers: Mapping[str, Any]
) -> deliveries.Delivery:
    shown = [answer for answer in walk(form, answers) if not answer.personal and not answer.rows]
    stage = form.workflow.stage(submission.stage)
    return deliveries.mail(
        "receipt",
        to=answers[form.email_field],
        about=submission.reference,
        reference=submission.reference,
        values={
            "reference": submission.reference,
            "noun": form.noun,
            "form_title": form.title,
            "answers": [[answer.heading, answer.value] for answer in shown],
            "costs": cost_rows(form, answers),
            "total": pounds(submission.amount_pence) if form.workflow.fund else "",
            "stage_title": stage.title,
            "status_url": parts.links.status(submission.force, submission.reference),
        },
        now=submission.submitted_at,
    )


def _key_record(submission: Submission, key: str, sent: str, now: datetime) -> KeyRecord:
    return KeyRecord(
        form=submission.form,
        key=key,
        fingerprint=sent,
        force=submission.force,
        reference=submission.reference,
        form_version=submission.form_version,
        submitted_at=now,
        expires_at=now + KEY_LIFE,
    )


def _replay(parts: Parts, form: Form, key: str, sent: str) -> Receipt:
    """The first answer again, for the same answers only: a key that was guessed reads nobody else's receipt."""
    record = parts.records.key(form.id, key, now=parts.now())
    if record is None:
        raise Unavailable("The first request with this key is just being finished. Try again in a moment.")
    if record.fingerprint != sent:
        raise KeyReused
    return Receipt(
        reference=record.reference,
        form=record.form,
        form_version=record.form_version,
        status=Status.SUBMITTED,
        submitted_at=record.submitted_at,
        status_url=parts.links.status(record.force, record.reference),
        status_token=parts.links.status_token(record.force, record.reference),
        replayed=True,
    )


def _receipt(parts: Parts, submission: Submission) -> Receipt:
    return Receipt(
        reference=submission.reference,
        form=submission.form,
        form_version=submission.form_version,
        status=submission.status,
        submitted_at=submission.submitted_at,
        status_url=parts.links.status(submission.force, submission.reference),
        status_token=parts.links.status_token(submission.force, submission.reference),
    )


def unknown_reference(form: Form, field: str) -> Problem:
    """The problem of an answer that names a submission which is not there."""
    question = form.question(field)
    message = question.errors.get("unknown-reference") if question else None
    return Problem(
        pointer=f"/{field}",
        code="unknown-reference",
        message=message or "There is nothing with this reference",
    )
