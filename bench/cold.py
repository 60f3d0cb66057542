"""Cold starts: CPU and time on the clock of a fresh process up to its first answer.

What runs is the package that Lambda gets, unpacked, by the handlers that Lambda calls; DynamoDB is dynoxide, and what
stands in for Step Functions and SES answers at once. All processes of a run, floors included, come in a shuffled order,
one at a time. Their modules are in the page cache: what a cold disk costs is not ours to change.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chalice

from bench.figures import Figure, Goal
from bench.machine import ROOT
from bench.serving import StandIn, serving
from infra.local import environment
from infra.local.dynoxide import running_dynoxide
from infra.packaging.__main__ import build

PART = "cold start"
RUNS, QUICK_RUNS = 15, 3
GOAL = Goal(limit=1.25, of_ratio=True)
FLOOR = "floor"
PACKAGED = "packaged floor"


@dataclass(frozen=True, kw_only=True)
class Start:
    """One way in: its handler, and the floor of the packaged libraries with the second AWS client, or with Jinja, where
    it cannot do without."""

    name: str
    handler: str
    events: str
    own_floor: str = PACKAGED


STARTS = (
    Start(name="a claim by the API", handler="app.app", events="intake"),
    Start(name="an approver's page", handler="app.app", events="page", own_floor="packaged floor with Jinja"),
    Start(name="ask_approver", handler="app.ask_approver", events="ask"),
    Start(
        name="relay_workflow",
        handler="app.relay_workflow",
        events="workflow",
        own_floor="packaged floor with Step Functions",
    ),
    Start(name="relay_mail", handler="app.relay_mail", events="mail", own_floor="packaged floor with SES"),
)
FLOORS = (FLOOR, *sorted({start.own_floor for start in STARTS}))
INSTALLED = Path(chalice.__file__).resolve().parents[1]
"""The libraries as pip installs them, compiled; those of the package have less data and start faster."""


@dataclass(frozen=True)
class Cost:
    """Of one process: milliseconds of CPU, user and system, and on the clock."""

    cpu: float
    clock: float


Costs = Mapping[str, Sequence[Cost]]


def measure(quick: bool) -> Iterator[Figure]:
    """CPU and clock of every start over the floor; then CPU over a floor of the libraries as we package them."""
    count = QUICK_RUNS if quick else RUNS
    with tempfile.TemporaryDirectory(prefix="cold-") as folder:
        costs = all_costs(count, unpack(Path(folder)))
    for start in STARTS:
        for name, get in (("CPU", "cpu"), ("clock", "clock")):
            yield Figure(
                part=PART,
                name=f"{start.name}, {name} to the first answer",
                unit="ms",
                runs=[getattr(cost, get) for cost in costs[start.name]],
                floor=[getattr(cost, get) for cost in costs[FLOOR]],
                floor_name="Chalice, PynamoDB, one call",
                goal=GOAL,
            )
    for start in STARTS:
        yield Figure(
            part=PART,
            name=f"{start.name}, CPU, beside what it cannot do without",
            unit="ms",
            runs=[cost.cpu for cost in costs[start.name]],
            floor=[cost.cpu for cost in costs[start.own_floor]],
            floor_name=start.own_floor,
        )


def all_costs(count: int, package: Sequence[Path]) -> Costs:
    """`count` runs of every start and every floor, in one shuffled order, after one run of each that does not count."""
    names = (*(start.name for start in STARTS), *FLOORS)
    turns = [(name, number) for name in names for number in range(1, count + 1)]
    random.Random(count).shuffle(turns)
    costs: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory() as folder, running_dynoxide() as dynamodb, stand_in() as cloud:
        env = environ(dynamodb, cloud)
        asked = events(count + 1, Path(folder) / "events.json", env)
        for name, number in [*((name, 0) for name in names), *turns]:
            start = next((one for one in STARTS if one.name == name), None)
            file = Path(folder) / "event.json"
            file.write_text(json.dumps(asked[start.events][number] if start else {}), encoding="utf-8")
            places = [INSTALLED] if name == FLOOR else package
            cost = run(start.handler if start else name, file, places, env)
            if number:
                costs.setdefault(name, []).append(cost)
    return costs


def run(what: str, file: Path, places: Sequence[Path], env: Mapping[str, str]) -> Cost:
    """One process. Its CPU is all that the system counted for it, the interpreter's own start included."""
    command = [sys.executable, *command_of(what, file, places)]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=dict(env), cwd=places[0], stdout=subprocess.PIPE)
    assert process.stdout is not None
    answered = process.stdout.readline()
    clock = time.perf_counter() - began
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if answered != b"answered\n":
        raise RuntimeError(f"{what} did not answer; it ended with status {process.returncode}")
    return Cost((used.ru_utime + used.ru_stime) * 1e3, clock * 1e3)


