"""Registers people and opens funds in a deployed table: `TABLE_NAME=… python -m infra.plant people.json`.

The file is like infra/local/seeds.json. Again and again is harmless. It makes no bearer token: see infra/tokens.py.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from infra.local import seeds
from infra.table import parts_of


def main() -> int:
    """Plant; 2 where something is missing."""
    if len(sys.argv) != 2 or not os.environ.get("TABLE_NAME"):
        sys.stderr.write((__doc__ or "").splitlines()[0] + "\n")
        return 2
    parts_of(os.environ["TABLE_NAME"])
    try:
        seeds.plant(Path(sys.argv[1]))
    except seeds.BadSeeds as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
