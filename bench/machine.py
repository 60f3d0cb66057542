"""What was measured on, and with which versions."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("chalice", "boto3", "botocore", "pynamodb", "jsonschema-rs", "jinja2", "moto")
ROOT = Path(__file__).resolve().parents[1]


def about() -> dict[str, str]:
    """Machine, Python, commit and packages, each as one line."""
    return {
        "machine": f"{processors()}, {_memory()} GB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": _commit(),
        "load": f"{os.getloadavg()[0]:.2f} before the first run",
        **{name: version(name) for name in PACKAGES},
    }


def processors() -> str:
    """How many, and of which kind."""
    return f"{os.cpu_count()} × {_processor()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
