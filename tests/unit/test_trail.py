"""What is decided on is what was written: whoever can write to the table, and cannot use the key, is found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import NotAsWritten
from chalicelib.domain.submissions import TaskState
from chalicelib.services import tracking, viewing
from tests.unit.scenes import Scene

Attack = Callable[[Scene, str], None]


def item(story: Scene, kind: str, reference: str, *number: int) -> Any:
    return story.store.items[(kind, "kent", reference, *number)]


def put(story: Scene, kind: str, reference: str, value: Any, *number: int) -> None:
    story.store.items[(kind, "kent", reference, *number)] = value


def other_answers(story: Scene, reference: str) -> None:
    one = item(story, "submission", reference)
    put(story, "submission", reference, replace(one, answers={**one.answers, "purpose": "Something else"}))


def another_claimant(story: Scene, reference: str) -> None:
    personal = item(story, "personal", reference)
    put(story, "personal", reference, {**personal, "claimant_name": "Somebody Else"})


def another_amount(story: Scene, reference: str) -> None:
    one = item(story, "submission", reference)
    put(story, "submission", reference, replace(one, amount_pence=one.amount_pence * 10))


def approved_by_another(story: Scene, reference: str) -> None:
    one = item(story, "submission", reference)
    put(story, "submission", reference, replace(one, approved_by={"force-lead": ("deputy-kent",)}))


def another_claimants_id(story: Scene, reference: str) -> None:
    put(story, "submission", reference, replace(item(story, "submission", reference), claimant_id="finance"))


def another_persons_task(story: Scene, reference: str) -> None:
    task = item(story, "task", reference, 1)
    put(story, "task", reference, replace(task, person_id="deputy-kent"), 1)


def a_decision_turned_round(story: Scene, reference: str) -> None:
    task = item(story, "task", reference, 1)
    assert task.state is TaskState.DECIDED
    put(story, "task", reference, replace(task, decision="reject"), 1)


def a_comment_removed(story: Scene, reference: str) -> None:
    del story.store.items[("text", "kent", reference, 2)]


def all_written_anew(story: Scene, reference: str) -> None:
    """With every hash right, as somebody does who cannot use the key."""
    case = story.case(reference)
    one = replace(case.submission, answers={**case.submission.answers, "purpose": "Something else"})
    seen = replace(case, submission=one).seen
    chain = replace(case.submission.chain, length=0, head="0" * 64)
    for entry in case.entries:
        details = {**entry.details, **{name: seen for name in ("answers", "seen") if name in entry.details}}
        chain, written = chain.append(replace(entry, details=details), case.texts.get(entry.sequence))
        put(story, "entry", reference, written, entry.sequence)
    put(story, "submission", reference, replace(one, chain=chain))
    task = item(story, "task", reference, 1)
    put(story, "task", reference, replace(task, seen=seen), 1)


ATTACKS: tuple[Attack, ...] = (
    other_answers,
    another_claimant,
    another_amount,
    approved_by_another,
    another_claimants_id,
    another_persons_task,
    a_decision_turned_round,
    a_comment_removed,
    all_written_anew,
)


@pytest.fixture
def second_stage(story: Scene) -> Iterator[str]:
    """A claim that the lead has approved, with a comment, and the programme is asked about. Afterwards it is as it was
    again: every story ends with timelines that verify."""
    reference = story.asked()
    story.vote(reference, "lead-kent", comment="Two quotes were compared")
    story.let_go(reference)
    story.ask(reference)
    before = story.store.snapshot()
    yield reference
    story.store.items.update(before)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_in_the_table_is_not_shown_for_a_decision(
    story: Scene, second_stage: str, attack: Attack
) -> None:
    task = story.task_of(second_stage, "programme")
    viewing.task_view(story.parts, "programme", task.id)
    attack(story, second_stage)
    with pytest.raises(NotAsWritten):
        viewing.task_view(story.parts, "programme", task.id)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_in_the_table_is_not_decided_on(
    story: Scene, second_stage: str, attack: Attack
) -> None:
    attack(story, second_stage)
    entries = story.case(second_stage).entries
    with pytest.raises(NotAsWritten):
        story.vote(second_stage, "programme")
    assert story.case(second_stage).entries == entries


@pytest.mark.parametrize("attack", ATTACKS)
def test_staff_read_in_the_timeline_that_it_is_not_as_it_was_written(
    story: Scene, second_stage: str, attack: Attack
) -> None:
    coordinator = story.people.person("coordinator-kent")
    assert coordinator is not None
    assert tracking.timeline_for(story.parts, coordinator, second_stage).faults == ()
    attack(story, second_stage)
    assert tracking.timeline_for(story.parts, coordinator, second_stage).faults
