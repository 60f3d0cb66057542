"""Leaving: roles, tokens and sessions end, open tasks go on to somebody else, and nothing is lost half-way."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from chalicelib.domain.errors import (
    Conflict,
    Forbidden,
    InvalidAnswers,
    NotFound,
    NotSignedIn,
    RoleGivenUp,
    Unavailable,
)
from chalicelib.domain.people.leaving import SETTLING, may_look_after
from chalicelib.domain.people.people import Away, Holding
from chalicelib.domain.people.person_changes import COMMAND, SCHEDULE, What
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import asking, deciding
from chalicelib.services.approvals.asking import read_step
from chalicelib.services.approvals.following_up import follow_up
from chalicelib.services.people import leaving, tokens
from chalicelib.services.people.leaving import CarriedOut
from tests.builders import a_person
from tests.tokens import give_token
from tests.unit import scenes
from tests.unit.scenes import Scene, panel, register_panel

story = scenes.story

LEAD, DEPUTY, COORDINATOR, NATIONAL = "lead-kent", "deputy-kent", "coordinator-kent", "national-coordinator"
MONDAY = date(2027, 1, 11)
FRIDAY = date(2027, 1, 15)
WEEKEND = datetime(2027, 1, 16, tzinfo=timezone.utc)
"""When Friday is over in London, in winter."""
ROLE = Holding(role="innovation-lead", at="kent")


def say(story: Scene, person_id: str = LEAD, last_day: date = FRIDAY, **given: Any) -> None:
    wanted = {"reason": "A new post", "by": COORDINATOR, "at_once": last_day < MONDAY, **given}
    leaving.say(story.parts, story.person(person_id), last_day=last_day, **wanted)


def carry_out(story: Scene, at: datetime = WEEKEND) -> CarriedOut:
    story.clock.at = at
    return leaving.carry_out_due(story.parts)


def has_left(story: Scene, person_id: str = LEAD, at: datetime = WEEKEND) -> None:
    """Said and carried out, to the end."""
    say(story, person_id)
    carry_out(story, at)
    carry_out(story, at + SETTLING)
    assert story.parts.leavings.due(at + timedelta(days=90), limit=9) == []


def whats(story: Scene, person_id: str = LEAD) -> list[tuple[What, str]]:
    return [(one.what, one.actor) for one in story.parts.leavings.changes(person_id)]


def mails(story: Scene, template: str) -> list[str]:
    for _ in range(2):
        story.deliver()
    addresses = [mail.to.partition("@")[0] for mail in story.sent if mail.template == template]
    return [address.replace(".", "-") for address in addresses]


def last_entry(story: Scene, reference: str, action: str) -> Any:
    return [entry for entry in story.case(reference).entries if entry.action == action][-1]


# Saying it


def test_until_the_last_day_is_over_nothing_changes(story: Scene) -> None:
    say(story)
    assert carry_out(story, WEEKEND - timedelta(microseconds=1)) == CarriedOut(left=0, failed=0)
    assert story.parts.people.person(LEAD)
    assert carry_out(story) == CarriedOut(left=1, failed=0)
    assert story.parts.people.person(LEAD) is None
    assert story.parts.people.holders(ROLE) == []


def test_in_summer_the_day_ends_an_hour_earlier_in_utc(story: Scene) -> None:
    story.clock.at = datetime(2027, 6, 1, 9, tzinfo=timezone.utc)
    say(story, last_day=date(2027, 6, 4))
    kept = story.parts.leavings.leaving(LEAD)
    assert kept is not None
    assert kept.ends_at == datetime(2027, 6, 4, 23, tzinfo=timezone.utc)


def test_a_day_that_is_past_ends_roles_and_tokens_at_once(story: Scene) -> None:
    story.people.register([a_person("second", "innovation-lead@kent"), a_person("x", "coordinator@kent")])
    secret = give_token(story.parts, COORDINATOR)
    say(story, COORDINATOR, last_day=MONDAY - timedelta(days=3), by=NATIONAL)
    assert story.parts.people.person(COORDINATOR) is None
    with pytest.raises(NotSignedIn):
        tokens.token_of(story.parts, secret)
    assert story.parts.tokens.of(COORDINATOR) == []


def test_the_last_holder_of_a_role_does_not_leave_at_once_by_hand(story: Scene) -> None:
    before = story.store.snapshot()
    with pytest.raises(InvalidAnswers) as caught:
        say(story, last_day=MONDAY - timedelta(days=1))
    (problem,) = caught.value.problems
    assert problem.pointer == "/last"
    assert problem.message.endswith(
        "is the only innovation lead of Kent Police. Register a successor first, or give a last day from today on"
    )
    assert story.store.snapshot() == before


def test_where_the_other_holder_goes_at_the_same_moment_one_of_them_stays(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.people.register([a_person("second", "innovation-lead@kent")])
    end_roles = story.parts.leavings.end_roles

    def other_goes_first(*given: Any, **named: Any) -> bool:
        story.people.remove("second")
        return end_roles(*given, **named)

    monkeypatch.setattr(story.parts.leavings, "end_roles", other_goes_first)
    with pytest.raises(InvalidAnswers):
        say(story, last_day=MONDAY - timedelta(days=1))
    assert story.parts.people.holders(ROLE)
    assert story.parts.leavings.leaving(LEAD) is None
    assert whats(story) == [(What.LEAVING_SAID, COORDINATOR), (What.LEAVING_TAKEN_BACK, COORDINATOR)]


@pytest.mark.parametrize(
    ("last_day", "reason", "pointers"),
    [
        (None, "A new post", ["/last"]),
        (FRIDAY, " ", ["/reason"]),
        (None, "", ["/last", "/reason"]),
        (MONDAY - timedelta(days=32), "A new post", ["/last"]),
        (MONDAY + timedelta(days=367), "A new post", ["/last"]),
    ],
)
def test_a_last_day_and_a_reason_are_needed(
    story: Scene, last_day: date | None, reason: str, pointers: list[str]
) -> None:
    with pytest.raises(InvalidAnswers) as caught:
        leaving.check_said(story.parts, story.person(LEAD), last_day, reason)
    assert [problem.pointer for problem in caught.value.problems] == pointers


def test_another_day_takes_the_place_of_the_first(story: Scene) -> None:
    say(story, last_day=date(2027, 1, 13))
    story.clock.pass_by(minutes=1)
    say(story)
    assert carry_out(story, WEEKEND - timedelta(hours=1)).left == 0
    assert carry_out(story).left == 1


def test_what_was_said_is_taken_back_and_they_stay(story: Scene) -> None:
    say(story)
    for _ in range(2):
        leaving.take_back(story.parts, story.person(LEAD), by=NATIONAL)
    assert carry_out(story).left == 0
    assert story.parts.people.person(LEAD)
    assert whats(story) == [(What.LEAVING_SAID, COORDINATOR), (What.LEAVING_TAKEN_BACK, NATIONAL)]


def test_who_said_what_when_and_why_is_kept_and_the_name_for_the_timeline(story: Scene) -> None:
    name = story.person(LEAD).name
    has_left(story)
    said, left = story.parts.leavings.changes(LEAD)
    assert (said.what, said.actor, said.about, said.reason) == (
        What.LEAVING_SAID,
        COORDINATOR,
        "2027-01-15",
        "A new post",
    )
    assert (left.what, left.actor, left.about, left.at) == (
        What.LEFT,
        SCHEDULE,
        "innovation lead of Kent Police",
        WEEKEND,
    )
    kept = story.parts.leavings.leaving(LEAD)
    assert kept is not None
    assert kept.name == name


# Who may say it


def test_the_national_team_looks_after_all_and_a_force_after_its_own_alone() -> None:
    def may(role: str, *roles: str) -> bool:
        return may_look_after(a_person("by", role), a_person("of", *roles).roles)

    for everybody in ("coordinator@national", "admin@national"):
        assert may(everybody, "innovation-lead@kent")
        assert may(everybody, "fund-holder@national")
        assert may(everybody)
    assert may("coordinator@kent", "innovation-lead@kent", "chief-constable@kent")
    for others in (("innovation-lead@essex",), ("innovation-lead@kent", "programme-manager@national"), ()):
        assert not may("coordinator@kent", *others)
    for nobody in ("fund-holder@national", "admin@kent", "innovation-lead@kent"):
        assert not may(nobody, "innovation-lead@kent")


def test_another_forces_people_are_not_found_and_approvers_look_after_nobody(story: Scene) -> None:
    assert leaving.person_for(story.parts, story.person(COORDINATOR), LEAD).id == LEAD
    for person_id in ("lead-essex", "programme", "nobody"):
        with pytest.raises(NotFound):
            leaving.person_for(story.parts, story.person(COORDINATOR), person_id)
    for by in (LEAD, "finance"):
        with pytest.raises(Forbidden):
            leaving.person_for(story.parts, story.person(by), LEAD)


# Open tasks


def test_an_open_task_goes_to_the_deputy_with_the_reason(story: Scene) -> None:
    reference = story.asked()
    due_at = story.case(reference).submission.due_at
    has_left(story, at=story.clock.at.replace(hour=0) + timedelta(days=5))
    assert story.task_states(reference)[0][:2] == (LEAD, "reassigned")
    task = story.case(reference).open_task
    assert task is not None
    assert (task.person_id, task.role) == (DEPUTY, "innovation-lead-deputy")
    assert due_at is not None
    assert task.due_at >= due_at
    entry = last_entry(story, reference, "reassigned")
    assert (entry.actor, entry.details["reason"], entry.details["instead-of"]) == ("system", "left", 1)
    assert mails(story, "asked") == [LEAD, DEPUTY]
    assert mails(story, "no-longer-needed") == []


def test_another_holder_of_the_role_goes_before_the_deputy(story: Scene) -> None:
    reference = story.asked()
    story.people.register([a_person("second", "innovation-lead@kent")])
    has_left(story)
    task = story.case(reference).open_task
    assert task is not None
    assert (task.person_id, task.role) == ("second", "innovation-lead")


def test_without_anybody_else_the_coordinators_are_told_once_and_can_ask_somebody(story: Scene) -> None:
    reference = story.asked()
    story.people.remove(DEPUTY)
    has_left(story)
    carry_out(story, WEEKEND + timedelta(hours=1))
    case = story.case(reference)
    assert case.open_tasks == ()
    assert case.submission.waiting_for == "coordinator"
    assert last_entry(story, reference, "stuck").details["reason"] == (
        "whoever was asked has left, and nobody else may decide"
    )
    assert sorted(mails(story, "stuck")) == [COORDINATOR, NATIONAL]
    story.people.register([a_person("new", "innovation-lead@kent")])
    one = case.submission
    assert one.due_at is not None
    story.clock.at = one.due_at
    follow_up(story.parts)
    task = story.case(reference).open_task
    assert task is not None
    assert task.person_id == "new", "whoever was registered since is asked"


def test_the_decision_of_whoever_takes_over_counts(story: Scene) -> None:
    reference = story.asked()
    has_left(story)
    story.decide(reference)
    assert story.case(reference).submission.stage == "programme"


def test_a_member_of_a_panel_is_followed_by_their_deputy_and_the_others_keep_their_tasks(
    story: Scene,
) -> None:
    story.use_form(panel())
    register_panel(story)
    reference = story.at_programme()
    before = {task.person_id for task in story.case(reference).open_tasks}
    assert "tech" in before
    story.people.register([a_person("tech-2", "tech-lead-deputy@national")])
    has_left(story, "tech", at=story.clock.at + timedelta(days=7))
    after = {task.person_id for task in story.case(reference).open_tasks}
    assert after == before - {"tech"} | {"tech-2"}


def test_a_member_of_a_panel_without_a_deputy_keeps_the_seat_until_a_coordinator_fills_it(
    story: Scene,
) -> None:
    story.use_form(panel())
    register_panel(story)
    reference = story.at_programme()
    for other in story.people.holders(Holding(role="tech-lead-deputy", at="national")):
        story.people.remove(other.id)
    before = [task.number for task in story.case(reference).open_tasks]
    has_left(story, "tech", at=story.clock.at + timedelta(days=7))
    assert [task.number for task in story.case(reference).open_tasks] == before
    told = [entry for entry in story.case(reference).entries if entry.action == "stuck"]
    assert len(told) == 1


def test_whoever_decided_last_keeps_their_undo_from_being_passed_by(story: Scene) -> None:
    """While somebody else's vote can still be taken back, the task of the leaver waits."""
    story.use_form(panel())
    register_panel(story)
    reference = story.at_programme()
    story.use_undo()
    at = story.clock.at + timedelta(days=7)
    say(story, "tech", last_day=(at - timedelta(days=1)).date())
    story.clock.at = at
    first = story.case(reference).open_tasks[0]
    assert first.person_id != "tech"
    deciding.decide(
        story.parts,
        first.person_id,
        first.id,
        decision="approve",
        comment="",
        seen=story.case(reference).seen,
    )
    carry_out(story, at)
    assert "tech" in {task.person_id for task in story.case(reference).open_tasks}
    carry_out(story, at + SETTLING)
    assert "tech" not in {task.person_id for task in story.case(reference).open_tasks}


