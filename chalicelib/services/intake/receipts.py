"""The receipt's mail: when something is stored, and once more when the same is sent again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from chalicelib.domain.delivery import deliveries
from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.answers import total_pence, walk
from chalicelib.domain.forms.form import Form
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.records.submissions import Case, Status
from chalicelib.services.delivery.letters import answers_in_words
from chalicelib.services.ports import Parts
from chalicelib.services.records.lookup import case_of

_TAKEN_BACK = frozenset({Status.WITHDRAWN, Status.LAPSED})
"""What its submitter gave up. Sending the same again is how they begin anew."""


def receipt_mail(
    parts: Parts,
    form: Form,
    *,
    force: str,
    reference: str,
    answers: Mapping[str, Any],
    now: datetime,
    again: str = "",
    link: int = 1,
) -> deliveries.Delivery:
    """The receipt for these answers. `again` tells it from the first one; `link` is the number of the status link."""
    shown = [answer for answer in walk(form, answers) if not answer.personal]
    amount = total_pence(form, answers)
    return deliveries.mail(
        "receipt",
        to=answers[form.email_field],
        about=reference + again,
        reference=reference,
        force=force,
        values={
            "reference": reference,
            "noun": form.noun,
            "form_title": form.title,
            **answers_in_words(form, shown),
            "total": pounds(amount) if form.workflow.fund else "",
            "stage_title": form.workflow.first(amount).title,
            "status_url": parts.links.status(force, reference, link),
        },
        now=now,
    )


def mail_receipt_again(parts: Parts, first: Case, *, now: datetime) -> bool:
    """Mail the first receipt to its address again, once an hour at most. `first` is the submission where it came in.
    False, and nothing is mailed, where it no longer counts: its submitter took it back, or it has been removed."""
    one = first.submission
    try:
        present = _now(parts, first).submission
        if present.status in _TAKEN_BACK:
            return False
    except NotFound:
        return False
    answers = _as_sent(first)
    form = parts.forms.form(one.form, one.form_version)
    if form.email_field not in answers:
        return False
    hour = now.astimezone(timezone.utc).strftime("%Y-%m-%dT%H")
    mail = receipt_mail(
        parts,
        form,
        force=one.force,
        reference=one.reference,
        answers=answers,
        now=now,
        again=f".again.{hour}",
        link=present.link,
    )
    parts.outbox.add(mail)
    return True


def _now(parts: Parts, first: Case) -> Case:
    """The submission where it is now: it may have moved to another force."""
    one = first.submission
    return case_of(parts, one.moved_to, one.reference) if one.moved_to else first


def _as_sent(case: Case) -> Mapping[str, Any]:
    """The answers that came first, whatever was changed since."""
    if case.versions:
        return case.versions[0].all_answers
    return case.answers
