"""Whoever may not decide: what they are told, as a page and as a problem, and that the timeline knows of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from claim_scenes import changed_behind, sent_back
from page_checks import text_of
from website import LEAD, Website, form_fields, heading

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.adapters.dynamodb.tables import HoldingItem
from chalicelib.domain.forms.form import Form
from chalicelib.domain.people.people import Holding, Person
from chalicelib.services.approvals import ending, following_up, reassigning
from chalicelib.services.intake.submitting import Receipt

COORDINATOR = "coordinator.kent@example.police.uk"
OTHER_LEAD = "second.lead.kent@example.police.uk"
LEADS = Holding(role="innovation-lead", at="kent")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Who tries to decide which task, and what they are told."""

    receipt: Receipt
    path: str
    address: str
    status: int
    code: str
    title: str
    says: str


def not_asked(site: Website) -> Scene:
    receipt = site.submit()
    path = site.ask(receipt)
    return Scene(
        receipt=receipt, path=path, address=COORDINATOR, status=403, code="not-asked",
        title="You were not asked to decide this",
        says="Being sent the link does not change that.",
    )  # fmt: skip


def own_claim(site: Website) -> Scene:
    receipt = site.submit(claimant_email="Coordinator.Kent+claims@example.police.uk")
    path = site.ask(receipt)
    return Scene(
        receipt=receipt, path=path, address=COORDINATOR, status=403, code="own-submission",
        title="You cannot decide what you sent in yourself",
        says="This is your own claim. Somebody else decides it.",
    )  # fmt: skip


def decided_earlier_stage(site: Website) -> Scene:
    receipt = site.submit()
    site.ask(receipt)
    site.decide(receipt)
    path = site.ask(receipt)
    return Scene(
        receipt=receipt, path=path, address=LEAD, status=403, code="decided-earlier-stage",
        title="You decided an earlier stage of this",
        says="Somebody else decides this stage.",
    )  # fmt: skip


def decided_by_another(site: Website) -> Scene:
    """Two leads are asked, and one of them is enough."""
    two_leads(site)
    receipt = site.submit()
    site.ask(receipt)
    first, second = site.case(receipt).open_tasks
    loser = OTHER_LEAD if second.person_id == "second-lead-kent" else LEAD
    site.decide(receipt)
    return Scene(
        receipt=receipt, path=f"/tasks/{second.id}", address=loser, status=409, code="decided-by-another",
        title="Somebody else has decided this",
        says=f"{name_of(site, first.person_id)}, innovation lead, approved this claim on",
    )  # fmt: skip


def expired(site: Website) -> Scene:
    receipt = site.submit()
    path = site.ask(receipt)
    due = site.case(receipt).submission.due_at
    assert due is not None
    now = site.parts.now
    site.use(now=lambda: due + timedelta(minutes=1))
    assert following_up.follow_up(site.parts).handed_over == 1
    site.use(now=now)
    return Scene(
        receipt=receipt, path=path, address=LEAD, status=410, code="expired",
        title="The time to decide has run out",
        says="the deputy was asked instead",
    )  # fmt: skip


def reassigned(site: Website) -> Scene:
    receipt = site.submit()
    path = site.ask(receipt)
    lead = site.parts.people.person("lead-kent")
    assert lead is not None
    reassigning.hand_on_task(site.parts, lead, path.removeprefix("/tasks/"), "deputy-kent")
    return Scene(
        receipt=receipt, path=path, address=LEAD, status=410, code="reassigned",
        title="This was handed to somebody else",
        says="They were asked to decide the claim.",
    )  # fmt: skip


def overtaken(site: Website) -> Scene:
    receipt = site.submit()
    path = site.ask(receipt)
    ending.withdraw(site.parts, "kent", receipt.reference)
    return Scene(
        receipt=receipt, path=path, address=LEAD, status=410, code="overtaken",
        title="This has moved on",
        says="This claim no longer waits for you.",
    )  # fmt: skip


WHEN_OPENED = [
    not_asked,
    own_claim,
    decided_earlier_stage,
    decided_by_another,
    expired,
    reassigned,
    overtaken,
]


