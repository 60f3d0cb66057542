"""The last decision, and how everything stood before it, as a submission's item keeps it while it can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Standing, Status, Undo


def undo_json(undo: Undo) -> dict[str, Any]:
    """What is stored of it."""
    before = asdict(undo.before)
    before = {name: _moment_text(value) for name, value in before.items()}
    return {
        "task": undo.task,
        "until": undo.until.isoformat(),
        "sequence": undo.sequence,
        "before": before,
        "deliveries": list(undo.deliveries),
    }


def undo_from(stored: Mapping[str, Any], *, is_public: bool) -> Undo:
    """What was stored of it. Earlier releases did not store since when it was public: there, what `is_public` now
    was so before the decision, too, where a stage had approved it."""
    before = dict(stored["before"])
    until = datetime.fromisoformat(stored["until"])
    if "published_at" not in before:
        before["published_at"] = stored["until"] if is_public and before["approved_by"] else None
    return Undo(
        task=stored["task"],
        until=until,
        sequence=stored["sequence"],
        deliveries=tuple(stored["deliveries"]),
        before=Standing(
            **{
                **before,
                "status": Status(before["status"]),
                "asked_as": AskedAs(before["asked_as"]),
                "due_at": _moment(before["due_at"]),
                "next_at": _moment(before["next_at"]),
                "published_at": _moment(before["published_at"]),
                "approved_by": people_from(before["approved_by"]),
            }
        ),
    )


def people_from(approved_by: Mapping[str, list[str] | str]) -> dict[str, tuple[str, ...]]:
    """Items of the first release name one person for a stage, not a list."""
    return {
        stage: (people,) if isinstance(people, str) else tuple(people)
        for stage, people in approved_by.items()
    }


def _moment_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
