"""What every change of a submission has in common: a timeline entry, and another try where somebody was quicker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.domain.answers import answers_digest, personal_digest
from chalicelib.domain.submissions import Submission
from chalicelib.domain.timeline import GENESIS, SYSTEM, Entry, Text
from chalicelib.services.changes import AddEntry, Change, ChangeRefused, ChangeSubmission

Result = TypeVar("Result")
MAX_TRIES = 5


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


def answers_details(one: Submission, personal: Mapping[str, Any], salt: str) -> dict[str, str]:
    """What an entry says of the answers that are stored with it. The digest of the personal ones stays, so that the
    others can still be checked once those are removed."""
    return {
        "answers": answers_digest(one.reference, one.form, one.form_version, one.answers, personal, salt),
        "personal": personal_digest(personal, salt),
    }


def next_revision(submission: Submission, *, now: datetime) -> Submission:
    """The submission as the next change will store it."""
    return replace(submission, revision=submission.revision + 1, changed_at=now)


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
