"""Many who do something at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from chalicelib.domain.errors import Refused

THREADS = 32


def at_once(*attempts: Callable[[], object]) -> list[object]:
    """Run all at the same moment; each gives its result, or the refusal it met. Any other error is raised."""
    barrier = Barrier(len(attempts))

    def run(attempt: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return attempt()
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(run, attempts))
