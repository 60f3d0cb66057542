"""Lines of lists, each from an index alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.undo_items import undo_from
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Status
from chalicelib.services.ports import AskedTask, Listed, Published


def listed(row: Any) -> Listed:
    """A submission in a list, from an index alone."""
    return Listed(
        reference=row.reference,
        form=row.form,
        title=row.title or row.reference,
        force=row.force,
        status=Status(row.status),
        stage=row.stage,
        turn=AskedAs(row.asked_as or AskedAs.APPROVER.value),
        waiting_for=row.waiting_for or "",
        due_at=row.deadline or row.due_at,
        amount_pence=row.amount_pence,
        submitted_at=row.listed_at,
    )


def published(row: Any, now: datetime) -> Published | None:
    """A submission in the public list, from the index alone; None where it is public only by a decision that may
    still be undone. The status is the one that the public may know."""
    status = Status(row.status)
    undo = undo_from(row.undo, is_public=True) if row.undo else None
    if undo is not None and now < undo.until:
        if undo.before.published_at is None:
            return None
        status = undo.before.status
    return Published(
        reference=row.reference,
        title=row.title or row.reference,
        force=row.force,
        category=row.category or "",
        status=status,
        submitted_at=row.listed_at,
    )


def asked_task(row: Any) -> AskedTask:
    """An open task of somebody, from an index alone."""
    return AskedTask(
        force=row.force,
        reference=row.reference,
        number=keys.task_number(row.sk),
        stage=row.stage,
        due_at=row.listed_at,
    )
