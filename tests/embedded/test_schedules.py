"""Schedules tick, and nothing that a handler does ends them."""

from __future__ import annotations

import threading
from typing import Any

from chalice.app import CloudWatchEvent

from infra.local import schedules


def test_a_handler_is_called_at_boot_and_then_at_its_interval_whatever_it_raises() -> None:
    sources: list[str] = []
    stop = threading.Event()

    def handler(event: dict[str, Any]) -> None:
        sources.append(CloudWatchEvent(event, None).source)
        if len(sources) == 3:
            stop.set()
        raise RuntimeError("logged, and no more")

    schedules.tick("sweep", handler, 0.01, stop=stop)
    assert sources == ["boot", "aws.events", "aws.events"]


def test_the_first_sweep_goes_alone() -> None:
    order: list[str] = []
    reconciled, stop = threading.Event(), threading.Event()

    def sweep(event: dict[str, Any]) -> None:
        order.append("sweep")
        reconciled.wait(0.05)
        order.append("swept")

    def reconcile(event: dict[str, Any]) -> None:
        order.append("reconcile")
        reconciled.set()

    schedules.start({"sweep": sweep, "reconcile": reconcile}, stop=stop)
    assert reconciled.wait(5)
    stop.set()
    assert order[:2] == ["sweep", "swept"]


def test_a_call_that_takes_long_leaves_four_fifths_of_the_time_to_others() -> None:
    assert schedules.pause(10, 0.5) == 9.5
    assert schedules.pause(10, 4) == 16
    assert schedules.pause(1, 0) == 1
