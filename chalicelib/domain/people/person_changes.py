"""What changed about a person, by whom and why: the audit trail that stands beside them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from chalicelib.domain.values import value

COMMAND = "command"
"""The actor of a change that an operator made by a command."""

SCHEDULE = "schedule"
"""The actor of a change whose date came."""


class What(Enum):
    """What happened."""

    TOKEN_MADE = "token-made"  # noqa: S105 - a word
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - a word
    LINKED = "linked"
    UNLINKED = "unlinked"
    LEAVING_SAID = "leaving-said"
    LEAVING_TAKEN_BACK = "leaving-taken-back"
    LEFT = "left"


@value
class PersonChange:
    """One change. `actor` is a person's id, COMMAND or SCHEDULE; `about` names the token, the
    organisation whose sign-in it is, the day or the roles;
    `reason` is what somebody wrote."""

    id: str
    person_id: str
    at: datetime
    actor: str
    what: What
    about: str = ""
    reason: str = ""
