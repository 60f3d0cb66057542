"""Puts the table of `bench/results/latest.json` into docs/performance.md: `python -m bench.report`."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from bench.__main__ import RESULTS
from bench.calls import DOCUMENT
from bench.figures import shown

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
COUNTED = "AWS calls"
"""The part that has a table of its own in the document."""


def main() -> None:
    """Replace what stands between the two marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    made = table(json.loads(RESULTS.read_text(encoding="utf-8")))
    replaced = re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{made}\n{END}", text, flags=re.DOTALL)
    DOCUMENT.write_text(replaced, encoding="utf-8")


def table(results: dict[str, Any]) -> str:
    """When, where and with what, then every figure."""
    at = datetime.fromisoformat(results["measured_at"])
    about = results["machine"]
    versions = ", ".join(
        f"{name} {about[name]}" for name in ("python", "botocore", "pynamodb", "chalice", "moto")
    )
    lines = [
        f"Measured on {at.day} {at:%B %Y} at commit `{about['commit']}`: {about['machine']}, {about['system']}, "
        f"{versions}.",
        "",
        "| Figure | This product | Floor, or who else | Ratio | Spread | Goal | |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    part = ""
    for row in results["figures"]:
        if row["part"].startswith(COUNTED):
            continue
        if row["part"] != part:
            part = row["part"]
            lines.append(f"| **{part[0].upper()}{part[1:]}** | | | | | | |")
        lines.append("| " + " | ".join(_cells(row)) + " |")
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    floor = f"{shown(row['floor'])} ({row['floor_name']})" if row["floor"] is not None else ""
    ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else ""
    spread = f"{row['spread']:.0%}" if len(row["runs"]) > 1 else ""
    return (
        row["name"],
        f"{shown(row['median'])} {row['unit']}".strip(),
        floor,
        ratio,
        spread,
        row["goal"],
        row["verdict"],
    )


if __name__ == "__main__":
    main()
