"""What recording access needs from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.records.security import Event


class SecurityLog(Protocol):
    """A record of who did what, for whoever looks into an attack. It adds the source and the id of the request."""

    def note(self, event: Event, outcome: str, *, person: str = "") -> None:
        """Record an event. Never fails. The first event of a day may wait for the store.

        `outcome` is a word of ours, such as `done` or the code of a refusal: never an answer, an address or a token.
        `person` is a person's id; where it is empty, that of whoever asks.
        """
