"""A workflow's file, read: its stages, who is asked at each, and the choices with their outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.domain.approvals.outcomes import OUTCOMES
from chalicelib.domain.forms.stages import Amending, Asked, Choice, Seat, Stage, Workflow

if TYPE_CHECKING:
    from chalicelib.domain.forms.form import Question

ReadQuestion = Callable[[Mapping[str, Any]], "Question"]


def read_workflow(
    data: Mapping[str, Any], form: Mapping[str, Any], *, read_question: ReadQuestion
) -> Workflow:
    """The workflow that a workflow's file describes, with the money and the fields that the form's file adds to it."""
    choices = {value: _choice(value, said, read_question) for value, said in data["choices"].items()}
    panels = data.get("panels", {})
    amending = data["amending"]
    return Workflow(
        name=data["name"],
        fund=form.get("fund", ""),
        reserve_at=form.get("reserve_at", ""),
        publishes_at=form.get("publishes", {}).get("at", ""),
        stages=tuple(_stage(stage, choices, panels) for stage in data["stages"]),
        amending=Amending(
            working_days=amending["working_days"],
            reminder_days=tuple(amending["reminder_days"]),
            restart_if_changed=tuple(form["restart_if_changed"]),
        ),
    )


def _choice(value: str, data: Mapping[str, Any], read_question: ReadQuestion) -> Choice:
    outcome = OUTCOMES[data["outcome"]]
    asked = [*outcome.asks, *data.get("asks", ())]
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": [one["name"] for one in asked if not one.get("is_optional")],
        "properties": {one["name"]: one["schema"] for one in asked},
    }
    asks = tuple(read_question(one) for one in asked)
    return Choice(value=value, **{**data, "outcome": outcome, "asks": asks, "schema": schema if asks else {}})


def _stage(data: Mapping[str, Any], choices: Mapping[str, Choice], panels: Mapping[str, Any]) -> Stage:
    asks = data["asks"]
    panel = asks.get("panel", "")
    seats = panels[panel] if panel else [{"asks": asks, "deputy": data["deputy"]}]
    quorum = data.get("quorum", 1)
    return Stage(
        name=data["name"],
        title=data["title"],
        seats=tuple(Seat(asks=_asked(seat["asks"]), deputy=_asked(seat["deputy"])) for seat in seats),
        choices=tuple(choices[value] for value in data["choices"]),
        working_days=data["working_days"],
        deputy_working_days=data["deputy_working_days"],
        reminder_days=tuple(data["reminder_days"]),
        everyone=asks.get("people") == "all",
        quorum=None if quorum == "all" else quorum,
        without_quorum=data.get("without_quorum", ""),
        from_pence=data.get("from_pence", 0),
        panel=panel,
        choices_given_at=data.get("choices_given_at", ""),
    )


def _asked(data: Mapping[str, str]) -> Asked:
    return Asked(role=data["role"], at=data["at"])