# Races, and a run that breaks off


def test_whoever_decides_just_before_the_roles_end_has_decided(story: Scene) -> None:
    reference = story.asked()
    say(story)
    story.decide(reference)
    has = story.case(reference).decisions
    carry_out(story)
    assert story.case(reference).decisions == has
    assert [state for _, state, _ in story.task_states(reference)] == ["decided"]


def test_whoever_decides_while_the_task_is_handed_over_has_decided_or_not_but_never_both(
    story: Scene,
) -> None:
    reference = story.asked()
    seen, task = story.case(reference).seen, story.task_id(reference)
    say(story)

    def decides() -> None:
        with pytest.raises(RoleGivenUp):
            deciding.decide(story.parts, LEAD, task, decision="approve", comment="", seen=seen)

    story.clock.at = WEEKEND
    story.first(decides)
    leaving.carry_out_due(story.parts)
    case = story.case(reference)
    assert case.decisions == ()
    assert case.open_task is not None
    assert case.open_task.person_id == DEPUTY


def test_whoever_was_chosen_just_before_they_left_is_found_by_the_next_run(story: Scene) -> None:
    """A state machine was choosing whom to ask while the roles ended."""
    reference = story.submit().reference
    say(story)
    story.first(lambda: carry_out(story))
    one = story.case(reference).submission
    event = {"payload_version": 2, "force": "kent", "reference": reference, "round": one.round, "token": "t"}
    story.clock.at = WEEKEND
    asking.ask(story.parts, read_step({**event, "stage": one.stage, "asked": "approver"}))
    assert story.case(reference).open_task.person_id == LEAD  # type: ignore[union-attr]
    carry_out(story, WEEKEND + timedelta(minutes=5))
    assert story.case(reference).open_task.person_id == DEPUTY  # type: ignore[union-attr]
    carry_out(story, WEEKEND + SETTLING)
    assert story.parts.leavings.due(WEEKEND + timedelta(days=9), limit=9) == []


