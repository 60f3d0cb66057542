"""Puts the table of `bench/results/latest.json` into docs/performance.md: `python -m bench.report`."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from bench.__main__ import RESULTS
from bench.calls import DOCUMENT
from bench.figures import table

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
COUNTED = "AWS calls"
"""The part that has a table of its own in the document."""


def main() -> None:
    """Replace what stands between the two marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    made = report(json.loads(RESULTS.read_text(encoding="utf-8")))
    replaced = re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{made}\n{END}", text, flags=re.DOTALL)
    DOCUMENT.write_text(replaced, encoding="utf-8")


def report(results: dict[str, Any]) -> str:
    """When, where and with what, then every figure."""
    at = datetime.fromisoformat(results["measured_at"])
    about = results["machine"]
    versions = ", ".join(
        f"{name} {about[name]}" for name in ("python", "botocore", "pynamodb", "chalice", "moto")
    )
    where = f"{about['machine']}, {about['system']}, {versions}"
    rows = (row for row in results["figures"] if not row["part"].startswith(COUNTED))
    return f"Measured on {at.day} {at:%B %Y} at commit `{about['commit']}`: {where}.\n\n{table(rows)}"


if __name__ == "__main__":
    main()
