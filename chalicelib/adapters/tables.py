"""The one table: the shape of each item in it, and its index. Keys follow docs/data-model.md.

Models are shapes only. They do not leave this package, and nothing calls `save()` on an item that was read:
a put drops what an older model does not know.
"""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    Attribute,
    DiscriminatorAttribute,
    JSONAttribute,
    ListAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.constants import NUMBER, PAY_PER_REQUEST_BILLING_MODE, STREAM_NEW_AND_OLD_IMAGE
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model


class IntegerAttribute(Attribute[int]):
    """A whole number, pence above all. Refuses floats and booleans, which NumberAttribute would store."""

    attr_type = NUMBER

    def serialize(self, value: Any) -> str:
        """The number as DynamoDB takes it."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"not a whole number: {type(value).__name__}")
        return str(value)

    def deserialize(self, value: str) -> int:
        """The stored number."""
        return int(value)


_LINE = ["kind", "reference", "form", "title", "force", "status", "stage", "asked_as"] + [
    "waiting_for",
    "deadline",
    "amount_pence",
]
"""What a line of a list shows of a submission; PynamoDB asks for the kind in every query."""


class DueIndex(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    """What waits, by the date it waits for: open deliveries and open submissions. Sparse."""

    class Meta:
        index_name = "due"
        projection = IncludeProjection([*_LINE, "round", "listed_at"])

    due_kind = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class ListedIndex(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    """The submissions of a form at a force, by when they were made; and what waits for a person, by its date."""

    class Meta:
        index_name = "listed"
        projection = IncludeProjection([*_LINE, "number"])

    listed_as = UnicodeAttribute(hash_key=True)
    listed_at = UTCDateTimeAttribute(range_key=True)


class EverywhereIndex(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    """The submissions of a form at all forces, by when they were made: for the national team alone."""

    class Meta:
        index_name = "everywhere"
        projection = IncludeProjection(list(_LINE))

    everywhere_as = UnicodeAttribute(hash_key=True)
    listed_at = UTCDateTimeAttribute(range_key=True)


class PublicIndex(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]
    """The submissions that everybody may read, by when they were made. Sparse."""

    class Meta:
        index_name = "public"
        # A decision that may still be undone has not happened for the public: `undo` says how it stood before.
        projection = IncludeProjection(
            ["kind", "reference", "form", "title", "force", "category", "status", "undo"]
        )

    public_as = UnicodeAttribute(hash_key=True)
    listed_at = UTCDateTimeAttribute(range_key=True)


class Row(Model):
    """What every item has. `kind` tells which of the models below it is."""

    class Meta:
        table_name = ""  # filled in by wiring; unset fails at the first call
        billing_mode = PAY_PER_REQUEST_BILLING_MODE
        stream_view_type = STREAM_NEW_AND_OLD_IMAGE
        # The defaults add up to three minutes, longer than anybody waits for a page.
        connect_timeout_seconds = 1
        read_timeout_seconds = 2
        max_retry_attempts = 2  # three tries in all

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    kind = DiscriminatorAttribute()
    due_kind = UnicodeAttribute(null=True)
    due_at = UTCDateTimeAttribute(null=True)
    round = IntegerAttribute(null=True)
    asked_as = UnicodeAttribute(null=True)
    listed_as = UnicodeAttribute(null=True)
    listed_at = UTCDateTimeAttribute(null=True)
    everywhere_as = UnicodeAttribute(null=True)
    public_as = UnicodeAttribute(null=True)
    ttl = IntegerAttribute(null=True)
    due = DueIndex()
    listed = ListedIndex()
    everywhere = EverywhereIndex()
    public = PublicIndex()


class SubmissionItem(Row, discriminator="submission"):
    """A submission without its personal answers. `answers` is JSON text: its shape is the form's, not ours."""

    reference = UnicodeAttribute()
    form = UnicodeAttribute()
    form_version = IntegerAttribute()
    force = UnicodeAttribute()
    status = UnicodeAttribute()
    stage = UnicodeAttribute()
    revision = IntegerAttribute()
    submitted_at = UTCDateTimeAttribute()
    changed_at = UTCDateTimeAttribute()
    answers = JSONAttribute()
    amount_pence = IntegerAttribute()
    claimant_id = UnicodeAttribute(null=True)
    waiting_for = UnicodeAttribute(null=True)
    title = UnicodeAttribute(null=True)
    category = UnicodeAttribute(null=True)
    version = IntegerAttribute(default=1)
    deadline = UTCDateTimeAttribute(null=True)
    reminded = IntegerAttribute(default=0)
    reserved_pence = IntegerAttribute(null=True)
    committed_pence = IntegerAttribute(null=True)
    moved_to = UnicodeAttribute(null=True)
    undo = JSONAttribute(null=True)
    tasks = IntegerAttribute()
    approved_by = JSONAttribute()
    chain_length = IntegerAttribute()
    chain_head = UnicodeAttribute()


class PersonalItem(Row, discriminator="personal"):
    """The personal answers of a submission: what retention and erasure remove."""

    answers = JSONAttribute()


class VersionItem(Row, discriminator="version"):
    """Answers that were replaced, without the personal ones."""

    number = IntegerAttribute()
    answers = JSONAttribute()
    amount_pence = IntegerAttribute()
    at = UTCDateTimeAttribute()


class PersonalVersionItem(Row, discriminator="personal-version"):
    """The personal answers of a version: removed with the personal ones of today."""

    number = IntegerAttribute()
    answers = JSONAttribute()


class ReferenceItem(Row, discriminator="reference"):
    """Which force a reference belongs to, for national staff; and that the reference is taken."""

    force = UnicodeAttribute()


