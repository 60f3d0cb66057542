"""Which DynamoDB a run has: dynoxide where its binary is, else moto's, which needs nothing but Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local import dynoxide, processes


def choice(port: int, file: Path | None) -> tuple[str, list[str]]:
    """The name and the command line of the process that serves DynamoDB on this port. moto's knows no file."""
    if dynoxide.found() is not None:
        return "dynoxide", dynoxide.command(port, file)
    return "moto-database", [sys.executable, "-m", "infra.local.moto_database", "--port", str(port)]


@contextmanager
def running_database(file: Path | None = None) -> Iterator[str]:
    """Run it on a free port for as long as the block lasts; yields its endpoint's URL."""
    with processes.running(lambda port: choice(port, file)[1]) as url:
        yield url
