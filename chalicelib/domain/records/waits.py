"""What an execution waits for."""

from __future__ import annotations

from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.values import value


@value
class Wait:
    """What an execution waits for: the answer of this turn, in this round and sitting, to these answers."""

    round: int
    stage: str
    asked_as: AskedAs
    version: int
    sitting: int = 1


@value
class TokenFor:
    """The wait that a token was kept for, and the submission's revision at which it was."""

    wait: Wait
    revision: int
