"""The Idempotency-Key over HTTP, as in draft-ietf-httpapi-idempotency-key-header; duplicates and quotas besides."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from idea_scenes import an_idea
from website import Answer, Website, a_claim

from chalicelib.domain.errors import StillRunning, Unavailable
from chalicelib.services.approvals import ending
from chalicelib.services.intake import confirming
from infra.local import gateway

PATH = "/api/v1/forms/funding-claim/submissions"


def post(website: Website, content: Any = None, query: str = "", **headers: str) -> Answer:
    return website.send_json(PATH + query, json.dumps(content or a_claim()).encode(), **headers)


def problem(answer: Answer) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    found = json.loads(answer.text)
    assert found["status"] == answer.status
    return answer.status, found["code"]


def stored(website: Website) -> int:
    return len(website.stored())


def at(website: Website, **duration: float) -> None:
    moment = website.parts.now() + timedelta(**duration)
    website.use(now=lambda: moment)


def test_the_first_answer_comes_again_to_the_byte(website: Website) -> None:
    first = post(website, idempotency_key='"key-1"')
    assert first.status == 201
    assert "Idempotency-Replayed" not in first.headers
    at(website, hours=23)
    for key in ('"key-1"', "key-1", "  key-1 "):
        again = post(website, idempotency_key=key)
        assert (again.status, again.text, again.headers["Location"]) == (
            201,
            first.text,
            first.headers["Location"],
        )
        assert again.headers["Idempotency-Replayed"] == "true"
    assert stored(website) == 1


def test_the_same_answers_in_other_bytes_are_the_same_body(website: Website) -> None:
    first = post(website, idempotency_key="key-1")
    turned = dict(reversed(a_claim().items()))
    again = website.send_json(PATH, json.dumps(turned, indent=2).encode(), idempotency_key="key-1")
    assert (again.status, again.text) == (201, first.text)


@pytest.mark.parametrize("change", [{"event_title": "Another"}, {"claimant_email": "x@example.police.uk"}])
def test_another_body_under_the_key_is_refused_and_learns_nothing(
    website: Website, change: dict[str, str]
) -> None:
    first = json.loads(post(website, idempotency_key="key-1").text)
    other = post(website, {**a_claim(), **change}, idempotency_key="key-1")
    assert problem(other) == (422, "key-reused")
    assert first["reference"] not in other.text
    assert stored(website) == 1


def test_a_key_belongs_to_its_form(website: Website) -> None:
    post(website, idempotency_key="key-1")
    path = "/api/v1/forms/idea/submissions"
    assert website.send_json(path, json.dumps(an_idea()).encode(), idempotency_key="key-1").status == 201


def test_what_was_refused_leaves_its_key_free(website: Website) -> None:
    assert problem(post(website, {**a_claim(), "force": "nowhere"}, idempotency_key="key-1"))[0] == 422
    assert post(website, idempotency_key="key-1").status == 201


def test_a_key_is_kept_for_a_day(website: Website) -> None:
    post(website, idempotency_key="key-1")
    at(website, hours=24, seconds=1)
    other = post(website, {**a_claim(), "event_title": "Another"}, idempotency_key="key-1")
    assert other.status == 201
    assert "Idempotency-Replayed" not in other.headers


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        '""',
        '"',
        "a b",
        "x" * 256,
        '"a"b"',
        "ä",
        "a, b",
        "a,b",
        '"a", "b"',
        '"a";v=1',
        "a\\b",
        "a\tb",
        "'a' 'b'",
    ],
)
def test_what_is_no_key_is_refused_and_nothing_stored(website: Website, key: str) -> None:
    assert problem(post(website, idempotency_key=key)) == (400, "unreadable")
    assert stored(website) == 0


@pytest.mark.parametrize(
    "key", ["x", "x" * 255, '"a,b"', "5f0c6b1e-3f0e-4d6e-9f3a-2f1f6f1b2c3d", "~!#$%&'()*+-./:;<=>?@"]
)
def test_what_is_a_key_is_taken(website: Website, key: str) -> None:
    assert post(website, idempotency_key=key).status == 201


def test_a_key_on_two_lines_is_none(website: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    """API Gateway gives the last line in `headers`, and all of them beside it."""
    from chalice.app import Request

    original = Request.to_original_event
    many = {"multiValueHeaders": {"idempotency-key": ["key-1", "key-2"], "Accept": ["*/*"]}}
    with monkeypatch.context() as patch:
        patch.setattr(Request, "to_original_event", lambda self: {**original(self), **many})
        assert problem(post(website, idempotency_key="key-2")) == (400, "unreadable")
    one = {"multiValueHeaders": {"IDEMPOTENCY-KEY": ["key-1"]}}
    monkeypatch.setattr(Request, "to_original_event", lambda self: {**original(self), **one})
    assert post(website, idempotency_key="key-1").status == 201


def test_the_embedded_gateway_hides_no_second_line() -> None:
    from email.message import Message

    headers = Message()
    for name, value in (("Idempotency-Key", "a"), ("Accept", "*/*"), ("idempotency-key", "b")):
        headers[name] = value
    event = gateway.event("POST", PATH, headers, b"{}")
    assert event["multiValueHeaders"]["idempotency-key"] == ["a", "b"]
    assert event["headers"]["idempotency-key"] == "b"


def test_a_key_whose_first_request_is_still_running_is_told_to_wait_a_moment(
    website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    def running(*_: object) -> None:
        raise StillRunning("The first request with this key is just being stored.")

    with monkeypatch.context() as patch:
        patch.setattr(type(website.parts.records), "commit", running)
        answer = post(website, idempotency_key="key-1")
    assert problem(answer) == (409, "still-running")
    assert answer.headers["Retry-After"] == "1"
    assert post(website, idempotency_key="key-1").status == 201


def test_a_table_that_does_not_answer_is_no_running_request(
    website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise Unavailable("Busy.")

    monkeypatch.setattr(type(website.parts.records), "commit", broken)
    answer = post(website, idempotency_key="key-1")
    assert problem(answer) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_the_same_without_a_key_is_a_likely_duplicate_that_names_nothing(website: Website) -> None:
    first = json.loads(post(website).text)
    for headers in ({}, {"idempotency_key": "key-2"}):
        answer = post(website, **headers)
        assert problem(answer) == (409, "likely-duplicate")
        assert set(json.loads(answer.text)) == {"type", "title", "status", "detail", "code"}
        assert "Location" not in answer.headers
        assert first["reference"] not in answer.text
        assert "/status/" not in answer.text
        assert a_claim()["claimant_email"] not in answer.text
    assert len(website.mails("confirm")) == 1, "the code in it is still good"
    assert stored(website) == 1


def test_a_duplicate_is_taken_where_it_is_meant(website: Website) -> None:
    first, second = post(website), post(website, query="?duplicate_ok=true")
    assert (first.status, second.status) == (201, 201)
    assert json.loads(first.text)["reference"] != json.loads(second.text)["reference"]
    assert problem(post(website, query="?duplicate_ok=false")) == (409, "likely-duplicate")


@pytest.mark.parametrize("value", ["", "1", "yes", "TRUE"])
def test_what_is_neither_true_nor_false_is_refused(website: Website, value: str) -> None:
    assert problem(post(website, query=f"?duplicate_ok={value}")) == (400, "unreadable")


def test_a_withdrawn_claim_may_be_sent_again(website: Website) -> None:
    first = json.loads(post(website).text)["reference"]
    confirming.confirm(website.parts, "kent", first, website.mailed_code("confirm"))
    ending.withdraw(website.parts, "kent", first, reason="Not this year")
    assert post(website).status == 201


def test_a_mailbox_has_its_share_of_an_hour(website: Website) -> None:
    moment = website.parts.now().replace(minute=40, second=30, microsecond=0)
    website.use(now=lambda: moment, limits=replace(website.parts.limits, mailbox_an_hour=2))
    first = post(website, idempotency_key="key-1")
    assert post(website, {**a_claim(), "event_title": "Two"}).status == 201
    full = post(website, {**a_claim(), "event_title": "Three"})
    assert problem(full) == (429, "too-many")
    assert full.headers["Retry-After"] == "3600"
    assert post(website, idempotency_key="key-1").text == first.text
    assert problem(post(website)) == (409, "likely-duplicate")
    elsewhere = {**a_claim(), "event_title": "Three", "claimant_email": "other@example.police.uk"}
    assert post(website, elsewhere).status == 201
    at(website, minutes=60)
    assert post(website, {**a_claim(), "event_title": "Three"}).status == 201
