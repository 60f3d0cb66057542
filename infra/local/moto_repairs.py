"""What moto 5.2.5 does slowly and we need often. Private to moto: its version is pinned, and
tests/embedded has a canary for each.
"""

from __future__ import annotations

import importlib
import io
import json
import pickle
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from infra.local.environment import ACCOUNT


def apply() -> None:
    """Before the first request."""
    leave_batch_out()
    list_services_once()
    parse_each_state_machine_once()
    parse_each_path_once()
    call_lambda_directly()


def leave_batch_out() -> None:
    """The interpreter needs one name of moto's Batch, whose package brings EC2 with all its machine types: 80 MB, and
    a second of every start. So the name is taken from its module without its package.
    """
    import moto

    package = ModuleType("moto.batch")
    package.__path__ = [str(Path(moto.__file__).parent / "batch")]
    sys.modules["moto.batch"] = package
    importlib.import_module("moto.stepfunctions.parser.asl.parse.asl_parser")
    del sys.modules["moto.batch"]


def list_services_once() -> None:
    """moto reads its package folder from disk on every request: with 8 clients that cost five sixths of them."""
    import moto.backends

    known = frozenset(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: known


def parse_each_state_machine_once() -> None:
    """Parsing takes tens of milliseconds, and moto parses for each execution. A program carries the state
    of its execution, so each gets a copy of its own: unpickled, which is a fraction of the cost of parsing.
    """
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

    @lru_cache(maxsize=64)
    def parsed(definition: str) -> bytes:
        return pickle.dumps(AmazonStateLanguageParser.parse(definition)[0])

    def entrypoint(worker: Any) -> Any:
        return pickle.loads(parsed(worker._evaluation_details.state_machine_details.definition))

    ExecutionWorker._get_evaluation_entrypoint = entrypoint


def parse_each_path_once() -> None:
    """moto makes a parser for each JSONPath that it evaluates, some twenty for each execution."""
    from moto.stepfunctions.parser.asl.utils import json_path

    json_path.parse = lru_cache(maxsize=1024)(json_path.parse)


def call_lambda_directly() -> None:
    """For each Lambda task moto makes a boto client and calls itself over HTTP. Both are in one process."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

    lambda_eval_utils.boto_client_for = _client_for


def _client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    return _DirectLambda(region)


class _DirectLambda:
    """As much of boto's Lambda client as the interpreter uses."""

    def __init__(self, region: str) -> None:
        self._region = region

    def invoke(self, *, FunctionName: str, Payload: bytes = b"{}", **rest: Any) -> dict[str, Any]:
        from moto.awslambda.models import lambda_backends

        headers: dict[str, str] = {}
        answer = lambda_backends[ACCOUNT][self._region].invoke(
            FunctionName, rest.get("Qualifier"), Payload.decode(), rest, headers
        )
        if answer is None:
            raise LookupError(f"no such function: {FunctionName}")
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        failed = (
            {"FunctionError": headers["x-amz-function-error"]} if "x-amz-function-error" in headers else {}
        )
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(content), **failed}
