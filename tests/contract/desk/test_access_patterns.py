"""How many calls each question and change costs, as docs/data-model.md has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.tables import shared_connection
from chalicelib.domain.errors import LikelyDuplicate
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.people.leaving import Leaving
from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.domain.people.people import Person
from chalicelib.domain.people.person_changes import PersonChange, What
from chalicelib.domain.records.submissions import Status
from chalicelib.domain.repair.checks import Finding, Found, Run
from chalicelib.services.approvals import amending, deciding, ending, reassigning, task_view
from chalicelib.services.changes import AddTask
from chalicelib.services.delivery import setting_aside
from chalicelib.services.desk import listing, overview, staff_actions
from chalicelib.services.desk.listing import Wanted
from chalicelib.services.ideas import publishing
from chalicelib.services.intake import confirming, submitting
from chalicelib.services.people import register, signing_in
from chalicelib.services.people.register import PeopleView
from chalicelib.services.ports import Parts
from chalicelib.services.records import status_view
from chalicelib.services.repair import findings, reconciling
from tests.builders import (
    MONDAY,
    a_cost,
    a_person,
    a_submission,
    a_task,
    added,
    claim_answers,
    the_people,
)
from tests.contract.lives import Life


class Counted:
    """Counts the calls to DynamoDB, by operation."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._events = shared_connection().client.meta.events
        self._events.register("provide-client-params.dynamodb", self._note)

    def end(self) -> None:
        self._events.unregister("provide-client-params.dynamodb", self._note)

    def of(self, act: Callable[..., object], *arguments: object, **named: object) -> int:
        """How many calls it takes."""
        self.calls.clear()
        act(*arguments, **named)
        assert "Scan" not in self.calls
        return len(self.calls)

    def _note(self, model: Any, **_: Any) -> None:
        self.calls.append(model.name)


@pytest.fixture
def life(dynamo_parts: Parts, stock: Callable[..., Parts]) -> Life:
    return Life(stock(dynamo_parts)).may_undo()


@pytest.fixture
def counted(life: Life) -> Iterator[Counted]:
    made = Counted()
    yield made
    made.end()


def at_the_next_date(life: Life, reference: str) -> None:
    life.parts.now.at = life.case(reference).submission.next_at  # type: ignore[attr-defined]


def test_a_claim_on_its_way_costs_as_many_calls_as_the_data_model_says(life: Life, counted: Counted) -> None:
    parts = life.parts
    assert counted.of(life.submit, key="key") == 1
    (waiting,) = parts.records.waiting()
    reference = waiting.reference
    assert counted.of(life.ask, reference) <= 1 + 6, "the first reads what the state machine knows"
    case = life.case(reference)
    task = case.open_task
    assert task is not None
    assert counted.of(task_view.task_view, parts, "lead-kent", task.id) == 3
    at_the_next_date(life, reference)
    assert counted.of(life.follow_up) == 2 + 4
    at_the_next_date(life, reference)
    assert counted.of(life.follow_up) <= 2 + 7
    coordinator = parts.people.person("coordinator-kent")
    assert counted.of(reassigning.hand_on_submission, parts, coordinator, reference, "lead-kent") <= 7

    def decide(decision: str) -> int:
        case = life.case(reference)
        task = case.open_task
        assert task is not None
        given = {"decision": decision, "comment": "Because", "seen": case.seen}
        return counted.of(deciding.decide, parts, "lead-kent", task.id, **given)

    task_id = life.task_id(reference)
    assert decide("approve") <= 4
    assert counted.of(deciding.undo, parts, "lead-kent", task_id) == 2
    assert decide("request-changes") <= 4
    life.wait(minutes=11)
    answers = life.case(reference).answers
    changed = {**answers, "cost_lines": [a_cost(400_000)]}
    assert counted.of(amending.amend_view, parts, "kent", reference) == 1
    assert counted.of(amending.amend, parts, "kent", reference, changed, version=1) == 2
    life.ask(reference)
    assert counted.of(ending.withdraw, parts, "kent", reference) == 3


