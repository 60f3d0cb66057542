"""A form that has every widget, alone and in two groups, and answers to it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.forms.form import Form, read_form
from chalicelib.domain.intake.references import new_reference
from tests.builders import drawing

FOLDER = Path(__file__).parent
FILE = FOLDER / "forms" / "everything.v1.json"


def everything_data() -> dict[str, Any]:
    """The form file as JSON, to change as one likes."""
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def read(data: dict[str, Any]) -> Form:
    """The form that this JSON describes."""
    workflow = FOLDER / "workflows" / f"{data['workflow']}.json"
    steps = json.loads(workflow.read_text(encoding="utf-8"))
    return read_form(data, workflow=steps, lists=FormFiles().shared_list)


def everything() -> Form:
    """The form with every widget."""
    return read(everything_data())


def a_request(number: int = 1) -> str:
    """The reference of an earlier request."""
    return new_reference("WRK", drawing(random.Random(number)))


def all_answers(**changes: Any) -> dict[str, Any]:
    """An answer to every question."""
    return {
        "force": "kent",
        "title": "How we share ideas",
        "kind": "workshop",
        "details": "Two rooms.\n\nA ramp, please.",
        "first_day": "2027-03-27",
        "last_day": "2027-03-29",
        "people": 1200,
        "estimate": 123_450,
        "earlier": a_request(),
        "sessions": [
            {
                "day": "2027-03-27",
                "seats": 40,
                "room": "hall",
                "cost": 5000,
                "notes": "Bring a pen.\nAnd paper.",
                "catering": True,
            },
            {"day": "2027-03-28", "seats": 12},
        ],
        "milestones": [
            {
                "target": 75,
                "due": "2027-09-01",
                "team": "Rural crime team",
                "mailbox": "rural@example.police.uk",
                "phone": "01632 960 002",
                "follows": a_request(2),
            }
        ],
        "contact_name": "Zuleika Quartermaine",
        "contact_email": "zuleika@example.police.uk",
        "contact_phone": "01632 960 001",
        "agreed": True,
        "updates": True,
        **changes,
    }


def least_answers(**changes: Any) -> dict[str, Any]:
    """Only the answers that must be given."""
    must = everything_data()["schema"]["required"]
    answers = {name: answer for name, answer in all_answers().items() if name in must}
    return {**answers, "sessions": [{"day": "2027-03-28", "seats": 12}], **changes}


class WithEverything(FormFiles):
    """Our own forms, and the one with every widget."""

    def form(self, form_id: str, version: int | None = None) -> Form:
        return everything() if form_id == "everything" else super().form(form_id, version)

    def all(self) -> list[Form]:
        return [*super().all(), everything()]
