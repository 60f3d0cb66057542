"""Only the right person decides, once, in time, on what they saw: every other way is refused by its own name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.domain.errors import (
    AlreadyDecided,
    ClaimChanged,
    DecidedByAnother,
    DecidedEarlierStage,
    Expired,
    InvalidAnswers,
    NotAsked,
    NotFound,
    Overtaken,
    OwnSubmission,
    Reassigned,
    Refused,
    RoleGivenUp,
    Unavailable,
)
from chalicelib.services.approvals import deciding, reassigning, task_view
from tests.builders import a_cost, a_person
from tests.unit import scenes
from tests.unit.scenes import SMALL, Scene, board, register_board

story = scenes.story

Attempt = tuple[str, str, str]
"""Who tries, on which task, with what they were shown."""


def _task(story: Scene, reference: str) -> str:
    return story.task_id(reference)


def forwarded(story: Scene) -> Attempt:
    """A colleague is sent the link."""
    reference = story.asked()
    return "programme", _task(story, reference), story.case(reference).seen


def forwarded_to_the_deputy(story: Scene) -> Attempt:
    """The deputy opens the link before their time has come."""
    reference = story.asked()
    return "deputy-kent", _task(story, reference), story.case(reference).seen


def by_somebody_who_left(story: Scene) -> Attempt:
    """Somebody who is not registered any more still has a session."""
    reference = story.asked()
    return "nobody-we-know", _task(story, reference), story.case(reference).seen


def decided_before(story: Scene) -> Attempt:
    """The same person decides otherwise afterwards."""
    reference = story.asked()
    task_id, seen = _task(story, reference), story.case(reference).seen
    story.decide(reference, "reject", comment="No")
    return "lead-kent", task_id, seen


def expired(story: Scene) -> Attempt:
    """The time was over, and the deputy was asked."""
    reference = story.asked()
    task_id, seen = _task(story, reference), story.case(reference).seen
    story.ask(reference, "deputy")
    return "lead-kent", task_id, seen


def reassigned(story: Scene) -> Attempt:
    """A coordinator handed it to the deputy."""
    reference = story.asked()
    task_id, seen = _task(story, reference), story.case(reference).seen
    coordinator = story.people.person("coordinator-kent")
    assert coordinator is not None
    reassigning.hand_on_task(story.parts, coordinator, task_id, "deputy-kent")
    return "lead-kent", task_id, seen


def withdrawn(story: Scene) -> Attempt:
    """The claimant took it back."""
    reference = story.asked()
    task_id, seen = _task(story, reference), story.case(reference).seen
    story.withdraw(reference)
    return "lead-kent", task_id, seen


def decided_by_the_deputy(story: Scene) -> Attempt:
    """The deputy was asked and has decided."""
    person, task_id, seen = expired(story)
    story.decide(task_id.split(".")[1])
    return person, task_id, seen


def decided_by_the_one_it_was_handed_to(story: Scene) -> Attempt:
    """Whoever got it from the coordinator has decided."""
    person, task_id, seen = reassigned(story)
    story.decide(task_id.split(".")[1])
    return person, task_id, seen


def decided_by_enough_others(story: Scene) -> Attempt:
    """A board had enough votes without this one."""
    story.use_form(board())
    register_board(story)
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    for person in ("programme", "programme-2"):
        story.vote(reference, person, "reject", comment="No")
    return "programme-3", story.task_of(reference, "programme-3").id, story.case(reference).seen


def own_claim(address: str) -> Callable[[Scene], Attempt]:
    """The claimant is registered, and opens the link of whoever was asked."""

    def made(story: Scene) -> Attempt:
        reference = story.asked(claimant_email=address)
        return "deputy-kent", _task(story, reference), story.case(reference).seen

    return made


def approved_earlier(story: Scene) -> Attempt:
    """Whoever approved the first stage opens the link of the second."""
    story.people.register([a_person("lead-kent", "innovation-lead@kent", "programme-manager@national")])
    reference = story.at_programme()
    return "lead-kent", _task(story, reference), story.case(reference).seen


def role_given_up(story: Scene) -> Attempt:
    """The asked person has moved to another force."""
    reference = story.asked()
    story.people.register([a_person("lead-kent", "innovation-lead@essex")])
    return "lead-kent", _task(story, reference), story.case(reference).seen


def changed(story: Scene) -> Attempt:
    """The claim is another one than the page showed."""
    reference = story.asked()
    return "lead-kent", _task(story, reference), "0" * 64


def changed_by_the_claimant(story: Scene) -> Attempt:
    """The page was opened before the claimant's changes; the asked person has a new task since."""
    reference = story.asked()
    seen = story.case(reference).seen
    story.ask_for_changes(reference, you="Who?")
    story.amend(reference, claimant_role="Inspector")
    story.ask(reference)
    return "lead-kent", _task(story, reference), seen


