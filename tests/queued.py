"""The values of each version of each mail, as the outbox keeps them. A stored file never changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chalicelib.domain.delivery.mails import MAILS, as_now

QUEUED = Path(__file__).parent / "guards" / "queued-mails"


def queued(template: str, version: int) -> dict[str, Any]:
    """What the outbox has of one version."""
    path = QUEUED / f"{template}.v{version}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def samples() -> dict[str, dict[str, Any]]:
    """An example of every mail's values, as its template needs them now."""
    return {name: as_now(name, queued(name, mail.version)) for name, mail in MAILS.items()}
