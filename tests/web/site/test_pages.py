"""Every page as a browser without scripts meets it. `Website` checks each one that comes back (page_checks.py)."""

from __future__ import annotations

import subprocess
import sys

import pytest
from page_checks import by_id, error_links, text_of, with_class
from website import LEAD, Website, a_filled_form, form_fields, heading

from chalicelib.services.approvals import task_view
from chalicelib.web.pages import render

FORM = "/forms/funding-claim"


@pytest.mark.parametrize(
    "path", ["/", "/cookies", "/privacy", "/accessibility", "/sign-in", "/sign-out", FORM]
)
def test_public_pages_open_and_are_kept_nowhere(website: Website, path: str) -> None:
    answer = website.get(path)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not website.cookies


def test_the_start_page_leads_to_the_forms(website: Website) -> None:
    links = [link.get("href") for link in website.get("/").page.iter("a")]
    assert FORM in links
    assert "/sign-in" in links


def test_a_form_that_does_not_exist_is_a_page_that_says_so(website: Website) -> None:
    answer = website.get("/forms/no-such-form")
    assert answer.status == 404
    assert heading(answer) == "We cannot find this"


def test_static_files_are_kept_for_ever_under_their_version_only(website: Website) -> None:
    page = website.get("/").page
    links = [one.get("href") or "" for one in page.iter("link")] + [
        one.get("src") or "" for one in page.iter("script")
    ]
    assert len(links) == 3
    for link in links:
        assert "immutable" in website.get(link).headers["Cache-Control"]
    assert website.get("/static/govuk.css").headers["Cache-Control"] == "public, max-age=3600"
    assert website.get("/static/govuk.css?v=older").headers["Cache-Control"] == "public, max-age=3600"
    assert website.get("/static/app.js").headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert website.get("/static/pages.py").status == 404


def test_styles_hold_no_font_and_ask_for_nothing_from_elsewhere(website: Website) -> None:
    styles = website.get("/static/govuk.css").text
    assert "@font-face" not in styles
    assert "url(" not in styles


def test_a_claim_is_sent_and_thanked_for(website: Website) -> None:
    empty = website.get(FORM)
    answer = website.post(FORM, {**form_fields(empty), **a_filled_form()})
    assert answer.status == 303
    assert heading(website.get(answer.headers["Location"])) == "Confirm your email address"
    thanks = website.confirm(answer.headers["Location"])
    assert heading(thanks) == "Claim received"
    assert "CLM-" in text_of(with_class(thanks.page, "govuk-panel__body")[0])
    status = next(
        link.get("href") or "" for link in thanks.page.iter("a") if "/status/" in (link.get("href") or "")
    )
    assert website.get(status).status == 200


def test_a_double_click_sends_one_claim(website: Website) -> None:
    fields = {**form_fields(website.get(FORM)), **a_filled_form()}
    first, second = website.post(FORM, fields), website.post(FORM, fields)
    assert first.status == second.status == 303
    assert first.headers["Location"] == second.headers["Location"]


def test_the_same_form_sent_again_with_other_answers_is_asked_about_once(website: Website) -> None:
    fields = {**a_filled_form(), "key": website.form_key()}
    assert website.post(FORM, fields).status == 303
    again = website.post(FORM, {**fields, "expected_attendance": "80"})
    assert again.status == 422
    assert "You sent this form before" in text_of(with_class(again.page, "govuk-error-summary")[0])
    kept = form_fields(again)
    assert kept["key"] != fields["key"]
    assert kept["expected_attendance"] == "80"
    assert website.post(FORM, kept).status == 303


def test_each_opened_form_has_a_key_of_its_own(website: Website) -> None:
    assert form_fields(website.get(FORM))["key"] != form_fields(website.get(FORM))["key"]


def test_mistakes_are_listed_linked_and_nothing_typed_is_lost(website: Website) -> None:
    typed = {
        **a_filled_form(),
        "key": website.form_key(),
        "force": "",
        "event_date-month": "",
        "claimant_email": '"><script>',
    }
    answer = website.post(FORM, typed)
    assert answer.status == 422
    assert error_links(answer.page) == [
        ("Select your force", "#force"),
        ("Date must include a month", "#event_date-month"),
        ("Enter one email address, like name@example.police.uk", "#claimant_email"),
    ]
    kept = form_fields(answer)
    assert {name: kept.get(name) for name in typed if name != "action"} == {
        name: value.replace("\r\n", "\n") for name, value in typed.items() if name != "action"
    }
    assert (
        by_id(answer.page, "claimant_email").get("aria-describedby")
        == "claimant_email-hint claimant_email-error"
    )
    assert by_id(answer.page, "claimant_email-error") is not None


