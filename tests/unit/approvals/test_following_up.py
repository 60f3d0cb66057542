"""Following up on stored dates: reminders, tasks handed on, changes that did not come; each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import asking
from chalicelib.services.approvals.asking import NOBODY, read_step
from chalicelib.services.approvals.following_up import FollowedUp, follow_up
from chalicelib.services.delivery import delivering
from chalicelib.services.ports import Waiting
from tests.builders import PERSONAL, changed
from tests.unit import scenes
from tests.unit.scenes import Scene, board, form_with, register_board

story = scenes.story

LEAD, DEPUTY = "lead-kent", "deputy-kent"
SECOND = timedelta(seconds=1)


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


# A claim of Monday 11 January: five working days, the reminder one working day before.
REMINDER = utc(2027, 1, 15, 9)
DEADLINE = utc(2027, 1, 18, 17)
DEPUTYS_REMINDER = utc(2027, 1, 20, 9)
DEPUTYS_DEADLINE = utc(2027, 1, 21, 17)
AGAIN = utc(2027, 1, 26, 17)
NOTHING = FollowedUp(reminded=0, handed_over=0, lapsed=0, failed=0)


def run_at(story: Scene, moment: datetime) -> FollowedUp:
    story.clock.at = moment
    return follow_up(story.parts)


def mailed(story: Scene, *templates: str) -> list[tuple[str, str]]:
    """What has been sent by now, of these templates."""
    for _ in range(3):
        story.deliver()
    return [(mail.template, mail.to.partition("@")[0]) for mail in story.sent if mail.template in templates]


def states(story: Scene, reference: str) -> list[tuple[str, str]]:
    return [(person, state) for person, state, _ in story.task_states(reference)]


def step_now(story: Scene, reference: str, turn: str, token: str) -> None:
    """The state machine's own time-out, at this very moment."""
    one = story.case(reference).submission
    event = {"payload_version": 2, "force": "kent", "reference": reference, "round": one.round}
    asking.ask(story.parts, read_step({**event, "stage": one.stage, "asked": turn, "token": token}))


# Reminders


def test_whoever_is_asked_is_reminded_at_nine_one_working_day_before(story: Scene) -> None:
    reference = story.asked()
    assert story.case(reference).submission.next_at == REMINDER
    assert run_at(story, REMINDER - SECOND) == NOTHING
    assert run_at(story, REMINDER) == replace(NOTHING, reminded=1)
    case = story.case(reference)
    one = case.submission
    assert (one.reminded, one.next_at, one.due_at) == (1, DEADLINE, DEADLINE)
    assert (case.entries[-1].action, dict(case.entries[-1].details)) == (
        "reminded",
        {"role": "innovation-lead", "time": 1},
    )
    assert states(story, reference) == [(LEAD, "open")]
    assert mailed(story, "reminder") == [("reminder", "lead.kent")]
    mail = story.sent[-1]
    assert mail.notification_id == f"mail.reminder.kent.{reference}.1.1"
    assert mail.values["decide_by"] == "Monday 18 January"
    assert mail.values["task_url"].endswith(f"/tasks/kent.{reference}.1")


def test_there_is_one_reminder_for_a_date_however_often_the_schedule_runs(story: Scene) -> None:
    story.asked()
    for minutes in range(0, 60, 5):
        run_at(story, REMINDER + timedelta(minutes=minutes))
    assert run_at(story, DEADLINE - SECOND) == NOTHING
    assert mailed(story, "reminder") == [("reminder", "lead.kent")]


def test_the_deputy_is_reminded_of_their_own_date(story: Scene) -> None:
    reference = story.asked()
    run_at(story, DEADLINE)
    assert run_at(story, DEPUTYS_REMINDER - SECOND) == NOTHING
    assert run_at(story, DEPUTYS_REMINDER) == replace(NOTHING, reminded=1)
    assert mailed(story, "reminder") == [("reminder", "deputy.kent")]
    assert story.case(reference).submission.reminded == 1


def test_two_dates_make_two_reminders(story: Scene) -> None:
    story.use_form(form_with("force-lead", reminder_days=(1, 3)))
    reference = story.asked()
    for moment in (utc(2027, 1, 13, 9), REMINDER):
        assert story.case(reference).submission.next_at == moment
        assert run_at(story, moment) == replace(NOTHING, reminded=1)
        assert run_at(story, moment) == NOTHING
    assert [entry.details["time"] for entry in story.actions(reference, "reminded")] == [1, 2]
    assert len({mail.notification_id for mail in story.sent}) == len(story.sent)
    assert mailed(story, "reminder") == [("reminder", "lead.kent")] * 2


