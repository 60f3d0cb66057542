"""A line to an AWS service that can be cut: it loses requests or answers, refuses, stalls, or kills whoever asks."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Fault(str, Enum):
    """What becomes of a request."""

    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    ERROR = "error 500"
    THROTTLED = "throttled"
    TIMED_OUT = "timed out"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


APPLIED = frozenset({Fault.ANSWER_LOST, Fault.TIMED_OUT, Fault.KILLED_AFTER})
"""Those where the service did what was asked, and nobody heard of it."""

KILLS = frozenset({Fault.KILLED_BEFORE, Fault.KILLED_AFTER})

STALL_SECONDS = 0.9
"""Longer than the callers here wait for an answer."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request that arrived. `invocation` is the same for the SDK's retries."""

    name: str
    invocation: str
    body: bytes
    status: int


@dataclass
class Rule:
    """Cut the `place`-th call (retries of one call count once); all its tries where it `persists`."""

    place: int
    fault: Fault
    persists: bool
    fired: int = 0


@dataclass
class Switch:
    """What all lines of a stage share: the calls that went by, and the rule that is on."""

    calls: list[Call] = field(default_factory=list)
    rule: Rule | None = None
    kill: Callable[[], None] = lambda: None
    _seen: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, rule: Rule | None = None) -> None:
        """Count from the beginning, with this rule or none."""
        with self._lock:
            self.rule = rule
            self._seen.clear()

    def next_fault(self, invocation: str) -> Fault | None:
        """What is to become of a request that has just come in."""
        with self._lock:
            if invocation not in self._seen:
                self._seen.append(invocation)
            rule = self.rule
            if (
                rule is None
                or self._seen.index(invocation) != rule.place
                or (rule.fired and not rule.persists)
            ):
                return None
            rule.fired += 1
            return rule.fault

    def note(self, call: Call) -> None:
        """A request has been dealt with."""
        with self._lock:
            self.calls.append(call)

    def names(self) -> list[str]:
        """The calls since `begin`, each once, in order."""
        with self._lock:
            by = {call.invocation: call.name for call in reversed(self.calls)}
            return [by[invocation] for invocation in self._seen if invocation in by]


class Line:
    """A server on a free port of this machine, in front of one service. Use as a context manager."""

    def __init__(self, upstream: str, switch: Switch) -> None:
        where = urlsplit(upstream)
        handler = type("Handler", (_Handler,), {"switch": switch, "upstream": (where.hostname, where.port)})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Line:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    switch: Switch
    upstream: tuple[str, int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        invocation = self.headers.get("amz-sdk-invocation-id", "")
        fault = self.switch.next_fault(invocation)
        if fault is Fault.KILLED_BEFORE:
            self.switch.kill()
        status, headers, answer = 0, [], b""
        if fault is Fault.ERROR:
            status, answer = 500, self._refusal("InternalServerError")
        elif fault is Fault.THROTTLED:
            status, answer = 400, self._refusal("ThrottlingException")
        elif fault not in (Fault.REQUEST_LOST, Fault.KILLED_BEFORE):
            status, headers, answer = self._forward(body)
        if fault is Fault.TIMED_OUT:
            time.sleep(STALL_SECONDS)
        lost = fault in (Fault.REQUEST_LOST, Fault.ANSWER_LOST, Fault.TIMED_OUT, *KILLS)
        name = _name(self.headers.get("X-Amz-Target", ""), body)
        self.switch.note(Call(name=name, invocation=invocation, body=body, status=status))
        if fault is Fault.KILLED_AFTER:
            self.switch.kill()
        if lost:
            self.close_connection = True
        else:
            self._answer(status, headers, answer)

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(*self.upstream, timeout=20)
        try:
            connection.request("POST", self.path, body, dict(self.headers.items()))
            response = connection.getresponse()
            kept = [(k, v) for k, v in response.getheaders() if k.lower() not in _HOP_BY_HOP]
            return response.status, kept, response.read()
        finally:
            connection.close()

    def _refusal(self, code: str) -> bytes:
        if "X-Amz-Target" in self.headers:
            return json.dumps({"__type": f"com.amazonaws#{code}", "message": "injected"}).encode()
        code = {"ThrottlingException": "Throttling"}.get(code, code)
        return (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>injected</Message></Error>"
            "<RequestId>injected</RequestId></ErrorResponse>"
        ).encode()

    def _answer(self, status: int, headers: list[tuple[str, str]], answer: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        with contextlib.suppress(OSError):  # nobody listens any more
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


_HOP_BY_HOP = {"content-length", "transfer-encoding", "connection"}


def _name(target: str, body: bytes) -> str:
    """`DynamoDB.Query`, `StepFunctions.StartExecution`, `SES.SendRawEmail`."""
    if target:
        service, _, operation = target.partition(".")
        known = {"DynamoDB_20120810": "DynamoDB", "AWSStepFunctions": "StepFunctions"}
        return f"{known.get(service, service)}.{operation}"
    return "SES." + parse_qs(body.decode())["Action"][0]
