"""The items of one submission to domain objects and back."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.entry_items import entry_from, text_from
from chalicelib.adapters.dynamodb.submission_items import submission_from
from chalicelib.adapters.dynamodb.tables import (
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
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Case, Submission, Task, TaskState, Version
from chalicelib.domain.records.timeline import Entry, Text
from chalicelib.domain.records.waits import TokenFor, Wait


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
        sitting=task.sitting,
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
        sitting=kept.wait.sitting,
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
            submission = submission_from(row).as_read
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


def _task(item: TaskItem) -> Task:
    return Task(
        force=item.force,
        reference=item.reference,
        number=item.number,
        stage=item.stage,
        version=item.version,
        sitting=item.sitting or 1,
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
        sitting=item.sitting or 1,
    )
    return TokenFor(wait=wait, revision=item.revision)


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
