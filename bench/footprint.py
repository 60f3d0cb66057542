"""How much there is of it: the package, the memory of the embedded run, and how soon it takes the first submission."""

from __future__ import annotations

import json
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bench import driver
from bench.figures import Figure
from bench.running import NAMES, Journal, Run, begun, running, until
from bench.submissions import confirmation, made
from infra.packaging.__main__ import build

PART = "footprint"
PACKAGES = {"deployment.zip": "code", "layer-deployment.zip": "layer"}
STARTS, QUICK_STARTS = 5, 2
WAITING, QUICK_WAITING = 1_000, 100
SETTLED_SECONDS = 3.0
DRAIN_SECONDS = 900.0
START_SECONDS = 60.0
MB = 2**20


def measure(quick: bool) -> Iterator[Figure]:
    """The package, made anew; starts on empty folders; one run, idle and then with approvals waiting."""
    yield from package()
    starts = [first_accepted() for _ in range(QUICK_STARTS if quick else STARTS)]
    yield Figure(part=PART, name="from the command of `make run` to the first 201", unit="s", runs=starts)
    yield from memory(QUICK_WAITING if quick else WAITING)


def package() -> Iterator[Figure]:
    """Sizes of what Lambda gets, zipped and unpacked."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        for file, name in PACKAGES.items():
            zipped, unpacked = sizes(Path(folder) / file)
            yield Figure(part=PART, name=f"{name}, zipped", unit="MB", runs=[zipped])
            yield Figure(part=PART, name=f"{name}, unpacked", unit="MB", runs=[unpacked])


def sizes(file: Path) -> tuple[float, float]:
    """Of a zip file and of what is in it, in MB."""
    with zipfile.ZipFile(file) as archive:
        return file.stat().st_size / MB, sum(one.file_size for one in archive.infolist()) / MB


def first_accepted() -> float:
    """Seconds from the command, on an empty folder, until the answer to a submission that was sent at once."""
    with begun() as run:
        status, body = _sent_as_soon_as_possible(run)
        took = time.monotonic() - run.began
        if status != 201:
            raise RuntimeError(f"the first submission was answered {status}: {json.loads(body)}")
        run.wait()
        return took


def _sent_as_soon_as_possible(run: Run) -> tuple[int, bytes]:
    """The port is open before anything answers at it."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client = driver.Client(run.port)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
            continue
        status, _, body = client.send(made())
        client.close()
        return status, body


def memory(waiting: int) -> Iterator[Figure]:
    """Resident memory of each process, idle and with so many approvals waiting."""
    with running() as run:
        time.sleep(SETTLED_SECONDS)
        idle = run.memory()
        requests = [made() for _ in range(waiting)]
        load = driver.driven(run.port, requests, clients=8, seconds=DRAIN_SECONDS, expected=201)
        journal = Journal(run.data)
        receipts = [json.loads(body) for body in load.bodies]
        until(lambda: len(journal.codes()) >= len(receipts), within=DRAIN_SECONDS, every=0.25)
        codes = journal.codes()
        confirming = [confirmation(one, codes[one["reference"]]) for one in receipts]
        driver.driven(run.port, confirming, clients=8, seconds=DRAIN_SECONDS, expected=200)
        journal = Journal(run.data)
        until(lambda: len(journal.asked()) >= len(load.milliseconds), within=DRAIN_SECONDS, every=0.25)
        time.sleep(SETTLED_SECONDS)
        busy = run.memory()
    if load.errors:
        raise RuntimeError(f"{load.errors} submissions were not accepted: {load.other}")
    for name in NAMES:
        yield Figure(part=PART, name=f"memory of {name}, idle", unit="MB", runs=[idle[name]])
        words = f"memory of {name}, {waiting:,} approvals waiting"
        yield Figure(part=PART, name=words, unit="MB", runs=[busy[name]])
    total = f"memory of all, {waiting:,} approvals waiting"
    yield Figure(part=PART, name="memory of all, idle", unit="MB", runs=[sum(idle.values())])
    yield Figure(part=PART, name=total, unit="MB", runs=[sum(busy.values())])
