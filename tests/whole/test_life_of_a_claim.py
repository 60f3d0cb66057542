"""A claim from form to approved on the real thing: HTTP, mails, state machine, outbox, ledger."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.whole.visitor import (
    DEPUTY,
    FINANCE,
    LEAD,
    PROGRAMME,
    Browser,
    Service,
    asked,
    claim,
    decide,
    eventually,
    status_of,
    submit,
    task_link,
)

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("life")]
COSTS = [{"description": "Hall", "category": "venue-hire", "amount_pence": 500_000}]


def shares(service: Service) -> dict[str, int]:
    return dict(service.staff("/api/v1/funds/ptf")["forces"]["kent"])


def test_a_large_claim_is_decided_by_three_and_its_money_committed(service: Service) -> None:
    before = shares(service)
    receipt = submit(service, cost_lines=COSTS)
    reference = receipt["reference"]
    assert reference in service.mail("claimant@example.police.uk", f"{reference}: we have")["text"]

    eventually(lambda: status_of(receipt)["status"] == "in-review")
    shown = status_of(receipt)
    assert (shown["stage"], shown["waiting_for"]) == ("force-lead", "innovation lead")
    assert shown["due"]

    assert decide(service, LEAD, reference, "approve", "Worth it")["status"] == "in-review"
    assert shares(service)["reserved"] == before["reserved"] + 500_000
    told = service.mail("claimant@example.police.uk", f"{reference}: approved by the innovation lead")
    assert "Worth it" in told["text"]

    decide(service, PROGRAMME, reference, "approve")
    assert decide(service, FINANCE, reference, "approve")["status"] == "approved"
    after = shares(service)
    assert (after["reserved"], after["committed"]) == (before["reserved"], before["committed"] + 500_000)
    assert service.mail("claimant@example.police.uk", f"{reference}: your claim is approved")
    assert status_of(receipt)["status"] == "approved"


def test_its_timeline_says_who_did_what_and_what_they_saw(service: Service) -> None:
    receipt = submit(service)
    reference = receipt["reference"]
    decide(service, LEAD, reference, "approve", "Good")
    decide(service, PROGRAMME, reference, "reject", "Too late in the year")
    timeline = service.staff(f"/api/v1/submissions/{reference}/timeline")
    assert timeline["verified"], timeline["faults"]
    told = [(entry["actor"], entry["action"], entry["stage"]) for entry in timeline["entries"]]
    assert told == [
        ("claimant", "submitted", None),
        ("claimant", "confirmed", None),
        ("system", "asked", "force-lead"),
        ("lead-kent", "decided", "force-lead"),
        ("system", "asked", "programme"),
        ("national-programme-manager", "decided", "programme"),
    ]
    submitted, _, _, first, _, second = timeline["entries"]
    assert first["details"]["seen"] == second["details"]["seen"] == submitted["details"]["answers"]
    assert second["comment"] == "Too late in the year"


def test_a_rejection_ends_it_with_the_reason_and_gives_the_money_back(service: Service) -> None:
    before = shares(service)
    receipt = submit(service)
    decide(service, LEAD, receipt["reference"], "approve")
    decide(service, PROGRAMME, receipt["reference"], "reject", "The venue is closed that day")
    told = service.mail("claimant@example.police.uk", f"{receipt['reference']}: your claim was not approved")
    assert "The venue is closed that day" in told["text"]
    shown = status_of(receipt)
    assert (shown["status"], shown["stage"], shown["waiting_for"]) == ("rejected", None, None)
    assert shares(service) == before


def test_a_claimant_who_would_be_asked_is_passed_over_for_the_deputy(service: Service) -> None:
    receipt = submit(service, claimant_email="Lead.Kent@Example.police.uk")
    mail = service.mail(DEPUTY, asked(receipt["reference"]))
    assert "as deputy" in mail["text"]
    assert service.mails(LEAD, asked(receipt["reference"])) == []
    browser = Browser(service.address)
    browser.sign_in(service, LEAD)
    status, refusal = browser.get("/api/v1/tasks/" + task_link(mail["text"]).rpartition("/")[2])
    assert (status, refusal["code"]) == (403, "own-submission")
    assert decide(service, DEPUTY, receipt["reference"], "approve")["status"] == "in-review"


def test_a_claim_beyond_the_cap_cannot_be_approved_and_says_by_how_much(service: Service) -> None:
    line = {"description": "Hall", "category": "venue-hire", "amount_pence": 1_000_001}
    receipt = submit(service, force="essex", cost_lines=[line])
    address = "lead.essex@example.police.uk"
    link = task_link(service.mail(address, asked(receipt["reference"], "essex"))["text"])
    browser = Browser(service.address)
    browser.sign_in(service, address)
    task = "/api/v1/tasks/" + link.rpartition("/")[2]
    seen = browser.get(task)[1]["seen"]
    status, refusal = browser.post_json(task + "/decision", {"decision": "approve", "seen": seen})
    assert (status, refusal["code"]) == (409, "does-not-fit")
    assert "£0.01 too little" in refusal["detail"]
    assert service.staff("/api/v1/funds/ptf")["forces"]["essex"]["reserved"] == 0


def test_the_same_key_makes_one_submission(service: Service) -> None:
    browser = Browser(service.address)
    path = "/api/v1/forms/funding-claim/submissions"
    key = {"Idempotency-Key": '"one-and-the-same"'}
    first = browser.post_json(path, claim(), **key)
    assert first[0] == 201
    assert browser.post_json(path, claim(), **key) == first
    status, refusal = browser.post_json(path, claim(event_title="Another day"), **key)
    assert (status, refusal["code"]) == (422, "key-reused")


def test_two_keys_on_two_lines_are_none(service: Service) -> None:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.putrequest("POST", "/api/v1/forms/funding-claim/submissions")
    body = json.dumps(claim(event_title="With two keys")).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    for name, value in [*headers, ("Idempotency-Key", "one"), ("Idempotency-Key", "two")]:
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (400, "unreadable")
    connection.close()


def test_the_same_without_a_key_is_mailed_its_receipt_again(service: Service) -> None:
    sender = "second.tab@example.police.uk"
    receipt = submit(service, claimant_email=sender, purpose="The same is sent again, and again.")
    first = service.mail(sender, "we have")
    browser = Browser(service.address)
    answers = claim(claimant_email=sender, purpose="The same is sent again, and again.")
    for _ in range(3):
        status, problem = browser.post_json("/api/v1/forms/funding-claim/submissions", answers)
        assert (status, problem["code"]) == (409, "likely-duplicate")
        assert receipt["reference"] not in str(problem)
    second = service.mail(sender, "we have", after=1)
    assert (second["subject"], second["text"]) == (first["subject"], first["text"])
    status, other = browser.post_json("/api/v1/forms/funding-claim/submissions?duplicate_ok=true", answers)
    assert status == 201
    assert other["reference"] != receipt["reference"]
    assert service.mail(sender, other["reference"])
    mailed = [mail["id"] for mail in service.mails(sender, "mail.receipt.")]
    assert sum(".again." in one for one in mailed) in (1, 2), "once an hour"


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/api/v1/forms/no-such/submissions", claim(), {}, 404, "not-found"),
        ("/api/v1/forms/funding-claim/submissions?version=99", claim(), {}, 404, "not-found"),
        ("/api/v1/forms/funding-claim/submissions?version=x", claim(), {}, 400, "unreadable"),
        ("/api/v1/forms/funding-claim/submissions", b"{", {}, 400, "unreadable"),
        ("/api/v1/forms/funding-claim/submissions", b"\xff", {}, 400, "unreadable"),
        ("/api/v1/forms/funding-claim/submissions", b'{"a":1,"a":2}', {}, 400, "unreadable"),
        ("/api/v1/forms/funding-claim/submissions", b"[" * 2000, {}, 400, "unreadable"),
        ("/api/v1/forms/funding-claim/submissions", b"a" * 70_000, {}, 413, "too-large"),
        ("/api/v1/forms/funding-claim/submissions", b"a=b", {"Content-Type": "text/csv"}, 415, None),
        ("/api/v1/forms/funding-claim/submissions", claim(), {"Idempotency-Key": "a b"}, 400, "unreadable"),
        ("/api/v1/forms/funding-claim/submissions", [], {}, 422, "invalid-answers"),
        ("/api/v1/no-such-thing", claim(), {}, 404, None),
        ("/api/v1/tasks/kent.CLM-2222-2222.1/decision", {}, {}, 401, "not-signed-in"),
    ],
)
def test_each_bad_request_has_an_answer_of_its_own(
    service: Service, path: str, body: Any, headers: dict[str, str], status: int, code: str | None
) -> None:
    answered, problem = Browser(service.address).post_json(path, body, **headers)
    assert (answered, problem["status"]) == (status, status)
    assert problem["title"] and problem["detail"]
    assert code is None or problem["code"] == code


def test_every_wrong_field_is_named_at_once(service: Service) -> None:
    wrong = claim(force="atlantis", event_date="2027-02-30", purpose="short", extra=1, declaration=False)
    del wrong["venue_name"]
    status, problem = Browser(service.address).post_json("/api/v1/forms/funding-claim/submissions", wrong)
    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == [
        "/force",
        "/event_date",
        "/venue_name",
        "/purpose",
        "/declaration",
        "/extra",
    ]


def test_staff_paths_are_closed_to_everybody_else(service: Service) -> None:
    reference = submit(service)["reference"]
    for path in (f"/api/v1/submissions/{reference}", f"/api/v1/submissions/{reference}/timeline"):
        assert Browser(service.address).get(path)[0] == 401
        assert Browser(service.address, authorization="Bearer made-up").get(path)[0] == 401
    lead = Browser(service.address)
    lead.sign_in(service, LEAD)
    assert lead.get(f"/api/v1/submissions/{reference}")[0] == 403
    for force, expected in (("kent", 200), ("surrey", 404)):
        coordinator = Browser(service.address)
        coordinator.sign_in(service, f"coordinator.{force}@example.police.uk")
        assert coordinator.get(f"/api/v1/submissions/{reference}")[0] == expected
    mistyped = service.staff(f"/api/v1/submissions/{reference.lower()}")
    assert mistyped["reference"] == reference
