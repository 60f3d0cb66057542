"""What cold starts are asked about: a table with people and claims, and the events that ask, written to a file.

`python -m bench.cold_scene COUNT FILE` is a process of its own, so that whoever measures has none of the app's modules.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from app import app
from bench.validators import valid_claim
from chalicelib import wiring
from chalicelib.adapters import tables
from chalicelib.adapters.funds import DynamoFunds
from chalicelib.adapters.people import DynamoPeople
from chalicelib.domain.accounts import SESSION_LIFE, Session, digest
from chalicelib.domain.people import Holding, Person
from chalicelib.services import asking
from chalicelib.services.ports import Parts
from chalicelib.web.cookies import session_cookie

LEAD = Person(
    id="lead-kent",
    name="Lee Example",
    address="lead.kent@example.police.uk",
    roles=(Holding(role="innovation-lead", at="kent"),),
)

Event = dict[str, Any]


def main() -> None:
    """Plant, submit, ask; then write `{"intake": [event, ...], ...}`, `COUNT` of each."""
    count, file = int(sys.argv[1]), Path(sys.argv[2])
    parts = wiring.parts()
    tables.create_table()
    DynamoPeople().register([LEAD])
    DynamoFunds().open_fund("ptf", name="the fund", total_pence=10**10, caps={"kent": 10**10})
    claims = [_submit(number) for number in range(count)]
    shown = _submit(count)
    asking.ask(parts, asking.read_step(_step(shown)))
    cookie, task = {"Cookie": _signed_in(parts)}, {"task": f"kent.{shown}.1"}
    events = {
        "intake": [_intake(count + 1 + number) for number in range(count)],
        "page": [_http("GET", "/tasks/{task}", task, cookie, None)] * count,
        "task": [_http("GET", "/api/v1/tasks/{task}", task, cookie, None)] * count,
        "ask": [_step(reference) for reference in claims],
        "workflow": [_stream(f"start.{reference}-r1") for reference in claims],
        "mail": [_stream(f"mail.receipt.{reference}") for reference in claims],
    }
    file.write_text(json.dumps(events), encoding="utf-8")


def _submit(number: int) -> str:
    """A claim, stored through the API. Returns its reference."""
    answer = app(_intake(number), None)
    if answer["statusCode"] != 201:
        raise SystemExit(f"a claim was answered {answer}")
    return str(json.loads(answer["body"])["reference"])


def _intake(number: int) -> Event:
    """Each from an address of its own, and no two alike."""
    claim = {**valid_claim(), "claimant_email": f"alex.{number}@example.police.uk"}
    path = "/api/v1/forms/{form}/submissions"
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"cold-{number}"}
    return _http("POST", path, {"form": "funding-claim"}, headers, json.dumps(claim))


def _http(method: str, route: str, named: dict[str, str], headers: dict[str, str], body: str | None) -> Event:
    """As API Gateway's Lambda proxy integration gives it."""
    return {
        "resource": route,
        "path": route.format(**named),
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": named,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": route,
            "path": route.format(**named),
            "stage": "live",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def _signed_in(parts: Parts) -> str:
    """The cookie of the lead's session."""
    secret, now = parts.new_secret(), parts.now()
    session = Session(
        digest=digest(secret), person_id=LEAD.id, csrf=parts.new_secret(), expires_at=now + SESSION_LIFE
    )
    parts.accounts.add_session(session)
    return session_cookie(secret, secure=False).partition(";")[0]


def _step(reference: str) -> Event:
    """The first step of a claim's state machine."""
    return {
        "payload_version": 2,
        "force": "kent",
        "reference": reference,
        "round": 1,
        "stage": "force-lead",
        "asked": "approver",
        "token": f"token-of-{reference}",
    }


def _stream(delivery: str) -> Event:
    """One new outbox item, as the stream brings it."""
    change = {"NewImage": {"delivery": {"S": delivery}}, "SequenceNumber": "1"}
    return {"Records": [{"eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}]}


if __name__ == "__main__":
    main()
