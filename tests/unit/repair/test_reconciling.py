"""The reconciler starts what waits for nobody, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.services.approvals.following_up import follow_up
from chalicelib.services.repair.reconciling import reconcile
from tests.builders import Story
from tests.unit import scenes

story = scenes.story


@pytest.fixture
def running(story: Story) -> str:
    """A claim whose execution runs and whose lead is asked."""
    reference = story.submit().reference
    story.deliver()
    story.ask(reference)
    story.deliver()
    story.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    return reference


def lose(story: Story, reference: str, round_: int = 1) -> None:
    story.parts.workflows.end("funding-claim", f"{reference}-r{round_}")  # type: ignore[attr-defined]


def test_a_lost_execution_is_started_again_under_the_next_round(story: Story, running: str) -> None:
    lose(story, running)
    done = reconcile(story.parts)
    assert (done.looked_at, done.restarted) == (1, (running,))
    one = story.case(running).submission
    assert one.round == 2
    assert story.case(running).entries[-1].action == "restarted"
    story.deliver()
    assert story.parts.workflows.is_running("funding-claim", f"{running}-r2")


def test_it_goes_on_where_the_data_says(story: Story, running: str) -> None:
    story.decide(running)
    story.ask(running)
    story.ask(running, "deputy")
    story.deliver()
    lose(story, running)
    story.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    reconcile(story.parts)
    story.deliver()
    payload = story.parts.workflows.started[("funding-claim", f"{running}-r2")]  # type: ignore[attr-defined]
    assert (payload["stage"], payload["asked"], payload["round"]) == ("programme", "deputy", 2)
    due_at = story.case(running).submission.due_at
    assert due_at is not None
    left = (due_at - story.parts.now()).total_seconds()
    assert abs(payload["wait"]["deputy_seconds"] - left) <= 1


def test_what_is_running_is_left_alone(story: Story, running: str) -> None:
    before = story.parts.records.store.snapshot()  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == ()
    assert story.parts.records.store.snapshot() == before  # type: ignore[attr-defined]


def test_a_start_that_is_not_yet_delivered_is_the_sweepers_work(story: Story) -> None:
    story.submit()
    story.parts.now.pass_by(hours=5)  # type: ignore[attr-defined]
    done = reconcile(story.parts)
    assert (done.looked_at, done.restarted) == (1, ())


def test_what_changed_just_now_is_left_to_settle(story: Story, running: str) -> None:
    lose(story, running)
    story.ask(running)
    assert reconcile(story.parts).restarted == ()
    story.parts.now.pass_by(seconds=5)  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == (running,)


@pytest.mark.parametrize("decision", ["reject"])
def test_what_is_decided_needs_no_execution(story: Story, running: str, decision: str) -> None:
    story.decide(running, decision, comment="No")
    lose(story, running)
    story.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    assert reconcile(story.parts).looked_at == 0


def test_a_second_run_starts_nothing_more(story: Story, running: str) -> None:
    lose(story, running)
    reconcile(story.parts)
    story.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == ()
    story.deliver()
    story.ask(running)
    story.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == ()


def test_while_a_decision_may_be_undone_its_claim_is_left_alone(story: Story, running: str) -> None:
    story.parts.__dict__["undo_for"] = timedelta(minutes=10)
    story.decide(running)
    lose(story, running)
    story.parts.now.pass_by(minutes=10, seconds=-1)  # type: ignore[attr-defined]
    before = story.parts.records.store.snapshot()  # type: ignore[attr-defined]
    done = reconcile(story.parts)
    assert (done.looked_at, done.restarted) == (1, ())
    assert story.parts.records.store.snapshot() == before  # type: ignore[attr-defined]
    story.parts.now.pass_by(seconds=1)  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == (running,)
    story.deliver()
    payload = story.parts.workflows.started[("funding-claim", f"{running}-r2")]  # type: ignore[attr-defined]
    assert (payload["stage"], payload["asked"]) == ("programme", "approver")


def test_a_lost_wait_for_changes_is_started_again_with_what_is_left(story: Story, running: str) -> None:
    story.decide(running, "request-changes", comment="Say more")
    lose(story, running)
    story.parts.now.pass_by(days=3)  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == (running,)
    story.deliver()
    payload = story.parts.workflows.started[("funding-claim", f"{running}-r2")]  # type: ignore[attr-defined]
    assert (payload["stage"], payload["asked"]) == ("changes", "claimant")
    due_at = story.case(running).submission.due_at
    assert due_at is not None
    left = (due_at - story.parts.now()).total_seconds()
    assert abs(payload["wait"]["claimant_seconds"] - left) <= 1


def test_a_restart_changes_neither_dates_nor_reminders(story: Story, running: str) -> None:
    before = story.case(running).submission
    lose(story, running)
    reconcile(story.parts)
    one = story.case(running).submission
    assert (one.due_at, one.next_at, one.reminded) == (before.due_at, before.next_at, before.reminded)
    assert follow_up(story.parts).failed == 0
    assert story.case(running).submission == one


def test_one_that_cannot_be_looked_at_keeps_no_other_from_being_restarted(
    story: Story, running: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = story.submit().reference
    story.deliver()
    story.ask(other)
    story.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    for reference in (running, other):
        lose(story, reference)
    items = story.parts.records.store.items  # type: ignore[attr-defined]
    key = ("submission", "kent", running)
    whole = items[key]
    items[key] = replace(whole, stage="a-stage-that-is-gone")
    done = reconcile(story.parts)
    assert (done.looked_at, done.failed, done.restarted) == (2, 1, (other,))
    assert running in caplog.text
    assert "@" not in caplog.text
    items[key] = whole
    assert reconcile(story.parts).restarted == (running,)


def test_of_two_at_one_moment_one_starts(story: Story, running: str) -> None:
    lose(story, running)
    results = []
    story.parts.records.before_commit = lambda: results.append(reconcile(story.parts))  # type: ignore[attr-defined]
    results.append(reconcile(story.parts))
    assert sorted(len(result.restarted) for result in results) == [0, 1]
    assert story.case(running).submission.round == 2


def test_a_decision_at_the_same_moment_wins(story: Story, running: str) -> None:
    lose(story, running)
    story.parts.records.before_commit = lambda: story.decide(running)  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == ()
    assert story.case(running).submission.stage == "programme"
    story.deliver()
    story.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    assert reconcile(story.parts).restarted == (running,)


@pytest.mark.slow
def test_a_hundred_lost_ones_are_all_started_and_asked_nobody_twice(story: Story) -> None:
    references = [story.submit().reference for _ in range(100)]
    for _ in range(3):
        story.deliver()
        story.deliver()
    for reference in references:
        story.ask(reference)
        lose(story, reference)
    story.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    assert sorted(reconcile(story.parts).restarted) == sorted(references)
    for _ in range(10):
        story.deliver()
    for reference in references:
        assert story.parts.workflows.is_running("funding-claim", f"{reference}-r2")
        story.ask(reference)
    for _ in range(10):
        story.deliver()
    assert story.parts.mailer.templates().count("asked") == 100  # type: ignore[attr-defined]


def test_state_machines_that_do_not_answer_leave_everything_as_it_is(story: Story, running: str) -> None:
    story.parts.workflows.failing = True  # type: ignore[attr-defined]
    before = story.parts.records.store.snapshot()  # type: ignore[attr-defined]
    # a schedule that fails is seen; one that says "nothing to do" is not
    with pytest.raises(ConnectionError):
        reconcile(story.parts)
    assert story.parts.records.store.snapshot() == before  # type: ignore[attr-defined]
