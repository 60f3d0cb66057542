"""Items to domain objects and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib.adapters import keys
from chalicelib.adapters.tables import (
    BalanceItem,
    DeliveryItem,
    EntryItem,
    KeyItem,
    PersonalItem,
    PersonItem,
    Row,
    SubmissionItem,
    TaskItem,
    TextItem,
    TokenItem,
)
from chalicelib.domain.deliveries import Delivery, Kind
from chalicelib.domain.fund import Balance
from chalicelib.domain.people import Holding, Person
from chalicelib.domain.submissions import AskedAs, Case, Status, Submission, Task, TaskState
from chalicelib.domain.timeline import Chain, Entry, Text
from chalicelib.services.ports import KeyRecord

CHANGING = (
    "status",
    "stage",
    "asked_as",
    "round",
    "revision",
    "changed_at",
    "claimant_id",
    "waiting_for",
    "due_kind",
    "due_at",
    "tasks",
    "approved_by",
    "chain_length",
    "chain_head",
)
"""What a change of a submission may rewrite. Everything else stands as it was submitted."""


def submission_item(one: Submission) -> SubmissionItem:
    """The item of a submission; while it is open, the due index lists it by its next date."""
    return SubmissionItem(
        keys.case(one.force, one.reference),
        keys.SUBMISSION,
        reference=one.reference,
        form=one.form,
        form_version=one.form_version,
        force=one.force,
        status=one.status.value,
        stage=one.stage,
        asked_as=one.asked_as.value,
        round=one.round,
        revision=one.revision,
        submitted_at=one.submitted_at,
        changed_at=one.changed_at,
        answers=dict(one.answers),
        amount_pence=one.amount_pence,
        claimant_id=one.claimant_id or None,
        waiting_for=one.waiting_for or None,
        due_kind=keys.DUE_SUBMISSION if one.is_open else None,
        due_at=one.due_at if one.is_open else None,
        tasks=one.tasks,
        approved_by=dict(one.approved_by),
        chain_length=one.chain.length,
        chain_head=one.chain.head,
    )


def task_item(task: Task) -> TaskItem:
    """The item of a task."""
    return TaskItem(
        keys.case(task.force, task.reference),
        keys.task(task.number),
        force=task.force,
        reference=task.reference,
        number=task.number,
        stage=task.stage,
        asked_as=task.asked_as.value,
        person_id=task.person_id,
        role=task.role,
        asked_at=task.asked_at,
        decide_by=task.due_at,
        state=task.state.value,
        decision=task.decision or None,
        decided_at=task.decided_at,
        seen=task.seen or None,
    )


def entry_item(pk: str, entry: Entry) -> EntryItem:
    """The item of a timeline entry."""
    return EntryItem(
        pk,
        keys.entry(entry.sequence),
        sequence=entry.sequence,
        at=entry.at,
        actor=entry.actor,
        role=entry.role,
        action=entry.action,
        stage=entry.stage or None,
        details=dict(entry.details),
        text_digest=entry.text_digest or None,
        previous=entry.previous,
        hash=entry.hash,
    )


def case_from(rows: Iterable[Row]) -> Case | None:
    """The case that a partition's rows make; None where the submission is not among them."""
    submission: Submission | None = None
    personal: dict[str, object] = {}
    tasks: list[Task] = []
    entries: list[Entry] = []
    texts: dict[int, Text] = {}
    token = ""
    for row in rows:
        if isinstance(row, SubmissionItem):
            submission = _submission(row)
        elif isinstance(row, PersonalItem):
            personal = row.answers
        elif isinstance(row, TaskItem):
            tasks.append(_task(row))
        elif isinstance(row, EntryItem):
            entries.append(_entry(row))
        elif isinstance(row, TextItem):
            texts[row.sequence] = Text(sequence=row.sequence, words=row.words, salt=row.salt)
        elif isinstance(row, TokenItem):
            token = row.token
    if submission is None:
        return None
    return Case(
        submission=submission,
        personal=personal,
        tasks=tuple(tasks),
        entries=tuple(entries),
        texts=texts,
        token=token,
    )


