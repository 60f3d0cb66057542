"""The product's functions in processes that can be killed: `python -m tests.faults.worker`.

Reads one deed a line (JSON), does it in a child of its own, and writes two lines: the child's process id as it
begins, and what came of it, or that it died. Everything is imported, and every client made, before the first child
is forked, so that a child costs milliseconds; no connection is open then.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from chalice.test import Client

from chalicelib import wiring
from chalicelib.adapters.aws import clients
from chalicelib.adapters.dynamodb import tables
from chalicelib.services.intake import unconfirmed
from chalicelib.services.ports import Parts
from infra.local import lambdas, schedules
from tests.faults import naive

READ_TIMEOUT = 0.4
"""As patient as the proxy is not (proxy.STALL_SECONDS); deployed it is seconds."""


def submit(form: str, answers: dict[str, Any], key: str) -> Any:
    """POST a form's answers."""
    return _post(f"/api/v1/forms/{form}/submissions", answers, **{"Idempotency-Key": key})


def confirm(path: str, code: str) -> Any:
    """POST the code that a submission waits for."""
    return _post(path, {"code": code})


def look(task: str, cookie: str) -> Any:
    """GET a task."""
    with Client(_app()) as client:
        answer = client.http.get(f"/api/v1/tasks/{task}", headers={"Cookie": cookie})
    return {"status": answer.status_code, "body": json.loads(answer.body)}


def decide(task: str, cookie: str, body: dict[str, Any]) -> Any:
    """POST a decision."""
    return _post(f"/api/v1/tasks/{task}/decision", body, Cookie=cookie)


def post_page(path: str, fields: dict[str, str], cookie: str = "") -> Any:
    """POST a form of our pages."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", **({"Cookie": cookie} if cookie else {})}
    with Client(_app()) as client:
        answer = client.http.post(path, headers=headers, body=urlencode(fields).encode())
    given = answer.headers.get("Set-Cookie") or []
    return {"status": answer.status_code, "cookies": [given] if isinstance(given, str) else list(given)}


def ask(event: dict[str, Any]) -> Any:
    """What the state machine calls at each step."""
    return lambdas.call("app.ask_approver", event, lambdas.Context("ask_approver"))


def relay(handler: str, deliveries: list[str]) -> Any:
    """What the stream's event source mapping calls."""
    records = [
        {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(n), "NewImage": {"delivery": {"S": one}}}}
        for n, one in enumerate(deliveries)
    ]
    return lambdas.call(f"app.{handler}", {"Records": records}, lambdas.Context(handler))


def sweep(later: int) -> Any:
    """What the schedule calls, `later` seconds from now."""
    return _scheduled("sweep", later)


def reconcile(later: int) -> Any:
    """What the schedule calls, `later` seconds from now."""
    return _scheduled("reconcile", later)


def follow_up_one(reference: str, later: int) -> Any:
    """What the schedule does about one submission that waits for its code, `later` seconds from now."""
    return unconfirmed.follow_up_one(_parts(later), "kent", reference)


def naive_submit(answers: dict[str, Any], key: str) -> Any:
    """The control: what a product without an outbox does."""
    return naive.submit(answers, key)


DEEDS: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (
        submit,
        confirm,
        look,
        decide,
        post_page,
        ask,
        relay,
        sweep,
        reconcile,
        follow_up_one,
        naive_submit,
    )
}


def _parts(later: int) -> Parts:
    return replace(wiring.parts(), now=lambda: wiring.now() + timedelta(seconds=later))


def _scheduled(name: str, later: int) -> Any:
    wiring.use(_parts(later))
    return lambdas.call(f"app.{name}", schedules.event(name), lambdas.Context(name))


def _post(path: str, body: Any, **headers: str) -> Any:
    headers = {"Content-Type": "application/json", **headers}
    with Client(_app()) as client:
        answer = client.http.post(path, headers=headers, body=json.dumps(body).encode())
    return {"status": answer.status_code, "body": json.loads(answer.body)}


def _app() -> Any:
    from app import app

    return app


def _in_a_child(deed: dict[str, Any]) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with os.fdopen(writing, "w") as out:
            out.write(json.dumps(_outcome(deed)))
        os._exit(0)
    os.close(writing)
    _say({"process": child})
    with os.fdopen(reading) as told:
        outcome = told.read()
    _, status = os.waitpid(child, 0)
    _say(json.loads(outcome) if outcome else {"died": os.waitstatus_to_exitcode(status)})


def _outcome(deed: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": DEEDS[deed.pop("deed")](**deed)}
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), file=sys.__stdout__, flush=True)


def main() -> None:
    """Until the input ends."""
    lambdas.load_app()
    tables.Row.Meta.read_timeout_seconds = READ_TIMEOUT
    wiring.use(None)
    wiring.parts()
    for service in ("stepfunctions", "ses"):
        clients.client(service)
    sys.stdout = sys.stderr
    _say({"ready": True})
    for line in sys.stdin:
        _in_a_child(json.loads(line))


if __name__ == "__main__":
    main()
