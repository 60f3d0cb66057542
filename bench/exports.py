"""Exports of 10,000 and of 100,000 claims, as CSV and XLSX, by the product's own service: rows a second, and memory.

Each export runs in a process of its own, whose largest memory the kernel tells; beside it, a process that has made all
parts and exported one row. The store is dynoxide, the bucket one that takes files and keeps none.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from bench.environment import ENVIRONMENT
from bench.figures import Figure, Goal
from bench.machine import ROOT
from bench.serving import StandIn, serving

PART = "exports"
SIZES, QUICK_SIZES = (10_000, 100_000), (1_000, 5_000)
RUNS, QUICK_RUNS = 3, 1
FLAT = Goal(limit=1.2, of_ratio=True)

TABLE = "exports"
FORM, SCOPE = "funding-claim", "all"
START = datetime(2024, 11, 4, tzinfo=timezone.utc)
APART = timedelta(minutes=10)
"""Between two claims. So a period has as many rows as it has tens of minutes."""

_PATTERNS = 1_000
"""So many lives are lived; every claim of the table stands as one of them does, with answers of its own."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a process says of the export that it made: seconds on the clock, and the most memory it had, in MB."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


def measure(quick: bool) -> Iterator[Figure]:
    """Rows a second and memory of each size."""
    sizes = QUICK_SIZES if quick else SIZES
    made: dict[int, list[Made]] = {size: [] for size in (1, *sizes)}
    with _table(max(sizes)) as database, serving(_TakesFiles) as bucket:
        for _ in range(QUICK_RUNS if quick else RUNS):
            for size in made:
                made[size].append(_export(database, bucket, size))
    for size in sizes:
        yield Figure(
            part=PART,
            name=f"export of {size:,} rows, CSV and XLSX",
            unit="rows/s",
            runs=[one.rows / one.seconds for one in made[size]],
        )
        yield Figure(
            part=PART,
            name=f"export of {size:,} rows: CPU of the process that makes it",
            unit="µs/row",
            runs=[one.cpu_seconds / one.rows * 1_000_000 for one in made[size]],
        )
    idle = [one.peak_mb for one in made[1]]
    peaks = [[one.peak_mb for one in made[size]] for size in sizes]
    yield _peak(f"peak memory, {sizes[0]:,} rows", peaks[0], idle, "one row")
    yield _peak(f"peak memory, {sizes[1]:,} rows", peaks[1], peaks[0], f"{sizes[0]:,} rows", FLAT)


def _peak(
    name: str, runs: list[float], floor: list[float], floor_name: str, goal: Goal | None = None
) -> Figure:
    return Figure(part=PART, name=name, unit="MB", runs=runs, floor=floor, floor_name=floor_name, goal=goal)


def _export(database: str, bucket: str, rows: int) -> Made:
    """In a fresh process."""
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "TABLE_NAME": TABLE,
        "AWS_ENDPOINT_URL_DYNAMODB": database,
        "AWS_ENDPOINT_URL_S3": bucket,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "bench.exports", str(rows)]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    made = Made(**json.loads(done.stdout))
    if made.rows != rows:
        raise RuntimeError(f"{made.rows} rows were exported, not {rows}")
    return made


def _run(rows: int) -> Made:
    """The export of the first rows, made here."""
    from chalicelib import wiring
    from chalicelib.domain.reports.exports import Period
    from chalicelib.services.reports import exporting

    period = Period(start=START, end=START + APART * rows)
    began, cpu = time.perf_counter(), time.process_time()
    manifest = exporting.export(wiring.parts(), FORM, SCOPE, period)
    return Made(
        rows=manifest.rows,
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - cpu,
        peak_mb=_peak_mb(),
    )


def _peak_mb() -> float:
    """Of this process since it began. Linux lets a child begin `getrusage` with its parent's peak, so it is asked
    otherwise there."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


# The table


@contextmanager
def _table(count: int) -> Iterator[str]:
    """A dynoxide with a table of so many claims; yields its address. It has nothing that an export does not read."""
    os.environ.update(ENVIRONMENT)
    from bench import filling
    from infra.local import dynoxide

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        data = folder / "tables" / TABLE / "data"
        data.mkdir(parents=True)
        filling.write_items(data / "claims.json.gz", _claims(count))
        with dynoxide.running_dynoxide(filling.import_tables(folder, [TABLE])) as url:
            yield url


def _claims(count: int) -> Iterator[Any]:
    """Claims as they are stored, without what stands beside them."""
    from bench import filling
    from bench.generate import answers, in_digits
    from bench.lives import lives
    from chalicelib.adapters.dynamodb import submission_items
    from chalicelib.adapters.files.form_files import FormFiles
    from chalicelib.domain.forms.answers import total_pence
    from chalicelib.domain.intake.references import new_reference

    form = FormFiles().form(FORM)
    lived = (life.case.submission for life in lives(2 * _PATTERNS, filling.the_people()))
    patterns = list(islice((one for one in lived if one.form == FORM), _PATTERNS))
    for number in range(count):
        given = answers(FORM, number)
        yield submission_items.submission_item(
            replace(
                patterns[number % len(patterns)],
                reference=new_reference("CLM", partial(in_digits, number)),
                force=given["force"],
                title=given["event_title"],
                submitted_at=START + APART * number,
                answers={name: value for name, value in given.items() if name not in form.personal},
                amount_pence=total_pence(form, given),
            )
        )


# The bucket


class _TakesFiles(StandIn):
    """S3 as far as an export asks it: there is no file, and every file is taken."""

    def do_GET(self) -> None:  # noqa: N802
        """There is none."""
        self.reply(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_PUT(self) -> None:  # noqa: N802
        """Read to its end, and dropped."""
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 64 * 1024)))
        self.reply(200, b"")


if __name__ == "__main__":
    print(json.dumps(vars(_run(int(sys.argv[1])))))
