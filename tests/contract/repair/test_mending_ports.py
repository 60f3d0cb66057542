"""What the reconciler and the sweeper rest on, in memory and on DynamoDB: set aside, kept runs, tokens, batches; and
the mending of money and workflows on either store."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.adapters.dynamodb import checks, keys
from chalicelib.adapters.dynamodb.checks import RunItem
from chalicelib.adapters.dynamodb.tables import BalanceItem, DeliveryItem, Row, SubmissionItem
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.waits import TokenFor, Wait
from chalicelib.domain.repair.checks import Finding, Found, Run
from chalicelib.services.changes import AddDelivery, KeepToken
from chalicelib.services.delivery import delivering
from chalicelib.services.money import paying
from chalicelib.services.ports import Parts
from chalicelib.services.repair.reconciling import reconcile
from chalicelib.web import background
from tests.builders import MONDAY, REFERENCE, Story, a_cost, a_delivery, a_person, added, changed
from tests.contract.crowd import at_once
from tests.contract.lives import Life, check_money, check_whole

LATER = MONDAY + timedelta(days=1)
RECEIPT = "mail.receipt.1"


# Set aside


def put_aside(parts: Parts, delivery_id: str = RECEIPT, **changes: Any) -> None:
    delivery = a_delivery(delivery_id, **{"force": "kent", **changes})
    parts.outbox.add(delivery)
    assert parts.outbox.set_aside(delivery, error="ConnectionError", at=LATER)


def test_what_is_set_aside_is_neither_due_nor_claimed_but_listed(parts: Parts) -> None:
    put_aside(parts, attempts=12)
    far = LATER + timedelta(days=400)
    assert parts.outbox.due(far, limit=9) == []
    assert parts.outbox.claim(RECEIPT, now=far, until=far + timedelta(seconds=30)) is None
    assert parts.outbox.get(RECEIPT) is None
    (one,) = parts.outbox.all_set_aside(limit=9)
    assert (one.id, one.reference, one.force, one.template) == (RECEIPT, REFERENCE, "kent", "receipt")
    assert (one.attempts, one.error, one.at) == (13, "ConnectionError", LATER)
    assert one.until == LATER + timedelta(days=90)


def test_each_force_has_its_own_and_the_newest_come_first(parts: Parts) -> None:
    for number, force in enumerate(("kent", "essex", "", "kent")):
        delivery = a_delivery(f"mail.receipt.{number}", force=force)
        parts.outbox.add(delivery)
        parts.outbox.set_aside(delivery, error="E", at=LATER + timedelta(minutes=number))
    ids = {
        force: [one.id[-1] for one in parts.outbox.all_set_aside(force=force, limit=9)] for force in FORCES
    }
    assert ids == {"": ["3", "2", "1", "0"], "kent": ["3", "0"], "essex": ["1"], "surrey": []}
    assert [one.id[-1] for one in parts.outbox.all_set_aside(limit=2)] == ["3", "2"]
    assert [one.id[-1] for one in parts.outbox.all_set_aside(force="kent", limit=1)] == ["3"]


FORCES = ("", "kent", "essex", "surrey")


def test_it_is_brought_back_once_as_if_it_had_never_been_tried(parts: Parts) -> None:
    put_aside(parts, attempts=12)
    assert parts.outbox.again(RECEIPT, now=LATER)
    assert not parts.outbox.again(RECEIPT, now=LATER)
    assert parts.outbox.all_set_aside(limit=9) == parts.outbox.all_set_aside(force="kent", limit=9) == []
    assert parts.outbox.due(LATER, limit=9) == [RECEIPT]
    claimed = parts.outbox.claim(RECEIPT, now=LATER, until=LATER + timedelta(seconds=30))
    assert claimed == a_delivery(force="kent")


def test_what_is_done_or_was_never_there_is_neither_set_aside_nor_brought_back(parts: Parts) -> None:
    assert not parts.outbox.again(RECEIPT, now=LATER)
    assert not parts.outbox.set_aside(a_delivery(), error="E", at=LATER)
    assert parts.outbox.force_of(RECEIPT) is None
    parts.outbox.add(a_delivery())
    assert parts.outbox.force_of(RECEIPT) == "", "an earlier release did not say"
    parts.outbox.done(a_delivery(), at=MONDAY)
    assert not parts.outbox.set_aside(a_delivery(), error="E", at=LATER)
    assert not parts.outbox.again(RECEIPT, now=LATER)
    assert parts.outbox.due(LATER, limit=9) == []
    assert parts.outbox.all_set_aside(limit=9) == []


def test_what_is_delivered_by_somebody_slow_after_it_was_set_aside_is_done(parts: Parts) -> None:
    put_aside(parts)
    parts.outbox.done(a_delivery(), at=LATER)
    assert parts.outbox.all_set_aside(limit=9) == parts.outbox.all_set_aside(force="kent", limit=9) == []
    assert not parts.outbox.again(RECEIPT, now=LATER)
    assert parts.outbox.force_of(RECEIPT) == "kent"


def test_a_late_failure_does_not_bring_back_what_was_set_aside(parts: Parts) -> None:
    put_aside(parts)
    parts.outbox.failed(a_delivery(), error="E", again_at=LATER)
    assert parts.outbox.due(LATER + timedelta(days=1), limit=9) == []
    assert len(parts.outbox.all_set_aside(limit=9)) == 1


def test_set_aside_it_is_kept_whole_for_ninety_days_and_brought_back_for_ever(dynamo_parts: Parts) -> None:
    put_aside(dynamo_parts)
    (item,) = Row.scan()
    assert isinstance(item, DeliveryItem)
    assert item.payload == a_delivery().payload
    assert item.ttl == int((LATER + timedelta(days=90)).timestamp())
    dynamo_parts.outbox.again(RECEIPT, now=LATER)
    (item,) = Row.scan()
    assert (item.ttl, item.listed_as, item.listed_at) == (None, None, None)


# Tokens and batches


def test_a_token_is_kept_with_the_wait_that_it_is_of(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    case = parts.records.of("kent").case(REFERENCE)
    assert (case.token, case.token_for, case.is_waited_for) == ("", None, False)
    one, changes = changed(one)
    parts.records.commit([*changes, KeepToken(submission=one, token="first")])
    case = parts.records.of("kent").case(REFERENCE)
    wait = Wait(round=1, stage="force-lead", asked_as=AskedAs.APPROVER, version=1)
    assert (case.token, case.token_for) == ("first", TokenFor(wait=wait, revision=2))
    assert case.is_waited_for
    one, changes = changed(one, asked_as=AskedAs.DEPUTY)
    parts.records.commit(changes)
    assert not parts.records.of("kent").case(REFERENCE).is_waited_for
    one, changes = changed(one)
    other = Wait(round=3, stage="finance", asked_as=AskedAs.CLAIMANT, version=2, sitting=5)
    parts.records.commit([*changes, KeepToken(submission=one, token="second", wait=other)])
    case = parts.records.of("kent").case(REFERENCE)
    assert (case.token, case.token_for) == ("second", TokenFor(wait=other, revision=4))


def test_some_submissions_are_read_with_their_tokens_and_nothing_else(story: Story) -> None:
    references = [story.submit(event_title=f"Day {number}").reference for number in range(120)]
    story.ask(references[7])
    wanted = [("kent", one) for one in references] + [("essex", references[0]), ("kent", "CLM-2222-222M")]
    found = {case.submission.reference: case for case in story.parts.records.some([*wanted, wanted[0]])}
    assert sorted(found) == sorted(references)
    seventh = found[references[7]]
    whole = story.case(references[7])
    assert (seventh.submission, seventh.token, seventh.token_for) == (
        whole.submission,
        whole.token,
        whole.token_for,
    )
    assert (dict(seventh.personal), seventh.tasks, seventh.entries) == ({}, (), ())
    assert list(story.parts.records.some([])) == []


# Kept runs


def a_run(minute: int, **changes: Any) -> Run:
    return Run(**{"at": MONDAY + timedelta(minutes=minute), "looked_at": {"lines": minute}, **changes})


def test_a_run_is_kept_as_it_was(parts: Parts) -> None:
    assert parts.checks.last(limit=9) == []
    finding = Finding(
        found=Found.WRONG_BALANCE, force="kent", reference="ptf", was={"reserved": 5}, now={"reserved": 4}
    )
    run = a_run(1, findings=(finding, Finding(found=Found.LOST, force="kent", reference=REFERENCE)), more=3)
    parts.checks.keep(run)
    assert parts.checks.last(limit=9) == [run]


def test_thirty_runs_are_kept_the_newest_first(parts: Parts) -> None:
    for minute in range(35):
        parts.checks.keep(a_run(minute))
    assert parts.checks.last(limit=99) == [a_run(minute) for minute in range(34, 4, -1)]
    assert parts.checks.last(limit=2) == [a_run(34), a_run(33)]


def test_a_force_is_told_what_the_last_runs_found_there(parts: Parts) -> None:
    kent, essex, fund = (
        Finding(found=Found.LOST, force=force, reference=REFERENCE) for force in ("kent", "essex", "")
    )
    assert parts.checks.last_of(["kent"], limit=30) == ([], 0)
    parts.checks.keep(a_run(0, findings=(kent, essex, fund)))
    parts.checks.keep(a_run(1, findings=(essex,)))
    parts.checks.keep(a_run(2))
    of_kent = Run(at=MONDAY, looked_at={}, findings=(kent,))
    last = Run(at=MONDAY + timedelta(minutes=2), looked_at={})
    assert parts.checks.last_of(["kent"], limit=30) == ([last, of_kent], 3)
    assert parts.checks.last_of(["kent"], limit=2) == ([last], 2)
    assert parts.checks.last_of(["surrey"], limit=30) == ([last], 3)
    runs, _ = parts.checks.last_of(["kent", "essex"], limit=30)
    told = [sorted(one.force for one in run.findings) for run in runs]
    assert told == [[], ["essex"], ["essex", "kent"]]
    for minute in range(3, 33):
        parts.checks.keep(a_run(minute))
    assert parts.checks.last_of(["kent"], limit=30)[0] == [replace(last, at=MONDAY + timedelta(minutes=32))]


def test_a_run_that_was_not_kept_whole_is_not_told(
    dynamo_parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamo_parts.checks.keep(a_run(0))
    found = Finding(found=Found.LOST, force="kent", reference=REFERENCE)
    with monkeypatch.context() as failing:
        failing.setattr(checks, "say_kept", broken)
        with pytest.raises(Unavailable):
            dynamo_parts.checks.keep(a_run(1, findings=(found,)))
    assert dynamo_parts.checks.last_of(["kent"], limit=30) == ([Run(at=MONDAY, looked_at={})], 1)


def broken(*_: object) -> None:
    raise Unavailable("The service is busy.")


def test_two_runs_at_once_are_both_kept_and_runs_end_by_themselves(dynamo_parts: Parts) -> None:
    at_once(*(lambda minute=minute: dynamo_parts.checks.keep(a_run(minute)) for minute in range(16)))
    assert len(dynamo_parts.checks.last(limit=99)) == 16
    assert all(row.ttl for row in Row.scan() if isinstance(row, RunItem))


# Mending


@pytest.fixture
def life(parts: Parts, stock: Callable[..., Parts]) -> Life:
    parts.people.register([a_person("payments", "fund-holder@national")])  # type: ignore[attr-defined]
    return Life(stock(parts))


@pytest.fixture
def dynamo_life(dynamo_parts: Parts, stock: Callable[..., Parts]) -> Life:
    return Life(stock(dynamo_parts))


def kinds(life: Life) -> list[Found]:
    return [one.found for one in reconcile(life.parts).findings if one.found is not Found.UNDELIVERED]


def test_a_claim_is_paid_and_some_of_it_comes_back(life: Life) -> None:
    reference = life.submit().reference
    life.approve_up_to(reference, "none")
    payer = life.person("payments")
    for _ in range(2):
        paying.pay(life.parts, payer, reference, "BACS 42")
    for _ in range(2):
        paying.give_back(life.parts, payer, reference, amount_pence=100, reason="Cheaper", returned_before=0)
    check_whole(life, reference)
    one = life.parts.funds.fund("ptf").balance
    assert (one.committed, one.spent, one.returned) == (0, 600_000, 100)
    life.parts.now.pass_by(hours=1)  # type: ignore[attr-defined]
    life.deliver()
    assert [one for one in kinds(life) if one is not Found.NOT_NEEDED] == []


def test_of_sixteen_payments_at_once_one_is_recorded(dynamo_life: Life) -> None:
    dynamo_life.parts.people.register([a_person("payments", "fund-holder@national")])  # type: ignore[attr-defined]
    reference = dynamo_life.submit().reference
    dynamo_life.approve_up_to(reference, "none")
    payer = dynamo_life.person("payments")
    at_once(
        *(lambda n=n: paying.pay(dynamo_life.parts, payer, reference, f"BACS {n % 3}") for n in range(16))
    )
    check_whole(dynamo_life, reference)
    assert dynamo_life.parts.funds.fund("ptf").balance.spent == 600_000
    assert [entry.action for entry in dynamo_life.case(reference).entries].count("paid") == 1


@pytest.mark.parametrize("sk", ["BALANCE", "SHARE#kent"])
@pytest.mark.parametrize("figure", ["reserved", "available", "spent", "returned", "committed"])
def test_a_wrong_balance_is_mended_in_the_table_once_though_two_look(
    dynamo_life: Life, sk: str, figure: str
) -> None:
    reference = dynamo_life.submit().reference
    dynamo_life.ask(reference)
    dynamo_life.decide(reference)
    dynamo_life.wait(hours=1)
    item = BalanceItem(keys.fund("ptf"), sk)
    item.update(actions=[getattr(BalanceItem, figure).add(-77)])
    results: Any = at_once(*[lambda: reconcile(dynamo_life.parts)] * 3)
    found = [one for done in results for one in done.findings if one.found is Found.WRONG_BALANCE]
    assert [one.was[figure] - one.now[figure] for one in found] == [-77]
    check_money(dynamo_life.parts, [reference])
    assert Found.WRONG_BALANCE not in kinds(dynamo_life)


def test_money_of_a_claim_that_has_ended_is_released_in_the_table_once_though_two_look(
    dynamo_life: Life,
) -> None:
    reference = dynamo_life.submit().reference
    dynamo_life.ask(reference)
    dynamo_life.decide(reference)
    dynamo_life.ask(reference)
    dynamo_life.wait(hours=1)
    item = SubmissionItem(keys.case("kent", reference), keys.SUBMISSION)
    actions = [SubmissionItem.reserved_pence.set(100_000)]
    item.update(actions=actions)
    results: Any = at_once(*[lambda: reconcile(dynamo_life.parts)] * 3)
    found = [one for done in results for one in done.findings if one.found is Found.STILL_HELD]
    assert [(one.was["reserved"], one.now["reserved"]) for one in found] == [(600_000, 100_000)]
    check_money(dynamo_life.parts, [reference])
    assert Found.STILL_HELD not in kinds(dynamo_life)


def test_money_of_a_claim_that_is_gone_is_released_in_the_table(dynamo_life: Life) -> None:
    reference = dynamo_life.submit().reference
    dynamo_life.ask(reference)
    dynamo_life.decide(reference)
    dynamo_life.wait(hours=1)
    for row in list(Row.query(keys.case("kent", reference))):
        row.delete()
    assert Found.STILL_HELD in kinds(dynamo_life)
    assert dynamo_life.parts.funds.fund("ptf").balance.reserved == 0
    check_money(dynamo_life.parts, [])
    assert Found.STILL_HELD not in kinds(dynamo_life)


def test_claims_that_move_while_the_reconciler_looks_are_no_fault(dynamo_life: Life) -> None:
    """Three reconcilers beside eight claims that are approved, committed and withdrawn: nothing was wrong, so nothing
    is found."""
    references = [
        dynamo_life.submit(event_title=f"Day {n}", cost_lines=[a_cost(40_000)]).reference for n in range(8)
    ]

    def live(reference: str) -> None:
        dynamo_life.ask(reference)
        dynamo_life.decide(reference)
        dynamo_life.ask(reference)
        dynamo_life.decide(reference)
        dynamo_life.withdraw(reference)

    found: list[Found] = []

    def look() -> None:
        for _ in range(6):
            found.extend(one.found for one in reconcile(dynamo_life.parts).findings)

    lived = at_once(*(lambda one=one: live(one) for one in references), *[look] * 3)[: len(references)]
    assert None in lived, "not one went its whole way"
    money = {Found.STILL_HELD, Found.WRONG_BALANCE, Found.WRONG_HELD, Found.NOT_HELD, Found.COULD_NOT}
    assert not money & set(found)
    check_money(dynamo_life.parts, references)


# Streams in any order


@pytest.fixture
def wired(parts: Parts, stock: Callable[..., Parts]) -> Parts:
    wiring.use(stock(parts))
    yield parts  # type: ignore[misc]
    wiring.use(None)


def records(ids: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "eventName": "INSERT",
            "dynamodb": {"NewImage": {"delivery": {"S": one}}, "SequenceNumber": f"{number:06d}"},
        }
        for number, one in enumerate(ids)
    ]


STRANGE: list[Any] = [
    {"eventName": "REMOVE", "dynamodb": {"OldImage": {"delivery": {"S": "x"}}, "SequenceNumber": "1"}},
    {"eventName": "MODIFY", "dynamodb": {"NewImage": {"kind": {"S": "entry"}}, "SequenceNumber": "2"}},
    {"eventName": "INSERT", "dynamodb": {"NewImage": {"delivery": {"N": "5"}}, "SequenceNumber": "3"}},
    {"eventName": "INSERT", "dynamodb": {"NewImage": None, "SequenceNumber": "4"}},
    {"eventName": "INSERT", "dynamodb": {"NewImage": {"delivery": {"S": "nobody-knows"}}}},
    {"eventName": "INSERT"},
    {},
]


@pytest.mark.parametrize("seed", range(4))
def test_in_whatever_order_and_however_often_a_batch_comes_each_effect_is_one(
    wired: Parts, seed: int
) -> None:
    chance = random.Random(seed)
    story = Story(wired)
    references = [story.submit(event_title=f"Day {number}").reference for number in range(6)]
    ids = [f"start.{one}-r1" for one in references] + [f"mail.receipt.{one}" for one in references]
    batch = records(ids) * 3 + STRANGE * 2
    if seed == 0:
        batch.reverse()
    else:
        chance.shuffle(batch)
    cut = chance.randrange(len(batch))
    parts = (batch[:cut], batch[cut:])

    def relayed(records_: list[Any]) -> None:
        answer = background.relay_mail({"Records": records_}, None)
        assert answer == {"batchItemFailures": []}

    wired.now.pass_by(minutes=5)  # type: ignore[attr-defined]
    swept = [lambda: delivering.sweep(wired)] * 2
    at_once(*(lambda one=one: relayed(one) for one in (*parts, batch)), *swept)
    for _ in range(3):
        story.deliver()
    sent = sorted(mail.notification_id for mail in wired.mailer.sent)  # type: ignore[attr-defined]
    assert sent == sorted(one for one in ids if one.startswith("mail."))
    assert wired.workflows.running("funding-claim") == {f"{one}-r1" for one in references}
    assert wired.outbox.due(wired.now() + timedelta(days=9), limit=99) == []


def test_one_that_fails_is_named_by_each_of_its_numbers_and_what_is_strange_by_none(wired: Parts) -> None:
    for one in ("mail.receipt.good", "mail.receipt.bad"):
        payload = {} if one.endswith("bad") else GOOD
        wired.records.commit([AddDelivery(delivery=a_delivery(one, payload=payload, due_at=wired.now()))])
    batch = [*STRANGE, *records(["mail.receipt.good", "mail.receipt.bad", "mail.receipt.bad"])]
    answer = background.relay_mail({"Records": batch}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "000001"}, {"itemIdentifier": "000002"}]}
    assert [mail.notification_id for mail in wired.mailer.sent] == ["mail.receipt.good"]  # type: ignore[attr-defined]
    assert background.relay_mail({}, None) == {"batchItemFailures": []}


GOOD = {
    "template": "withdrawn",
    "to": "a@example.org",
    "values": {"reference": "r", "title": "t", "noun": "claim", "total": "£1", "status_url": "https://x"},
}
