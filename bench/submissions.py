"""Submissions over real HTTP to the embedded run: how many, how fast, at what cost, beside the bare transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from bench import driver, floor
from bench.figures import Figure, Goal
from bench.generate import answers
from bench.running import Journal, Run, running, spent, until

PART = "submissions"
FORM = "funding-claim"
PATH = f"/api/v1/forms/{FORM}/submissions"
CLIENTS = (1, 8, 32)
MAIN = 8
"""The number of clients that the goals are for, and after which all that was accepted must be asked."""

RUNS, SECONDS, FLOOR_SECONDS, WARM_UP_SECONDS = 5, 10.0, 5.0, 1.5
QUICK_SECONDS = 3.0
MOST_A_SECOND = 900
"""Requests made beforehand for each second: more than are ever answered."""

DRAIN_SECONDS = 900.0
N8N, ODK = 18.0, 206.0
"""Submissions a second with 8 clients, measured on two such cores: n8n 2.40 as it comes, and ODK Central, which
stores and asks nobody."""

_numbers = count(1)


class Lost(Exception):
    """Something that was accepted was not asked, or came twice."""


@dataclass(frozen=True, kw_only=True)
class Burst:
    """One burst of submissions with its floor. CPU in seconds, memory in MB, by process."""

    load: driver.Load
    floor: floor.Floor
    cpu: dict[str, float]
    memory: dict[str, float]
    memory_after: dict[str, float]
    drained: Drained | None = None

    def cpu_ms(self, process: str) -> float:
        """For each accepted submission."""
        return self.cpu[process] / len(self.load.milliseconds) * 1e3


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What became of the backlog: submissions that were asked after the burst, and how long that took."""

    asked: int
    seconds: float


def measure(quick: bool) -> Iterator[Figure]:
    """Each number of clients, in fresh runs."""
    for clients in CLIENTS:
        bursts = [
            burst(clients, quick=quick, drains=clients == MAIN and number == 0)
            for number in range(1 if quick else RUNS)
        ]
        yield from figures(clients, bursts)


def figures(clients: int, bursts: Sequence[Burst]) -> Iterator[Figure]:
    """What the bursts of one number of clients came to."""
    is_main = clients == MAIN
    who = f"{clients} client{'s' if clients > 1 else ''}"

    def figure(name: str, unit: str, runs: Sequence[float], **more: Any) -> Figure:
        return Figure(part=PART, name=f"{who}: {name}", unit=unit, runs=runs, **more)

    rates = [one.load.per_second for one in bursts]
    yield figure(
        "accepted",
        "/s",
        rates,
        floor=[one.floor.per_second for one in bursts],
        floor_name="bare transaction",
        goal=Goal(limit=300, at_least=True) if is_main else None,
    )
    for part in (50, 95, 99):
        yield figure(f"p{part}", "ms", [one.load.percentile(part) for one in bursts])
    goal = Goal(limit=0) if is_main else None
    yield figure("errors", "", [float(one.load.errors + one.floor.failed) for one in bursts], goal=goal)
    yield figure(
        "CPU of the web process for each",
        "ms",
        [one.cpu_ms("web") for one in bursts],
        floor=[one.floor.cpu_ms for one in bursts],
        floor_name="bare transaction, client",
        goal=Goal(limit=1.5, of_ratio=True) if is_main else None,
    )
    yield figure("CPU of dynoxide for each", "ms", [one.cpu_ms("dynoxide") for one in bursts])
    yield figure("CPU of the backend for each", "ms", [one.cpu_ms("backend") for one in bursts])
    drivers = [one.load.cpu_seconds / len(one.load.milliseconds) * 1e3 for one in bursts]
    yield figure("CPU of the driver for each", "ms", drivers)
    yield figure(
        "memory of the web process after",
        "MB",
        [one.memory_after["web"] for one in bursts],
        floor=[one.memory["web"] for one in bursts],
        floor_name="before",
        goal=Goal(limit=1.05, of_ratio=True) if is_main else None,
    )
    if is_main:
        yield Figure(
            part=PART, name="the same beside n8n", unit="/s", runs=rates, floor=[N8N], floor_name="n8n 2.40"
        )
        yield Figure(
            part=PART,
            name="the same beside ODK",
            unit="/s",
            runs=rates,
            floor=[ODK],
            floor_name="ODK Central",
        )
        drained = [one.drained for one in bursts if one.drained]
        yield figure("codes mailed afterwards, none lost", "/s", [one.asked / one.seconds for one in drained])


def burst(clients: int, *, quick: bool, drains: bool) -> Burst:
    """A fresh run: warm-up, the floor, the burst. While both are measured, the backend has more to do than it can."""
    seconds = QUICK_SECONDS if quick else SECONDS
    requests = [made() for _ in range(int((seconds + WARM_UP_SECONDS) * MOST_A_SECOND))]
    with running() as run:
        warm_up = int(WARM_UP_SECONDS * MOST_A_SECOND)
        first = driver.driven(
            run.port, requests[:warm_up], clients=clients, seconds=WARM_UP_SECONDS, expected=201
        )
        bare = floor.measured(
            run.environment(),
            FORM,
            answers(FORM, next(_numbers)),
            threads=clients,
            seconds=min(seconds, FLOOR_SECONDS),
            most=int(FLOOR_SECONDS * MOST_A_SECOND),
        )
        cpu, memory = run.cpu(), run.memory()
        load = driver.driven(run.port, requests[warm_up:], clients=clients, seconds=seconds, expected=201)
        return Burst(
            load=load,
            floor=bare,
            cpu=spent(cpu, run.cpu()),
            memory=memory,
            memory_after=run.memory(),
            drained=drained(run, [first, load]) if drains else None,
        )


def made() -> bytes:
    """A submission that was never sent before, under a key of its own."""
    number = next(_numbers)
    return driver.request("POST", PATH, answers(FORM, number), Idempotency_Key=f"bench-{number}")


def confirmation(receipt: Mapping[str, Any], code: str) -> bytes:
    """The request that confirms a submission."""
    return driver.request("POST", urlsplit(receipt["confirm_url"]).path, {"code": code})


def drained(run: Run, loads: Sequence[driver.Load]) -> Drained:
    """Wait until the code of every submission that was accepted was mailed. The floor's transactions are in the same
    backlog, and count in the rate. Raises Lost."""
    accepted = [json.loads(body)["reference"] for load in loads for body in load.bodies]
    if len(set(accepted)) != len(accepted):
        raise Lost("a reference was given twice")
    wanted = set(accepted)
    journal = Journal(run.data)
    before = len(journal.codes())
    try:
        seconds = until(lambda: wanted <= journal.codes().keys(), within=DRAIN_SECONDS, every=0.25)
    except TimeoutError:
        lost = len(wanted - journal.codes().keys())
        raise Lost(f"the codes of {lost} of {len(wanted)} were not mailed") from None
    return Drained(asked=len(journal.codes()) - before, seconds=seconds)