def test_looking_at_claims_and_signing_in_cost_as_many_calls_as_the_data_model_says(
    life: Life, counted: Counted
) -> None:
    parts = life.parts
    reference = life.submit().reference
    life.deliver()
    token = parts.links.status_token("kent", reference)
    assert counted.of(status_view.status_of, parts, token) == 1
    for person_id, calls in (("coordinator-kent", 1), ("national-coordinator", 2)):
        person = life.person(person_id)
        assert counted.of(status_view.submission_for, parts, person, reference) == calls
        assert counted.of(status_view.stuck_for, parts, person) == 1, "nothing is stuck"
    assert counted.of(reconciling.reconcile, parts) == 12, "all is in order, and there is no root yet"
    known = counted.of(signing_in.ask_code, parts, "lead.kent@example.police.uk")
    again = counted.of(signing_in.ask_code, parts, "lead.kent@example.police.uk")
    assert known == again == counted.of(signing_in.ask_code, parts, "nobody@example.police.uk") == 4
    assert counted.of(signing_in.ask_claimant_code, parts, "kent", reference) == 3


def test_a_likely_duplicate_costs_as_many_calls_as_the_data_model_says(life: Life, counted: Counted) -> None:
    form, answers = life.parts.forms.form("funding-claim"), claim_answers()
    proved = [mailbox_of(answers["claimant_email"])]

    def sent_again(**given: Any) -> None:
        with pytest.raises(LikelyDuplicate):
            submitting.submit(life.parts, form, answers, **given)

    receipt = submitting.submit(life.parts, form, answers)
    assert counted.of(sent_again) == 2 + 4, "the pair and the refusal; then it waits for its code"
    (pair,) = life.parts.accounts.pairs(proved)
    confirming.confirm(life.parts, "kent", receipt.reference, life.parts.seals.code(pair))
    assert counted.of(sent_again, proved=proved) == 1 + 3, "the refusal; then the receipt goes again"


def test_lists_and_the_desk_cost_as_many_calls_as_the_data_model_says(life: Life, counted: Counted) -> None:
    parts = life.parts
    receipts = [life.submit() for _ in range(3)]
    life.ask(receipts[0].reference)
    forms = len(parts.forms.all())
    for person_id in ("coordinator-kent", "national-coordinator"):
        person = life.person(person_id)

        def listed(calls: int, limit: int = 2, *, by: Person = person, **wanted: Any) -> None:
            cost = counted.of(listing.submissions, parts, by, Wanted(**wanted), limit=limit)
            assert cost == calls, (by.id, wanted)

        listed(forms)
        listed(1, form="funding-claim")
        listed(forms, status="in-review")
        listed(1, form="funding-claim", stage="force-lead", overdue=True)
        listed(forms + 1, assignee="lead-kent")
        listed(1 if person_id == "coordinator-kent" else 2, q=receipts[0].reference)
    coordinator = parts.people.person("coordinator-kent")
    assert counted.of(staff_actions.note, parts, coordinator, receipts[0].reference, "A note") == 2
    assert counted.of(staff_actions.chase, parts, coordinator, receipts[0].reference) == 4
    kent, national = (parts.people.person(one) for one in ("coordinator-kent", "national-coordinator"))
    assert counted.of(publishing.count_ideas, parts) == 2, "what is kept, what is published"
    for person in (kent, national):
        assert counted.of(overview.desk_for, parts, person) == 1 + 1 + 1, "what is open, the tasks, the fund"


@pytest.fixture
def rows_read() -> Iterator[list[int]]:
    """How many rows each query looked at, whether or not it gave them back."""
    found: list[int] = []
    events = shared_connection().client.meta.events

    def note(parsed: dict[str, Any], **_: Any) -> None:
        found.append(parsed["ScannedCount"])

    events.register("after-call.dynamodb.Query", note)
    yield found
    events.unregister("after-call.dynamodb.Query", note)


