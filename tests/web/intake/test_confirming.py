"""From the form to a confirmed submission, as a browser and as a program sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from idea_scenes import an_idea
from page_checks import by_id, error_links, text_of
from website import Answer, Website, a_claim, a_filled_form, form_fields, heading, words

from chalicelib.domain.people import pairs
from chalicelib.domain.people.tokens import Scope
from chalicelib.domain.records.submissions import Case
from chalicelib.services.approvals import following_up
from tests.tokens import give_token

FORM = "/forms/funding-claim"
API = "/api/v1/forms/funding-claim/submissions"
TITLE = a_claim()["event_title"]
ADDRESS = a_claim()["claimant_email"]
CONFIRM = "Confirm your email address"


def send(site: Website, **changes: str) -> str:
    """Send the form, as a person would. Returns the path of the page that follows."""
    answer = site.post(FORM, {**form_fields(site.get(FORM)), **a_filled_form(), **changes})
    assert answer.status == 303, answer.text
    return str(answer.headers["Location"])


def send_by_program(site: Website, **changes: Any) -> dict[str, Any]:
    answer = site.send_json(API, json.dumps({**a_claim(), **changes}).encode())
    assert answer.status == 201, answer.text
    return dict(json.loads(answer.text))


def case(site: Website, path: str) -> Case:
    force, reference = site.parts.links.read_status_token(path.rpartition("/")[2])
    return site.parts.records.of(force).case(reference)


def status_path(path: str) -> str:
    return f"/status/{path.rpartition('/')[2]}"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def later(site: Website, **duration: float) -> None:
    moment = site.parts.now() + timedelta(**duration)
    site.use(now=lambda: moment)


def told(answer: Answer) -> tuple[int, str]:
    body = json.loads(answer.text)
    return answer.status, body.get("code", body.get("status"))


@pytest.fixture
def elsewhere(website: Website) -> Iterator[Website]:
    """Another browser."""
    other = Website(website._client, website.parts)
    yield other


# The browser that sent it


def test_the_page_says_what_will_be_sent_in_whose_name_and_takes_the_code(website: Website) -> None:
    path = send(website)
    page = website.get(path)
    assert heading(page) == CONFIRM
    assert ADDRESS in words(page)
    assert TITLE in words(page)
    assert website.get(website.confirm(path) and path).status == 200
    assert case(website, path).submission.status.value == "submitted"


def test_a_wrong_code_is_refused_beside_its_field(website: Website) -> None:
    path = send(website)
    code = website.mailed_code("confirm")
    answer = website.post(path, {"code": wrong(code), "own": "true"})
    assert answer.status == 422
    assert [href for _, href in error_links(answer.page)] == ["#code"]
    assert by_id(answer.page, "own").get("checked") is not None
    assert website.post(path, {"code": code}).status == 303


def test_a_code_that_ended_with_guesses_says_to_ask_for_another(website: Website) -> None:
    path = send(website)
    code = website.mailed_code("confirm")
    for _ in range(pairs.WRONG_GUESSES):
        website.post(path, {"code": wrong(code)})
    assert website.post(path, {"code": code}).status == 429
    again = website.post(path, {})
    assert "another is on its way" in words(website.get(again.headers["Location"]))
    assert len(website.mailed_code("confirm")) == pairs.LONG


def test_the_address_can_be_put_right_and_the_code_goes_there(website: Website) -> None:
    path = send(website, claimant_email="sam.okafr@example.police.uk")
    website.mails("confirm")
    answer = website.post(path, {"address": "me@freemail.example"})
    assert answer.status == 422
    assert [href for _, href in error_links(answer.page)] == ["#address"]
    assert by_id(answer.page, "address").get("value") == "me@freemail.example"
    assert website.post(path, {"address": ADDRESS}).status == 303
    (mail,) = website.mails("confirm")
    assert mail.payload["to"] == ADDRESS
    assert website.post(path, {"code": mail.payload["values"]["code"]}).status == 303
    assert heading(website.get(path)) == "Claim received"


def test_the_link_in_the_mail_has_one_button_here_that_names_the_mailbox(website: Website) -> None:
    path = send(website)
    (mail,) = website.mails("confirm")
    link = mail.payload["values"]["sign_in_url"].removeprefix(website.parts.links.page(""))
    page = website.get(link)
    assert heading(page) == CONFIRM
    assert [text_of(one) for one in page.page.iter("button")] == [f"Confirm {ADDRESS}"]
    answer = website.post(link, {})
    assert (answer.status, answer.headers["Location"]) == (303, path)
    assert heading(website.get(path)) == "Claim received"


def test_after_that_this_browser_needs_no_code_for_the_mailbox(website: Website) -> None:
    website.confirm(send(website))
    assert heading(website.get(send(website, event_title="Another day"))) == "Claim received"
    later(website, hours=13)
    assert heading(website.get(send(website, event_title="A day later"))) == CONFIRM


def test_a_device_of_ones_own_needs_no_code_for_ninety_days(website: Website) -> None:
    path = send(website)
    website.post(path, {"code": website.mailed_code("confirm"), "own": "true"})
    later(website, days=89)
    assert heading(website.get(send(website, event_title="Another day"))) == "Claim received"
    later(website, days=2)
    assert heading(website.get(send(website, event_title="A third day"))) == CONFIRM


def test_whoever_is_signed_in_with_that_address_needs_no_code(website: Website) -> None:
    website.sign_in("lead.kent@example.police.uk")
    del website.cookies["proved"]
    path = send(website, claimant_email="Lead.Kent@example.police.uk")
    assert heading(website.get(path)) == "Claim received"
    assert heading(website.get(send(website, event_title="Somebody else's"))) == CONFIRM


def test_signing_in_confirms_what_this_browser_sent_from_the_mailbox(website: Website) -> None:
    path = send(website, claimant_email="lead.kent@example.police.uk")
    later(website, minutes=7)
    website.sign_in("lead.kent@example.police.uk")
    assert heading(website.get(path)) == "Claim received"


def test_signing_out_forgets_what_was_sent_and_proved(website: Website) -> None:
    website.confirm(send(website))
    website.sign_in()
    website.post("/sign-out", form_fields(website.get("/sign-out")))
    assert not {"sent", "proved", "asked"} & set(website.cookies)


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_finish_ends_what_this_browser_sent_asked_and_proved(website: Website, is_confirmed: bool) -> None:
    path = send(website)
    if is_confirmed:
        website.confirm(path)
    page = website.get(path)
    (form,) = [one for one in page.page.iter("form") if one.get("action") == "/status/finish"]
    assert [text_of(one) for one in form.iter("button")] == ["Finish"]
    answer = website.post("/status/finish", {})
    assert (answer.status, answer.headers["Location"]) == (303, "/status/finish")
    assert website.cookies == {}
    done = website.get("/status/finish")
    assert heading(done) == "You have finished"
    assert list(done.page.iter("form")) == []
    assert ADDRESS not in website.get(path).text
    assert heading(website.get(send(website, event_title="Another day"))) == CONFIRM


def test_finish_ends_the_sessions_on_the_server_too(website: Website) -> None:
    path = send(website, claimant_email="lead.kent@example.police.uk")
    website.post(f"{status_path(path)}/code", {"next": "confirm", "code": website.mailed_code("confirm")})
    later(website, minutes=7)
    website.sign_in()
    kept = dict(website.cookies)
    assert {"session", "claimant"} <= set(kept)
    website.post("/status/finish", {})
    website.cookies.update(kept)
    assert website.get("/account").headers["Location"].startswith("/sign-in")
    assert "/code?next=" in website.get(f"{status_path(path)}/withdraw").headers["Location"]


def test_somebody_who_only_looks_is_not_offered_to_finish(website: Website, elsewhere: Website) -> None:
    path = send(website)
    website.confirm(path)
    for page in (status_path(path), path):
        assert "/status/finish" not in elsewhere.get(page).text
        assert "/status/finish" in website.get(page).text


def test_another_site_cannot_finish_for_somebody(website: Website) -> None:
    send(website)
    kept = dict(website.cookies)
    assert website.post("/status/finish", {}, sec_fetch_site="cross-site").status == 403
    assert website.cookies == kept


def test_a_browser_whose_claim_was_confirmed_elsewhere_has_proved_nothing(
    website: Website, elsewhere: Website
) -> None:
    """Else whoever claims in somebody's name could go on in it once they have looked at the mail."""
    path = send(website)
    code = website.mailed_code("confirm")
    elsewhere.post(f"{status_path(path)}/code", {"next": "confirm", "code": code})
    page = elsewhere.get(f"{status_path(path)}/confirm")
    elsewhere.post(f"{status_path(path)}/confirm", {**form_fields(page), "answer": "send"})
    assert website.post(path, {"code": "123456", "own": "true"}).status == 303
    assert "proved" not in website.cookies
    assert heading(website.get(send(website, event_title="Another day"))) == CONFIRM


