"""docs/security.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.domain.records.security import Event

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


def named_tests() -> list[tuple[str, str]]:
    """The file and the name of each test that the table of threats names."""
    cells = [row[2] for row in rows("Threats")]
    return [
        found for cell in cells for found in re.findall(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\)", cell)
    ]


def test_every_threat_is_held_by_something_and_shown_by_a_test() -> None:
    for threat, held, shown in rows("Threats"):
        assert held, threat
        assert shown.count("](../tests/") == shown.count("`test_"), threat
        assert "`test_" in shown, threat


def test_the_tests_that_the_threats_name_exist() -> None:
    named = named_tests()
    assert len(named) > 40
    missing = [
        name
        for name, file in named
        if not re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []
