"""moto behind a closed door: its server on a socket that we own, and what we look for in its requests."""

from __future__ import annotations

import io
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
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
from infra.local.mailbox import Journal, from_raw_email, sender

_OURS = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
_SENT = (
    '<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">'
    "<SendRawEmailResult><MessageId>{message_id}</MessageId></SendRawEmailResult>"
    "<ResponseMetadata><RequestId>{message_id}</RequestId></ResponseMetadata></SendRawEmailResponse>"
)

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
    """Lets in our own processes and nothing that comes from a web page; takes the mail of senders that SES knows."""

    def __init__(self, moto: Callable[[Environ, StartResponse], Iterable[bytes]], journal: Journal) -> None:
        self.ready = threading.Event()
        self._moto = moto
        self._journal = journal
        self._senders: set[str] = set()
        self.on_mail: Callable[[dict[str, Any]], None] = lambda mail: None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if is_stranger(environ):
            return answer(start_response, "403 Forbidden")
        if path.startswith("/moto-api"):  # resets everything, and more
            return answer(start_response, "403 Forbidden")
        if path == READY:
            return answer(start_response, "200 OK" if self.ready.is_set() else "503 Service Unavailable")
        form = parse_qs(_posted_form(environ).decode(), keep_blank_values=True)
        action = form.get("Action", [""])[0]
        if action == "VerifyEmailIdentity":
            self._senders.add(form["EmailAddress"][0])
        elif action == "SendRawEmail" and (message_id := self.take(form)):
            return answer(start_response, "200 OK", _SENT.format(message_id=message_id), "text/xml")
        return self._moto(environ, start_response)

    def take(self, form: Mapping[str, list[str]]) -> str:
        """Take a mail that SendRawEmail brings, and give it an id; empty where SES does not know the sender: what
        becomes of that is moto's to say. Moto would take each mail apart once more, and keep it for good."""
        if sender(form) not in self._senders:
            return ""
        message_id = str(uuid.uuid4())
        mail = from_raw_email(form, message_id=message_id, at=datetime.now(timezone.utc))
        self._journal.add(mail)
        self.on_mail(mail)
        return message_id


def make(listening: socket.socket, journal: Journal) -> tuple[BaseWSGIServer, Door]:
    """A server for this socket, its Step Functions interpreter on; not serving yet."""
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    door = Door(DomainDispatcherApplication(create_backend_app), journal)
    return serving(listening, door), door


def serving(
    listening: socket.socket, application: Callable[[Environ, StartResponse], Iterable[bytes]]
) -> BaseWSGIServer:
    """A server for this socket that keeps its connections, a thread for each; not serving yet."""
    host, port = listening.getsockname()
    return make_server(
        host, port, application, threaded=True, request_handler=_Handler, fd=listening.fileno()
    )


def _posted_form(environ: Environ) -> bytes:
    """The body where it is a form, put back for moto to read; else empty."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return b""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def is_stranger(environ: Environ) -> bool:
    """Whether this may come from a web page: any that is open in a browser may post to a local port, or get at one
    through a name of its own."""
    return "HTTP_ORIGIN" in environ or not _OURS.fullmatch(environ.get("HTTP_HOST", ""))


def answer(
    start_response: StartResponse, status: str, text: str = "", kind: str = "text/plain"
) -> list[bytes]:
    """Answer ourselves; without a text, with the status."""
    body = (text or status).encode() + b"\n"
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
