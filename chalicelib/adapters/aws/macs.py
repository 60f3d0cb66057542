"""The MACs of timeline entries: HMAC-SHA-256, by KMS or with a key in a file."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from chalicelib.adapters.aws import clients, kms
from chalicelib.domain.records.timeline import Entry
from chalicelib.services.changes import AddEntry

_ALGORITHM = "HMAC_SHA_256"


class Key(Protocol):
    """What makes and checks MACs. `name` is stored with each."""

    name: str

    def make(self, message: bytes) -> bytes:
        """The MAC of a message."""

    def is_right(self, message: bytes, mac: bytes) -> bool:
        """Whether this is the MAC of the message."""


class HeldKey:
    """A key that this process can read, for where there is no KMS."""

    def __init__(self, name: str, key: bytes) -> None:
        self.name = name
        self._key = key

    def make(self, message: bytes) -> bytes:
        """HMAC-SHA-256, as KMS makes it."""
        return hmac.new(self._key, message, hashlib.sha256).digest()

    def is_right(self, message: bytes, mac: bytes) -> bool:
        """Takes as long for a wrong MAC as for a right one."""
        return hmac.compare_digest(self.make(message), mac)


class KmsKey:
    """A key of KMS (`HMAC_256`), by its ARN. Nobody can read it."""

    def __init__(self, arn: str) -> None:
        self.name = kms.name_of(arn)
        self._arn = arn

    def make(self, message: bytes) -> bytes:
        """One call."""
        with kms.in_our_words():
            made = clients.client("kms").generate_mac(
                KeyId=self._arn, MacAlgorithm=_ALGORITHM, Message=message
            )
        return bytes(made["Mac"])

    def is_right(self, message: bytes, mac: bytes) -> bool:
        """One call; KMS raises an error for a wrong MAC."""
        given = {"KeyId": self._arn, "MacAlgorithm": _ALGORITHM, "Message": message, "Mac": mac}
        return kms.confirms(
            lambda: clients.client("kms").verify_mac(**given)["MacValid"], unless="KMSInvalidMacException"
        )


class KeyedMacs:
    """`keys`, newest first: the first makes, all verify. `since` is when this service began to make MACs."""

    def __init__(self, keys: Sequence[Key], *, since: datetime | None = None) -> None:
        self._keys = {key.name: key for key in keys}
        self.since = since

    def sealed(self, change: AddEntry) -> Entry:
        """One MAC for each entry. Making it again is harmless."""
        one, entry, newest = change.submission, change.entry, next(iter(self._keys.values()))
        mac = newest.make(entry.mac_message(one.force, one.reference))
        return replace(entry, mac=mac.hex(), mac_key=newest.name)

    def is_right(self, entry: Entry, *, force: str, reference: str) -> bool:
        """A key that we do not name is none of ours, whoever's it is."""
        key = self._keys.get(entry.mac_key)
        try:
            mac = bytes.fromhex(entry.mac)
        except ValueError:
            return False
        return key is not None and key.is_right(entry.mac_message(force, reference), mac)


def key_of(named: str) -> Key:
    """A key as MAC_KEYS names it: `kms:` and its ARN, or `file:` and a path to 64 hexadecimal digits."""
    kind, _, where = named.partition(":")
    if kind == "kms":
        return KmsKey(where)
    path = Path(where)
    return HeldKey(path.name, bytes.fromhex(path.read_text(encoding="ascii").strip()))
