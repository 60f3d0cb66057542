"""Lambda without containers: the app's own handlers, called in the backend process."""

from __future__ import annotations

import importlib
import json
import logging
import time
import traceback
import uuid
from typing import Any

from chalice.app import Chalice

from infra.local.environment import ACCOUNT, REGION

log = logging.getLogger(__name__)

TIMEOUT = 60
MEMORY = 512


class Context:
    """What Lambda tells a handler about its invocation."""

    def __init__(self, function_name: str, *, timeout: int = TIMEOUT) -> None:
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function_name}"
        self.memory_limit_in_mb = MEMORY
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self._deadline = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the time-out. Nothing enforces it here."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class NoHandler(Exception):
    """A function that could be deployed and never run."""


def load_app() -> Chalice:
    """The Chalice object of the app being run, with its parts put together.

    On Lambda the first request does that, alone. Here threads would do it at once, each with a client of its own, and
    a wrong setting would show only then.
    """
    app: Chalice = importlib.import_module("app").app
    importlib.import_module("chalicelib.wiring").parts()
    importlib.import_module("chalicelib.adapters.dynamodb.tables").make_client()
    return app


def function_name(app: Chalice, name: str) -> str:
    """The deployed name of one of the app's functions."""
    return f"{app.app_name}-local-{name}"


def check(name: str, handler: str) -> None:
    """Raises NoHandler where Lambda would find nothing to call. Chalice takes a handler's name from the
    function that was registered, not from the name it was registered under.
    """
    module, _, attribute = handler.rpartition(".")
    if not callable(getattr(importlib.import_module(module), attribute, None)):
        raise NoHandler(f"{name} is packaged with the handler {handler}, which does not exist")


def call(handler: str, event: Any, context: Context) -> Any:
    """Call a handler (`app.sweep`) as Lambda does: event and result are JSON and nothing else."""
    module, _, name = handler.rpartition(".")
    result = getattr(importlib.import_module(module), name)(json.loads(json.dumps(event)), context)
    return json.loads(json.dumps(result))


def install() -> None:
    """Let moto's Lambda run our handlers. Private to moto, which offers no other way without Docker."""
    from moto.awslambda.models import LambdaFunction

    LambdaFunction._invoke_lambda = _invoke_lambda


def _invoke_lambda(function: Any, event: Any = None) -> tuple[str, bool, str]:
    """Stands in for moto's method: (answer, whether the function failed, its log)."""
    event = json.loads(event) if isinstance(event, str) else event
    try:
        result = call(function.handler, event, Context(function.function_name, timeout=int(function.timeout)))
    except Exception as error:
        log.exception("%s failed", function.handler)
        return json.dumps(_as_lambda_reports(error)), True, ""
    return json.dumps(result, separators=(",", ":")), False, ""


def _as_lambda_reports(error: Exception) -> dict[str, Any]:
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }
