"""Undoing: for a while, a decision can be taken back as if it had never been made; nobody else has heard of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.domain.delivery.deliveries import CARRIED, read_address
from chalicelib.domain.errors import (
    AlreadyDecided,
    ClaimChanged,
    DoesNotFit,
    NoLongerUndoable,
    NotAsked,
    NotFound,
    Overtaken,
    OwnSubmission,
    Refused,
)
from chalicelib.domain.records import trail
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import amending, deciding, following_up
from chalicelib.services.records import status_view
from tests.builders import PERSONAL, a_cost
from tests.unit import scenes
from tests.unit.scenes import MANAGERS, SMALL, TEN_MINUTES, Scene, board, check_promises, register_board, step

story = scenes.story
CLAIMANT = PERSONAL["claimant_email"]

Made = tuple[str, str, str]
"""A claim, whose turn it is, and what they are about to decide."""


@pytest.fixture(autouse=True)
def window(story: Scene) -> None:
    story.use_undo()


def lead(decision: str) -> Callable[[Scene], Made]:
    return lambda story: (story.asked(), "lead-kent", decision)


def programme(decision: str) -> Callable[[Scene], Made]:
    return lambda story: (story.at_programme(), "programme", decision)


def last(decision: str) -> Callable[[Scene], Made]:
    return lambda story: (story.at_programme(cost_lines=[a_cost(SMALL)]), "programme", decision)


def of_a_board(quorum: int, *earlier: str, decision: str) -> Callable[[Scene], Made]:
    """The first managers have voted so; the next one is about to."""

    def made(story: Scene) -> Made:
        story.use_form(board(quorum))
        register_board(story)
        reference = story.at_programme(cost_lines=[a_cost(SMALL)])
        for person, vote in zip(MANAGERS, earlier):
            story.vote(reference, person, vote, comment="Because")
        story.let_go(reference)
        return reference, MANAGERS[len(earlier)], decision

    return made


def of_a_board_in_its_second_round(story: Scene) -> Made:
    """The claim went back once, which closed the tasks of others; on the new answers one has voted."""
    story.use_form(board(2))
    register_board(story)
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    story.ask_for_changes(reference, you="Who?")
    story.let_go(reference)
    story.amend(reference, claimant_role="Inspector")
    story.ask(reference)
    story.vote(reference, "programme-3")
    story.let_go(reference)
    return reference, "programme", "approve"


EACH: dict[str, Callable[[Scene], Made]] = {
    "first-approval": lead("approve"),
    "first-rejection": lead("reject"),
    "first-changes": lead("request-changes"),
    "later-approval": programme("approve"),
    "later-rejection": programme("reject"),
    "later-changes": programme("request-changes"),
    "last-approval": last("approve"),
    "last-rejection": last("reject"),
    "vote": of_a_board(3, "approve", decision="approve"),
    "vote-with-quorum": of_a_board(2, "approve", decision="approve"),
    "vote-against-quorum": of_a_board(3, "approve", decision="reject"),
    "vote-for-changes": of_a_board(2, decision="request-changes"),
    "vote-in-second-round": of_a_board_in_its_second_round,
}
each = pytest.mark.parametrize("scene", EACH.values(), ids=EACH)
ENDING = {name: one for name, one in EACH.items() if name != "vote"}
ending = pytest.mark.parametrize("scene", ENDING.values(), ids=ENDING)


def all_of(story: Scene, reference: str) -> tuple[object, ...]:
    """All that an undo puts back."""
    case = story.case(reference)
    return (
        case.submission.standing,
        case.tasks,
        case.sitting,
        case.token,
        story.money(),
        [entry.sequence for entry in case.decisions],
    )


def held(story: Scene) -> list[str]:
    """The ids of what is held back."""
    found = story.store.of_kind("delivery")
    return [one.delivery.address for one in found if one.delivery.is_held and not one.done_at]


def decide(story: Scene, made: Made) -> str:
    reference, person, decision = made
    story.vote(reference, person, decision, comment="" if decision == "approve" else "Because")
    return reference


@each
def test_everything_is_exactly_as_before(story: Scene, scene: Callable[[Scene], Made]) -> None:
    made = scene(story)
    reference, person, _ = made
    before = all_of(story, reference)
    kept = held(story)
    decide(story, made)
    assert all_of(story, reference) != before
    story.clock.pass_by(minutes=9, seconds=59)
    story.undo(reference, person)
    assert all_of(story, reference) == before
    assert held(story) == kept
    assert story.case(reference).submission.undo is None
    check_promises(story)


@each
def test_after_an_undo_the_same_person_may_decide_the_same_or_otherwise(
    story: Scene, scene: Callable[[Scene], Made]
) -> None:
    made = scene(story)
    reference, person, decision = made
    decide(story, made)
    first = all_of(story, reference)[0]
    story.undo(reference, person)
    assert story.look(reference, person).may_decide
    outcome = story.vote(reference, person, decision, comment="Because")
    assert not outcome.repeated
    assert all_of(story, reference)[0] == first
    story.undo(reference, person)
    other = "reject" if decision != "reject" else "approve"
    assert story.vote(reference, person, other, comment="Because").decision == other
    said = [entry.details["decision"] for entry in story.actions(reference, "decided")][-3:]
    assert said == [decision, decision, other]
    assert [entry.details["decision"] for entry in story.case(reference).decisions][-1:] == [other]
    check_promises(story)


def test_of_a_decision_that_was_undone_the_claimant_hears_nothing(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference)
    story.undo(reference, "lead-kent")
    story.decide(reference, "reject", comment="On reflection, no")
    story.clock.at += TEN_MINUTES
    story.deliver()
    told = [(mail.template, mail.values.get("comment")) for mail in story.sent if mail.to == CLAIMANT]
    assert told == [("receipt", None), ("rejected", "On reflection, no")]
    history = [line.words for line in _status(story, reference).history]
    assert [words for words in history if "approved" in words] == []


def _status(story: Scene, reference: str) -> status_view.StatusView:
    return status_view.status_of(story.parts, story.parts.links.status_token("kent", reference))


@each
def test_nobody_but_its_maker_hears_of_it_before_the_window_closes(
    story: Scene, scene: Callable[[Scene], Made]
) -> None:
    made = scene(story)
    story.deliver()
    sent, told = len(story.sent), story.answers_told
    known = _status(story, made[0])
    decide(story, made)
    for _ in range(4):
        story.clock.pass_by(minutes=2)
        story.deliver()
    assert [mail.template for mail in story.sent[sent:]] == ["decision-made"]
    assert story.sent[-1].to == f"{made[1].replace('-', '.')}@example.police.uk"
    assert (
        story.sent[-1].values["undo_until"]
        == "11 January 2027 at " + (story.clock.at + timedelta(minutes=2)).strftime("%-I:%M%p").lower()
    )
    assert story.answers_told == told, "no stage is asked"
    assert _status(story, made[0]) == known, "the status page does not know"


@ending
def test_when_the_window_closes_the_claimant_is_told_and_the_execution_goes_on(
    story: Scene, scene: Callable[[Scene], Made]
) -> None:
    made = scene(story)
    story.deliver()
    sent, told, known = len(story.sent), len(story.answers_told), _status(story, made[0])
    reference = decide(story, made)
    story.clock.at += TEN_MINUTES
    story.deliver()
    assert CLAIMANT in [mail.to for mail in story.sent[sent:]]
    ((token, output),) = story.answers_told[told:]
    assert token == story.case(reference).token
    assert output["stage"] in ("programme", "finance", "changes", "done")
    now = _status(story, reference)
    assert now != known
    assert (now.status, now.may_amend) == (
        story.status(reference),
        made[2] == "request-changes",
    )


def test_the_next_stage_counts_from_when_it_is_told(story: Scene) -> None:
    story.clock.at = story.clock.at.replace(hour=23, minute=55)
    reference = story.asked()
    story.decide(reference)
    due = story.standing(reference).due_at
    assert due == story.parts.calendar.deadline(story.clock.at + TEN_MINUTES, 5)
    assert due != story.parts.calendar.deadline(story.clock.at, 5)


@each
@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=1)])
def test_after_the_window_it_stands(story: Scene, scene: Callable[[Scene], Made], late: timedelta) -> None:
    made = scene(story)
    reference = decide(story, made)
    story.clock.at += TEN_MINUTES + late
    before = story.store.snapshot()
    with pytest.raises(NoLongerUndoable):
        story.undo(reference, made[1])
    assert story.store.snapshot() == before


@ending
def test_what_the_sweeper_has_taken_in_the_same_moment_is_not_undone(
    story: Scene, scene: Callable[[Scene], Made]
) -> None:
    """Its clock is a little ahead of ours: the mail is on its way while the undo is being stored."""
    made = scene(story)
    reference = decide(story, made)
    until = story.clock.at + TEN_MINUTES
    taken = held(story)[-1]

    def sweeper() -> None:
        later = until + timedelta(seconds=30)
        parcel, delivery_id = read_address(taken)
        if not parcel:
            assert story.parts.outbox.claim(taken, now=until, until=later)
            return
        claims = [
            story.parts.outbox.claim_parts(parcel, lane=one, now=until, until=later, is_late=True)
            for one in CARRIED
        ]
        assert delivery_id in [part.id for claim in claims if claim for part in claim.parts]

    story.clock.pass_by(minutes=9)
    before = all_of(story, reference)
    entries = story.case(reference).entries
    story.first(sweeper)
    with pytest.raises(NoLongerUndoable, match="gone out"):
        story.undo(reference, made[1])
    assert all_of(story, reference) == before
    assert story.case(reference).entries == entries
    assert taken in held(story)


@pytest.mark.parametrize(
    ("person", "error"),
    [
        ("programme", NotAsked),
        ("deputy-kent", OwnSubmission),
        ("coordinator-kent", NotAsked),
        ("national-coordinator", NotAsked),
        ("", NotAsked),
    ],
)
def test_nobody_else_undoes_it(story: Scene, person: str, error: type[Refused]) -> None:
    reference = story.asked(claimant_email="deputy.kent@example.police.uk")
    story.decide(reference)
    before = story.store.snapshot()
    with pytest.raises(error):
        deciding.undo(story.parts, person, f"kent.{reference}.1")
    assert story.store.snapshot() == before


def test_of_a_board_each_undoes_their_own_vote_only(story: Scene) -> None:
    reference, person, _ = of_a_board(3, decision="approve")(story)
    story.vote(reference, person)
    story.vote(reference, "programme-2")
    before = story.store.snapshot()
    with pytest.raises(NotAsked):
        deciding.undo(story.parts, "programme", story.task_of(reference, "programme-2").id)
    with pytest.raises(NoLongerUndoable, match="another was made after it"):
        story.undo(reference, "programme")
    assert story.store.snapshot() == before
    story.undo(reference, "programme-2")
    states = {person: state for person, state, _ in story.task_states(reference)}
    assert (states["programme"], states["programme-2"], states["programme-3"]) == ("decided", "open", "open")


def test_a_task_that_is_not_there_has_nothing_to_undo(story: Scene) -> None:
    reference = story.asked()
    with pytest.raises(NotFound):
        deciding.undo(story.parts, "lead-kent", f"kent.{reference}.2")


def test_a_rejection_whose_money_was_promised_to_others_stays(story: Scene) -> None:
    reference = story.at_programme()
    story.decide(reference, "reject", comment="No")
    other = story.asked()
    story.decide(other)
    before = story.store.snapshot()
    with pytest.raises(DoesNotFit, match="£2,000 too little"):
        story.undo(reference, "programme")
    assert story.store.snapshot() == before
    story.undo(other, "lead-kent")
    story.undo(reference, "programme")
    assert story.money() == (600_000, 0)


def test_without_a_window_decisions_stand_and_go_out_at_once(story: Scene) -> None:
    story.use_undo(timedelta(0))
    reference = story.asked()
    outcome = story.decide(reference)
    assert (outcome.undo_until, story.case(reference).submission.undo) == (None, None)
    assert held(story) == []
    assert [mail.values["undo_until"] for mail in story.mails("decision-made")] == [""]
    with pytest.raises(NoLongerUndoable):
        story.undo(reference, "lead-kent")
    story.deliver()
    assert "moved-on" in [mail.template for mail in story.sent]


@each
def test_undoing_twice_is_harmless(story: Scene, scene: Callable[[Scene], Made]) -> None:
    made = scene(story)
    reference = decide(story, made)
    story.undo(reference, made[1])
    before = story.store.snapshot()
    story.undo(reference, made[1])
    assert story.store.snapshot() == before


@each
def test_a_double_click_on_undo_is_harmless(story: Scene, scene: Callable[[Scene], Made]) -> None:
    made = scene(story)
    reference = decide(story, made)
    story.first(lambda: story.undo(reference, made[1]))
    story.undo(reference, made[1])
    assert len(story.actions(reference, "undone")) == 1


def test_somebody_elses_attempt_in_between_is_no_obstacle(story: Scene) -> None:
    reference = story.asked()
    before = story.standing(reference)
    story.decide(reference)

    def attempt() -> None:
        with pytest.raises(NotAsked):
            deciding.decide(
                story.parts, "finance", f"kent.{reference}.1", decision="approve", comment="", seen=""
            )

    attempt()
    story.first(attempt)
    story.undo(reference, "lead-kent")
    assert story.standing(reference) == before


def test_the_page_offers_to_undo_to_its_maker_until_the_window_closes(story: Scene) -> None:
    reference = story.asked()
    until = story.clock.at + TEN_MINUTES
    outcome = story.decide(reference)
    assert outcome.undo_until == until
    assert story.look(reference, "lead-kent").undo_until == until
    assert story.vote(reference, "lead-kent").undo_until == until, "asked again, it says the same"
    story.clock.at = until
    assert story.look(reference, "lead-kent").undo_until is None
    assert story.vote(reference, "lead-kent").undo_until is None
    story.ask(reference)
    assert story.look(reference, "programme").undo_until is None


def test_a_decision_on_which_another_was_made_stands(story: Scene) -> None:
    reference = story.at_programme()
    story.decide(reference)
    for person in ("lead-kent",):
        with pytest.raises(NoLongerUndoable):
            story.undo(reference, person)
    story.undo(reference, "programme")
    with pytest.raises(NoLongerUndoable):
        story.undo(reference, "lead-kent")


def test_the_timeline_says_what_was_undone_and_nobody_counts_it(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference, comment="Fine")
    sequence = story.case(reference).entries[-1].sequence
    story.clock.pass_by(minutes=1)
    story.undo(reference, "lead-kent")
    case = story.case(reference)
    entry = case.entries[-1]
    assert (entry.action, entry.actor, entry.role) == ("undone", "lead-kent", "innovation-lead")
    assert dict(entry.details) == {"undone": sequence, "decision": "approve", "task": 1}
    assert case.words(sequence) == "Fine", "what was written stays in the timeline"
    assert case.decisions == ()
    assert trail.faults_of(case) == []
    assert story.look(reference, "lead-kent").earlier == ()


# What comes within the window


def test_an_execution_that_comes_early_asks_nobody_and_is_answered_when_the_window_closes(
    story: Scene,
) -> None:
    reference = story.asked()
    story.decide(reference)
    standing = story.standing(reference)
    step(story, reference, token="early")
    assert story.standing(reference) == standing
    assert story.case(reference).open_tasks == ()
    story.deliver()
    assert story.answers_told == []
    story.clock.at += TEN_MINUTES
    story.deliver()
    assert {token: output["stage"] for token, output in story.answers_told} == {
        "token-1": "programme",
        "early": "programme",
    }
    story.ask(reference)
    assert story.task_of(reference, "programme").asked_at == story.clock.at


def test_after_an_undo_the_execution_that_came_early_waits_for_the_next_decision(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference)
    step(story, reference, token="early")
    story.undo(reference, "lead-kent")
    assert held(story) == []
    story.decide(reference, "reject", comment="No")
    story.clock.at += TEN_MINUTES
    story.deliver()
    assert [(token, output["stage"]) for token, output in story.answers_told] == [("early", "done")]


def test_stored_dates_move_nothing_within_the_window(story: Scene) -> None:
    reference = story.asked()
    due = story.standing(reference).due_at
    assert due is not None
    story.clock.at = due - timedelta(minutes=1)
    story.decide(reference, "request-changes", comment="Which hall?")
    story.clock.at = due + timedelta(minutes=1)
    before = story.store.snapshot()
    following_up.follow_up(story.parts)
    assert story.store.snapshot() == before
    story.undo(reference, "lead-kent")
    following_up.follow_up(story.parts)
    assert [task.person_id for task in story.case(reference).open_tasks] == ["deputy-kent"]


def test_changes_cannot_be_made_before_they_were_asked_for_for_good(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference, you="Who?")
    with pytest.raises(Overtaken):
        amending.amend_view(story.parts, "kent", reference)
    with pytest.raises(Overtaken):
        story.amend(reference, claimant_role="Inspector")
    story.clock.at += TEN_MINUTES
    assert [page.id for page in amending.amend_view(story.parts, "kent", reference).open_form.pages] == [
        "you"
    ]
    story.amend(reference, claimant_role="Inspector")
    with pytest.raises(NoLongerUndoable):
        story.undo(reference, "lead-kent")


@each
def test_a_withdrawal_within_the_window_wins(story: Scene, scene: Callable[[Scene], Made]) -> None:
    made = scene(story)
    story.deliver()
    sent = len(story.sent)
    reference = decide(story, made)
    story.withdraw(reference)
    assert (story.status(reference), story.money()) == (Status.WITHDRAWN, (0, 0))
    assert [one for one in held(story) if reference in one] == []
    story.clock.at += TEN_MINUTES
    story.deliver()
    told = [mail.template for mail in story.sent[sent:] if mail.to == CLAIMANT]
    assert told == ["withdrawn"]
    with pytest.raises(NoLongerUndoable):
        story.undo(reference, made[1])
    check_promises(story)


def test_a_withdrawal_within_the_window_is_told_to_those_whose_tasks_the_decision_had_closed(
    story: Scene,
) -> None:
    made = of_a_board(2, "approve", decision="approve")(story)
    reference = decide(story, made)
    story.withdraw(reference)
    (mail,) = story.mails("no-longer-needed")
    assert mail.to == "programme.3@example.police.uk"
    assert "withdrawn" in mail.values["reason"]


def test_those_whose_tasks_an_earlier_round_had_closed_are_not_told_again(story: Scene) -> None:
    made = of_a_board_in_its_second_round(story)
    reference = decide(story, made)
    story.deliver()
    story.withdraw(reference)
    assert [mail.to for mail in story.mails("no-longer-needed")] == ["programme.2@example.police.uk"]


def test_a_withdrawal_within_the_window_is_not_told_to_whoever_was_overtaken_before(story: Scene) -> None:
    reference = story.asked()
    story.ask(reference, "deputy")
    story.decide(reference)
    before = story.mails("no-longer-needed")
    story.withdraw(reference)
    assert story.mails("no-longer-needed") == before


def test_a_withdrawal_and_an_undo_at_one_moment_are_both_done(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference)
    story.first(lambda: story.undo(reference, "lead-kent"))
    story.withdraw(reference)
    assert (story.status(reference), story.money()) == (Status.WITHDRAWN, (0, 0))


def test_a_withdrawal_clicked_twice_within_the_window_is_made_once(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference)
    story.first(lambda: story.withdraw(reference))
    story.withdraw(reference)
    assert len(story.actions(reference, "withdrawn")) == 1


def test_a_withdrawal_that_comes_before_an_undo_leaves_nothing_to_undo(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference)
    story.first(lambda: story.withdraw(reference))
    with pytest.raises(NoLongerUndoable):
        story.undo(reference, "lead-kent")
    assert story.money() == (0, 0)


def test_a_stale_page_cannot_decide_again_after_an_undo_of_a_changed_claim(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference)
    story.undo(reference, "lead-kent")
    with pytest.raises(ClaimChanged):
        story.vote(reference, "lead-kent", seen="0" * 64)


def test_within_the_window_another_decision_takes_an_undo_first(story: Scene) -> None:
    reference = story.asked()
    story.decide(reference)
    with pytest.raises(AlreadyDecided):
        story.vote(reference, "lead-kent", "reject", comment="No")
    assert story.money() == (600_000, 0)
