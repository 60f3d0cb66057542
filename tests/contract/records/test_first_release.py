"""What the first release stored is still read and goes on: items without the attributes that came since."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import botocore.session
import pytest

from chalicelib.adapters.aws.macs import KeyedMacs, key_of
from chalicelib.adapters.dynamodb import tables
from chalicelib.adapters.dynamodb.upgrade import bring_up_to_date
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.errors import NotAsWritten
from chalicelib.domain.forms.answers import fingerprint
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.money.fund import Held, Kind
from chalicelib.domain.records.submissions import Status, TaskState
from chalicelib.domain.records.timeline import Chain, Entry
from chalicelib.services.approvals import ending
from chalicelib.services.changes import ChangeRefused, MoveMoney
from chalicelib.services.ports import Parts
from chalicelib.services.records import trail
from tests.builders import (
    MAC_KEY,
    MONDAY,
    PERSONAL,
    REFERENCE,
    Story,
    a_delivery,
    a_movement,
    a_submission,
)

DUE = MONDAY + timedelta(days=7, microseconds=5)
PK = f"FORCE#kent#{REFERENCE}"


def text(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


def typed(value: object) -> dict[str, Any]:
    if isinstance(value, list):
        return {"L": [{"M": {name: typed(text) for name, text in one.items()}} for one in value]}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


@pytest.fixture
def put(dynamo_parts: Parts, dynamodb: str) -> Callable[..., None]:
    """Puts an item as it is, by botocore alone."""
    client = botocore.session.get_session().create_client("dynamodb", endpoint_url=dynamodb)

    def put_item(pk: str, sk: str, kind: str, **attributes: Any) -> None:
        item = {"pk": pk, "sk": sk, "kind": kind, **attributes}
        client.put_item(
            TableName=tables.Row.Meta.table_name, Item={name: typed(value) for name, value in item.items()}
        )

    return put_item


def an_old_submission(**changes: Any) -> dict[str, Any]:
    """The attributes with which the first release stored a claim."""
    one = a_submission()
    found = {
        "reference": REFERENCE,
        "form": "funding-claim",
        "form_version": 1,
        "force": "kent",
        "status": "in-review",
        "stage": "programme",
        "asked_as": "approver",
        "round": 1,
        "revision": 4,
        "submitted_at": text(MONDAY),
        "changed_at": text(MONDAY),
        "answers": json.dumps(one.answers),
        "amount_pence": 600_000,
        "waiting_for": "programme-manager",
        "due_kind": "SUBMISSION",
        "due_at": text(DUE),
        "tasks": 2,
        "approved_by": json.dumps({"force-lead": "lead-kent"}),
        "chain_length": 0,
        "chain_head": "0" * 64,
    } | changes
    return {name: value for name, value in found.items() if value is not None}


def an_old_task(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "force": "kent",
        "reference": REFERENCE,
        "number": number,
        "stage": "programme",
        "asked_as": "approver",
        "person_id": "programme",
        "role": "programme-manager",
        "asked_at": text(MONDAY),
        "decide_by": text(DUE),
        "state": "open",
        **changes,
    }


def put_claim(put: Callable[..., None], **changes: Any) -> None:
    put(PK, "SUBMISSION", "submission", **an_old_submission(**changes))
    put(PK, "PERSONAL", "personal", answers=json.dumps(PERSONAL))
    put(f"REFERENCE#{REFERENCE}", "-", "reference", force="kent")


def put_timeline(put: Callable[..., None]) -> None:
    """A claim that the lead approved and the programme was asked about, with its timeline."""
    one = a_submission()
    seen = fingerprint(REFERENCE, "funding-claim", 1, {**one.answers, **PERSONAL})
    told: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("submitted", "", {"form": "funding-claim.v1", "amount_pence": 600_000, "answers": seen}),
        ("asked", "force-lead", {"person": "lead-kent", "role": "innovation-lead", "task": 1}),
        ("decided", "force-lead", {"decision": "approve", "task": 1, "seen": seen}),
        ("asked", "programme", {"person": "programme", "role": "programme-manager", "task": 2}),
    )
    chain = Chain()
    for place, (action, stage, details) in enumerate(told):
        entry = Entry(
            sequence=place, at=MONDAY, actor="a", role="r", action=action, stage=stage, details=details
        )
        chain, entry = chain.append(entry)
        put(
            PK,
            f"ENTRY#{place:06d}",
            "entry",
            **{"sequence": place, "at": text(MONDAY), "actor": "a", "role": "r", "action": action},
            **({"stage": stage} if stage else {}),
            **{"details": json.dumps(details), "previous": entry.previous, "hash": entry.hash},
        )
    put_claim(put, chain_length=chain.length, chain_head=chain.head)
    lead = {"stage": "force-lead", "person_id": "lead-kent", "role": "innovation-lead", "state": "decided"}
    put(PK, "TASK#0001", "task", **an_old_task(1, **lead, decision="approve", seen=seen))
    put(PK, "TASK#0002", "task", **an_old_task(2))


def put_money(put: Callable[..., None], state: str = "reserved", amount: int = 600_000) -> None:
    """The fund as the first release left it, with one claim of Kent."""
    for sk, total in (("BALANCE", 2_000_000), ("SHARE#kent", 1_000_000)):
        named = {"name": "the Police Transformation Fund"} if sk == "BALANCE" else {}
        figures = {"reserved": 0, "committed": 0, "spent": 0, "returned": 0} | {state: amount}
        put("FUND#ptf", sk, "balance", total=total, available=total - amount, **figures, **named)
    put("LEDGER#ptf", f"RESERVATION#{REFERENCE}", "reservation", amount_pence=amount, state=state)


def test_a_submission_is_read_as_it_stood(dynamo_parts: Parts, put: Callable[..., None]) -> None:
    put_claim(put)
    one = dynamo_parts.records.of("kent").case(REFERENCE).submission
    assert one == a_submission(
        status=Status.IN_REVIEW,
        stage="programme",
        revision=4,
        waiting_for="programme-manager",
        due_at=DUE,
        next_at=DUE,
        tasks=2,
        approved_by={"force-lead": ("lead-kent",)},
        reserved_pence=600_000,
    )
    assert (one.version, one.reminded, one.undo, one.moved_to) == (1, 0, None, "")


@pytest.mark.parametrize(
    ("status", "approved_by", "held"),
    [
        ("submitted", {}, Held()),
        ("in-review", {}, Held()),
        ("in-review", {"force-lead": "lead-kent", "programme": "programme"}, Held(reserved=600_000)),
        ("approved", {"force-lead": "lead-kent", "programme": "programme"}, Held(committed=600_000)),
        ("rejected", {"force-lead": "lead-kent"}, Held()),
    ],
)
def test_what_is_held_for_it_follows_from_how_it_stands(
    dynamo_parts: Parts, put: Callable[..., None], status: str, approved_by: dict[str, str], held: Held
) -> None:
    is_open = status in ("submitted", "in-review")
    due = {} if is_open else {"due_kind": None, "due_at": None, "waiting_for": None}
    put_claim(put, status=status, approved_by=json.dumps(approved_by), **due)
    one = dynamo_parts.records.of("kent").case(REFERENCE).submission
    assert Held(reserved=one.reserved_pence, committed=one.committed_pence) == held
    assert one.approved_by == {stage: (person,) for stage, person in approved_by.items()}
    assert (one.due_at, one.next_at) == ((DUE, DUE) if is_open else (None, None))


def test_tasks_and_texts_are_read(dynamo_parts: Parts, put: Callable[..., None]) -> None:
    put_claim(put)
    put(PK, "TASK#0001", "task", **an_old_task(1, state="overtaken"))
    done = {"state": "decided", "decision": "approve", "decided_at": text(DUE), "seen": "s"}
    put(PK, "TASK#0002", "task", **an_old_task(2, asked_as="deputy", **done))
    put(PK, "TEXT#000003", "text", sequence=3, words="Da iawn", salt="salt")
    case = dynamo_parts.records.of("kent").case(REFERENCE)
    assert [task.state for task in case.tasks] == [TaskState.OVERTAKEN, TaskState.DECIDED]
    assert {(task.version, task.ended_by, task.stands_in_for) for task in case.tasks} == {(1, 0, "")}
    assert (case.tasks[1].asked_as, case.tasks[1].decided_at) == (AskedAs.DEPUTY, DUE)
    assert (case.texts[3].words, dict(case.texts[3].parts)) == ("Da iawn", {})


def test_it_is_found_among_what_waits_but_not_in_the_force_s_list(
    dynamo_parts: Parts, put: Callable[..., None]
) -> None:
    put_claim(put, asked_as="deputy")
    (waiting,) = dynamo_parts.records.due(DUE)
    assert (waiting.reference, waiting.turn) == (REFERENCE, AskedAs.DEPUTY)
    assert dynamo_parts.records.of("kent").newest("funding-claim", limit=5) == []


@pytest.mark.parametrize(("kind", "state"), [(Kind.COMMIT, "reserved"), (Kind.CANCEL, "committed")])
def test_what_was_held_can_be_moved_once_and_only_as_much(
    dynamo_parts: Parts, put: Callable[..., None], kind: Kind, state: str
) -> None:
    put_money(put, state)

    def move(amount: int, revision: int, **changes: Any) -> None:
        movement = a_movement(kind, amount, revision=revision, **changes)
        dynamo_parts.records.commit([MoveMoney(movement=movement)])

    for wrong in (
        {"amount": 599_999},
        {"amount": 100, "before": Held(reserved=600_000, committed=600_000)},
        {"amount": 100, "before": Held(reserved=100, committed=100)},
    ):
        with pytest.raises(ChangeRefused):
            move(revision=7, **wrong)  # type: ignore[arg-type]
    move(600_000, 8)
    with pytest.raises(ChangeRefused):
        move(600_000, 9)
    balance = dynamo_parts.funds.fund("ptf").balance
    assert (balance.reserved, balance.committed) == ((0, 600_000) if kind is Kind.COMMIT else (0, 0))


def test_a_claim_that_is_on_its_way_goes_on_to_its_end(
    dynamo_parts: Parts, put: Callable[..., None], stock: Callable[..., Parts]
) -> None:
    """Its timeline has no MACs up to where this release goes on."""
    story = Story(stock(dynamo_parts))
    put_money(put)
    put_timeline(put)
    with pytest.raises(NotAsWritten):
        story.decide(REFERENCE)  # to a service that says it has always sealed, it is forged
    macs = KeyedMacs([key_of(MAC_KEY)], since=MONDAY + timedelta(hours=1))
    clock: Any = story.parts.now
    clock.at = MONDAY + timedelta(hours=2)
    story.parts = replace(story.parts, macs=macs)
    story.decide(REFERENCE)
    case = story.case(REFERENCE)
    assert (case.submission.stage, case.submission.reserved_pence) == ("finance", 600_000)
    assert case.submission.approved_by == {"force-lead": ("lead-kent",), "programme": ("programme",)}
    assert trail.faults_of(story.parts, case, case.entries) == []
    assert [bool(entry.mac) for entry in case.entries] == [False] * 4 + [True]
    story.ask(REFERENCE)
    story.decide(REFERENCE)
    fund = story.parts.funds.fund("ptf")
    assert (fund.balance.reserved, fund.balance.committed) == (0, 600_000)
    ending.withdraw(story.parts, "kent", REFERENCE)
    assert story.parts.funds.fund("ptf").balance.available == 2_000_000


def test_a_delivery_without_a_claim_on_it_is_delivered(dynamo_parts: Parts, put: Callable[..., None]) -> None:
    old = {
        "delivery": "mail.receipt.1",
        "lane": "mail",
        "what": "mail",
        "reference": REFERENCE,
        "attempts": 1,
    }
    payload = json.dumps(a_delivery().payload)
    dates = {"starts_at": text(MONDAY), "due_at": text(MONDAY), "due_kind": "DELIVERY"}
    put("DELIVERY#mail.receipt.1", "-", "delivery", payload=payload, **old, **dates)
    found: Delivery | None = dynamo_parts.outbox.claim("mail.receipt.1", now=DUE, until=DUE)
    assert found == a_delivery(attempts=1)


def test_its_open_tasks_are_found_by_force_once_the_table_is_brought_up_to_date(
    dynamo_parts: Parts, put: Callable[..., None]
) -> None:
    put_claim(put)
    put(PK, "TASK#0001", "task", **an_old_task(1, state="decided"))
    put(PK, "TASK#0002", "task", **an_old_task(2))
    kent = dynamo_parts.records.of("kent")
    for _ in range(2):
        bring_up_to_date()
        assert [task.number for task in kent.asked_of("programme", limit=5)] == [2]


def test_people_and_who_has_left_are_found_by_place_once_the_table_is_brought_up_to_date(
    dynamo_parts: Parts, put: Callable[..., None]
) -> None:
    roles = {"roles": [{"role": "coordinator", "at": "kent"}, {"role": "innovation-lead", "at": "essex"}]}
    listed = {"listed_as": "PEOPLE", "listed_at": text(datetime(1970, 1, 1, tzinfo=timezone.utc))}
    put("PERSON#ann", "-", "person", name="Ann", address="ann@example.org", **roles, **listed)
    moments = dict.fromkeys(("ends_at", "said_at", "left_at", "listed_at", "done_at"), text(MONDAY))
    said = {"name": "Bob", "last_day": "2027-01-11", "reason": "A new post", "said_by": "zoe"}
    put("PERSON#bob", "LEAVING", "leaving", listed_as="LEFT", **said, **moments, **roles)
    for _ in range(2):
        bring_up_to_date()
        for place in ("kent", "essex"):
            (ann,), _after = dynamo_parts.leavings.people_at(place, after="", limit=5)
            (bob,) = dynamo_parts.leavings.left(place, limit=5)
            assert (ann.person.id, bob.person_id) == ("ann", "bob")
        assert dynamo_parts.leavings.people_at("surrey", after="", limit=5) == ([], "")


def test_a_force_finds_earlier_runs_once_the_table_is_brought_up_to_date(
    dynamo_parts: Parts, put: Callable[..., None]
) -> None:
    put("CHECKS", "COUNTED", "runs", number=31)
    finding = {"found": "lost", "force": "kent", "reference": REFERENCE, "was": {}, "now": {}}
    for slot, at, findings in ((0, 30, [finding]), (1, 31, []), (29, 29, [finding])):
        report = json.dumps({"looked_at": {"lines": 1}, "findings": findings, "more": 0})
        put("CHECKS", f"RUN#{slot:02d}", "run", at=text(MONDAY + timedelta(hours=at)), report=report)
    national = dynamo_parts.checks.last(limit=30)
    for _ in range(2):
        bring_up_to_date()
        runs, made = dynamo_parts.checks.last_of(["kent"], limit=30)
        assert [(run.at, len(run.findings)) for run in runs] == [
            (MONDAY + timedelta(hours=hours), count) for hours, count in ((31, 0), (30, 1), (29, 1))
        ]
        assert made == 30
        assert dynamo_parts.checks.last(limit=30) == national
