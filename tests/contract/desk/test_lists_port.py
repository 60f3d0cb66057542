"""Lists: pages of a force's submissions and of all, what is open, and what waits for a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.records.submissions import Status, Submission, TaskState
from chalicelib.services.changes import AddTask, CloseTask, MoveSubmission, ReopenTask
from chalicelib.services.ports import AskedTask, Listed, Parts, Place
from chalicelib.services.revision import with_entry
from tests.builders import MONDAY, REFERENCE, Story, a_submission, a_task, added, changed

FORM = "funding-claim"


def store(parts: Parts, number: int, **changes: object) -> Submission:
    """A submission made so many minutes after the first."""
    reference = f"CLM-0000-{number:04d}"
    one = a_submission(reference=reference, submitted_at=MONDAY + timedelta(minutes=number), **changes)
    one, changes_ = added(one)
    parts.records.commit(changes_)
    return one


def all_pages(parts: Parts, force: str | None, *, limit: int) -> list[list[Listed]]:
    place = parts.records if force is None else parts.records.of(force)
    pages: list[list[Listed]] = []
    after: Place | None = None
    while True:
        page = place.page(FORM, after=after, limit=limit)
        pages.append(page)
        if len(page) < limit:
            return pages
        after = page[-1].place


def numbers(lines: list[Listed]) -> list[int]:
    return [int(line.reference[-4:]) for line in lines]


def test_pages_follow_each_other_and_miss_nothing(parts: Parts) -> None:
    for number in (3, 1, 4, 0, 2, 5, 6):
        store(parts, number)
    pages = all_pages(parts, "kent", limit=3)
    assert [numbers(page) for page in pages] == [[6, 5, 4], [3, 2, 1], [0]]


def test_submissions_of_one_moment_are_each_on_one_page(parts: Parts) -> None:
    for number in range(7):
        one = a_submission(reference=f"CLM-0000-{number:04d}")
        parts.records.commit(added(one)[1])
    seen = [number for page in all_pages(parts, "kent", limit=2) for number in numbers(page)]
    assert sorted(seen) == list(range(7))


def test_what_comes_in_meanwhile_does_not_shift_the_next_page(parts: Parts) -> None:
    for number in range(4):
        store(parts, number)
    first = parts.records.of("kent").page(FORM, after=None, limit=2)
    store(parts, 9)
    second = parts.records.of("kent").page(FORM, after=first[-1].place, limit=2)
    assert (numbers(first), numbers(second)) == ([3, 2], [1, 0])


def test_a_forces_list_holds_no_other_forces_whatever_place_it_is_asked_from(parts: Parts) -> None:
    store(parts, 1)
    store(parts, 2, force="essex")
    store(parts, 3, form="another")
    essex = parts.records.of("essex").page(FORM, after=None, limit=10)
    assert [line.force for line in essex] == ["essex"]
    from_there = parts.records.of("kent").page(FORM, after=essex[0].place, limit=10)
    assert numbers(from_there) == [1]
    later = Place(submitted_at=MONDAY + timedelta(days=1), force="essex", reference="CLM-9999-9999")
    assert numbers(parts.records.of("kent").page(FORM, after=later, limit=10)) == [1]
    for force in ("", "ken", "kent#funding-claim", "ASKED"):
        assert parts.records.of(force).page(FORM, after=None, limit=10) == []


def test_the_national_list_holds_every_force(parts: Parts) -> None:
    for number, force in enumerate(("kent", "essex", "kent", "surrey")):
        store(parts, number, force=force)
    pages = all_pages(parts, None, limit=3)
    assert [line.force for page in pages for line in page] == ["surrey", "kent", "essex", "kent"]


def test_a_line_says_how_the_submission_stands_now(parts: Parts) -> None:
    one = store(parts, 1)
    due = MONDAY + timedelta(days=3, microseconds=7)
    one, changes = changed(one, status=Status.IN_REVIEW, stage="programme", due_at=due, next_at=MONDAY)
    parts.records.commit(changes)
    expected = Listed(
        reference="CLM-0000-0001",
        form=FORM,
        title="Innovation day at Maidstone",
        force="kent",
        status=Status.IN_REVIEW,
        stage="programme",
        turn=one.asked_as,
        waiting_for="innovation-lead",
        due_at=due,
        amount_pence=600_000,
        submitted_at=MONDAY + timedelta(minutes=1),
    )
    assert parts.records.of("kent").page(FORM, after=None, limit=2) == [expected]
    assert parts.records.page(FORM, after=None, limit=2) == [expected]
    assert parts.records.open(limit=2) == [expected]
    _, changes = changed(one, status=Status("rejected"), waiting_for="", due_at=None, next_at=None)
    parts.records.commit(changes)
    (line,) = parts.records.page(FORM, after=None, limit=2)
    assert (line.status, line.is_open, line.due_at) == (Status("rejected"), False, None)
    assert parts.records.open(limit=2) == []


def test_what_moved_to_another_force_is_in_the_national_list_once(parts: Parts) -> None:
    one = store(parts, 1)
    gone, changes = changed(one, status=Status.WITHDRAWN, waiting_for="", due_at=None, moved_to="essex")
    there, entry = with_entry(replace(one, force="essex", revision=1), at=MONDAY, action="moved-here")
    parts.records.commit([*changes, MoveSubmission(submission=there, was_at="kent"), entry])
    assert [line.force for line in parts.records.page(FORM, after=None, limit=5)] == ["essex"]
    assert [line.force for line in parts.records.of("kent").page(FORM, after=None, limit=5)] == ["kent"]
    assert gone.moved_to == "essex"


def test_open_submissions_come_by_their_next_date_and_no_more_than_asked_for(parts: Parts) -> None:
    for number, days in enumerate((5, 2, 9)):
        store(parts, number, next_at=MONDAY + timedelta(days=days))
    assert numbers(parts.records.open(limit=5)) == [1, 0, 2]
    assert numbers(parts.records.open(limit=2)) == [1, 0]


def test_a_forces_open_submissions_are_its_own_however_many_others_there_are(parts: Parts) -> None:
    for number, days in enumerate((5, 2, 9)):
        store(parts, number, due_at=MONDAY + timedelta(days=days))
    for number in range(10, 14):
        store(parts, number, force="essex", due_at=MONDAY + timedelta(days=1))
    store(parts, 20, status=Status("rejected"))
    store(parts, 21, due_at=MONDAY, status=Status.UNCONFIRMED, is_unproven=True)
    kent = parts.records.of("kent")
    assert numbers(kent.open(limit=5)) == [1, 0, 2]
    assert numbers(kent.open(limit=2)) == [1, 0]
    assert kent.open(limit=1) == [line for line in parts.records.open(limit=9) if numbers([line]) == [1]]
    assert list(kent.waiting()) == kent.open(limit=9)
    for force in ("", "ken", "kent#funding-claim", "national"):
        assert parts.records.of(force).open(limit=5) == []


@pytest.mark.parametrize("how", [TaskState.DECIDED, TaskState.OVERTAKEN, TaskState.REASSIGNED])
def test_a_task_waits_for_its_person_until_it_ends_and_again_when_it_is_open_again(
    parts: Parts, how: TaskState
) -> None:
    task = a_task()
    parts.records.commit([AddTask(task=task), AddTask(task=a_task(2, person_id="deputy-kent"))])
    waiting = AskedTask(force="kent", reference=REFERENCE, number=1, stage="force-lead", due_at=task.due_at)
    assert parts.records.asked_of("lead-kent", limit=5) == [waiting]
    decided = {"decision": "approve", "decided_at": MONDAY} if how is TaskState.DECIDED else {}
    parts.records.commit([CloseTask(task=replace(task, state=how, **decided))])
    assert parts.records.asked_of("lead-kent", limit=5) == []
    parts.records.commit([ReopenTask(task=task, was=how)])
    assert parts.records.asked_of("lead-kent", limit=5) == [waiting]
    assert waiting.id == task.id


def test_tasks_come_by_their_date_and_nobody_elses_among_them(parts: Parts) -> None:
    for number, days in ((1, 7), (2, 3), (3, 5)):
        parts.records.commit([AddTask(task=a_task(number, due_at=MONDAY + timedelta(days=days)))])
    assert [task.number for task in parts.records.asked_of("lead-kent", limit=5)] == [2, 3, 1]
    assert [task.number for task in parts.records.asked_of("lead-kent", limit=1)] == [2]
    assert parts.records.asked_of("lead", limit=5) == []


def test_a_force_is_told_of_its_own_tasks_alone_whoever_is_asked(parts: Parts) -> None:
    for number, force in ((1, "kent"), (2, "essex"), (3, "kent")):
        due = MONDAY + timedelta(days=9 - number)
        parts.records.commit([AddTask(task=a_task(number, force=force, person_id="programme", due_at=due))])
    kent = parts.records.of("kent")
    assert [task.number for task in kent.asked_of("programme", limit=5)] == [3, 1]
    assert [task.number for task in kent.asked_of("programme", limit=1)] == [3]
    assert parts.records.of("surrey").asked_of("programme", limit=5) == []


def test_tasks_are_in_no_list_of_submissions(story: Story) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    for place in (story.parts.records, story.parts.records.of("kent")):
        assert [line.reference for line in place.page(FORM, after=None, limit=5)] == [receipt.reference]
    (task,) = story.parts.records.asked_of("lead-kent", limit=5)
    assert task.id == story.task_id(receipt.reference)
