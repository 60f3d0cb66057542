"""The state machines: one definition, of which each workflow has a machine under its own name."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def definition(root: Path = ROOT) -> Path:
    """The file of the definition, in the project at `root`."""
    return root / "infra" / "workflows" / "approval.asl.json"


def names(root: Path = ROOT) -> list[str]:
    """The name of every workflow of the project at `root`, and so of every state machine."""
    forms = [
        json.loads(file.read_text(encoding="utf-8")) for file in (root / "schemas" / "forms").glob("*.json")
    ]
    return sorted({form["workflow"]["name"] for form in forms})
