"""What cold starts are asked about: a table with people and claims, and the events that ask, written to a file.

`python -m bench.cold_scene COUNT FILE` is a process of its own, so that whoever measures has none of the app's modules.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from app import app
from bench.events import signed_in, step, stream
from bench.validators import valid_claim
from chalicelib import wiring
from chalicelib.adapters.dynamodb import tables
from chalicelib.adapters.dynamodb.funds import DynamoFunds
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.domain.people.people import Holding, Person
from chalicelib.services.approvals import asking
from chalicelib.services.intake import confirming

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
    asking.ask(parts, asking.read_step(step(shown, "force-lead")))
    cookie, task = {"Cookie": signed_in(parts, LEAD.id)[0]}, {"task": f"kent.{shown}.1"}
    events = {
        "intake": [_intake(count + 1 + number) for number in range(count)],
        "page": [_http("GET", "/tasks/{task}", task, cookie, None)] * count,
        "task": [_http("GET", "/api/v1/tasks/{task}", task, cookie, None)] * count,
        "ask": [step(reference, "force-lead") for reference in claims],
        "workflow": [stream(f"parcel.start.{reference}-r1") for reference in claims],
        "mail": [stream(f"parcel.start.{reference}-r1") for reference in claims],
    }
    file.write_text(json.dumps(events), encoding="utf-8")


def _submit(number: int) -> str:
    """A claim, stored through the API and confirmed. Returns its reference."""
    answer = app(_intake(number), None)
    if answer["statusCode"] != 201:
        raise SystemExit(f"a claim was answered {answer}")
    receipt = json.loads(answer["body"])
    token, parts = str(receipt["status_url"]).rpartition("/")[2], wiring.parts()
    (pair,) = parts.accounts.pairs([mailbox_of(f"alex.{number}@example.police.uk")])
    confirming.confirm(parts, *parts.links.read_status_token(token), parts.seals.code(pair))
    return str(receipt["reference"])


def _intake(number: int) -> Event:
    """Each from an address of its own, and no two alike."""
    claim = {**valid_claim(), "claimant_email": f"alex.{number}@example.police.uk"}
    path = "/api/v1/forms/{form}/submissions"
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"cold-{number}"}
    return _http("POST", path, {"form": "funding-claim"}, headers, json.dumps(claim))


def _http(method: str, route: str, named: dict[str, str], headers: dict[str, str], body: str | None) -> Event:
    """As API Gateway's Lambda proxy integration gives it, which does not know our routes."""
    path = route.format(**named)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path[1:]},
        "stageVariables": None,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": "/{proxy+}",
            "path": path,
            "stage": "live",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


if __name__ == "__main__":
    main()
