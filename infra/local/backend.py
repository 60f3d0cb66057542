"""The backend process: Step Functions, SES and the rest of AWS but DynamoDB, with the app's own functions
behind them; its stream and its schedules.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalice.app import Chalice, ScheduledEventConfig

from infra.local import (
    cloud,
    dynoxide,
    events,
    feedback,
    indexes,
    inside,
    kept_files,
    lambdas,
    moto_repairs,
    moto_server,
    processes,
    schedules,
    short_way,
)
from infra.local.mailbox import Journal

log = logging.getLogger(__name__)

BEHIND = 5
"""How much nicer than the web process: behind a burst, taking submissions in goes before asking about them."""


def main() -> None:
    """Serve until stopped. The socket is inherited: whoever started us knows where we will be."""
    given = _arguments()
    processes.begin_as_child()
    os.nice(BEHIND)
    server, door = moto_server.make(socket.socket(fileno=given.socket), Journal(given.mail))
    moto_repairs.apply()
    lambdas.install()
    threading.Thread(target=server.serve_forever, name="moto", daemon=True).start()
    inside.connect(door, os.environ["AWS_ENDPOINT_URL"])
    short_way.connect(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
    app = lambdas.load_app()
    cloud.prepare(app, os.environ["MAIL_FROM"], root=Path.cwd())
    for bucket in ("EXPORTS_BUCKET", "ROOTS_BUCKET"):
        kept_files.restore(given.files, os.environ[bucket])
    kept_files.keep(given.files)
    _furnish_database(given)
    _listen_for_returned_mail(app, door)
    stop = threading.Event()
    _listen(app, stop)
    gc.collect()
    gc.freeze()  # moto's 100 MB stay as they are: no collection need walk them again
    door.ready.set()
    log.info("ready")
    stop.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="descriptor of a listening socket")
    parser.add_argument("--mail", type=Path, required=True)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--demo-token", type=Path, required=True)
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--seeds", type=Path)
    return parser.parse_args()


def _furnish_database(given: argparse.Namespace) -> None:
    # Found when needed: the app's modules must not be imported before its settings are checked by main.
    importlib.import_module("chalicelib.adapters.dynamodb.tables").create_table()
    indexes.add_missing()
    dynoxide.tend_stream_records(given.database)
    importlib.import_module("chalicelib.adapters.dynamodb.upgrade").bring_up_to_date()
    if given.seeds is not None:
        seeds = importlib.import_module("infra.local.seeds")
        parts = importlib.import_module("chalicelib.wiring").parts()
        seeds.plant(parts, given.seeds)
        seeds.demonstrate(parts, given.seeds, given.demo_token)


def _listen(app: Chalice, stop: threading.Event) -> None:
    """The stream from here on; then the schedules, whose first sweep takes what was written before."""
    stream = events.Stream(os.environ["TABLE_NAME"])
    relays = {
        function.name: _handler(app, function.name, function.handler_string)
        for function in app.pure_lambda_functions
        if function.name in events.FILTERS
    }
    arguments = {"stop": stop}
    threading.Thread(
        target=events.deliver, args=(stream, relays), kwargs=arguments, name="stream", daemon=True
    ).start()
    schedules.start(_scheduled(app), stop=stop)


def _scheduled(app: Chalice) -> dict[str, schedules.Handler]:
    found = [source for source in app.event_sources if isinstance(source, ScheduledEventConfig)]
    for source in found:
        if source.name not in schedules.SECONDS:
            log.warning("%s does not run here: it has no interval in infra/local/schedules.py", source.name)
    known = (source for source in found if source.name in schedules.SECONDS)
    return {source.name: _handler(app, source.name, source.handler_string) for source in known}


def _listen_for_returned_mail(app: Chalice, door: moto_server.Door) -> None:
    for function in app.pure_lambda_functions:
        if function.name == feedback.FUNCTION:
            handler = _handler(app, function.name, function.handler_string)
            door.on_mail = functools.partial(feedback.simulate, handler)


def _handler(app: Chalice, name: str, handler: str) -> Callable[[dict[str, Any]], Any]:
    lambdas.check(name, handler)
    return functools.partial(_call, handler, lambdas.function_name(app, name))


def _call(handler: str, function_name: str, event: dict[str, Any]) -> Any:
    return lambdas.call(handler, event, lambdas.Context(function_name))


if __name__ == "__main__":
    main()
