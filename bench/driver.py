"""The load: clients on kept-alive connections, each sending its next request when the last is answered.

All clients are in one thread of a process of its own (`python -m bench.driver`), which says how much CPU it used
itself: on two cores it takes from what is measured. Requests are made before the clock starts.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.local.options import ROOT

HOST = "127.0.0.1"
_HEAD_END = b"\r\n\r\n"
_PATIENCE = 30.0


class Broken(Exception):
    """The server closed the connection, or sent what is no answer."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What clients saw. `milliseconds` has one latency for each answer with the expected status; `other` counts
    what else came, by status, 0 for a connection that broke."""

    seconds: float
    cpu_seconds: float
    milliseconds: list[float]
    other: dict[str, int]
    bodies: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers as expected."""
        return len(self.milliseconds) / self.seconds

    @property
    def errors(self) -> int:
        """Everything else."""
        return sum(self.other.values())

    def percentile(self, part: int) -> float:
        """Nearest rank."""
        return percentile(self.milliseconds, part)


def percentile(values: Sequence[float], part: int) -> float:
    """The nearest rank: the smallest value that at least `part` percent do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * part // 100) - 1)]


def request(method: str, path: str, body: Any = None, **headers: str) -> bytes:
    """One request, whole. A body is sent as JSON; `Idempotency_Key` names the header Idempotency-Key."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is None:
        return "\r\n".join([*lines, "", ""]).encode()
    data = json.dumps(body).encode()
    lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return "\r\n".join([*lines, "", ""]).encode() + data


def answer_in(received: bytes) -> tuple[int, bytes, bytes] | None:
    """Status, head and body, once all of it is there; None until then. Raises Broken for what is no HTTP answer with a
    length."""
    at = received.find(_HEAD_END)
    if at < 0:
        return None
    head = received[:at].lower()
    begins = head.find(b"\r\ncontent-length:")
    if not head.startswith(b"http/1.1 "):
        raise Broken(received[:80])
    length = int(head[begins + 17 :].split(b"\r\n", 1)[0]) if begins >= 0 else 0
    body = received[at + 4 :]
    if len(body) < length:
        return None
    return int(head[9:12]), received[:at], body


class Client:
    """One connection that waits for its answers."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=_PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer."""
        self._socket.sendall(data)
        received = b""
        while (answer := answer_in(received)) is None:
            part = self._socket.recv(65536)
            if not part:
                raise Broken("closed")
            received += part
        return answer

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


@dataclass(kw_only=True)
class _Visit:
    """A client's connection in the loop: when its request went out, and what has come back of the answer."""

    connection: socket.socket
    sent_at: float = 0.0
    received: bytes = b""

    def send(self, data: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.connection.sendall(data)  # a few kilobytes: they fit into the socket's buffer


def drive(port: int, requests: Iterable[bytes], *, clients: int, seconds: float, expected: int) -> Load:
    """Send the requests in turn until the time is over, or there are no more; every answer is waited for."""
    left = iter(requests)
    latencies: list[float] = []
    bodies: list[bytes] = []
    other: Counter[str] = Counter()
    used, began = time.process_time(), time.perf_counter()
    with selectors.DefaultSelector() as waiting:
        _begin(waiting, port, clients, left)
        while waiting.get_map():
            for key, _ in waiting.select(_PATIENCE):
                visit: _Visit = key.data
                answer = _heard(visit)
                if answer is None:
                    continue
                now = time.perf_counter()
                status, body = answer
                if status == expected:
                    latencies.append((now - visit.sent_at) * 1e3)
                    bodies.append(body)
                else:
                    other[str(status)] += 1
                more = next(left, None) if status and now - began < seconds else None
                if more is None:
                    waiting.unregister(visit.connection)
                    visit.connection.close()
                else:
                    visit.send(more)
    return Load(
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - used,
        milliseconds=latencies,
        other=dict(other),
        bodies=[body.decode() for body in bodies],
    )


def _begin(waiting: selectors.BaseSelector, port: int, clients: int, left: Iterator[bytes]) -> None:
    for _, data in zip(range(clients), left):
        connection = socket.create_connection((HOST, port), timeout=_PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        visit = _Visit(connection=connection)
        waiting.register(connection, selectors.EVENT_READ, visit)
        visit.send(data)


def _heard(visit: _Visit) -> tuple[int, bytes] | None:
    """Status and body, None while there is more to come; status 0 where the connection broke."""
    try:
        part = visit.connection.recv(65536)
        visit.received += part
        answer = answer_in(visit.received)
    except (OSError, Broken):
        return 0, b""
    if answer is not None:
        return answer[0], answer[2]
    return None if part else (0, b"")


def driven(port: int, requests: Sequence[bytes], *, clients: int, seconds: float, expected: int) -> Load:
    """The same, in a process of its own."""
    job = json.dumps({"port": port, "clients": clients, "seconds": seconds, "expected": expected})
    lengths = " ".join(str(len(one)) for one in requests)
    done = subprocess.run(
        [sys.executable, "-m", "bench.driver"],
        cwd=ROOT,
        input=f"{job}\n{lengths}\n".encode() + b"".join(requests),
        stdout=subprocess.PIPE,
        check=True,
    )
    return Load(**json.loads(done.stdout))


def main() -> None:
    """Read the job, do it, say what was seen."""
    job = json.loads(sys.stdin.buffer.readline())
    lengths = [int(length) for length in sys.stdin.buffer.readline().split()]
    requests = [sys.stdin.buffer.read(length) for length in lengths]
    json.dump(asdict(drive(job.pop("port"), requests, **job)), sys.stdout)


if __name__ == "__main__":
    main()
