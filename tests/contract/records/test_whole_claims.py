"""Claims from the form to the last decision, through every service, on the fakes and on DynamoDB alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from chalicelib.domain.errors import (
    AlreadyDecided,
    DoesNotFit,
    Forbidden,
    Gone,
    InvalidAnswers,
    KeyReused,
    NotFound,
)
from chalicelib.domain.records.submissions import AskedAs, Status, TaskState
from chalicelib.services.approvals import deciding, task_view
from chalicelib.services.people import signing_in
from chalicelib.services.ports import Parts
from chalicelib.services.records import status_view
from chalicelib.services.repair import reconciling
from tests.builders import a_cost, a_person
from tests.contract.lives import Life, check_whole, ledger


@pytest.fixture
def story(parts: Parts, stock: Callable[..., Parts]) -> Life:
    """Claims through all services, on either store."""
    return Life(stock(parts))


def test_a_claim_is_approved_at_all_three_stages_and_paid_for_once(story: Life) -> None:
    receipt = story.submit(key="key-1")
    assert story.submit(key="key-1").reference == receipt.reference
    story.approve_up_to(receipt.reference, "nowhere")
    story.deliver()
    case = story.case(receipt.reference)
    assert case.submission.status is Status("approved")
    assert dict(case.submission.approved_by) == {
        "force-lead": ("lead-kent",),
        "programme": ("programme",),
        "finance": ("finance",),
    }
    fund = story.parts.funds.fund("ptf")
    assert (fund.balance.committed, fund.balance.reserved) == (600_000, 0)
    assert fund.forces["kent"].available == 400_000
    mailed = Counter(story.parts.mailer.templates())  # type: ignore[attr-defined]
    assert mailed == {"receipt": 1, "asked": 3, "decision-made": 3, "moved-on": 2, "approved": 1}
    assert sorted(token for token, _ in story.parts.workflows.answers) == ["token-1", "token-2", "token-3"]  # type: ignore[attr-defined]
    check_whole(story, receipt.reference)


def test_a_rejected_claim_gives_the_money_back(story: Life) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "programme")
    assert story.parts.funds.fund("ptf").balance.reserved == 600_000
    story.ask(reference)
    story.decide(reference, "reject", comment="Not this year")
    assert story.case(reference).submission.status is Status("rejected")
    assert story.parts.funds.fund("ptf").balance.available == 2_000_000
    check_whole(story, reference)


def test_a_claim_that_does_not_fit_cannot_be_approved_and_says_by_how_much(story: Life) -> None:
    first, second = (story.submit().reference for _ in range(2))
    story.ask(first)
    story.decide(first)
    story.ask(second)
    with pytest.raises(DoesNotFit, match=r"£4,000 left of its £10,000, £2,000 too little"):
        story.decide(second)
    case = story.case(second)
    assert case.open_task is not None
    assert case.submission.stage == "force-lead"
    story.decide(second, "reject", comment="The money is gone")
    assert story.parts.funds.fund("ptf").balance.reserved == 600_000
    check_whole(story, second)


def test_time_outs_lead_to_the_deputy_and_then_to_the_coordinators(story: Life) -> None:
    reference = story.submit().reference
    for turn in ("approver", "deputy", "coordinators"):
        story.ask(reference, turn)
        assert story.case(reference).submission.asked_as is AskedAs(turn)
        check_whole(story, reference)
    states = [(task.person_id, task.state) for task in story.case(reference).tasks]
    assert states == [("lead-kent", TaskState.OVERTAKEN), ("deputy-kent", TaskState.OPEN)]
    story.decide(reference)
    assert story.case(reference).submission.stage == "programme"
    check_whole(story, reference)


def test_whoever_lost_the_role_meanwhile_cannot_decide(story: Life) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.parts.people.register([a_person("lead-kent", "coordinator@kent")])  # type: ignore[attr-defined]
    with pytest.raises(Forbidden, match="no longer innovation lead"):
        story.decide(reference)
    assert story.case(reference).open_task is not None
    assert story.parts.funds.fund("ptf").balance.reserved == 0


def test_a_refused_form_stores_nothing(story: Life) -> None:
    with pytest.raises(InvalidAnswers) as caught:
        story.submit(key="k", innovation_day="DAY-3333-333H", expected_attendance=0)
    assert story.parts.records.key("funding-claim", "k", now=story.parts.now()) is None
    assert {problem.pointer for problem in caught.value.problems} >= {"/expected_attendance"}
    assert list(story.parts.records.waiting()) == []


def test_a_key_that_came_with_other_answers_reads_nobodys_receipt(story: Life) -> None:
    story.submit(key="key-1")
    with pytest.raises(KeyReused):
        story.submit(key="key-1", cost_lines=[a_cost(1)])
    assert len(list(story.parts.records.waiting())) == 1


def test_a_decision_made_twice_is_one_and_another_is_refused(story: Life) -> None:
    reference = story.submit().reference
    story.ask(reference)
    task_id = story.task_id(reference)
    seen = story.case(reference).seen

    def decide(decision: str) -> deciding.Outcome:
        return deciding.decide(
            story.parts, "lead-kent", task_id, decision=decision, comment="Because", seen=seen
        )

    first, again = decide("approve"), decide("approve")
    assert (first.repeated, again.repeated) == (False, True)
    assert (first.status, first.next_step, first.decision) == (again.status, again.next_step, again.decision)
    with pytest.raises(AlreadyDecided):
        decide("reject")
    assert len([e for e in story.case(reference).entries if e.action == "decided"]) == 1


def test_an_overtaken_link_decides_nothing_and_says_why(story: Life) -> None:
    reference = story.submit().reference
    story.ask(reference)
    task_id, seen = story.task_id(reference), story.case(reference).seen
    story.ask(reference, "deputy")
    with pytest.raises(Gone, match="deputy"):
        deciding.decide(story.parts, "lead-kent", task_id, decision="approve", comment="", seen=seen)
    with pytest.raises(Gone):
        task_view.task_view(story.parts, "lead-kent", task_id)


def test_a_lost_execution_is_started_again_and_asks_nobody_twice(story: Life) -> None:
    reference = story.submit().reference
    story.deliver()
    story.ask(reference)
    story.deliver()
    story.parts.workflows.end("funding-claim", f"{reference}-r1")  # type: ignore[attr-defined]
    story.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    assert reconciling.reconcile(story.parts).restarted == (reference,)
    story.deliver()
    assert story.parts.workflows.is_running("funding-claim", f"{reference}-r2")
    token = story.ask(reference)
    story.deliver()
    assert story.case(reference).token == token
    assert story.parts.mailer.templates().count("asked") == 1  # type: ignore[attr-defined]
    check_whole(story, reference)


def test_another_forces_submission_is_as_if_it_did_not_exist(story: Life) -> None:
    reference = story.submit().reference
    person = story.parts.people.person
    assert status_view.submission_for(story.parts, person("coordinator-kent"), reference)  # type: ignore[arg-type]
    assert status_view.submission_for(story.parts, person("national-coordinator"), reference)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        status_view.submission_for(story.parts, person("coordinator-essex"), reference)  # type: ignore[arg-type]


def test_signing_in_takes_the_mailed_code_once(story: Life) -> None:
    mailbox = signing_in.ask_code(story.parts, "Lead.Kent@EXAMPLE.police.uk")
    story.deliver()
    code = story.parts.mailer.sent[-1].values["code"]  # type: ignore[attr-defined]
    done = signing_in.enter_code(story.parts, mailbox, code)
    session = signing_in.session(story.parts, done.secret)
    assert session is not None
    assert session.person_id == "lead-kent"
    with pytest.raises(InvalidAnswers):
        signing_in.enter_code(story.parts, mailbox, code)


def step(story: Life, reference: str, force: str = "kent") -> tuple[str, str, int, int]:
    """Status, stage and pence held, once all promises are checked."""
    check_whole(story, reference)
    one = story.case(reference, force).submission
    return one.status.value, one.stage, one.reserved_pence, one.committed_pence


def test_a_claim_is_changed_undone_moved_approved_and_withdrawn_and_every_penny_is_told(story: Life) -> None:
    story.may_undo()
    reference = story.submit().reference

    def approve(force: str = "kent") -> None:
        story.ask(reference, force=force)
        story.decide(reference, force=force, comment="Da iawn")

    def returned(force: str = "kent", **pages: str) -> None:
        story.ask(reference, force=force)
        story.request_changes(reference, force=force, **pages)
        story.wait(minutes=11)

    approve()
    assert step(story, reference) == ("in-review", "programme", 600_000, 0)
    story.undo(reference)
    assert step(story, reference) == ("in-review", "force-lead", 0, 0)
    story.decide(reference)
    story.wait(minutes=11)
    assert step(story, reference) == ("in-review", "programme", 600_000, 0)

    story.ask(reference)
    story.request_changes(reference, costs="Less, please")
    assert step(story, reference) == ("changes-requested", "programme", 600_000, 0)
    story.undo(reference)
    assert step(story, reference) == ("in-review", "programme", 600_000, 0)
    story.request_changes(reference, costs="Half of it")
    story.wait(minutes=11)
    story.amend(reference, cost_lines=[a_cost(400_000)])
    assert step(story, reference) == ("in-review", "force-lead", 400_000, 0)
    approve()
    story.wait(minutes=11)
    assert step(story, reference) == ("in-review", "programme", 400_000, 0)

    returned(costs="The hall costs more", the_day="The title")
    story.amend(reference, cost_lines=[a_cost(800_000)], event_title="Innovation fair")
    assert step(story, reference) == ("in-review", "force-lead", 400_000, 0)
    approve()
    story.wait(minutes=11)
    assert step(story, reference) == ("in-review", "programme", 800_000, 0)

    returned(the_day="Essex pays for this")
    assert story.amend(reference, to="essex").force == "essex"
    assert step(story, reference) == ("withdrawn", "programme", 0, 0)
    assert step(story, reference, "essex") == ("in-review", "force-lead", 0, 0)
    story.deliver()
    for stage in ("programme", "finance"):
        approve("essex")
        story.wait(minutes=11)
        assert step(story, reference, "essex") == ("in-review", stage, 800_000, 0)
    approve("essex")
    assert step(story, reference, "essex") == ("approved", "finance", 0, 800_000)
    story.undo(reference, force="essex")
    assert step(story, reference, "essex") == ("in-review", "finance", 800_000, 0)
    story.decide(reference, force="essex")
    story.wait(minutes=11)
    assert step(story, reference, "essex") == ("approved", "finance", 0, 800_000)
    story.withdraw(reference)
    assert step(story, reference, "essex") == ("withdrawn", "finance", 0, 0)

    moves = Counter((force, kind.value, pence // 100_000) for force, _, kind, pence in ledger(story.parts))
    assert moves == {
        ("kent", "reserve", 6): 2,
        ("kent", "release", 6): 1,
        ("kent", "release", 2): 1,
        ("kent", "reserve", 4): 1,
        ("kent", "release", 8): 1,
        ("essex", "reserve", 8): 1,
        ("essex", "commit", 8): 2,
        ("essex", "uncommit", 8): 1,
        ("essex", "cancel", 8): 1,
    }
    fund = story.parts.funds.fund("ptf")
    assert fund.balance.available == 2_000_000
    assert [version.number for version in story.case(reference).versions] == [1, 2]
    assert [version.number for version in story.case(reference, "essex").versions] == [3]
    story.wait(minutes=1)
    mailed = Counter(story.parts.mailer.templates())  # type: ignore[attr-defined]
    assert mailed["changes-requested"] == 3
    assert mailed["amended"] == 3
    assert mailed["approved"] == 1
    assert mailed["withdrawn"] == 1
    assert list(story.parts.records.waiting()) == []


def test_a_claim_that_nobody_changes_lapses_and_gives_the_money_back(story: Life) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "programme")
    story.ask(reference)
    story.request_changes(reference, costs="Less")
    done = []
    for _ in range(60):
        due = story.case(reference).submission.next_at
        if due is None:
            break
        story.parts.now.at = due  # type: ignore[attr-defined]
        followed = story.follow_up()
        done.append((followed.reminded, followed.handed_over, followed.lapsed, followed.failed))
        check_whole(story, reference)
    assert done == [(1, 0, 0, 0), (1, 0, 0, 0), (0, 0, 1, 0)]
    story.wait(minutes=2)
    assert story.case(reference).submission.status is Status.LAPSED
    assert story.parts.funds.fund("ptf").balance.available == 2_000_000
    mailed = Counter(story.parts.mailer.templates())  # type: ignore[attr-defined]
    assert (mailed["changes-reminder"], mailed["lapsed"]) == (2, 1)


def test_a_task_is_handed_on_and_then_its_date_passes(story: Life) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.hand_on(reference, "deputy-kent")
    check_whole(story, reference)
    states = [(task.person_id, task.state, task.ended_by) for task in story.case(reference).tasks]
    assert states == [("lead-kent", TaskState.REASSIGNED, 2), ("deputy-kent", TaskState.OPEN, 0)]
    turns = []
    for _ in range(4):
        one = story.case(reference).submission
        story.parts.now.at = one.next_at  # type: ignore[attr-defined]
        assert story.follow_up().failed == 0
        check_whole(story, reference)
        turns.append(story.case(reference).submission.asked_as)
    assert AskedAs.COORDINATORS in turns
    story.decide(reference)
    check_whole(story, reference)
    assert story.case(reference).submission.stage == "programme"