def already_decided(site: Website) -> Scene:
    receipt = site.submit()
    path = site.ask(receipt)
    site.decide(receipt, "approve")
    return Scene(
        receipt=receipt, path=path, address=LEAD, status=409, code="already-decided",
        title="You have decided this already",
        says="You approved this claim already on",
    )  # fmt: skip


def role_given_up(site: Website) -> Scene:
    receipt = site.submit()
    path = site.ask(receipt)
    HoldingItem(keys.holding(LEADS), "lead-kent").delete()
    return Scene(
        receipt=receipt, path=path, address=LEAD, status=403, code="role-given-up",
        title="You no longer hold the role that decides this",
        says="You are no longer innovation lead.",
    )  # fmt: skip


WHEN_DECIDING = [*WHEN_OPENED, already_decided, role_given_up]


def two_leads(site: Website) -> None:
    """Kent has a second lead, and all leads are asked."""
    lead = Person(id="second-lead-kent", name="Robin Second", address=OTHER_LEAD, roles=(LEADS,))
    DynamoPeople().register([lead])
    site.use(forms=EverybodyAsked(site.parts.forms))


class EverybodyAsked:
    """The forms, with all holders of the first stage's role asked; as many as `quorum` must agree."""

    def __init__(self, forms: Any, quorum: int = 1) -> None:
        self._forms = forms
        self._quorum = quorum

    def form(self, form_id: str, version: int | None = None) -> Form:
        form: Form = self._forms.form(form_id, version)
        first, *rest = form.workflow.stages
        first = replace(first, everyone=True, quorum=self._quorum, without_quorum="reject")
        return replace(form, workflow=replace(form.workflow, stages=(first, *rest)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._forms, name)


def name_of(site: Website, person_id: str) -> str:
    person = site.parts.people.person(person_id)
    assert person is not None
    return person.name


@pytest.mark.parametrize("arrange", WHEN_OPENED, ids=lambda arrange: arrange.__name__)
def test_whoever_opens_what_they_may_not_decide_is_told_why(
    website: Website, arrange: Callable[[Website], Scene]
) -> None:
    scene = arrange(website)
    website.sign_in(scene.address)
    answer = website.get(scene.path)
    assert (answer.status, heading(answer)) == (scene.status, scene.title)
    assert scene.says in text_of(next(answer.page.iter("main")))
    assert "Maidstone" not in answer.text
    assert "Sign out" in answer.text, "they may be signed in as somebody else than they think"
    problem = json.loads(website.get("/api/v1" + scene.path).text)
    assert (problem["status"], problem["code"], problem["title"]) == (scene.status, scene.code, scene.title)
    assert scene.says in problem["detail"]


@pytest.mark.parametrize("arrange", WHEN_DECIDING, ids=lambda arrange: arrange.__name__)
def test_whoever_decides_what_they_may_not_is_refused_and_it_is_in_the_timeline(
    website: Website, arrange: Callable[[Website], Scene]
) -> None:
    scene = arrange(website)
    website.sign_in(scene.address)
    before = website.case(scene.receipt)
    csrf = form_fields(website.get("/away"))["csrf"]
    fields = {"csrf": csrf, "decision": "reject", "comment": "No", "seen": before.seen}
    answer = website.post(scene.path, fields)
    assert (answer.status, heading(answer)) == (scene.status, scene.title)
    assert scene.says in text_of(next(answer.page.iter("main")))
    body = {"decision": "reject", "comment": "No", "seen": before.seen}
    refused = website.send_json(f"/api/v1{scene.path}/decision", json.dumps(body).encode())
    problem = json.loads(refused.text)
    assert (refused.status, problem["code"], problem["title"]) == (scene.status, scene.code, scene.title)
    after = website.case(scene.receipt)
    assert after.submission.status == before.submission.status
    noted = after.entries[len(before.entries) :]
    person = website.parts.people.by_address(scene.address)
    assert person is not None
    assert [(entry.action, entry.actor) for entry in noted] == [("refused", person.id)], "once, not twice"
    assert str(noted[0].details["reason"]).lower() == scene.code.replace("-", "")


def test_of_two_opposite_decisions_the_second_is_told_whose_stands(website: Website) -> None:
    two_leads(website)
    receipt = website.submit()
    website.ask(receipt)
    tasks = {task.person_id: f"/tasks/{task.id}" for task in website.case(receipt).open_tasks}
    website.sign_in(OTHER_LEAD)
    late = form_fields(website.get(tasks["second-lead-kent"]))
    website.cookies.clear()
    website.sign_in(LEAD)
    first = form_fields(website.get(tasks["lead-kent"]))
    assert website.post(tasks["lead-kent"], {**first, "decision": "approve"}).status == 303
    website.cookies.clear()
    website.sign_in(OTHER_LEAD)
    late["csrf"] = form_fields(website.get("/away"))["csrf"]
    answer = website.post(tasks["second-lead-kent"], {**late, "decision": "reject", "comment": "Too dear"})
    assert answer.status == 409
    words = text_of(next(answer.page.iter("main")))
    assert "Innovation lead, Kent Police, innovation lead, approved this claim on" in words
    assert "Your own answer was not recorded." in words
    assert website.case(receipt).submission.approved_by == {"force-lead": ("lead-kent",)}


def test_where_several_are_asked_the_page_says_who_and_how_many_must_agree(website: Website) -> None:
    two_leads(website)
    website.use(forms=EverybodyAsked(website.parts.forms, quorum=2))
    receipt = website.submit()
    website.ask(receipt)
    website.decide(receipt)
    website.sign_in(OTHER_LEAD)
    task = website.case(receipt).open_task
    assert task is not None
    words = text_of(next(website.get(f"/tasks/{task.id}").page.iter("main")))
    assert "Both people who are asked must choose the same." in words
    assert "Innovation lead Approved" in words
    shown = json.loads(website.get(f"/api/v1/tasks/{task.id}").text)
    assert (shown["others"], shown["needed"]) == ([{"role": "innovation lead", "decided": "approved"}], 2)


def test_a_claim_that_changed_is_shown_again_with_what_is_different(website: Website) -> None:
    receipt = website.submit()
    path = website.ask(receipt)
    website.sign_in()
    opened = form_fields(website.get(path))
    changed_behind(website, receipt, venue_name="Ashford Town Hall", expected_attendance=400)
    given = {**opened, "decision": "request-changes", "comment": "Good\n\nvalue", "changes-costs": "kept"}
    answer = website.post(path, given)
    assert answer.status == 409
    assert heading(answer) == f"Decide claim {receipt.reference}"
    words = text_of(next(answer.page.iter("main")))
    assert "The claim changed after it was shown to you." in words
    assert "Venue You were shown Maidstone Town Hall Now Ashford Town Hall" in words
    assert "People expected You were shown 120 Now 400" in words
    again = form_fields(answer)
    assert "decision" not in again, "what was chosen was chosen for other answers"
    assert (again["comment"], again["changes-costs"]) == ("Good\n\nvalue", "kept")
    assert again["seen"] == website.case(receipt).seen != opened["seen"]
    again["changes-costs"] = ""
    assert website.post(path, {**again, "decision": "approve"}).status == 303


def test_a_program_is_told_what_is_different_too(website: Website) -> None:
    receipt = website.submit()
    path = website.ask(receipt)
    website.sign_in()
    seen = json.loads(website.get(f"/api/v1{path}").text)["seen"]
    changed_behind(website, receipt, venue_name="Ashford Town Hall")
    body = json.dumps({"decision": "approve", "seen": seen}).encode()
    problem = json.loads(website.send_json(f"/api/v1{path}/decision", body).text)
    assert (problem["status"], problem["code"]) == (409, "claim-changed")
    change = {"question": "Venue", "before": "Maidstone Town Hall", "after": "Ashford Town Hall"}
    assert problem["changes"] == [change]


def test_after_asking_for_changes_the_task_page_says_what_was_asked(website: Website) -> None:
    receipt = sent_back(website)
    website.sign_in()
    answer = website.get(f"/tasks/kent.{receipt.reference}.1")
    assert heading(answer) == "You asked for changes to this claim"
    words = text_of(next(answer.page.iter("main")))
    assert "What it costs Two quotes for the hall, please." in words
    assert "You get the claim back when they have made them." in words
