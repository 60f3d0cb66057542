"""Bytes sent as they are to the running service, what came back, and what it cost: time, CPU, stored items."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import BadStatusLine, HTTPResponse
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.whole.visitor import Service, _children_of

PATIENCE = 10.0
"""Seconds within which everything is answered."""

BY_ITSELF = ("S:CHECKS",)
"""Partitions that the run writes to on its schedules, whatever anybody sends."""

Stored = Mapping[tuple[str, str], str]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One answer. `status` is 0 where nothing came; `cpu` is what the web process spent, in seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    cpu: float
    more: bytes = b""
    """What came after the answer: nothing, unless one request was taken for two."""

    @property
    def text(self) -> str:
        """The body, whatever it is."""
        return self.body.decode("utf-8", "replace")

    @property
    def kind(self) -> str:
        """The media type alone."""
        return self.headers.get("content-type", "").partition(";")[0]

    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class Wire:
    """Sends to one service, one request at a time."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.requests = 0
        self._clock = _cpu_clock_of(_web_process(service))
        self._table = sqlite3.connect(f"file:{service.data}/dynamodb.sqlite?mode=ro", uri=True)

    def say(self, raw: bytes) -> Heard:
        """The answer to these bytes, after which we say no more."""
        self.requests += 1
        began, spent = time.monotonic(), time.clock_gettime(self._clock)
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=PATIENCE) as connection:
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused before it had heard all
            content = _all_of(connection)
        spent = time.clock_gettime(self._clock) - spent
        status, headers, body, more = _read(content, raw.partition(b" ")[0].decode("latin-1"))
        return Heard(
            status=status,
            headers=headers,
            body=body,
            more=more,
            seconds=time.monotonic() - began,
            cpu=spent,
        )

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Heard:
        """A request that is well formed on the outside."""
        return self.say(request(method, target, body, **headers))

    def stored(self) -> Stored:
        """Every item of the table, straight from DynamoDB's file."""
        rows = self._table.execute('SELECT pk, sk, item_json FROM "share-your-knowledge"')
        return {(pk, sk): item for pk, sk, item in rows if pk not in BY_ITSELF}

    def settled(self) -> Stored:
        """The items, once nothing that was accepted moves on by itself any more."""
        deadline = time.monotonic() + 180
        while any(map(_moves_on, self.stored().values())):
            assert time.monotonic() < deadline, "what was accepted still moves on by itself"
            time.sleep(0.05)
        before, since = self.stored(), time.monotonic()
        while time.monotonic() - since < 0.4:
            time.sleep(0.05)
            now = self.stored()
            if now != before:
                before, since = now, time.monotonic()
        return before

    def close(self) -> None:
        """Let go of the file."""
        self._table.close()


def request(method: str, target: str, body: bytes | None = None, **headers: str) -> bytes:
    """An HTTP/1.1 request. `Content_Type="…"` names a header; an empty one is left out."""
    named = {"Host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body is not None:
        named = {"Content-Type": "application/json", "Content-Length": str(len(body)), **named}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + (body or b"")


def changes(before: Stored, after: Stored) -> list[str]:
    """The keys of the items that came, went or are not the same. The first request of a day makes the key that
    networks are hashed with, whatever it asks."""
    different = (key for key in {*before, *after} if before.get(key) != after.get(key))
    return sorted("/".join(key) for key in different if not key[0].startswith("S:DAYKEY#"))


@dataclass(frozen=True)
class _Socket:
    """What HTTPResponse wants of a socket. It closes the stream once it has read its answer; we read on."""

    stream: BytesIO

    def makefile(self, mode: str) -> BytesIO:
        return self.stream


def _moves_on(item: str) -> bool:
    """Whether it waits for the machine: a delivery that is not done, a submission about which nobody was asked yet."""
    if '"delivery"' not in item and '"submitted"' not in item:
        return False
    attributes = json.loads(item)
    kind = attributes["kind"]["S"]
    is_new = kind == "submission" and attributes["status"]["S"] == "submitted"
    return is_new or (kind == "delivery" and "done_at" not in attributes)


def _read(content: bytes, method: str) -> tuple[int, dict[str, str], bytes, bytes]:
    stream = BytesIO(content)
    stream.close = lambda: None  # type: ignore[method-assign]
    response = HTTPResponse(_Socket(stream), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
    except BadStatusLine:  # HTTP/0.9 has none; or the connection was just closed
        return 0, {}, content, b""
    fields = {name.lower(): value for name, value in response.headers.items()}
    body = response.read()
    return response.status, fields, body, stream.read()


def _all_of(connection: socket.socket) -> bytes:
    """All that is said until the other side hangs up, as it must: we said that we are done."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionError:
        pass
    return found


def _web_process(service: Service) -> int:
    for process_id in _children_of(service.process.pid):
        if b"infra.local.web" in Path(f"/proc/{process_id}/cmdline").read_bytes():
            return process_id
    raise AssertionError("there is no web process")


def _cpu_clock_of(process_id: int) -> int:
    """Linux's clock of a process's CPU time, of threads that have ended, too: finer than /proc's hundredths."""
    return ~process_id << 3 | 2
