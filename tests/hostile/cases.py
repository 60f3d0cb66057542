"""What the hostile requests are made from: a claim that could be taken, and the ways to send it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

from tests.hostile.wire import request
from tests.whole.visitor import claim

SUBMIT = "/api/v1/forms/funding-claim/submissions"
PAGE = "/forms/funding-claim"
FORM_TYPE = "application/x-www-form-urlencoded"
MARK = "typed-by-nobody-7f3a"
"""Stands in the answers of every refused body: no error may hold it."""


@dataclass(frozen=True)
class Case:
    """A request. `full`: its body is as long as is taken, so that what it costs says something."""

    name: str
    raw: bytes
    full: bool = False


def answers(**changes: object) -> bytes:
    """A claim that could be taken, with what must not come back in an error."""
    typed = {"purpose": f"We try {MARK} out.", "claimant_name": MARK, "venue_name": MARK, **changes}
    return json.dumps(claim(**typed), ensure_ascii=False).encode("utf-8", "surrogatepass")


def posted(body: bytes, **headers: str) -> bytes:
    """The request that submits this body."""
    return request("POST", SUBMIT, body, **headers)


def typed_fields(**changes: str) -> dict[str, str]:
    """A claim as a page sends it."""
    answers = claim()
    line = answers["cost_lines"][0]
    fields = {
        **{name: str(value) for name, value in answers.items() if name not in ("cost_lines", "event_date")},
        **{"event_date-year": "2027", "event_date-month": "3", "event_date-day": "27"},
        **{"cost_lines-0-description": line["description"], "cost_lines-0-category": line["category"]},
        **{"cost_lines-0-amount_pence": "1,200", "declaration": "true", "action": "send"},
    }
    return {**fields, **changes}


def quote_wide(target: str) -> str:
    """Everything that is not ASCII, as percent escapes; everything else as it is."""
    return quote(target, safe="".join(map(chr, range(128))))
