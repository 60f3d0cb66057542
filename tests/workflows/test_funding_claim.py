"""The state machine's file, executed by moto's interpreter with a function that records how it was asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local import cloud, environment

FILE = Path(__file__).resolve().parents[2] / "infra" / "workflows" / "funding-claim.asl.json"
STAGES = ("force-lead", "programme", "finance")
TURNS = ("approver", "deputy", "coordinators")
CONFIG = {"stepfunctions": {"execute_state_machine": True}}


class Machine:
    """The state machine, and the steps it asked for."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self._client = boto3.client("stepfunctions")
        iam, functions = boto3.client("iam"), boto3.client("lambda")
        role = iam.create_role(RoleName="test", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        function = functions.create_function(
            FunctionName="ask",
            Runtime="python3.11",
            Role=role,
            Handler="app.ask",
            Code={"ZipFile": cloud._empty_zip()},
        )
        definition = cloud.definition(FILE, {"AskApproverArn": function["FunctionArn"]})
        self._arn = self._client.create_state_machine(
            name="funding-claim", definition=definition, roleArn=role
        )["stateMachineArn"]

    def start(self, **state: Any) -> str:
        arn = self._client.start_execution(
            stateMachineArn=self._arn, name=f"CLM-{time.monotonic_ns()}", input=json.dumps(where(**state))
        )["executionArn"]
        return str(arn)

    def answer(self, **state: Any) -> None:
        self._client.send_task_success(taskToken=self.asked[-1]["token"], output=json.dumps(where(**state)))

    def wait_for(self, fact: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 10
        while not (found := fact()):
            assert time.monotonic() < deadline, self.asked
            time.sleep(0.02)
        return found

    def is_asked(self, times: int) -> tuple[str, str]:
        self.wait_for(lambda: len(self.asked) >= times)
        return self.asked[times - 1]["stage"], self.asked[times - 1]["asked"]

    def end(self, execution: str) -> str:
        def ended() -> Any:
            status = self._client.describe_execution(executionArn=execution)["status"]
            return status if status != "RUNNING" else None

        return str(self.wait_for(ended))


def where(
    stage: str = "force-lead", asked: str = "approver", seconds: int = 60, **more: Any
) -> dict[str, Any]:
    """The input of the machine, and the output of each of its steps."""
    wait = {f"{turn}_seconds": seconds for turn in TURNS}
    pointer = {"payload_version": 1, "force": "kent", "reference": "CLM-7K3F-9QXN", "round": 1}
    return {**pointer, "stage": stage, "asked": asked, "wait": wait, **more}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    from moto.awslambda.models import LambdaFunction

    for name, value in (("AWS_DEFAULT_REGION", environment.REGION), ("AWS_ACCESS_KEY_ID", "x")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws(config=CONFIG):  # type: ignore[arg-type]
        made = Machine()

        def record(_: Any, event: Any = None) -> tuple[str, bool, str]:
            made.asked.append(json.loads(event) if isinstance(event, str) else event)
            return "{}", False, ""

        monkeypatch.setattr(LambdaFunction, "_invoke_lambda", record)
        yield made


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("turn", TURNS)
def test_it_begins_wherever_the_data_says(machine: Machine, stage: str, turn: str) -> None:
    execution = machine.start(stage=stage, asked=turn)
    assert machine.is_asked(1) == (stage, turn)
    machine.answer(stage="done")
    assert machine.end(execution) == "SUCCEEDED"


def test_it_goes_through_the_stages_as_it_is_told(machine: Machine) -> None:
    execution = machine.start()
    assert machine.is_asked(1) == ("force-lead", "approver")
    machine.answer(stage="programme")
    assert machine.is_asked(2) == ("programme", "approver")
    machine.answer(stage="finance")
    assert machine.is_asked(3) == ("finance", "approver")
    machine.answer(stage="done")
    assert machine.end(execution) == "SUCCEEDED"


def test_a_step_says_only_where_the_submission_is(machine: Machine) -> None:
    machine.start()
    machine.is_asked(1)
    assert set(machine.asked[0]) == {
        "payload_version", "token", "force", "reference", "round", "stage", "asked",
    }  # fmt: skip
    machine.answer(stage="done")


@pytest.mark.parametrize("stage", STAGES)
def test_after_each_time_out_the_next_is_asked_and_the_coordinators_again(
    machine: Machine, stage: str
) -> None:
    execution = machine.start(stage=stage, seconds=1)
    for times, turn in enumerate((*TURNS, "coordinators"), start=1):
        assert machine.is_asked(times) == (stage, turn)
    machine.answer(stage="done")
    assert machine.end(execution) == "SUCCEEDED"


def test_somebody_barred_is_passed_over_within_the_stage(machine: Machine) -> None:
    execution = machine.start()
    machine.is_asked(1)
    machine.answer(asked="deputy")
    assert machine.is_asked(2) == ("force-lead", "deputy")
    machine.answer(stage="done")
    assert machine.end(execution) == "SUCCEEDED"


def test_a_stage_it_does_not_know_ends_it_so_that_the_reconciler_sees(machine: Machine) -> None:
    execution = machine.start(stage="no-such-stage")
    assert machine.end(execution) == "FAILED"
