"""The timeline: who did what, when, and what they saw. Append-only, each entry chained to the one before.

An entry holds ids and codes, never words that people wrote: those stand in a text of their own, which
retention may remove, and adds an entry that says so. The entry keeps a salted digest of the text, so the chain
verifies either way. Each entry has a MAC, under a key that writers may use and nobody can read.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime

from chalicelib.domain.forms.answers import fingerprint
from chalicelib.domain.values import value

GENESIS = "0" * 64
CLAIMANT = "claimant"
SYSTEM = "system"
REMOVED = "removed"
"""The action of an entry that says what was removed: `texts`, the numbers of their entries; `personal`, where the
personal answers were."""


@value
class Entry:
    """One thing that happened. `actor` is a person's id, `claimant` or `system`; `at` is UTC.

    `state` is the digest of the submission as this entry left it, `before` as the change found it; both are empty in
    entries of earlier releases. `mac` (hexadecimal) is made of `mac_message` with the key named `mac_key`.
    """

    sequence: int
    at: datetime
    actor: str
    role: str
    action: str
    stage: str = ""
    details: Mapping[str, str | int] = field(default_factory=dict)
    text_digest: str = ""
    before: str = ""
    state: str = ""
    previous: str = GENESIS
    hash: str = ""
    mac: str = ""
    mac_key: str = ""

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
            *([self.before, self.state] if self.state else ()),
        )

    def mac_message(self, force: str, reference: str) -> bytes:
        """What the MAC is made of: the entry's hash and the one before, and whose timeline it is in."""
        place = ["timeline-entry", force, reference, self.sequence, self.previous, self.hash]
        return json.dumps(place, separators=(",", ":")).encode()


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
    """How long a timeline is and the hash it ends with. Stored with the submission, moved with every entry.

    `state` is the digest of the submission as it was read, or as the last entry left it. It is not stored.
    """

    length: int = 0
    head: str = GENESIS
    state: str = field(default="", compare=False, repr=False)

    def append(self, entry: Entry, text: Text | None = None, *, state: str = "") -> tuple[Chain, Entry]:
        """The chain with `entry` at its end, and the entry as it is stored. `state` is of the submission as it is
        stored with it."""
        placed = replace(
            entry,
            sequence=self.length,
            previous=self.head,
            text_digest=text.digest() if text else "",
            before=self.state,
            state=state,
        )
        sealed = replace(placed, hash=placed.computed_hash())
        return Chain(length=self.length + 1, head=sealed.hash, state=state), sealed


def faults(entries: Sequence[Entry], chain: Chain, texts: Mapping[int, Text]) -> list[str]:
    """What is wrong with a stored timeline; empty where it is as it was written, as far as that shows without the key.

    Finds edited, removed, added, swapped and cut-off entries, and edited texts. A text that is missing is a fault
    unless an entry says that it was removed.
    """
    found = []
    removed = removed_texts(entries)
    previous, state = GENESIS, ""
    for place, entry in enumerate(entries):
        if entry.sequence != place:
            found.append(f"entry {place} is missing or out of order")
            break
        if entry.previous != previous or entry.hash != entry.computed_hash():
            found.append(f"entry {place} is not as it was written")
        if entry.state and state and entry.before != state:
            found.append(f"the submission was changed without an entry before entry {place}")
        text = texts.get(place)
        if text is not None and text.digest() != entry.text_digest:
            found.append(f"the text of entry {place} is not as it was written")
        if text is None and entry.text_digest and place not in removed:
            found.append(f"the text of entry {place} is missing")
        previous, state = entry.hash, entry.state
    if len(entries) != chain.length or previous != chain.head:
        found.append("the timeline does not end where the submission says")
    return found


def removed_texts(entries: Sequence[Entry]) -> frozenset[int]:
    """The entries whose texts were removed, as later entries say."""
    told = (entry.details.get("texts", "") for entry in entries if entry.action == REMOVED)
    return frozenset(int(number) for one in told for number in str(one).split() if number.isdecimal())


def unsealed(entries: Sequence[Entry], since: datetime | None) -> list[str]:
    """What is wrong with where MACs are missing. Entries of earlier releases, written before `since`, have none; from
    the first that has one, all must."""
    first = next((place for place, entry in enumerate(entries) if entry.mac), len(entries))
    missing = [
        entry.sequence
        for place, entry in enumerate(entries)
        if not entry.mac and (place > first or since is None or entry.at >= since)
    ]
    return [f"entry {number} has no MAC" for number in missing]
