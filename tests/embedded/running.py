"""The embedded run, started around a small app that has one background function of each kind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import psutil

from infra.local import environment, processes
from infra.local.options import ROOT

SMALL_APP = Path(__file__).with_name("small_app")


def eventually(fact: Callable[[], Any], *, within: float = 10.0) -> Any:
    """What `fact` gives once it gives something."""
    deadline = time.monotonic() + within
    while not (found := fact()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)
    return found


class Backend:
    """DynamoDB and the backend process, without the web."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.machine = env["STATE_MACHINE_ARN_PREFIX"] + "asking"

    def client(self, service: str) -> Any:
        endpoint = "AWS_ENDPOINT_URL_DYNAMODB" if service == "dynamodb" else "AWS_ENDPOINT_URL"
        return boto3.client(
            service,
            endpoint_url=self.env[endpoint],
            region_name=environment.REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def put(self, pk: str, **attributes: str) -> None:
        item = {"pk": {"S": pk}} | {name: {"S": value} for name, value in attributes.items()}
        self.client("dynamodb").put_item(TableName=self.env["TABLE_NAME"], Item=item)

    def get(self, pk: str) -> dict[str, str]:
        answer = self.client("dynamodb").get_item(TableName=self.env["TABLE_NAME"], Key={"pk": {"S": pk}})
        return {name: value["S"] for name, value in answer.get("Item", {}).items()}

    def start(self, name: str, **state: Any) -> str:
        state = {"asked": "lead", "wait": {"lead_seconds": 60, "deputy_seconds": 60}} | state
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=self.machine, name=name, input=json.dumps(state)
        )
        return str(answer["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        def end() -> Any:
            found = self.client("stepfunctions").describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        found: dict[str, Any] = eventually(end)
        return found


class Run:
    """`make run` around the small app."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = processes.free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._children: list[psutil.Process] = []
        self.process = self.start()

    @property
    def members(self) -> list[psutil.Process]:
        """The processes that it started and that are still there."""
        return [one for one in self._children if _is_there(one)]

    def start(self) -> subprocess.Popen[str]:
        self.process = started(PORT=str(self.port), DATA_DIR=str(self.data))
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "Ctrl-C" in line:
                self._children = psutil.Process(self.process.pid).children()
                return self.process
        raise AssertionError(self.process.communicate()[1])

    def stop(self, by: int = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(by)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


def _is_there(process: psutil.Process) -> bool:
    try:
        return process.is_running() and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def started(module: str = "infra.local.run", **settings: str) -> subprocess.Popen[str]:
    """The run as a process; nothing planted."""
    return subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**os.environ, "APP_DIR": str(SMALL_APP), "SEEDS_FILE": "", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
