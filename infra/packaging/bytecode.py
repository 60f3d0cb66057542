"""Bytecode beside the code: Lambda cannot write any, and would compile all of it again at every cold start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from infra.packaging.runtime import CannotPackage


def beside(folder: Path, unpacked_at: str) -> None:
    """Compile every module in a folder; `unpacked_at` is where Lambda has the folder, for tracebacks.

    It is of the Python that packages, which is the one that runs (runtime.py). Unchecked: nobody edits code on Lambda,
    and the times of its files say nothing. In a process of its own with a fixed hash seed, since bytecode depends on
    both: the same code makes the same bytes.
    """
    how = ["-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", unpacked_at]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-S", "-s", "-m", "compileall", *how, str(folder)],
        env={"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise CannotPackage(f"what is packaged does not compile:\n{(done.stderr or done.stdout).strip()}")
