"""The moves that outcomes are made of: to the beginning of a stage, to another deadline, to an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.forms.stages import AskedAs, Stage
from chalicelib.domain.records.submissions import Status, Submission

if TYPE_CHECKING:
    from chalicelib.domain.approvals.deadlines import Calendar


def going_on(one: Submission) -> Status:
    """In review, for what somebody is to decide; where an earlier choice gave it a status in passing, still that."""
    return Status.IN_REVIEW if one.status in (Status.SUBMITTED, Status.CHANGES_REQUESTED) else one.status


def at_stage(one: Submission, stage: Stage, calendar: Calendar, now: datetime) -> Submission:
    """The submission at the beginning of a stage, its approver still to be asked."""
    due = calendar.deadline(now, stage.working_days)
    moved = replace(
        one,
        status=Status.IN_REVIEW,
        stage=stage.name,
        sitting=one.sitting + 1,
        asked_as=AskedAs.APPROVER,
        waiting_for=stage.waits_for,
    )
    return waiting_until(moved, due, stage.reminder_days, calendar, now)


def waiting_until(
    one: Submission, due: datetime, reminder_days: Sequence[int], calendar: Calendar, now: datetime
) -> Submission:
    """The submission with a new deadline: its reminders are still to come, and are counted anew."""
    next_at = calendar.next_date(due, reminder_days, now)
    return replace(one, due_at=due, next_at=next_at, reminded=0)


def closed(one: Submission, status: Status) -> Submission:
    """The submission at an end, with no money held for it."""
    return replace(
        one,
        status=status,
        waiting_for="",
        due_at=None,
        next_at=None,
        reserved_pence=0,
        committed_pence=0,
    )