def test_reminders_that_the_schedule_missed_are_one_when_it_runs_again(story: Scene) -> None:
    story.use_form(form_with("force-lead", reminder_days=(1, 3)))
    reference = story.asked()
    assert run_at(story, utc(2027, 1, 16, 12)) == replace(NOTHING, reminded=1)
    assert story.case(reference).submission.next_at == DEADLINE
    assert mailed(story, "reminder") == [("reminder", "lead.kent")]


def test_whoever_decided_is_not_reminded_and_the_others_who_sit_are(story: Scene) -> None:
    register_board(story)
    story.use_form(board(3))
    reference = story.at_programme()
    story.vote(reference, "programme-2")
    assert run_at(story, REMINDER) == replace(NOTHING, reminded=1)
    assert mailed(story, "reminder") == [("reminder", "programme"), ("reminder", "programme.3")]


def test_a_reminder_to_somebody_who_left_is_no_failure(story: Scene) -> None:
    reference = story.asked()
    story.people.remove(LEAD)
    assert run_at(story, REMINDER) == replace(NOTHING, reminded=1)
    assert story.mails("reminder") == []
    assert story.case(reference).submission.next_at == DEADLINE


def test_a_decision_takes_the_reminder_away(story: Scene) -> None:
    reference = story.asked()
    story.clock.at = utc(2027, 1, 15, 8)
    story.decide(reference)
    story.ask(reference)
    assert run_at(story, REMINDER) == NOTHING


# The date has come


def test_at_five_on_its_day_the_task_goes_to_the_deputy(story: Scene) -> None:
    reference = story.asked()
    run_at(story, REMINDER)
    assert run_at(story, DEADLINE - SECOND) == NOTHING
    assert run_at(story, DEADLINE) == replace(NOTHING, handed_over=1)
    one = story.case(reference).submission
    assert (one.asked_as, one.due_at, one.next_at, one.reminded) == (
        AskedAs.DEPUTY,
        DEPUTYS_DEADLINE,
        DEPUTYS_REMINDER,
        0,
    )
    assert story.task_states(reference) == [(LEAD, "overtaken", 2), (DEPUTY, "open", 0)]
    assert run_at(story, DEADLINE) == NOTHING
    assert mailed(story, "asked") == [("asked", "lead.kent"), ("asked", "deputy.kent")]
    assert mailed(story, "no-longer-needed") == [("no-longer-needed", "lead.kent")]


def test_after_the_deputy_the_coordinators_are_told_and_told_again(story: Scene) -> None:
    reference = story.asked()
    run_at(story, DEADLINE)
    both = [("stuck", "coordinator.kent"), ("stuck", "national.coordinator")]
    dates = [DEPUTYS_DEADLINE, AGAIN, utc(2027, 1, 29, 17)]
    for times, moment in enumerate(dates, start=1):
        assert run_at(story, moment - SECOND) == (replace(NOTHING, reminded=1) if times == 1 else NOTHING)
        assert run_at(story, moment) == replace(NOTHING, handed_over=1)
        assert run_at(story, moment) == NOTHING
        assert mailed(story, "stuck") == both * times
        assert story.case(reference).submission.asked_as is AskedAs.COORDINATORS
    assert [entry.at for entry in story.actions(reference, "stuck")] == dates
    assert states(story, reference) == [(LEAD, "overtaken"), (DEPUTY, "open")]
    story.decide(reference)
    assert story.standing(reference).stage == "programme"


def test_the_execution_is_told_to_follow(story: Scene) -> None:
    reference = story.submit().reference
    token = story.ask(reference)
    run_at(story, DEADLINE)
    story.deliver()
    ((answered, output),) = story.answers_told
    assert (answered, output["stage"], output["asked"]) == (token, "force-lead", "deputy")
    assert output["wait"]["deputy_seconds"] == (DEPUTYS_DEADLINE - DEADLINE).total_seconds()
    step_now(story, reference, "deputy", "the-next")
    run_at(story, DEPUTYS_DEADLINE)
    story.deliver()
    answered, output = story.answers_told[-1]
    assert (answered, output["asked"]) == ("the-next", "coordinators")


def test_a_claim_whose_execution_was_lost_goes_on_all_the_same(story: Scene) -> None:
    reference = story.asked()
    story.deliver()
    story.parts.workflows.end("funding-claim", f"{reference}-r1")  # type: ignore[attr-defined]
    for moment in (DEADLINE, DEPUTYS_DEADLINE, AGAIN):
        run_at(story, moment)
    assert states(story, reference) == [(LEAD, "overtaken"), (DEPUTY, "open")]
    assert len(mailed(story, "stuck")) == 4


