"""Every handler of the package takes what AWS sends, and answers as AWS expects."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config
from website import a_claim

from tests.guards.packaged import builds_once, functions
from tests.package import lambda_events
from tests.package.conftest import Start
from tests.package.processes import LambdaProcess, settings
from tests.package.sink import Sink

pytestmark = builds_once

HTTP = "api_handler"
SCHEDULES = ("sweep", "follow_up", "write_roots", "reconcile", "digest")
TRIED = {HTTP, "relay_workflow", "relay_mail", "ask_approver", "mail_events", *SCHEDULES}
SENT_TO = "/api/v1/forms/funding-claim/submissions"
ANSWERED = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
PLANT = """
from chalicelib.adapters.dynamodb import tables
from chalicelib.domain.people.people import Holding, Person
tables.create_table()
roles = {"lead": "innovation-lead", "coordinator": "coordinator", "chief": "chief-constable"}
parts.people.register([
    Person(id=name, name=name, address=f"{name}@example.police.uk", roles=(Holding(role=role, at="kent"),))
    for name, role in roles.items()
])
parts.funds.open_fund("ptf", name="the fund", total_pence=5_000_000, caps={"kent": 1_000_000})
"""

Invoke = Callable[[str, Any], Any]


@pytest.fixture(scope="module")
def invoke(start: Start) -> Invoke:
    """Hands an event to a function. Each has a process of its own: it must do without what others load."""
    running: dict[str, LambdaProcess] = {}
    start().do("run", code=PLANT)

    def one(name: str, event: Any) -> Any:
        if name not in running:
            running[name] = start(function=name)
        return running[name].do("invoke", handler=functions()[name]["Properties"]["Handler"], event=event)

    return one


@pytest.fixture(scope="module")
def put(dynamodb: str) -> Callable[[str], list[Any]]:
    """The items of a lane that the table's stream would tell of."""
    client = boto3.client("dynamodb", endpoint_url=dynamodb, config=Config(retries={"total_max_attempts": 1}))

    def of(lane: str) -> list[Any]:
        pages = client.get_paginator("scan").paginate(TableName=settings()["TABLE_NAME"])
        items = [item for page in pages for item in page["Items"]]
        return [
            item for item in items if item.get("lane") in ({"S": lane}, {"S": "both"}) and "due_kind" in item
        ]

    return of


def test_every_function_is_tried() -> None:
    assert set(functions()) == TRIED


