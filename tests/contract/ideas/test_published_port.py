"""The public list: what is in it, in which order, from where on, and as it was before what may be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.records.submissions import Status, Submission, Undo
from chalicelib.services.ports import Counted, Parts, Place
from tests.builders import MONDAY, a_submission, added, changed

LATER = MONDAY + timedelta(days=1)


def an_idea(number: int = 0, *, category: str = "processes", **changes: object) -> Submission:
    """An idea that was published, made so many minutes after the first."""
    one = a_submission(
        reference=f"IDA-0000-{number:04d}",
        form="idea",
        stage="national-review",
        status=Status("published"),
        title=f"Idea {number}",
        answers={"title": f"Idea {number}", "category": category, "force": "kent"},
        submitted_at=MONDAY + timedelta(minutes=number),
        approved_by={"triage": ("coordinator-kent",)},
        published_at=MONDAY,
        category=category,
        amount_pence=0,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def store(parts: Parts, one: Submission) -> Submission:
    one, changes = added(one)
    parts.records.commit(changes)
    return one


def titles(parts: Parts, **filters: str) -> list[str]:
    return [one.title for one in parts.records.published(LATER, **filters)]


def test_it_has_what_was_published_newest_first(parts: Parts) -> None:
    for number in (1, 0, 2):
        store(parts, an_idea(number))
    store(parts, an_idea(3, approved_by={}, published_at=None))
    store(parts, an_idea(4, status=Status.WITHDRAWN, waiting_for="", due_at=None))
    store(parts, a_submission(approved_by={"triage": ("x",)}))
    assert titles(parts) == ["Idea 2", "Idea 1", "Idea 0"]


def test_a_line_says_all_that_a_list_shows(parts: Parts) -> None:
    store(parts, an_idea(category="custody"))
    (line,) = parts.records.published(LATER)
    assert (line.reference, line.force, line.category) == ("IDA-0000-0000", "kent", "custody")
    assert (line.status, line.submitted_at) == (Status("published"), MONDAY)


def test_what_is_published_enters_it_and_what_is_withdrawn_leaves_it(parts: Parts) -> None:
    one = store(parts, an_idea(approved_by={}, published_at=None, status=Status.IN_REVIEW))
    assert titles(parts) == []
    one, changes = changed(
        one, approved_by={"triage": ("c",)}, published_at=MONDAY, status=Status("published")
    )
    parts.records.commit(changes)
    assert titles(parts) == ["Idea 0"]
    _, changes = changed(one, status=Status.WITHDRAWN, waiting_for="", due_at=None)
    parts.records.commit(changes)
    assert titles(parts) == []


def undo(before: Submission) -> Undo:
    return Undo(task=1, until=LATER, sequence=2, before=before.standing, deliveries=())


def test_what_may_still_be_undone_has_not_happened(parts: Parts) -> None:
    unpublished = an_idea(approved_by={}, published_at=None, status=Status.IN_REVIEW)
    store(parts, an_idea(0, undo=undo(unpublished)))
    store(parts, an_idea(1, status=Status("noted"), waiting_for="", due_at=None, undo=undo(an_idea(1))))
    before = LATER - timedelta(seconds=1)
    assert parts.records.count_published(before, most=9) == ({"kent": 1}, False)
    assert parts.records.count_published(LATER, most=9) == ({"kent": 2}, False)
    early = list(parts.records.published(before))
    assert [(line.title, line.status) for line in early] == [("Idea 1", Status("published"))]
    late = list(parts.records.published(LATER))
    assert [(line.title, line.status) for line in late] == [
        ("Idea 1", Status("noted")),
        ("Idea 0", Status("published")),
    ]


def test_it_is_filtered_by_force_and_category(parts: Parts) -> None:
    store(parts, an_idea(0))
    store(parts, an_idea(1, category="custody"))
    store(parts, an_idea(2, force="essex"))
    assert titles(parts, force="kent") == ["Idea 1", "Idea 0"]
    assert titles(parts, category="processes") == ["Idea 2", "Idea 0"]
    assert titles(parts, force="essex", category="custody") == []


def test_it_goes_on_from_after_a_place(parts: Parts) -> None:
    for number in range(4):
        store(parts, an_idea(number))
    lines = list(parts.records.published(LATER))
    rest = parts.records.published(LATER, after=lines[1].place)
    assert [line.title for line in rest] == ["Idea 1", "Idea 0"]
    gone = Place(
        submitted_at=MONDAY + timedelta(minutes=2, seconds=30), force="kent", reference="IDA-9999-9999"
    )
    assert [line.title for line in parts.records.published(LATER, after=gone)] == [
        "Idea 2",
        "Idea 1",
        "Idea 0",
    ]


@pytest.mark.parametrize("look_at", [1, 7, 59, 60, 61, 1000])
def test_nothing_is_missed_however_much_is_looked_at_first(parts: Parts, look_at: int) -> None:
    for number in range(60):
        store(parts, an_idea(number, category="custody" if number % 20 == 3 else "processes"))
    every = [f"Idea {number}" for number in reversed(range(60))]
    assert [one.title for one in parts.records.published(LATER, look_at=look_at)] == every
    few = parts.records.published(LATER, category="custody", look_at=look_at)
    assert [one.title for one in few] == ["Idea 43", "Idea 23", "Idea 3"]


@pytest.mark.parametrize(
    ("most", "kent", "is_cut"), [(1, 0, True), (3, 2, True), (4, 3, False), (9, 3, False)]
)
def test_the_newest_are_counted_by_force(parts: Parts, most: int, kent: int, is_cut: bool) -> None:
    for number in range(3):
        store(parts, an_idea(number))
    store(parts, an_idea(3, force="essex"))
    store(parts, an_idea(4, force="essex", approved_by={}, published_at=None))
    by_force, more = parts.records.count_published(LATER, most=most)
    assert (by_force.get("kent", 0), by_force["essex"], more) == (kent, 1, is_cut)


def test_what_was_counted_is_kept_for_whoever_read_what_it_takes_the_place_of(parts: Parts) -> None:
    assert parts.records.counted() is None
    first = Counted(by_force={"kent": 2, "essex": 1}, at=MONDAY, good_until=MONDAY + timedelta(minutes=5))
    assert parts.records.keep_counted(first, instead_of=None)
    assert not parts.records.keep_counted(replace(first, at=LATER), instead_of=None)
    assert (parts.records.counted(), first.total) == (first, 3)
    second = replace(first, by_force={"kent": 3}, good_until=LATER, is_cut=True)
    assert parts.records.keep_counted(second, instead_of=first)
    assert not parts.records.keep_counted(first, instead_of=first)
    assert parts.records.counted() == second
