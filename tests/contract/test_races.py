"""Many at once, on dynoxide, which isolates transactions as AWS does (moto does not)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from chalicelib.domain.errors import AlreadyDecided, Conflict, DoesNotFit, Gone, Refused, Unavailable
from chalicelib.domain.timeline import faults
from chalicelib.services import asking, deciding, intake, reconciling, signing_in
from chalicelib.services.ports import Parts
from tests.builders import Story, a_cost, claim_answers

THREADS = 32


@pytest.fixture
def race(dynamo_parts: Parts, stock: Callable[..., Parts]) -> Story:
    return Story(stock(dynamo_parts))


def at_once(*attempts: Callable[[], object]) -> list[object]:
    """Run all at the same moment; each gives its result, or the refusal it met. Any other error is raised."""
    barrier = Barrier(len(attempts))

    def run(attempt: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return attempt()
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(run, attempts))


def test_of_32_opposite_decisions_exactly_one_is_made(race: Story) -> None:
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
    assert faults(case.entries, case.submission.chain, case.texts) == []


def test_the_last_hundred_pounds_are_promised_once(race: Story) -> None:
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


def test_of_32_posts_with_one_key_one_is_stored(race: Story) -> None:
    def post() -> intake.Receipt:
        return intake.submit(race.parts, race.form, claim_answers(), key="key-1")

    results = at_once(*[post] * THREADS)
    receipts = [one for one in results if isinstance(one, intake.Receipt)]
    assert len({one.reference for one in receipts}) == 1
    assert len([one for one in receipts if not one.replayed]) <= 1
    assert all(isinstance(one, (intake.Receipt, Unavailable)) for one in results), results
    assert len(receipts) > THREADS // 2
    assert [one.reference for one in race.parts.records.waiting()] == [receipts[0].reference]


def test_of_two_bodies_with_one_key_one_is_stored(race: Story) -> None:
    def post(title: str) -> Callable[[], object]:
        return lambda: intake.submit(race.parts, race.form, claim_answers(event_title=title), key="key-1")

    results = at_once(*(post(f"Title {n % 2}") for n in range(16)))
    assert len(list(race.parts.records.waiting())) == 1
    assert len({one.reference for one in results if isinstance(one, intake.Receipt)}) == 1


def test_a_forces_cap_is_never_passed_by_claims_approved_at_once(race: Story) -> None:
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


def test_of_many_steps_that_ask_at_once_one_asks(race: Story) -> None:
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


def test_a_decision_and_the_time_out_at_one_moment_leave_one_way_on(race: Story) -> None:
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
        assert faults(case.entries, case.submission.chain, case.texts) == []


def test_of_many_reconcilers_one_starts_an_execution(race: Story) -> None:
    reference = race.submit().reference
    race.deliver()
    race.parts.workflows.end("funding-claim", f"{reference}-r1")  # type: ignore[attr-defined]
    race.parts.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    results = at_once(*[lambda: reconciling.reconcile(race.parts)] * 8)
    assert sum(reference in result.restarted for result in results) == 1  # type: ignore[attr-defined]
    assert race.case(reference).submission.round == 2


def test_a_code_that_is_typed_many_times_at_once_signs_in_once(race: Story) -> None:
    sign_in_id = signing_in.ask_code(race.parts, "lead.kent@example.police.uk")
    race.deliver()
    code = race.parts.mailer.sent[-1].values["code"]  # type: ignore[attr-defined]
    results = at_once(*[lambda: signing_in.enter_code(race.parts, sign_in_id, code)] * 5)
    assert sum(isinstance(result, str) for result in results) == 1


def test_parallel_guesses_use_up_the_tries(race: Story) -> None:
    sign_in_id = signing_in.ask_code(race.parts, "lead.kent@example.police.uk")
    results = at_once(
        *(lambda n=n: signing_in.enter_code(race.parts, sign_in_id, f"{n:06d}") for n in range(20))  # type: ignore[misc]
    )
    assert sum(not isinstance(result, Gone) for result in results) == 5


def test_many_claims_at_once_are_all_stored_and_none_twice(race: Story) -> None:
    results = at_once(*[lambda: race.submit()] * THREADS)
    references = [result.reference for result in results]  # type: ignore[attr-defined]
    assert len(set(references)) == THREADS
    assert sorted(one.reference for one in race.parts.records.waiting()) == sorted(references)
