"""DynamoDB on one machine: where the dynoxide binary is, and how to run it.

Tests use ``with running_dynoxide() as url:``, in memory unless given a file.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from infra.local import processes

ROOT = Path(__file__).resolve().parents[2]
_KEPT_RECORDS = 1000


class BinaryMissing(Exception):
    """dynoxide is not installed."""


class DidNotStart(Exception):
    """dynoxide ended, or did not answer in time."""


def binary() -> Path:
    """The executable: ``DYNOXIDE`` if set, else npm's for this platform, else the one on the path."""
    named = os.environ.get("DYNOXIDE")
    on_path = shutil.which("dynoxide")
    candidates = [Path(named)] if named else [_npm_binary(), *([Path(on_path)] if on_path else [])]
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise BinaryMissing(str(candidates[0]))


def _npm_binary() -> Path:
    system = {"Darwin": "darwin", "Windows": "win32"}.get(platform.system(), "linux")
    machine = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x64"
    return ROOT / "node_modules" / "@dynoxide" / f"{system}-{machine}" / "dynoxide"


def command(port: int, database: Path | None) -> list[str]:
    """The command line; without a database file, everything is in memory."""
    stored = ["--db-path", str(database)] if database else []
    return [str(binary()), "serve", "--host", processes.HOST, "-p", str(port), *stored]


def tend_stream_records(database: Path) -> None:
    """Give the table of stream records the index it lacks, and drop all but its newest rows.

    dynoxide neither indexes nor trims it: at 13,000 rows each write costs 4 ms more. Harmless while it runs.
    Not all rows, since the sequence numbers go on from the highest.
    """
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        connection.execute(
            "CREATE INDEX IF NOT EXISTS our_stream_seq"
            " ON _stream_records(table_name, CAST(sequence_number AS INTEGER))"
        )
        connection.execute(
            "DELETE FROM _stream_records WHERE id < (SELECT max(id) - ? FROM _stream_records)",
            (_KEPT_RECORDS,),
        )


@contextmanager
def running_dynoxide(database: Path | None = None) -> Iterator[str]:
    """Run dynoxide on a free port for as long as the block lasts; yields its endpoint's URL."""
    process, url = _start_on_a_free_port(database)
    try:
        yield url
    finally:
        processes.stop(process)


def _start_on_a_free_port(database: Path | None) -> tuple[subprocess.Popen[bytes], str]:
    for _ in range(3):  # somebody may take the port between our finding it and dynoxide's binding it
        port = processes.free_port()
        url = f"http://{processes.HOST}:{port}"
        process = processes.start(command(port, database))
        if processes.wait_until(lambda url=url: processes.answers(url), process, within=10):  # type: ignore[misc]
            return process, url
        processes.stop(process)
    raise DidNotStart("dynoxide did not start; run it by hand to see why: " + " ".join(command(0, database)))
