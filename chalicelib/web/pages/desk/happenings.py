"""What happened, as the timeline on a page shows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.values import value

if TYPE_CHECKING:
    from chalicelib.services.approvals.task_view import EarlierDecision
    from chalicelib.services.records.status_view import HistoryLine


@value
class Happening:
    """One line of it. `changes` pairs the title of a page of the form with what was to be changed there."""

    words: str
    at: datetime
    comment: str = ""
    changes: tuple[tuple[str, str], ...] = ()


def told(history: Iterable[HistoryLine]) -> list[Happening]:
    """The history that a submitter may know."""
    return [
        Happening(words=line.words, at=line.at, comment=line.comment, changes=line.values) for line in history
    ]


def decided(decisions: Iterable[EarlierDecision]) -> list[Happening]:
    """Decisions, with what they asked to be changed."""
    return [
        Happening(
            words=f"The {one.role} {one.done} it",
            at=one.at,
            comment=one.comment,
            changes=(*one.values, *((title, words) for title, words in one.changes if words)),
        )
        for one in decisions
    ]
