"""Somebody's account: who they are, where they are signed in, and the proof that paying asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from page_checks import error_links, text_of
from website import LEAD, Answer, Website, form_fields, heading, words

from chalicelib.domain.records.submissions import Status
from chalicelib.services.people import signing_in
from tests.builders import a_person

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"
PAYMENTS = "payments@example.org"


def later(website: Website, **duration: float) -> None:
    at = website.parts.now() + timedelta(**duration)
    website.use(now=lambda: at)


def sessions(website: Website, person_id: str = "lead-kent") -> int:
    return len(website.parts.accounts.sessions(person_id, now=website.parts.now()))


def forms(answer: Answer) -> list[dict[str, str]]:
    return [
        {one.get("name") or "": one.get("value") or "" for one in form.iter("input")}
        for form in answer.page.iter("form")
    ]


def test_the_account_says_who_somebody_is_and_where_they_are_signed_in(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    code = website.mailed_code()
    assert website.post("/sign-in/code", {"code": code}, user_agent=FIREFOX).status == 303
    signing_in.open_session(website.parts, "lead-kent", browser="Safari on iPhone")
    said = words(website.get("/account"))
    assert LEAD in said
    assert "Roles Innovation lead, Kent" in said
    assert "Firefox on Windows (this browser)" in said
    assert "Safari on iPhone" in said
    assert "Safari on iPhone (this browser)" not in said
    assert "127.0.0.1" not in said


def test_one_session_is_ended_and_the_others_go_on(website: Website) -> None:
    website.sign_in()
    other = signing_in.open_session(website.parts, "lead-kent", browser="Safari on iPhone")
    name = signing_in.session(website.parts, other).digest[:16]  # type: ignore[union-attr]
    (form,) = [one for one in forms(website.get("/account")) if one.get("session") == name]
    assert website.post("/account/sessions", {**form, "csrf": "wrong"}).status == 403
    answer = website.post("/account/sessions", form)
    assert (answer.status, answer.headers["Location"]) == (303, "/account?ended=1")
    assert "The session has ended." in words(website.get("/account?ended=1"))
    assert signing_in.session(website.parts, other) is None
    assert website.post("/account/sessions", form).status == 303, "once more is harmless"


def test_nobody_ends_somebody_elses_session(website: Website) -> None:
    other = signing_in.open_session(website.parts, "deputy-kent")
    name = signing_in.session(website.parts, other).digest[:16]  # type: ignore[union-attr]
    website.sign_in()
    form = forms(website.get("/account"))[0]
    website.post("/account/sessions", {**form, "session": name})
    assert signing_in.session(website.parts, other) is not None


def test_all_sessions_end_at_once(website: Website) -> None:
    website.sign_in()
    signing_in.open_session(website.parts, "lead-kent")
    signing_in.open_session(website.parts, "deputy-kent")
    form = forms(website.get("/account"))[-1]
    assert "session" not in form
    answer = website.post("/account/sessions", form)
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-out")
    assert (sessions(website), sessions(website, "deputy-kent")) == (0, 1)
    assert website.cookies == {}, "what was proved in this browser, too"
    assert website.get("/account").status == 303


def test_a_page_says_how_long_the_session_lasts_for_a_warning_in_time(website: Website) -> None:
    assert "data-session-seconds" not in website.get("/").text
    website.sign_in()
    assert website.get("/account").page.get("data-session-seconds") in ("7199", "7200")
    for _ in range(11):
        later(website, minutes=61)
        website.get("/account")
    assert website.get("/account").page.get("data-session-seconds") in ("2939", "2940"), (
        "twelve hours are twelve"
    )
    later(website, minutes=49)
    assert website.get("/account").status == 303


def test_a_session_that_nobody_used_for_two_hours_leads_to_signing_in_and_back(website: Website) -> None:
    website.sign_in()
    later(website, hours=2)
    answer = website.get("/away")
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/away")


@pytest.fixture
def path(website: Website) -> str:
    """The desk's page of an approved claim; whoever pays is signed in."""
    receipt = website.submit()
    for _ in range(2):
        website.ask(receipt)
        website.decide(receipt)
    assert website.case(receipt).submission.status is Status("approved")
    website.sign_in(PAYMENTS)
    return f"/desk/submissions/{receipt.reference}"


