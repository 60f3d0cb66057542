"""The items of one submission to domain objects and back."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.adapters import keys
from chalicelib.adapters.entry_items import entry_from, text_from
from chalicelib.adapters.tables import (
    EntryItem,
    PersonalItem,
    PersonalVersionItem,
    Row,
    SubmissionItem,
    TaskItem,
    TextItem,
    TokenItem,
    VersionItem,
)
from chalicelib.adapters.undo_items import people_from, undo_from, undo_json
from chalicelib.domain import ideas
from chalicelib.domain.fund import Held
from chalicelib.domain.stages import AskedAs
from chalicelib.domain.submissions import (
    Case,
    Status,
    Submission,
    Task,
    TaskState,
    TokenFor,
    Version,
    Wait,
)
from chalicelib.domain.timeline import Chain, Entry, Text

CHANGING = (
    "status",
    "stage",
    "asked_as",
    "round",
    "revision",
    "changed_at",
    "claimant_id",
    "waiting_for",
    "everywhere_as",
    "public_as",
    "due_kind",
    "due_at",
    "deadline",
    "reminded",
    "reserved_pence",
    "committed_pence",
    "paid_pence",
    "returned_pence",
    "moved_to",
    "undo",
    "link",
    "linked_at",
    "tasks",
    "approved_by",
    "chain_length",
    "chain_head",
)
"""What a change of a submission may rewrite. Everything else stands as it was submitted."""

AMENDED = ("answers", "amount_pence", "title", "category", "version")
"""What an amendment rewrites besides."""

CONFIRMED = ("submitted_at", "listed_as", "listed_at", "unproven")
"""What is rewritten besides when the submitter's mailbox is proven."""


def submission_item(one: Submission) -> SubmissionItem:
    """The item of a submission; while it is open, the due index lists it by its next date. No other index lists one
    whose submitter has not proven their mailbox."""
    due_kind = keys.DUE_SUBMISSION if one.is_open else keys.DUE_UNCONFIRMED
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
        due_kind=due_kind if one.is_dated else None,
        due_at=(one.next_at or one.due_at) if one.is_dated else None,
        deadline=one.due_at if one.is_dated else None,
        listed_as=None if one.is_unproven else keys.listed(one.force, one.form),
        listed_at=one.submitted_at,
        everywhere_as=None if one.moved_to or one.is_unproven else one.form,
        public_as=keys.PUBLIC if ideas.is_public(one) else None,
        title=one.title,
        category=one.answers.get("category"),
        version=one.version,
        reminded=one.reminded,
        reserved_pence=one.reserved_pence,
        committed_pence=one.committed_pence,
        paid_pence=one.paid_pence,
        returned_pence=one.returned_pence,
        moved_to=one.moved_to or None,
        undo=undo_json(one.undo) if one.undo else None,
        unproven=1 if one.is_unproven else None,
        link=one.link if one.linked_at else None,
        linked_at=one.linked_at,
        tasks=one.tasks,
        approved_by={stage: list(people) for stage, people in one.approved_by.items()},
        chain_length=one.chain.length,
        chain_head=one.chain.head,
    )


def task_item(task: Task) -> TaskItem:
    """The item of a task. While it is open, the index `listed` finds it by person, and `due` by force and person."""
    is_open = task.state is TaskState.OPEN
    return TaskItem(
        keys.case(task.force, task.reference),
        keys.task(task.number),
        force=task.force,
        reference=task.reference,
        number=task.number,
        stage=task.stage,
        version=task.version,
        asked_as=task.asked_as.value,
        person_id=task.person_id,
        role=task.role,
        asked_at=task.asked_at,
        decide_by=task.due_at,
        ended_by=task.ended_by,
        stands_in_for=task.stands_in_for or None,
        state=task.state.value,
        decision=task.decision or None,
        decided_at=task.decided_at,
        seen=task.seen or None,
        due_kind=keys.asked_in(task.force, task.person_id) if is_open else None,
        due_at=task.due_at if is_open else None,
        listed_as=keys.asked(task.person_id) if is_open else None,
        listed_at=task.due_at if is_open else None,
    )


def token_item(one: Submission, token: str, kept: TokenFor) -> TokenItem:
    """The task token of what the submission waits for."""
    return TokenItem(
        keys.case(one.force, one.reference),
        keys.TOKEN,
        token=token,
        round=kept.wait.round,
        stage=kept.wait.stage,
        asked_as=kept.wait.asked_as.value,
        version=kept.wait.version,
        revision=kept.revision,
    )


