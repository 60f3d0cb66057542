"""Checks the form and workflow files, or prints a form as a person reads it.

    python -m infra.forms check [FOLDER]
    python -m infra.forms show FORM [--version N]

`check` prints each fault with its file and place, and ends with 1 where there is one. FOLDER is `schemas` unless given.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from chalicelib.domain.errors import NotFound
from infra.forms.check import SCHEMAS, check
from infra.forms.show import show


def main(arguments: Sequence[str] | None = None) -> int:
    """0 done, 1 where a file has a fault, 2 where there is no such form."""
    given = _parser().parse_args(arguments)
    if given.what == "check":
        faults = check(given.folder)
        sys.stdout.write("".join(f"{fault}\n" for fault in faults))
        return 1 if faults else 0
    try:
        sys.stdout.write(show(given.form, given.version))
    except NotFound as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.forms")
    commands = parser.add_subparsers(dest="what", required=True)
    checking = commands.add_parser("check")
    checking.add_argument("folder", type=Path, nargs="?", default=SCHEMAS)
    showing = commands.add_parser("show")
    showing.add_argument("form")
    showing.add_argument("--version", type=int)
    return parser


if __name__ == "__main__":
    sys.exit(main())
