"""Tokens, and people who leave, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.people import Person
from chalicelib.domain.person_changes import PersonChange
from chalicelib.domain.tokens import Token
from tests.fakes.store import Store


@dataclass
class MemoryTokens:
    """Bearer tokens."""

    store: Store

    def token_and_holder(
        self, digest: str, person_id: str, *, now: datetime
    ) -> tuple[Token | None, Person | None]:
        found: Token | None = self.store.items.get(("bearer", person_id, digest))
        live = found if found is not None and found.is_live(now) else None
        return live, self.store.items.get(("person", person_id))

    def of(self, person_id: str) -> list[Token]:
        with self.store.lock:
            found = [item for key, item in self.store.items.items() if key[:2] == ("bearer", person_id)]
        return sorted(found, key=lambda token: token.made_at, reverse=True)

    def add(self, token: Token, change: PersonChange) -> bool:
        key = ("bearer", token.person_id, token.digest)
        with self.store.lock:
            if key in self.store.items or ("person", token.person_id) not in self.store.items:
                return False
            self.store.items[key] = token
            keep_change(self.store, change)
            return True

    def end(self, token: Token, change: PersonChange) -> bool:
        with self.store.lock:
            if self.store.items.pop(("bearer", token.person_id, token.digest), None) is None:
                return False
            keep_change(self.store, change)
            return True

    def used(self, token: Token, *, at: datetime) -> None:
        key = ("bearer", token.person_id, token.digest)
        with self.store.lock:
            stored: Token | None = self.store.items.get(key)
            if stored is not None and stored.use_is_due(at):
                self.store.items[key] = replace(stored, last_used_at=at)

    def end_all(self, person_id: str) -> int:
        with self.store.lock:
            found = [key for key in self.store.items if key[:2] == ("bearer", person_id)]
            for key in found:
                del self.store.items[key]
            return len(found)


def keep_change(store: Store, change: PersonChange) -> None:
    """Beside the person, whether registered or not."""
    store.items[("person-change", change.person_id, change.at, change.id)] = change
