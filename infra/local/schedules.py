"""The app's schedules, ticking in the backend process; faster than on AWS, where a minute is the shortest."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from infra.local.environment import ACCOUNT, REGION

log = logging.getLogger(__name__)

SECONDS = {"sweep": 1.0, "follow_up": 1.0, "reconcile": 10.0, "digest": 3600.0, "write_roots": 3600.0}

SHARE = 0.2
"""Of the time, at most, goes into one schedule: with thousands open, the reconciler would do nothing but look at
them."""

Handler = Callable[[dict[str, Any]], Any]


def event(name: str, *, source: str = "aws.events", **detail: Any) -> dict[str, Any]:
    """What EventBridge sends when a rule's time has come."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": source,
        "account": ACCOUNT,
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"],
        "detail": detail,
    }


def tick(name: str, handler: Handler, every: float, *, stop: threading.Event) -> None:
    """Call the handler now and at each interval until stopped; a call that takes long delays the next."""
    source = "boot"
    while not stop.is_set():
        began = time.monotonic()
        _run(name, handler, source)
        source = "aws.events"
        stop.wait(pause(every, time.monotonic() - began))


def pause(every: float, took: float) -> float:
    """How long to wait for the next call after one that took so long, all in seconds."""
    return max(every - took, took * (1 / SHARE - 1))


def start(handlers: dict[str, Handler], *, stop: threading.Event) -> None:
    """Sweep once, then let everything tick, each in a thread of its own.

    The first sweep goes alone: what it delivers, the reconciler need not start a second time.
    """

    def begin() -> None:
        if "sweep" in handlers:
            _run("sweep", handlers["sweep"], "boot")
        for name, handler in handlers.items():
            arguments = (name, handler, SECONDS[name])
            threading.Thread(
                target=tick, args=arguments, kwargs={"stop": stop}, name=name, daemon=True
            ).start()

    threading.Thread(target=begin, name="first sweep", daemon=True).start()


def _run(name: str, handler: Handler, source: str) -> None:
    try:
        handler(event(name, source=source))
    except Exception:
        log.exception("%s failed", name)
