"""Deciding on the page, taking it back, and asking for changes; and what the approver sees afterwards."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from claim_scenes import WANTED, amended, sent_back
from page_checks import by_id, error_links, text_of, with_class
from website import LEAD, Answer, Website, form_fields, heading, words

from chalicelib.domain.approvals.deadlines import london_day
from chalicelib.domain.dates import long_date
from chalicelib.domain.records.submissions import Status
from tests.unit.approvals.test_deferring import FormsThatDefer

TEN_MINUTES = timedelta(minutes=10)
PROGRAMME = "programme.manager@example.org"


def body(answer: Answer) -> Any:
    return json.loads(answer.text)


def test_a_decision_can_be_undone_on_its_page_while_nobody_else_is_told(website: Website) -> None:
    website.use(undo_for=TEN_MINUTES)
    receipt = website.submit()
    path = website.ask(receipt)
    website.sign_in()
    website.post(path, {**form_fields(website.get(path)), "decision": "reject", "comment": "Too dear"})
    decided = website.get(path)
    assert heading(decided) == "You rejected this claim"
    undo = website.case(receipt).submission.undo
    assert undo is not None
    assert "You can undo this until " in words(decided)
    assert "Being decided" in words(website.get(f"/status/{receipt.status_token}")), (
        "the claimant is not told yet"
    )
    answer = website.post(f"{path}/undo", form_fields(decided))
    assert (answer.status, answer.headers["Location"]) == (303, f"{path}?undone=1")
    again = website.get(answer.headers["Location"])
    assert heading(again) == f"Decide claim {receipt.reference}"
    assert "Your decision is undone." in words(again)
    assert "decision" not in form_fields(again)
    assert website.case(receipt).submission.status is Status.IN_REVIEW
    assert [entry.action for entry in website.case(receipt).entries][-2:] == ["decided", "undone"]


def test_once_it_has_gone_out_a_decision_stands(website: Website) -> None:
    website.use(undo_for=TEN_MINUTES)
    path = website.ask(website.submit())
    website.sign_in()
    website.post(path, {**form_fields(website.get(path)), "decision": "approve"})
    fields = form_fields(website.get(path))
    later = website.parts.now() + timedelta(minutes=11)
    website.use(now=lambda: later)
    assert "undo" not in words(website.get(path))
    answer = website.post(f"{path}/undo", fields)
    assert (answer.status, heading(answer)) == (409, "This can no longer be undone")
    problem = body(website.send_json(f"/api/v1{path}/undo", b"{}"))
    assert (problem["status"], problem["code"]) == (409, "no-longer-undoable")


def test_only_its_maker_undoes_a_decision_and_with_the_csrf_token(website: Website) -> None:
    website.use(undo_for=TEN_MINUTES)
    path = website.ask(website.submit())
    website.sign_in()
    website.post(path, {**form_fields(website.get(path)), "decision": "approve"})
    assert website.post(f"{path}/undo", {}).status == 403
    assert website.get(f"{path}/undo").headers["Location"] == path
    website.sign_in(PROGRAMME)
    csrf = form_fields(website.get("/away"))["csrf"]
    assert website.post(f"{path}/undo", {"csrf": csrf}).status == 403
    assert body(website.send_json(f"/api/v1{path}/undo", b"{}"))["code"] == "not-asked"
    website.sign_in(LEAD)
    assert heading(website.get(path)) == "You approved this claim"


def test_a_program_decides_and_undoes(website: Website) -> None:
    website.use(undo_for=TEN_MINUTES)
    task = "/api/v1" + website.ask(website.submit())
    website.sign_in()
    shown = body(website.get(task))
    assert (shown["choices"], shown["undo_until"]) == (["approve", "reject", "request-changes"], None)
    decision = {"decision": "approve", "seen": shown["seen"]}
    outcome = body(website.send_json(f"{task}/decision", json.dumps(decision).encode()))
    assert outcome["undo_until"].endswith("Z")
    assert body(website.get(task))["undo_until"] == outcome["undo_until"]
    assert body(website.send_json(f"{task}/undo", b'{"now": true}'))["code"] == "invalid-answers"
    assert website.send_json(f"{task}/undo", b"", content_type="text/plain").status == 415
    open_again = body(website.send_json(f"{task}/undo", b"{}"))
    assert (open_again["state"], open_again["choices"]) == ("open", shown["choices"])
    assert website.send_json(f"{task}/undo", b"{}").status == 200, "the same again is harmless"


def test_changes_are_asked_for_page_by_page(website: Website) -> None:
    receipt = website.submit()
    path = website.ask(receipt)
    website.sign_in()
    empty = website.get(path)
    labels = [text_of(label) for label in empty.page.iter("label")]
    assert "What should be changed in “What it costs”?" in labels
    fields = form_fields(empty)
    assert {"changes-the-day", "changes-costs", "changes-you"} <= fields.keys()
    nothing = website.post(path, {**fields, "decision": "request-changes"})
    assert nothing.status == 422
    message = "Say what is to be changed: the claimant will read it"
    assert error_links(nothing.page) == [(message, "#changes-the-day")]
    assert by_id(nothing.page, "changes-the-day").tag == "textarea"
    wanted = {"changes-costs": "Two quotes, please.\n\n  And no sandwiches.", "decision": "request-changes"}
    mistaken = website.post(path, {**fields, **wanted, "comment": "x" * 2001})
    assert [href for _, href in error_links(mistaken.page)] == ["#comment"]
    kept = form_fields(mistaken)
    assert kept["changes-costs"] == wanted["changes-costs"], "every line as it was typed"
    assert website.post(path, {**kept, "comment": ""}).status == 303
    case = website.case(receipt)
    assert case.submission.status is Status.CHANGES_REQUESTED
    assert case.texts[case.decisions[-1].sequence].parts == {"costs": wanted["changes-costs"]}


def test_changes_beside_another_choice_are_asked_about(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    fields = {**form_fields(website.get(path)), "decision": "approve", "changes-costs": "Too dear"}
    answer = website.post(path, fields)
    assert answer.status == 422
    assert [href for _, href in error_links(answer.page)] == ["#decision"]


def test_a_program_asks_for_changes_with_a_comment_alone_or_by_page(website: Website) -> None:
    website.sign_in()
    for changes, opened in ((None, "the-day costs you"), ({"costs": "Too dear"}, "costs")):
        receipt = website.submit()
        task = "/api/v1" + website.ask(receipt)
        shown = body(website.get(task))
        assert {"id": "costs", "title": "What it costs"} in shown["changes_pages"]
        decision = {
            "decision": "request-changes",
            "comment": "Please",
            "seen": shown["seen"],
            "changes": changes,
        }
        answer = website.send_json(f"{task}/decision", json.dumps(decision).encode())
        assert body(answer)["status"] == "changes-requested"
        assert website.case(receipt).decisions[-1].details["changes"] == opened
    bad = {"decision": "request-changes", "seen": "x", "changes": {"costs": 1, "no-page": "x"}}
    problem = body(website.send_json(f"{task}/decision", json.dumps(bad).encode()))
    assert problem["status"] == 422
    assert {one["pointer"] for one in problem["errors"]} >= {"/changes", "/changes/costs"}


def test_after_the_changes_the_approver_sees_what_is_different_and_what_was_asked(website: Website) -> None:
    receipt = amended(website)
    path = website.ask(receipt)
    website.sign_in()
    answer = website.get(path)
    shown = words(answer)
    assert "This claim went back for changes once." in shown
    assert "What changed since the last version" in shown
    before, after = (
        "Main hall, one day, Venue hire, £1,234.50 Sandwiches",
        "Main hall, one day, Venue hire, £1,000",
    )
    assert f"Before {before}" in shown
    assert f"Now {after}" in shown
    assert "The innovation lead asked for changes to it" in shown
    assert f"Your innovation day: {WANTED['the-day']}" in shown
    task = body(website.get(f"/api/v1{path}"))
    assert [one["question"] for one in task["differences"]] == ["Costs"]
    assert task["rounds"] == 1
    assert {"page": "Your innovation day", "change": WANTED["the-day"]} in task["earlier"][0]["changes"]


def test_a_task_lists_the_forces_other_claims_and_what_is_left(website: Website) -> None:
    other = website.submit(event_title="An earlier day")
    website.ask(other)
    website.decide(other)
    path = website.ask(website.submit())
    website.sign_in()
    shown = words(website.get(path))
    assert "Other claims of Kent Police" in shown
    assert f"{other.reference} An earlier day Being decided £1,834.50" in shown
    assert "£8,165.50 left of £10,000" in shown
    task = body(website.get(f"/api/v1{path}"))
    assert [(one["reference"], one["amount_pence"]) for one in task["force_claims"]] == [
        (other.reference, 183_450)
    ]
    assert task["fund"]["force_available"] == 816_550


def test_the_page_of_a_task_leads_to_asking_somebody_else(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    links = {link.get("href") for link in website.get(path).page.iter("a")}
    assert {f"{path}/reassign", "/away"} <= links


def test_what_is_asked_for_reaches_the_claimant_by_mail_with_the_link(website: Website) -> None:
    receipt = sent_back(website)
    (mail,) = website.mails("changes-requested")
    assert mail.payload["to"] == "sam.okafor@example.police.uk"
    values = mail.payload["values"]
    assert values["amend_url"].endswith(f"/status/{receipt.status_token}/amend")
    assert ["What it costs", WANTED["costs"]] in [list(pair) for pair in values["changes"]]


def test_no_banner_is_shown_where_nothing_happened(website: Website) -> None:
    path = website.ask(website.submit())
    website.sign_in()
    assert not with_class(website.get(path).page, "govuk-notification-banner")


def test_a_claim_is_put_aside_on_its_page_until_a_day_that_can_be_used(website: Website) -> None:
    website.use(forms=FormsThatDefer())
    receipt = website.submit()
    path = website.ask(receipt)
    website.sign_in()
    page = website.get(path)
    assert "If you choose “Put it aside”" in words(page)
    sent = {**form_fields(page), "decision": "defer", "values.defer.until-day": "1"}
    wrong = website.post(path, sent)
    assert wrong.status == 422
    assert [one[-1] for one in error_links(wrong.page)] == ["#values.defer.until-month"]
    assert form_fields(wrong)["values.defer.until-day"] == "1"
    day = london_day(website.parts.now()) + timedelta(days=60)
    date = {"day": str(day.day), "month": str(day.month), "year": str(day.year)}
    inputs = {f"values.defer.until-{name}": typed for name, typed in date.items()}
    assert website.post(path, {**sent, **inputs}).status == 303
    decided = website.get(path)
    assert heading(decided) == "You put aside this claim"
    assert f"Put aside until {long_date(day)}" in words(decided)
    status = words(website.get(f"/status/{receipt.status_token}"))
    assert f"Put aside until {day:%A} {long_date(day)}" in status
    assert "Decision due by" not in status


def test_values_may_be_sent_by_a_program(website: Website) -> None:
    website.use(forms=FormsThatDefer())
    path = website.ask(website.submit())
    website.sign_in()
    task = body(website.get(f"/api/v1{path}"))
    assert task["values_asked"]["defer"]["required"] == ["until"]
    sent = {"decision": "defer", "seen": task["seen"], "values": {"until": "2020-01-01"}}
    refused = website.send_json(f"/api/v1{path}/decision", json.dumps(sent).encode())
    assert refused.status == 422
    assert [one["pointer"] for one in body(refused)["errors"]] == ["/values/until"]
    day = london_day(website.parts.now()) + timedelta(days=1)
    good = {**sent, "values": {"until": day.isoformat()}}
    assert website.send_json(f"/api/v1{path}/decision", json.dumps(good).encode()).status == 200
