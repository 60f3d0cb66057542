"""Roots: what all timelines ended with at a moment, signed and kept where nobody can change it.

From a root on, a timeline that is rewritten with the key of the MACs, set back, or removed is found as well.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.records.timeline import GENESIS, Entry
from chalicelib.domain.values import value

FOLDER = "roots/"
OVERDUE_AFTER = timedelta(hours=50)
"""A root is written each day; one that failed is tried again the next day."""

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


@value
class Line:
    """What one timeline ended with: its length, and the hash of the last entry. A length of 0 vouches for nothing: it
    was not right when the root was written."""

    force: str
    reference: str
    length: int
    head: str

    @property
    def place(self) -> tuple[str, str]:
        """Where the timeline is; the order of the lines."""
        return self.force, self.reference

    def faults(self, entries: Sequence[Entry]) -> list[str]:
        """What is wrong with a timeline beside this line; it may have grown."""
        if not self.length:
            return []
        if len(entries) < self.length or entries[self.length - 1].hash != self.head:
            return ["the timeline is not what it was when the last root was written"]
        return []


@value
class Root:
    """All timelines at a moment (UTC). `previous` is the digest of the root before."""

    at: datetime
    lines: tuple[Line, ...] = ()
    previous: str = GENESIS

    @property
    def name(self) -> str:
        """The key that it is kept under: one for each day."""
        return f"{FOLDER}{self.at.date().isoformat()}.json"

    @property
    def digest(self) -> bytes:
        """SHA-256 of the root as canonical JSON: what is signed."""
        return hashlib.sha256(_canonical(self.content).encode("ascii")).digest()

    @property
    def by_place(self) -> dict[tuple[str, str], Line]:
        """The lines, by where their timelines are."""
        return {line.place: line for line in self.lines}

    @property
    def content(self) -> dict[str, Any]:
        """What is signed, as it is kept."""
        lines = [[one.force, one.reference, one.length, one.head] for one in self.lines]
        return {"at": self.at.isoformat(), "lines": lines, "previous": self.previous}


@value
class SignedRoot:
    """A root with its signature (DER) and the name of the key that made it."""

    root: Root
    key: str
    signature: bytes

    def written(self) -> bytes:
        """As it is kept."""
        signed = {"key": self.key, "signature": b64encode(self.signature).decode("ascii")}
        return _canonical({**self.root.content, **signed}).encode("ascii")


def read(content: bytes) -> SignedRoot:
    """A root as it was kept; whether its signature is ours remains to be seen. Raises ValueError for anything else."""
    try:
        found: Mapping[str, Any] = json.loads(content)
        lines = tuple(
            Line(force=str(force), reference=str(reference), length=int(length), head=str(head))
            for force, reference, length, head in found["lines"]
        )
        at = datetime.fromisoformat(found["at"])
        root = Root(at=at, lines=lines, previous=str(found["previous"]))
        return SignedRoot(
            root=root, key=str(found["key"]), signature=b64decode(found["signature"], validate=True)
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no root") from error


@value
class Verified:
    """How far the reconciler has come. `place` is the last timeline that was verified since `began`; the pass before
    took from `last_began` to `last_ended` and verified `in_all` (None and 0 before the first has ended). UTC."""

    began: datetime
    place: tuple[str, str] = field(default=("", ""))
    so_far: int = 0
    last_began: datetime | None = None
    last_ended: datetime | None = None
    in_all: int = 0