# Elsewhere


def test_in_another_browser_the_page_shows_nothing_that_was_typed(
    website: Website, elsewhere: Website
) -> None:
    path = send(website)
    assert elsewhere.get(path).headers["Location"] == status_path(path)
    page = elsewhere.get(status_path(path))
    assert CONFIRM in words(page)
    assert TITLE not in page.text
    assert ADDRESS not in page.text
    code = website.mailed_code("confirm")
    for fields in ({"code": code}, {"address": "me@example.police.uk"}, {}):
        assert elsewhere.post(path, fields).headers["Location"] == status_path(path)
    assert case(website, path).submission.status.value == "unconfirmed"


@pytest.mark.parametrize(("answer", "status"), [("send", "submitted"), ("not-mine", "withdrawn")])
def test_on_the_status_page_the_code_shows_it_and_asks_whether_they_sent_it(
    website: Website, elsewhere: Website, answer: str, status: str
) -> None:
    path = send(website)
    code = website.mailed_code("confirm")
    typed = elsewhere.post(f"{status_path(path)}/code", {"next": "confirm", "code": code})
    assert typed.headers["Location"] == f"{status_path(path)}/confirm"
    page = elsewhere.get(typed.headers["Location"])
    assert TITLE in words(page)
    assert case(website, path).submission.status.value == "unconfirmed", "they have not said so yet"
    fields = {**form_fields(page), "answer": answer}
    assert elsewhere.post(f"{status_path(path)}/confirm", fields).status == 303
    assert case(website, path).submission.status.value == status
    assert elsewhere.get(status_path(path)).status == 200


