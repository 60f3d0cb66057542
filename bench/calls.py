"""AWS calls of each step, counted; and compared with what docs/performance.md says that they are.

Measures no time. The app's own handlers run in this process, on dynoxide, with Step Functions, SES and S3 by moto; what
botocore is asked to do is counted. `python -m bench calls`, or tests/guards/test_calls.py, which is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bench.calls_scene import Scene, Steps, on_aws
from bench.figures import Figure, Goal
from bench.machine import ROOT
from infra.local.dynoxide import running_dynoxide

DOCUMENT = ROOT / "docs" / "performance.md"


class TooManyCalls(Exception):
    """A step makes other calls than docs/performance.md says."""


def measure(quick: bool) -> Iterator[Figure]:
    """One figure for each step. Raises TooManyCalls at the end, where the document says otherwise."""
    counted = count()
    documented = read_document(DOCUMENT.read_text(encoding="utf-8"))
    for name, calls in counted.items():
        reads, writes, others, _ = documented.get(name, (0, 0, 0, ""))
        yield Figure(
            part="AWS calls of each step (reads + writes of DynamoDB + others)",
            name=name,
            unit=f"calls ({calls})",
            runs=[calls.made.total()],
            goal=Goal(limit=reads + writes + others),
        )
    wrong = differences(counted, documented)
    if wrong:
        raise TooManyCalls("docs/performance.md says otherwise:\n  " + "\n  ".join(wrong))


Documented = tuple[int, int, int, str]
"""DynamoDB reads, DynamoDB writes and other calls of a step, and which they are."""


def read_document(text: str) -> dict[str, Documented]:
    """The table of calls."""
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \| ([^|]+) \|$", text, re.MULTILINE)
    return {
        step.strip(): (int(reads), int(writes), int(others), which)
        for step, reads, writes, others, which in rows
    }


def differences(counted: Steps, documented: Mapping[str, Documented]) -> list[str]:
    """Every step that makes other calls than the document says, or that only one of them knows."""
    found = []
    for name, calls in counted.items():
        made = (calls.reads, calls.writes, calls.others, str(calls))
        if documented.get(name) != made:
            found.append(f"{name}: {made}, documented as {documented.get(name)}")
    return found + [f"{name}: documented, and not counted" for name in documented.keys() - counted.keys()]


def count() -> Steps:
    """The calls of each step of one claim's life, and of the pages that people look at."""
    with running_dynoxide() as url, on_aws(url):
        return Scene().play()
