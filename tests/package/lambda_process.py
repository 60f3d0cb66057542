"""A process as Lambda has it: Python's own library, the code and the layer, and nothing else.

    python -I -S -B tests/package/lambda_process.py TASK LAYER

It reads a job on each line, `{"do": …, "given": …}`, and writes its result on one. Started by `processes.py`.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from importlib.util import find_spec
from typing import Any


class Context:
    """What Lambda tells a handler about its run."""

    function_name = "share-http"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-2:123456789012:function:share-http"
    memory_limit_in_mb = "512"
    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    log_group_name = "/aws/lambda/share-http"
    log_stream_name = "2026/12/01/[$LATEST]8e2b7d5c"
    identity = None
    client_context = None

    def get_remaining_time_in_millis(self) -> int:
        """The time that is left."""
        return 28_000


def found(names: list[str]) -> list[str]:
    """Which of these modules could be imported."""
    return [name for name in names if find_spec(name)]


def loaded_from() -> list[str]:
    """The files of all modules loaded so far."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return sorted(file for file in files if file)


def import_handler(handler: str) -> bool:
    """Whether what the template names can be called."""
    module, _, name = handler.rpartition(".")
    return callable(getattr(importlib.import_module(module), name))


def invoke(handler: str, event: Any) -> Any:
    """What a handler answers to an event."""
    module, _, name = handler.rpartition(".")
    return getattr(importlib.import_module(module), name)(event, Context())


def run(code: str) -> Any:
    """Run lines of Python that have our parts as `parts`, and give back their `result`."""
    from chalicelib import wiring

    names: dict[str, Any] = {"parts": wiring.parts(), "result": None}
    exec(code, names)
    return names["result"]


JOBS = {"found": found, "loaded_from": loaded_from, "import": import_handler, "invoke": invoke, "run": run}


def main() -> None:
    """Work until there are no more jobs."""
    sys.path[:0] = sys.argv[1:]
    results, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        job = json.loads(line)
        try:
            told = json.dumps({"result": JOBS[job["do"]](**job["given"])})
        except Exception:
            told = json.dumps({"failed": traceback.format_exc()})
        print(told, file=results, flush=True)


if __name__ == "__main__":
    main()
