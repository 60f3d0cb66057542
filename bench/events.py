"""What asks the app in the benchmarks that run its own handlers: the stream, the state machine, somebody signed in."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.people.accounts import new_session, session_secret
from chalicelib.services.ports import Parts
from chalicelib.web.http.cookies import session_cookie


def stream(delivery: str) -> dict[str, Any]:
    """One new outbox item, as the stream brings it."""
    change = {"NewImage": {"delivery": {"S": delivery}}, "SequenceNumber": "1"}
    return {"Records": [{"eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}]}


def step(reference: str, stage: str) -> dict[str, Any]:
    """What the state machine says when it asks the approver of a claim of Kent's."""
    where = {"force": "kent", "reference": reference, "round": 1, "stage": stage}
    return {"payload_version": 2, **where, "asked": "approver", "token": f"{stage} of {reference}"}


def signed_in(parts: Parts, person_id: str) -> tuple[str, str]:
    """The cookie of a new session, and what must come back with its forms."""
    secret, csrf = session_secret(parts.new_secret(), person_id), parts.new_secret()
    parts.accounts.add_session(new_session(secret, person_id, csrf=csrf, now=parts.now()))
    return session_cookie(secret, secure=False).partition(";")[0], csrf
