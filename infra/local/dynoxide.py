"""DynamoDB on one machine: where the dynoxide binary is, and how to run it.

The bench uses ``with running_dynoxide() as url:``, in memory unless given a file. What can do without isolation that
outlives a kill uses ``infra.local.database``, which takes moto's where there is no binary.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from infra.local import processes

ROOT = Path(__file__).resolve().parents[2]
NONE = "none"
"""Said instead of a path: go without, as on a machine that has no binary."""

_KEPT_RECORDS = 1000


class BinaryMissing(Exception):
    """dynoxide is not installed."""


def binary() -> Path:
    """The executable. Raises BinaryMissing where there is none for this machine."""
    path = found()
    if path is None:
        raise BinaryMissing(str(_npm_binary()))
    return path


def found() -> Path | None:
    """The executable: ``DYNOXIDE`` if set, else npm's for this platform, else the one on the path; None where there is
    none, or ``DYNOXIDE=none``. Raises BinaryMissing where ``DYNOXIDE`` names something that cannot be run.
    """
    named = os.environ.get("DYNOXIDE")
    if named == NONE:
        return None
    if named:
        if _can_run(Path(named)):
            return Path(named)
        raise BinaryMissing(named)
    on_path = shutil.which("dynoxide")
    candidates = [_npm_binary(), *([Path(on_path)] if on_path else [])]
    return next((candidate for candidate in candidates if _can_run(candidate)), None)


def _can_run(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


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
    Not all rows, since the sequence numbers go on from the highest. Without a file, in moto, there is nothing to tend.
    """
    if not database.exists():
        return
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
    with processes.running(lambda port: command(port, database)) as url:
        yield url
