"""What exports need, in memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO
from urllib.parse import urlencode

from chalicelib.domain.errors import NotFound, TooLarge
from chalicelib.domain.records.submissions import Submission
from tests.fakes.store import Store


@dataclass
class MemoryArchive:
    """All submissions of a form at a force."""

    store: Store
    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)

    def submitted(
        self, force: str, form: str, *, since: datetime | None = None, until: datetime
    ) -> Iterator[Submission]:
        with self.store.lock:
            found = [
                deepcopy(one)
                for one in self.store.of_kind("submission")
                if (one.force, one.form) == (force, form)
                and not one.is_unproven
                and one.submitted_at < until
                and (since is None or one.submitted_at >= since)
            ]
        return iter(sorted(found, key=lambda one: one.submitted_at))

    def next_number(self, form: str, scope: str) -> int:
        with self.store.lock:
            self.numbers[(form, scope)] += 1
            return self.numbers[(form, scope)]


@dataclass
class MemoryFiles:
    """Files by key: media type and content."""

    kept: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, key: str, content: IO[bytes], *, media_type: str) -> None:
        self.kept[key] = media_type, content.read()

    def put_if_absent(self, key: str, content: bytes, *, media_type: str) -> bool:
        with self._lock:
            if key in self.kept:
                return False
            self.kept[key] = media_type, content
            return True

    def get(self, key: str, *, most: int) -> bytes:
        if key not in self.kept:
            raise NotFound("There is no such file, or it has been removed since.")
        content = self.kept[key][1]
        if len(content) > most:
            raise TooLarge("This file is too large.")
        return content

    def keys(self, prefix: str) -> Iterator[str]:
        return iter([key for key in self.kept if key.startswith(prefix)])

    def address(self, key: str, *, called: str, media_type: str, seconds: int) -> str:
        query = urlencode({"called": called, "media_type": media_type, "seconds": seconds})
        return f"https://files.example.org/{key}?{query}"
