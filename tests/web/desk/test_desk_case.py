"""A submission's page on the desk, and what staff do from it."""

from __future__ import annotations

import json
from datetime import timedelta

import idea_scenes
import pytest
from claim_scenes import sent_back
from idea_scenes import an_idea
from page_checks import error_links, fields_of
from website import LEAD, Answer, Website, a_claim, form_fields, heading, words

from chalicelib.domain.people.tokens import Scope
from chalicelib.domain.records.submissions import Status
from chalicelib.services.delivery import undelivered
from tests.tokens import give_token

COORDINATOR = "coordinator.kent@example.police.uk"
ESSEX = "coordinator.essex@example.police.uk"
FINANCE = "finance@example.org"
NOTE = "The claimant rang about the date"


def fields_for(answer: Answer, action: str) -> dict[str, str]:
    """What the page's form that goes to `action` would post."""
    (form,) = [one for one in answer.page.iter("form") if (one.get("action") or "").endswith(action)]
    return fields_of(form)


def actions(answer: Answer) -> set[str]:
    """What the page offers, by the last part of where it goes."""
    return {(one.get("action") or "").rpartition("/")[2] for one in answer.page.iter("form")} | {
        href.rpartition("/")[2] for one in answer.page.iter("a")
        if (href := one.get("href") or "").startswith("/desk/submissions/")
    }  # fmt: skip


def opened(site: Website, address: str = COORDINATOR) -> tuple[str, Answer]:
    """A claim that is asked about, on the desk of this person."""
    receipt = site.submit()
    site.ask(receipt)
    site.sign_in(address)
    path = f"/desk/submissions/{receipt.reference}"
    return path, site.get(path)


def test_the_page_has_the_answers_and_the_mails(website: Website) -> None:
    _, page = opened(website)
    said = words(page)
    for expected in (
        "Sam Okafor",
        "sam.okafor@example.police.uk",
        "Main hall, one day Venue hire £1,234.50",
        "Receipt The claimant",
        "Asked to decide Innovation lead, Kent Police",
    ):
        assert expected in said, expected
    assert actions(page) == {"note", "chase", "withdraw", "reassign"}


@pytest.mark.parametrize(
    ("what", "happened"),
    [("bounce", "Bounced"), ("complaint", "Marked as spam"), ("set-aside", "Could not be sent")],
)
def test_the_list_of_mails_says_which_did_not_arrive_and_why(
    website: Website, what: str, happened: str
) -> None:
    path, _ = opened(website)
    reference = path.rpartition("/")[2]
    receipt = f"parcel.start.{reference}-r1/mail.receipt.{reference}"
    assert undelivered.came_back(website.parts, receipt, what=what)
    assert f"{happened}: receipt Nobody" in words(website.get(path))


def test_a_fund_holder_notes_and_a_coordinator_does_the_rest(website: Website) -> None:
    _, page = opened(website, FINANCE)
    assert actions(page) == {"note"}


def test_a_note_is_kept_and_read_by_staff_alone(website: Website) -> None:
    path, page = opened(website)
    answer = website.post(f"{path}/note", {**fields_for(page, "/note"), "note": NOTE})
    assert (answer.status, answer.headers["Location"]) == (303, f"{path}?done=noted")
    page = website.get(answer.headers["Location"])
    assert "Your note is saved." in words(page)
    assert "Coordinator, Kent Police noted, for staff alone" in words(page)
    assert NOTE in words(page)
    assert NOTE in website.get(f"/api/v1/submissions/{path.rpartition('/')[2]}/timeline").text
    reference = path.rpartition("/")[2]
    case = website.parts.records.of("kent").case(reference)
    assert case.open_task is not None
    website.cookies.clear()
    token = website.parts.links.status_token("kent", reference)
    for public in (f"/status/{token}", f"/api/v1/status/{token}"):
        assert NOTE not in website.get(public).text
    website.sign_in(LEAD)
    for task in (f"/tasks/{case.open_task.id}", f"/api/v1/tasks/{case.open_task.id}"):
        answer = website.get(task)
        assert (answer.status, NOTE in answer.text) == (200, False)


def test_an_empty_note_is_an_error_and_a_wrong_one_is_kept(website: Website) -> None:
    path, page = opened(website)
    answer = website.post(f"{path}/note", fields_for(page, "/note"))
    assert answer.status == 422
    assert error_links(answer.page) == [("Write the note", "#note")]
    answer = website.post(f"{path}/note", {**fields_for(page, "/note"), "note": "a\tb"})
    assert (answer.status, fields_for(answer, "/note")["note"]) == (422, "a\tb")


@pytest.mark.parametrize("action", ["note", "chase", "withdraw"])
def test_what_is_posted_carries_the_token_of_the_session(website: Website, action: str) -> None:
    path, _ = opened(website)
    before = website.parts.records.of("kent").case(path.rpartition("/")[2])
    for csrf in ({}, {"csrf": "guessed"}):
        answer = website.post(f"{path}/{action}", {"note": "x", "reason": "x", **csrf})
        assert answer.status == 403
    assert website.parts.records.of("kent").case(path.rpartition("/")[2]) == before


