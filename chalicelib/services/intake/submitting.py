"""Taking a submission in: checked whole, then stored in one transaction with all that must follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from chalicelib.domain.errors import (
    InvalidAnswers,
    KeyReused,
    LikelyDuplicate,
    NotFound,
    Problem,
    StillRunning,
    TooMany,
    Unavailable,
)
from chalicelib.domain.forms.answers import check_answers, fingerprint, total_pence
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.intake.references import new_reference
from chalicelib.domain.people import pairs
from chalicelib.domain.people.people import normalised
from chalicelib.domain.records.submissions import VOUCHED, Status, Submission
from chalicelib.domain.records.timeline import CLAIMANT, Chain
from chalicelib.domain.values import value
from chalicelib.services.changes import (
    AddDelivery,
    AddSubmission,
    Change,
    ChangeRefused,
    ContentRecord,
    CountMailbox,
    KeepContent,
    KeepKey,
    KeepPair,
    KeyRecord,
    KnownReference,
)
from chalicelib.services.intake import receipts, unconfirmed
from chalicelib.services.ports import Parts
from chalicelib.services.revision import NewSubmission, answers_details, commit

KEY_LIFE = timedelta(hours=24)
DUPLICATE_LIFE = timedelta(days=7)
_TRIES = 8
NONE, MAILBOX = "none", "mailbox"
"""What shows where a submission comes from when it comes in, besides VOUCHED."""


@value
class Receipt:
    """What the submitter gets, once everything is stored. `confirm_url` is where a program sends the mailed code; empty
    where none is needed. `mailbox` and `name` are for the browser that sent it (browsers.Sent). `replayed`: it is the
    answer to an earlier request."""

    reference: str
    form: str
    form_version: int
    status: Status
    submitted_at: datetime
    status_url: str
    status_token: str
    confirm_url: str
    mailbox: str
    name: str
    replayed: bool = False


def submit(
    parts: Parts,
    form: Form,
    answers: Any,
    *,
    key: str | None = None,
    duplicate_ok: bool = False,
    proved: Sequence[str] = (),
    vouched: bool = False,
) -> Receipt:
    """Accept a submission: exactly one for a key, however often it is sent; and one for a content and the address it
    comes from, within a week, unless a duplicate is `duplicate_ok`.

    Whoever sends has `proved` these mailboxes; or somebody we trust has `vouched` for them, which is enough where no
    money is asked for. Otherwise it waits, unconfirmed, for the code that is mailed.

    Raises InvalidAnswers with all problems, KeyReused where the key came with other answers before, StillRunning
    where its first request is not stored yet, LikelyDuplicate where the same was sent before (its receipt is mailed
    again, or its code), TooMany where the mailbox has sent its share, Unavailable where nothing could be stored for
    sure (sending it again with the same key is safe).
    """
    tidy = check_answers(form, answers, more_domains=parts.limits.more_domains)
    now = parts.now()
    given_up = ""
    proof, is_full = _proof(form, tidy, proved, vouched), False
    for _ in range(_TRIES):
        revision = _new_submission(parts, form, tidy, now)
        if proof == NONE:
            try:
                unconfirmed.ask_for_code(revision, form, tidy[form.email_field], is_full=is_full)
            except TooMany:
                if (earlier := _sent_already(parts, form, tidy, key, now, duplicate_ok)) is not None:
                    return earlier
                raise
        else:
            _start_at_once(revision, form, tidy)
        _record(revision, form, proof)
        submission = revision.submission
        before = _sent_before(submission, form, tidy, key, given_up=given_up, duplicate_ok=duplicate_ok)
        try:
            commit(parts, revision, beside=before)
        except ChangeRefused as refused:
            change = refused.change
            if isinstance(change, KeepKey):
                return _replay(parts, form, change.record, tidy)
            if isinstance(change, KeepContent):
                given_up = _given_up(parts, form, change.record.digest, now)
            elif isinstance(change, KnownReference):
                raise InvalidAnswers([unknown_reference(form, change.field)]) from refused
            elif isinstance(change, CountMailbox):
                raise unconfirmed.too_many(_next_hour(now) - now) from refused
            elif unconfirmed.is_cap_reached(change):
                is_full = True
            elif not isinstance(change, (AddSubmission, KeepPair, AddDelivery)):
                raise  # a mail of the pair is there where somebody else has just had it mailed
        else:
            return _receipt(parts, form, submission, tidy)
    raise Unavailable("Too many people are trying this at once. Nothing was stored; try again.")


def _proof(form: Form, answers: Mapping[str, Any], proved: Sequence[str], vouched: bool) -> str:
    if pairs.mailbox_of(answers[form.email_field]) in proved:
        return MAILBOX
    return VOUCHED if vouched and not form.workflow.fund else NONE


def _sent_before(
    submission: Submission,
    form: Form,
    answers: Mapping[str, Any],
    key: str | None,
    *,
    given_up: str,
    duplicate_ok: bool,
) -> list[Change]:
    """What tells a repeat, by its key and by its content. `given_up` is a submission that need not be minded."""
    content = ContentRecord(
        digest=_content_digest(form, answers),
        force=submission.force,
        reference=submission.reference,
        submitted_at=submission.submitted_at,
        expires_at=submission.submitted_at + DUPLICATE_LIFE,
    )
    found: list[Change] = [KeepContent(record=content, in_place_of=given_up, anyway=duplicate_ok)]
    if key:
        sent = fingerprint(form.id, form.version, dict(answers))
        found.insert(0, KeepKey(record=_key_record(submission, key, sent)))
    return found


def _content_digest(form: Form, answers: Mapping[str, Any]) -> str:
    """Stands for a form, a mailbox, and all that was answered besides the address. It names nobody."""
    content = {name: value for name, value in answers.items() if name != form.email_field}
    return fingerprint("content", form.id, normalised(answers[form.email_field]), content)


def _sent_already(
    parts: Parts, form: Form, answers: Mapping[str, Any], key: str | None, now: datetime, duplicate_ok: bool
) -> Receipt | None:
    """The first answer to a repeat, or LikelyDuplicate, also where the mailbox has sent its share."""
    if key and (record := parts.records.key(form.id, key, now=now)) is not None:
        return _replay(parts, form, record, answers)
    if not duplicate_ok:
        _given_up(parts, form, _content_digest(form, answers), now)
    return None


def _given_up(parts: Parts, form: Form, digest: str, now: datetime) -> str:
    """The reference of the submission with this content, where it no longer counts; empty where there is none any
    more. Raises LikelyDuplicate for one that counts, once its receipt is on its way."""
    record = parts.records.content(digest, now=now)
    if record is None:
        return ""
    try:
        case = parts.records.of(record.force).case(record.reference)
    except NotFound:
        return record.reference
    if case.submission.status is Status.UNCONFIRMED:
        unconfirmed.ask_again(parts, record.force, record.reference, seen=case)
        mailed = "the code that confirms it is in our newest email to the address"
    elif receipts.mail_receipt_again(parts, case, now=now):
        mailed = "we mailed its receipt to the address again"
    else:
        return record.reference
    raise LikelyDuplicate(
        f"This {form.noun} came from this address within the last {DUPLICATE_LIFE.days} days, with the same "
        f"answers. Nothing was stored; {mailed}. To send a second one all the "
        "same, add ?duplicate_ok=true."
    )


def _hour(now: datetime) -> datetime:
    return now.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)


def _next_hour(now: datetime) -> datetime:
    return _hour(now) + timedelta(hours=1)


def _new_submission(parts: Parts, form: Form, answers: Mapping[str, Any], now: datetime) -> NewSubmission:
    amount = total_pence(form, answers)
    stage = form.workflow.first(amount)
    due = parts.calendar.deadline(now, stage.working_days)
    reference = new_reference(form.reference_prefix, parts.draw)
    one = Submission(
        reference=reference,
        title=form.title_of(answers, reference),
        category=form.filed_under(answers),
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
    personal = {name: value for name, value in answers.items() if name in form.personal}
    return NewSubmission(parts, one, personal, parts.new_secret())


def _record(revision: NewSubmission, form: Form, proof: str) -> None:
    one, case = revision.submission, revision.case
    details: dict[str, str | int] = {
        "form": f"{form.id}.v{form.version}",
        "amount_pence": one.amount_pence,
        **answers_details(one, case.personal, case.salt),
    }
    if proof != MAILBOX:
        details["proof"] = proof
    revision.records("submitted", by=CLAIMANT, role=CLAIMANT, details=details)
    revision.adds(known_references(form, one))


def known_references(form: Form, one: Submission) -> list[KnownReference]:
    """What must be true of references that are answers: a submission is stored under each."""
    named = [name for name in form.stored_references if name in one.answers]
    return [KnownReference(reference=one.answers[name], field=name) for name in named]


def _start_at_once(revision: NewSubmission, form: Form, answers: Mapping[str, Any]) -> None:
    """What follows where no code is needed: the workflow starts and the receipt goes."""
    parts, one, now = revision.parts, revision.submission, revision.now
    receipt = receipts.receipt_mail(
        parts, form, force=one.force, reference=one.reference, answers=answers, now=now
    )
    revision.starts_workflow(form)
    revision.tells([receipt])
    if parts.limits.mailbox_an_hour:
        mailbox = fingerprint("mailbox", normalised(answers[form.email_field]))
        limit = parts.limits.mailbox_an_hour
        revision.adds([CountMailbox(mailbox=mailbox, hour=_hour(now), limit=limit)])


def _key_record(submission: Submission, key: str, sent: str) -> KeyRecord:
    return KeyRecord(
        form=submission.form,
        key=key,
        fingerprint=sent,
        force=submission.force,
        reference=submission.reference,
        form_version=submission.form_version,
        submitted_at=submission.submitted_at,
        expires_at=submission.submitted_at + KEY_LIFE,
        status=submission.status,
    )


def _replay(parts: Parts, form: Form, asked: KeyRecord, answers: Mapping[str, Any]) -> Receipt:
    """The first answer again, for the same answers only: a key that was guessed reads nobody else's receipt."""
    record = parts.records.key(asked.form, asked.key, now=asked.submitted_at)
    if record is None:
        raise StillRunning(
            "The first request with this key is just being stored. Send the same again in a moment."
        )
    # The same answers are the same, also where a newer version of the form has come meanwhile.
    if record.fingerprint != fingerprint(form.id, record.form_version, dict(answers)):
        raise KeyReused
    return _receipt(parts, form, record, answers, replayed=True)


def _receipt(
    parts: Parts,
    form: Form,
    of: Submission | KeyRecord,
    answers: Mapping[str, Any],
    *,
    replayed: bool = False,
) -> Receipt:
    token = parts.links.status_token(of.force, of.reference)
    is_unconfirmed = of.status is Status.UNCONFIRMED
    return Receipt(
        reference=of.reference,
        form=of.form,
        form_version=of.form_version,
        status=of.status,
        submitted_at=of.submitted_at,
        status_url=parts.links.status(of.force, of.reference),
        status_token=token,
        confirm_url=parts.links.page(f"/api/v1/status/{token}/confirm") if is_unconfirmed else "",
        mailbox=pairs.mailbox_of(answers[form.email_field]),
        name=pairs.submission_name(of.force, of.reference),
        replayed=replayed,
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
