"""The state machine, executed by moto's interpreter with a function that records how it was asked."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import boto3

from infra import machines
from infra.local import cloud

TODAY = machines.definition()
STAGES = ("force-lead", "programme", "finance")
TURNS = ("approver", "deputy", "coordinators")
PLACES = [(stage, turn) for stage in STAGES for turn in TURNS]
CHANGES = ("changes", "claimant")

Where = Mapping[str, Any]


def where(stage: str = "force-lead", asked: str = "approver", seconds: int = 60) -> Where:
    """The input of the machine, and the output of each of its steps."""
    return {
        "payload_version": 2,
        "force": "kent",
        "reference": "CLM-7K3F-9QXN",
        "round": 1,
        "stage": stage,
        "asked": asked,
        "wait": {f"{turn}_seconds": seconds for turn in (*TURNS, "claimant")},
    }


DONE = where("done")


class Machines:
    """The state machines in one moto. Each execution has a reference of its own, by which it is told from others."""

    def __init__(self) -> None:
        self.asked: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.refusing: dict[str, str] = {}
        """By stage, the name of the error that the function raises."""
        self.client = boto3.client("stepfunctions")
        self._role = boto3.client("iam").create_role(RoleName="test", AssumeRolePolicyDocument="{}")["Role"][
            "Arn"
        ]
        self._function = boto3.client("lambda").create_function(
            FunctionName="ask",
            Runtime="python3.11",
            Role=self._role,
            Handler="app.ask",
            Code={"ZipFile": cloud._empty_zip()},
        )["FunctionArn"]
        self._arns: dict[Path, str] = {}
        self._numbers = count(1)

    def record(self, event: Any = None) -> tuple[str, bool, str]:
        """Stands in for moto's call of the function."""
        payload = json.loads(event) if isinstance(event, str) else event
        self.asked[payload["reference"]].append(payload)
        if error := self.refusing.get(payload["stage"]):
            return json.dumps({"errorType": error, "errorMessage": "refused"}), True, ""
        return "{}", False, ""

    def start(self, given: Where, file: Path = TODAY) -> Execution:
        """Start an execution of the machine in a file."""
        reference = f"CLM-{next(self._numbers)}"
        started = self.client.start_execution(
            stateMachineArn=self._machine(file),
            name=f"{reference}-r1",
            input=json.dumps({**given, "reference": reference}),
        )
        return Execution(self, reference, str(started["executionArn"]))

    def _machine(self, file: Path) -> str:
        if file not in self._arns:
            definition = cloud.definition(file, {"AskApproverArn": self._function})
            self._arns[file] = self.client.create_state_machine(
                name=file.name.replace(".", "-"), definition=definition, roleArn=self._role
            )["stateMachineArn"]
        return self._arns[file]


class Execution:
    """One execution, and what it asked for."""

    def __init__(self, machines: Machines, reference: str, arn: str) -> None:
        self._machines, self._reference, self._arn = machines, reference, arn

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What was sent to the function, in order."""
        return self._machines.asked[self._reference]

    def is_asked(self, times: int) -> tuple[str, str]:
        """The stage and turn that was asked for as the first, second, …; waits for it."""
        self._wait_for(lambda: len(self.asked) >= times)
        return self.asked[times - 1]["stage"], self.asked[times - 1]["asked"]

    def answer(self, output: Where) -> None:
        """Answer the wait that was asked for last."""
        told = json.dumps({**output, "reference": self._reference})
        self._machines.client.send_task_success(taskToken=self.asked[-1]["token"], output=told)

    def why(self) -> str:
        """The error that it failed with."""
        return str(self._machines.client.describe_execution(executionArn=self._arn)["error"])

    def end(self) -> str:
        """The status that it ends with."""

        def ended() -> Any:
            status = self._machines.client.describe_execution(executionArn=self._arn)["status"]
            return status if status != "RUNNING" else None

        return str(self._wait_for(ended))

    def _wait_for(self, fact: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 20
        while not (found := fact()):
            assert time.monotonic() < deadline, self.asked
            time.sleep(0.02)
        return found
