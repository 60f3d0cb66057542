"""What signing in with an OpenID provider needs from outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.people.identities import Attempt, Link
    from chalicelib.domain.people.issuers import Issuer
    from chalicelib.domain.people.person_changes import PersonChange


class Identities(Protocol):
    """Which identities belong to whom. It is Records.commit that links one."""

    def holder(self, digest: str) -> str | None:
        """The id of the person whom this identity belongs to."""

    def of_person(self, person_id: str) -> list[Link]:
        """The identities of a person, the oldest link first."""

    def unlink(self, link: Link, change: PersonChange) -> bool:
        """Remove a person's identity, and keep that it was removed. False, and nothing changes, where it is gone, or
        somebody else's."""


class Providers(Protocol):
    """The OpenID providers themselves."""

    def address(self, issuer: Issuer, attempt: Attempt, *, back: str) -> str:
        """Where a browser signs in at the provider. `back` is where the provider sends it afterwards. Raises
        Unavailable where the provider does not answer."""

    def claims(
        self, issuer: Issuer, attempt: Attempt, code: str, *, back: str, now: datetime
    ) -> Mapping[str, Any]:
        """What the provider says of whoever brought this code: the claims of its ID token, of which signature,
        issuer, audience, dates and nonce hold. Raises NotVouchedFor where they do not, or where the provider does
        not take the code; Unavailable where it does not answer."""

    def names_itself(self, issuer: Issuer) -> bool:
        """Whether this provider says who it is when it sends a browser back (RFC 9207). Raises Unavailable."""
