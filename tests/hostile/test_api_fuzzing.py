"""Every operation of the API's own OpenAPI document, tried by schemathesis on the running service: no 5xx, and every
answer as the document declares it. As nobody, as staff, and as somebody who was asked to decide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.options import ROOT
from tests.whole.visitor import LEAD, Browser, Service, asked, submit, task_link

PROVE = bool(os.environ.get("PROVE"))
EXAMPLES = 200 if PROVE else 6
"""For each operation and caller, at most."""

PHASES = "examples,coverage,fuzzing" if PROVE else "fuzzing"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("hostile")]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A run in which there is something to find: claims, one with its task, and who was asked."""

    service: Service
    session: str
    known: Mapping[str, list[str]]


@pytest.fixture(scope="module")
def scene(service: Service) -> Scene:
    receipts = [submit(service) for _ in range(3)]
    mails = [service.mail(LEAD, asked(receipt["reference"])) for receipt in receipts]
    lead = Browser(service.address)
    lead.sign_in(service, LEAD)
    tasks = [task_link(mail["text"]).rpartition("/")[2] for mail in mails]
    known = {
        "form": ["funding-claim", "idea"],
        "token": [receipt["status_url"].rpartition("/")[2] for receipt in receipts],
        "reference": [receipt["reference"] for receipt in receipts],
        "task": tasks,
        "fund": ["ptf"],
        "seen": [lead.get(f"/api/v1/tasks/{task}")[1]["seen"] for task in tasks],
    }
    return Scene(
        service=service,
        session={one.name: one.value or "" for one in lead.cookies}["session"],
        known=known,
    )


@pytest.mark.parametrize("who", ["nobody", "staff", "asked"] if PROVE else ["each in turn"])
def test_every_operation_answers_as_its_document_says(scene: Scene, who: str, tmp_path: Path) -> None:
    callers: dict[str, dict[str, str]] = {
        "nobody": {},
        "staff": scene.service.as_staff,
        "asked": {"Cookie": f"session={scene.session}"},
    }
    report = tried(scene, tmp_path, [callers[who]] if who in callers else [*callers.values()])
    told, failures = report["test_cases"], report["failures"]
    print(
        f"\nas {who}: {report['operations']['tested']} operations, {told['generated']} cases,"
        f" {report['running_time']:.0f} s, {dict(sorted(statuses(tmp_path).items()))}"
    )
    assert not failures and report["exit_code"] == 0, json.dumps(report, indent=1)[:20_000]
    assert report["operations"]["tested"] == report["operations"]["total"] > 10
    assert told["generated"] >= report["operations"]["total"]
    status, _ = Browser(scene.service.address).get("/health")
    assert status == 200
    submit(scene.service, claimant_email="after-fuzzing@example.police.uk")


def tried(scene: Scene, folder: Path, callers: list[dict[str, str]]) -> dict[str, Any]:
    """What schemathesis reports. In a process of its own: it brings its own warnings and its own pytest plugin."""
    ran = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "schemathesis.cli",
                "run",
                f"{scene.service.address}/api/v1/openapi.json",
            ),
            *("--phases", PHASES, "--max-examples", str(EXAMPLES), "--checks", ",".join(CHECKS)),
            *(
                "--generation-deterministic",
                "--continue-on-failure",
                "--no-color",
                "--no-shrink",
                "--warnings",
                "off",
            ),
            *("--request-timeout", "10", "--suppress-health-check", "all"),
            *("--report", "json,ndjson", "--report-json-path", str(folder / "report.json")),
            *("--report-ndjson-path", str(folder / "events.ndjson")),
        ],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.hostile.api_hooks",
            "HOSTILE_KNOWN": json.dumps(scene.known),
            "HOSTILE_CALLERS": json.dumps(callers),
        },
        capture_output=True,
        text=True,
    )
    assert (folder / "report.json").exists(), ran.stdout[-3000:] + ran.stderr[-3000:]
    return dict(json.loads((folder / "report.json").read_text()))


def statuses(folder: Path) -> Counter[int]:
    """How often each status was answered."""
    found: Counter[int] = Counter()
    with (folder / "events.ndjson").open() as events:
        for line in events:
            count(json.loads(line), found)
    return found


def count(event: Any, found: Counter[int]) -> None:
    """Add the statuses of the responses in an event, wherever they stand."""
    if isinstance(event, list):
        for one in event:
            count(one, found)
    elif isinstance(event, dict):
        if isinstance(event.get("status_code"), int) and "headers" in event:
            found[event["status_code"]] += 1
        for one in event.values():
            count(one, found)