def test_a_link_pressed_elsewhere_confirms_nothing(website: Website, elsewhere: Website) -> None:
    path = send(website)
    (mail,) = website.mails("confirm")
    link = mail.payload["values"]["sign_in_url"].removeprefix(website.parts.links.page(""))
    assert ADDRESS not in elsewhere.get(link).text
    assert elsewhere.post(link, {}).status == 403
    assert case(website, path).submission.status.value == "unconfirmed"


# Programs


def test_a_program_confirms_with_the_mailed_code_and_may_repeat_it(website: Website) -> None:
    receipt = send_by_program(website)
    url = receipt["confirm_url"].removeprefix(website.parts.links.page(""))
    body = json.dumps({"code": website.mailed_code("confirm")}).encode()
    for _ in range(2):
        answer = website.send_json(url, body)
        assert told(answer) == (200, "submitted")
    assert json.loads(answer.text)["waiting_for"] == "innovation lead"
    assert len(website.mails("receipt")) == 1


@pytest.mark.parametrize("body", ["{}", '{"code": 1}', '{"code": "123456", "more": 1}', "[]", '{"code": ""}'])
def test_a_body_that_is_no_code_is_refused(website: Website, body: str) -> None:
    url = send_by_program(website)["confirm_url"].removeprefix(website.parts.links.page(""))
    assert website.send_json(url, body.encode()).status == 422


