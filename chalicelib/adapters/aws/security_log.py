"""The security log: a line of JSON on standard output for each event. On Lambda that is the function's own log."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, TextIO

from chalicelib.domain.records import security

if TYPE_CHECKING:
    from chalicelib.domain.records.security import Event

NAME = "share.security"
"""The logger's name."""

PAUSE = timedelta(minutes=1)
"""For how long no source is asked for after a failure. Each try may take seconds."""

_log = logging.getLogger(__name__)


class JsonLines:
    """`source_of` makes the hash of a network for a day (Sources.of). Where it fails, the line has no source."""

    def __init__(self, *, source_of: Callable[[str, date], str], now: Callable[[], datetime]) -> None:
        self._source_of = source_of
        self._now = now
        self._log = _logger()
        self._again_at = datetime.min.replace(tzinfo=timezone.utc)

    def note(self, event: Event, outcome: str, *, person: str = "") -> None:
        """One line. `logging` keeps it whole among several threads, and takes no failure further."""
        asks, at = security.caller.get(), self._now()
        network = asks.source if asks else ""
        line = {
            "at": at.isoformat(timespec="milliseconds"),
            "event": event.value,
            "outcome": outcome,
            "person": person or (asks.known_id if asks else ""),
            "source": self._source(network, at) if network else "",
            "request_id": asks.request_id if asks else "",
        }
        self._log.info("%s", json.dumps(line))

    def _source(self, network: str, at: datetime) -> str:
        if at < self._again_at:
            return ""
        try:
            return self._source_of(network, at.date())
        except Exception as error:  # whatever fails, the event is recorded and the request goes on
            _log.warning("no key to hash networks with: %s", type(error).__name__)
            self._again_at = at + PAUSE
            return ""


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to whatever standard output is now, without Lambda's prefix: metric filters read whole lines."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout


def _logger() -> logging.Logger:
    log = logging.getLogger(NAME)
    if not any(isinstance(one, _StandardOutput) for one in log.handlers):
        log.addHandler(_StandardOutput())
        log.setLevel(logging.INFO)
        log.propagate = False
    return log