def sent_back(story: Scene) -> Attempt:
    """Of a board, one asked for changes; another's page is still open."""
    story.use_form(board())
    register_board(story)
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    seen = story.case(reference).seen
    story.ask_for_changes(reference, you="Who?")
    return "programme-2", story.task_of(reference, "programme-2").id, seen


TABLE: list[tuple[Callable[[Scene], Attempt], type[Refused]]] = [
    (forwarded, NotAsked),
    (forwarded_to_the_deputy, NotAsked),
    (by_somebody_who_left, NotAsked),
    (decided_before, AlreadyDecided),
    (expired, Expired),
    (reassigned, Reassigned),
    (withdrawn, Overtaken),
    (decided_by_the_deputy, DecidedByAnother),
    (decided_by_the_one_it_was_handed_to, DecidedByAnother),
    (decided_by_enough_others, DecidedByAnother),
    (own_claim("deputy.kent@example.police.uk"), OwnSubmission),
    (own_claim("Deputy.Kent@EXAMPLE.police.uk"), OwnSubmission),
    (own_claim("deputy.kent+claims@example.police.uk"), OwnSubmission),
    (own_claim("DEPUTY.kent+a+b@Example.Police.UK"), OwnSubmission),
    (approved_earlier, DecidedEarlierStage),
    (role_given_up, RoleGivenUp),
    (changed, ClaimChanged),
    (changed_by_the_claimant, ClaimChanged),
    (sent_back, DecidedByAnother),
]
each_way = pytest.mark.parametrize(
    ("way", "error"), TABLE, ids=[f"{n}-{error.__name__}" for n, (_, error) in enumerate(TABLE)]
)


def refused(story: Scene, attempt: Attempt, decision: str = "approve") -> Refused:
    """The refusal of an attempt."""
    person, task_id, seen = attempt
    with pytest.raises(Refused) as caught:
        deciding.decide(
            story.parts, person, task_id, decision=decision, comment="Because I want to", seen=seen
        )
    return caught.value


def state(story: Scene, reference: str) -> tuple[object, ...]:
    """All that an attempt must not move."""
    case = story.case(reference)
    others = {
        key: item
        for key, item in story.store.snapshot().items()
        if key[0] in ("delivery", "balance", "reservation", "line", "token", "version", "personal", "text")
    }
    decided = [entry for entry in case.entries if entry.action != "refused"]
    return case.submission.standing, case.tasks, decided, others


def test_every_refusal_of_the_table_has_a_name_of_its_own() -> None:
    names = {error for _, error in TABLE}
    assert not {Refused, Unavailable, NotFound, InvalidAnswers} & names
    assert len(names) == 9 + 1  # ClaimChanged differs, too


@each_way
@pytest.mark.parametrize("decision", ["approve", "request-changes"])
def test_the_wrong_person_time_or_claim_is_refused_by_name_and_moves_nothing(
    story: Scene, way: Callable[[Scene], Attempt], error: type[Refused], decision: str
) -> None:
    attempt = way(story)
    reference = attempt[1].split(".")[1]
    before, money = state(story, reference), story.money()
    caught = refused(story, attempt, decision)
    assert type(caught) is error
    assert str(caught)
    assert state(story, reference) == before
    assert story.money() == money


