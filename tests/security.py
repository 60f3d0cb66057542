"""The security log, as a test reads it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.adapters.aws.security_log import NAME


class Lines(logging.Handler):
    """The lines that are written while it listens."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(json.loads(record.getMessage()))

    @property
    def events(self) -> list[tuple[str, str, str]]:
        """Event, outcome and person of each."""
        return [(line["event"], line["outcome"], line["person"]) for line in self.all]


@contextmanager
def security_lines() -> Iterator[Lines]:
    """Listens to the security log. What it writes goes on to standard output as well."""
    lines, log = Lines(), logging.getLogger(NAME)
    log.addHandler(lines)
    try:
        yield lines
    finally:
        log.removeHandler(lines)