def test_a_first_ask_that_was_lost_is_made_up_for(story: Scene) -> None:
    reference = story.submit().reference  # and no execution ever comes
    assert run_at(story, REMINDER) == replace(NOTHING, handed_over=1)
    case = story.case(reference)
    assert (case.submission.status, case.submission.asked_as) == (Status.IN_REVIEW, AskedAs.APPROVER)
    assert states(story, reference) == [(LEAD, "open")]
    assert case.submission.due_at == story.parts.calendar.deadline(REMINDER, 5)
    assert story.actions(reference, "reminded") == []
    assert mailed(story, "asked", "reminder") == [("asked", "lead.kent")]
    assert story.answers_told == []


def test_an_ask_that_was_lost_until_its_date_is_made_up_for_too(story: Scene) -> None:
    reference = story.submit().reference
    assert run_at(story, DEADLINE) == replace(NOTHING, handed_over=1)
    assert states(story, reference) == [(LEAD, "open")]
    assert story.case(reference).submission.due_at == story.parts.calendar.deadline(DEADLINE, 5)


def test_where_nobody_is_left_to_ask_the_coordinators_learn_why(story: Scene) -> None:
    reference = story.asked()
    story.people.remove(DEPUTY)
    run_at(story, DEADLINE)
    assert story.case(reference).submission.asked_as is AskedAs.COORDINATORS
    assert [entry.action for entry in story.case(reference).entries[-2:]] == ["passed-over", "stuck"]
    assert story.case(reference).entries[-1].details["reason"] == NOBODY
    assert states(story, reference) == [(LEAD, "open")]


# Changes that were asked for


@pytest.fixture
def waits_for_changes(story: Scene) -> str:
    """A claim at the programme, its money reserved, that its claimant is to change by 8 February."""
    reference = story.at_programme()
    story.ask_for_changes(reference, costs="A quote, please")
    step = {"payload_version": 2, "force": "kent", "reference": reference, "round": 1, "stage": "changes"}
    asking.ask(story.parts, read_step({**step, "asked": "claimant", "token": "changes-token"}))
    return reference


def test_the_claimant_is_reminded_twice_then_the_claim_lapses(story: Scene, waits_for_changes: str) -> None:
    reference = waits_for_changes
    first, second, end = utc(2027, 1, 25, 9), utc(2027, 2, 3, 9), utc(2027, 2, 8, 17)
    assert story.money() == (600_000, 0)
    for times, moment in enumerate((first, second), start=1):
        assert run_at(story, moment - SECOND) == NOTHING
        assert run_at(story, moment) == replace(NOTHING, reminded=1)
        assert run_at(story, moment) == NOTHING
        assert mailed(story, "changes-reminder") == [("changes-reminder", "zuleika.quartermaine")] * times
    assert story.sent[-1].values["changes"] == [["What it costs", "A quote, please"]]
    assert story.sent[-1].values["change_by"] == "Monday 8 February"
    assert run_at(story, end - SECOND) == NOTHING
    assert story.status(reference) is Status.CHANGES_REQUESTED
    assert run_at(story, end) == replace(NOTHING, lapsed=1)
    case = story.case(reference)
    one = case.submission
    assert (one.status, one.waiting_for, one.due_at, one.next_at) == (Status.LAPSED, "", None, None)
    assert case.open_tasks == ()
    assert story.money() == (0, 0)
    assert dict(case.entries[-1].details) == {"fund-release": 600_000}
    assert (case.entries[-1].action, case.entries[-1].actor) == ("lapsed", "system")
    assert mailed(story, "lapsed") == [("lapsed", "zuleika.quartermaine")]
    answered, output = story.answers_told[-1]
    assert (answered, output["stage"]) == ("changes-token", "done")
    assert run_at(story, utc(2027, 3, 1)) == NOTHING
    assert [mail.to for mail in story.sent if mail.template == "lapsed"] == [PERSONAL["claimant_email"]]


def test_changes_that_come_in_time_take_reminders_and_lapse_away(
    story: Scene, waits_for_changes: str
) -> None:
    reference = waits_for_changes
    story.clock.at = utc(2027, 1, 22, 9)
    story.amend(reference, purpose="Officers and staff try out a quieter radio.")
    story.ask(reference)
    assert run_at(story, utc(2027, 1, 25, 9)) == NOTHING
    run_at(story, utc(2027, 2, 8, 17))
    assert story.status(reference) is Status.IN_REVIEW
    assert mailed(story, "changes-reminder", "lapsed") == []


