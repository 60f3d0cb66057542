"""Signing in and out, as a browser without scripts meets it."""

from __future__ import annotations

import pytest
from page_checks import error_links
from website import LEAD, Website, form_fields, heading

from chalicelib.web.sign_in_pages import local_path


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


def test_a_wrong_code_can_be_tried_again_until_the_tries_are_used_up(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD, "next": "/"})
    code = website.mailed_code()
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        answer = website.post("/sign-in/code", {"code": wrong, "next": "/"})
        assert answer.status == 422
        assert [href for _, href in error_links(answer.page)] == ["#code"]
        assert form_fields(answer)["code"] == ""
    over = website.post("/sign-in/code", {"code": code, "next": "/tasks/x"})
    assert over.status == 410
    assert heading(over) == "This code can no longer be used"
    assert "/sign-in?next=/tasks/x" in [link.get("href") for link in over.page.iter("a")]


def test_a_code_is_read_with_the_spaces_and_dashes_of_a_mail_program(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    code = website.mailed_code()
    assert website.post("/sign-in/code", {"code": f" {code[:3]}-{code[3:]} "}).status == 303


def test_a_code_works_only_in_the_browser_that_asked(website: Website) -> None:
    website.post("/sign-in", {"address": LEAD})
    code = website.mailed_code()
    website.cookies.clear()
    assert website.get("/sign-in/code").headers["Location"] == "/sign-in"
    assert website.post("/sign-in/code", {"code": code}).status == 410


@pytest.mark.parametrize("name", ["website", "secure_website"])
def test_cookies_say_what_they_must(name: str, request: pytest.FixtureRequest) -> None:
    site: Website = request.getfixturevalue(name)
    is_secure = name == "secure_website"
    (sign_in,) = site.post("/sign-in", {"address": LEAD}).headers["Set-Cookie"]
    assert sign_in.startswith("sign-in=")
    assert "Path=/sign-in; Max-Age=600; HttpOnly; SameSite=Lax" in sign_in
    session, cleared = site.post("/sign-in/code", {"code": site.mailed_code()}).headers["Set-Cookie"]
    assert session.startswith("__Host-session=" if is_secure else "session=")
    assert "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax" in session
    assert cleared.startswith("sign-in=; ")
    assert "Max-Age=0" in cleared
    assert all(cookie.endswith("; Secure") == is_secure for cookie in (sign_in, session, cleared))
    assert "Domain" not in session


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
