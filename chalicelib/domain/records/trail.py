"""What a timeline vouches for, held against what is stored beside it: the answers, the submission, the tasks."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.forms.answers import fingerprint
from chalicelib.domain.records.submissions import Case, Task, TaskState, Version
from chalicelib.domain.records.timeline import REMOVED, Entry, faults

ASKED = ("asked", "reassigned")
"""Entries by which somebody is asked."""


def faults_of(case: Case) -> list[str]:
    """What is not as it was written, in plain words; empty where all is. The MACs are not looked at."""
    return [
        *faults(case.entries, case.submission.chain, case.texts),
        *_of_the_answers(case),
        *_of_the_versions(case),
        *_of_the_submission(case),
        *_of_the_tasks(case),
    ]


def rests_on(case: Case) -> tuple[Entry, ...]:
    """The entries that a decision on the case rests on: what was answered last, who was asked and what they decided
    since, and the last one, which the others' hashes lead to."""
    answered = _answered(case)
    since = answered[-1].sequence if answered else 0
    counts = ("decided", "undone", *ASKED)
    return tuple(
        entry
        for entry in case.entries
        if entry.sequence == since
        or (entry.sequence > since and entry.action in counts)
        or entry is case.entries[-1]
    )


def _answered(case: Case) -> list[Entry]:
    """The entries with which answers were stored."""
    return [entry for entry in case.entries if "answers" in entry.details]


def _of_the_answers(case: Case) -> Iterator[str]:
    answered = _answered(case)
    if not answered:
        return
    last = answered[-1]
    if not _are_as_told(case, last):
        yield "the answers are not as they were written"
    amounts = [entry.details["amount_pence"] for entry in answered if "amount_pence" in entry.details]
    if amounts and amounts[-1] != case.submission.amount_pence:
        yield "the amount is not as it was written"
    for entry in case.decisions:
        if entry.sequence > last.sequence and entry.details.get("seen") != last.details["answers"]:
            yield f"what was decided in entry {entry.sequence} was not what was written"


def _are_as_told(case: Case, last: Entry) -> bool:
    """Once the personal answers are removed, their digest stands in for them."""
    if not case.personal and _is_removed(case, last.sequence):
        one = case.submission
        known = fingerprint(
            one.reference, one.form, one.form_version, dict(one.answers), last.details.get("personal")
        )
        return known == last.details["answers"]
    return case.seen == last.details["answers"]


def _is_removed(case: Case, since: int) -> bool:
    """Whether an entry says that the personal answers were removed."""
    return any(
        entry.action == REMOVED and "personal" in entry.details
        for entry in case.entries
        if entry.sequence > since
    )


def _of_the_versions(case: Case) -> Iterator[str]:
    """Answers that were replaced are as they were when they were replaced."""
    kept = {version.number: version for version in case.versions}
    before = None
    for entry in _answered(case):
        number = entry.details.get("version")
        if isinstance(number, int) and number > 1:
            told = entry.details.get("earlier", before)
            version = kept.pop(number - 1, None)
            if version is None:
                yield f"version {number - 1} of the answers is missing"
            elif told and not _is_version_as_told(case, entry, version, told):
                yield f"version {number - 1} of the answers is not as it was written"
        before = entry.details["answers"]
    for number in sorted(kept):
        yield f"version {number} of the answers was never written"


def _is_version_as_told(case: Case, entry: Entry, version: Version, told: object) -> bool:
    if not version.personal and _is_removed(case, entry.sequence):
        return True
    return case.digest_of(version.answers, version.personal, version.salt) == told


def _of_the_submission(case: Case) -> Iterator[str]:
    """Its state is in entries of this release alone. An undo puts back what the decision's entry found."""
    one = case.submission
    if case.entries and case.entries[-1].state and case.entries[-1].state != one.state:
        yield "the submission is not as its timeline says"
    if one.undo is not None:
        found = next((entry.before for entry in case.entries if entry.sequence == one.undo.sequence), "")
        if found and found != one.put_back(one.undo.before).state:
            yield "what an undo would put back is not as it was"


def _of_the_tasks(case: Case) -> Iterator[str]:
    asked = {
        str(entry.details["task"]): entry
        for entry in case.entries
        if entry.action in ASKED and {"task", "person"} <= set(entry.details)
    }
    decided = {str(entry.details.get("task")): entry for entry in case.decisions}
    for task in case.tasks:
        if not _is_as_asked(task, asked.pop(str(task.number), None)):
            yield f"task {task.number} is not as somebody was asked"
        if not _is_as_decided(task, decided.get(str(task.number))):
            yield f"task {task.number} is not as it was decided"
    for number in sorted(asked):
        yield f"task {number} is missing"


def _is_as_asked(task: Task, entry: Entry | None) -> bool:
    if entry is None:
        return False
    told = (entry.details.get("person"), entry.details.get("role"), entry.stage)
    return told == (task.person_id, task.role, task.stage)


def _is_as_decided(task: Task, entry: Entry | None) -> bool:
    if entry is None:
        return task.state is not TaskState.DECIDED
    told = (entry.details.get("decision"), entry.details.get("seen"))
    return task.state is TaskState.DECIDED and told == (task.decision, task.seen)
