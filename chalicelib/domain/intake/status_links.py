"""For how long a status link works: until its holder has a newer one, and for a while after the end."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.errors import LinkEnded, LinkReplaced
from chalicelib.domain.records.submissions import Case

LASTS = timedelta(days=90)
"""How long a link works after the submission's end, or after it was made, where that is later."""

_ENDING = frozenset({"decided", "withdrawn", "lapsed", "disowned", "paid", "returned"})


def ended_at(case: Case) -> datetime | None:
    """When the submission came to its end: its last decision, payment, withdrawal or lapse. None while somebody has to
    do something about it, or it waits to be paid."""
    one = case.submission
    if one.is_dated or one.committed_pence:
        return None
    return max((entry.at for entry in case.entries if entry.action in _ENDING), default=one.changed_at)


def check_link(case: Case, number: int, *, noun: str, now: datetime) -> None:
    """Raise LinkReplaced where this is not the newest link of the submission, LinkEnded where it is past its time."""
    one = case.submission
    if number != one.link:
        raise LinkReplaced(
            f"A newer link to this {noun} was sent to the address that was given in it. Use the link in that email."
        )
    ended = ended_at(case)
    if ended is not None and now >= max(ended, one.linked_at or ended) + LASTS:
        raise LinkEnded(
            f"This link stopped working 90 days after the {noun} ended. What was sent is still held: "
            "the person who sent it can have a new link."
        )