def command_of(what: str, file: Path, places: Sequence[Path]) -> list[str]:
    """For a Python that knows nothing but its own library and the package."""
    script = Path(__file__).with_name("cold_process.py")
    return ["-I", "-S", "-B", str(script), what, str(file), *map(str, places)]


def unpack(folder: Path) -> list[Path]:
    """The package, made and unpacked as Lambda has it."""
    made = folder / "made"
    made.mkdir()
    build(made)
    for zipped, place in (("deployment.zip", "task"), ("layer-deployment.zip", "opt")):
        with zipfile.ZipFile(made / zipped) as archive:
            archive.extractall(folder / place)
    (packages,) = (folder / "opt" / "python" / "lib").glob("python*/site-packages")
    return [folder / "task", packages]


_KEY = "arn:aws:kms:eu-west-2:123456789012:key/"


def environ(dynamodb: str, cloud: str) -> dict[str, str]:
    """The settings and the addresses of a service, and nothing of this machine's own."""
    return environment.for_children(
        {"PATH": os.environ["PATH"], "UNDO_SECONDS": "600"},
        base_url="http://127.0.0.1:8000",
        signing_keys="k1:" + "s" * 40,
        timeline_keys={"MAC_KEYS": f"kms:{_KEY}mac", "ROOT_KEYS": f"kms:{_KEY}root"},
        dynamodb=dynamodb,
        cloud=cloud,
    )


def events(count: int, file: Path, env: Mapping[str, str]) -> dict[str, list[Any]]:
    """Plant a table; so many events of each kind to be asked with, and others (bench/cold_scene.py)."""
    command = [sys.executable, "-m", "bench.cold_scene", str(count), str(file)]
    vendor = os.pathsep.join([str(ROOT), str(ROOT / "vendor")])
    subprocess.run(command, env={**env, "PYTHONPATH": vendor}, cwd=ROOT, check=True)
    found: dict[str, list[Any]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def stand_in() -> AbstractContextManager[str]:
    """Says yes for Step Functions, SES and KMS; of files there are none. Yields its address."""
    return serving(_SaysYes)


class _SaysYes(StandIn):
    def do_POST(self) -> None:  # noqa: N802
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("X-Amz-Target", "").startswith("AWSStepFunctions."):
            arn = "arn:aws:states:eu-west-2:123456789012:execution:a:b"
            body = json.dumps({"executionArn": arn, "startDate": 0, "executions": []}).encode()
        elif self.headers.get("X-Amz-Target", "").startswith("TrentService."):
            signed = {"Mac": "AAAA", "Signature": "AAAA"}
            body = json.dumps({"MacValid": True, "SignatureValid": True, **signed}).encode()
        else:
            body = (
                b'<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendRawEmailResult>'
                b"<MessageId>1</MessageId></SendRawEmailResult></SendRawEmailResponse>"
            )
        self.reply(200, body)

    def do_GET(self) -> None:  # noqa: N802
        self.reply(200, b"<ListBucketResult></ListBucketResult>")

    def do_PUT(self) -> None:  # noqa: N802
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(200, b"")