@each_way
def test_each_attempt_is_in_the_timeline_once_with_its_reason(
    story: Scene, way: Callable[[Scene], Attempt], error: type[Refused]
) -> None:
    attempt = way(story)
    person, task_id, _ = attempt
    reference = task_id.split(".")[1]
    story.clock.pass_by(minutes=3)
    for decision in ("approve", "approve", "request-changes"):
        refused(story, attempt, decision)
    (entry,) = story.actions(reference, "refused")
    assert (entry.actor, entry.at) == (person, story.clock.at)
    assert dict(entry.details) == {"task": int(task_id.split(".")[2]), "reason": error.__name__}
    assert entry.text_digest == "", "what was written with it is not kept"


@each_way
def test_looking_leaves_no_entry(story: Scene, way: Callable[[Scene], Attempt], error: type[Refused]) -> None:
    person, task_id, _ = way(story)
    before = story.store.snapshot()
    for _ in range(2):
        try:
            task_view.task_view(story.parts, person, task_id)
        except Refused as caught:
            assert type(caught) is error
    assert story.store.snapshot() == before


@each_way
def test_what_the_page_refuses_to_show_is_what_deciding_refuses(
    story: Scene, way: Callable[[Scene], Attempt], error: type[Refused]
) -> None:
    """Three are shown: one's own decision, and what only the moment of deciding can tell."""
    person, task_id, _ = way(story)
    if error in (AlreadyDecided, RoleGivenUp, ClaimChanged):
        assert task_view.task_view(story.parts, person, task_id).task.id == task_id
    else:
        with pytest.raises(error):
            task_view.task_view(story.parts, person, task_id)


def test_another_person_or_another_reason_is_another_entry(story: Scene) -> None:
    person, task_id, seen = forwarded(story)
    reference = task_id.split(".")[1]
    refused(story, (person, task_id, seen))
    refused(story, ("finance", task_id, seen))
    refused(story, ("lead-kent", task_id, "wrong"))
    found = [(entry.actor, entry.details["reason"]) for entry in story.actions(reference, "refused")]
    assert found == [("programme", "NotAsked"), ("finance", "NotAsked"), ("lead-kent", "ClaimChanged")]


def test_the_right_person_still_decides_after_others_have_tried(story: Scene) -> None:
    attempt = forwarded(story)
    refused(story, attempt)
    story.decide(attempt[1].split(".")[1])
    assert story.money() == (600_000, 0)


def test_an_attempt_at_the_moment_of_the_decision_is_noted_after_it(story: Scene) -> None:
    attempt = forwarded(story)
    reference = attempt[1].split(".")[1]
    story.first(lambda: story.decide(reference))
    refused(story, attempt)
    assert [entry.action for entry in story.case(reference).entries][-2:] == ["decided", "refused"]


def test_where_the_attempt_cannot_be_noted_the_answer_is_the_same(
    story: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise Unavailable("The store does not answer.")

    attempt = forwarded(story)
    story.first(fails)
    assert type(refused(story, attempt)) is NotAsked
    assert "could not note an attempt" in caplog.text
    assert story.actions(attempt[1].split(".")[1], "refused") == []


def test_neither_too_little_money_nor_a_mistake_is_an_attempt(story: Scene) -> None:
    reference = story.asked(cost_lines=[a_cost(1_000_001)])
    with pytest.raises(Refused, match="too little"):
        story.decide(reference)
    with pytest.raises(InvalidAnswers):
        story.decide(reference, "adopt")
    assert story.actions(reference, "refused") == []


def test_the_claimant_who_registers_later_is_barred_from_then_on(story: Scene) -> None:
    reference = story.asked(claimant_email="new.lead@example.police.uk")
    story.people.register([a_person("new-lead", "innovation-lead@kent", "innovation-lead-deputy@kent")])
    story.people.remove("deputy-kent")
    story.ask(reference, "deputy")
    assert [task.person_id for task in story.case(reference).tasks] == ["lead-kent"]
    with pytest.raises(OwnSubmission):
        story.decide(reference, by="new-lead")
