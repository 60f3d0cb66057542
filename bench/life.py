"""The whole life of a claim over real HTTP: form, two approvals, approved. How many a second, and how long people wait.

Eight claimants at once, each with an approver of their own force; the programme manager approves after all of them.
Everybody is signed in before the clock starts, and acts as soon as their mail has come.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from bench import driver
from bench.figures import Figure, Goal
from bench.generate import FORCES, answers
from bench.running import Journal, Run, read_code, read_task, running, spent, until
from bench.submissions import confirmation
from infra.local.mailbox import as_read

PART = "whole life"
FORM = "funding-claim"
PROGRAMME = "programme.manager@example.org"
AT_ONCE = 8
RUNS, SECONDS, WARM_UP_SECONDS = 3, 10.0, 2.0
QUICK_SECONDS = 4.0
PATIENCE = 60.0
PENCE = 1_000
"""Of each claim: the caps must not be met, and two stages decide what is under £5,000."""

N8N, ODK = 5.6, 87.0
"""From submission to decided, claims a second with 8 clients, measured on two such cores."""

_numbers = count(1)


class Wrong(Exception):
    """An answer was not what it must be."""


@dataclass(kw_only=True)
class Life:
    """When each step of one claim was over, in seconds from when the claim was sent."""

    accepted: float = 0.0
    asked: float = 0.0
    decided: float = 0.0
    visible: float = 0.0
    approved: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Lives:
    """Claims that came to their end within one measurement. CPU in seconds, by process."""

    lives: Sequence[Life]
    seconds: float
    cpu: dict[str, float]

    @property
    def per_second(self) -> float:
        """Claims approved."""
        return len(self.lives) / self.seconds

    def median_ms(self, step: str) -> float:
        """From the sending of the claim until this step was over."""
        return driver.percentile([getattr(life, step) for life in self.lives], 50) * 1e3


def measure(quick: bool) -> Iterator[Figure]:
    """Eight at once, then one alone."""
    runs = range(1 if quick else RUNS)
    seconds = QUICK_SECONDS if quick else SECONDS
    several = [lived(AT_ONCE, seconds) for _ in runs]
    rates = [one.per_second for one in several]
    yield _figure(f"{AT_ONCE} at once: approved", "claims/s", rates, goal=Goal(limit=12, at_least=True))
    yield _figure("the same, stretch", "claims/s", rates, goal=Goal(limit=30, at_least=True))
    yield _figure("the same beside n8n", "claims/s", rates, floor=[N8N], floor_name="n8n 2.40")
    yield _figure("the same beside ODK", "claims/s", rates, floor=[ODK], floor_name="ODK Central")
    for process in ("web", "backend", "dynoxide"):
        used = [one.cpu[process] / len(one.lives) * 1e3 for one in several]
        yield _figure(f"{AT_ONCE} at once: CPU of {process} for each", "ms", used)
    alone = [lived(1, seconds) for _ in runs]
    for who, measured in ((f"{AT_ONCE} at once", several), ("one alone", alone)):
        for step, words in STEPS.items():
            yield _figure(f"{who}: until {words}", "ms", [one.median_ms(step) for one in measured])


STEPS = {
    "accepted": "the claim is accepted",
    "asked": "the first approver's mail is there",
    "decided": "their decision is stored",
    "visible": "the status page shows it",
    "approved": "the second decision is stored",
}


def _figure(name: str, unit: str, runs: Sequence[float], **more: Any) -> Figure:
    return Figure(part=PART, name=name, unit=unit, runs=runs, **more)


def lived(at_once: int, seconds: float) -> Lives:
    """In a fresh run, so many claimants at once for so long; claims under way at the end are brought to theirs, and
    counted with the time that they take."""
    with running() as run:
        post = Post(run)
        forces = FORCES[:at_once]
        leads = {force: session(run, f"lead.{force}@example.police.uk") for force in forces}
        manager = session(run, PROGRAMME)
        with post:
            for length in (WARM_UP_SECONDS, seconds):
                before = run.cpu()
                began = time.perf_counter()
                lives = _at_once(
                    [Claimant(run.port, post, force, leads[force], manager) for force in forces], length
                )
                took = time.perf_counter() - began
        return Lives(lives=lives, seconds=took, cpu=spent(before, run.cpu()))


def _at_once(claimants: Sequence[Claimant], seconds: float) -> list[Life]:
    ends = time.perf_counter() + seconds
    threads = [threading.Thread(target=one.live, args=(ends,)) for one in claimants]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in claimants:
        if one.failed is not None:
            raise one.failed
    return [life for one in claimants for life in one.lives]


@dataclass(kw_only=True)
class _Letter:
    came: threading.Event = field(default_factory=threading.Event)
    at: float = 0.0
    code: str = ""


class Post:
    """Brings the mails with codes, and those that ask somebody to decide, within milliseconds."""

    def __init__(self, run: Run) -> None:
        self._journal = Journal(run.data)
        self._letters: dict[str, _Letter] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._round = threading.Thread(target=self._go_round)

    def __enter__(self) -> Post:
        self._round.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._round.join()

    def wait(self, task: str) -> float:
        """When the mail about this task came (`time.perf_counter`)."""
        letter = self._letter(task)
        if not letter.came.wait(PATIENCE):
            raise Wrong(f"nobody was asked within {PATIENCE:.0f} s")
        return letter.at

    def code(self, reference: str) -> str:
        """The code with which a claim is confirmed, once it has come."""
        letter = self._letter(reference)
        if not letter.came.wait(PATIENCE):
            raise Wrong(f"no code was mailed within {PATIENCE:.0f} s")
        return letter.code

    def _letter(self, task: str) -> _Letter:
        with self._lock:
            return self._letters.setdefault(task, _Letter())

    def _go_round(self) -> None:
        while not self._stop.wait(0.003):
            for mail in self._journal.added():
                if asked := read_task(mail):
                    self._came(asked)
                elif read := read_code(mail):
                    self._came(read[0], code=read[1])

    def _came(self, name: str, *, code: str = "") -> None:
        letter = self._letter(name)
        letter.at, letter.code = time.perf_counter(), code
        letter.came.set()


class Claimant:
    """Sends one claim after the other, each once the one before is approved; decides in the approvers' names."""

    def __init__(self, port: int, post: Post, force: str, lead: str, manager: str) -> None:
        self._client = driver.Client(port)
        self._post = post
        self._force = force
        self._lead = lead
        self._manager = manager
        self.lives: list[Life] = []
        self.failed: Exception | None = None

    def live(self, ends: float) -> None:
        """Until the time is over."""
        try:
            while time.perf_counter() < ends:
                self.lives.append(self._one())
        except Exception as error:
            self.failed = error
        finally:
            self._client.close()

    def _one(self) -> Life:
        life, began = Life(), time.perf_counter()
        number = next(_numbers)
        receipt = self._call(
            "POST", f"/api/v1/forms/{FORM}/submissions", claim(number, self._force), expected=201
        )
        life.accepted = time.perf_counter() - began
        code = self._post.code(receipt["reference"])
        _, _, confirmed = self._client.send(confirmation(receipt, code))
        if json.loads(confirmed).get("status") != "submitted":
            raise Wrong(f"it was not confirmed: {confirmed[:300]!r}")
        task = f"{self._force}.{receipt['reference']}"
        life.asked = self._post.wait(f"{task}.1") - began
        self._decide(f"{task}.1", self._lead, "in-review")
        life.decided = time.perf_counter() - began
        _, _, page = self._client.send(
            driver.request("GET", f"/status/{receipt['status_url'].rpartition('/')[2]}")
        )
        if b"programme" not in page.lower():
            raise Wrong("the status page does not show the first decision")
        life.visible = time.perf_counter() - began
        self._post.wait(f"{task}.2")
        self._decide(f"{task}.2", self._manager, "approved")
        life.approved = time.perf_counter() - began
        return life

    def _decide(self, task: str, cookie: str, status: str) -> None:
        shown = self._call("GET", f"/api/v1/tasks/{task}", cookie=cookie)
        body = {"decision": "approve", "seen": shown["seen"]}
        outcome = self._call("POST", f"/api/v1/tasks/{task}/decision", body, cookie=cookie)
        if outcome["status"] != status:
            raise Wrong(f"it is {outcome['status']}")

    def _call(
        self, method: str, path: str, body: Any = None, *, cookie: str = "", expected: int = 200
    ) -> Any:
        headers = {"Cookie": cookie} if cookie else {}
        status, _, answer = self._client.send(driver.request(method, path, body, **headers))
        if status != expected:
            raise Wrong(f"{method} {path}: {status} {answer[:300]!r}")
        return json.loads(answer)


