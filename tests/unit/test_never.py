"""What must never happen, one test or more for each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.domain.errors import (
    AlreadyDecided,
    ClaimChanged,
    DoesNotFit,
    Forbidden,
    Gone,
    InvalidAnswers,
    NotAsked,
    NotFound,
    Refused,
    Unavailable,
)
from chalicelib.domain.submissions import Status
from chalicelib.services import deciding, delivering, intake, reconciling, tracking
from tests.builders import PERSONAL, REFERENCE, Story, a_cost, a_person, all_values, claim_answers


def lost_before(story: Story) -> None:
    raise Unavailable("The store does not answer.")


def test_an_acknowledged_submission_is_stored_with_all_that_must_follow(story: Story) -> None:
    receipt = story.submit()
    case = story.case(receipt.reference)
    assert case.answers == claim_answers()
    assert [e.action for e in case.entries] == ["submitted"]
    kinds = sorted(one.delivery.id for one in story.parts.records.store.of_kind("delivery"))  # type: ignore[attr-defined]
    assert kinds == [f"mail.receipt.{receipt.reference}", f"start.{receipt.reference}-r1"]


def test_what_was_not_stored_is_not_acknowledged(story: Story) -> None:
    story.parts.records.before_commit = lambda: lost_before(story)  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        story.submit(key="key-1")
    assert list(story.parts.records.waiting()) == []
    assert story.parts.outbox.due(story.parts.now().replace(year=2030), limit=9) == []
    assert story.submit(key="key-1").replayed is False


def test_after_a_lost_answer_the_same_key_brings_the_receipt(story: Story) -> None:
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


def test_a_decision_whose_answer_was_lost_is_repeated_without_harm(story: Story) -> None:
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


def test_the_start_of_every_submission_is_delivered_however_often_it_fails(story: Story) -> None:
    reference = story.submit().reference
    story.parts.workflows.failing = True  # type: ignore[attr-defined]
    for _ in range(30):
        story.deliver()
        story.parts.now.pass_by(hours=1)  # type: ignore[attr-defined]
    story.parts.workflows.failing = False  # type: ignore[attr-defined]
    story.deliver()
    assert story.parts.workflows.is_running("funding-claim", f"{reference}-r1")


def test_money_is_not_promised_twice(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference)
    for stage in ("programme", "finance"):
        assert story.parts.funds.fund("ptf").balance.reserved == 600_000, stage
        story.ask(reference)
        story.decide(reference)
    balance = story.parts.funds.fund("ptf").balance
    assert (balance.reserved, balance.committed, balance.available) == (0, 600_000, 1_400_000)


def test_money_is_not_promised_beyond_the_fund(story: Story) -> None:
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
def test_nobody_decides_who_was_not_asked(story: Story, person: str) -> None:
    reference = story.submit().reference
    story.ask(reference)
    for decision in ("approve", "reject"):
        with pytest.raises(NotAsked):
            story.decide(reference, decision, by=person, comment="Because")
    with pytest.raises(NotAsked):
        deciding.task_view(story.parts, person, story.task_id(reference))
    assert story.case(reference).open_task is not None


def test_nobody_decides_their_own_claim(story: Story) -> None:
    story.parts.people.register(
        [a_person("deputy-kent", "innovation-lead-deputy@kent", "innovation-lead@kent")]
    )  # type: ignore[attr-defined]
    reference = story.submit(claimant_email="Deputy.Kent+claims@Example.police.uk").reference
    story.ask(reference)
    assert story.case(reference).open_task.person_id == "lead-kent"  # type: ignore[union-attr]
    with pytest.raises(Forbidden, match="own claim"):
        story.decide(reference, by="deputy-kent")


def test_nobody_decides_two_stages_of_one_claim(story: Story) -> None:
    story.parts.people.register([a_person("lead-kent", "innovation-lead@kent", "programme-manager@national")])  # type: ignore[attr-defined]
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference)
    story.ask(reference)
    task = story.case(reference).open_task
    assert task is not None
    assert task.person_id == "programme"
    with pytest.raises(Forbidden, match="earlier stage"):
        story.decide(reference, by="lead-kent")


def test_one_force_does_not_read_anothers_data(story: Story) -> None:
    reference = story.submit().reference
    person = story.parts.people.person("coordinator-essex")
    assert person is not None
    for look in (tracking.submission_for, tracking.timeline_for):
        with pytest.raises(NotFound) as theirs:
            look(story.parts, person, reference)
        with pytest.raises(NotFound) as nobodys:
            look(story.parts, person, REFERENCE)
        assert str(theirs.value) == str(nobodys.value)
    assert set(tracking.fund_for(story.parts, person, "ptf").forces) == {"essex"}


def test_every_decision_says_who_when_why_and_on_what(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    seen = story.case(reference).seen
    story.parts.now.pass_by(hours=3)  # type: ignore[attr-defined]
    story.decide(reference, "reject", comment="The venue is too dear")
    case = story.case(reference)
    entry = case.entries[-1]
    assert (entry.action, entry.actor, entry.role) == ("decided", "lead-kent", "innovation-lead")
    assert entry.at == story.parts.now()
    assert (entry.details["decision"], entry.details["seen"], entry.stage) == ("reject", seen, "force-lead")
    assert case.texts[entry.sequence].words == "The venue is too dear"


def test_nothing_sits_stuck_without_somebody_being_told(story: Story) -> None:
    """Nobody is registered for any turn: the national coordinator is told, again at every date."""
    for person_id in ("lead-kent", "deputy-kent", "coordinator-kent"):
        story.parts.people.remove(person_id)  # type: ignore[attr-defined]
    reference = story.submit().reference
    for turn in ("approver", "deputy", "coordinators", "coordinators"):
        story.ask(reference, turn)
        story.parts.now.pass_by(days=7)  # type: ignore[attr-defined]
    story.deliver()
    told = [mail.to for mail in story.parts.mailer.sent if mail.template == "stuck"]  # type: ignore[attr-defined]
    assert told == ["national.coordinator@example.police.uk"] * 2


def test_somebody_who_coordinates_a_force_and_the_nation_is_told_once(story: Story) -> None:
    both = a_person("coordinator-kent", "coordinator@kent", "coordinator@national")
    story.parts.people.register([both])  # type: ignore[attr-defined]
    for person_id in ("lead-kent", "deputy-kent"):
        story.parts.people.remove(person_id)  # type: ignore[attr-defined]
    reference = story.submit().reference
    for turn in ("approver", "deputy", "coordinators"):
        story.ask(reference, turn)
    story.deliver()
    told = sorted(mail.to for mail in story.parts.mailer.sent if mail.template == "stuck")  # type: ignore[attr-defined]
    assert told == ["coordinator.kent@example.police.uk", "national.coordinator@example.police.uk"]


def test_one_submission_that_cannot_be_read_keeps_no_other_from_being_reconciled(story: Story) -> None:
    from dataclasses import replace

    broken, lost = story.submit().reference, story.submit().reference
    story.deliver()
    for reference in (broken, lost):
        story.parts.workflows.end("funding-claim", f"{reference}-r1")  # type: ignore[attr-defined]
    items = story.parts.records.store.items  # type: ignore[attr-defined]
    key = ("submission", "kent", broken)
    whole = items[key]
    items[key] = replace(whole, form="a-form-that-is-gone")
    story.parts.now.pass_by(minutes=1)  # type: ignore[attr-defined]
    assert reconciling.reconcile(story.parts).restarted == (lost,)
    items[key] = whole


def test_no_personal_answer_is_in_what_a_state_machine_gets(story: Story) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "nowhere")
    story.deliver()
    workflows = story.parts.workflows
    told = all_values([workflows.started, workflows.answers])  # type: ignore[attr-defined]
    answers = {value for value in claim_answers().values() if isinstance(value, str)} - {"kent"}
    assert not told & answers
    assert not any("@" in value for value in told)


def test_no_personal_answer_is_in_the_public_part_or_the_timeline(story: Story) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "nowhere")
    case = story.case(reference)
    kept = all_values([case.submission, case.tasks, [vars(entry) for entry in case.entries]])
    assert not kept & set(PERSONAL.values())


def test_what_was_delivered_has_lost_its_personal_data(story: Story) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "nowhere")
    story.deliver()
    for queued in story.parts.records.store.of_kind("delivery"):  # type: ignore[attr-defined]
        assert queued.delivery.payload == {}


def test_no_refusal_says_an_answer_or_an_address(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []

    def refused(attempt: Callable[[], object]) -> None:
        with pytest.raises(Refused) as caught:
            attempt()
        said.append(str(caught.value))
        said.append(repr(caught.value.__cause__))

    wrong = claim_answers(
        claimant_email="zuleika quartermaine@example", claimant_name="x" * 200, force="nowhere"
    )
    refused(lambda: intake.submit(story.parts, story.form, wrong))
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


def test_every_way_to_be_refused_leaves_the_claim_as_it_was(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    store = story.parts.records.store  # type: ignore[attr-defined]
    before = store.snapshot()
    attempts: list[tuple[type[Refused], dict[str, object]]] = [
        (NotAsked, {"by": "deputy-kent"}),
        (ClaimChanged, {"seen": "0" * 64}),
        (InvalidAnswers, {"decision": ""}),
        (InvalidAnswers, {"decision": "reject"}),
    ]
    for error, how in attempts:
        with pytest.raises(error):
            story.decide(reference, **{"decision": "approve", **how})  # type: ignore[arg-type]
    assert store.snapshot() == before


def test_looking_changes_nothing(story: Story) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    store = story.parts.records.store  # type: ignore[attr-defined]
    before = store.snapshot()
    person = story.parts.people.person("national-coordinator")
    assert person is not None
    for _ in range(2):
        deciding.task_view(story.parts, "lead-kent", story.task_id(receipt.reference))
        tracking.status_of(story.parts, receipt.status_token)
        tracking.submission_for(story.parts, person, receipt.reference)
        tracking.timeline_for(story.parts, person, receipt.reference)
        tracking.fund_for(story.parts, person, "ptf")
    assert store.snapshot() == before


def test_a_link_that_was_forwarded_replayed_or_overtaken_decides_nothing_and_says_why(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    old_task, seen = story.task_id(reference), story.case(reference).seen

    def decide(person: str, decision: str = "approve") -> object:
        return deciding.decide(story.parts, person, old_task, decision=decision, comment="Yes", seen=seen)

    with pytest.raises(NotAsked, match="link"):
        decide("programme")
    story.ask(reference, "deputy")
    with pytest.raises(Gone, match="deputy"):
        decide("lead-kent")
    story.decide(reference, "reject", comment="No")
    with pytest.raises((Gone, AlreadyDecided)):
        decide("lead-kent")
    assert story.case(reference).submission.status is Status.REJECTED
