"""The JSON API: what each path answers, to whom, and in which shape it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from website import LEAD, Answer, Website, a_claim, forged

PATH = "/api/v1/forms/funding-claim/submissions"
COORDINATOR = "coordinator.kent@example.police.uk"
NATIONAL = "coordinator@example.org"
PROGRAMME = "programme.manager@example.org"


def body(answer: Answer) -> Any:
    return json.loads(answer.text)


def problem(answer: Answer) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    found = body(answer)
    assert found["status"] == answer.status
    assert {"type", "title", "detail"} <= set(found)
    return answer.status, found["code"]


def post(website: Website, path: str, content: Any, **headers: str) -> Answer:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return website.send_json(path, raw, **headers)


def test_health_names_each_part(website: Website) -> None:
    answer = website.get("/health")
    assert answer.status == 200
    assert body(answer)["parts"] == {"database": "ok", "forms": "ok", "workflows": "ok", "mail": "ok"}


def broken(*_: object) -> None:
    raise ConnectionError("the address of somebody")


def test_health_fails_with_the_part_that_fails_and_tells_nobody_why(
    website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(website.parts.mailer), "check", broken)
    answer = website.get("/health")
    assert answer.status == 503
    assert body(answer)["status"] == "failing"
    assert body(answer)["parts"] == {"database": "ok", "forms": "ok", "workflows": "ok", "mail": "failing"}


def test_staff_and_the_monitor_see_what_fails_now(website: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    website.use(probe_key="p" * 43)
    assert website.get("/health").status == 200
    monkeypatch.setattr(type(website.parts.mailer), "check", broken)
    assert website.get("/health").status == 200, "found less than ten seconds ago"
    by_monitor = website._ask("GET", "/health/deep", b"", {"x-probe": "p" * 43})
    website.sign_in(COORDINATOR)
    for answer in (by_monitor, website.get("/health/deep")):
        assert answer.status == 503
        assert body(answer)["parts"]["mail"] == "fails: ConnectionError"
        assert "somebody" not in answer.text


@pytest.mark.parametrize("key", ["", "p" * 43])
@pytest.mark.parametrize("shown", [{}, {"x-probe": ""}, {"x-probe": "wrong"}, {"x-probe": "é"}])
def test_nobody_else_has_every_part_asked(website: Website, key: str, shown: dict[str, str]) -> None:
    website.use(probe_key=key)
    answer = website._ask("GET", "/health/deep", b"", shown)
    assert (answer.status, body(answer)["code"]) == (401, "not-signed-in")


def test_a_submission_is_answered_with_its_receipt(website: Website) -> None:
    answer = post(website, PATH, a_claim())
    assert answer.status == 201
    receipt = body(answer)
    told = {"reference", "form", "version", "status", "submitted_at", "status_url", "confirm_url"}
    assert set(receipt) == told
    assert receipt["status"] == "unconfirmed"
    assert receipt["confirm_url"] == answer.headers["Location"] + "/confirm"
    assert receipt["status_url"].startswith("http://127.0.0.1:8000/status/kent.CLM-")
    assert answer.headers["Location"] == receipt["status_url"].replace("/status/", "/api/v1/status/")


@pytest.mark.parametrize("key", ["abc-1", '"abc-1"'])
def test_a_key_quoted_or_not_replays_the_first_receipt(website: Website, key: str) -> None:
    first = post(website, PATH, a_claim(), idempotency_key=key)
    again = post(website, PATH, a_claim(), idempotency_key="abc-1")
    assert body(again) == body(first)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = post(website, PATH, {**a_claim(), "event_title": "Another"}, idempotency_key=key)
    assert problem(other) == (422, "key-reused")


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 256, '"a"b"', "ä"])
def test_a_malformed_key_is_refused(website: Website, key: str) -> None:
    assert problem(post(website, PATH, a_claim(), idempotency_key=key)) == (400, "unreadable")


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        ({"content_type": "text/plain"}, a_claim(), (415, "unsupported-media-type")),
        ({"content_type": "application/json; charset=latin-1"}, a_claim(), (415, "unsupported-media-type")),
        ({"content_encoding": "gzip"}, a_claim(), (415, "unsupported-media-type")),
        ({}, b"x" * 65_537, (413, "too-large")),
        ({}, b"{", (400, "unreadable")),
        ({}, b"", (400, "unreadable")),
        ({}, b'{"a": NaN}', (400, "unreadable")),
        ({}, "text", (422, "invalid-answers")),
    ],
)
def test_each_unreadable_request_has_its_answer(
    website: Website, headers: dict[str, str], content: Any, expected: tuple[int, str]
) -> None:
    assert problem(post(website, PATH, content, **headers)) == expected


def test_the_media_type_may_be_written_in_any_case(website: Website) -> None:
    answer = post(website, PATH, a_claim(), content_type="Application/JSON; Charset=UTF-8")
    assert answer.status == 201


@pytest.mark.parametrize(
    ("query", "expected"), [("version=7", 404), ("version=one", 400), ("version=-1", 400), ("version=1", 201)]
)
def test_a_version_may_be_asked_for(website: Website, query: str, expected: int) -> None:
    assert post(website, f"{PATH}?{query}", a_claim()).status == expected


def test_a_status_link_that_was_tampered_with_shows_nothing(website: Website) -> None:
    receipt = website.submit()
    good = website.get(f"/api/v1/status/{receipt.status_token}")
    assert body(good)["reference"] == receipt.reference
    for token in (
        forged(receipt.status_token),
        receipt.status_token.replace("kent", "essex"),
        "x",
        "a.b.c",
    ):
        assert problem(website.get(f"/api/v1/status/{token}")) == (404, "not-found")


def test_a_task_is_decided_by_the_asked_person_alone(website: Website) -> None:
    receipt = website.submit()
    task = "/api/v1" + website.ask(receipt)
    assert problem(website.get(task)) == (401, "not-signed-in")
    assert problem(post(website, f"{task}/decision", {"decision": "approve", "seen": "x"})) == (
        401,
        "not-signed-in",
    )
    website.sign_in(PROGRAMME)
    assert problem(website.get(task)) == (403, "not-asked")
    website.sign_in(LEAD)
    seen = body(website.get(task))["seen"]
    for wrong, expected in (
        ({}, (422, "invalid-answers")),
        ([], (422, "invalid-answers")),
        ({"decision": "approve", "seen": seen, "extra": 1}, (422, "invalid-answers")),
        ({"decision": "maybe", "seen": seen}, (422, "invalid-answers")),
        ({"decision": "reject", "seen": seen}, (422, "invalid-answers")),
        ({"decision": "approve", "seen": "0" * 64}, (409, "claim-changed")),
    ):
        assert problem(post(website, f"{task}/decision", wrong)) == expected, wrong
    decision = {"decision": "approve", "comment": "Good", "seen": seen}
    first = post(website, f"{task}/decision", decision)
    assert (first.status, body(first)["status"]) == (200, "in-review")
    assert body(post(website, f"{task}/decision", decision)) == body(first)
    opposite = {"decision": "reject", "comment": "No", "seen": seen}
    assert problem(post(website, f"{task}/decision", opposite)) == (409, "already-decided")


def test_a_page_of_another_site_decides_nothing(website: Website) -> None:
    task = "/api/v1" + website.ask(website.submit())
    website.sign_in(LEAD)
    decision = {"decision": "approve", "seen": body(website.get(task))["seen"]}
    for headers in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example.org"},
        {"origin": "https://127.0.0.1:8000"},
        {"origin": "null"},
    ):
        assert problem(post(website, f"{task}/decision", decision, **headers)) == (403, "forbidden")
    assert post(website, f"{task}/decision", decision, origin="http://127.0.0.1:8000").status == 200


def test_staff_see_a_submission_whole_and_its_timeline(website: Website) -> None:
    receipt = website.submit()
    website.sign_in(COORDINATOR)
    shown = body(website.get(f"/api/v1/submissions/{receipt.reference}"))
    assert shown["answers"] == a_claim()
    assert shown["amount_pence"] == sum(line["amount_pence"] for line in a_claim()["cost_lines"])
    timeline = body(website.get(f"/api/v1/submissions/{receipt.reference}/timeline"))
    assert timeline["verified"] is True
    assert [entry["action"] for entry in timeline["entries"]] == ["submitted"]
    assert body(website.get("/api/v1/funds/ptf"))["available"] == 5_000_000
    assert problem(website.get("/api/v1/funds/none")) == (404, "not-found")
    wrong = receipt.reference[:-1] + ("2" if receipt.reference[-1] != "2" else "3")
    assert problem(website.get(f"/api/v1/submissions/{wrong}")) == (404, "mistyped-reference")


def test_people_who_are_no_staff_are_told_so(website: Website) -> None:
    receipt = website.submit()
    website.sign_in(LEAD)
    for path in (
        f"submissions/{receipt.reference}",
        f"submissions/{receipt.reference}/timeline",
        "funds/ptf",
    ):
        assert problem(website.get(f"/api/v1/{path}")) == (403, "forbidden")


def test_a_fault_of_ours_says_where_to_ask_and_nothing_else(
    website: Website, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(a_claim()["claimant_email"])

    monkeypatch.setattr(type(website.parts.records), "commit", broken)
    answer = post(website, PATH, a_claim())
    assert problem(answer) == (500, "unforeseen")
    assert body(answer)["request_id"] in caplog.text
    assert "claimant@" not in answer.text + caplog.text


def test_every_answer_carries_the_headers_that_keep_it_safe(secure_website: Website) -> None:
    for path in ("/health", "/api/v1/forms", "/api/v1/forms/none", "/", "/sign-in", "/api/v1/funds/ptf"):
        headers = secure_website.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Strict-Transport-Security"].startswith("max-age=")