class TaskItem(Row, discriminator="task"):
    """One approver asked once."""

    force = UnicodeAttribute()
    reference = UnicodeAttribute()
    number = IntegerAttribute()
    stage = UnicodeAttribute()
    version = IntegerAttribute(default=1)
    person_id = UnicodeAttribute()
    role = UnicodeAttribute()
    asked_at = UTCDateTimeAttribute()
    decide_by = UTCDateTimeAttribute()
    state = UnicodeAttribute()
    decision = UnicodeAttribute(null=True)
    decided_at = UTCDateTimeAttribute(null=True)
    seen = UnicodeAttribute(null=True)
    ended_by = IntegerAttribute(default=0)
    stands_in_for = UnicodeAttribute(null=True)


class EntryItem(Row, discriminator="entry"):
    """A timeline entry. Put once, never changed."""

    sequence = IntegerAttribute()
    at = UTCDateTimeAttribute()
    actor = UnicodeAttribute()
    role = UnicodeAttribute()
    action = UnicodeAttribute()
    stage = UnicodeAttribute(null=True)
    details = JSONAttribute()
    text_digest = UnicodeAttribute(null=True)
    previous = UnicodeAttribute()
    hash = UnicodeAttribute()


class TextItem(Row, discriminator="text"):
    """What somebody wrote with a timeline entry. Personal: may be removed."""

    sequence = IntegerAttribute()
    words = UnicodeAttribute()
    salt = UnicodeAttribute()
    parts = JSONAttribute(null=True)


class TokenItem(Row, discriminator="token"):
    """The Step Functions task token of the wait that is on. Up to 2,048 characters."""

    token = UnicodeAttribute()


class DeliveryItem(Row, discriminator="delivery"):
    """An outbox item. Its `lane` is what the stream's consumers filter on."""

    delivery = UnicodeAttribute()
    lane = UnicodeAttribute()
    what = UnicodeAttribute()
    reference = UnicodeAttribute()
    starts_at = UTCDateTimeAttribute()
    payload = JSONAttribute(null=True)
    attempts = IntegerAttribute()
    claimed_until = UTCDateTimeAttribute(null=True)
    last_error = UnicodeAttribute(null=True)
    done_at = UTCDateTimeAttribute(null=True)


class BalanceItem(Row, discriminator="balance"):
    """A fund's balance, or one force's share. `available` is kept, since a condition cannot subtract."""

    name = UnicodeAttribute(null=True)
    total = IntegerAttribute()
    available = IntegerAttribute()
    reserved = IntegerAttribute()
    committed = IntegerAttribute()
    spent = IntegerAttribute()
    returned = IntegerAttribute()


class LineItem(Row, discriminator="line"):
    """A ledger line. Put once, never changed."""

    force = UnicodeAttribute()
    reference = UnicodeAttribute()
    movement = UnicodeAttribute()
    amount_pence = IntegerAttribute()
    at = UTCDateTimeAttribute()


class ReservationItem(Row, discriminator="reservation"):
    """What the fund holds for one claim. Items of the first release have `amount_pence` and `state` instead."""

    reserved_pence = IntegerAttribute()
    committed_pence = IntegerAttribute()
    amount_pence = IntegerAttribute(null=True)
    state = UnicodeAttribute(null=True)


class KeyItem(Row, discriminator="key"):
    """An Idempotency-Key and what it was answered with."""

    form = UnicodeAttribute()
    form_version = IntegerAttribute()
    fingerprint = UnicodeAttribute()
    force = UnicodeAttribute()
    reference = UnicodeAttribute()
    submitted_at = UTCDateTimeAttribute()
    expires_at = UTCDateTimeAttribute()


class PersonItem(Row, discriminator="person"):
    """Somebody registered."""

    name = UnicodeAttribute()
    address = UnicodeAttribute()
    roles: ListAttribute[Any] = ListAttribute()


class AwayItem(Row, discriminator="away"):
    """Days on which somebody is away, as `2027-01-14`, and who is asked meanwhile."""

    first = UnicodeAttribute()
    last = UnicodeAttribute()
    delegate_id = UnicodeAttribute(null=True)


class AddressItem(Row, discriminator="address"):
    """Whose mailbox an address is."""

    person_id = UnicodeAttribute()


class HoldingItem(Row, discriminator="holding"):
    """Somebody who holds a role at a place, with what a mail to them needs."""

    name = UnicodeAttribute()
    address = UnicodeAttribute()


class SignInItem(Row, discriminator="sign-in"):
    """An attempt to sign in."""

    person_id = UnicodeAttribute(null=True)
    code_digest = UnicodeAttribute()
    tries_left = IntegerAttribute()
    expires_at = UTCDateTimeAttribute()


class CodesItem(Row, discriminator="codes"):
    """How many codes a person was mailed in an hour."""

    mailed = IntegerAttribute()


class SessionItem(Row, discriminator="session"):
    """Somebody signed in."""

    person_id = UnicodeAttribute()
    csrf = UnicodeAttribute()
    expires_at = UTCDateTimeAttribute()


class BearerItem(Row, discriminator="bearer"):
    """A bearer token, by its digest."""

    person_id = UnicodeAttribute()
    expires_at = UTCDateTimeAttribute(null=True)


def connect(table_name: str) -> None:
    """Name the table. Makes the one client that all models share; the models of this module inherit it."""
    Row.Meta.table_name = table_name
    Row._connection = None
    Row._get_connection()  # else each model would make a client of its own, 60 ms apiece


def create_table() -> None:
    """Create the table where it is missing, for the embedded run and tests. AWS has infra/resources.yaml."""
    if not Row.exists():
        Row.create_table(wait=True)