def status(website: Website, path: str) -> Status:
    return website.parts.records.of("kent").case(path.rpartition("/")[2]).submission.status


def test_fifteen_minutes_after_signing_in_a_payment_takes_a_code_and_keeps_what_was_typed(
    website: Website, path: str
) -> None:
    fields = {**form_fields(website.get(f"{path}/paid")), "payment": "BACS 42"}
    later(website, minutes=15)
    asked = website.post(f"{path}/paid", fields)
    assert (asked.status, heading(asked)) == (200, "Check your email")
    assert status(website, path) is Status("approved")
    kept = form_fields(asked)
    assert kept["payment"] == "BACS 42"
    wrong = website.post(f"{path}/paid", {**kept, "proof_code": "12"})
    assert (wrong.status, [href for _, href in error_links(wrong.page)]) == (422, ["#proof_code"])
    assert status(website, path) is Status("approved")
    (mail,) = website.mails("sign-in-code")
    assert mail.payload["to"] == PAYMENTS
    code = mail.payload["values"]["code"]
    done = website.post(f"{path}/paid", {**form_fields(wrong), "proof_code": code})
    assert (done.status, done.headers["Location"]) == (303, f"{path}?done=paid")
    assert status(website, path) is Status.PAID
    page = form_fields(website.get(f"{path}/returned"))
    assert website.post(f"{path}/returned", {**page, "amount": "1", "reason": "x"}).status == 303, (
        "proved just now"
    )


def test_a_return_takes_the_same_proof(website: Website, path: str) -> None:
    fields = {**form_fields(website.get(f"{path}/paid")), "payment": "BACS 42"}
    assert website.post(f"{path}/paid", fields).status == 303
    fields = {**form_fields(website.get(f"{path}/returned")), "amount": "10.50", "reason": "Cheaper"}
    later(website, minutes=16)
    asked = website.post(f"{path}/returned", fields)
    assert heading(asked) == "Check your email"
    code = website.mailed_code()
    assert website.post(f"{path}/returned", {**form_fields(asked), "proof_code": code}).status == 303


def test_a_code_of_ones_own_proves_nobody_elses_session(website: Website, path: str) -> None:
    fields = {**form_fields(website.get(f"{path}/paid")), "payment": "BACS 42"}
    later(website, minutes=16)
    kept = form_fields(website.post(f"{path}/paid", fields))
    signing_in.ask_code(website.parts, LEAD)
    codes = {mail.payload["to"]: mail.payload["values"]["code"] for mail in website.mails("sign-in-code")}
    assert website.post(f"{path}/paid", {**kept, "proof_code": codes[LEAD]}).status == 422
    assert status(website, path) is Status("approved")


def test_the_account_leads_to_tokens_for_those_who_may_have_some(website: Website) -> None:
    website.sign_in(LEAD)
    assert "/account/tokens" not in website.get("/account").text
    website.sign_in("coordinator.kent@example.police.uk")
    assert "/account/tokens" in website.get("/account").text


@pytest.mark.parametrize("path", ["/account", "/", "/cookies", "/ideas", "/desk"])
def test_the_header_says_who_is_signed_in_and_leads_to_their_account(website: Website, path: str) -> None:
    website.sign_in()
    (link,) = [one for one in website.get(path).page.iter("a") if one.get("href") == "/account"]
    assert text_of(link) == "Your account: Innovation lead, Kent Police"


def test_a_name_in_the_header_is_text(website: Website) -> None:
    website.parts.people.register([a_person("lead-kent", "innovation-lead@kent", name="<b>Sam</b> & Co")])  # type: ignore[attr-defined]
    website.sign_in("lead.kent@example.police.uk")
    assert "&lt;b&gt;Sam&lt;/b&gt; &amp; Co" in website.get("/account").text


def test_nobody_is_named_in_the_header_of_somebody_else(website: Website) -> None:
    website.sign_in()
    website.get("/account")
    website.cookies.clear()
    assert "Innovation lead, Kent Police" not in website.get("/").text