@pytest.mark.parametrize(
    ("port", "call"),
    [
        ("leavings", "end_roles"),
        ("tokens", "end_all"),
        ("leavings", "forget_delegate"),
        ("outbox", "add"),
        ("records", "asked_of"),
        ("records", "commit"),
        ("leavings", "finish"),
    ],
)
@pytest.mark.parametrize("stored", [False, True], ids=["before", "after"])
def test_a_step_that_fails_is_done_by_the_next_run_and_nothing_is_done_twice(
    story: Scene,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    port: str,
    call: str,
    stored: bool,
) -> None:
    """Each write fails before it is stored, and after."""
    reference = story.asked()
    away = Away(first=MONDAY, last=FRIDAY, delegate_id=LEAD)
    story.parts.people.set_away(DEPUTY, away)
    give_token(story.parts, LEAD)
    say(story)
    real, failures = getattr(getattr(story.parts, port), call), []

    def fails_once(*given: Any, **named: Any) -> Any:
        if failures:
            return real(*given, **named)
        failures.append(call)
        if stored:
            real(*given, **named)
        raise Unavailable("no answer")

    monkeypatch.setattr(getattr(story.parts, port), call, fails_once)
    with caplog.at_level(logging.WARNING):
        for run in range(4):
            carry_out(story, WEEKEND + run * SETTLING)
    assert failures == [call], "the fault fired"
    assert LEAD not in caplog.text
    assert story.parts.people.person(LEAD) is None
    assert story.parts.tokens.of(LEAD) == []
    assert story.parts.people.away(DEPUTY) == replace(away, delegate_id="")
    assert [one.what for one in story.parts.leavings.changes(LEAD)].count(What.LEFT) == 1
    tasks = [(person, state) for person, state, _ in story.task_states(reference)]
    assert tasks == [(LEAD, "reassigned"), (DEPUTY, "open")]
    assert mails(story, "role-empty") == [NATIONAL]
    assert story.parts.leavings.due(WEEKEND + timedelta(days=90), limit=9) == []


