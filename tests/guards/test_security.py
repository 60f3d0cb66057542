"""docs/security.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.domain.security import Event

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"


def rows(heading: str) -> list[list[str]]:
    """The cells of each row of the table below a heading."""
    text = DOCUMENT.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_every_event_of_the_security_log_is_documented_and_no_other() -> None:
    assert [row[0].strip("`") for row in rows("Security log")] == [event.value for event in Event]


def test_every_event_is_written_somewhere() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "chalicelib").rglob("*.py"))
    assert [event.name for event in Event if not re.search(rf"\bEvent\.{event.name}\b", source)] == []
