"""The web process: the app's pages and API over HTTP, and beside them the run's own pages."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any

from chalicelib.web.http.requests import is_for_programs
from infra.local import export, local_pages, processes, reading
from infra.local.answers import Answer, problem
from infra.local.gateway import Gateway
from infra.local.lambdas import load_app
from infra.local.local_pages import LocalPages
from infra.local.mailbox import Mailbox

log = logging.getLogger(__name__)

_NO_BODY = (204, 304)


class Server(ThreadingMixIn, HTTPServer):
    """A thread for each connection, on a socket that is listening already."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket, gateway: Gateway, local: LocalPages) -> None:
        super().__init__(listening.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.gateway = gateway
        self.local = local

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # those: the client went away
            log.exception("a connection broke")


class Handler(BaseHTTPRequestHandler):
    """One connection. Buffered, undelayed writing makes it two hundred times as fast as Chalice's own."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 65
    _is_head = False

    def _handle(self) -> None:
        self._is_head = self.command == "HEAD"
        try:
            answer = self._answer()
        except reading.Unreadable as unreadable:
            answer = self._refusal(unreadable)
        except (TimeoutError, ConnectionError):
            raise
        except Exception:
            log.exception("the gateway failed")
            detail = "It has been recorded. What you sent may or may not have been stored."
            answer = problem(500, detail, accept=self._accept(), close=True)
        self._send(answer)

    def parse_request(self) -> bool:
        """HTTP/0.9 has no status to answer with, and nobody who speaks it sends a form."""
        read = super().parse_request()
        if read and self.request_version == "HTTP/0.9":
            self.send_error(HTTPStatus.BAD_REQUEST, "Speak HTTP/1.1.")
            return False
        return read

    def __getattr__(self, name: str) -> Any:
        """The base class looks for `do_` and the method. Which methods an address takes, the gateway knows."""
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _answer(self) -> Answer:
        reading.check_headers(self.headers)
        body = reading.body(self.headers, self.rfile)
        if self.path == export.PATH:
            return export.answer(self.command, self.headers)
        if local_pages.has(self.path):
            return self.server.local.answer(self.command, self.path, self.headers, body)
        return self.server.gateway.answer(self.command, self.path, self.headers, body)

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        for name, value in answer.headers.items():
            for each in value if isinstance(value, list) else [value]:
                self.send_header(name, str(each))
        if answer.status not in _NO_BODY and "Content-Length" not in answer.headers:  # the app's, for HEAD
            self.send_header("Content-Length", str(len(answer.body)))
        if answer.close:
            self.send_header("Connection", "close")  # also makes the base class close it
        self.end_headers()
        if not self._is_head and answer.status not in _NO_BODY:
            self.wfile.write(answer.body)
        if answer.close:
            self._hear_the_rest()

    def _hear_the_rest(self) -> None:
        """Read on for a moment: closing on unread bytes resets the connection, and the answer is lost."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(0.5)
        deadline = time.monotonic() + 2
        try:
            while time.monotonic() < deadline and self.connection.recv(65536):
                pass
        except OSError:
            pass

    def handle_expect_100(self) -> bool:
        """Before the client sends a body that it asked about: refuse it now if it is too large."""
        try:
            reading.announced_length(self.headers)
        except reading.Unreadable as unreadable:
            self._send(self._refusal(unreadable))
            return False
        return super().handle_expect_100()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses: requests that are not HTTP, or not a version that we speak."""
        self.request_version = self.protocol_version  # where it could not be read, no status would be sent
        if code == HTTPStatus.HTTP_VERSION_NOT_SUPPORTED:
            code = HTTPStatus.BAD_REQUEST  # the caller's fault: 5xx are ours
        self._send(problem(code, message or HTTPStatus(code).phrase, accept=self._accept(), close=True))

    def _refusal(self, unreadable: reading.Unreadable) -> Answer:
        return problem(unreadable.status, unreadable.detail, accept=self._accept(), close=True)

    def _accept(self) -> str:
        """What the caller accepts, as far as it matters and could be read."""
        headers, path = getattr(self, "headers", None), getattr(self, "path", "")
        return headers.get("Accept", "") if headers and not is_for_programs(path) else ""

    def log_message(self, format: str, *args: Any) -> None:
        """No access log: addresses hold the tokens of submitters."""


def main() -> None:
    """Serve once the backend is ready; connections made before that wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="descriptor of a listening socket")
    parser.add_argument("--mail", type=Path, required=True)
    parser.add_argument("--seeds", type=Path, help="the file that names everybody registered")
    parser.add_argument("--demo-token", type=Path)
    parser.add_argument("--after", required=True, help="address that answers once the backend is ready")
    given = parser.parse_args()
    processes.begin_as_child()
    gateway = Gateway(load_app())
    local = LocalPages(Mailbox(given.mail), seeds=given.seeds, demo_token=given.demo_token)
    while not processes.answers(given.after):
        time.sleep(0.02)
    Server(socket.socket(fileno=given.socket), gateway, local).serve_forever()


if __name__ == "__main__":
    main()