def test_every_question_left_empty_is_named(website: Website) -> None:
    answer = website.post(FORM, {"key": website.form_key()})
    required = website.parts.forms.form("funding-claim").schema["required"]
    assert len(error_links(answer.page)) == len(required)


def test_a_textarea_keeps_its_line_breaks(website: Website) -> None:
    lines = "One\n\n  two\nthree"
    answer = website.post(FORM, {**a_filled_form(), "key": website.form_key(), "force": "", "purpose": lines})
    assert form_fields(answer)["purpose"] == lines


def test_lines_are_added_and_removed_without_a_script(website: Website) -> None:
    fields = {**form_fields(website.get(FORM)), "cost_lines-0-description": "Hall", "venue_name": "Town Hall"}
    more = website.post(FORM, {**fields, "action": "add-line"})
    assert more.status == 200
    assert not error_links(more.page)
    kept = form_fields(more)
    assert kept["venue_name"] == "Town Hall"
    assert kept["key"] == fields["key"]
    assert {"cost_lines-0-description", "cost_lines-1-description"} <= kept.keys()
    fewer = form_fields(
        website.post(FORM, {**kept, "cost_lines-1-description": "Lunch", "action": "remove-line-1"})
    )
    assert fewer["cost_lines-0-description"] == "Lunch"
    assert "cost_lines-1-description" not in fewer


def test_return_in_a_text_box_sends_the_form(website: Website) -> None:
    page = website.post(FORM, {**a_filled_form(), "action": "add-line"}).page
    first = next(element for element in next(page.iter("form")).iter("button"))
    assert first.get("value") == "send"


def test_a_form_posted_from_another_site_is_refused(website: Website) -> None:
    answer = website.post(FORM, {**a_filled_form(), "key": website.form_key()}, sec_fetch_site="cross-site")
    assert answer.status == 403
    assert heading(answer) == "You cannot do this"


def test_the_status_page_tells_how_it_stands_and_names_nobody(website: Website) -> None:
    receipt = website.submit()
    website.ask(receipt)
    answer = website.get(f"/status/{receipt.status_token}")
    words = text_of(next(answer.page.iter("main")))
    assert heading(answer) == f"Claim {receipt.reference}"
    assert "Being decided" in words
    assert "The innovation lead" in words
    assert "We received your claim." in words
    assert "Okafor" not in answer.text
    assert "@" not in words


def test_a_status_link_that_was_cut_off_is_not_found(website: Website) -> None:
    receipt = website.submit()
    assert website.get(f"/status/{receipt.status_token[:-3]}").status == 404
    assert website.get(f"{FORM}/sent/{receipt.status_token[:-3]}").status == 404


def test_a_task_asks_to_sign_in_and_then_opens(website: Website) -> None:
    path = website.ask(website.submit())
    answer = website.get(path)
    assert answer.status == 303
    assert answer.headers["Location"] == f"/sign-in?next={path}"
    form = form_fields(website.get(answer.headers["Location"]))
    answer = website.post("/sign-in", {**form, "address": LEAD})
    assert answer.headers["Location"] == f"/sign-in/code?next={path}"
    form = form_fields(website.get(answer.headers["Location"]))
    answer = website.post("/sign-in/code", {**form, "code": website.mailed_code()})
    assert answer.headers["Location"] == path
    assert website.get(path).status == 200


