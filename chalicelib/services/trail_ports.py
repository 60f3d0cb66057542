"""What the services need from outside so that a timeline cannot be rewritten unseen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.timeline import Entry
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
