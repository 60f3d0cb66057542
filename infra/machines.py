"""The state machines: one definition, of which each workflow has a machine under its own name."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def definition(root: Path = ROOT) -> Path:
    """The file of the definition, in the project at `root`."""
    return root / "infra" / "workflows" / "approval.asl.json"


def names(root: Path = ROOT) -> list[str]:
    """The name of every workflow of the project at `root`, and so of every state machine."""
    files = (root / "schemas" / "workflows").glob("*.v*.json")
    return sorted({file.name.partition(".")[0] for file in files})
