"""`make demo`: the embedded run in a data folder of its own, filled before it starts for the first time."""

from __future__ import annotations

import os
import sys

from infra.local import run
from infra.local.demo.filling import DATA_DIR, PEOPLE, Filling


def main() -> int:
    """The exit status of the run."""
    env = dict(os.environ)
    env["DATA_DIR"] = env.get("DATA_DIR") or DATA_DIR
    env["SEEDS_FILE"] = str(PEOPLE)  # the story is about them
    return run.main(env, filling=Filling.from_env, command="make demo")


if __name__ == "__main__":
    sys.exit(main())
