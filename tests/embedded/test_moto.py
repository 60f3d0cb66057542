"""What we need of moto's private parts and its interpreter: canaries for the day its version changes."""

from __future__ import annotations

import http.client
import inspect
import json
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.options import ROOT
from tests.embedded.running import Backend, eventually


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_the_version_is_the_one_that_was_looked_into() -> None:
    assert version("moto") == "5.2.5"


def test_what_is_replaced_is_there_and_called_as_we_expect() -> None:
    import moto.backends
    from moto.awslambda.models import LambdaFunction
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
    from moto.stepfunctions.parser.asl.utils import json_path
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

    def parameters(function: Any) -> list[str]:
        return list(inspect.signature(function).parameters)

    assert parameters(LambdaFunction._invoke_lambda) == ["self", "event"]
    assert parameters(ExecutionWorker._get_evaluation_entrypoint) == ["self"]
    assert parameters(lambda_eval_utils.boto_client_for) == ["region", "service", "state_credentials"]
    assert "stepfunctions" in set(moto.backends.list_of_moto_modules())
    assert parameters(json_path.parse) == ["path", "debug"]
    assert "parse(path)" in inspect.getsource(json_path.extract_json)


def test_the_interpreter_is_there_without_ec2() -> None:
    """In a process of its own: here, others may have brought it along."""
    script = (
        "import sys; from infra.local import moto_repairs; moto_repairs.apply();"
        "import moto.stepfunctions.parser.asl.parse.asl_parser;"
        "assert 'moto.ec2' not in sys.modules and 'moto.batch' not in sys.modules;"
        "import moto.batch; assert moto.batch.__file__"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_an_asked_handler_is_ours_and_its_token_carries_the_decision_on(backend: Backend) -> None:
    execution = backend.start("approved")
    asked = eventually(lambda: backend.get("asked-approved"))
    assert (asked["asked"], asked["by"]) == ("lead", "small-local-ask_approver")
    answer = {"taskToken": asked["token"], "output": json.dumps({"decision": "approve"})}
    backend.client("stepfunctions").send_task_success(**answer)
    assert backend.ended(execution)["status"] == "SUCCEEDED"
    with pytest.raises(ClientError) as late:
        backend.client("stepfunctions").send_task_success(**answer)
    assert code(late) == "InvalidToken"


def test_two_executions_of_one_machine_keep_apart(backend: Backend) -> None:
    first, second = backend.start("apart-1"), backend.start("apart-2")
    tokens = [eventually(lambda n=n: backend.get(f"asked-apart-{n}"))["token"] for n in (1, 2)]  # type: ignore[misc]
    for token, decision in zip(tokens, ("approve", "reject"), strict=True):
        backend.client("stepfunctions").send_task_success(
            taskToken=token, output=json.dumps({"decision": decision})
        )
    assert (backend.ended(first)["status"], backend.ended(second)["status"]) == ("SUCCEEDED", "FAILED")


def test_a_wait_that_times_out_goes_to_the_deputy(backend: Backend) -> None:
    execution = backend.start("late", wait={"lead_seconds": 1, "deputy_seconds": 60})
    token = eventually(
        lambda: (asked := backend.get("asked-late")).get("asked") == "deputy" and asked["token"]
    )
    backend.client("stepfunctions").send_task_success(taskToken=token, output='{"decision": "approve"}')
    ended = backend.ended(execution)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["error"]["Error"] == "States.Timeout"


def test_an_answer_may_come_before_the_asking_function_returns(backend: Backend) -> None:
    execution = backend.start("early", asked="lead", answers_at_once=True)
    assert backend.ended(execution)["status"] == "SUCCEEDED"


def test_a_failing_function_fails_the_execution_under_its_errors_name(backend: Backend) -> None:
    ended = backend.ended(backend.start("nobody", asked="nobody"))
    assert (ended["status"], ended["error"]) == ("FAILED", "ValueError")
    assert json.loads(ended["cause"])["errorMessage"] == "nobody to ask"


def test_starting_twice_starts_once(backend: Backend) -> None:
    assert backend.start("twice") == backend.start("twice")
    with pytest.raises(ClientError) as refused:
        backend.start("twice", asked="other")
    assert code(refused) == "ExecutionAlreadyExists"


def test_an_execution_it_does_not_know_is_reported_as_such(backend: Backend) -> None:
    with pytest.raises(ClientError) as unknown:
        backend.ended(backend.machine.replace("stateMachine", "execution") + ":forgotten")
    assert code(unknown) == "ExecutionDoesNotExist"


def test_a_workflow_item_starts_its_execution_and_a_mail_item_its_mail(backend: Backend) -> None:
    backend.put("from-stream", lane="workflow")
    assert eventually(lambda: backend.get("asked-from-stream"))
    assert eventually(lambda: backend.get("swept")) and eventually(lambda: backend.get("reconciled"))
    assert backend.get("reconciled")["source"] == "boot"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/moto-api/data.json", {}),
        ("/", {"Origin": "https://evil.example"}),
        ("/", {"Host": "evil.example"}),
        ("/moto-api/reset", {"Host": "localhost"}),
    ],
)
def test_the_door_is_closed_to_web_pages(backend: Backend, path: str, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection(
        backend.env["AWS_ENDPOINT_URL"].removeprefix("http://"), timeout=5
    )
    connection.request("POST", path, headers=headers)
    assert connection.getresponse().status == 403
    connection.close()