def test_the_lists_of_a_force_read_no_row_of_another_force(life: Life, rows_read: list[int]) -> None:
    parts = life.parts
    own = life.submit().reference
    life.ask(own)
    kent = life.person("coordinator-kent")

    def look() -> dict[str, int]:
        counts = {}
        for name, act in (
            ("stuck", lambda: status_view.stuck_for(parts, kent)),
            ("desk", lambda: overview.desk_for(parts, kent)),
            ("list", lambda: listing.submissions(parts, kent, Wanted(), limit=25)),
            ("overdue", lambda: listing.submissions(parts, kent, Wanted(overdue=True), limit=25)),
            ("assignee", lambda: listing.submissions(parts, kent, Wanted(assignee="lead-kent"), limit=25)),
            ("set aside", lambda: setting_aside.all_for(parts, kent)),
        ):
            rows_read.clear()
            act()
            counts[name] = sum(rows_read)
        return counts

    before = look()
    assert before["stuck"] == 1
    for number in range(30):
        one = a_submission(
            reference=f"CLM-ESSX-{number:04d}", force="essex", status=Status.IN_REVIEW,
            asked_as=AskedAs.COORDINATORS, waiting_for="coordinator", due_at=MONDAY,
        )  # fmt: skip
        parts.records.commit(added(one)[1])
    assert look() == before


def test_the_people_of_a_force_read_no_row_of_another_force(life: Life, rows_read: list[int]) -> None:
    parts = life.parts
    kent, national = life.person("coordinator-kent"), life.person("national-coordinator")
    left_kent = leave(parts, a_person("gone-kent", "innovation-lead@kent"), MONDAY)

    def look() -> tuple[PeopleView, int]:
        rows_read.clear()
        found = register.people_for(parts, kent)
        return found, sum(rows_read)

    before = look()
    parts.people.register([a_person(f"essex-{number:03d}", "innovation-lead@essex") for number in range(120)])  # type: ignore[attr-defined]
    for number in range(60):
        leave(parts, a_person(f"gone-{number:02d}", "innovation-lead@essex"), MONDAY + timedelta(days=1))
    assert look() == before
    assert before[0].left == (left_kent,)
    pages = [register.people_for(parts, national)]
    while pages[-1].next:
        pages.append(register.people_for(parts, national, cursor=pages[-1].next))
    assert [len(one.people) for one in pages] == [100, len(the_people()) + 20]
    ids = {one.person.id for view in pages for one in view.people}
    assert len(ids) == len(the_people()) + 120
    assert len(pages[0].left) == 50
    (only,) = register.people_for(parts, national, "kent").left
    assert only == left_kent


def test_the_checks_of_a_force_read_no_row_of_another_force(life: Life, rows_read: list[int]) -> None:
    parts = life.parts
    kent = life.person("coordinator-kent")

    def keep(minute: int, *forces: str) -> None:
        found = tuple(Finding(found=Found.LOST, force=force, reference="CLM-2222-222M") for force in forces)
        parts.checks.keep(Run(at=MONDAY + timedelta(minutes=minute), looked_at={"lines": 1}, findings=found))

    def look() -> tuple[int, int]:
        rows_read.clear()
        runs = findings.checks_for(parts, kent).runs
        return sum(len(run.findings) for run in runs), sum(rows_read)

    keep(0, "kent", "essex")
    before = look()
    assert before == (1, 1)
    for minute in range(1, 20):
        keep(minute, "essex", "surrey")
    assert look() == before


def leave(parts: Parts, person: Person, at: datetime) -> Leaving:
    """Register somebody who leaves at once."""
    parts.people.register([person])  # type: ignore[attr-defined]
    said = Leaving(
        person_id=person.id, name=person.name, last_day=at.date(), ends_at=at, reason="A new post", said_by="zoe",
        said_at=at,
    )  # fmt: skip
    change = PersonChange(id="1", person_id=person.id, at=at, actor="zoe", what=What.LEAVING_SAID)
    assert parts.leavings.say(said, change, instead_of=None)
    left = replace(said, left_at=at, roles=person.roles)
    assert parts.leavings.end_roles(left, person, replace(change, id="2", what=What.LEFT))
    return left


def test_what_a_person_is_asked_elsewhere_is_not_read_for_a_force(life: Life, rows_read: list[int]) -> None:
    parts = life.parts
    kent = life.person("coordinator-kent")
    parts.records.commit([AddTask(task=a_task(person_id="programme"))])

    def look() -> int:
        rows_read.clear()
        listing.submissions(parts, kent, Wanted(assignee="programme"), limit=25)
        listing.name_of_asked(parts, kent, "programme")
        return sum(rows_read)

    before = look()
    for number in range(30):
        elsewhere = a_task(reference=f"CLM-ESSX-{number:04d}", force="essex", person_id="programme")
        parts.records.commit([AddTask(task=elsewhere)])
    assert look() == before
