"""Mail that came back, or was called unwanted: the coordinators learn of it, since somebody now waits for nobody."""

from __future__ import annotations

import logging
from dataclasses import replace

from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms import Form
from chalicelib.domain.submissions import Case, Task
from chalicelib.services.asking import Asking, coordinator_mails
from chalicelib.services.changes import Change, ChangeSubmission
from chalicelib.services.changing import again_if_overtaken, next_revision, with_entry
from chalicelib.services.ports import Parts

_TO_CLAIMANT = tuple(
    f"mail.{template}."
    for template in (
        "receipt",
        "moved-on",
        "approved",
        "paid",
        "rejected",
        "changes-requested",
        "changes-reminder",
        "amended",
        "withdrawn",
        "lapsed",
    )
)
SET_ASIDE = "set-aside"
"""What came of a mail that could not be sent for hours, and is not tried any more."""

_HAPPENED = {"bounce": "came back", SET_ASIDE: "could not be sent"}
_log = logging.getLogger(__name__)


def came_back(parts: Parts, notification_id: str, *, what: str) -> bool:
    """Note that the mail of this id was not delivered (`bounce`), complained about (`complaint`) or not even sent
    (SET_ASIDE), and have the coordinators see to it. Being told twice is harmless. False where the mail was about no
    submission."""
    reference = parts.outbox.reference_of(notification_id)
    if not reference:
        _log.warning("a mail without a submission came back: %s", what)
        return False
    try:
        force = parts.records.force_of(reference)
    except NotFound:
        return False
    again_if_overtaken(lambda: _note(parts, force, reference, notification_id, what))
    return True


def _note(parts: Parts, force: str, reference: str, notification_id: str, what: str) -> None:
    case = parts.records.of(force).case(reference)
    told = {entry.details.get("mail") for entry in case.entries if entry.action == "undelivered"}
    if notification_id in told:
        return
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    moved, entry = with_entry(
        next_revision(one, now=parts.now()),
        at=parts.now(),
        action="undelivered",
        stage=one.stage,
        details={"mail": notification_id, "what": what},
    )
    parts.records.commit(_changes(parts, replace(case, submission=moved), form, notification_id, what, entry))


def _changes(
    parts: Parts, case: Case, form: Form, notification_id: str, what: str, entry: Change
) -> list[Change]:
    one = case.submission
    task = _waiting_task(case, notification_id)
    # What it ended with must reach them: what was set aside can be tried again.
    is_over = not one.is_open and what != SET_ASIDE
    if is_over or (task is None and not notification_id.startswith(_TO_CLAIMANT)):
        return [ChangeSubmission(submission=one), entry]
    happened = _HAPPENED.get(what, "was reported as unwanted")
    if task is None:
        reason = f"our mail to the person who made the {form.noun} {happened}"
        told = coordinator_mails(parts, case, form, one, reason, is_stuck=False)
        return [ChangeSubmission(submission=one), entry, *told]
    reason = f"our mail to the person who was asked {happened}, so that they may not know of it"
    asking = Asking(parts=parts, case=case, form=form, now=parts.now(), token=case.token)
    one, told = asking.tell_coordinators(one, reason)
    return [ChangeSubmission(submission=one), entry, *told]


def _waiting_task(case: Case, notification_id: str) -> Task | None:
    """The open task that the mail asked somebody to decide."""
    for template in ("mail.asked.", "mail.reminder."):
        if notification_id.startswith(template):
            about = notification_id.removeprefix(template)
            return next(
                (task for task in case.open_tasks if about == task.id or about.startswith(f"{task.id}.")),
                None,
            )
    return None