def test_changes_at_the_last_moment_and_the_lapse_make_one_end(story: Scene, waits_for_changes: str) -> None:
    reference = waits_for_changes
    story.first(lambda: story.amend(reference, purpose="Officers and staff try out a quieter radio."))
    assert run_at(story, utc(2027, 2, 8, 17)) == NOTHING
    assert story.status(reference) is Status.IN_REVIEW
    assert story.money() == (600_000, 0)
    assert story.mails("lapsed") == []


# Nothing twice


DATES = [REMINDER, DEADLINE, DEPUTYS_DEADLINE, AGAIN]


@pytest.mark.parametrize("moment", DATES, ids=str)
def test_of_two_runs_at_once_one_does_something(story: Scene, moment: datetime) -> None:
    reference = story.asked()
    for earlier in DATES[: DATES.index(moment)]:
        run_at(story, earlier)
    entries = len(story.case(reference).entries)
    story.clock.at = moment
    other: list[FollowedUp] = []
    story.first(lambda: other.append(follow_up(story.parts)))
    done = follow_up(story.parts)
    assert sorted([done == NOTHING, other[0] == NOTHING]) == [False, True]
    assert len(story.case(reference).entries) == entries + 1
    assert len({mail.notification_id for mail in story.sent}) == len(story.sent)


def test_of_two_runs_at_once_one_lets_the_claim_lapse(story: Scene, waits_for_changes: str) -> None:
    story.clock.at = utc(2027, 2, 8, 17)
    other: list[FollowedUp] = []
    story.first(lambda: other.append(follow_up(story.parts)))
    done = follow_up(story.parts)
    assert sorted([done.lapsed, other[0].lapsed]) == [0, 1]
    assert story.money() == (0, 0)
    assert len(mailed(story, "lapsed")) == 1


def test_a_decision_at_the_same_moment_wins(story: Scene) -> None:
    reference = story.asked()
    story.first(lambda: story.decide(reference))
    assert run_at(story, DEADLINE) == NOTHING
    assert states(story, reference) == [(LEAD, "decided")]


def end_of(story: Scene, reference: str) -> tuple[Any, ...]:
    one = story.case(reference).submission
    return (
        story.task_states(reference),
        (one.asked_as, one.due_at, one.next_at),
        [entry.action for entry in story.case(reference).entries],
        mailed(story, "asked", "stuck"),
    )


@pytest.mark.parametrize("turn", ["deputy", "coordinators"])
@pytest.mark.parametrize("order", ["machine first", "machine second", "machine between", "schedule between"])
def test_whether_the_schedule_or_the_machine_comes_first_the_end_is_the_same(
    story: Scene, turn: str, order: str
) -> None:
    reference = story.asked()
    moment = DEADLINE
    if turn == "coordinators":
        run_at(story, DEADLINE)
        moment = DEPUTYS_DEADLINE
    story.clock.at = moment

    def machine() -> None:
        step_now(story, reference, turn, "timed-out")

    if order == "machine first":
        machine()
        assert follow_up(story.parts) == NOTHING
    elif order == "machine second":
        follow_up(story.parts)
        machine()
    elif order == "machine between":
        story.first(machine)
        assert follow_up(story.parts) == NOTHING
    else:
        story.first(lambda: follow_up(story.parts))
        machine()
    tasks, (asked_as, due_at, _), actions, mails = end_of(story, reference)
    assert tasks == [(LEAD, "overtaken", 2), (DEPUTY, "open", 0)]
    assert asked_as.value == turn
    assert due_at == (DEPUTYS_DEADLINE if turn == "deputy" else AGAIN)
    assert actions.count("asked") == 2
    assert actions.count("stuck") == (turn == "coordinators")
    assert len(mails) == (2 if turn == "deputy" else 4)
    assert story.case(reference).token == "timed-out"
    # whatever was answered, no answer says anything but where the claim is
    assert {output["asked"] for _, output in story.answers_told} <= {"deputy", turn}
    assert [answered for answered, _ in story.answers_told].count("timed-out") == 0


# Each on its own


