"""Signing in and out, as a browser without scripts meets it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from page_checks import error_links
from website import LEAD, Website, form_fields, heading, words

from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.web.pages.people.sign_in import local_path


def test_an_unknown_address_gets_the_same_answers(website: Website) -> None:
    answer = website.post("/sign-in", {"address": "nobody@example.org"})
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in/code")
    known = website.post("/sign-in", {"address": LEAD})
    assert (known.status, known.headers["Location"]) == (303, "/sign-in/code")


def test_what_is_no_address_is_said_at_once(website: Website) -> None:
    answer = website.post("/sign-in", {"address": "lead.kent", "next": "/tasks/x"})
    assert answer.status == 422
    assert [href for _, href in error_links(answer.page)] == ["#address"]
    assert form_fields(answer) == {"address": "lead.kent", "next": "/tasks/x"}


def test_a_wrong_code_is_said_and_the_right_one_still_works(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD, "next": "/tasks/x"})
    code = website.mailed_code()
    wrong = "000000" if code != "000000" else "111111"
    for typed in ("", "12345", *[wrong] * 5):
        answer = website.post("/sign-in/code", {"code": typed, "next": "/tasks/x"})
        assert answer.status == 422
        assert [href for _, href in error_links(answer.page)] == ["#code"]
        assert form_fields(answer)["code"] == ""
    assert "/sign-in?next=/tasks/x" in [link.get("href") for link in answer.page.iter("a")]
    done = website.post("/sign-in/code", {**form_fields(answer), "code": code})
    assert (done.status, done.headers["Location"]) == (303, "/tasks/x")


def test_every_answer_about_an_unknown_address_is_that_about_a_known_one(website: Website) -> None:
    def answers(address: str) -> list[object]:
        browser = stranger(website)
        asked = browser.post("/sign-in", {"address": address})
        (cookie,) = asked.headers["Set-Cookie"]
        shown = browser.get("/sign-in/code")
        hidden = form_fields(shown)["mailbox"]
        wrong = [browser.post("/sign-in/code", {"code": "000000"}).text for _ in range(30)]
        texts = [one.replace(hidden, "-") for one in (shown.text, *wrong)]
        return [asked.status, asked.headers["Location"], len(cookie), texts]

    known = answers(LEAD)
    assert known == answers(LEAD) == answers("lead.sark@example.police.uk")


def test_a_code_is_read_with_the_spaces_and_dashes_of_a_mail_program(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    code = website.mailed_code()
    assert website.post("/sign-in/code", {"code": f" {code[:3]}-{code[3:]} "}).status == 303


def test_a_code_works_only_in_a_browser_that_asked(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    code = website.mailed_code()
    website.cookies.clear()
    assert website.get("/sign-in/code").headers["Location"] == "/sign-in"
    assert website.post("/sign-in/code", {"code": code}).status == 410
    website.post("/sign-in", {"address": "deputy.kent@example.police.uk"})
    mailbox = mailbox_of(LEAD)
    assert website.post("/sign-in/code", {"code": code, "mailbox": mailbox}).status == 422


def test_of_several_addresses_that_a_browser_asked_for_each_has_its_page(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    first = website.get("/sign-in/code")
    code = website.mailed_code()
    for number in range(3):
        website.post("/sign-in", {"address": f"nobody{number}@example.org"})
    assert website.post("/sign-in/code", {"code": code}).status == 422
    assert website.post("/sign-in/code", {**form_fields(first), "code": code}).status == 303


def sent_link(website: Website) -> str:
    (mail,) = website.mails("sign-in-code")
    return str(mail.payload["values"]["sign_in_url"]).removeprefix(website.parts.links.page(""))


def test_the_link_signs_in_the_browser_that_asked_by_a_button_that_names_the_mailbox(
    website: Website,
) -> None:
    website.post("/sign-in", {"address": LEAD, "next": "/away"})
    path = sent_link(website)
    assert path.startswith("/sign-in/")
    shown = website.get(path)
    assert f"Sign in as {LEAD}" in words(shown)
    assert "session" not in website.cookies
    done = website.post(path, form_fields(shown))
    assert (done.status, done.headers["Location"]) == (303, "/away"), (
        "where they wanted to go when they asked"
    )
    assert website.get("/away").status == 200
    assert website.get(path).status == 200, "this browser has not asked again"
    assert website.post(path, {}).status == 403


def test_elsewhere_the_link_has_no_button_and_no_address_and_a_post_changes_nothing(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    path = sent_link(website)
    for asks in ("", "deputy.kent@example.police.uk"):
        other = stranger(website)
        if asks:
            other.post("/sign-in", {"address": asks})
            assert len(website.mails("sign-in-code")) == 1
        shown = other.get(path)
        assert (shown.status, heading(shown)) == (200, "Type the code where you asked for it")
        assert not list(shown.page.iter("form"))
        assert LEAD not in shown.text
        assert other.post(path, {}).status == 403
        assert not {"session", "proved"} & set(other.cookies)
    assert website.post(path, {}).status == 303, "it was not used up"


def test_a_link_that_was_used_or_is_too_old_says_so_where_it_was_asked_for(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    path = sent_link(website)
    other = stranger(website)
    other.post("/sign-in", {"address": LEAD})
    assert website.post(path, {}).status == 303
    for answer in (other.get(path), other.post(path, {})):
        assert (answer.status, heading(answer)) == (410, "This can no longer be used")


def test_a_page_of_another_site_presses_no_link(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    path = sent_link(website)
    assert website.post(path, {}, sec_fetch_site="cross-site").status == 403
    assert website.post(path, {}).status == 303


def test_a_cookie_that_somebody_made_up_is_no_ask(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    path = sent_link(website)
    sealed = website.cookies["asked"]
    other = stranger(website)
    for made in (sealed[:-1], "x", "[]", sealed.swapcase()):
        other.cookies["asked"] = made
        assert other.post(path, {}).status == 403
        assert other.get("/sign-in/code").status == 303
    other.cookies = {"proved": sealed}
    assert other.post(path, {}).status == 403


def test_too_many_asks_from_one_network_are_refused_and_its_people_still_type_codes(website: Website) -> None:
    website.use(limits=replace(website.parts.limits, source_an_hour=2))
    for _ in range(2):
        website.post("/sign-in", {"address": LEAD})
    answer = website.post("/sign-in", {"address": LEAD})
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert website.post("/sign-in/code", {"code": website.mailed_code()}).status == 303


@pytest.mark.parametrize("name", ["website", "secure_website"])
def test_cookies_say_what_they_must(name: str, request: pytest.FixtureRequest) -> None:
    site: Website = request.getfixturevalue(name)
    is_secure = name == "secure_website"
    (asked,) = site.post("/sign-in", {"address": LEAD}).headers["Set-Cookie"]
    assert asked.startswith("asked=")
    assert "Path=/; Max-Age=3600; HttpOnly; SameSite=Lax" in asked
    answer = site.post("/sign-in/code", {"code": site.mailed_code()})
    session, cleared, proved = answer.headers["Set-Cookie"]
    assert session.startswith("__Host-session=" if is_secure else "session=")
    assert "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax" in session
    assert cleared.startswith("asked=; ")
    assert "Max-Age=0" in cleared
    assert proved.startswith("proved=")
    assert "Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax" in proved
    made = (asked, session, cleared, proved)
    assert all(cookie.endswith("; Secure") == is_secure for cookie in made)
    assert not [cookie for cookie in made if "Domain" in cookie]
    assert LEAD not in str(made)


def test_whoever_signs_in_again_in_the_same_browser_has_one_session(website: Website) -> None:
    website.sign_in()
    before = dict(website.cookies)
    website.sign_in()
    assert website.cookies["session"] != before["session"]
    assert len(website.parts.accounts.sessions("lead-kent", now=website.parts.now())) == 1


def test_signing_out_ends_all_that_the_browser_could_do(website: Website) -> None:
    website.sign_in()
    website.post("/sign-in", {"address": "deputy.kent@example.police.uk"})
    assert {"session", "asked", "proved"} <= set(website.cookies)
    website.post("/sign-out", form_fields(website.get("/sign-out")))
    assert not website.cookies


def test_signing_out_takes_a_button_and_ends_the_session(website: Website) -> None:
    website.sign_in()
    session = dict(website.cookies)
    page = website.get("/sign-out")
    assert website.cookies == session, "opening the page signs nobody out"
    assert website.post("/sign-out", {"csrf": "wrong"}).status == 403
    answer = website.post("/sign-out", form_fields(page))
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-out")
    assert not website.cookies
    assert heading(website.get("/sign-out")) == "You are signed out"
    website.cookies.update(session)
    assert website.get("/tasks/kent.CLM-XXXX-XXXX.1").status == 303, "a copy of the cookie is worth nothing"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "",
        "evil",
        "/\t/evil.example",
        "/%09/",
        "/a\nb",
    ],
)
def test_signing_in_leads_to_no_other_site(path: str) -> None:
    after = local_path(path)
    assert after == "/" or after == path == "/%09/"


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("chief.kent@example.police.uk", "/exports"),
        ("npcc@example.org", "/exports"),
        ("coordinator@example.org", "/desk"),
        (LEAD, "/"),
    ],
)
def test_whoever_wants_nothing_in_particular_comes_to_what_is_theirs(
    website: Website, address: str, path: str
) -> None:
    website.post("/sign-in", {"address": address})
    answer = website.post("/sign-in/code", {"code": website.mailed_code()})
    assert answer.headers["Location"] == path


@pytest.mark.parametrize("path", ["/", "/tasks/kent.CLM-7K3F-9QXN.1", "/desk/claims?status=open&page=2"])
def test_signing_in_leads_back_to_our_own_pages(path: str) -> None:
    assert local_path(path) == path


def stranger(website: Website) -> Website:
    """Another browser."""
    return Website(website._client, website.parts)


def test_a_stranger_who_asks_for_somebodys_code_again_and_again_neither_mails_nor_locks_them_out(
    website: Website,
) -> None:
    for _ in range(15):
        assert stranger(website).post("/sign-in", {"address": LEAD}).status == 303
    website.post("/sign-in", {"address": LEAD})
    mails = website.mails("sign-in-code")
    assert len(mails) == 1
    code = mails[0].payload["values"]["code"]
    assert website.post("/sign-in/code", {"code": code}).status == 303


def test_guesses_in_ever_new_browsers_come_out_of_one_budget(website: Website) -> None:
    code = ""
    for _ in range(4):
        thief = stranger(website)
        thief.post("/sign-in", {"address": LEAD})
        code = code or website.mailed_code()
        for wrong in ["000000", "111111", "222222", "333333", "444444"]:
            if wrong != code:
                assert thief.post("/sign-in/code", {"code": wrong}).status == 422
    website.post("/sign-in", {"address": LEAD})
    mailed = website.mailed_code()
    assert len(mailed) == 10, "after twenty wrong guesses the code is one that nobody can guess"
    assert website.post("/sign-in/code", {"code": code}).status == 422
    assert website.post("/sign-in/code", {"code": mailed}).status == 303
