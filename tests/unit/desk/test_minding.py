"""Notes for staff alone, reminders sent by a coordinator, and a claim withdrawn on its claimant's behalf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.domain.errors import Forbidden, InvalidAnswers, NotFound, Overtaken, TooMany
from chalicelib.domain.people.people import Person
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import deciding, following_up, task_view
from chalicelib.services.desk import staff_actions
from chalicelib.services.ports import Parts
from chalicelib.services.records import status_view
from tests.builders import a_person, all_values
from tests.unit.scenes import TEN_MINUTES, Scene, a_scene, check_promises

KENT = a_person("coordinator-kent", "coordinator@kent")
ESSEX = a_person("coordinator-essex", "coordinator@essex")
FINANCE = a_person("finance", "fund-holder@national")
LEAD = a_person("lead-kent", "innovation-lead@kent")
SECRET = "The claimant rang: quibblesome weather"


@pytest.fixture
def story() -> Iterator[Scene]:
    scene = a_scene()
    yield scene
    check_promises(scene)


def asked(story: Scene) -> str:
    """A claim that its lead is asked about."""
    reference = story.submit().reference
    story.ask(reference)
    return reference


def fast(story: Scene) -> Parts:
    """The parts, with time to undo a decision."""
    return replace(story.parts, undo_for=TEN_MINUTES)


def wait(story: Scene, **duration: float) -> None:
    story.parts.now.pass_by(**duration)  # type: ignore[attr-defined]


def test_a_note_is_kept_in_the_timeline_with_the_name_of_its_writer(story: Scene) -> None:
    reference = asked(story)
    staff_actions.note(story.parts, KENT, reference, f"  {SECRET}\r\nSecond line ")
    (entry,) = story.actions(reference, "noted")
    assert (entry.actor, entry.role) == ("coordinator-kent", "coordinator")
    assert story.case(reference).words(entry.sequence) == f"{SECRET}\nSecond line"
    staff_actions.note(story.parts, FINANCE, reference, "Another")
    assert [one.role for one in story.actions(reference, "noted")] == ["coordinator", "fund-holder"]


def test_a_note_is_shown_to_neither_the_claimant_nor_an_approver_and_is_in_no_mail(story: Scene) -> None:
    receipt = story.submit()
    reference = receipt.reference
    story.ask(reference)
    staff_actions.note(story.parts, KENT, reference, SECRET)
    token = story.parts.links.status_token("kent", reference)
    assert "quibblesome" not in str(all_values(status_view.status_of(story.parts, token)))
    view = task_view.task_view(story.parts, "lead-kent", story.task_id(reference))
    assert "quibblesome" not in str([view.earlier, view.comment, view.changes, view.answers, view.next_step])
    story.decide(reference, "request-changes", comment="Cheaper, please")
    staff_actions.chase(story.parts, KENT, reference)
    staff_actions.withdraw(story.parts, KENT, reference, "The claimant asked for it")
    assert "quibblesome" not in str([mail.values for mail in story.mails()])
    assert "quibblesome" not in str(all_values(status_view.status_of(story.parts, token)))


def test_the_history_for_the_claimant_has_no_line_for_a_note_or_a_chase(story: Scene) -> None:
    reference = asked(story)
    token = story.parts.links.status_token("kent", reference)
    before = status_view.status_of(story.parts, token).history
    staff_actions.note(story.parts, KENT, reference, SECRET)
    staff_actions.chase(story.parts, KENT, reference)
    assert status_view.status_of(story.parts, token).history == before


@pytest.mark.parametrize("words", ["", "  \r\n ", "x" * 5001, "a\tb", "\u202e"])
def test_a_note_has_words_that_can_be_shown(story: Scene, words: str) -> None:
    reference = asked(story)
    with pytest.raises(InvalidAnswers):
        staff_actions.note(story.parts, KENT, reference, words)
    assert story.actions(reference, "noted") == []


def test_a_note_does_not_end_the_time_to_undo(story: Scene) -> None:
    story.parts = fast(story)
    reference = asked(story)
    task_id = story.task_id(reference)
    story.decide(reference)
    staff_actions.note(story.parts, KENT, reference, SECRET)
    deciding.undo(story.parts, "lead-kent", task_id)
    assert story.case(reference).open_task is not None


@pytest.mark.parametrize(("person", "error"), [(ESSEX, NotFound), (LEAD, Forbidden)])
def test_another_forces_staff_and_approvers_do_nothing(
    story: Scene, person: Person, error: type[Exception]
) -> None:
    reference = asked(story)
    before = story.store.snapshot()
    with pytest.raises(error):
        staff_actions.note(story.parts, person, reference, "Mine")
    with pytest.raises(error):
        staff_actions.chase(story.parts, person, reference)
    with pytest.raises(error):
        staff_actions.withdraw(story.parts, person, reference, "Mine")
    assert story.store.snapshot() == before


def test_chasing_and_withdrawing_take_a_coordinator(story: Scene) -> None:
    reference = asked(story)
    case = story.case(reference)
    for act in (
        lambda: staff_actions.chase(story.parts, FINANCE, reference),
        lambda: staff_actions.withdraw(story.parts, FINANCE, reference, "Because"),
    ):
        with pytest.raises(Forbidden):
            act()
    assert not staff_actions.may_chase(story.parts, FINANCE, case)
    assert not staff_actions.may_withdraw(FINANCE, case.submission)
    assert staff_actions.may_chase(story.parts, KENT, case)
    assert staff_actions.may_withdraw(KENT, case.submission)


def test_a_chase_reminds_those_who_are_asked_at_most_once_an_hour(story: Scene) -> None:
    reference = asked(story)
    due = story.case(reference).submission.due_at
    staff_actions.chase(story.parts, KENT, reference)
    assert [mail.to for mail in story.mails("reminder")] == ["lead.kent@example.police.uk"]
    (entry,) = story.actions(reference, "chased")
    assert (entry.actor, entry.details["role"]) == ("coordinator-kent", "innovation-lead")
    wait(story, minutes=59)
    with pytest.raises(TooMany) as caught:
        staff_actions.chase(story.parts, KENT, reference)
    assert 0 < caught.value.retry_after <= 60
    assert not staff_actions.may_chase(story.parts, KENT, story.case(reference))
    wait(story, minutes=1)
    staff_actions.chase(story.parts, KENT, reference)
    assert len(story.mails("reminder")) == 2
    assert story.case(reference).submission.due_at == due, "nobody gets more time by it"


def test_reminders_that_come_by_themselves_still_come(story: Scene) -> None:
    reference = asked(story)
    staff_actions.chase(story.parts, KENT, reference)
    moment = story.case(reference).submission.next_at
    assert moment is not None
    story.parts.now.at = moment  # type: ignore[attr-defined]
    assert following_up.follow_up(story.parts).reminded == 1
    assert len(story.mails("reminder")) == 2
    with pytest.raises(TooMany):
        staff_actions.chase(story.parts, KENT, reference)


def test_the_claimant_is_chased_where_the_changes_are_theirs_to_make(story: Scene) -> None:
    reference = asked(story)
    story.decide(reference, "request-changes", comment="Cheaper, please")
    staff_actions.chase(story.parts, KENT, reference)
    assert len(story.mails("changes-reminder")) == 1
    assert story.actions(reference, "chased")[0].details["role"] == "claimant"


@pytest.mark.parametrize("when", ["not-asked", "undoable", "ended"])
def test_nobody_is_chased_where_nobody_is_asked(story: Scene, when: str) -> None:
    reference = story.submit().reference
    if when != "not-asked":
        story.parts = fast(story)
        story.ask(reference)
        story.decide(reference, "reject" if when == "ended" else "approve", comment="Because")
    if when == "ended":
        wait(story, minutes=11)
    with pytest.raises(Overtaken):
        staff_actions.chase(story.parts, KENT, reference)
    assert not staff_actions.may_chase(story.parts, KENT, story.case(reference))


def test_what_is_withdrawn_for_the_claimant_names_the_coordinator_and_tells_both(story: Scene) -> None:
    reference = asked(story)
    staff_actions.withdraw(story.parts, KENT, reference, " They asked by telephone ")
    case = story.case(reference)
    assert case.submission.status is Status.WITHDRAWN
    (entry,) = story.actions(reference, "withdrawn")
    assert (entry.actor, entry.role) == ("coordinator-kent", "coordinator")
    assert case.words(entry.sequence) == "They asked by telephone"
    assert len(story.mails("withdrawn")) == 1
    (told,) = story.mails("no-longer-needed")
    assert told.values["reason"] == "The claim was withdrawn by a coordinator."


@pytest.mark.parametrize("reason", ["", "   ", "x" * 5001, "a\tb"])
def test_withdrawing_for_somebody_takes_a_reason(story: Scene, reason: str) -> None:
    reference = asked(story)
    with pytest.raises(InvalidAnswers):
        staff_actions.withdraw(story.parts, KENT, reference, reason)
    assert story.status(reference) is Status.IN_REVIEW


def test_what_has_ended_cannot_be_withdrawn_for_somebody(story: Scene) -> None:
    reference = asked(story)
    story.decide(reference, "reject", comment="No")
    wait(story, hours=1)
    with pytest.raises(Overtaken):
        staff_actions.withdraw(story.parts, KENT, reference, "Because")
