"""Children that never outlive whoever started them, and the small questions asked of ports."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]
_PR_SET_PDEATHSIG = 1

# Looked up before any fork: between fork and exec, a child must not load libraries.
_PRCTL: Callable[..., int] | None = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class DidNotStart(Exception):
    """A server ended, or did not answer in time."""


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: IO[bytes] | int = subprocess.DEVNULL,
    stdin: int = subprocess.DEVNULL,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """A child in a session of its own, so that Ctrl-C reaches only us, and killed by Linux when we die.

    Linux takes the starting *thread* for the parent: call from a thread that lives as long as the child may.
    """
    return subprocess.Popen(
        list(command),
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=tuple(keep_open),
        preexec_fn=_die_with_parent,
    )


def _die_with_parent() -> None:
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def stop(process: subprocess.Popen[bytes], *, within: float = 5.0) -> int:
    """Ask, wait, then kill. Returns the exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def free_port() -> int:
    """A port that nobody listens on now; somebody else may still be quicker."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str, *, timeout: float = 2.0) -> bool:
    """Whether something at this address speaks HTTP and does not call itself broken (5xx)."""
    try:
        _direct().open(url, timeout=timeout).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False
    return True


def _direct() -> Any:
    # A proxy configured on the machine has no business between two of our own processes.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], *, within: float) -> bool:
    """Poll until ready; False once the process has ended or the time is over."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        if ready():
            return True
        time.sleep(0.02)
    return False


@contextmanager
def running(command: Callable[[int], Sequence[str]]) -> Iterator[str]:
    """A server on a free port for as long as the block lasts; yields its URL. Raises DidNotStart."""
    process, url = _start_on_a_free_port(command)
    try:
        yield url
    finally:
        stop(process)
        assert process.stdin is not None
        process.stdin.close()


def _start_on_a_free_port(command: Callable[[int], Sequence[str]]) -> tuple[subprocess.Popen[bytes], str]:
    for _ in range(3):  # somebody may take the port between our finding it and the server's binding it
        port = free_port()
        url = f"http://{HOST}:{port}"
        process = start(command(port), cwd=ROOT, stdin=subprocess.PIPE)
        if wait_until(lambda url=url: answers(url), process, within=10):  # type: ignore[misc]
            return process, url
        stop(process)
    raise DidNotStart("a server did not start; run it by hand to see why: " + " ".join(command(0)))


def begin_as_child() -> None:
    """What a Python child does first: log to stderr, and end with its supervisor."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    end_with_supervisor()


def end_with_supervisor() -> None:
    """For a child whose stdin is a pipe: end when its other end is gone, on systems without prctl too."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(3)

    threading.Thread(target=watch, name="supervisor watch", daemon=True).start()


def listening_socket(port: int) -> socket.socket:
    """A socket that takes connections from now on, for a child to inherit. Raises OSError if it is taken."""
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(512)
    except OSError:
        listening.close()
        raise
    return listening