def test_a_reminder_goes_out_once_an_hour(website: Website) -> None:
    path, page = opened(website)
    fields = fields_for(page, "/chase")
    answer = website.post(f"{path}/chase", fields)
    page = website.get(answer.headers["Location"])
    assert "A reminder is on its way." in words(page)
    assert "Coordinator, Kent Police sent a reminder to the innovation lead" in words(page)
    assert "chase" not in actions(page)
    again = website.post(f"{path}/chase", fields)
    assert (again.status, int(again.headers["Retry-After"]) > 3000) == (429, True)
    assert len(website.mails("reminder")) == 1
    now = website.parts.now() + timedelta(hours=1)
    website.use(now=lambda: now)
    assert website.post(f"{path}/chase", fields).status == 303


def test_a_claim_is_withdrawn_for_its_claimant_with_a_reason(website: Website) -> None:
    path, _ = opened(website)
    page = website.get(f"{path}/withdraw")
    assert heading(page) == f"Withdraw claim {path.rpartition('/')[2]}"
    wrong = website.post(f"{path}/withdraw", form_fields(page))
    assert (wrong.status, error_links(wrong.page)) == (422, [("Write why it is withdrawn", "#reason")])
    answer = website.post(f"{path}/withdraw", {**form_fields(page), "reason": "By telephone"})
    assert (answer.status, answer.headers["Location"]) == (303, f"{path}?done=withdrawn")
    page = website.get(answer.headers["Location"])
    assert "It is withdrawn." in words(page)
    assert "Coordinator, Kent Police withdrew it" in words(page)
    assert "By telephone" in words(page)
    assert actions(page) == {"note"}
    assert website.get(f"{path}/withdraw").status == 410
    case = website.parts.records.of("kent").case(path.rpartition("/")[2])
    assert case.submission.status is Status.WITHDRAWN
    assert len(website.mails("withdrawn")) == 1


def test_an_ideas_page_calls_its_sender_what_the_form_does(website: Website) -> None:
    receipt = idea_scenes.submit(website)
    website.ask(receipt)
    website.sign_in(COORDINATOR)
    path = f"/desk/submissions/{receipt.reference}"
    page = website.get(path)
    assert "Withdraw it for the person who sent the idea" in words(page)
    assert "Receipt The person who sent the idea" in words(page)
    asked = website.get(f"{path}/withdraw")
    assert "The person who sent the idea gets an email" in words(asked)
    assert "claimant" not in (words(page) + words(asked)).lower()


def test_another_forces_coordinator_finds_none_of_it(website: Website) -> None:
    path, _ = opened(website)
    website.sign_in(ESSEX)
    csrf = form_fields(website.get("/away"))["csrf"]
    for action in ("", "/note", "/chase", "/withdraw", "/reassign"):
        assert website.get(path + action).status == 404
    for action in ("/note", "/chase", "/withdraw", "/reassign"):
        assert website.post(path + action, {"csrf": csrf, "note": "x", "reason": "x"}).status == 404


def test_whoever_had_to_sign_in_again_comes_back_to_the_page(website: Website) -> None:
    path, _ = opened(website)
    for action in ("note", "chase"):
        assert heading(website.get(f"{path}/{action}")).startswith("Claim ")


def test_the_mails_of_a_claim_that_was_sent_back_and_withdrawn_are_listed(website: Website) -> None:
    receipt = sent_back(website)
    website.sign_in(COORDINATOR)
    said = words(website.get(f"/desk/submissions/{receipt.reference}"))
    assert "The outcome: asked for changes to The claimant" in said
    assert "What was recorded in their name Innovation lead, Kent Police" in said
    assert "Status Waiting for changes" in said


def test_a_submission_that_a_trusted_site_vouched_for_is_marked_so(website: Website) -> None:
    token = give_token(website.parts, "national-coordinator", Scope.SUBMIT)
    body = json.dumps(an_idea()).encode()
    sent = website.send_json("/api/v1/forms/idea/submissions", body, authorization=f"Bearer {token}")
    reference = json.loads(sent.text)["reference"]
    website.sign_in(COORDINATOR)
    said = words(website.get(f"/desk/submissions/{reference}"))
    assert "Sender Vouched for by a trusted site. No code was asked for." in said
    assert "The idea came in from a trusted site, which vouched for its sender" in said
    assert json.loads(website.get(f"/api/v1/submissions/{reference}").text)["vouched_for"] is True


def test_a_submission_that_was_confirmed_with_a_code_is_not_marked(website: Website) -> None:
    body = json.dumps(a_claim()).encode()
    sent = website.send_json("/api/v1/forms/funding-claim/submissions", body)
    reference = json.loads(sent.text)["reference"]
    url = f"/api/v1/status/{website.parts.links.status_token('kent', reference)}/confirm"
    website.send_json(url, json.dumps({"code": website.mailed_code("confirm")}).encode())
    website.sign_in(COORDINATOR)
    said = words(website.get(f"/desk/submissions/{reference}"))
    assert "ouched for" not in said
    assert "The claimant confirmed the email address" in said
    assert json.loads(website.get(f"/api/v1/submissions/{reference}").text)["vouched_for"] is False
