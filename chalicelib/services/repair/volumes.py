"""Looks, once an hour, at how much was submitted: a force that sends very much is told of, never refused."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from chalicelib.domain.values import value
from chalicelib.services.desk.lines import Listed
from chalicelib.services.ports import Parts

PERIOD = timedelta(hours=1)
_AT_ONCE = 100
_PAGES = 20
"""How far one run looks, in each form: a flood is one also where it is larger."""

_log = logging.getLogger(__name__)


@value
class Watched:
    """How many submissions came in the last hour, and the forces of which there were more than the limit."""

    submitted: int
    too_many: tuple[str, ...]


def watch(parts: Parts) -> Watched:
    """Count the last hour's submissions by force; a line in the log for each force with too many. Changes nothing."""
    counted = Counter(line.force for form in parts.forms.all() for line in _last_hour(parts, form.id))
    limit = parts.limits.force_an_hour
    too_many = tuple(sorted(force for force, number in counted.items() if limit and number > limit))
    for force in too_many:
        _log.warning("too many submissions: %d of %s in an hour", counted[force], force)
    return Watched(submitted=sum(counted.values()), too_many=too_many)


def _last_hour(parts: Parts, form: str) -> Iterator[Listed]:
    """Newest first, from the index."""
    since = parts.now() - PERIOD
    place = None
    for _ in range(_PAGES):
        lines = parts.records.page(form, after=place, limit=_AT_ONCE)
        for line in lines:
            if line.submitted_at <= since:
                return
            yield line
        if len(lines) < _AT_ONCE:
            return
        place = lines[-1].place
