"""The search of what whole runs log finds what should not be there (tests/child_logs.py)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests import child_logs

LINK = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF"
STATUS = "kent.CLM-7K3F-9QX2.c2lnbmVkLXNpZ25lZC1zaWduZWQ"
TEXT = (
    f"Type this code:\n\n    938689\n\nOr open:\nhttp://127.0.0.1/sign-in/{LINK}\nhttp://x/status/{STATUS}\n"
)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The log of a data folder with keys and one mail."""
    folder = tmp_path / "data"
    (folder / "logs").mkdir(parents=True)
    (folder / "signing-keys").write_text("local-1:a-signing-key-of-this-run\n")
    mail = EmailMessage()
    mail["Subject"] = "Your sign-in code"
    mail.set_content(TEXT)
    raw = base64.b64encode(bytes(mail)).decode()
    entry = {"id": "1", "to": "somebody.new@example.org", "sent_at": "2027-01-11T09:30:00.000Z", "raw": raw}
    (folder / "mail.jsonl").write_text(json.dumps(entry) + '\n{"id": "2", "to')
    yield folder / "logs" / "web.log"
    (folder / "logs" / "web.log").unlink()  # else the search of this process's runs finds it


@pytest.mark.parametrize(
    "planted",
    [
        "lead.kent@example.police.uk",
        "somebody.new@example.org",
        "938689",
        LINK,
        STATUS,
        "a-signing-key-of-this-run",
        "the-value-of-a-cookie",
    ],
)
def test_what_is_planted_in_a_log_is_found(
    log: Path, tmp_path: Path, planted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_logs, "cookies", {"the-value-of-a-cookie"})
    log.write_text(f"2026-12-01 16:22:12,638 INFO ready\nGET {planted} 200\n\n")
    assert child_logs.logs(tmp_path) == {log}
    assert child_logs.leaks([log]) == [f"{log}: GET {planted} 200"]


def test_a_number_that_holds_a_code_by_chance_is_none(log: Path) -> None:
    log.write_text("2026-12-01 16:22:12,938689 INFO took 1938689 ns, 0.938689 s\n")
    assert child_logs.leaks([log]) == []
