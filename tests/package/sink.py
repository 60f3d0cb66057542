"""What stands in for AWS on 127.0.0.1: it notes each call, and answers it as briefly as the service might.

DynamoDB's calls go on to a real one. Files that are put stay in memory.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SCOPE = re.compile(r"^AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request,")
EXECUTION = "arn:aws:states:eu-west-2:123456789012:execution:share_funding-claim:1"
STATES = {
    "StartExecution": {"executionArn": EXECUTION, "startDate": 1_796_000_000},
    "SendTaskSuccess": {},
    "ListExecutions": {"executions": []},
    "DescribeExecution": {"executionArn": EXECUTION, "status": "RUNNING", "startDate": 1_796_000_000},
    "StopExecution": {"stopDate": 1_796_000_000},
}
SES = {
    "SendRawEmail": "<MessageId>0100017</MessageId>",
    "GetSendQuota": "<Max24HourSend>50000</Max24HourSend><MaxSendRate>14</MaxSendRate>"
    "<SentLast24Hours>1</SentLast24Hours>",
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call that arrived. `service` and `region` are those of its signature."""

    service: str
    operation: str
    region: str
    body: bytes


@dataclass
class Sink:
    """The calls so far, and the files that were put."""

    dynamodb: str
    address: str = ""
    calls: list[Call] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def of(self, service: str) -> list[Call]:
        """The calls of one service, by its name in signatures."""
        return [call for call in self.calls if call.service == service]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sink: Sink
    _further: http.client.HTTPConnection | None = None

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scope = SCOPE.match(self.headers.get("Authorization", ""))
        if scope is None:
            self._reply(403, b"not signed with version 4")
            return
        region, service = scope.groups()
        operation = self._operation(service, body)
        self.sink.calls.append(Call(service=service, operation=operation, region=region, body=body))
        answers = {
            "dynamodb": self._dynamodb,
            "states": self._states,
            "ses": self._ses,
            "s3": self._s3,
            "kms": self._kms,
        }
        answers[service](operation, body)

    def _operation(self, service: str, body: bytes) -> str:
        if service == "ses":
            return parse_qs(body.decode())["Action"][0]
        if service == "s3":
            listing = "list-type=2" in urlsplit(self.path).query
            return {"PUT": "PutObject", "GET": "ListObjectsV2" if listing else "GetObject"}[self.command]
        return str(self.headers["X-Amz-Target"]).rpartition(".")[2]

    def _dynamodb(self, _operation: str, body: bytes) -> None:
        if self._further is None:
            self._further = http.client.HTTPConnection(urlsplit(self.sink.dynamodb).netloc, timeout=10)
        kept = ("Authorization", "Content-Type", "X-Amz-Target", "X-Amz-Date", "X-Amz-Security-Token")
        headers = {name: self.headers[name] for name in kept if name in self.headers}
        self._further.request("POST", "/", body, headers)
        answer = self._further.getresponse()
        self._reply(answer.status, answer.read(), {"Content-Type": "application/x-amz-json-1.0"})

    def finish(self) -> None:
        """The caller is gone: DynamoDB is not called for them any more."""
        super().finish()
        if self._further is not None:
            self._further.close()

    def _states(self, operation: str, _body: bytes) -> None:
        self._reply(
            200, json.dumps(STATES[operation]).encode(), {"Content-Type": "application/x-amz-json-1.0"}
        )

    def _kms(self, operation: str, body: bytes) -> None:
        """MACs and signatures are alike here: an HMAC under the key's id."""
        given = json.loads(body)
        message = base64.b64decode(given["Message"])
        made = base64.b64encode(hmac.new(given["KeyId"].encode(), message, hashlib.sha256).digest()).decode()
        is_right = made == given.get("Mac", given.get("Signature"))
        answers = {
            "GenerateMac": {"Mac": made},
            "Sign": {"Signature": made},
            "VerifyMac": {"MacValid": is_right},
            "Verify": {"SignatureValid": is_right},
        }
        wrong = {"VerifyMac": "KMSInvalidMacException", "Verify": "KMSInvalidSignatureException"}
        kind = {"Content-Type": "application/x-amz-json-1.1"}
        if operation in wrong and not is_right:
            self._reply(400, json.dumps({"__type": wrong[operation]}).encode(), kind)
        else:
            self._reply(200, json.dumps({"KeyId": given["KeyId"], **answers[operation]}).encode(), kind)

    def _ses(self, operation: str, _body: bytes) -> None:
        answer = (
            f'<{operation}Response xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><{operation}Result>'
            f"{SES[operation]}</{operation}Result></{operation}Response>"
        )
        self._reply(200, answer.encode(), {"Content-Type": "text/xml"})

    def _s3(self, operation: str, body: bytes) -> None:
        path = urlsplit(self.path).path
        if operation == "PutObject":
            if self.headers.get("If-None-Match") == "*" and path in self.sink.files:
                self._reply(412, b"<Error><Code>PreconditionFailed</Code></Error>")
                return
            self.sink.files[path] = body
            self._reply(200, b"", {"ETag": '"1"'})
        elif operation == "GetObject" and path in self.sink.files:
            self._reply(200, self.sink.files[path], {"ETag": '"1"'})
        elif operation == "GetObject":
            self._reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            prefix = parse_qs(urlsplit(self.path).query).get("prefix", [""])[0]
            mine = [name for name in self.sink.files if name.startswith(f"{path.rstrip('/')}/{prefix}")]
            keys = [name.split("/", 2)[2] for name in mine]  # without the bucket
            listed = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
            self._reply(200, f"<ListBucketResult>{listed}</ListBucketResult>".encode())

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def running_sink(dynamodb: str) -> Iterator[Sink]:
    """A sink for as long as the block lasts."""
    sink = Sink(dynamodb)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"sink": sink}))
    sink.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
