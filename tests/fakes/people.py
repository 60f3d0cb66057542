"""Tokens, and people who leave, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.people.leaving import Leaving, Registered
from chalicelib.domain.people.people import Holding, Person, normalised
from chalicelib.domain.people.person_changes import PersonChange
from chalicelib.domain.people.tokens import Token
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


@dataclass
class MemoryLeavings:
    """Who leaves, and what has changed about people."""

    store: Store

    def people_at(self, place: str, *, after: str, limit: int) -> tuple[list[Registered], str]:
        with self.store.lock:
            there = [one for one in self.store.of_kind("person") if _is_at(place, one.roles)]
            people = sorted((one for one in there if one.id > after), key=lambda one: one.id)[:limit]
            found = [Registered(person=one, leaving=self.leaving(one.id)) for one in people]
        return found, people[-1].id if len(people) == limit else ""

    def left(self, place: str, *, limit: int) -> list[Leaving]:
        leavings = [one for one in self.store.of_kind("leaving") if one.left_at is not None]
        found = [one for one in leavings if _is_at(place, one.roles)]
        return sorted(found, key=lambda one: one.left_at, reverse=True)[:limit]

    def leaving(self, person_id: str) -> Leaving | None:
        return self.store.items.get(("leaving", person_id))

    def changes(self, person_id: str) -> list[PersonChange]:
        found = [one for one in self.store.of_kind("person-change") if one.person_id == person_id]
        return sorted(found, key=lambda one: (one.at, one.id))

    def say(self, leaving: Leaving, change: PersonChange, *, instead_of: Leaving | None) -> bool:
        with self.store.lock:
            kept = self.leaving(leaving.person_id)
            is_same = _said_at(kept) == _said_at(instead_of)
            if ("person", leaving.person_id) not in self.store.items or not is_same:
                return False
            self.store.items[("leaving", leaving.person_id)] = leaving
            keep_change(self.store, change)
            return True

    def take_back(self, leaving: Leaving, change: PersonChange) -> bool:
        with self.store.lock:
            kept = self.leaving(leaving.person_id)
            if kept is None or kept.said_at != leaving.said_at or kept.left_at is not None:
                return False
            del self.store.items[("leaving", leaving.person_id)]
            keep_change(self.store, change)
            return True

    def due(self, now: datetime, *, limit: int) -> list[str]:
        open_ones = [
            one for one in self.store.of_kind("leaving") if one.done_at is None and one.ends_at <= now
        ]
        return [one.person_id for one in sorted(open_ones, key=lambda one: one.ends_at)][:limit]

    def end_roles(
        self,
        leaving: Leaving,
        person: Person | None,
        change: PersonChange,
        *,
        others: Sequence[tuple[Holding, str]] = (),
    ) -> bool:
        with self.store.lock:
            items, kept = self.store.items, self.leaving(leaving.person_id)
            is_same = kept is not None and kept.said_at == leaving.said_at and kept.left_at is None
            still_held = all(("holding", held, other) in items for held, other in others)
            if not is_same or not still_held or items.get(("person", leaving.person_id)) != person:
                return False
            if person is not None:
                items.pop(("person", person.id))
                if items.get(("address", normalised(person.address))) == person.id:
                    items.pop(("address", normalised(person.address)))
                for held in person.roles:
                    items.pop(("holding", held, person.id), None)
            items.pop(("away", leaving.person_id), None)
            items[("leaving", leaving.person_id)] = leaving
            keep_change(self.store, change)
            return True

    def finish(self, leaving: Leaving) -> None:
        with self.store.lock:
            kept = self.leaving(leaving.person_id)
            if kept is not None and kept.said_at == leaving.said_at and kept.left_at is not None:
                self.store.items[("leaving", leaving.person_id)] = leaving

    def forget_delegate(self, person_id: str, delegate_id: str) -> bool:
        with self.store.lock:
            away = self.store.items.get(("away", person_id))
            if away is None or away.delegate_id != delegate_id:
                return False
            self.store.items[("away", person_id)] = replace(away, delegate_id="")
            return True


def _is_at(place: str, roles: Sequence[Holding]) -> bool:
    return not place or any(held.at == place for held in roles)


def _said_at(leaving: Leaving | None) -> datetime | None:
    return leaving.said_at if leaving else None


def keep_change(store: Store, change: PersonChange) -> None:
    """Beside the person, whether registered or not."""
    store.items[("person-change", change.person_id, change.at, change.id)] = change