def test_a_program_is_told_what_is_wrong_with_a_code(website: Website) -> None:
    url = send_by_program(website)["confirm_url"].removeprefix(website.parts.links.page(""))
    code = website.mailed_code("confirm")
    for _ in range(pairs.WRONG_GUESSES):
        answer = website.send_json(url, json.dumps({"code": wrong(code)}).encode())
        assert told(answer) == (422, "invalid-answers")
        assert json.loads(answer.text)["errors"][0]["pointer"] == "/code"
    ended = website.send_json(url, json.dumps({"code": code}).encode())
    assert told(ended) == (429, "too-many")
    assert int(ended.headers["Retry-After"]) > 0
    again = website.send_json(url.replace("/confirm", "/code"), b"{}")
    assert again.status == 202
    body = json.dumps({"code": website.mailed_code("confirm")}).encode()
    assert website.send_json(url, body).status == 200
    later(website, days=8)


def test_a_code_that_comes_after_a_week_finds_it_gone(website: Website) -> None:
    url = send_by_program(website)["confirm_url"].removeprefix(website.parts.links.page(""))
    code = website.mailed_code("confirm")
    later(website, days=7)
    following_up.follow_up(website.parts)
    assert website.send_json(url, json.dumps({"code": code}).encode()).status == 410
    assert website.send_json(url.replace("/confirm", "/code"), b"{}").status == 410


def test_a_domain_that_may_not_send_is_said_at_the_field(website: Website) -> None:
    content = {**a_claim(), "claimant_email": "someone.else@freemail.example"}
    answer = website.send_json(API, json.dumps(content).encode())
    (error,) = json.loads(answer.text)["errors"]
    assert (answer.status, error["pointer"], error["code"]) == (422, "/claimant_email", "domain")
    fields = {**form_fields(website.get(FORM)), **a_filled_form(), "claimant_email": "x@freemail.example"}
    page = website.post(FORM, fields)
    assert page.status == 422
    assert [href for _, href in error_links(page.page)] == ["#claimant_email"]
    assert website.stored() == []


def test_a_page_of_another_site_confirms_nothing(website: Website) -> None:
    path = send(website)
    code = website.mailed_code("confirm")
    assert website.post(path, {"code": code}, sec_fetch_site="cross-site").status == 403
    assert case(website, path).submission.status.value == "unconfirmed"


def test_a_trusted_sender_vouches_for_ideas_and_not_for_claims(website: Website) -> None:
    token = give_token(website.parts, "national-coordinator", Scope.SUBMIT)
    bearer = {"authorization": f"Bearer {token}"}
    body = json.dumps(an_idea()).encode()
    answer = website.send_json("/api/v1/forms/idea/submissions", body, **bearer)
    assert told(answer)[1] == "submitted"
    assert "confirm_url" not in json.loads(answer.text)
    claim = json.loads(website.send_json(API, json.dumps(a_claim()).encode(), **bearer).text)
    assert claim["status"] == "unconfirmed"
    url = claim["confirm_url"].removeprefix(website.parts.links.page(""))
    code = json.dumps({"code": website.mailed_code("confirm")}).encode()
    assert told(website.send_json(url, code, **bearer)) == (200, "submitted")


def test_a_browser_that_proved_the_mailbox_counts_for_nothing_beside_a_token(website: Website) -> None:
    website.confirm(send(website))
    token = give_token(website.parts, "national-coordinator", Scope.SUBMIT)
    body = json.dumps({**a_claim(), "event_title": "Another day"}).encode()
    answer = website.send_json(API, body, authorization=f"Bearer {token}")
    assert told(answer)[1] == "unconfirmed"


def test_the_share_of_a_mailbox_without_proof_is_its_own(website: Website) -> None:
    website.use(limits=replace(website.parts.limits, mailbox_an_hour=1))
    path = send(website)
    assert (
        website.post(FORM, {**form_fields(website.get(FORM)), **a_filled_form(), "event_title": "Two"}).status
        == 429
    )
    website.confirm(path)
    assert heading(website.get(send(website, event_title="Two"))) == "Claim received"
