"""What must never happen, one test or more for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.errors import (
    ClaimChanged,
    DecidedByAnother,
    DecidedEarlierStage,
    DoesNotFit,
    Expired,
    InvalidAnswers,
    NotAsked,
    NotFound,
    OwnSubmission,
    Refused,
    Unavailable,
)
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import amending, deciding, following_up, task_view
from chalicelib.services.delivery import delivering
from chalicelib.services.records import status_view
from chalicelib.services.repair import reconciling
from tests.builders import PERSONAL, REFERENCE, a_cost, a_person, all_values, claim_answers, submitted
from tests.unit import scenes
from tests.unit.scenes import Scene

story = scenes.story


def lost_before(story: Scene) -> None:
    raise Unavailable("The store does not answer.")


def test_an_acknowledged_submission_is_stored_with_all_that_must_follow(story: Scene) -> None:
    receipt = story.submit()
    case = story.case(receipt.reference)
    assert case.answers == claim_answers()
    assert [e.action for e in case.entries] == ["submitted"]
    kinds = sorted(one.delivery.id for one in story.store.of_kind("delivery"))
    assert kinds == [f"mail.receipt.{receipt.reference}", f"start.{receipt.reference}-r1"]


def test_what_was_not_stored_is_not_acknowledged(story: Scene) -> None:
    story.first(lambda: lost_before(story))
    with pytest.raises(Unavailable):
        story.submit(key="key-1")
    assert list(story.parts.records.waiting()) == []
    assert story.parts.outbox.due(story.parts.now().replace(year=2030), limit=9) == []
    assert story.submit(key="key-1").replayed is False


def test_after_a_lost_answer_the_same_key_brings_the_receipt(story: Scene) -> None:
    """The transaction was applied, the acknowledgement lost: the client sends again."""
    records = story.parts.records
    commit: Callable[..., None] = records.commit

    def applied_but_lost(changes: object) -> None:
        commit(changes)
        raise Unavailable("No answer.")

    records.commit = applied_but_lost  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        story.submit(key="key-1")
    records.commit = commit  # type: ignore[method-assign]
    again = story.submit(key="key-1")
    assert again.replayed
    assert [one.reference for one in records.waiting()] == [again.reference]


def test_a_decision_whose_answer_was_lost_is_repeated_without_harm(story: Scene) -> None:
    reference = story.submit().reference
    story.ask(reference)
    task_id, seen = story.task_id(reference), story.case(reference).seen
    records = story.parts.records
    commit: Callable[..., None] = records.commit

    def applied_but_lost(changes: object) -> None:
        commit(changes)
        raise Unavailable("No answer.")

    records.commit = applied_but_lost  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        story.decide(reference)
    records.commit = commit  # type: ignore[method-assign]
    outcome = deciding.decide(story.parts, "lead-kent", task_id, decision="approve", comment="", seen=seen)
    assert outcome.repeated
    assert story.parts.funds.fund("ptf").balance.reserved == 600_000


def test_every_submission_is_started_however_often_its_start_fails(story: Scene) -> None:
    reference = story.submit().reference
    story.parts.workflows.failing = True  # type: ignore[attr-defined]
    for _ in range(30):
        story.deliver()
        story.clock.pass_by(hours=1)
    story.parts.workflows.failing = False  # type: ignore[attr-defined]
    reconciling.reconcile(story.parts)  # the start itself was set aside after some hours
    story.deliver()
    assert story.parts.workflows.is_running("funding-claim", f"{reference}-r2")


def test_money_is_not_promised_twice(story: Scene) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference)
    for stage in ("programme", "finance"):
        assert story.parts.funds.fund("ptf").balance.reserved == 600_000, stage
        story.ask(reference)
        story.decide(reference)
    balance = story.parts.funds.fund("ptf").balance
    assert (balance.reserved, balance.committed, balance.available) == (0, 600_000, 1_400_000)


def test_money_is_not_promised_beyond_the_fund(story: Scene) -> None:
    for force in ("kent", "essex"):
        reference = story.submit(force=force, cost_lines=[a_cost(1_000_000)]).reference
        story.ask(reference, force=force)
        story.decide(reference, force=force)
    assert story.parts.funds.fund("ptf").balance.available == 0
    reference = story.submit(cost_lines=[a_cost(1)]).reference
    story.ask(reference)
    with pytest.raises(DoesNotFit):
        story.decide(reference)
    assert story.case(reference).submission.stage == "force-lead"


@pytest.mark.parametrize(
    "person",
    [
        "deputy-kent",
        "lead-essex",
        "coordinator-kent",
        "programme",
        "finance",
        "national-coordinator",
        "x",
    ],
)
def test_nobody_decides_who_was_not_asked(story: Scene, person: str) -> None:
    reference = story.submit().reference
    story.ask(reference)
    for decision in ("approve", "reject"):
        with pytest.raises(NotAsked):
            story.decide(reference, decision, by=person, comment="Because")
    with pytest.raises(NotAsked):
        task_view.task_view(story.parts, person, story.task_id(reference))
    assert story.case(reference).open_task is not None


def test_nobody_decides_their_own_claim(story: Scene) -> None:
    story.people.register([a_person("deputy-kent", "innovation-lead-deputy@kent", "innovation-lead@kent")])
    reference = story.submit(claimant_email="Deputy.Kent+claims@Example.police.uk").reference
    story.ask(reference)
    assert story.case(reference).open_task.person_id == "lead-kent"  # type: ignore[union-attr]
    with pytest.raises(OwnSubmission, match="own claim"):
        story.decide(reference, by="deputy-kent")


def test_nobody_decides_two_stages_of_one_claim(story: Scene) -> None:
    story.people.register([a_person("lead-kent", "innovation-lead@kent", "programme-manager@national")])
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference)
    story.ask(reference)
    task = story.case(reference).open_task
    assert task is not None
    assert task.person_id == "programme"
    with pytest.raises(DecidedEarlierStage, match="earlier stage"):
        story.decide(reference, by="lead-kent")


def test_one_force_does_not_read_anothers_data(story: Scene) -> None:
    reference = story.submit().reference
    person = story.person("coordinator-essex")
    for look in (status_view.submission_for, status_view.timeline_for):
        with pytest.raises(NotFound) as theirs:
            look(story.parts, person, reference)
        with pytest.raises(NotFound) as nobodys:
            look(story.parts, person, REFERENCE)
        assert str(theirs.value) == str(nobodys.value)
    assert set(status_view.fund_for(story.parts, person, "ptf").forces) == {"essex"}


def test_every_decision_says_who_when_why_and_on_what(story: Scene) -> None:
    reference = story.submit().reference
    story.ask(reference)
    seen = story.case(reference).seen
    story.clock.pass_by(hours=3)
    story.decide(reference, "reject", comment="The venue is too dear")
    case = story.case(reference)
    entry = case.entries[-1]
    assert (entry.action, entry.actor, entry.role) == ("decided", "lead-kent", "innovation-lead")
    assert entry.at == story.parts.now()
    assert (entry.details["decision"], entry.details["seen"], entry.stage) == ("reject", seen, "force-lead")
    assert case.texts[entry.sequence].words == "The venue is too dear"


def test_nothing_sits_stuck_without_somebody_being_told(story: Scene) -> None:
    """Nobody is registered for any turn: the national coordinator is told, again at every date."""
    for person_id in ("lead-kent", "deputy-kent", "coordinator-kent"):
        story.people.remove(person_id)
    reference = story.submit().reference
    story.ask(reference)
    for times in (1, 2, 3):
        story.deliver()
        told = [mail.to for mail in story.sent if mail.template == "stuck"]
        assert told == ["national.coordinator@example.police.uk"] * times
        due = story.standing(reference).due_at
        assert due is not None
        story.clock.at = due
        following_up.follow_up(story.parts)


def test_somebody_who_coordinates_a_force_and_the_nation_is_told_once(story: Scene) -> None:
    both = a_person("coordinator-kent", "coordinator@kent", "coordinator@national")
    story.people.register([both])
    for person_id in ("lead-kent", "deputy-kent"):
        story.people.remove(person_id)
    story.ask(story.submit().reference)
    story.deliver()
    told = sorted(mail.to for mail in story.sent if mail.template == "stuck")
    assert told == ["coordinator.kent@example.police.uk", "national.coordinator@example.police.uk"]


def test_one_submission_that_cannot_be_read_keeps_no_other_from_being_reconciled(story: Scene) -> None:
    broken, lost = story.submit().reference, story.submit().reference
    story.deliver()
    for reference in (broken, lost):
        story.parts.workflows.end("funding-claim", f"{reference}-r1")  # type: ignore[attr-defined]
    items = story.store.items
    key = ("submission", "kent", broken)
    whole = items[key]
    items[key] = replace(whole, form="a-form-that-is-gone")
    story.clock.pass_by(minutes=1)
    assert reconciling.reconcile(story.parts).restarted == (lost,)
    items[key] = whole


def test_no_personal_answer_is_in_what_a_state_machine_gets(story: Scene) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "nowhere")
    story.deliver()
    workflows = story.parts.workflows
    told = all_values([workflows.started, workflows.answers])  # type: ignore[attr-defined]
    answers = {value for value in claim_answers().values() if isinstance(value, str)} - {"kent"}
    assert not told & answers
    assert not any("@" in value for value in told)


def test_no_personal_answer_is_in_the_public_part_or_the_timeline(story: Scene) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "nowhere")
    case = story.case(reference)
    kept = all_values([case.submission, case.tasks, [vars(entry) for entry in case.entries]])
    assert not kept & set(PERSONAL.values())


def test_what_was_delivered_has_lost_its_personal_data(story: Scene) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "nowhere")
    story.deliver()
    for queued in story.store.of_kind("delivery"):
        assert queued.delivery.payload == {}


def test_no_refusal_says_an_answer_or_an_address(story: Scene, caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []

    def refused(attempt: Callable[[], object]) -> None:
        with pytest.raises(Refused) as caught:
            attempt()
        said.append(str(caught.value))
        said.append(repr(caught.value.__cause__))

    wrong = claim_answers(
        claimant_email="zuleika quartermaine@example", claimant_name="x" * 200, force="nowhere"
    )
    refused(lambda: submitted(story.parts, story.form, wrong))
    story.submit(key="key-1")
    refused(lambda: story.submit(key="key-1", claimant_name="Somebody Else"))
    reference = story.submit().reference
    story.ask(reference)
    refused(lambda: story.decide(reference, by="deputy-kent"))
    refused(lambda: story.decide(reference, seen="other"))
    refused(lambda: story.decide(reference, "reject"))
    story.parts.mailer.bouncing.update({PERSONAL["claimant_email"], "lead.kent@example.police.uk"})  # type: ignore[attr-defined]
    delivering.sweep(story.parts)
    story.deliver()
    text = " ".join([*said, caplog.text]).lower()
    assert "delivery" in caplog.text
    for value in ("zuleika", "@", 'somebody else"', PERSONAL["claimant_phone"], "county hall"):
        assert value not in text


def test_every_way_to_be_refused_leaves_the_claim_as_it_was_but_for_the_note_that_somebody_tried(
    story: Scene,
) -> None:
    reference = story.asked()
    attempts: list[tuple[type[Refused], dict[str, object], str]] = [
        (NotAsked, {"by": "deputy-kent"}, "NotAsked"),
        (ClaimChanged, {"seen": "0" * 64}, "ClaimChanged"),
        (InvalidAnswers, {"decision": ""}, ""),
        (InvalidAnswers, {"decision": "reject"}, ""),
    ]
    for error, how, noted in attempts:
        case, before = story.case(reference), story.store.snapshot()
        with pytest.raises(error):
            story.decide(reference, **{"decision": "approve", **how})  # type: ignore[arg-type]
        now, after = story.case(reference), story.store.snapshot()
        more = now.entries[len(case.entries) :]
        assert [(entry.action, entry.details["reason"]) for entry in more] == (
            [("refused", noted)] if noted else []
        )
        untouched = replace(now.submission, revision=case.submission.revision, chain=case.submission.chain)
        assert untouched == case.submission
        same = {key: item for key, item in after.items() if key[0] not in ("submission", "entry")}
        assert same == {key: item for key, item in before.items() if key[0] not in ("submission", "entry")}


def test_looking_changes_nothing(story: Scene) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    story.use_undo()
    story.vote(receipt.reference, "lead-kent", "request-changes", changes={"you": "Who?"})
    story.clock.pass_by(minutes=10)
    before = story.store.snapshot()
    person = story.person("national-coordinator")
    for _ in range(2):
        story.look(receipt.reference, "lead-kent")
        amending.amend_view(story.parts, "kent", receipt.reference)
        status_view.status_of(story.parts, receipt.status_token)
        status_view.submission_for(story.parts, person, receipt.reference)
        status_view.timeline_for(story.parts, person, receipt.reference)
        status_view.fund_for(story.parts, person, "ptf")
    assert story.store.snapshot() == before


def test_a_link_that_was_forwarded_replayed_or_overtaken_decides_nothing_and_says_why(story: Scene) -> None:
    reference = story.submit().reference
    story.ask(reference)
    old_task, seen = story.task_id(reference), story.case(reference).seen

    def decide(person: str, decision: str = "approve") -> object:
        return deciding.decide(story.parts, person, old_task, decision=decision, comment="Yes", seen=seen)

    with pytest.raises(NotAsked, match="link"):
        decide("programme")
    story.ask(reference, "deputy")
    with pytest.raises(Expired, match="deputy"):
        decide("lead-kent")
    story.decide(reference, "reject", comment="No")
    with pytest.raises(DecidedByAnother, match="Deputy Kent, deputy innovation lead, rejected this claim"):
        decide("lead-kent")
    assert story.status(reference) is Status("rejected")


def test_a_link_alone_decides_nothing(story: Scene) -> None:
    """What is in a mail says where to decide; whoever holds it must be the person who was asked."""
    reference = story.asked()
    story.deliver()
    (mail,) = [one for one in story.sent if one.template == "asked"]
    links = [value for value in all_values(mail.values) if "://" in value]
    assert links == [f"https://ideas.example.org/tasks/kent.{reference}.1"]
    assert story.case(reference).seen not in all_values(mail.values), "nor what it takes to decide"


def test_nothing_goes_out_of_a_decision_that_can_still_be_undone(story: Scene) -> None:
    story.use_undo()
    reference = story.asked()
    story.decide(reference)
    story.deliver()
    assert story.answers_told == []
    assert [one.template for one in story.sent if one.to == PERSONAL["claimant_email"]] == ["receipt"]
    story.undo(reference, "lead-kent")
    story.clock.pass_by(days=1)
    story.deliver()
    assert story.answers_told == []
    assert [one.template for one in story.sent if one.to == PERSONAL["claimant_email"]] == ["receipt"]


def test_a_claim_that_waits_for_its_claimant_does_not_wait_for_ever(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference, you="Who?")
    seen = []
    for _ in range(40):
        story.clock.pass_by(days=1)
        following_up.follow_up(story.parts)
        seen.append(story.status(reference))
    assert seen[0] is Status.CHANGES_REQUESTED
    assert seen[-1] is Status.LAPSED
    story.deliver()
    told = [one.template for one in story.sent if one.to == PERSONAL["claimant_email"]]
    assert told == ["receipt", "changes-requested", "changes-reminder", "changes-reminder", "lapsed"]


def test_answers_that_were_decided_on_are_never_lost(story: Scene) -> None:
    reference = story.asked()
    seen = []
    for number in range(3):
        seen.append(story.case(reference).seen)
        story.ask_for_changes(reference, you=f"Who? {number}")
        story.amend(reference, claimant_role=f"Inspector {number}")
        story.ask(reference)
    story.decide(reference)
    case = story.case(reference)
    for entry, shown in zip(story.actions(reference, "decided"), [*seen, case.seen]):
        assert entry.details["seen"] == shown
        assert case.seen_before(shown) is not None or shown == case.seen


def test_time_does_not_run_while_it_is_nobodys_turn_yet(story: Scene) -> None:
    """The next stage has its whole time from when it is told, not from when somebody decided."""
    story.use_undo(timedelta(days=3))
    reference = story.asked()
    story.decide(reference)
    due = story.standing(reference).due_at
    assert due == story.parts.calendar.deadline(story.clock.at + timedelta(days=3), 5)
