"""moto behind a closed door: its server on a socket that we own, and what we look for in its requests."""

from __future__ import annotations

import io
import re
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from infra.local.environment import READY
from infra.local.mailbox import Journal, from_raw_email

_OURS = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
_MESSAGE_ID = re.compile(rb"<MessageId>([^<]+)</MessageId>")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class _Handler(MotoRequestHandler):  # type: ignore[misc]
    protocol_version = "HTTP/1.1"  # botocore keeps its connections
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """botocore asks before it sends a file, and waits a second for the answer: do not keep that in the buffer."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
            del self.headers["Expect"]
        super().run_wsgi()

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            super().log(type, message, *args)


class Door:
    """Lets in our own processes and nothing that comes from a web page; notes the mail that goes through."""

    def __init__(self, moto: Callable[[Environ, StartResponse], Iterable[bytes]], journal: Journal) -> None:
        self.ready = threading.Event()
        self._moto = moto
        self._journal = journal
        self.on_mail: Callable[[dict[str, Any]], None] = lambda mail: None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        # Any page open in a browser may post to a local port, or get at one through a name of its own.
        if "HTTP_ORIGIN" in environ or not _OURS.fullmatch(environ.get("HTTP_HOST", "")):
            return _answer(start_response, "403 Forbidden")
        if path.startswith("/moto-api"):  # resets everything, and more
            return _answer(start_response, "403 Forbidden")
        if path == READY:
            return _answer(start_response, "200 OK" if self.ready.is_set() else "503 Service Unavailable")
        form = _posted_form(environ)
        if form.startswith(b"Action=SendRawEmail") or b"&Action=SendRawEmail" in form:
            return self._send(form, environ, start_response)
        return self._moto(environ, start_response)

    def _send(self, form: bytes, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        statuses: list[str] = []

        def note(status: str, *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, *rest)

        answer = b"".join(self._moto(environ, note))
        accepted = _MESSAGE_ID.search(answer)
        if statuses[-1].startswith("200") and accepted:
            fields = parse_qs(form.decode(), keep_blank_values=True)
            now = datetime.now(timezone.utc)
            mail = from_raw_email(fields, message_id=accepted[1].decode(), at=now)
            self._journal.add(mail)
            self.on_mail(mail)
        return [answer]


def make(listening: socket.socket, journal: Journal) -> tuple[BaseWSGIServer, Door]:
    """A server for this socket, its Step Functions interpreter on; not serving yet."""
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    door = Door(DomainDispatcherApplication(create_backend_app), journal)
    host, port = listening.getsockname()
    server = make_server(host, port, door, threaded=True, request_handler=_Handler, fd=listening.fileno())
    return server, door


def _posted_form(environ: Environ) -> bytes:
    """The body where it is a form, put back for moto to read; else empty."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return b""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _answer(start_response: StartResponse, status: str) -> list[bytes]:
    body = status.encode() + b"\n"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
