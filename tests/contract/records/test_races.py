"""Many at once, on dynoxide, which isolates transactions as AWS does. moto's DynamoDB is
isolated by a lock of ours alone: what passes there proves nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import (
    AlreadyDecided,
    Conflict,
    DecidedByAnother,
    DoesNotFit,
    Expired,
    Gone,
    InvalidAnswers,
    NoLongerUndoable,
    Overtaken,
    Unavailable,
)
from chalicelib.domain.people.pairs import Pair, mailbox_of
from chalicelib.domain.records import trail
from chalicelib.domain.records.submissions import Status, TaskState
from chalicelib.services.approvals import amending, asking, deciding
from chalicelib.services.approvals.following_up import FollowedUp
from chalicelib.services.delivery import delivering
from chalicelib.services.intake import submitting
from chalicelib.services.people import signing_in
from chalicelib.services.ports import Parts
from chalicelib.services.repair import reconciling
from tests.builders import a_cost, a_person
from tests.contract.crowd import THREADS, at_once
from tests.contract.lives import Life, asking_all_leads, at, check_whole

pytestmark = pytest.mark.needs_dynoxide("transactions that are isolated")


@pytest.fixture
def race(dynamo_parts: Parts, stock: Callable[..., Parts]) -> Life:
    return Life(stock(dynamo_parts))


def test_of_32_opposite_decisions_exactly_one_is_made(race: Life) -> None:
    reference = race.submit().reference
    race.ask(reference)
    task_id, seen = race.task_id(reference), race.case(reference).seen

    def attempt(decision: str) -> Callable[[], object]:
        return lambda: deciding.decide(
            race.parts, "lead-kent", task_id, decision=decision, comment=f"To {decision} it", seen=seen
        )

    results = at_once(*(attempt("approve" if n % 2 else "reject") for n in range(THREADS)))
    case = race.case(reference)
    (entry,) = [entry for entry in case.entries if entry.action == "decided"]
    made = [r for r in results if isinstance(r, deciding.Outcome) and not r.repeated]
    assert [one.decision for one in made] == [entry.details["decision"]]
    for result in results:
        if isinstance(result, deciding.Outcome):
            assert result.decision == entry.details["decision"]
        else:
            assert isinstance(result, (AlreadyDecided, Unavailable)), repr(result)
    assert sum(isinstance(result, Unavailable) for result in results) < THREADS // 2
    approved = entry.details["decision"] == "approve"
    assert race.parts.funds.fund("ptf").balance.reserved == (600_000 if approved else 0)
    assert trail.faults_of(case) == []


def test_the_last_hundred_pounds_are_promised_once(race: Life) -> None:
    race.parts.funds.open_fund("other", name="other", total_pence=1, caps={})  # type: ignore[attr-defined]
    references = []
    for force, pence in (("kent", 1_000_000), ("essex", 990_000)):
        reference = race.submit(force=force, cost_lines=[a_cost(pence)]).reference
        race.ask(reference, force=force)
        race.decide(reference, force=force)
    assert race.parts.funds.fund("ptf").balance.available == 10_000
    assert race.parts.funds.fund("ptf").forces["essex"].available == 10_000
    references = [race.submit(force="essex", cost_lines=[a_cost(10_000)]).reference for _ in range(2)]
    for reference in references:
        race.ask(reference, force="essex")

    def attempt(reference: str) -> Callable[[], object]:
        return lambda: race.decide(reference, force="essex")

    results = at_once(*(attempt(reference) for reference in references))
    assert Counter(type(result) for result in results) == Counter([deciding.Outcome, DoesNotFit])
    fund = race.parts.funds.fund("ptf")
    assert (fund.balance.available, fund.balance.reserved) == (0, 2_000_000)
    stages = sorted(race.case(reference, "essex").submission.stage for reference in references)
    assert stages == ["force-lead", "programme"]


def test_a_forces_cap_is_never_passed_by_claims_approved_at_once(race: Life) -> None:
    references = [race.submit(cost_lines=[a_cost(90_000)]).reference for _ in range(20)]
    for reference in references:
        race.ask(reference)

    def attempt(reference: str) -> Callable[[], object]:
        return lambda: race.decide(reference)

    results = at_once(*(attempt(reference) for reference in references))
    made = sum(isinstance(result, deciding.Outcome) for result in results)
    share = race.parts.funds.fund("ptf").forces["kent"]
    assert share.reserved == made * 90_000 <= 1_000_000
    assert all(isinstance(r, (deciding.Outcome, DoesNotFit, Unavailable)) for r in results), results
    for reference in references:  # whoever was told to try again does
        if race.case(reference).open_task:
            at_once(attempt(reference))
    share = race.parts.funds.fund("ptf").forces["kent"]
    assert share.reserved == 11 * 90_000
    assert race.parts.funds.fund("ptf").balance.reserved == share.reserved


def test_of_many_steps_that_ask_at_once_one_asks(race: Life) -> None:
    reference = race.submit().reference

    def step(number: int) -> Callable[[], object]:
        event = {
            "payload_version": 1,
            "force": "kent",
            "reference": reference,
            "round": 1,
            "stage": "force-lead",
            "asked": "approver",
            "token": f"t{number}",
        }
        return lambda: asking.ask(race.parts, asking.read_step(event))

    results = at_once(*(step(number) for number in range(6)))
    assert all(result is None or isinstance(result, Conflict) for result in results), results
    case = race.case(reference)
    assert len(case.tasks) == 1
    assert case.token.startswith("t")
    race.deliver()
    assert race.parts.mailer.templates().count("asked") == 1  # type: ignore[attr-defined]


def test_a_decision_and_the_time_out_at_one_moment_leave_one_way_on(race: Life) -> None:
    for _ in range(4):
        reference = race.submit(cost_lines=[a_cost(100)]).reference
        race.ask(reference)
        task_id, seen = race.task_id(reference), race.case(reference).seen

        def decide(task_id: str = task_id, seen: str = seen) -> object:
            return deciding.decide(
                race.parts, "lead-kent", task_id, decision="approve", comment="", seen=seen
            )

        def time_out(reference: str = reference) -> object:
            return race.ask(reference, "deputy", stage="force-lead")

        decided, _ = at_once(decide, time_out)
        case = race.case(reference)
        if isinstance(decided, deciding.Outcome):
            assert case.submission.stage == "programme"
            assert case.open_task is None
        else:
            assert isinstance(decided, Gone), repr(decided)
            assert case.open_task.person_id == "deputy-kent"  # type: ignore[union-attr]
        assert trail.faults_of(case) == []


def test_of_many_reconcilers_one_starts_an_execution(race: Life) -> None:
    reference = race.submit().reference
    race.deliver()
    race.parts.workflows.end("funding-claim", f"{reference}-r1")  # type: ignore[attr-defined]
    race.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    results = at_once(*[lambda: reconciling.reconcile(race.parts)] * 8)
    assert sum(reference in result.restarted for result in results) == 1  # type: ignore[attr-defined]
    assert race.case(reference).submission.round == 2


LEAD = "lead.kent@example.police.uk"


def the_pair(race: Life) -> Pair:
    return race.parts.accounts.pairs([mailbox_of(LEAD)])[0]


def sign_in_mails(race: Life) -> list[Any]:
    race.deliver()
    return [mail for mail in race.parts.mailer.sent if mail.template == "sign-in-code"]  # type: ignore[attr-defined]


def test_of_many_asks_at_once_one_is_mailed_and_it_is_the_live_one(race: Life) -> None:
    at_once(*[lambda: signing_in.ask_code(race.parts, LEAD)] * 8)
    (mail,) = sign_in_mails(race)
    assert race.parts.seals.code(the_pair(race)) == mail.values["code"]
    assert signing_in.enter_code(race.parts, mailbox_of(LEAD), mail.values["code"])


def test_a_code_that_is_typed_many_times_at_once_signs_in_once(race: Life) -> None:
    mailbox = signing_in.ask_code(race.parts, LEAD)
    code = sign_in_mails(race)[-1].values["code"]
    results = at_once(*[lambda: signing_in.enter_code(race.parts, mailbox, code)] * 5)
    assert sum(isinstance(result, signing_in.SignedIn) for result in results) == 1
    assert len(race.parts.accounts.sessions("lead-kent", now=race.parts.now())) == 1


def test_a_code_typed_and_its_link_pressed_at_once_sign_in_once(race: Life) -> None:
    mailbox = signing_in.ask_code(race.parts, LEAD)
    values = sign_in_mails(race)[-1].values
    token = values["sign_in_url"].rpartition("/")[2]
    results = at_once(
        *[lambda: signing_in.enter_code(race.parts, mailbox, values["code"])] * 3,
        *[lambda: signing_in.press_link(race.parts, token, [mailbox])] * 3,
    )
    assert sum(isinstance(result, signing_in.SignedIn) for result in results) == 1


def test_guesses_in_parallel_count_each(race: Life) -> None:
    mailbox = signing_in.ask_code(race.parts, LEAD)
    code = sign_in_mails(race)[-1].values["code"]
    guesses = [f"{number:06d}" for number in range(21) if f"{number:06d}" != code][:12]
    results = at_once(
        *(lambda guess=guess: signing_in.enter_code(race.parts, mailbox, guess) for guess in guesses)
    )  # type: ignore[misc]
    answered = [one for one in results if isinstance(one, InvalidAnswers)]
    assert len(answered) + sum(isinstance(one, Unavailable) for one in results) == len(guesses)
    assert len(the_pair(race).wrong) == len(answered) > 0, "whatever was answered was counted"


def test_a_guess_beside_the_right_code_is_counted_or_too_late(race: Life) -> None:
    mailbox = signing_in.ask_code(race.parts, LEAD)
    code = sign_in_mails(race)[-1].values["code"]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    right, guess = at_once(
        lambda: signing_in.enter_code(race.parts, mailbox, code),
        lambda: signing_in.enter_code(race.parts, mailbox, wrong),
    )
    assert isinstance(right, signing_in.SignedIn)
    assert isinstance(guess, InvalidAnswers)
    assert len(the_pair(race).wrong) in (0, 1)
    assert the_pair(race).used_at is not None


def test_many_claims_at_once_are_all_stored_and_none_twice(race: Life) -> None:
    """Each from a mailbox of its own: those of one mailbox wait for each other, since they are counted."""
    senders = [f"officer-{number}@example.police.uk" for number in range(THREADS)]
    results = at_once(*(lambda sender=sender: race.submit(claimant_email=sender) for sender in senders))  # type: ignore[misc]
    told = [result.reference for result in results if isinstance(result, submitting.Receipt)]
    unsure = [result for result in results if isinstance(result, Unavailable)]
    assert len(told) + len(unsure) == THREADS
    stored = [one.reference for one in race.parts.records.waiting()]
    assert len(set(told)) == len(told) > THREADS // 2
    assert len(set(stored)) == len(stored) <= THREADS
    assert set(told) <= set(stored)


def test_of_two_people_who_decide_opposite_things_at_once_one_wins_and_the_other_is_told_who(
    race: Life,
) -> None:
    race.parts = asking_all_leads(race.parts, quorum=1)
    race.parts.people.register([a_person("second-lead", "innovation-lead@kent", name="Ann Ŵ")])  # type: ignore[attr-defined]
    names = {"lead-kent": "Lead Kent", "second-lead": "Ann Ŵ"}
    for _ in range(6):
        reference = race.submit(cost_lines=[a_cost(100)]).reference
        race.ask(reference)
        case = race.case(reference)
        assert {task.person_id for task in case.open_tasks} == set(names)

        def attempt(person_id: str, decision: str, case: Any = case) -> Callable[[], object]:
            (task,) = [one for one in case.open_tasks if one.person_id == person_id]
            return lambda: deciding.decide(
                race.parts, person_id, task.id, decision=decision, comment="Because", seen=case.seen
            )

        results = at_once(attempt("lead-kent", "approve"), attempt("second-lead", "reject"))
        (decision,) = race.case(reference).decisions
        (lost,) = [one for one in results if not isinstance(one, deciding.Outcome)]
        assert isinstance(lost, DecidedByAnother), repr(lost)
        assert names[decision.actor] in str(lost)
        assert "was not recorded" in str(lost)
        states = sorted(task.state.value for task in race.case(reference).tasks)
        assert states == ["closed", "decided"]
        check_whole(race, reference)


def test_votes_that_come_at_once_are_all_counted(race: Life) -> None:
    race.parts = asking_all_leads(race.parts, quorum=None)
    others = [a_person(f"lead-{n}", "innovation-lead@kent") for n in range(4)]
    race.parts.people.register(others)  # type: ignore[attr-defined]
    reference = race.submit().reference
    race.ask(reference)
    case = race.case(reference)

    def vote(task: Any) -> Callable[[], object]:
        return lambda: deciding.decide(
            race.parts, task.person_id, task.id, decision="approve", comment="", seen=case.seen
        )

    waiting = list(case.open_tasks)
    assert len(waiting) == 5
    while waiting:  # whoever was told to try again does
        results = at_once(*(vote(task) for task in waiting))
        assert all(isinstance(r, (deciding.Outcome, Conflict, Unavailable)) for r in results), results
        waiting = list(race.case(reference).open_tasks)
    one = race.case(reference).submission
    assert (one.stage, len(one.approved_by["force-lead"])) == ("programme", 5)
    assert len(race.case(reference).decisions) == 5
    check_whole(race, reference)


def test_a_decision_is_undone_or_goes_out_never_both(race: Life) -> None:
    race.may_undo()
    seen = Counter[str]()
    for number in range(16):
        reference = race.submit(cost_lines=[a_cost(1_000)]).reference
        token = race.ask(reference)
        race.decide(reference, "approve" if number % 2 else "reject", comment="Because")
        case = race.case(reference)
        undo = case.submission.undo
        assert undo is not None
        assert len(undo.deliveries) == 2, "a mail and an answer"
        just_before = at(race.parts, undo.until - timedelta(microseconds=1))
        at_last = at(race.parts, undo.until)
        task_id = case.tasks[0].id
        pause = 0.004 * (number // 2)  # an undo reads before it writes: some sweeps come later

        def take_back(parts: Parts = just_before, task_id: str = task_id) -> object:
            return deciding.undo(parts, "lead-kent", task_id)

        def sweep(
            parts: Parts = at_last, ids: tuple[str, ...] = undo.deliveries, pause: float = pause
        ) -> object:
            time.sleep(pause)
            return delivering.relay(parts, ids)

        undone, _, _ = at_once(take_back, sweep, sweep)
        delivering.relay(at(race.parts, undo.until + timedelta(minutes=1)), undo.deliveries)
        mails = [mail for mail in race.parts.mailer.sent if mail.notification_id in undo.deliveries]  # type: ignore[attr-defined]
        answers = [one for one, _ in race.parts.workflows.answers if one == token]  # type: ignore[attr-defined]
        one = race.case(reference)
        if undone is None:
            seen["undone"] += 1
            assert (mails, answers) == ([], [])
            assert one.open_task is not None
            assert one.submission.stage == "force-lead"
        else:
            seen["gone out"] += 1
            assert isinstance(undone, NoLongerUndoable), repr(undone)
            assert (len(mails), len(answers)) == (1, 1)
            assert one.open_task is None
        assert sum(entry.action == "undone" for entry in one.entries) == (undone is None)
        check_whole(race, reference)
    assert sum(seen.values()) == 16


def test_a_decision_that_is_undone_twice_at_once_is_undone_once_and_nobody_is_told_otherwise(
    race: Life,
) -> None:
    race.may_undo()
    for _ in range(5):
        reference = race.submit(cost_lines=[a_cost(1_000)]).reference
        race.ask(reference)
        race.decide(reference)
        task_id = race.case(reference).tasks[0].id
        results = at_once(*[lambda task_id=task_id: deciding.undo(race.parts, "lead-kent", task_id)] * 3)
        assert results == [None, None, None]
        assert [entry.action for entry in race.case(reference).entries].count("undone") == 1
        check_whole(race, reference)


def test_an_undo_and_a_withdrawal_at_once_leave_it_withdrawn_and_the_money_free(race: Life) -> None:
    race.may_undo()
    for _ in range(5):
        reference = race.submit(cost_lines=[a_cost(1_000)]).reference
        race.ask(reference)
        race.decide(reference)
        undo = race.case(reference).submission.undo
        assert undo is not None
        task_id = race.case(reference).tasks[0].id
        undone, withdrawn = at_once(
            lambda task_id=task_id: deciding.undo(race.parts, "lead-kent", task_id),
            lambda r=reference: race.withdraw(r),
        )
        assert withdrawn is None
        assert undone is None or isinstance(undone, NoLongerUndoable), repr(undone)
        one = race.case(reference).submission
        assert (one.status, one.reserved_pence) == (Status.WITHDRAWN, 0)
        assert [race.parts.outbox.get(delivery_id) for delivery_id in undo.deliveries] == [None, None]
        check_whole(race, reference)


def test_a_withdrawal_and_the_last_approval_at_once_leave_it_withdrawn_and_the_money_free(race: Life) -> None:
    for _ in range(6):
        reference = race.submit(cost_lines=[a_cost(1_000)]).reference
        race.approve_up_to(reference, "programme")
        race.ask(reference)
        task, seen = race.case(reference).open_task, race.case(reference).seen
        assert task is not None

        def approve(task: Any = task, seen: str = seen) -> object:
            return deciding.decide(
                race.parts, "programme", task.id, decision="approve", comment="", seen=seen
            )

        def withdraw(reference: str = reference) -> None:
            race.withdraw(reference)

        approved, withdrawn = at_once(approve, withdraw)
        assert withdrawn is None
        assert isinstance(approved, (deciding.Outcome, Overtaken)), repr(approved)
        one = race.case(reference).submission
        assert (one.status, one.reserved_pence, one.committed_pence) == (Status.WITHDRAWN, 0, 0)
        check_whole(race, reference)
    assert race.parts.funds.fund("ptf").balance.available == 2_000_000


def test_changes_that_are_sent_many_times_at_once_are_one_version(race: Life) -> None:
    reference = race.submit().reference
    race.approve_up_to(reference, "programme")
    race.ask(reference)
    race.request_changes(reference, costs="Less")

    def send() -> object:
        return race.amend(reference, version=1, cost_lines=[a_cost(400_000)])

    results = at_once(*[send] * 6)
    done = amending.AmendedTo(force="kent", reference=reference)
    assert all(result == done or isinstance(result, Unavailable) for result in results), results
    assert done in results
    case = race.case(reference)
    assert (case.submission.version, len(case.versions)) == (2, 1)
    assert [entry.action for entry in case.entries].count("amended") == 1
    race.deliver()
    assert race.parts.mailer.templates().count("amended") == 1  # type: ignore[attr-defined]
    check_whole(race, reference)


def test_a_claim_that_moves_to_another_force_many_times_at_once_moves_once(race: Life) -> None:
    reference = race.submit().reference
    race.ask(reference)
    race.request_changes(reference, the_day="Essex?")
    answers = race.case(reference).answers

    def send() -> object:
        given = {**answers, "force": "essex"}
        return amending.amend(race.parts, "kent", reference, given, version=1)

    results = at_once(*[send] * 4)
    done = amending.AmendedTo(force="essex", reference=reference)
    assert all(result == done or isinstance(result, Unavailable) for result in results), results
    assert [one.force for one in race.parts.records.waiting()] == ["essex"]
    check_whole(race, reference)


def test_a_withdrawal_and_changes_at_once_leave_one_end(race: Life) -> None:
    for _ in range(4):
        reference = race.submit().reference
        race.ask(reference)
        race.request_changes(reference, costs="Less")
        amended, withdrawn = at_once(
            lambda r=reference: race.amend(r, version=1, cost_lines=[a_cost(400_000)]),
            lambda r=reference: race.withdraw(r),
        )
        assert withdrawn is None
        assert isinstance(amended, (amending.AmendedTo, Overtaken)), repr(amended)
        assert race.case(reference).submission.status is Status.WITHDRAWN
        check_whole(race, reference)


def test_of_two_claims_that_together_do_not_fit_after_changes_one_is_approved(race: Life) -> None:
    for _ in range(3):
        grown, other = (race.submit(cost_lines=[a_cost(400_000)]).reference for _ in range(2))
        race.ask(grown)
        race.decide(grown)
        race.ask(grown)
        race.request_changes(grown, costs="More")
        race.amend(grown, cost_lines=[a_cost(700_000)])
        race.ask(grown)
        race.ask(other)
        assert race.case(grown).submission.reserved_pence == 400_000
        results = at_once(lambda a=grown: race.decide(a), lambda b=other: race.decide(b))
        assert Counter(type(result) for result in results) == Counter([deciding.Outcome, DoesNotFit]), results
        check_whole(race, grown, other)
        share = race.parts.funds.fund("ptf").forces["kent"]
        assert share.reserved in (700_000, 800_000)
        for reference in (grown, other):
            race.withdraw(reference)
    assert race.parts.funds.fund("ptf").balance.available == 2_000_000


def test_a_decision_and_the_schedule_at_the_deadline_leave_one_way_on(race: Life) -> None:
    for _ in range(6):
        reference = race.submit(cost_lines=[a_cost(100)]).reference
        race.ask(reference)
        case = race.case(reference)
        due = case.submission.due_at
        assert due is not None
        now = at(race.parts, due)

        def decide(case: Any = case, parts: Parts = now) -> object:
            task = case.open_task
            return deciding.decide(
                parts, "lead-kent", task.id, decision="approve", comment="", seen=case.seen
            )

        decided, followed = at_once(decide, lambda parts=now: Life(parts).follow_up())
        assert isinstance(followed, FollowedUp)
        assert followed.failed == 0
        after = race.case(reference)
        if isinstance(decided, deciding.Outcome):
            assert (after.submission.stage, after.open_task) == ("programme", None)
        else:
            assert isinstance(decided, Expired), repr(decided)
            assert after.open_task.person_id == "deputy-kent"  # type: ignore[union-attr]
        check_whole(race, reference)
        race.withdraw(reference)


def test_of_several_schedules_that_run_at_once_one_asks_the_deputy_and_mails_once(race: Life) -> None:
    reference = race.submit().reference
    race.ask(reference)
    race.deliver()
    for what in ("reminded", "handed_over"):
        race.parts.now.at = race.case(reference).submission.next_at  # type: ignore[attr-defined]
        results = at_once(*[race.follow_up] * 5)
        assert all(isinstance(one, FollowedUp) and one.failed == 0 for one in results), results
        assert sum(getattr(one, what) for one in results) == 1
    case = race.case(reference)
    states = [(task.person_id, task.state) for task in case.tasks]
    assert states == [("lead-kent", TaskState.OVERTAKEN), ("deputy-kent", TaskState.OPEN)]
    race.deliver()
    mailed = Counter(race.parts.mailer.templates())  # type: ignore[attr-defined]
    assert (mailed["reminder"], mailed["asked"]) == (1, 2)
    check_whole(race, reference)


def test_a_schedule_and_the_state_machine_s_time_out_at_once_ask_one_deputy(race: Life) -> None:
    for _ in range(4):
        reference = race.submit(cost_lines=[a_cost(100)]).reference
        race.ask(reference)
        race.parts.now.at = race.case(reference).submission.due_at  # type: ignore[attr-defined]
        followed, asked = at_once(race.follow_up, lambda r=reference: race.ask(r, "deputy"))
        assert isinstance(followed, FollowedUp)
        assert followed.failed == 0
        assert isinstance(asked, (str, Conflict)), repr(asked)
        assert [task.person_id for task in race.case(reference).tasks] == ["lead-kent", "deputy-kent"]
        check_whole(race, reference)
        race.withdraw(reference)


def test_two_who_hand_a_task_on_at_once_leave_one_person_asked(race: Life) -> None:
    race.parts.people.register([a_person("second-lead", "innovation-lead@kent")])  # type: ignore[attr-defined]
    for _ in range(4):
        reference = race.submit(cost_lines=[a_cost(100)]).reference
        race.ask(reference)
        at_once(
            lambda r=reference: race.hand_on(r, "deputy-kent"),
            lambda r=reference: race.hand_on(r, "second-lead", by="national-coordinator"),
        )
        case = race.case(reference)
        assert len(case.open_tasks) == 1
        assert {task.state for task in case.tasks[:-1]} == {TaskState.REASSIGNED}
        check_whole(race, reference)