def _submission(item: SubmissionItem) -> Submission:
    return Submission(
        reference=item.reference,
        form=item.form,
        form_version=item.form_version,
        force=item.force,
        status=Status(item.status),
        stage=item.stage,
        asked_as=AskedAs(item.asked_as),
        round=item.round or 1,
        revision=item.revision,
        submitted_at=item.submitted_at,
        changed_at=item.changed_at,
        answers=item.answers,
        amount_pence=item.amount_pence,
        claimant_id=item.claimant_id or "",
        waiting_for=item.waiting_for or "",
        due_at=item.due_at,
        tasks=item.tasks,
        approved_by=item.approved_by,
        chain=Chain(length=item.chain_length, head=item.chain_head),
    )


def _task(item: TaskItem) -> Task:
    return Task(
        force=item.force,
        reference=item.reference,
        number=item.number,
        stage=item.stage,
        asked_as=AskedAs(item.asked_as),
        person_id=item.person_id,
        role=item.role,
        asked_at=item.asked_at,
        due_at=item.decide_by,
        state=TaskState(item.state),
        decision=item.decision or "",
        decided_at=item.decided_at,
        seen=item.seen or "",
    )


def _entry(item: EntryItem) -> Entry:
    return Entry(
        sequence=item.sequence,
        at=item.at,
        actor=item.actor,
        role=item.role,
        action=item.action,
        stage=item.stage or "",
        details=item.details,
        text_digest=item.text_digest or "",
        previous=item.previous,
        hash=item.hash,
    )


def delivery_item(delivery: Delivery, relay_grace: timedelta) -> DeliveryItem:
    """The item of a delivery. The due index lists it from when the sweeper should look at it: the stream has
    `relay_grace` to carry it first."""
    return DeliveryItem(
        keys.delivery(delivery.id),
        keys.ONLY,
        delivery=delivery.id,
        lane=delivery.lane,
        what=delivery.kind.value,
        reference=delivery.reference,
        starts_at=delivery.due_at,
        payload=dict(delivery.payload),
        attempts=delivery.attempts,
        due_kind=keys.DUE_DELIVERY,
        due_at=delivery.due_at + relay_grace,
    )


def delivery_from(item: DeliveryItem) -> Delivery:
    """The delivery of an item that is not done."""
    return Delivery(
        id=item.delivery,
        kind=Kind(item.what),
        reference=item.reference,
        due_at=item.starts_at,
        payload=item.payload or {},
        attempts=item.attempts,
    )


def key_item(record: KeyRecord) -> KeyItem:
    """The item of an Idempotency-Key."""
    return KeyItem(
        keys.idempotency(record.form, record.key),
        keys.ONLY,
        form=record.form,
        form_version=record.form_version,
        fingerprint=record.fingerprint,
        force=record.force,
        reference=record.reference,
        submitted_at=record.submitted_at,
        expires_at=record.expires_at,
        ttl=seconds(record.expires_at),
    )


def key_from(item: KeyItem) -> KeyRecord:
    """The record of an Idempotency-Key."""
    return KeyRecord(
        form=item.form,
        key=item.pk.split("#", 2)[2],
        form_version=item.form_version,
        fingerprint=item.fingerprint,
        force=item.force,
        reference=item.reference,
        submitted_at=item.submitted_at,
        expires_at=item.expires_at,
    )


def balance_from(item: BalanceItem) -> Balance:
    """A balance. What is available is worked out anew, not read."""
    return Balance(
        total=item.total,
        reserved=item.reserved,
        committed=item.committed,
        spent=item.spent,
        returned=item.returned,
    )


def person_from(item: PersonItem) -> Person:
    """Somebody registered."""
    roles = tuple(Holding(role=held["role"], at=held["at"]) for held in item.roles)
    return Person(id=item.pk.partition("#")[2], name=item.name, address=item.address, roles=roles)


def seconds(moment: datetime) -> int:
    """Seconds since 1970, as DynamoDB's TTL takes them."""
    return int(moment.timestamp())