def test_one_that_fails_keeps_no_other_from_being_followed_up(
    story: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    references = [story.asked() for _ in range(3)]
    key = ("submission", "kent", references[1])
    whole = story.store.items[key]
    story.store.items[key] = replace(whole, stage="a-stage-that-is-gone")
    assert run_at(story, DEADLINE) == replace(NOTHING, handed_over=2, failed=1)
    assert references[1] in caplog.text
    assert "KeyError" in caplog.text
    assert "@" not in caplog.text
    assert [len(states(story, reference)) for reference in references] == [2, 1, 2]
    story.store.items[key] = whole
    assert run_at(story, DEADLINE) == replace(NOTHING, handed_over=1)


def test_every_claim_that_is_due_is_followed_up_each_in_its_way(story: Scene) -> None:
    early = story.asked()
    story.clock.at = utc(2027, 1, 12, 9, 30)
    late = story.asked()
    assert run_at(story, DEADLINE) == replace(NOTHING, handed_over=1, reminded=1)
    assert states(story, early)[-1] == (DEPUTY, "open")
    assert states(story, late) == [(LEAD, "open")]


def test_what_is_left_of_a_large_number_comes_with_the_next_run(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.services.approvals.following_up.MOST_AT_ONCE", 2)
    for _ in range(3):
        story.asked()
    assert run_at(story, DEADLINE).handed_over == 2
    assert run_at(story, DEADLINE).handed_over == 1


@pytest.mark.parametrize("how", ["decided", "withdrawn", "gone", "not yet"])
def test_a_list_that_is_behind_does_no_harm(story: Scene, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    reference = story.asked()
    if how == "decided":
        story.decide(reference, "reject", comment="No")
    elif how == "withdrawn":
        story.withdraw(reference)
    listed = "CLM-2222-2222" if how == "gone" else reference

    def due(now: datetime) -> Iterator[Waiting]:
        yield Waiting(force="kent", reference=listed, round=1, turn=AskedAs.APPROVER)

    monkeypatch.setattr(story.parts.records, "due", due)
    before = story.store.snapshot()
    assert follow_up(story.parts) == NOTHING
    assert story.store.snapshot() == before


# While a decision may still be undone


def test_while_a_vote_may_be_undone_nothing_is_followed_up(story: Scene) -> None:
    register_board(story)
    story.use_form(board(3))
    reference = story.at_programme()
    story.use_undo()
    story.clock.at = DEADLINE - timedelta(minutes=5)
    run_at(story, DEADLINE - timedelta(minutes=5))  # the reminder that was due since Friday
    story.vote(reference, "programme-2")
    before = story.store.snapshot()
    for minutes in (0, 4):
        assert run_at(story, DEADLINE + timedelta(minutes=minutes)) == NOTHING
    assert story.store.snapshot() == before
    assert run_at(story, DEADLINE + timedelta(minutes=5)) == replace(NOTHING, handed_over=1)
    assert states(story, reference)[1] == ("programme", "overtaken")


def test_a_vote_that_is_undone_after_the_date_leaves_the_task_to_the_next_run(story: Scene) -> None:
    reference = story.asked()
    story.use_undo()
    story.clock.at = DEADLINE - timedelta(minutes=5)
    story.decide(reference)
    story.clock.at = DEADLINE + timedelta(minutes=1)
    story.undo(reference, LEAD)
    assert run_at(story, DEADLINE + timedelta(minutes=1)) == replace(NOTHING, handed_over=1)
    assert states(story, reference) == [(LEAD, "overtaken"), (DEPUTY, "open")]


def test_the_next_stage_has_its_days_from_when_the_decision_goes_out(story: Scene) -> None:
    story.use_undo(timedelta(hours=12))
    reference = story.asked()
    story.clock.at = utc(2027, 1, 12, 18)
    story.decide(reference)
    one = story.case(reference).submission
    assert one.due_at == story.parts.calendar.deadline(utc(2027, 1, 13, 6), 5) == utc(2027, 1, 20, 17)
    assert one.next_at == utc(2027, 1, 19, 9)


def test_what_has_changed_meanwhile_is_followed_up_as_it_is_now(story: Scene) -> None:
    reference = story.asked()
    _, changes = changed(story.case(reference).submission, due_at=AGAIN, next_at=AGAIN)
    story.first(lambda: story.parts.records.commit(changes))
    assert run_at(story, DEADLINE) == NOTHING
    assert states(story, reference) == [(LEAD, "open")]


def test_a_sweep_and_a_run_side_by_side_send_each_mail_once(story: Scene) -> None:
    story.asked()
    run_at(story, DEADLINE)
    story.clock.pass_by(minutes=2)
    delivering.sweep(story.parts)
    run_at(story, DEADLINE + timedelta(minutes=2))
    delivering.sweep(story.parts)
    assert [mail.template for mail in story.sent].count("asked") == 2
