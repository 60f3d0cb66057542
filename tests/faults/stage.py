"""The stage of the sweep: dynoxide and moto in processes of their own, a line that can be cut before each, and the
product's functions behind them. What is checked is read from dynoxide directly."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from chalicelib.adapters.dynamodb import private, tables
from chalicelib.adapters.dynamodb.accounts import DynamoAccounts
from chalicelib.adapters.dynamodb.funds import DynamoFunds
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.domain.people.accounts import new_session, session_secret
from infra.local import cloud, environment, processes, seeds
from infra.local.dynoxide import running_dynoxide
from infra.local.options import ROOT
from tests.builders import MAC_KEY
from tests.faults.proxy import Call, Line, Rule, Switch
from tests.table import create_table_without_stream

CHANCE = "the-sweep"
"""What the sessions of the sweep begin with."""


def cookie_of(person_id: str) -> str:
    """What the browser of somebody sends, who is signed in throughout."""
    return f"session={session_secret(CHANCE, person_id)}"


SIGNING_KEY = "a key that only the fault sweep signs with"


@dataclass
class Outcome:
    """What became of a deed."""

    result: Any = None
    raised: str = ""
    died: bool = False

    @property
    def status(self) -> int:
        """Of an HTTP answer; 0 where there was none."""
        return int(self.result["status"]) if isinstance(self.result, dict) and "status" in self.result else 0


class Worker:
    """The process that forks the product's functions."""

    def __init__(self, env: dict[str, str]) -> None:
        self._child = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._read() == {"ready": True}

    def do(self, deed: str, **arguments: Any) -> Outcome:
        """In a process of its own, which may be killed meanwhile."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"deed": deed, **arguments}) + "\n")
        self._process.stdin.flush()
        self._child = self._read()["process"]
        told = self._read()
        if "died" in told:
            return Outcome(died=True)
        return Outcome(result=told.get("result"), raised=told.get("raised", ""))

    def kill(self) -> None:
        """SIGKILL whoever is at it, and wait until it is gone."""
        child, self._child = self._child, 0
        if child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            while _is_alive(child):
                time.sleep(0.001)

    def end(self) -> None:
        """No more deeds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()  # where it has not ended by itself
            self._process.stdout.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the worker is gone"
        found: dict[str, Any] = json.loads(line)
        return found


@dataclass
class Stage:
    """All of it. `switch` knows every call that went by."""

    worker: Worker
    switch: Switch

    def do(self, deed: str, rule: Rule | None = None, **arguments: Any) -> Outcome:
        """A deed under a rule, or undisturbed."""
        self.switch.begin(rule)
        return self.worker.do(deed, **arguments)

    def new_chapter(self) -> None:
        """Forget the calls that went by: another submission begins."""
        self.switch.calls.clear()

    def now(self) -> datetime:
        """As the worker's clock has it."""
        return datetime.now(timezone.utc)

    def started(self, reference: str = "") -> dict[str, dict[str, Any]]:
        """The executions of this chapter, of a submission where it is named, by their names, with their input."""
        calls = self._taken("StepFunctions.StartExecution")
        asked = (json.loads(call.body) for call in calls)
        found = {one["name"]: json.loads(one["input"]) for one in asked}
        return {name: given for name, given in found.items() if name.startswith(reference)}

    def mailed(self, about: str, *, to: str = "") -> list[str]:
        """The notification ids of the chapter's mails that SES took, whose id holds this; to one address, where it is
        named."""
        bodies = (parse_qs(call.body.decode()) for call in self._taken("SES.SendRawEmail"))
        mails = (message_from_bytes(b64decode(body["RawMessage.Data"][0])) for body in bodies)
        theirs = [mail for mail in mails if to in ("", mail["To"])]
        return [one for mail in theirs if about in (one := str(mail["X-Notification-Id"]))]

    def _taken(self, name: str) -> list[Call]:
        return [call for call in self.switch.calls if call.name == name and call.status == 200]


def _is_alive(process: int) -> bool:
    """A process that has ended and is not waited for yet has no command line; it may go between open and read."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextlib.contextmanager
def open_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Everything started and planted; taken down afterwards."""
    switch = Switch()
    port = processes.free_port()
    moto = processes.start(
        [sys.executable, "-m", "moto.server", "-H", processes.HOST, "-p", str(port)], cwd=ROOT
    )
    url = f"http://{processes.HOST}:{port}"
    try:
        with running_dynoxide(tmp_path / "table.db") as dynamodb:
            assert processes.wait_until(lambda: processes.answers(url), moto, within=30)
            with Line(dynamodb, switch) as to_dynamodb, Line(url, switch) as to_moto:
                _prepare(monkeypatch, dynamodb, url)
                worker = Worker(_environment(to_dynamodb.url, to_moto.url))
                switch.kill = worker.kill
                try:
                    yield Stage(worker, switch)
                finally:
                    worker.end()
    finally:
        processes.stop(moto)
        private.forget_connection(tables.Row)


def _environment(dynamodb: str, cloud_url: str) -> dict[str, str]:
    return {
        **environment.for_children(
            os.environ,
            base_url="http://127.0.0.1:8000",
            signing_keys=f"k1:{SIGNING_KEY}",
            timeline_keys={"MAC_KEYS": MAC_KEY, "ROOT_KEYS": "file:none"},
            dynamodb=dynamodb,
            cloud=cloud_url,
        ),
        "RELAY_GRACE_SECONDS": "60",
        "UNDO_SECONDS": "0",
        "SOURCE_QUOTA": "1000000",
    }


def _prepare(monkeypatch: pytest.MonkeyPatch, dynamodb: str, cloud_url: str) -> None:
    """Tables, people, a fund and state machines, past the lines that can be cut."""
    for name, value in _environment(dynamodb, cloud_url).items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    tables.connect(environment.TABLE)
    create_table_without_stream()
    planted = seeds.read(Path(seeds.__file__).with_name("seeds.json"))
    people = [one for one in seeds.people(planted) if {held.at for held in one.roles} & {"kent", "national"}]
    DynamoPeople().register(people)
    DynamoFunds().open_fund("ptf", name="the test fund", total_pence=10**12, caps={"kent": 10**12})
    for person in people:
        secret = session_secret(CHANCE, person.id)
        now = datetime.now(timezone.utc)
        DynamoAccounts().add_session(new_session(secret, person.id, csrf="csrf", now=now))
    from app import app

    cloud.prepare(app, "share-your-knowledge@example.org")
