"""Everything we refuse, by name. Each error carries a sentence that its reader may see.

No message holds an answer or an address: messages reach logs.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.values import value


@value
class Problem:
    """One thing wrong with one answer. `pointer` is a JSON Pointer (RFC 6901) into the answers."""

    pointer: str
    code: str
    message: str


class Refused(Exception):
    """Base of all refusals. `str(error)` is one or two plain sentences for the person who asked."""


class Unreadable(Refused):
    """The request cannot be read at all."""


class NotSignedIn(Refused):
    """Nobody is signed in, and it takes somebody."""


class Forbidden(Refused):
    """The person signed in may not do this."""


class NotWithThisToken(Forbidden):
    """The bearer token does not allow this."""


class NotAsked(Forbidden):
    """Somebody else was asked to decide."""


class NotAskedHere(Forbidden):
    """A mailed link does nothing in a browser that did not ask for it."""


class NotVouchedFor(Forbidden):
    """The organisation that somebody signs in with did not say, in a way that holds, who they are."""


class OwnSubmission(Forbidden):
    """Nobody decides what they submitted themselves."""


class DecidedEarlierStage(Forbidden):
    """Whoever approved an earlier stage does not decide a later one."""


class RoleGivenUp(Forbidden):
    """The person asked no longer holds the role in which they were asked."""


class NotFound(Refused):
    """There is no such thing, or not for this caller."""


class MistypedReference(NotFound):
    """The reference's check character does not fit: it was typed wrongly."""


class MethodNotAllowed(Refused):
    """The address is there and does not take this HTTP method. `allowed` are those that it takes."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"This address takes {', '.join(allowed)} only.")
        self.allowed = tuple(allowed)


class Conflict(Refused):
    """What is stored no longer agrees with what the caller saw."""


class AlreadyDecided(Conflict):
    """The same person decided this task before."""


class DecidedByAnother(Conflict):
    """Somebody else decided first."""


class NoLongerUndoable(Conflict):
    """The decision has gone out, or another one was built on it."""


@value
class Difference:
    """One answer that changed, in words."""

    heading: str
    before: str
    after: str


class ClaimChanged(Conflict):
    """The submission is not the one that was shown when the decision was made. Holds what is different, as far
    as it is known what was shown."""

    def __init__(self, message: str, differences: Sequence[Difference] = ()) -> None:
        super().__init__(message)
        self.differences = tuple(differences)


class NotAsWritten(Conflict):
    """What is stored is not what was written: it is not to be decided on. Holds no detail: it may reach anybody."""


class DoesNotFit(Conflict):
    """The amount is more than the fund, or the force's cap, has left."""


class LinkedAlready(Conflict):
    """This sign-in at an organisation belongs to somebody else here."""


class StillRunning(Conflict):
    """The first request with this Idempotency-Key is being stored at this moment."""


class LikelyDuplicate(Conflict):
    """The same was sent from the same address a short while ago. Says nothing of what was sent then."""


class Gone(Refused):
    """It was there and is over."""


class Expired(Gone):
    """The time to decide ran out, and somebody else is asked."""


class Reassigned(Gone):
    """The task was handed to somebody else."""


class LinkOver(Gone):
    """A status link that we signed and that no longer works. Whoever proves the mailbox can have a new one."""


class LinkReplaced(LinkOver):
    """A newer link was made."""


class LinkEnded(LinkOver):
    """The submission ended long ago."""


class Overtaken(Gone):
    """What was to be decided is no longer so: withdrawn, lapsed, changed or decided on the way."""


class TooLarge(Refused):
    """More bytes than we read."""


class UnsupportedMediaType(Refused):
    """The body is of a kind that we do not read."""


class InvalidAnswers(Refused):
    """The answers were read and some are wrong. Holds every problem found, in the form's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        super().__init__(
            f"{count} answer{'' if count == 1 else 's'} need{'s' if count == 1 else ''} to be put right."
        )
        self.problems = tuple(problems)


class KeyReused(InvalidAnswers):
    """The same Idempotency-Key came with other answers."""

    def __init__(self) -> None:
        super().__init__([])
        self.args = (
            "This Idempotency-Key was used before with other answers. Use a new key for new answers.",
        )


class TooMany(Refused):
    """Too many requests. `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(Refused):
    """Something we depend on does not answer; nothing was stored. Trying again is safe."""
