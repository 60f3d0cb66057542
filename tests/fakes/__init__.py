"""The ports in memory, over one store. tests/contract holds them to the same promises as the real adapters."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any

from chalicelib.adapters.aws.security_log import JsonLines
from chalicelib.adapters.dynamodb.sources import DailySources
from chalicelib.adapters.files.form_files import FormFiles, calendar
from chalicelib.adapters.rendering.workbooks import Workbooks
from chalicelib.adapters.signing.links import SignedLinks
from chalicelib.adapters.signing.seals import KeyedSeals
from chalicelib.domain.intake.limits import Limits
from chalicelib.domain.people.issuers import SignIn
from chalicelib.domain.records.security import Reporting
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, drawing
from tests.fakes.exports import MemoryArchive, MemoryFiles
from tests.fakes.identities import KENTS, MemoryIdentities, MemoryProviders
from tests.fakes.others import (
    MemoryAccounts,
    MemoryChecks,
    MemoryDayKeys,
    MemoryFunds,
    MemoryMailer,
    MemoryOutbox,
    MemoryPeople,
    MemoryWorkflows,
    SentMail,
)
from tests.fakes.people import MemoryLeavings, MemoryTokens
from tests.fakes.records import MACS, MOST_OPERATIONS, MemoryForceRecords, MemoryRecords
from tests.fakes.store import RELAY_GRACE, Operation, Queued, RefusedOperation, Store
from tests.fakes.trail import MemoryRootKeys, MemoryTimelines

LIMITS = Limits(mailbox_an_hour=1000, force_an_hour=1000, form_wait=timedelta(0))
"""Wide, so that a test meets a limit only where it says so."""

PROBE_KEY = "p" * 43
REPORTING = Reporting(
    contact="mailto:people@example.org", policy="", expires=datetime(2027, 12, 1, tzinfo=timezone.utc)
)
BASE_URL = "https://ideas.example.org"
__all__ = [
    "BASE_URL",
    "KENTS",
    "LIMITS",
    "MACS",
    "MOST_OPERATIONS",
    "RELAY_GRACE",
    "Clock",
    "MemoryAccounts",
    "MemoryArchive",
    "MemoryChecks",
    "MemoryDayKeys",
    "MemoryFiles",
    "MemoryForceRecords",
    "MemoryFunds",
    "MemoryIdentities",
    "MemoryLeavings",
    "MemoryMailer",
    "MemoryOutbox",
    "MemoryPeople",
    "MemoryProviders",
    "MemoryRecords",
    "MemoryRootKeys",
    "MemoryTimelines",
    "MemoryTokens",
    "MemoryWorkflows",
    "Operation",
    "Queued",
    "RefusedOperation",
    "Secrets",
    "SentMail",
    "Store",
    "parts",
]


class Clock:
    """The time, as the test says it is."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **duration: float) -> None:
        """Let time pass: `clock.pass_by(days=3)`."""
        self.at += timedelta(**duration)


class Secrets:
    """Secrets that nobody guesses and every run repeats."""

    def __init__(self) -> None:
        self._made = 0

    def __call__(self) -> str:
        self._made += 1
        return f"secret-number-{self._made:06d}"


def parts(store: Store | None = None, **replacements: Any) -> Parts:
    """All parts in memory. `parts().now` is a Clock; `records.store`, `mailer.sent`, … tell what happened."""
    store = store or Store()
    made: dict[str, Any] = {
        "records": MemoryRecords(store),
        "outbox": MemoryOutbox(store),
        "funds": MemoryFunds(store),
        "checks": MemoryChecks(),
        "people": MemoryPeople(store),
        "accounts": MemoryAccounts(store),
        "tokens": MemoryTokens(store),
        "leavings": MemoryLeavings(store),
        "seals": KeyedSeals(("k" * 40,)),
        "macs": MACS,
        "timelines": MemoryTimelines(store),
        "roots": MemoryFiles(),
        "root_keys": MemoryRootKeys(),
        "identities": MemoryIdentities(store),
        "providers": MemoryProviders(),
        "sign_in": SignIn(issuers=(KENTS,)),
        "workflows": MemoryWorkflows(),
        "mailer": MemoryMailer(),
        "links": SignedLinks(BASE_URL, ("k" * 40,)),
        "forms": FormFiles(),
        "archive": MemoryArchive(store),
        "workbooks": Workbooks(),
        "files": MemoryFiles(),
        "calendar": calendar(),
        "now": Clock(datetime(2027, 1, 11, 9, 30, tzinfo=timezone.utc)),
        "undo_for": timedelta(0),
        "limits": LIMITS,
        "probe_key": PROBE_KEY,
        "reporting": REPORTING,
        "draw": drawing(random.Random(7)),
        "new_secret": Secrets(),
    }
    made |= replacements
    made.setdefault("sources", DailySources(MemoryDayKeys(), now=made["now"], new_secret=made["new_secret"]))
    made.setdefault("security", JsonLines(source_of=made["sources"].of, now=made["now"]))
    return Parts(**made)