def claim(number: int, force: str) -> dict[str, Any]:
    """A small claim of this force."""
    line = {"description": "Hire of the hall", "category": "venue-hire", "amount_pence": PENCE}
    return {**answers(FORM, number), "force": force, "cost_lines": [line]}


def session(run: Run, address: str) -> str:
    """The cookie of somebody who has typed the code that was mailed to them."""
    journal = Journal(run.data)
    journal.added()
    client = driver.Client(run.port)
    asked = _post_form(client, "/sign-in", {"address": address})
    codes: list[str] = []

    def mailed() -> bool:
        codes.extend(_codes(journal, address))
        return bool(codes)

    until(mailed, within=PATIENCE)
    cookie = _post_form(client, "/sign-in/code", {"code": codes[-1]}, Cookie=asked)
    client.close()
    return cookie


def _codes(journal: Journal, address: str) -> list[str]:
    mails = [as_read(json.loads(mail)) for mail in journal.added()]
    found = [re.search(r"\b[0-9]{6}\b", mail["text"]) for mail in mails if mail["to"] == address]
    return [match[0] for match in found if match]


def _post_form(client: driver.Client, path: str, fields: dict[str, str], **headers: str) -> str:
    """The first cookie that the answer sets."""
    body = urlencode(fields)
    head = driver.request(
        "POST",
        path,
        Content_Type="application/x-www-form-urlencoded",
        Content_Length=str(len(body)),
        **headers,
    )
    status, answered, _ = client.send(head + body.encode())
    cookie = re.search(rb"(?im)^set-cookie: ([^;\r]+)", answered)
    if status != 303 or cookie is None:
        raise Wrong(f"POST {path}: {status}")
    return cookie[1].decode()
