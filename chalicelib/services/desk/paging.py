"""Cursors: where a page of a list ended, signed together with the list's name."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.errors import Unreadable
from chalicelib.services.ports import Links, Place


def cursor(links: Links, name: str, place: Place) -> str:
    """What a reader brings back for the page after this place."""
    return links.page_token([name, place.submitted_at.isoformat(), place.force, place.reference])


def read_cursor(links: Links, name: str, token: str) -> Place | None:
    """The place that a cursor names; None without one. Raises Unreadable for what is not ours or another list's."""
    if not token:
        return None
    of, *where = links.read_page_token(token)
    if of != name:
        raise Unreadable("This cursor belongs to another list. Start the list anew.")
    moment, force, reference = where
    return Place(submitted_at=datetime.fromisoformat(moment), force=force, reference=reference)
