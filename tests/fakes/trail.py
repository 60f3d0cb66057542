"""Timelines, and the keys that roots are signed with."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.store import Store


@dataclass
class MemoryTimelines:
    """All timelines."""

    store: Store

    def moved(self, since: datetime, until: datetime) -> Iterator[tuple[str, str]]:
        with self.store.lock:
            entries = [(key, one) for key, one in self.store.items.items() if key[0] == "entry"]
        return ((key[1], key[2]) for key, one in entries if since <= one.at <= until)


@dataclass
class MemoryRootKeys:
    """One key. What it makes is no signature; nobody who has not the key can make it either."""

    name: str = "root-key"
    key: bytes = b"r" * 32

    def sign(self, digest: bytes) -> tuple[str, bytes]:
        return self.name, hmac.new(self.key, digest, hashlib.sha256).digest()

    def is_right(self, digest: bytes, *, key: str, signature: bytes) -> bool:
        return key == self.name and signature == self.sign(digest)[1]
