"""What the timeline keeps of those who tried to decide and may not."""

from __future__ import annotations

import logging

from chalicelib.domain.errors import NotAsked, OwnSubmission, Refused
from chalicelib.domain.records.submissions import Case
from chalicelib.services.approvals.task_view import find_task
from chalicelib.services.ports import Parts
from chalicelib.services.revision import Revision, again_if_overtaken

_log = logging.getLogger(__name__)


def note(parts: Parts, person_id: str, task_id: str, refused: Refused) -> None:
    """Who tried to decide and may not, in the timeline; trying the same again on the same day adds nothing. Where
    it cannot be stored, the answer to the person is the same."""

    def attempt() -> None:
        case, task = find_task(parts, task_id)
        details: dict[str, str | int] = {"task": task.number, "reason": _reason(parts, case, refused)}
        now = parts.now()
        tried = [entry for entry in case.entries if (entry.action, entry.actor) == ("refused", person_id)]
        if any(dict(entry.details) == details and entry.at.date() == now.date() for entry in tried):
            return
        revision = Revision(parts, case, now=now)
        revision.records("refused", stage=task.stage, by=person_id, role="visitor", details=details)
        revision.commit()

    try:
        again_if_overtaken(attempt)
    except Refused as failed:
        _log.warning("could not note an attempt on %s: %s", task_id, type(failed).__name__)


def _reason(parts: Parts, case: Case, refused: Refused) -> str:
    """Why somebody was refused, as the timeline has it. All staff of the force read that: where the submitter withheld
    something, it does not say that the submission is this person's own."""
    one = case.submission
    if isinstance(refused, OwnSubmission) and parts.forms.form(one.form, one.form_version).withheld(
        case.answers
    ):
        return NotAsked.__name__
    return type(refused).__name__
