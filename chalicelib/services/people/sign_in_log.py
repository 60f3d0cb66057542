"""What signing in leaves in the security log."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.people import pairs
from chalicelib.domain.people.pairs import Pair
from chalicelib.domain.records.security import Event
from chalicelib.services.ports import Parts


def signed_in(parts: Parts, person_id: str, how: str, *, is_known: bool) -> None:
    """Somebody signed in. `is_known`: this browser has proved the mailbox before."""
    parts.security.note(Event.SIGNED_IN, how, person=person_id)
    if not is_known:
        parts.security.note(Event.NEW_BROWSER, how, person=person_id)


def guessed(parts: Parts, before: Pair, after: Pair, now: datetime) -> None:
    """A guess is stored: where it was one too many, the mailbox has long codes from now on."""
    if pairs.begins_long(before, after, now):
        parts.security.note(Event.LONG_CODE, "begins", person=after.person_id)