def test_who_leaves_at_once_leaves_though_the_answer_is_lost(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page answers that the service is busy; the next run of the schedule finishes."""
    story.people.register([a_person("second", "innovation-lead@kent")])
    give_token(story.parts, LEAD)
    end_roles = story.parts.leavings.end_roles

    def stores_and_fails(*given: Any, **named: Any) -> bool:
        end_roles(*given, **named)
        raise Unavailable("no answer")

    monkeypatch.setattr(story.parts.leavings, "end_roles", stores_and_fails)
    with pytest.raises(Unavailable):
        say(story, last_day=MONDAY - timedelta(days=1))
    monkeypatch.setattr(story.parts.leavings, "end_roles", end_roles)
    assert leaving.carry_out_due(story.parts) == CarriedOut(left=1, failed=0)
    assert story.parts.people.person(LEAD) is None
    assert story.parts.tokens.of(LEAD) == []


def test_two_runs_at_once_do_nothing_twice(story: Scene) -> None:
    reference = story.asked()
    say(story)
    story.first(lambda: leaving.carry_out_due(story.parts))
    carry_out(story)
    assert [state for _, state, _ in story.task_states(reference)] == ["reassigned", "open"]
    assert [one.what for one in story.parts.leavings.changes(LEAD)].count(What.LEFT) == 1


def test_one_that_fails_keeps_no_other_from_leaving(story: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    say(story)
    say(story, "lead-essex", by=NATIONAL)
    end_roles = story.parts.leavings.end_roles

    def fails(given: Any, *rest: Any, **named: Any) -> bool:
        if given.person_id == LEAD:
            raise Unavailable("no answer")
        return end_roles(given, *rest, **named)

    monkeypatch.setattr(story.parts.leavings, "end_roles", fails)
    assert carry_out(story) == CarriedOut(left=1, failed=1)
    assert story.parts.people.person("lead-essex") is None


def test_a_role_given_while_they_are_leaving_ends_as_well(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(story)
    more = replace(story.person(LEAD), roles=(ROLE, Holding(role="coordinator", at="kent")))
    end_roles, registered = story.parts.leavings.end_roles, []

    def given_meanwhile(*given: Any, **named: Any) -> bool:
        if not registered:
            registered.append(more)
            story.people.register([more])
        return end_roles(*given, **named)

    monkeypatch.setattr(story.parts.leavings, "end_roles", given_meanwhile)
    assert carry_out(story).left == 1
    kept = story.parts.leavings.leaving(LEAD)
    assert kept is not None
    assert kept.roles == more.roles
    assert LEAD not in [one.id for one in story.parts.people.holders(Holding(role="coordinator", at="kent"))]


def test_whoever_is_registered_again_at_once_keeps_what_they_have_now(story: Scene) -> None:
    lead = story.person(LEAD)
    say(story)
    carry_out(story)
    story.people.register([lead])
    reference = story.asked()
    carry_out(story, WEEKEND + SETTLING)
    assert story.parts.people.person(LEAD) == lead
    assert story.case(reference).open_task.person_id == LEAD  # type: ignore[union-attr]
    assert story.parts.leavings.due(WEEKEND + timedelta(days=9), limit=9) == []
    story.clock.pass_by(days=1)
    say(story, last_day=date(2027, 1, 22))
    assert carry_out(story, WEEKEND + timedelta(days=7)).left == 1


def test_somebody_whose_item_was_deleted_by_hand_leaves_all_the_same(story: Scene) -> None:
    reference = story.asked()
    say(story)
    story.people.remove(LEAD)
    carry_out(story)
    carry_out(story, WEEKEND + SETTLING)
    assert story.case(reference).open_task.person_id == DEPUTY  # type: ignore[union-attr]
    assert story.parts.leavings.due(WEEKEND + timedelta(days=9), limit=9) == []


def test_what_somebody_else_says_at_the_same_moment_is_not_lost(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story.parts.leavings, "say", lambda *_, **__: False)
    with pytest.raises(Conflict):
        say(story)


# Roles without anybody


def test_by_date_the_last_holder_goes_and_the_national_coordinators_are_told_once(story: Scene) -> None:
    has_left(story)
    carry_out(story, WEEKEND + timedelta(days=1))
    assert mails(story, "role-empty") == [NATIONAL]
    (mail,) = [one for one in story.sent if one.template == "role-empty"]
    assert mail.values["roles"] == ["innovation lead of Kent Police"]
    assert mail.values["last_day"] == "15 January 2027"


def test_where_somebody_else_holds_the_role_nobody_is_told(story: Scene) -> None:
    story.people.register([a_person("second", "innovation-lead@kent")])
    has_left(story)
    assert mails(story, "role-empty") == []


def test_without_national_coordinators_the_administrators_are_told_and_else_the_log(
    story: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    story.people.register([a_person("root", "admin@national")])
    has_left(story, NATIONAL)
    assert mails(story, "role-empty") == ["root"]
    with caplog.at_level(logging.WARNING):
        say(story, "root", last_day=date(2027, 1, 20))
        carry_out(story, WEEKEND + timedelta(days=7))
    assert "a role is empty, and there is nobody to tell" in caplog.messages


def test_a_command_is_named_as_what_it_is(story: Scene) -> None:
    say(story, by=COMMAND)
    assert whats(story) == [(What.LEAVING_SAID, COMMAND)]


def test_somebody_who_left_is_not_reminded_and_the_claim_goes_on(story: Scene) -> None:
    reference = story.asked()
    has_left(story)
    story.clock.pass_by(days=60)
    follow_up(story.parts)
    assert story.case(reference).submission.status is Status.IN_REVIEW
