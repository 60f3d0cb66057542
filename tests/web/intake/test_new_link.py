"""A claimant has a new link sent, and what the old one says then."""

from __future__ import annotations

import json
from datetime import timedelta

from claim_scenes import claimant_session
from page_checks import text_of
from website import Answer, Website, form_fields, heading, words

from chalicelib.adapters.aws.ses import render
from chalicelib.services.approvals import ending
from chalicelib.services.intake.submitting import Receipt


def links(answer: Answer) -> set[str]:
    return {str(link.get("href")) for link in answer.page.iter("a")}


def new_token(site: Website) -> str:
    (mail,) = site.mails("new-link")
    return str(mail.payload["values"]["status_url"]).rpartition("/")[2]


def renewed(site: Website, receipt: Receipt) -> tuple[Answer, str]:
    """Press the button as whoever typed the code. Returns the page that follows, and the new token."""
    path = f"/status/{receipt.status_token}/link"
    site.cookies["claimant"] = claimant_session(site, receipt)
    answer = site.post(path, form_fields(site.get(path)))
    assert answer.status == 303, answer.text
    return site.get(answer.headers["Location"]), new_token(site)


def later(site: Website, days: int) -> None:
    moment = site.parts.now() + timedelta(days=days)
    site.use(now=lambda: moment)


def test_a_new_link_takes_the_mailbox_and_a_press(website: Website) -> None:
    receipt = website.submit()
    path = f"/status/{receipt.status_token}"
    assert f"{path}/link" in links(website.get(path))
    asked = website.get(f"{path}/link")
    assert (asked.status, asked.headers["Location"]) == (303, f"{path}/code?next=link")
    assert website.post(f"{path}/link", {"number": "1"}).headers["Location"] == f"{path}/code?next=link"
    assert website.case(receipt).submission.link == 1
    proved = website.prove(receipt, "link")
    assert proved.headers["Location"] == f"{path}/link"
    page = website.get(f"{path}/link")
    assert website.case(receipt).submission.link == 1, "looking changes nothing"
    assert website.post(f"{path}/link", {"number": "1"}).status == 403, "without the session's token"
    answer = website.post(f"{path}/link", form_fields(page))
    done = website.get(answer.headers["Location"])
    assert heading(done) == "Check your email"
    token = new_token(website)
    assert token not in done.text, "the new link stands in the mail alone"
    assert website.get(f"/status/{token}").status == 200
    again = website.post(f"{path}/link", form_fields(page))
    assert again.status == 303
    assert website.mails("new-link") == [], "pressing twice makes one link"


def test_an_old_link_says_that_a_newer_one_was_sent_and_how_to_get_another(website: Website) -> None:
    receipt = website.submit()
    _, token = renewed(website, receipt)
    website.cookies.clear()
    old = website.get(f"/status/{receipt.status_token}")
    assert (old.status, heading(old)) == (410, "A newer link was sent")
    assert token not in old.text
    assert "Use the link in that email." in words(old)
    code = f"/status/{receipt.status_token}/code?next=link"
    assert code in links(old)
    asking = website.get(code)
    assert asking.status == 200
    assert token not in asking.text
    for action in ("withdraw", "amend"):
        website.cookies["claimant"] = claimant_session(website, receipt)
        assert website.get(f"/status/{receipt.status_token}/{action}").status == 410, action
    as_json = website.get(f"/api/v1/status/{receipt.status_token}")
    assert (as_json.status, json.loads(as_json.text)["code"]) == (410, "link-replaced")
    _, third = renewed(website, receipt)
    assert website.get(f"/status/{third}").status == 200
    assert website.get(f"/status/{token}").status == 410


def test_the_page_after_sending_leads_to_a_new_link_too_once_its_link_is_over(website: Website) -> None:
    receipt = website.submit()
    renewed(website, receipt)
    website.cookies.clear()
    old = website.get(f"/forms/funding-claim/sent/{receipt.status_token}")
    assert (old.status, heading(old)) == (410, "A newer link was sent")
    code = f"/status/{receipt.status_token}/code?next=link"
    assert code in links(old)
    assert website.get(code).status == 200


def test_a_link_that_ended_says_that_the_data_is_there_and_leads_to_a_new_one(website: Website) -> None:
    receipt = website.submit()
    ending.withdraw(website.parts, "kent", receipt.reference)
    later(website, 91)
    old = website.get(f"/status/{receipt.status_token}")
    assert (old.status, heading(old)) == (410, "This link no longer works")
    assert "What was sent is still held" in words(old)
    as_json = website.get(f"/api/v1/status/{receipt.status_token}")
    assert (as_json.status, json.loads(as_json.text)["code"]) == (410, "link-ended")
    website.prove(receipt, "link")
    page = website.get(f"/status/{receipt.status_token}/link")
    website.post(f"/status/{receipt.status_token}/link", form_fields(page))
    assert "Withdrawn" in words(website.get(f"/status/{new_token(website)}"))


def test_a_number_that_was_made_up_makes_no_link(website: Website) -> None:
    receipt = website.submit()
    path = f"/status/{receipt.status_token}/link"
    website.cookies["claimant"] = claimant_session(website, receipt)
    fields = form_fields(website.get(path))
    for number in ("", "x", "-1", "9" * 30):
        assert website.post(path, {**fields, "number": number}).status == 400, number
    assert website.post(path, {**fields, "number": "7"}).status == 303
    assert website.case(receipt).submission.link == 1
    assert website.mails("new-link") == []


def test_the_mail_says_what_the_link_is_for(website: Website) -> None:
    receipt = website.submit()
    path = f"/status/{receipt.status_token}/link"
    website.cookies["claimant"] = claimant_session(website, receipt)
    website.post(path, form_fields(website.get(path)))
    (mail,) = website.mails("new-link")
    shown = render("new-link", mail.payload["values"])
    assert shown.subject == f"{receipt.reference}: your new link"
    assert "Any link that we sent you before no longer works." in shown.text
    assert mail.payload["to"] == "sam.okafor@example.police.uk"
    assert text_of(website.get(f"{path}?sent=yes").page)