def answered(answer: Any) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by their names in small letters, and body, as API Gateway reads them."""
    assert set(answer) <= ANSWERED
    assert isinstance(answer["statusCode"], int)
    assert all(isinstance(value, str) for value in answer.get("headers", {}).values())
    several = answer.get("multiValueHeaders", {})
    assert all(isinstance(value, str) for values in several.values() for value in values)
    body = answer["body"].encode()
    headers = {**{name: values[-1] for name, values in several.items()}, **answer.get("headers", {})}
    return (
        answer["statusCode"],
        {name.lower(): value for name, value in headers.items()},
        base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body,
    )


@pytest.mark.parametrize(
    ("path", "media_type", "holds"),
    [
        ("/", "text/html", b"Share Your Knowledge"),
        ("/forms/funding-claim", "text/html", b"</form>"),
        ("/ideas?force=kent", "text/html", b"</html>"),
        ("/api/v1/forms", "application/json", b"funding-claim"),
        ("/api/v1/openapi.json", "application/json", b"/api/v1/forms"),
        ("/health", "application/json", b'"ok"'),
        ("/static/govuk.css?v=1", "text/css", b"{"),
        ("/static/app.js", "text/javascript", b"{"),
    ],
)
def test_a_page_the_api_and_files_are_answered(
    invoke: Invoke, path: str, media_type: str, holds: bytes
) -> None:
    status, headers, body = answered(invoke(HTTP, lambda_events.http("GET", path)))
    assert (status, headers["content-type"].partition(";")[0]) == (200, media_type)
    assert holds in body


def test_what_is_not_there_is_a_page_that_says_so(invoke: Invoke) -> None:
    status, headers, body = answered(invoke(HTTP, lambda_events.http("GET", "/forms/no-such-form")))
    assert (status, headers["content-type"].partition(";")[0]) == (404, "text/html")
    assert b"<h1" in body


@pytest.mark.parametrize("as_base64", [True, False])
def test_a_claim_is_taken_however_api_gateway_sends_the_body(invoke: Invoke, as_base64: bool) -> None:
    receipt = submit(invoke, f"Café, base64: {as_base64}", as_base64=as_base64)
    status, _, page = answered(invoke(HTTP, lambda_events.http("GET", urlsplit(receipt["status_url"]).path)))
    assert status == 200
    assert receipt["reference"].encode() in page


def submit(invoke: Invoke, event_title: str, *, as_base64: bool = True, **answers: str) -> dict[str, Any]:
    """Send a claim as a program does; what the API answers."""
    body = json.dumps({**a_claim(), "event_title": event_title, **answers}, ensure_ascii=False)
    given = {"body": body, "as_base64": as_base64, "content_type": "application/json"}
    status, _, answer = answered(invoke(HTTP, lambda_events.http("POST", SENT_TO, **given)))
    assert status == 201, answer
    return dict(json.loads(answer))


def confirmed(
    invoke: Invoke, put: Callable[[str], list[Any]], sink: Sink, event_title: str, address: str
) -> str:
    """The reference of a claim that was sent, and whose mailbox was proven with the mailed code."""
    receipt = submit(invoke, event_title, claimant_email=address)
    assert invoke("relay_mail", lambda_events.stream(put("mail"))) == {"batchItemFailures": []}
    text = mailed_to(sink)[address].get_payload(0).get_payload(decode=True)  # type: ignore[union-attr]
    (code,) = re.findall(rb"^ +(\d{6})\r?$", text, re.MULTILINE)  # type: ignore[arg-type]
    body = json.dumps({"code": code.decode()})
    path = urlsplit(receipt["confirm_url"]).path
    event = lambda_events.http("POST", path, body=body, content_type="application/json")
    status, _, answer = answered(invoke(HTTP, event))
    assert status == 200, answer
    return str(receipt["reference"])


def test_a_form_that_a_browser_posts_is_read(invoke: Invoke) -> None:
    event = lambda_events.http(
        "POST",
        "/forms/funding-claim",
        body="event_title=Caf%C3%A9&action=send",
        as_base64=True,
        content_type="application/x-www-form-urlencoded",
    )
    status, _, body = answered(invoke(HTTP, event))
    assert status == 422
    assert "Café".encode() in body


def test_a_claim_goes_from_the_form_to_the_approvers_mail(
    invoke: Invoke, put: Callable[[str], list[Any]], sink: Sink
) -> None:
    sink.calls.clear()
    claimant = "approved@example.police.uk"
    reference = confirmed(invoke, put, sink, "A day that is approved", claimant)
    assert "TransactWriteItems" in {call.operation for call in sink.of("dynamodb")}

    assert invoke("relay_workflow", lambda_events.stream(put("workflow"))) == {"batchItemFailures": []}
    assert invoke("relay_mail", lambda_events.stream(put("mail"))) == {"batchItemFailures": []}
    started = [json.loads(call.body) for call in sink.of("states")]
    (execution,) = [one for one in started if reference in one["name"]]
    _, _, workflow = execution["stateMachineArn"].partition(":stateMachine:share_")
    assert workflow == "funding-claim:live"
    receipt = mailed_to(sink)[claimant]
    assert f"{reference}: " in str(receipt["Subject"])

    given = json.loads(execution["input"])
    assert invoke("ask_approver", lambda_events.task(given, "a task's token")) == {}
    assert invoke("relay_mail", lambda_events.stream(put("mail"))) == {"batchItemFailures": []}
    assert "lead@example.police.uk" in mailed_to(sink)

    assert invoke("mail_events", lambda_events.bounce(receipt)) == {"noted": 1}


def mailed_to(sink: Sink) -> dict[str, Message]:
    """What was mailed last to each address."""
    sent = [parse_qs(call.body.decode()) for call in sink.of("ses") if call.operation == "SendRawEmail"]
    raw = {one["Destinations.member.1"][0]: one["RawMessage.Data"][0] for one in sent}
    return {address: message_from_bytes(base64.b64decode(mail)) for address, mail in raw.items()}


def test_ses_may_greet_the_topic(invoke: Invoke) -> None:
    assert invoke("mail_events", lambda_events.greeting()) == {"noted": 0}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_runs_and_nothing_fails(invoke: Invoke, name: str) -> None:
    told = invoke(name, lambda_events.read("scheduled"))
    assert told
    assert all(isinstance(count, int) for count in told.values())
    assert told.get("failed", 0) == 0


def test_a_digest_stores_its_exports_and_is_mailed_with_its_bars(
    invoke: Invoke, put: Callable[[str], list[Any]], sink: Sink
) -> None:
    confirmed(invoke, put, sink, "A day that is counted", "counted@example.police.uk")
    time.sleep(1 - time.time() % 1)  # the digest so far ends with the last whole second
    sink.calls.clear()
    told = invoke("digest", {**lambda_events.read("scheduled"), "detail": {"so_far": True}})
    assert told == {"queued": 1}, [call.body[-300:] for call in sink.of("dynamodb") if b"kent" in call.body]
    assert {call.operation for call in sink.of("s3")} == {"PutObject", "GetObject"}
    assert {name.rpartition(".")[2] for name in sink.files} >= {"csv", "xlsx"}
    assert invoke("relay_mail", lambda_events.stream(put("mail"))) == {"batchItemFailures": []}
    parts = {part.get_content_type(): part for part in mailed_to(sink)["chief@example.police.uk"].walk()}
    assert set(parts) == {"multipart/alternative", "text/plain", "text/html"}
    assert b'bgcolor="#1a65a6"' in parts["text/html"].get_payload(decode=True)
