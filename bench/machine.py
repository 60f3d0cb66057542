"""What was measured on, and with which versions."""

from __future__ import annotations

import os
import platform
import subprocess
import time
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


def loops(times: int = 3) -> list[float]:
    """Milliseconds of CPU that the same piece of Python takes, so many times. On a host that is shared it is half as
    much again an hour later, and so is all that is not set beside a floor."""
    return [_loop() for _ in range(times)]


def _loop() -> float:
    began, total = time.process_time(), 0
    for number in range(2_000_000):
        total += number * number % 7
    return (time.process_time() - began) * 1e3


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
