"""The changes that a use case asks to be stored: all of them at once, or none. Each says when it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Union

from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.errors import Conflict
from chalicelib.domain.money.fund import Movement
from chalicelib.domain.people.people import Holding
from chalicelib.domain.records.submissions import Status, Submission, Task, TaskState, Version
from chalicelib.domain.records.timeline import Entry, Text
from chalicelib.domain.records.waits import TokenFor, Wait
from chalicelib.domain.values import value

if TYPE_CHECKING:
    from chalicelib.domain.people.accounts import Session
    from chalicelib.domain.people.identities import Link
    from chalicelib.domain.people.pairs import Pair
    from chalicelib.domain.people.person_changes import PersonChange


FIXED = ("reference", "form", "form_version", "force")
"""What a change of a submission never rewrites."""

AMENDED = ("title", "category", "answers", "amount_pence", "version")
"""What it rewrites only where the answers are `amended`."""

CONFIRMED = ("submitted_at", "is_unproven")
"""What it rewrites only where the submitter's mailbox is `confirmed`."""


@value
class AddSubmission:
    """A new submission with its personal part and the salt of that; refused where its reference exists."""

    submission: Submission
    personal: Mapping[str, Any]
    salt: str = ""


@value
class ChangeSubmission:
    """The submission as it is now; refused unless the stored revision is the one before. `amended` and `confirmed` say
    what is rewritten besides what every change may rewrite."""

    submission: Submission
    amended: bool = False
    confirmed: bool = False


@value
class MoveSubmission:
    """A submission that goes on at another force than `was_at`, under the same reference; refused unless the
    reference still belongs to that one."""

    submission: Submission
    was_at: str


@value
class KeepPersonal:
    """The personal answers and their salt, in place of those that are stored. Always beside a change that orders
    it."""

    submission: Submission
    personal: Mapping[str, Any]
    salt: str = ""


@value
class KeepVersion:
    """Answers that were replaced; refused where a version of this number is kept."""

    submission: Submission
    version: Version


@value
class AddTask:
    """A new task; refused where one of its number exists."""

    task: Task


@value
class CloseTask:
    """A task that ended, in whatever way; refused unless it is open."""

    task: Task


@value
class ReopenTask:
    """A task open again; refused unless it is in the state it was seen in."""

    task: Task
    was: TaskState


@value
class AddEntry:
    """A timeline entry and its text; refused where one stands in its place."""

    submission: Submission
    entry: Entry
    text: Text | None = None


@value
class KeepToken:
    """The task token of the wait that is on. Always beside a ChangeSubmission, which orders it. `wait` is what it
    waits for, where that is not what the submission says now."""

    submission: Submission
    token: str
    wait: Wait | None = None

    @property
    def token_for(self) -> TokenFor:
        """What is kept with the token."""
        return TokenFor(wait=self.wait or self.submission.wait, revision=self.submission.revision)


@value
class AddDelivery:
    """Something for the outbox; refused where it is there already."""

    delivery: Delivery


@value
class CancelDelivery:
    """A delivery taken back; refused where it is done, or somebody is at it."""

    delivery_id: str


@value
class MoveMoney:
    """A ledger line with the balances it moves; refused where the money is not there, or the line is."""

    movement: Movement


@value
class KeyRecord:
    """Which submission answered an Idempotency-Key, and to what body (`fingerprint`). `status` is what it was told."""

    form: str
    key: str
    fingerprint: str
    force: str
    reference: str
    form_version: int
    submitted_at: datetime
    expires_at: datetime
    status: Status = Status.SUBMITTED


@value
class KeepKey:
    """An Idempotency-Key used; refused while it is kept already."""

    record: KeyRecord


@value
class ContentRecord:
    """Which submission brought a content from an address: `digest` stands for the form, the address and the content."""

    digest: str
    force: str
    reference: str
    submitted_at: datetime
    expires_at: datetime


@value
class KeepContent:
    """A content that came from an address; refused while it is kept already, unless by the submission `in_place_of`,
    or the submitter wants it stored `anyway`."""

    record: ContentRecord
    in_place_of: str = ""
    anyway: bool = False


@value
class CountMailbox:
    """One more submission from a mailbox (its digest) in the hour that begins then (UTC); refused after `limit`."""

    mailbox: str
    hour: datetime
    limit: int


@value
class KeepPair:
    """The pair of a mailbox in place of the version before; refused where that is not the stored one."""

    pair: Pair


@value
class AddSession:
    """A new session; refused where one of its digest is kept."""

    session: Session


@value
class ProveSession:
    """Whoever holds a session has shown once more who they are; refused where it was ended."""

    session: Session
    at: datetime


@value
class CountSource:
    """One more who asked for a code from a network address (its digest), or was mailed one without proof, in the hour
    that begins then (UTC); refused after `limit`."""

    source: str
    hour: datetime
    limit: int


@value
class UseState:
    """The state of somebody's way to an OpenID provider (its digest) used; refused where it was used before."""

    digest: str
    expires_at: datetime


@value
class LinkIdentity:
    """An identity linked with a person; refused where it is linked already, whoever with."""

    link: Link


@value
class AddPersonChange:
    """One more entry of a person's audit trail; refused where it is there."""

    change: PersonChange


@value
class StillHolds:
    """Refused unless this person holds the role at the moment of the commit."""

    person_id: str
    holding: Holding


@value
class NotThere:
    """Refused where this force has a submission of this reference."""

    force: str
    reference: str


@value
class KnownReference:
    """Refused unless a submission of this reference exists. `field` is the answer that names it."""

    reference: str
    field: str


Change = Union[
    AddSubmission,
    ChangeSubmission,
    MoveSubmission,
    KeepPersonal,
    KeepVersion,
    AddTask,
    CloseTask,
    ReopenTask,
    AddEntry,
    KeepToken,
    AddDelivery,
    CancelDelivery,
    MoveMoney,
    KeepKey,
    KeepContent,
    CountMailbox,
    KeepPair,
    AddSession,
    ProveSession,
    CountSource,
    UseState,
    LinkIdentity,
    AddPersonChange,
    StillHolds,
    NotThere,
    KnownReference,
]


class ChangeRefused(Conflict):
    """Nothing was stored, because of this change. Where a submission had moved on, it is its ChangeSubmission,
    whatever else did not hold either: everything is worth another look then. Next comes a KeepKey, then a
    KeepContent: what was sent before is told before all that is wrong with sending it now."""

    def __init__(self, change: Change) -> None:
        super().__init__(
            "Somebody else changed this at the same moment. Look at it again, then try once more."
        )
        self.change = change
