"""The load driver on real connections: each request once, every answer counted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench import driver
from infra.local import processes


def test_each_request_is_sent_once_and_what_else_comes_is_counted() -> None:
    heard: list[bytes] = []
    with serving({b"/refused": b"409 Conflict", b"/broken": b""}, heard) as port:
        paths = ["/ok/1", "/refused", "/ok/2", "/broken", "/ok/3", "/ok/4", "/ok/5"]
        sent = [driver.request("GET", path) for path in paths]
        load = driver.drive(port, sent, clients=3, seconds=30, expected=200)
    assert sorted(heard) == sorted(path.encode() for path in paths)
    assert len(load.milliseconds) == len(load.bodies) == 5
    assert load.other == {"409": 1, "0": 1}
    assert load.errors == 2


def test_no_more_is_sent_once_the_time_is_over() -> None:
    heard: list[bytes] = []
    with serving({}, heard) as port:
        sent = [driver.request("GET", f"/{number}") for number in range(9)]
        load = driver.drive(port, sent, clients=2, seconds=0, expected=200)
    assert len(heard) == len(load.milliseconds) == 2


@contextmanager
def serving(answers: dict[bytes, bytes], heard: list[bytes]) -> Iterator[int]:
    """Answers 200, or what is said for a path; with nothing said, the connection ends."""
    listening = processes.listening_socket(0)

    def serve(connection: socket.socket) -> None:
        with connection:
            while request := connection.recv(65536):
                path = request.split(b" ")[1]
                heard.append(path)
                status = answers.get(path, b"200 OK")
                if not status:
                    return
                connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n")
                connection.sendall(b"{}")

    def accept() -> None:
        try:
            while True:
                threads.append(threading.Thread(target=serve, args=(listening.accept()[0],)))
                threads[-1].start()
        except OSError:
            pass

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)
        listening.close()
