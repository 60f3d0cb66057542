"""What the backend asks of itself is answered as over HTTP, without a connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.config
import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.handlers import BUILTIN_HANDLERS

from infra.local import inside
from infra.local.mailbox import Journal, Mailbox
from infra.local.moto_server import Door

NOBODY_LISTENS = "http://127.0.0.1:1"
NO_MACHINE = "arn:aws:states:eu-west-2:123456789012:stateMachine:none"
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=timezone.utc)
MAIL = b"From: p@x.example\r\nTo: a@x.example\r\nSubject: Here\r\n\r\nHello\r\n"


class Moto:
    """In moto's place: keeps what it was asked, and answers one thing."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.status, self.kind, self.body = "200 OK", "text/xml", b"<r/>"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.asked.append({**environ, "body": environ["wsgi.input"].read()})
        start_response(self.status, [("Content-Type", self.kind), ("Content-Length", str(len(self.body)))])
        return [self.body]


@pytest.fixture
def moto() -> Moto:
    return Moto()


@pytest.fixture
def clients(tmp_path: Path, moto: Moto) -> Iterator[Any]:
    """Makes clients of a session that asks within; nobody listens where they would otherwise connect."""
    before = list(BUILTIN_HANDLERS)
    inside.connect(Door(moto, Journal(tmp_path / "mail.jsonl")), NOBODY_LISTENS)
    session = botocore.session.Session()
    yield lambda service, endpoint=NOBODY_LISTENS: session.create_client(
        service,
        region_name="eu-west-2",
        endpoint_url=endpoint,
        aws_access_key_id="x",
        aws_secret_access_key="y",
        config=botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=1),
    )
    BUILTIN_HANDLERS[:] = before


def test_a_call_reaches_the_application_as_wsgi_gives_it(clients: Any, moto: Moto) -> None:
    moto.kind, moto.body = "application/x-amz-json-1.0", b'{"executionArn": "e", "startDate": 0}'
    answer = clients("stepfunctions").start_execution(stateMachineArn=NO_MACHINE, name="é", input="{}")
    assert answer["executionArn"] == "e"
    (asked,) = moto.asked
    assert (asked["REQUEST_METHOD"], asked["PATH_INFO"], asked["HTTP_HOST"]) == ("POST", "/", "127.0.0.1:1")
    assert asked["HTTP_X_AMZ_TARGET"] == "AWSStepFunctions.StartExecution"
    assert asked["HTTP_AUTHORIZATION"].startswith("AWS4-HMAC-SHA256 ")
    assert asked["CONTENT_TYPE"] == "application/x-amz-json-1.0"
    assert int(asked["CONTENT_LENGTH"]) == len(asked["body"])
    assert json.loads(asked["body"]) == {"stateMachineArn": NO_MACHINE, "name": "é", "input": "{}"}


def test_a_refusal_is_the_error_that_it_is_over_http(clients: Any, moto: Moto) -> None:
    moto.status, moto.kind = "400 Bad Request", "application/x-amz-json-1.0"
    moto.body = b'{"__type": "ExecutionAlreadyExists", "message": "there"}'
    with pytest.raises(ClientError) as refused:
        clients("stepfunctions").start_execution(stateMachineArn=NO_MACHINE, name="n", input="{}")
    assert refused.value.response["Error"] == {"Message": "there", "Code": "ExecutionAlreadyExists"}
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_step_that_moto_takes_is_taken_without_its_application(
    clients: Any, moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[Any, ...]] = []
    machines = SimpleNamespace(
        start_execution=lambda *given: (
            taken.append(given) or SimpleNamespace(execution_arn="e", start_date=NOW)
        ),
        send_task_success=lambda *given: taken.append(given),
    )
    monkeypatch.setattr("moto.stepfunctions.responses.get_backend", lambda account, region: machines)
    answer = clients("stepfunctions").start_execution(stateMachineArn=NO_MACHINE, name="é", input="{}")
    assert (answer["executionArn"], answer["startDate"]) == ("e", NOW)
    told = clients("stepfunctions").send_task_success(taskToken="t", output='{"a": 1}')
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert taken == [(NO_MACHINE, "é", "{}"), ("t", '{"a": 1}')]
    assert moto.asked == []


def test_mail_of_a_known_sender_goes_to_the_journal_alone(clients: Any, moto: Moto, tmp_path: Path) -> None:
    ses = clients("ses")
    _verify(ses, moto)
    moto.asked.clear()
    answer = ses.send_raw_email(Source="p@x.example", Destinations=["b@x.example"], RawMessage={"Data": MAIL})
    (mail,) = Mailbox(tmp_path / "mail.jsonl").entries()
    assert (mail["id"], mail["to"], mail["subject"]) == (answer["MessageId"], "b@x.example", "Here")
    assert moto.asked == []


def test_mail_of_anybody_else_is_for_moto_to_refuse(clients: Any, moto: Moto, tmp_path: Path) -> None:
    moto.status = "400 Bad Request"
    moto.body = (
        b"<ErrorResponse><Error><Code>MessageRejected</Code><Message>no</Message></Error></ErrorResponse>"
    )
    with pytest.raises(ClientError, match="MessageRejected"):
        clients("ses").send_raw_email(Source="other@x.example", RawMessage={"Data": MAIL})
    assert Mailbox(tmp_path / "mail.jsonl").entries() == []


def test_other_endpoints_are_asked_over_http(clients: Any, moto: Moto) -> None:
    with pytest.raises(EndpointConnectionError):
        clients("stepfunctions", "http://127.0.0.1:2").list_state_machines()
    assert moto.asked == []


def _verify(ses: Any, moto: Moto) -> None:
    moto.body = b"<R><VerifyEmailIdentityResult/></R>"
    ses.verify_email_identity(EmailAddress="p@x.example")
