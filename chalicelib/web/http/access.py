"""Who may call a route. Every route declares one of these, and which scope lets a bearer token in: by default none.
A test walks the route table."""

from __future__ import annotations

from enum import Enum

from chalicelib.domain.people.tokens import Scope


class Access(Enum):
    """What a route asks of its caller. What the caller may see of it is the services' to say."""

    PUBLIC = "public"
    """Anybody. Whatever is shown holds no personal data, or is the caller's own by a signed link."""

    SIGNED_IN = "signed-in"
    """A registered person, by session, or by a bearer token where the route names a scope."""

    CLAIMANT = "claimant"
    """Whoever typed the code that was mailed to the submitter of the path's `{token}`."""

    STAFF = "staff"
    """A coordinator, the fund holder or an administrator, of a force or national."""

    WATCHER = "watcher"
    """Staff, or a monitor that shows the key in PROBE_KEY."""


PUBLIC = Access.PUBLIC
SIGNED_IN = Access.SIGNED_IN
CLAIMANT = Access.CLAIMANT
STAFF = Access.STAFF
WATCHER = Access.WATCHER

READ = Scope.READ
SUBMIT = Scope.SUBMIT
MANAGE = Scope.MANAGE
