"""OpenID providers and the identities that they vouch for, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from chalicelib.domain.errors import NotVouchedFor, Unavailable
from chalicelib.domain.people.identities import Attempt, Link
from chalicelib.domain.people.issuers import Issuer
from chalicelib.domain.people.person_changes import PersonChange
from tests.fakes.people import keep_change
from tests.fakes.store import Store

KENTS = Issuer(
    id="kents",
    name="Kent Police",
    url="https://login.kent.example",
    client_id="share",
    client_secret="not for anybody",
    domains=("example.police.uk",),
)
"""The provider that the fakes know of. It signs nobody in unless a test says so."""


@dataclass
class MemoryIdentities:
    """Which identities belong to whom."""

    store: Store

    def holder(self, digest: str) -> str | None:
        found: Link | None = self.store.items.get(("identity", digest))
        return found.person_id if found else None

    def of_person(self, person_id: str) -> list[Link]:
        with self.store.lock:
            found = [link for key, link in self.store.items.items() if key[:2] == ("identity-of", person_id)]
        return sorted(found, key=lambda one: one.linked_at)

    def unlink(self, link: Link, change: PersonChange) -> bool:
        with self.store.lock:
            if self.holder(link.digest) != link.person_id:
                return False
            del self.store.items[("identity", link.digest)]
            del self.store.items[("identity-of", link.person_id, link.digest)]
            keep_change(self.store, change)
            return True


@dataclass
class MemoryProviders:
    """Providers that vouch for whoever brings a code in `codes`. `failing`: they do not answer."""

    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    failing: bool = False
    with_iss: bool = False
    asked: list[Attempt] = field(default_factory=list)

    def address(self, issuer: Issuer, attempt: Attempt, *, back: str) -> str:
        self._answer()
        return f"{issuer.url}/auth?{urlencode({'state': attempt.state, 'redirect_uri': back})}"

    def claims(
        self, issuer: Issuer, attempt: Attempt, code: str, *, back: str, now: datetime
    ) -> Mapping[str, Any]:
        self._answer()
        self.asked.append(attempt)
        if code not in self.codes:
            raise NotVouchedFor("This code is not known.")
        return self.codes[code]

    def names_itself(self, issuer: Issuer) -> bool:
        self._answer()
        return self.with_iss

    def _answer(self) -> None:
        if self.failing:
            raise Unavailable("The provider does not answer.")
