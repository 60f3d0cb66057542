"""Executions against open submissions: what waits for nothing is started anew, what runs for nothing is stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.repair.checks import Found
from chalicelib.services.approvals.following_up import follow_up
from chalicelib.services.delivery import delivering
from chalicelib.services.repair.reconciling import Reconciled, reconcile
from tests.builders import MONDAY, a_cost, a_delivery
from tests.unit import scenes
from tests.unit.scenes import SMALL, Scene

story = scenes.story

MACHINE = "funding-claim"


@pytest.fixture
def running(story: Scene) -> str:
    """A claim whose execution runs and whose lead was asked an hour ago."""
    reference = story.submit().reference
    story.deliver()
    story.ask(reference)
    story.deliver()
    story.clock.pass_by(hours=1)
    return reference


def found(done: Reconciled) -> list[tuple[Found, str, str]]:
    """What was found of executions."""
    found = [one for one in done.findings if one.found is not Found.UNDELIVERED]
    return [(one.found, one.force, one.reference) for one in found]


def stopped(story: Scene) -> list[str]:
    workflows = story.parts.workflows
    return list(workflows.stopped)  # type: ignore[attr-defined]


def decided_and_told(story: Scene, reference: str) -> None:
    """The lead approves, the execution is told, and never comes to ask the programme."""
    story.decide(reference)
    story.deliver()


# What runs without waiting for what the data waits for


def test_an_execution_that_never_came_for_the_next_wait_is_replaced(story: Scene, running: str) -> None:
    decided_and_told(story, running)
    story.clock.pass_by(minutes=10)
    assert found(reconcile(story.parts)) == [(Found.WAITS_FOR_NOTHING, "kent", running)]
    assert story.case(running).submission.round == 2
    assert stopped(story) == [f"{running}-r1"]
    story.deliver()
    assert story.parts.workflows.running(MACHINE) == {f"{running}-r2"}
    story.ask(running)
    assert story.case(running).open_task is not None
    assert story.case(running).is_waited_for


def test_an_execution_that_never_asked_at_all_is_replaced(story: Scene) -> None:
    reference = story.submit().reference
    story.deliver()
    story.clock.pass_by(minutes=10)
    assert found(reconcile(story.parts)) == [(Found.WAITS_FOR_NOTHING, "kent", reference)]
    assert stopped(story) == [f"{reference}-r1"]


@pytest.mark.parametrize("minutes", [0, 5, 9.9])
def test_what_is_only_on_its_way_is_left_alone(story: Scene, running: str, minutes: float) -> None:
    decided_and_told(story, running)
    story.clock.pass_by(minutes=minutes)
    before = story.store.snapshot()
    assert found(reconcile(story.parts)) == []
    assert (story.store.snapshot(), stopped(story)) == (before, [])


def test_while_the_answer_is_still_to_be_delivered_it_is_the_sweepers_work(
    story: Scene, running: str
) -> None:
    story.decide(running)
    story.clock.pass_by(minutes=15)
    story.parts.workflows.answer = failing  # type: ignore[method-assign]
    story.deliver()
    story.clock.pass_by(seconds=20)
    assert found(reconcile(story.parts)) == []
    assert stopped(story) == []


def failing(*_: object) -> None:
    raise ConnectionError("no answer")


def test_an_answer_that_was_set_aside_holds_nobody_up(story: Scene, running: str) -> None:
    story.decide(running)
    story.parts.workflows.answer = failing  # type: ignore[method-assign]
    for _ in range(13):
        story.clock.pass_by(hours=1)
        story.deliver()
    assert [one.kind.value for one in story.parts.outbox.all_set_aside(limit=9)] == ["answer"]
    assert found(reconcile(story.parts)) == [(Found.WAITS_FOR_NOTHING, "kent", running)]


def test_while_a_decision_may_be_undone_it_is_left_alone(story: Scene, running: str) -> None:
    story.use_undo()
    story.decide(running)
    for minutes in (9, 10):
        story.clock.pass_by(minutes=minutes)
        story.deliver()
        assert found(reconcile(story.parts)) == []
    story.clock.pass_by(minutes=1)
    assert found(reconcile(story.parts)) == [(Found.WAITS_FOR_NOTHING, "kent", running)]


def test_a_step_that_comes_while_it_may_be_undone_keeps_its_token_for_what_was_before(
    story: Scene, running: str
) -> None:
    story.use_undo()
    story.decide(running)
    story.ask(running, stage="force-lead")
    assert not story.case(running).is_waited_for, "the programme's turn is another wait"
    story.undo(running, "lead-kent")
    assert story.case(running).is_waited_for
    story.clock.pass_by(hours=1)
    assert found(reconcile(story.parts)) == []


def test_a_note_or_a_reminder_makes_no_other_wait(story: Scene, running: str) -> None:
    story.clock.at = story.case(running).submission.next_at or story.clock.at
    assert follow_up(story.parts).reminded == 1
    story.clock.pass_by(hours=1)
    assert found(reconcile(story.parts)) == []


def test_the_claimants_changes_are_another_wait(story: Scene, running: str) -> None:
    story.ask_for_changes(running, costs="Two quotes")
    story.deliver()
    story.amend(running, cost_lines=[a_cost(SMALL)])
    story.deliver()
    assert not story.case(running).is_waited_for
    story.clock.pass_by(minutes=10)
    assert found(reconcile(story.parts)) == [(Found.WAITS_FOR_NOTHING, "kent", running)]


def test_a_second_run_and_one_at_the_same_moment_find_nothing_more(story: Scene, running: str) -> None:
    decided_and_told(story, running)
    story.clock.pass_by(minutes=10)
    others: list[Reconciled] = []
    story.first(lambda: others.append(reconcile(story.parts)))
    first = reconcile(story.parts)
    both = [*found(first), *found(others[0])]
    assert [one for one in both if one[0] is Found.WAITS_FOR_NOTHING] == [
        (Found.WAITS_FOR_NOTHING, "kent", running)
    ]
    assert story.case(running).submission.round == 2
    assert found(reconcile(story.parts)) == []


def test_a_movement_between_looking_and_mending_wins(story: Scene, running: str) -> None:
    decided_and_told(story, running)
    story.clock.pass_by(minutes=10)
    story.first(lambda: story.ask(running))
    assert found(reconcile(story.parts)) == []
    assert (story.case(running).submission.round, stopped(story)) == (1, [])


# What runs for nothing


def test_what_runs_for_a_claim_that_has_ended_is_stopped(story: Scene, running: str) -> None:
    story.withdraw(running)
    story.clock.pass_by(minutes=10)
    assert found(reconcile(story.parts)) == [(Found.NOT_NEEDED, "kent", running)]
    assert stopped(story) == [f"{running}-r1"]
    assert found(reconcile(story.parts)) == []


def test_what_runs_in_an_earlier_round_is_stopped_and_the_present_one_goes_on(
    story: Scene, running: str
) -> None:
    story.parts.workflows.end(MACHINE, f"{running}-r1")  # type: ignore[attr-defined]
    reconcile(story.parts)
    story.deliver()
    story.ask(running)
    story.parts.workflows.ended.clear()  # type: ignore[attr-defined]
    story.clock.pass_by(minutes=11)
    assert found(reconcile(story.parts)) == [(Found.NOT_NEEDED, "kent", running)]
    assert story.parts.workflows.running(MACHINE) == {f"{running}-r2"}


def test_what_runs_for_a_claim_that_is_not_there_is_stopped(story: Scene) -> None:
    story.parts.workflows.start(MACHINE, "CLM-2222-222M-r1", {})
    assert found(reconcile(story.parts)) == [(Found.NOT_NEEDED, "", "CLM-2222-222M")]


@pytest.mark.parametrize("name", ["by-hand", "CLM-2222-222M", "CLM-2222-222M-r0", "CLM-2222-222M-rx"])
def test_what_we_did_not_name_is_not_ours_to_stop(story: Scene, name: str) -> None:
    story.parts.workflows.start(MACHINE, name, {})
    assert found(reconcile(story.parts)) == []
    assert stopped(story) == []


def test_a_claim_that_has_just_ended_has_its_answer_on_the_way(story: Scene, running: str) -> None:
    story.withdraw(running)
    story.clock.pass_by(minutes=9)
    assert found(reconcile(story.parts)) == []


def test_a_rejection_that_may_be_undone_needs_its_execution(story: Scene, running: str) -> None:
    story.use_undo(timedelta(hours=2))
    story.vote(running, "lead-kent", "reject", comment="No")
    story.clock.pass_by(minutes=119)
    assert found(reconcile(story.parts)) == []
    story.undo(running, "lead-kent")
    assert story.parts.workflows.is_running(MACHINE, f"{running}-r1")


def test_one_that_cannot_be_stopped_keeps_no_other_from_it(
    story: Scene, running: str, caplog: pytest.LogCaptureFixture
) -> None:
    other = story.submit(event_title="Another").reference
    story.deliver()
    for reference in (running, other):
        story.withdraw(reference)
    story.clock.pass_by(minutes=10)
    first, second = sorted((running, other))
    stop = story.parts.workflows.stop

    def one_fails(workflow: str, name: str) -> None:
        if name.startswith(first):
            failing()
        stop(workflow, name)

    story.parts.workflows.stop = one_fails  # type: ignore[method-assign]
    assert found(reconcile(story.parts)) == [
        (Found.COULD_NOT, "kent", first),
        (Found.NOT_NEEDED, "kent", second),
    ]
    assert "stopped 1 workflows that nothing waited for" in caplog.text


# What relay and sweeper have left


def test_what_is_long_overdue_is_delivered_and_counted(
    story: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    reference = story.submit().reference
    story.clock.pass_by(minutes=11)
    done = reconcile(story.parts)
    assert [(one.force, one.reference) for one in done.findings] == [("kent", reference)] * 2
    assert done.counts["delivered"] == 2
    assert [mail.template for mail in story.sent] == ["receipt"]
    assert story.parts.workflows.is_running(MACHINE, f"{reference}-r1")
    assert "delivered 2 that were overdue" in caplog.text
    assert reconcile(story.parts).counts["delivered"] == 0
    assert len(story.sent) == 1


@pytest.mark.parametrize("due_at", [MONDAY + timedelta(minutes=2), MONDAY + timedelta(hours=1)])
def test_what_is_due_just_now_or_held_back_is_left_to_the_sweeper(story: Scene, due_at: object) -> None:
    story.parts.outbox.add(a_delivery(due_at=due_at, is_held=True))
    story.clock.pass_by(minutes=11)
    assert reconcile(story.parts).counts["delivered"] == 0


def test_what_was_put_off_after_a_failure_is_left_to_its_time(story: Scene) -> None:
    story.submit()
    story.parts.mailer.send = failing  # type: ignore[method-assign]
    for _ in range(9):
        story.deliver()
        story.clock.pass_by(hours=1)
    story.deliver()
    story.clock.pass_by(minutes=30)
    assert reconcile(story.parts).counts["delivered"] == 0


def test_a_part_that_fails_as_a_whole_keeps_no_other_from_being_looked_at_and_is_seen(story: Scene) -> None:
    story.submit()
    story.clock.pass_by(minutes=11)
    story.parts.workflows.failing = True  # type: ignore[attr-defined]
    with pytest.raises(ConnectionError):
        reconcile(story.parts)
    (run,) = story.parts.checks.last(limit=9)
    assert [(one.found, one.reference) for one in run.findings if one.found is Found.COULD_NOT] == [
        (Found.COULD_NOT, "workflows")
    ]
    assert [mail.template for mail in story.sent] == ["receipt"]
    assert "lines" in run.looked_at


def test_two_sweepers_and_a_reconciler_deliver_once(story: Scene) -> None:
    story.submit()
    story.clock.pass_by(minutes=11)
    send = story.parts.mailer.send
    nested: list[object] = []

    def slow(**given: object) -> None:
        if not nested:
            nested.append(delivering.sweep(story.parts))
            nested.append(reconcile(story.parts))
        send(**given)  # type: ignore[arg-type]

    story.parts.mailer.send = slow  # type: ignore[method-assign]
    delivering.sweep(story.parts)
    assert len(story.sent) == 1
    assert len(story.parts.workflows.started) == 1  # type: ignore[attr-defined]


def test_a_run_that_found_nothing_is_kept_too(story: Scene, running: str) -> None:
    reconcile(story.parts)
    (run,) = story.parts.checks.last(limit=9)
    assert (run.at, run.findings, run.more) == (story.clock.at, (), 0)
    assert run.looked_at == {
        "submissions": 1,
        "executions": 1,
        "overdue deliveries": 0,
        "lines": 0,
        "timelines": 0,
        "balances": 3,
    }
    story.parts.checks.keep(run)
    for _ in range(40):
        reconcile(story.parts)
    assert len(story.parts.checks.last(limit=99)) == 30