def test_a_task_shows_all_that_it_takes_to_decide(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    words = text_of(next(website.get(path).page.iter("main")))
    for expected in (
        "Maidstone Town Hall",
        "27 March 2027",
        "Venue hire",
        "£1,234.50",
        "Total £1,834.50",
        "Sam Okafor",
        "Sergeant",
        "£50,000 left of £50,000",
        "£10,000 left of £10,000",
        "This claim fits",
        "less than an hour",
        "You are the first to decide.",
        "The claimant will read this",
    ):
        assert expected in words
    assert "sam.okafor@" not in words


def test_no_decision_is_chosen_beforehand(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    answer = website.get(path)
    radios = [one for one in answer.page.iter("input") if one.get("type") == "radio"]
    assert [radio.get("value") for radio in radios] == ["approve", "reject", "request-changes"]
    assert not [radio for radio in radios if radio.get("checked") is not None]
    refused = website.post(path, {**form_fields(answer), "comment": "Looks fine\n\nto me"})
    assert refused.status == 422
    assert error_links(refused.page) == [
        ("Choose your decision: approve, reject or request-changes", "#decision")
    ]
    assert form_fields(refused)["comment"] == "Looks fine\n\nto me"


def test_a_rejection_needs_its_reason(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    refused = website.post(path, {**form_fields(website.get(path)), "decision": "reject", "comment": " "})
    assert refused.status == 422
    assert error_links(refused.page) == [("Give the reason: the claimant will read it", "#comment")]
    assert form_fields(refused)["decision"] == "reject"
    done = website.post(path, {**form_fields(refused), "comment": "The hall is free of charge"})
    assert done.status == 303
    assert heading(website.get(path)) == "You rejected this claim"


def test_an_approval_is_confirmed_and_reaches_the_next_stage(website: Website) -> None:
    receipt = website.submit()
    path = website.ask(receipt)
    website.sign_in()
    fields = {**form_fields(website.get(path)), "decision": "approve", "comment": "Good\nvalue"}
    answer = website.post(path, fields)
    assert (answer.status, answer.headers["Location"]) == (303, path)
    shown = website.get(path)
    assert heading(shown) == "You approved this claim"
    assert "programme manager" in text_of(next(shown.page.iter("main")))
    assert website.post(path, fields).status == 303, "the same again is harmless"
    second = website.ask(receipt)
    website.sign_in(_address_of(website, second))
    words = text_of(next(website.get(second).page.iter("main")))
    assert "The innovation lead approved it" in words
    assert "Good value" in words
    assert "is already set aside for this claim" in words


def test_a_claim_that_is_more_than_is_left_says_so(website: Website) -> None:
    line = {"description": "Hall", "category": "venue-hire", "amount_pence": 1_000_001}
    path = website.ask(website.submit(cost_lines=[line]))
    website.sign_in()
    answer = website.get(path)
    assert "more than is left" in text_of(next(answer.page.iter("main")))
    refused = website.post(path, {**form_fields(answer), "decision": "approve"})
    assert refused.status == 409
    assert heading(refused) == "There is not enough money left"


def test_a_claim_that_is_not_as_it_was_shown_is_not_decided(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    refused = website.post(path, {**form_fields(website.get(path)), "decision": "approve", "seen": "0" * 64})
    assert refused.status == 409
    assert heading(refused).startswith("Decide claim ")
    assert "changed after it was shown to you" in text_of(
        with_class(refused.page, "govuk-notification-banner")[0]
    )


def test_a_decision_without_the_csrf_token_is_refused(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    fields = {**form_fields(website.get(path)), "decision": "approve"}
    for csrf in ("", "wrong"):
        assert website.post(path, {**fields, "csrf": csrf}).status == 403
    assert task_view.task_view(website.parts, "lead-kent", path.removeprefix("/tasks/")).may_decide


def test_who_was_not_asked_decides_nothing(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in("coordinator.kent@example.police.uk")
    answer = website.get(path)
    assert answer.status == 403
    assert heading(answer) == "You were not asked to decide this"
    assert "Maidstone" not in answer.text


def test_what_people_write_is_text_and_never_markup(website: Website) -> None:
    line = {"description": "<i>Hall</i>", "category": "venue-hire", "amount_pence": 100}
    receipt = website.submit(event_title="<script>alert(1)</script>", cost_lines=[line])
    path = website.ask(receipt)
    website.sign_in()
    answer = website.get(path)
    assert "<script>alert(1)</script>" in text_of(next(answer.page.iter("main")))
    assert "<i>" not in answer.text
    website.post(path, {**form_fields(answer), "decision": "reject", "comment": "<b>No</b>"})
    assert "<b>" not in website.get(f"/status/{receipt.status_token}").text
    assert "<b>" not in website.get(path).text


def test_a_problem_page_carries_the_number_that_finds_it_in_the_logs() -> None:
    response = render.problem_page(500, "Sorry, something went wrong", "Try again.", "abc123")
    assert response.status_code == 500
    assert "abc123" in response.body


def test_a_value_that_a_page_misses_is_an_error_and_not_a_gap() -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        render.page("problem.html", title="Only a title")


def test_importing_the_routes_loads_no_templates() -> None:
    look = "import sys, app; sys.exit(any(name.startswith(('jinja2', 'markupsafe')) for name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", look], env={"PYTHONPATH": ".:vendor"}, check=False)
    assert run.returncode == 0


def _address_of(website: Website, path: str) -> str:
    force, reference, number = path.removeprefix("/tasks/").split(".")
    task = website.parts.records.of(force).case(reference).task(int(number))
    assert task is not None
    person = website.parts.people.person(task.person_id)
    assert person is not None
    return person.address
