"""Tokens at one's account: made on purpose, shown once, revoked; and what the API answers to them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from page_checks import text_of
from website import LEAD, Answer, Website, a_claim, form_fields, heading, words

from chalicelib.domain.errors import NotSignedIn
from chalicelib.domain.people.tokens import Scope
from chalicelib.services.people import tokens
from tests.tokens import give_token

NATIONAL = "coordinator@example.org"
KENT = "coordinator.kent@example.police.uk"
PATH = "/account/tokens"


def fields(website: Website, **typed: str) -> dict[str, str]:
    forms = list(website.get(PATH).page.iter("form"))
    csrf = next(one.get("value") for one in forms[-1].iter("input") if one.get("name") == "csrf")
    return {"csrf": str(csrf), "days": "30", **typed}


def make(website: Website, **typed: str) -> Answer:
    return website.post(PATH, fields(website, **typed))


def secret_of(answer: Answer) -> str:
    return text_of(next(answer.page.iter("code")))


def with_token(website: Website, secret: str, path: str) -> Answer:
    return website._ask("GET", path, b"", {"authorization": f"Bearer {secret}"})


def test_a_coordinator_makes_a_token_sees_it_once_and_a_program_reads_with_it(website: Website) -> None:
    website.sign_in(KENT)
    assert "You have no tokens." in words(website.get(PATH))
    answer = make(website, name="Monthly figures", read="yes")
    assert (answer.status, heading(answer)) == (200, "Copy your new token")
    secret = secret_of(answer)
    website.cookies.clear()
    assert with_token(website, secret, "/api/v1/submissions").status == 200
    website.sign_in(KENT)
    listed = website.get(PATH)
    assert "Monthly figures" in words(listed)
    assert "Never" not in words(listed)
    assert secret not in listed.text


def test_a_revoked_token_is_401_from_the_next_request_on(website: Website) -> None:
    website.sign_in(KENT)
    secret = secret_of(make(website, name="Old", read="yes"))
    listed = website.get(PATH)
    answer = website.post(f"{PATH}/revoke", form_fields(listed))
    assert (answer.status, answer.headers["Location"]) == (303, f"{PATH}?done=revoked")
    assert "The token is revoked." in website.get(answer.headers["Location"]).text
    website.cookies.clear()
    refused = with_token(website, secret, "/api/v1/submissions")
    assert refused.status == 401
    assert json.loads(refused.text)["detail"] == "This token is not known, has expired or was revoked."


def test_what_is_wrong_is_said_beside_each_field_and_what_was_typed_stays(website: Website) -> None:
    website.sign_in(KENT)
    answer = make(website, name="", days="91")
    assert answer.status == 422
    for said in ("Enter a name", "Select what the token may do", "Enter a number of days from 1 to 90"):
        assert said in words(answer)
    answer = make(website, name="Figures", read="yes", days="soon")
    assert 'value="Figures"' in answer.text
    assert 'value="soon"' in answer.text


def test_a_forces_coordinator_is_not_offered_to_vouch_for_others(website: Website) -> None:
    website.sign_in(KENT)
    assert 'name="submit"' not in website.get(PATH).text
    assert make(website, name="Site", submit="yes").status == 422
    website.sign_in(NATIONAL)
    assert 'name="submit"' in website.get(PATH).text


def test_an_approver_who_is_no_staff_has_no_such_page(website: Website) -> None:
    website.sign_in(LEAD)
    assert website.get(PATH).status == 403


def test_a_form_without_the_sessions_csrf_token_makes_nothing(website: Website) -> None:
    website.sign_in(KENT)
    assert website.post(PATH, {"name": "Evil", "read": "yes", "days": "30"}).status == 403
    assert "You have no tokens." in words(website.get(PATH))


def test_a_token_makes_no_tokens_and_revokes_none(website: Website) -> None:
    secret = give_token(website.parts, "national-coordinator", *Scope)
    for path in (PATH, f"{PATH}/revoke"):
        answer = website.post(
            path, {"name": "More", "read": "yes", "days": "30"}, authorization=f"Bearer {secret}"
        )
        assert answer.status == 403
        assert json.loads(answer.text)["code"] == "not-with-this-token"
    assert len(tokens.live_tokens(website.parts, "national-coordinator")) == 1


def test_a_token_decides_nothing_and_is_told_why(website: Website) -> None:
    receipt = website.submit()
    task = website.ask(receipt)
    website.parts.people.register(  # type: ignore[attr-defined]
        [_with_role(website, "lead-kent", "coordinator")]
    )
    secret = give_token(website.parts, "lead-kent", *Scope)
    seen = website.case(receipt).seen
    body = json.dumps({"decision": "approve", "seen": seen}).encode()
    answer = website.send_json(f"/api/v1{task}/decision", body, authorization=f"Bearer {secret}")
    assert answer.status == 403
    assert json.loads(answer.text)["detail"] == (
        "A bearer token cannot be used for this. It takes a person who is signed in."
    )
    assert website.case(receipt).open_task is not None
    assert with_token(website, secret, f"/api/v1{task}").status == 200, (
        "it may read what waits for its person"
    )


def _with_role(website: Website, person_id: str, role: str) -> object:
    from dataclasses import replace

    from chalicelib.domain.people.people import Holding

    person = website.parts.people.person(person_id)
    assert person is not None
    return replace(person, roles=(*person.roles, Holding(role=role, at="kent")))


def test_a_session_beside_a_token_counts_for_nothing(website: Website) -> None:
    website.sign_in(NATIONAL)
    assert with_token(website, "made-up", "/api/v1/submissions").status == 401
    secret = give_token(website.parts, "national-coordinator", Scope.MANAGE)
    assert with_token(website, secret, "/api/v1/submissions").status == 403


def test_submissions_take_a_token_of_their_scope_or_none_at_all(website: Website) -> None:
    path, body = "/api/v1/forms/funding-claim/submissions", json.dumps(a_claim()).encode()
    reads = give_token(website.parts, "national-coordinator", Scope.READ, chance="a")
    sends = give_token(website.parts, "national-coordinator", Scope.SUBMIT, chance="b")
    for secret, status in (("made-up", 401), (reads, 403), (sends, 201)):
        assert website.send_json(path, body, authorization=f"Bearer {secret}").status == status
    assert website.send_json(path, body.replace(b"Maidstone", b"Gravesend")).status == 201


def test_a_program_notes_and_is_told_as_a_program_what_is_wrong(website: Website) -> None:
    receipt = website.submit()
    secret = give_token(website.parts, "coordinator-kent", Scope.MANAGE)
    path = f"/desk/submissions/{receipt.reference}/note"
    assert (
        website.post(path, {"note": "Seen by the nightly check"}, authorization=f"Bearer {secret}").status
        == 303
    )
    assert website.case(receipt).entries[-1].actor == "coordinator-kent"
    answer = website.post(path, {"note": ""}, authorization=f"Bearer {secret}")
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")


def test_a_token_of_an_earlier_release_is_nobodys(website: Website) -> None:
    """They were kept by their digest alone, for ever, and bear no scope."""
    with pytest.raises(NotSignedIn):
        tokens.token_of(website.parts, "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg")


def test_an_expired_token_is_401(website: Website) -> None:
    secret = give_token(website.parts, "national-coordinator", Scope.READ, days=1)
    later = website.parts.now() + timedelta(days=1)
    website.use(now=lambda: later)
    assert with_token(website, secret, "/api/v1/submissions").status == 401
