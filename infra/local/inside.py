"""What the backend asks of itself, without a connection.

The relays run in the process that is also Step Functions and SES. Over HTTP each of their calls costs as much again,
and waits for a thread. So botocore hands its request to the server's application, and a mail, of which there are seven
for each claim, to the journal as it is. The two steps that each claim takes through Step Functions are taken in Python.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.handlers import BUILTIN_HANDLERS

from infra.local.environment import ACCOUNT, REGION
from infra.local.moto_server import Door

SERVICES = ("sfn", "ses")
"""As botocore names them in events. S3 sends files piece by piece, and stays on HTTP."""


class _Raw(io.BytesIO):
    """As much of urllib3's response as botocore reads."""

    def stream(self, **_: Any) -> Iterable[bytes]:
        yield self.read()


def connect(door: Door, endpoint: str) -> None:
    """Answer calls to this endpoint from within, in every session that is made from now on: the app's and boto3's."""

    def answer(request: Any, **_: Any) -> AWSResponse | None:
        return _asked(door, request) if request.url.startswith(endpoint) else None

    def take(params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        message_id = door.take({name: [value] for name, value in params["body"].items()})
        return _taken(message_id, params["url"]) if message_id else None

    def step(model: Any, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        return _stepped(model.name, params) if params["url"].startswith(endpoint) else None

    BUILTIN_HANDLERS.extend((f"before-call.sfn.{name}", step) for name in STEPS)
    BUILTIN_HANDLERS.extend((f"before-send.{service}", answer) for service in SERVICES)
    BUILTIN_HANDLERS.append(("before-call.ses.SendRawEmail", take))


def _start(machines: Any, given: dict[str, Any]) -> dict[str, Any]:
    started = machines.start_execution(given["stateMachineArn"], given["name"], given["input"])
    return {"executionArn": started.execution_arn, "startDate": started.start_date}


def _succeed(machines: Any, given: dict[str, Any]) -> dict[str, Any]:
    machines.send_task_success(given["taskToken"], given["output"])
    return {}


STEPS: dict[str, Callable[[Any, dict[str, Any]], dict[str, Any]]] = {
    "StartExecution": _start,
    "SendTaskSuccess": _succeed,
}


def _stepped(name: str, params: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]] | None:
    """None where moto refuses: asked once more as over HTTP, it refuses as AWS does."""
    from moto.stepfunctions.responses import get_backend

    try:
        told = STEPS[name](get_backend(ACCOUNT, REGION), json.loads(params["body"]))
    except Exception:
        return None
    return AWSResponse(params["url"], 200, {}, _Raw()), {**told, "ResponseMetadata": {"HTTPStatusCode": 200}}


def _taken(message_id: str, url: str) -> tuple[AWSResponse, dict[str, Any]]:
    """What botocore would have made of SES's answer."""
    told = {"MessageId": message_id, "ResponseMetadata": {"HTTPStatusCode": 200, "RequestId": message_id}}
    return AWSResponse(url, 200, {}, _Raw()), told


def _asked(door: Door, request: Any) -> AWSResponse:
    told: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
        told[:] = [int(status.split(" ", 1)[0]), dict(headers)]

    answered = door(environ(request), start_response)
    try:
        body = b"".join(answered)
    finally:
        if hasattr(answered, "close"):
            answered.close()
    status, headers = told
    return AWSResponse(request.url, status, headers, _Raw(body))


def environ(request: Any) -> dict[str, Any]:
    """The request as WSGI gives it (PEP 3333)."""
    parts = urlsplit(request.url)
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    given = {name.upper().replace("-", "_"): _text(value) for name, value in request.headers.items()}
    return {
        **{f"HTTP_{name}": value for name, value in given.items()},
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path) or "/",
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": str(parts.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc,
        "CONTENT_TYPE": given.get("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
