"""What requests leave in the security log."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from website import LEAD, Website, words

from chalicelib.domain.records.security import Event
from tests.security import Lines, security_lines

KENT = "coordinator.kent@example.police.uk"
ESSEX = "coordinator.essex@example.police.uk"


@pytest.fixture
def lines() -> Iterator[Lines]:
    with security_lines() as found:
        yield found


def csrf_of(website: Website, path: str) -> str:
    page = website.get(path).page
    return str(next(one.get("value") for one in page.iter("input") if one.get("name") == "csrf"))


def with_token(website: Website, secret: str, path: str) -> int:
    return website._ask("GET", path, b"", {"authorization": f"Bearer {secret}"}).status


def test_a_sign_in_names_the_request_and_the_network(website: Website, lines: Lines) -> None:
    website.sign_in(LEAD)
    assert lines.events == [
        ("signed-in", "by-code", "lead-kent"),
        ("new-browser", "by-code", "lead-kent"),
    ]
    assert all(line["request_id"] and len(line["source"]) in (0, 32) for line in lines.all)


def test_a_token_is_recorded_as_made_used_and_revoked_and_never_itself(
    website: Website, lines: Lines
) -> None:
    website.sign_in(KENT)
    path = "/account/tokens"
    made = website.post(path, {"csrf": csrf_of(website, path), "name": "Figures", "read": "yes", "days": "9"})
    secret = next(one.text for one in made.page.iter("code")) or ""
    assert with_token(website, secret, "/api/v1/submissions") == 200
    token = next(
        one.get("value") for one in website.get(path).page.iter("input") if one.get("name") == "token"
    )
    website.post(f"{path}/revoke", {"csrf": csrf_of(website, path), "token": str(token)})
    assert with_token(website, secret, "/api/v1/submissions") == 401
    assert lines.events[2:] == [
        ("token-made", "done", "coordinator-kent"),
        ("token-used", "read", "coordinator-kent"),
        ("token-revoked", "done", "coordinator-kent"),
        ("refused", "not-signed-in", ""),
    ]
    assert secret not in json.dumps(lines.all)


def test_a_form_with_a_mistake_makes_no_token_and_records_none(website: Website, lines: Lines) -> None:
    website.sign_in(KENT)
    path = "/account/tokens"
    answer = website.post(path, {"csrf": csrf_of(website, path), "name": "", "read": "yes", "days": "9"})
    assert answer.status == 422
    assert "token-made" not in [line["event"] for line in lines.all]


def test_who_reads_a_timeline_is_recorded(website: Website, lines: Lines) -> None:
    receipt = website.submit()
    website.sign_in(KENT)
    lines.all.clear()
    assert website.get(f"/desk/submissions/{receipt.reference}").status == 200
    assert lines.events == [("timeline-read", "done", "coordinator-kent")]


def test_what_is_hidden_from_somebody_is_a_refusal_and_a_slip_is_none(website: Website, lines: Lines) -> None:
    receipt = website.submit()
    website.sign_in(ESSEX)
    lines.all.clear()
    assert website.get(f"/desk/submissions/{receipt.reference}").status == 404
    assert website.get("/desk/submissions/CLM-1111-1111").status == 404
    assert lines.events == [("refused", "not-found", "coordinator-essex")]


def test_a_page_that_is_not_for_somebody_is_a_refusal(website: Website, lines: Lines) -> None:
    website.sign_in(LEAD)
    lines.all.clear()
    assert website.get("/desk").status == 403
    assert lines.events == [("refused", "forbidden", "lead-kent")]


def test_a_post_from_another_site_is_a_refusal(website: Website, lines: Lines) -> None:
    answer = website.post("/sign-in", {"address": LEAD}, sec_fetch_site="cross-site")
    assert answer.status == 403
    assert lines.events == [("refused", "forbidden", "")]


def test_somebody_who_has_yet_to_sign_in_is_no_refusal(website: Website, lines: Lines) -> None:
    assert website.get("/desk").status == 303
    assert website.get("/ideas/IDA-2222-222M").status == 404
    assert lines.all == []


def test_too_many_wrong_codes_and_asks_are_recorded(website: Website, lines: Lines) -> None:
    website.sign_in(LEAD)
    lines.all.clear()
    answer = website.post("/sign-in/code", {"code": "000000"})
    assert answer.status in (410, 422), words(answer)
    website.post("/sign-in", {"address": LEAD})
    assert website.post("/sign-in/code", {"code": "000000"}).status == 422
    assert lines.events[-1] == ("wrong-code", "refused", "lead-kent")


def test_every_line_has_an_event_of_ours_and_an_outcome_in_our_words(website: Website, lines: Lines) -> None:
    receipt = website.submit()
    website.sign_in(KENT)
    website.get(f"/desk/submissions/{receipt.reference}")
    website.get("/exports/funding-claim/all/2027-W01")
    known = {event.value for event in Event}
    assert len(lines.all) >= 4
    for line in lines.all:
        assert line["event"] in known
        assert line["outcome"].replace("-", "").isalpha()
