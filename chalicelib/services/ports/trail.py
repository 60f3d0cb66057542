"""What the services need from outside so that a timeline cannot be rewritten unseen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.domain.records.timeline import Entry
    from chalicelib.services.changes import AddEntry


class EntryMacs(Protocol):
    """The MACs of timeline entries, under keys that nobody can read."""

    @property
    def since(self) -> datetime | None:
        """When this service began to make them; entries from before need none. None: all entries need one."""

    def sealed(self, change: AddEntry) -> Entry:
        """The entry with its MAC, as it is stored. Raises Unavailable where the key does not answer."""

    def is_right(self, entry: Entry, *, force: str, reference: str) -> bool:
        """Whether the MAC is ours, made of this entry of this timeline. Raises Unavailable."""


class Timelines(Protocol):
    """All timelines."""

    def moved(self, since: datetime, until: datetime) -> Iterator[tuple[str, str]]:
        """Force and reference of each that has an entry made between these moments (UTC), some of them several times.
        May be a moment behind. Entries of earlier releases are not found."""


class RootKeys(Protocol):
    """What signs roots, with keys whose private halves nobody can read."""

    def sign(self, digest: bytes) -> tuple[str, bytes]:
        """The name of the key, and its signature of a SHA-256 digest. Raises Unavailable."""

    def is_right(self, digest: bytes, *, key: str, signature: bytes) -> bool:
        """Whether one of our keys, the one of this name, made the signature. Raises Unavailable."""
