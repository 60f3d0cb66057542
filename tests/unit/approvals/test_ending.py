"""Ends that nobody decided: withdrawn by the claimant, or lapsed for want of changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.domain.errors import NotFound, Overtaken
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import following_up
from chalicelib.services.records import status_view
from tests.builders import PERSONAL, a_cost
from tests.unit import scenes
from tests.unit.scenes import SMALL, Scene, step

story = scenes.story
CLAIMANT = PERSONAL["claimant_email"]


def new(story: Scene) -> str:
    return story.submit().reference


def waiting_for_changes(story: Scene) -> str:
    reference = story.at_programme()
    story.ask_for_changes(reference, you="Who?")
    return reference


def approved(story: Scene) -> str:
    reference = new(story)
    story.approve_up_to(reference, "nowhere")
    return reference


def rejected(story: Scene) -> str:
    reference = story.asked()
    story.decide(reference, "reject", comment="No")
    return reference


def lapsed(story: Scene) -> str:
    reference = waiting_for_changes(story)
    story.clock.pass_by(days=40)
    following_up.follow_up(story.parts)
    return reference


OPEN_OR_APPROVED: list[tuple[Callable[[Scene], str], int]] = [
    (new, 0),
    (Scene.asked, 0),
    (Scene.at_programme, 600_000),
    (waiting_for_changes, 600_000),
    (approved, 600_000),
]


@pytest.mark.parametrize(("stands", "pence"), OPEN_OR_APPROVED)
def test_the_claimant_withdraws_at_any_time_and_the_money_is_free_again(
    story: Scene, stands: Callable[[Scene], str], pence: int
) -> None:
    reference = stands(story)
    assert sum(story.money()) == pence
    story.withdraw(reference)
    one = story.case(reference).submission
    assert (one.status, one.waiting_for, one.due_at, one.next_at) == (Status.WITHDRAWN, "", None, None)
    assert (one.reserved_pence, one.committed_pence, story.money()) == (0, 0, (0, 0))
    entry = story.case(reference).entries[-1]
    assert (entry.action, entry.actor, entry.role) == ("withdrawn", "claimant", "claimant")
    kind = "fund-cancel" if stands is approved else "fund-release"
    assert dict(entry.details) == ({kind: pence} if pence else {})


@pytest.mark.parametrize(("stands", "pence"), OPEN_OR_APPROVED)
def test_withdrawing_twice_is_harmless(story: Scene, stands: Callable[[Scene], str], pence: int) -> None:
    reference = stands(story)
    story.withdraw(reference)
    before = story.store.snapshot()
    story.withdraw(reference)
    assert story.store.snapshot() == before


def test_withdrawing_twice_at_one_moment_is_harmless(story: Scene) -> None:
    reference = story.at_programme()
    story.first(lambda: story.withdraw(reference))
    story.withdraw(reference)
    assert len(story.actions(reference, "withdrawn")) == 1


@pytest.mark.parametrize(("stands", "said"), [(rejected, "not approved"), (lapsed, "lapsed")])
def test_what_has_ended_otherwise_is_not_withdrawn(
    story: Scene, stands: Callable[[Scene], str], said: str
) -> None:
    reference = stands(story)
    before = story.store.snapshot()
    with pytest.raises(Overtaken, match=f"has ended .{said}"):
        story.withdraw(reference)
    assert story.store.snapshot() == before


def test_a_claim_that_is_not_there_is_not_withdrawn(story: Scene) -> None:
    reference = new(story)
    for force, other in (("kent", "CLM-0000-0000"), ("essex", reference)):
        with pytest.raises(NotFound):
            story.withdraw(other, force)


def test_whoever_was_asked_is_told_and_can_decide_no_more(story: Scene) -> None:
    reference = story.at_programme()
    seen = story.case(reference).seen
    story.withdraw(reference)
    (mail,) = story.mails("no-longer-needed")
    assert mail.to == "programme@example.police.uk"
    assert "withdrawn by the person who made it" in mail.values["reason"]
    assert story.task_states(reference)[-1] == ("programme", "closed", 0)
    for decision in ("approve", "reject"):
        with pytest.raises(Overtaken, match="no longer waits for you"):
            story.vote(reference, "programme", decision, comment="x", seen=seen)
    with pytest.raises(Overtaken):
        story.look(reference, "programme")


def test_the_claimant_is_told_and_the_execution_ends(story: Scene) -> None:
    reference = story.asked()
    story.withdraw(reference, reason="The hall burnt down")
    (mail,) = story.mails("withdrawn")
    assert mail.to == CLAIMANT
    story.deliver()
    ((token, output),) = story.answers_told
    assert (token, output["stage"]) == ("token-1", "done")
    step(story, reference, token="late")
    assert story.answers_told[-1] == ("late", story.answers_told[-1][1])
    assert story.answers_told[-1][1]["stage"] == "done"


def test_the_reason_is_kept_as_a_salted_text_and_not_in_the_entry(story: Scene) -> None:
    reference = story.asked()
    story.withdraw(reference, reason="The hall burnt down")
    case = story.case(reference)
    entry = case.entries[-1]
    assert case.words(entry.sequence) == "The hall burnt down"
    assert case.texts[entry.sequence].salt
    assert "burnt" not in repr(entry)
    other = story.asked()
    story.withdraw(other)
    assert story.case(other).texts == {}


def test_a_decision_at_the_same_moment_is_withdrawn_with_it(story: Scene) -> None:
    reference = story.asked()
    story.first(lambda: story.decide(reference))
    story.withdraw(reference)
    assert (story.status(reference), story.money()) == (Status.WITHDRAWN, (0, 0))


def test_a_rejection_at_the_same_moment_stands(story: Scene) -> None:
    reference = story.asked()
    story.first(lambda: story.decide(reference, "reject", comment="No"))
    with pytest.raises(Overtaken):
        story.withdraw(reference)
    assert story.status(reference) is Status("rejected")


def test_a_withdrawal_at_the_moment_of_a_decision_wins(story: Scene) -> None:
    reference = story.asked()
    story.first(lambda: story.withdraw(reference))
    with pytest.raises(Overtaken):
        story.decide(reference)
    assert (story.status(reference), story.money()) == (Status.WITHDRAWN, (0, 0))


def test_the_money_of_an_approved_claim_that_is_withdrawn_is_there_for_others(story: Scene) -> None:
    reference = approved(story)
    other = story.asked(cost_lines=[a_cost(1_000_000)])
    story.withdraw(reference)
    story.decide(other)
    assert story.money() == (1_000_000, 0)


def test_the_claimant_may_withdraw_as_long_as_the_page_says_so(story: Scene) -> None:
    for stands, _ in OPEN_OR_APPROVED:
        reference = stands(story)
        token = story.parts.links.status_token("kent", reference)
        assert status_view.status_of(story.parts, token).may_withdraw
        story.withdraw(reference)
        found = status_view.status_of(story.parts, token)
        assert (found.may_withdraw, found.status_words) == (False, "Withdrawn")
        assert found.history[-1].words == "The claim was withdrawn."
        assert (found.stage, found.waiting_for, found.due) == ("", "", None)


# Lapsing


@pytest.mark.parametrize("by", ["dates", "execution"])
def test_a_claim_whose_changes_do_not_come_lapses_and_its_money_is_free(story: Scene, by: str) -> None:
    reference = waiting_for_changes(story)
    due = story.standing(reference).due_at
    assert due == story.parts.calendar.deadline(story.clock.at, 20)

    def go_on() -> None:
        if by == "dates":
            following_up.follow_up(story.parts)
        else:
            step(story, reference, stage="changes", asked="claimant", token=f"at-{story.clock.at}")

    story.clock.at = due - timedelta(seconds=1)
    go_on()
    assert (story.status(reference), story.money()) == (Status.CHANGES_REQUESTED, (600_000, 0))
    story.clock.at = due
    go_on()
    assert (story.status(reference), story.money()) == (Status.LAPSED, (0, 0))
    entry = story.case(reference).entries[-1]
    assert (entry.action, entry.actor) == ("lapsed", "system")
    assert dict(entry.details) == {"fund-release": 600_000}
    assert [mail.to for mail in story.mails("lapsed")] == [CLAIMANT]
    with pytest.raises(Overtaken):
        story.amend(reference, claimant_role="Inspector")


def test_changes_that_come_at_the_last_moment_are_taken(story: Scene) -> None:
    reference = waiting_for_changes(story)
    due = story.standing(reference).due_at
    assert due is not None
    story.clock.at = due + timedelta(minutes=1)
    story.first(lambda: story.amend(reference, claimant_role="Inspector"))
    following_up.follow_up(story.parts)
    assert story.status(reference) is Status.IN_REVIEW


def test_a_claim_that_lapsed_at_the_same_moment_is_not_brought_back(story: Scene) -> None:
    reference = waiting_for_changes(story)
    story.clock.pass_by(days=40)
    story.first(lambda: following_up.follow_up(story.parts))
    with pytest.raises(Overtaken):
        story.amend(reference, claimant_role="Inspector")
    assert (story.status(reference), story.money()) == (Status.LAPSED, (0, 0))


def test_a_small_claim_lapses_without_any_money_held(story: Scene) -> None:
    reference = story.asked(cost_lines=[a_cost(SMALL)])
    story.ask_for_changes(reference, you="Who?")
    story.clock.pass_by(days=40)
    following_up.follow_up(story.parts)
    assert (story.status(reference), story.money()) == (Status.LAPSED, (0, 0))
    assert dict(story.case(reference).entries[-1].details) == {}
