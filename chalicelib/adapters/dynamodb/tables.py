"""The one table: the shape of each item in it, and its index. Keys follow docs/data-model.md.

Models are shapes only. They do not leave this package, and nothing calls `save()` on an item that was read:
a put drops what an older model does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.config import Config
from pynamodb.attributes import (
    DiscriminatorAttribute,
    JSONAttribute,
    ListAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE, STREAM_NEW_AND_OLD_IMAGE
from pynamodb.exceptions import AttributeNullError
from pynamodb.indexes import Index
from pynamodb.models import Model

from chalicelib.adapters.dynamodb import private
from chalicelib.adapters.dynamodb.attributes import IntegerAttribute
from chalicelib.adapters.dynamodb.indexes import (
    DueIndex,
    EverywhereIndex,
    ForceIndex,
    ListedIndex,
    PublicIndex,
)


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
    of_force = ForceIndex()
    listed = ListedIndex()
    everywhere = EverywhereIndex()
    public = PublicIndex()

    def serialize(self, null_check: bool = True) -> dict[str, dict[str, Any]]:
        """As PynamoDB does it, but looking only at what this item has: all kinds together have many attributes, one
        has few. Raises AttributeNullError where one is missing."""
        attributes = self.get_attributes()
        given = {name: value for name, value in self.attribute_values.items() if value is not None}
        for name in _required(type(self)) - given.keys():
            raise AttributeNullError(name)
        return {
            attributes[name].attr_name: {attributes[name].attr_type: attributes[name].serialize(value)}
            for name, value in given.items()
        }


@cache
def _required(model: type[Row]) -> frozenset[str]:
    return frozenset(name for name, attribute in model.get_attributes().items() if not attribute.null)


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
    published_at = UTCDateTimeAttribute(null=True)
    version = IntegerAttribute(default=1)
    sitting = IntegerAttribute(null=True)
    deadline = UTCDateTimeAttribute(null=True)
    reminded = IntegerAttribute(default=0)
    reserved_pence = IntegerAttribute(null=True)
    committed_pence = IntegerAttribute(null=True)
    paid_pence = IntegerAttribute(default=0)
    returned_pence = IntegerAttribute(default=0)
    moved_to = UnicodeAttribute(null=True)
    undo = JSONAttribute(null=True)
    unproven = IntegerAttribute(null=True)
    link = IntegerAttribute(null=True)
    linked_at = UTCDateTimeAttribute(null=True)
    tasks = IntegerAttribute()
    approved_by = JSONAttribute()
    chain_length = IntegerAttribute()
    chain_head = UnicodeAttribute()


class PersonalItem(Row, discriminator="personal"):
    """The personal answers of a submission, and the salt of their digest: what retention and erasure remove."""

    answers = JSONAttribute()
    salt = UnicodeAttribute(null=True)


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
    salt = UnicodeAttribute(null=True)


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
    sitting = IntegerAttribute(null=True)
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
    """A timeline entry. Put once, never changed. The index `listed` has the entries of each day, by when they were
    made. Those of earlier releases are in no index, and have neither states nor a MAC."""

    sequence = IntegerAttribute()
    at = UTCDateTimeAttribute()
    actor = UnicodeAttribute()
    role = UnicodeAttribute()
    action = UnicodeAttribute()
    stage = UnicodeAttribute(null=True)
    details = JSONAttribute()
    text_digest = UnicodeAttribute(null=True)
    before = UnicodeAttribute(null=True)
    state = UnicodeAttribute(null=True)
    previous = UnicodeAttribute()
    hash = UnicodeAttribute()
    mac = UnicodeAttribute(null=True)
    mac_key = UnicodeAttribute(null=True)


class TextItem(Row, discriminator="text"):
    """What somebody wrote with a timeline entry. Personal: may be removed."""

    sequence = IntegerAttribute()
    words = UnicodeAttribute()
    salt = UnicodeAttribute()
    parts = JSONAttribute(null=True)


class TokenItem(Row, discriminator="token"):
    """The Step Functions task token of the wait that is on. Up to 2,048 characters. The rest, with `round` and
    `asked_as`, says which wait; an earlier release did not."""

    token = UnicodeAttribute()
    stage = UnicodeAttribute(null=True)
    version = IntegerAttribute(null=True)
    sitting = IntegerAttribute(null=True)
    revision = IntegerAttribute(null=True)


class DeliveryItem(Row, discriminator="delivery"):
    """An outbox item. Its `lane` is what the stream's consumers filter on. It has a `force` where it is about a
    submission, and this release queued it."""

    delivery = UnicodeAttribute()
    lane = UnicodeAttribute()
    what = UnicodeAttribute()
    reference = UnicodeAttribute()
    force = UnicodeAttribute(null=True)
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
    note = UnicodeAttribute(null=True)


class ReservationItem(Row, discriminator="reservation"):
    """What the fund holds for one claim. Items of the first release have `amount_pence` and `state` instead."""

    reserved_pence = IntegerAttribute()
    committed_pence = IntegerAttribute()
    spent_pence = IntegerAttribute(null=True)
    returned_pence = IntegerAttribute(null=True)
    amount_pence = IntegerAttribute(null=True)
    state = UnicodeAttribute(null=True)


class KeyItem(Row, discriminator="key"):
    """An Idempotency-Key and what it was answered with."""

    form = UnicodeAttribute()
    form_version = IntegerAttribute()
    fingerprint = UnicodeAttribute()
    force = UnicodeAttribute()
    reference = UnicodeAttribute()
    status = UnicodeAttribute(null=True)
    submitted_at = UTCDateTimeAttribute()
    expires_at = UTCDateTimeAttribute()


class ContentItem(Row, discriminator="content"):
    """A content that came from an address, by the digest of both, and which submission it is."""

    force = UnicodeAttribute()
    reference = UnicodeAttribute()
    submitted_at = UTCDateTimeAttribute()
    expires_at = UTCDateTimeAttribute()


class MailboxItem(Row, discriminator="mailbox"):
    """How many submissions came from a mailbox in an hour."""

    counted = IntegerAttribute()


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


class PairItem(Row, discriminator="pair"):
    """The code and link of a mailbox, without either: both are derived from `nonce`. Moments in the lists are in
    microseconds since 1970."""

    nonce = UnicodeAttribute(null=True)
    is_long = IntegerAttribute(default=0)
    first_mailed_at = UTCDateTimeAttribute(null=True)
    last_mailed_at = UTCDateTimeAttribute(null=True)
    lives_until = UTCDateTimeAttribute(null=True)
    used_at = UTCDateTimeAttribute(null=True)
    mails = JSONAttribute()
    unused = IntegerAttribute(default=0)
    wrong = JSONAttribute()
    asked_for = JSONAttribute()
    proved = JSONAttribute()
    sent = JSONAttribute(null=True)
    person_id = UnicodeAttribute(null=True)
    version = IntegerAttribute()
    changed_at = UTCDateTimeAttribute(null=True)


class SourceItem(Row, discriminator="source"):
    """How often somebody at a network address asked for codes in an hour."""

    counted = IntegerAttribute()


class SessionItem(Row, discriminator="session"):
    """Somebody signed in, within the person."""

    person_id = UnicodeAttribute()
    csrf = UnicodeAttribute()
    started_at = UTCDateTimeAttribute()
    used_at = UTCDateTimeAttribute()
    proved_at = UTCDateTimeAttribute()
    expires_at = UTCDateTimeAttribute()
    browser = UnicodeAttribute(null=True)


def connect(table_name: str) -> None:
    """Name the table. Makes the one client that all models share; the models of this module inherit it."""
    Row.Meta.table_name = table_name
    private.forget_connection(Row)
    # Made now, else each model would make a client of its own, 60 ms apiece.
    shared_connection().session.set_default_client_config(Config(user_agent=_USER_AGENT))


def shared_connection() -> Connection:
    """The one connection that all models share."""
    return private.connection_of(Row)


def indexes() -> Mapping[str, Index[Any]]:
    """The table's indexes, by their names in DynamoDB."""
    return private.indexes_of(Row)


def make_client() -> None:
    """The client at once, not with the first call: where many threads would each make one."""
    _ = shared_connection().client


_USER_AGENT = "share-your-knowledge"
"""What we say to AWS that we are. botocore's own words for it are put together anew, twice, for each call."""


def create_table() -> None:
    """Create the table where it is missing, for the embedded run and tests. AWS has infra/resources.yaml."""
    if not Row.exists():
        Row.create_table(wait=True)
