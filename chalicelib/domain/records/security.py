"""What the security log records: its events, and who asks. docs/security.md lists the events; a test compares them."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from enum import Enum
from typing import Protocol

from chalicelib.domain.values import value


@value
class Reporting:
    """How to report a fault, as RFC 9116 has it. `contact` is a `mailto:` or `https:` address, `policy` an `https:`
    address or empty. From `expires` on, readers are not to rely on the file."""

    contact: str
    policy: str
    expires: datetime


class Event(Enum):
    """Something that a person who looks into an attack, or into a complaint, wants to find."""

    SIGNED_IN = "signed-in"
    WRONG_CODE = "wrong-code"
    LONG_CODE = "long-code"
    NEW_BROWSER = "new-browser"
    TOKEN_MADE = "token-made"  # noqa: S105 (the name of an event)
    TOKEN_REVOKED = "token-revoked"  # noqa: S105
    TOKEN_USED = "token-used"  # noqa: S105
    EXPORT_READ = "export-read"
    SUBMISSION_READ = "submission-read"
    TIMELINE_READ = "timeline-read"
    REFUSED = "refused"
    TOO_MANY = "too-many"
    VERIFICATION_FAILED = "verification-failed"


class Caller(Protocol):
    """Whoever sent the request under way."""

    @property
    def request_id(self) -> str:
        """The id that API Gateway gave the request; its access log has the same."""

    @property
    def source(self) -> str:
        """The network that the request comes from. It goes into the log as a hash only."""

    @property
    def known_id(self) -> str:
        """The person id of whoever asks, where it has been read already. Empty otherwise."""


caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""Who asks, during a request. None in background functions."""
