"""Searches what tests log for personal data and secrets. A session-wide handler keeps the lines of each test; after the
test, they are searched for what people of the tests are called and reached by, and for the secrets made meanwhile.

Codes of six digits are left out: they may stand in a number by chance.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chalicelib.adapters.aws.security_log import NAME
from chalicelib.adapters.signing.links import SignedLinks
from chalicelib.adapters.signing.seals import KeyedSeals
from infra.local import seeds
from tests.builders import PERSONAL as PERSONAL_ANSWERS

SHORTEST = 6
"""Anything shorter may stand in a line by chance."""
PERSONAL = {"name", "address", "email", "phone", "telephone"}
EXAMPLES = Path(__file__).with_name("examples")
OF_SCENES = {"Sam Okafor", "sam.okafor@example.police.uk", "secret-number-", *PERSONAL_ANSWERS.values()}
"""Whom tests/web and tests/unit send claims for, and how all secrets of the fakes begin."""


class Watcher(logging.Handler):
    """The lines and the secrets of the test under way."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(message)s"))
        self._seeded = re.compile("|".join(map(re.escape, sorted(seeded_values()))))
        self.lines: list[str] = []
        self.secrets: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def forget(self) -> None:
        """A new test begins."""
        self.lines.clear()
        self.secrets.clear()

    def found(self) -> list[str]:
        """The lines that hold a seeded value or a secret."""
        return [line for line in self.lines if self._seeded.search(line) or self._holds_secret(line)]

    def _holds_secret(self, line: str) -> bool:
        return any(one in line for one in self.secrets)

    def watch(self) -> None:
        """Listen to all that our code logs, at any level, and to the secrets that are made."""
        logging.getLogger().addHandler(self)
        logging.getLogger(NAME).addHandler(self)  # it does not propagate
        logging.getLogger("chalicelib").setLevel(logging.DEBUG)
        self._keep(secrets, "token_urlsafe")
        for made in ("cookie", "link"):
            self._keep(KeyedSeals, made)
        self._keep(SignedLinks, "status_token", lambda token: token.rpartition(".")[2])

    def _keep(self, owner: Any, name: str, part: Callable[[str], str] = str) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def keeping(*args: Any, **kwargs: Any) -> str:
            made: str = original(*args, **kwargs)
            self.secrets.add(part(made))
            return made

        setattr(owner, name, keeping)


def seeded_values() -> set[str]:
    """Names, addresses and telephone numbers of everybody in the seeds and in the example answers."""
    planted = json.loads(Path(seeds.__file__).with_name("seeds.json").read_text(encoding="utf-8"))
    examples = [json.loads(file.read_text(encoding="utf-8")) for file in EXAMPLES.glob("*/accepted/*.json")]
    found = {value for one in (planted.get("people", []), examples) for value in _personal(one)}
    return {one for one in found | OF_SCENES if len(one) >= SHORTEST}


def _personal(thing: Any) -> Iterator[str]:
    if isinstance(thing, dict):
        for key, value in thing.items():
            if isinstance(value, str) and key.rpartition("_")[2] in PERSONAL and key != "venue_name":
                yield value
            else:
                yield from _personal(value)
    elif isinstance(thing, list):
        for one in thing:
            yield from _personal(one)