def case_from(rows: Iterable[Row]) -> Case | None:
    """The case that a partition's rows make; None where the submission is not among them."""
    submission: Submission | None = None
    personal: PersonalItem | None = None
    tasks: list[Task] = []
    entries: list[Entry] = []
    texts: dict[int, Text] = {}
    token = ""
    token_for: TokenFor | None = None
    versions: list[VersionItem] = []
    personal_versions: dict[int, PersonalVersionItem] = {}
    for row in rows:
        if isinstance(row, SubmissionItem):
            submission = _submission(row).as_read
        elif isinstance(row, PersonalItem):
            personal = row
        elif isinstance(row, TaskItem):
            tasks.append(_task(row))
        elif isinstance(row, EntryItem):
            entries.append(entry_from(row))
        elif isinstance(row, TextItem):
            texts[row.sequence] = text_from(row)
        elif isinstance(row, TokenItem):
            token, token_for = row.token, _token_for(row)
        elif isinstance(row, VersionItem):
            versions.append(row)
        elif isinstance(row, PersonalVersionItem):
            personal_versions[row.number] = row
    if submission is None:
        return None
    return Case(
        submission=submission,
        personal=personal.answers if personal else {},
        salt=(personal.salt or "") if personal else "",
        tasks=tuple(tasks),
        entries=tuple(entries),
        texts=texts,
        token=token,
        token_for=token_for,
        versions=tuple(_version(row, personal_versions.get(row.number)) for row in versions),
    )


def _version(row: VersionItem, personal: PersonalVersionItem | None) -> Version:
    return Version(
        number=row.number,
        answers=row.answers,
        personal=personal.answers if personal else {},
        amount_pence=row.amount_pence,
        at=row.at,
        salt=(personal.salt or "") if personal else "",
    )


def _submission(item: SubmissionItem) -> Submission:
    held = _held(item)
    return Submission(
        reference=item.reference,
        form=item.form,
        form_version=item.form_version,
        force=item.force,
        status=Status(item.status),
        stage=item.stage,
        asked_as=AskedAs(item.asked_as or ""),
        round=item.round or 1,
        revision=item.revision,
        submitted_at=item.submitted_at,
        changed_at=item.changed_at,
        title=item.title or str(item.answers.get("event_title", item.reference)),
        answers=item.answers,
        amount_pence=item.amount_pence,
        claimant_id=item.claimant_id or "",
        waiting_for=item.waiting_for or "",
        due_at=item.deadline or item.due_at,
        next_at=item.due_at,
        version=item.version,
        reminded=item.reminded,
        reserved_pence=held.reserved,
        committed_pence=held.committed,
        paid_pence=item.paid_pence,
        returned_pence=item.returned_pence,
        moved_to=item.moved_to or "",
        undo=undo_from(item.undo) if item.undo else None,
        is_unproven=bool(item.unproven),
        link=item.link or 1,
        linked_at=item.linked_at,
        tasks=item.tasks,
        approved_by=people_from(item.approved_by),
        chain=Chain(length=item.chain_length, head=item.chain_head),
    )


def _task(item: TaskItem) -> Task:
    return Task(
        force=item.force,
        reference=item.reference,
        number=item.number,
        stage=item.stage,
        version=item.version,
        asked_as=AskedAs(item.asked_as or ""),
        person_id=item.person_id,
        role=item.role,
        asked_at=item.asked_at,
        due_at=item.decide_by,
        state=TaskState(item.state),
        decision=item.decision or "",
        decided_at=item.decided_at,
        seen=item.seen or "",
        ended_by=item.ended_by,
        stands_in_for=item.stands_in_for or "",
    )


def _token_for(item: TokenItem) -> TokenFor | None:
    """Items of an earlier release do not say."""
    if item.stage is None or item.version is None or item.revision is None:
        return None
    wait = Wait(
        round=item.round or 1,
        stage=item.stage,
        asked_as=AskedAs(item.asked_as or ""),
        version=item.version,
    )
    return TokenFor(wait=wait, revision=item.revision)


def _held(item: SubmissionItem) -> Held:
    """What the fund holds for it. Items of the first release do not say: there, the first approval reserved all."""
    if item.reserved_pence is not None and item.committed_pence is not None:
        return Held(reserved=item.reserved_pence, committed=item.committed_pence)
    status = Status(item.status)
    is_reserved = bool(item.waiting_for) and bool(item.approved_by)
    return Held(
        reserved=item.amount_pence if is_reserved else 0,
        committed=item.amount_pence if status is Status.APPROVED else 0,
    )


def version_items(one: Submission, version: Version) -> tuple[VersionItem, PersonalVersionItem]:
    """The two items of a version: its personal answers stand in an item of their own."""
    pk = keys.case(one.force, one.reference)
    return (
        VersionItem(
            pk,
            keys.version(version.number),
            number=version.number,
            answers=dict(version.answers),
            amount_pence=version.amount_pence,
            at=version.at,
        ),
        PersonalVersionItem(
            pk,
            keys.personal_version(version.number),
            number=version.number,
            answers=dict(version.personal),
            salt=version.salt or None,
        ),
    )
