"""`python -m bench`: measures every part, prints one table, writes `bench/results/latest.json`.

Ends with status 1 where a step makes more AWS calls than docs/performance.md says, or where a part could not be
measured. A goal that is missed is shown, and fails nothing: times differ from machine to machine.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
import traceback
from datetime import datetime, timezone

from bench import machine
from bench.figures import Figure, Row, table

PARTS = ("calls", "submissions", "life", "cold", "growth", "exports", "footprint")
"""Modules whose `measure` yields figures. Called with True it is to be quick: fewer runs, smaller sizes."""

MACHINE = "Machine"
RESULTS = machine.ROOT / "bench" / "results" / "latest.json"


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all where none is named"
    )
    parser.add_argument("--quick", action="store_true", help="fewer runs and smaller sizes: to try a change")
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    about = machine.about()
    rows: list[Row] = []
    failed = [name for name in given.parts or PARTS if not _measured(name, given.quick, rows)]
    rows.sort(key=lambda row: row["part"] == MACHINE)  # last, and the others in their order
    print(f"\n{table(rows)}\n")
    print("\n".join(f"{name}: {value}" for name, value in about.items()))
    if not given.quick and not given.parts:
        _write(about, rows)
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measured(name: str, quick: bool, rows: list[Row]) -> bool:
    print(f"{name} …", file=sys.stderr, flush=True)
    before, began = machine.loops(), time.monotonic()
    try:
        for figure in importlib.import_module(f"bench.{name}").measure(quick):
            print(
                f"  {figure.name}: {figure.median:.4g} {figure.unit} {figure.verdict}",
                file=sys.stderr,
                flush=True,
            )
            rows.append(figure.as_row())
    except Exception:
        traceback.print_exc()
        return False
    print(f"  ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
    loop = f"a fixed loop of Python, before and after {name}: CPU"
    rows.append(Figure(part=MACHINE, name=loop, unit="ms", runs=before + machine.loops()).as_row())
    return True


def _write(about: dict[str, str], rows: list[Row]) -> None:
    """The whole table; parts measured alone are not mixed with those of another run."""
    RESULTS.parent.mkdir(exist_ok=True)
    measured = {
        "measured_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": about,
        "figures": rows,
    }
    RESULTS.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n")
    print(f"\nWritten to {RESULTS.relative_to(machine.ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
