"""Ideas that are published: which are, and when no longer."""

from __future__ import annotations

from chalicelib.domain.records.submissions import Status, Submission

FORM = "idea"
PUBLISHES = "triage"
"""The stage at which an idea is published: whoever approves there says that it may be read by everybody."""


def is_public(one: Submission) -> bool:
    """Whether the idea may be read by everybody: published, and not taken back since.

    Ask it of a submission as it is told (`Case.as_told`): a decision that may still be undone publishes nothing.
    """
    if one.form != FORM or one.moved_to or one.status is Status.WITHDRAWN:
        return False
    return PUBLISHES in one.approved_by
