"""The embedded run, started for measuring: a data folder and a port of its own, and what each process uses."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from infra.local.mailbox import as_read
from infra.local.options import ROOT
from infra.local.processes import free_port

SAYS_IT_RUNS = "Ctrl-C"
NAMES = ("web", "backend", "dynoxide")
"""Of the processes that do the work; the supervisor only looks after them."""

_ASKED = re.compile(rb'\{"id":"mail\.asked\.([a-z-]+\.[A-Z]{3}-[0-9A-Z]{4}-[0-9A-Z]{4}\.[0-9]+)')


class Run:
    """A run from its command on, which was given at `began` (`time.monotonic`). Wait before asking anything else."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.began = time.monotonic()
        self._supervisor = subprocess.Popen(
            [sys.executable, "-m", "infra.local.run"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(self.port), "DATA_DIR": str(data), "UNDO_SECONDS": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes: dict[str, psutil.Process] = {}

    def wait(self) -> None:
        """Until it says that it runs."""
        assert self._supervisor.stdout is not None
        for line in self._supervisor.stdout:
            if SAYS_IT_RUNS in line:
                self.processes = found(psutil.Process(self._supervisor.pid))
                return
        raise RuntimeError(f"the run did not start: {self._supervisor.communicate()[1]}")

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each process so far."""
        return {name: cpu_seconds(process) for name, process in self.processes.items()}

    def memory(self) -> dict[str, float]:
        """Resident memory of each process now, in MB."""
        return {name: process.memory_info().rss / 2**20 for name, process in self.processes.items()}

    def environment(self) -> dict[str, str]:
        """What the web process was started with: settings, and the addresses of the run's own AWS."""
        return dict(self.processes["web"].environ())

    def stop(self) -> None:
        """Ctrl-C, and wait for the end."""
        if self._supervisor.poll() is None:
            self._supervisor.send_signal(signal.SIGINT)
        self._supervisor.communicate(timeout=30)


class Journal:
    """The mail of a run, read from its file: what people were sent, without asking the processes that are measured."""

    def __init__(self, data: Path) -> None:
        self._path = data / "mail.jsonl"
        self._seen = 0
        self._asked: set[str] = set()
        self._codes: dict[str, str] = {}

    def added(self) -> list[bytes]:
        """The mails that came since the last look, oldest first, each as JSON."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._seen)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._seen += len(whole)
        return whole.splitlines()

    def codes(self) -> dict[str, str]:
        """The codes that were mailed so far, by the reference that the mail is about."""
        for mail in self.added():
            self._codes.update([read] if (read := read_code(mail)) else [])
        return dict(self._codes)

    def tasks(self) -> list[str]:
        """Ids of the tasks about which somebody was mailed since the last look."""
        return [task for task in map(read_task, self.added()) if task]

    def asked(self) -> set[str]:
        """References of all submissions about which somebody was mailed so far."""
        self._asked.update(task.split(".")[1] for task in self.tasks())
        return self._asked.copy()


def read_task(mail: bytes) -> str:
    """The id of the task that a mail asks somebody to decide; empty for any other."""
    match = _ASKED.match(mail)
    return match[1].decode() if match else ""


def read_code(mail: bytes) -> tuple[str, str] | None:
    """Reference and code of a mail with which somebody confirms what they sent; None of any other."""
    if not mail.startswith(b'{"id":"mail.confirm.'):
        return None
    read = as_read(json.loads(mail))
    code = re.search(r"(?m)^ +([0-9A-Z]{6,10})$", read["text"])
    assert code is not None, "it holds no code"
    return read["subject"].partition(":")[0], code[1]


@contextmanager
def running() -> Iterator[Run]:
    """A run on an empty folder, for as long as the block lasts. Decisions count at once."""
    with begun() as run:
        run.wait()
        yield run


@contextmanager
def begun() -> Iterator[Run]:
    """The same, not waited for."""
    data = Path(tempfile.mkdtemp(prefix="bench-"))
    run = Run(data)
    try:
        yield run
    finally:
        run.stop()
        shutil.rmtree(data, ignore_errors=True)


def found(supervisor: psutil.Process) -> dict[str, psutil.Process]:
    """The processes that the supervisor started, by the name of what each is."""
    named = {name_of(child.cmdline()): child for child in supervisor.children()}
    return {name: named[name] for name in NAMES}


def name_of(command: list[str]) -> str:
    """What a command line starts; empty where it is none of ours."""
    text = " ".join(command)
    marks = {"web": "infra.local.web", "backend": "infra.local.backend", "dynoxide": "dynoxide"}
    return next((name for name, mark in marks.items() if mark in text), "")


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of all its threads."""
    times = process.cpu_times()
    return float(times.user + times.system)


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each process used between two readings."""
    return {name: after[name] - before[name] for name in before}


def until(fact: Callable[[], bool], *, within: float, every: float = 0.05) -> float:
    """Wait for the fact; how many seconds that took. Raises TimeoutError."""
    began = time.monotonic()
    while not fact():
        if time.monotonic() - began > within:
            raise TimeoutError(f"did not happen within {within:.0f} s")
        time.sleep(every)
    return time.monotonic() - began
