"""What a claimant does about their claim: prove who they are, make the changes that were asked for, withdraw it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from claim_scenes import WANTED, claimant_session, sent_back
from page_checks import error_links, text_of, with_class
from website import LEAD, Answer, Website, form_fields, heading, words

from chalicelib.domain.records.submissions import Status
from chalicelib.services.intake.submitting import Receipt


def links(answer: Answer) -> set[str]:
    return {link.get("href") or "" for link in answer.page.iter("a")}


def path(receipt: Receipt, action: str = "") -> str:
    return f"/status/{receipt.status_token}/{action}".rstrip("/")


def session(website: Website, receipt: Receipt) -> None:
    website.cookies["claimant"] = claimant_session(website, receipt)


def money(website: Website) -> tuple[int, int]:
    share = website.parts.funds.fund("ptf").forces["kent"]
    return share.reserved, share.committed


def test_the_status_page_says_that_changes_are_asked_for(website: Website) -> None:
    receipt = sent_back(website)
    answer = website.get(path(receipt))
    banner = text_of(with_class(answer.page, "govuk-notification-banner")[0])
    assert "You have been asked to make changes by" in banner
    assert {path(receipt, "amend"), path(receipt, "withdraw")} <= links(answer)
    assert "Waiting for You" in words(answer)
    assert WANTED["costs"] not in answer.text, "what is to be changed is for the claimant alone"
    shown = json.loads(website.get(f"/api/v1{path(receipt)}").text)
    assert set(shown) == {
        "reference", "form", "status", "stage", "waiting_for", "due", "submitted_at", "history",
    }  # fmt: skip
    assert shown["status"] == "changes-requested"


def test_while_a_decision_can_be_undone_the_claimant_sees_nothing_of_it(website: Website) -> None:
    website.use(undo_for=timedelta(minutes=10))
    receipt = sent_back(website)
    assert path(receipt, "amend") not in links(website.get(path(receipt)))
    session(website, receipt)
    assert website.get(path(receipt, "amend")).status == 410


@pytest.mark.parametrize("action", ["amend", "withdraw"])
def test_doing_something_about_a_claim_takes_a_mailed_code(website: Website, action: str) -> None:
    receipt = sent_back(website)
    answer = website.get(path(receipt, action))
    assert (answer.status, answer.headers["Location"]) == (303, f"{path(receipt, 'code')}?next={action}")
    ask = website.get(answer.headers["Location"])
    assert heading(ask) == "Show us that it is you"
    assert "sam.okafor" not in ask.text
    assert form_fields(ask) == {"next": action}
    sent = website.post(path(receipt, "code"), form_fields(ask))
    assert (sent.status, sent.headers["Location"]) == (303, answer.headers["Location"] + "&sent=yes")
    enter = website.get(sent.headers["Location"])
    assert heading(enter) == "Check your email"
    assert "sam.okafor" not in enter.text
    (mail,) = website.mails("claimant-code")
    assert mail.payload["to"] == "sam.okafor@example.police.uk"
    code = mail.payload["values"]["code"]
    done = website.post(path(receipt, "code"), {**form_fields(enter), "code": f" {code[:3]}-{code[3:]} "})
    assert (done.status, done.headers["Location"]) == (303, path(receipt, action))
    assert website.get(path(receipt, action)).status == 200
    assert website.get(f"{path(receipt, 'code')}?next={action}").headers["Location"] == path(receipt, action)


def test_a_wrong_code_is_said_and_after_twenty_a_longer_one_is_mailed(website: Website) -> None:
    receipt = sent_back(website)
    website.post(path(receipt, "code"), {"next": "amend"})
    code = website.mailed_code("claimant-code")
    wrong = "000000" if code != "000000" else "111111"
    for typed in ["", "12345", *[wrong] * 20]:
        answer = website.post(path(receipt, "code"), {"next": "amend", "code": typed})
        assert answer.status == 422
        assert [href for _, href in error_links(answer.page)] == ["#code"]
    assert website.post(path(receipt, "code"), {"next": "amend", "code": code}).status == 422
    website.post(path(receipt, "code"), {"next": "amend"})
    code = website.mailed_code("claimant-code")
    assert len(code) == 10
    assert website.post(path(receipt, "code"), {"next": "amend", "code": code}).status == 303


def test_a_code_that_nobody_asked_for_here_proves_nothing(website: Website) -> None:
    first, second = sent_back(website), sent_back(website)
    website.post(path(first, "code"), {"next": ""})
    code = website.mailed_code("claimant-code")
    assert website.post(path(second, "code"), {"next": "", "code": code}).status == 422
    assert website.post(path(first, "code"), {"next": "", "code": code}).status == 303


def test_the_code_of_the_status_page_signs_nobody_in_as_staff(website: Website) -> None:
    receipt = sent_back(website)
    website.post(path(receipt, "code"), {"next": ""})
    code = website.mailed_code("claimant-code")
    website.post("/sign-in", {"address": "sam.okafor@example.police.uk"})
    assert website.post("/sign-in/code", {"code": code}).status == 422
    assert "session" not in website.cookies


@pytest.mark.parametrize("after", ["", "//evil.example", "sent", "amend/../../x", "https://evil.example"])
def test_a_code_leads_nowhere_but_to_our_two_pages(website: Website, after: str) -> None:
    receipt = sent_back(website)
    assert website.prove(receipt, after).headers["Location"] == path(receipt)


def test_a_cut_off_link_mails_no_code(website: Website) -> None:
    receipt = sent_back(website)
    for action in ("code", "amend", "withdraw"):
        for answer in (
            website.get(f"/status/{receipt.status_token[:-2]}/{action}"),
            website.post(f"/status/{receipt.status_token[:-2]}/{action}", {}),
        ):
            assert answer.status == 404
    assert website.mails("claimant-code") == []


def test_a_page_of_another_site_has_no_code_mailed(website: Website) -> None:
    receipt = sent_back(website)
    answer = website.post(path(receipt, "code"), {"next": "amend"}, sec_fetch_site="cross-site")
    assert answer.status == 403
    assert website.mails("claimant-code") == []


@pytest.mark.parametrize("name", ["website", "secure_website"])
def test_the_claimants_cookies_say_what_they_must(name: str, request: pytest.FixtureRequest) -> None:
    site: Website = request.getfixturevalue(name)
    receipt = sent_back(site)
    assert "Set-Cookie" not in site.post(path(receipt, "code"), {"next": ""}).headers
    code = site.mailed_code("claimant-code")
    (kept,) = site.post(path(receipt, "code"), {"next": "", "code": code}).headers["Set-Cookie"]
    assert kept.startswith("claimant=")
    assert "Path=/status; Max-Age=3600; HttpOnly; SameSite=Lax" in kept
    assert kept.endswith("; Secure") == (name == "secure_website")
    assert "claimant " in words(site.get("/cookies"))


@pytest.mark.parametrize("action", ["amend", "withdraw"])
def test_a_code_for_one_claim_opens_no_other(website: Website, action: str) -> None:
    mine, other = sent_back(website), sent_back(website)
    session(website, mine)
    fields = {"csrf": form_fields(website.get(path(mine, action)))["csrf"], "confirm": "yes", "version": "1"}
    for answer in (website.get(path(other, action)), website.post(path(other, action), fields)):
        assert (answer.status, answer.headers["Location"]) == (303, f"{path(other, 'code')}?next={action}")
    assert website.case(other).submission.status is Status.CHANGES_REQUESTED


def test_signing_in_as_staff_opens_no_claim_and_a_claimants_code_no_task(website: Website) -> None:
    receipt = sent_back(website)
    website.sign_in(LEAD)
    website.cookies["claimant"] = website.cookies["session"]
    assert website.get(path(receipt, "withdraw")).status == 303
    website.cookies["session"] = claimant_session(website, receipt)
    assert website.get(f"/tasks/kent.{receipt.reference}.1").status == 303
    assert website.get("/away").status == 303
    assert website.get(f"/api/v1/tasks/kent.{receipt.reference}.1").status == 401


@pytest.mark.parametrize("action", ["amend", "withdraw"])
def test_without_the_csrf_token_nothing_is_changed(website: Website, action: str) -> None:
    receipt = sent_back(website)
    session(website, receipt)
    fields = {**form_fields(website.get(path(receipt, action))), "confirm": "yes", "event_title": "Other"}
    for csrf in ("", "wrong"):
        answer = website.post(path(receipt, action), {**fields, "csrf": csrf})
        assert (answer.status, heading(answer)) == (403, "You cannot do this")
    assert website.case(receipt).submission.status is Status.CHANGES_REQUESTED


def test_a_claim_is_withdrawn_with_a_code_and_its_money_is_free_again(website: Website) -> None:
    receipt = website.submit()
    website.ask(receipt)
    website.decide(receipt)
    assert money(website) == (183_450, 0)
    website.prove(receipt, "withdraw")
    page = website.get(path(receipt, "withdraw"))
    boxes = [one for one in page.page.iter("input") if one.get("type") == "checkbox"]
    assert [box.get("checked") for box in boxes] == [None], "nothing is ticked beforehand"
    refused = website.post(path(receipt, "withdraw"), {**form_fields(page), "reason": "A free hall"})
    assert refused.status == 422
    assert error_links(refused.page) == [("Confirm that you want to withdraw the claim", "#confirm")]
    fields = form_fields(refused)
    assert fields["reason"] == "A free hall"
    answer = website.post(path(receipt, "withdraw"), {**fields, "confirm": "yes"})
    assert (answer.status, answer.headers["Location"]) == (303, path(receipt))
    assert "Status Withdrawn" in words(website.get(path(receipt)))
    assert money(website) == (0, 0)
    assert website.case(receipt).words(website.case(receipt).entries[-1].sequence) == "A free hall"
    assert website.post(path(receipt, "withdraw"), {**fields, "confirm": "yes"}).status == 303
    assert website.get(path(receipt, "withdraw")).headers["Location"] == path(receipt)
    assert path(receipt, "withdraw") not in links(website.get(path(receipt)))


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("x" * 2001, "The reason must be 2,000 characters or fewer"),
        ("a\tb", "The reason holds a character that cannot be shown, such as a tab; take it out"),
    ],
)
def test_a_reason_that_cannot_be_kept_is_said(website: Website, reason: str, message: str) -> None:
    receipt = website.submit()
    session(website, receipt)
    fields = {**form_fields(website.get(path(receipt, "withdraw"))), "confirm": "yes", "reason": reason}
    answer = website.post(path(receipt, "withdraw"), fields)
    assert error_links(answer.page) == [(message, "#reason")]
    assert website.case(receipt).submission.is_open


def test_only_the_pages_to_be_changed_are_open_with_what_was_asked_beside_them(website: Website) -> None:
    receipt = sent_back(website, {"costs": WANTED["costs"]})
    session(website, receipt)
    answer = website.get(path(receipt, "amend"))
    assert heading(answer) == f"Change claim {receipt.reference}"
    shown = words(answer)
    assert "The innovation lead asked for changes on" in shown
    assert "Make them by" in shown
    assert "A good idea, too dear." in shown
    assert "What should be changed here Two quotes for the hall, please." in shown
    fields = form_fields(answer)
    assert fields["cost_lines-0-amount_pence"] == "1,234.50"
    assert fields["purpose"].startswith("Officers bring ideas")
    assert "venue_name" not in fields
    assert "Venue Maidstone Town Hall" in shown[shown.index("What stays as it is") :]


def test_changes_are_made_and_go_back_to_the_approver(website: Website) -> None:
    receipt = sent_back(website, {"costs": WANTED["costs"]})
    website.prove(receipt, "amend")
    fields = form_fields(website.get(path(receipt, "amend")))
    more = website.post(path(receipt, "amend"), {**fields, "action": "add-line"})
    assert more.status == 200
    kept = form_fields(more)
    assert "cost_lines-2-description" in kept
    fewer = form_fields(website.post(path(receipt, "amend"), {**kept, "action": "remove-line-2"}))
    assert "cost_lines-2-description" not in fewer
    sent = {**fewer, "action": "send", "cost_lines-0-amount_pence": "1,000", "venue_name": "Sneaked in"}
    answer = website.post(path(receipt, "amend"), sent)
    assert (answer.status, answer.headers["Location"]) == (303, path(receipt))
    case = website.case(receipt)
    assert (case.submission.amount_pence, case.submission.version) == (100_000, 2)
    assert case.answers["venue_name"] == "Maidstone Town Hall", "that page was not open"
    assert "You sent the changes." in words(website.get(path(receipt)))
    assert website.post(path(receipt, "amend"), sent).headers["Location"] == path(receipt), "a double click"
    other = website.post(path(receipt, "amend"), {**sent, "cost_lines-0-amount_pence": "900"})
    assert other.status == 409
    assert "They were not stored." in words(other)
    assert website.case(receipt).submission.version == 2
    assert website.get(path(receipt, "amend")).status == 410
    task = website.ask(receipt)
    website.sign_in()
    assert "Now Main hall, one day, Venue hire, £1,000" in words(website.get(task))


def test_nothing_changed_is_no_change(website: Website) -> None:
    receipt = sent_back(website)
    session(website, receipt)
    answer = website.post(path(receipt, "amend"), form_fields(website.get(path(receipt, "amend"))))
    assert answer.status == 422
    summary = text_of(with_class(answer.page, "govuk-error-summary")[0])
    assert "Nothing is different yet. Change what you were asked to change" in summary


def test_mistakes_in_changes_are_listed_and_nothing_typed_is_lost(website: Website) -> None:
    receipt = sent_back(website)
    session(website, receipt)
    fields = form_fields(website.get(path(receipt, "amend")))
    typed = {
        **fields,
        "event_date-month": "",
        "cost_lines-1-amount_pence": "plenty",
        "venue_name": "<b>Hall</b>",
    }
    answer = website.post(path(receipt, "amend"), typed)
    assert answer.status == 422
    assert error_links(answer.page) == [
        ("Date must include a month", "#event_date-month"),
        ("Line 2: The amount must be in pounds and pence, such as 1,234.56", "#cost_lines-1-amount_pence"),
    ]
    assert form_fields(answer) == typed
    assert "<b>" not in answer.text


@pytest.mark.parametrize("version", ["", "one", "-1", "9" * 30])
def test_a_page_that_forgot_its_version_stores_nothing(website: Website, version: str) -> None:
    receipt = sent_back(website)
    session(website, receipt)
    fields = {**form_fields(website.get(path(receipt, "amend"))), "version": version, "venue_name": "Other"}
    assert website.post(path(receipt, "amend"), fields).status == 400
    assert website.case(receipt).submission.version == 1


def test_an_old_page_is_not_taken_for_the_new_one(website: Website) -> None:
    """Changes were made, and asked for again, while the first page was still open."""
    receipt = sent_back(website)
    session(website, receipt)
    old = form_fields(website.get(path(receipt, "amend")))
    assert website.post(path(receipt, "amend"), {**old, "venue_name": "Town Hall"}).status == 303
    website.ask(receipt)
    website.decide(receipt, "request-changes", comment="The date, too")
    answer = website.post(path(receipt, "amend"), {**old, "venue_name": "Village Hall"})
    assert answer.status == 409
    assert "Your page was out of date" in words(answer)
    assert form_fields(answer)["venue_name"] == "Town Hall"
    assert form_fields(answer)["version"] == "2"
    assert website.case(receipt).submission.version == 2


def test_a_claim_that_moves_to_another_force_is_found_by_either_link(website: Website) -> None:
    receipt = sent_back(website)
    session(website, receipt)
    fields = {**form_fields(website.get(path(receipt, "amend"))), "force": "essex"}
    answer = website.post(path(receipt, "amend"), fields)
    moved = answer.headers["Location"]
    assert moved.startswith(f"/status/essex.{receipt.reference}.")
    assert website.post(path(receipt, "amend"), fields).headers["Location"] == moved, "a double click"
    assert "Your claim went to the force that you named." in words(website.get(moved))
    assert f"{moved}/withdraw" in links(website.get(path(receipt))), "the old link shows where it is now"
    website.cookies.clear()
    token = moved.removeprefix("/status/")
    assert website.prove(receipt, "withdraw").headers["Location"] == f"{moved}/withdraw"
    fields = form_fields(website.get(f"{moved}/withdraw"))
    assert website.post(f"{moved}/withdraw", {**fields, "confirm": "yes"}).headers["Location"] == moved
    there = replace(receipt, status_token=token)
    assert website.case(there, "essex").submission.status is Status.WITHDRAWN
