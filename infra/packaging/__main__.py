"""Make the package in build/ and say what it is. Exit status 2: it could not be made, and one line says why."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from infra.packaging import bundle
from infra.packaging.runtime import ROOT, CannotPackage, digest, python_version
from infra.packaging.template import complete

OUT = ROOT / "build"
TEMPLATE = "template.json"
LARGEST_UNPACKED = 250 * 1024 * 1024


def build(out: Path) -> dict[str, object]:
    """Write template.json, deployment.zip and layer-deployment.zip into a folder. Returns the template."""
    merged = bundle.make(out)
    template = complete(merged)
    (out / TEMPLATE).write_text(json.dumps(template, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    merged.unlink()
    return template


def _report(out: Path, template: dict[str, object]) -> str:
    files = sorted(one for one in out.iterdir() if one.is_file())
    lines = [
        f"{file.relative_to(ROOT)}  {file.stat().st_size:>11,} bytes  sha256 {digest(file.read_bytes())[:16]}"
        for file in files
    ]
    resources = template["Resources"]
    if not isinstance(resources, dict):
        raise TypeError("a template's resources are a mapping")
    kinds = Counter(str(one["Type"]).rpartition("::")[2] for one in resources.values())
    what = {"Function": "functions", "StateMachine": "state machines", "Alarm": "alarms"}
    counts = ", ".join(f"{kinds[kind]} {words}" for kind, words in what.items())
    lines.append(f"Python {python_version()} on x86_64; {counts}; {len(resources)} resources")
    return "\n".join(lines)


def main() -> int:
    """Build, and tell."""
    try:
        template = build(OUT)
    except CannotPackage as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    sys.stdout.write(_report(OUT, template) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
