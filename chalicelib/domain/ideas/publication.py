"""What is published: which submissions are, and when no longer."""

from __future__ import annotations

from chalicelib.domain.records.submissions import Status, Submission


def is_public(one: Submission) -> bool:
    """Whether everybody may read the submission: published, and not taken back since.

    Ask it of a submission as it is told (`Case.as_told`): a decision that may still be undone publishes nothing.
    """
    return one.published_at is not None and not one.moved_to and one.status is not Status.WITHDRAWN
