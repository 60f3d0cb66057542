"""The timeline: who did what, when, and what they saw. Append-only, each entry chained to the one before.

An entry holds ids and codes, never words that people wrote: those stand in a text of their own, which
retention may remove. The entry keeps a salted digest of the text, so the chain verifies either way.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime

from chalicelib.domain.answers import fingerprint
from chalicelib.domain.values import value

GENESIS = "0" * 64
CLAIMANT = "claimant"
SYSTEM = "system"


@value
class Entry:
    """One thing that happened. `actor` is a person's id, `claimant` or `system`; `at` is UTC."""

    sequence: int
    at: datetime
    actor: str
    role: str
    action: str
    stage: str = ""
    details: Mapping[str, str | int] = field(default_factory=dict)
    text_digest: str = ""
    previous: str = GENESIS
    hash: str = ""

    def computed_hash(self) -> str:
        """What `hash` must be for this entry to be as it was written."""
        return fingerprint(
            self.sequence,
            self.at.isoformat(),
            self.actor,
            self.role,
            self.action,
            self.stage,
            dict(self.details),
            self.text_digest,
            self.previous,
        )


@value
class Text:
    """What somebody wrote with an entry, such as a comment. Personal: it may be removed.

    `parts` is what was written about each part of it, such as the changes asked for, by section.
    """

    sequence: int
    words: str
    salt: str
    parts: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """The digest that the entry keeps. Salted, so that short texts cannot be guessed from it."""
        written = self.words if not self.parts else json.dumps([self.words, self.parts], sort_keys=True)
        return hmac.new(self.salt.encode(), written.encode(), hashlib.sha256).hexdigest()


@value
class Chain:
    """How long a timeline is and the hash it ends with. Stored with the submission, moved with every entry."""

    length: int = 0
    head: str = GENESIS

    def append(self, entry: Entry, text: Text | None = None) -> tuple[Chain, Entry]:
        """The chain with `entry` at its end, and the entry as it is stored."""
        placed = replace(
            entry, sequence=self.length, previous=self.head, text_digest=text.digest() if text else ""
        )
        sealed = replace(placed, hash=placed.computed_hash())
        return Chain(length=self.length + 1, head=sealed.hash), sealed


def faults(entries: Sequence[Entry], chain: Chain, texts: Mapping[int, Text]) -> list[str]:
    """What is wrong with a stored timeline; empty where it is as it was written.

    Finds edited, removed, added, swapped and cut-off entries, and edited texts. A removed text is no fault.
    """
    found = []
    previous = GENESIS
    for place, entry in enumerate(entries):
        if entry.sequence != place:
            found.append(f"entry {place} is missing or out of order")
            break
        if entry.previous != previous or entry.hash != entry.computed_hash():
            found.append(f"entry {place} is not as it was written")
        text = texts.get(place)
        if text is not None and text.digest() != entry.text_digest:
            found.append(f"the text of entry {place} is not as it was written")
        previous = entry.hash
    if len(entries) != chain.length or previous != chain.head:
        found.append("the timeline does not end where the submission says")
    return found
