"""Becoming somebody: one click signs this browser in as them, and nothing but our own page can click."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client
from moto import mock_aws
from page_checks import check_page, text_of
from website import Website, open_website

from chalicelib import wiring
from infra.local import registered, seeds
from infra.local.answers import Answer
from infra.local.local_pages import LocalPages, has
from infra.local.mailbox import Journal, Mailbox

SEEDS = Path(seeds.__file__).with_name("seeds.json")
FORM = "application/x-www-form-urlencoded"


class Visitor:
    """A browser at the run's own pages and at the app, with one cookie jar."""

    def __init__(self, website: Website, folder: Path) -> None:
        self.website = website
        self.journal = Journal(folder / "mail.jsonl")
        self.token_file = folder / "demo-token"
        self._pages = LocalPages(Mailbox(folder / "mail.jsonl"), seeds=SEEDS, demo_token=self.token_file)

    def ask(self, method: str, target: str, body: bytes | None = None, **given: str | None) -> Answer:
        headers = Message()
        jar = "; ".join(f"{name}={value}" for name, value in self.website.cookies.items())
        named = {name.replace("_", "-"): value for name, value in given.items()}
        for name, value in {"Host": "127.0.0.1:8000", "Content-Type": FORM, "Cookie": jar, **named}.items():
            if value is not None:
                headers[name] = value
        answer = self._pages.answer(method, target, headers, body)
        self._keep(str(answer.headers.get("Set-Cookie", "")))
        return answer

    def _keep(self, cookie: str) -> None:
        if cookie:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.website.cookies[name] = value

    def words(self, query: str = "") -> str:
        html = self.ask("GET", f"/local{query}").body.decode()
        # The check knows the app's pages, whose files are all below /static.
        return text_of(check_page(html.replace("/local/local.css", "/static/local.css")))

    def token(self) -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.ask("GET", "/local").body.decode())
        assert found is not None
        return found[1]

    def become(self, person: str, **given: Any) -> Answer:
        token = given.pop("token", None) or self.token()
        return self.ask(
            "POST", "/local/become", urlencode({"person": person, "token": token}).encode(), **given
        )

    def sign_out(self) -> Answer:
        return self.ask("POST", "/local/sign-out", urlencode({"token": self.token()}).encode())


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch, dynamodb: str, tmp_path: Path) -> Iterator[Visitor]:
    from app import app

    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
    with mock_aws():
        parts = open_website("http://127.0.0.1:8000")
        with Client(app) as client:
            yield Visitor(Website(client, parts), tmp_path)
    wiring.use(None)


@pytest.mark.parametrize(
    ("person", "lands"),
    [
        ("coordinator-kent", "/desk"),
        ("national-finance", "/desk"),
        ("chief-kent", "/exports"),
        ("lead-kent", "/"),
    ],
)
def test_one_click_signs_in_as_somebody_and_leads_to_where_they_land(
    visitor: Visitor, person: str, lands: str
) -> None:
    answer = visitor.become(person)
    assert (answer.status, answer.headers["Location"]) == (303, lands)
    assert "HttpOnly; SameSite=Lax" in str(answer.headers["Set-Cookie"])
    assert visitor.website.get("/away").status == 200  # a page for anybody who is signed in
    name = next(one.name for one in registered.people(SEEDS) if one.id == person)
    assert f"You are signed in as {name}" in visitor.words()


def test_becoming_somebody_else_ends_the_session_before(visitor: Visitor) -> None:
    visitor.become("coordinator-kent")
    before = dict(visitor.website.cookies)
    visitor.become("lead-kent")
    visitor.website.cookies = before
    assert visitor.website.get("/desk").headers["Location"] == "/sign-in?next=/desk"


def test_no_mail_is_sent_to_who_is_become(visitor: Visitor) -> None:
    visitor.become("coordinator-kent")
    assert visitor.website.mails("sign-in-code") == []


def test_signing_out_ends_the_session(visitor: Visitor) -> None:
    visitor.become("coordinator-kent")
    before = dict(visitor.website.cookies)
    assert visitor.sign_out().headers["Location"] == "/local"
    assert "You are signed in" not in visitor.words()
    visitor.website.cookies = before
    assert visitor.website.get("/desk").status == 303


def test_signing_out_without_a_session_does_no_harm(visitor: Visitor) -> None:
    assert visitor.sign_out().status == 303


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"token": "guessed"}, 403),
        ({"token": "gues€ed"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "http://127.0.0.1:9000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example:8000"}, 403),
        ({"Host": None}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Sec_Fetch_Site": "same-origin"}, 303),
        ({"Origin": "http://127.0.0.1:8000"}, 303),
    ],
)
def test_only_our_own_page_can_become_somebody(visitor: Visitor, given: Any, status: int) -> None:
    answer = visitor.become("coordinator-kent", **given)
    assert answer.status == status
    assert ("Set-Cookie" in answer.headers) == (status == 303)
    assert visitor.website.get("/desk").status == (200 if status == 303 else 303)


@pytest.mark.parametrize("path", ["/local/become", "/local/sign-out"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_nothing_but_a_post_becomes_somebody(visitor: Visitor, path: str, method: str) -> None:
    query = urlencode({"person": "coordinator-kent", "token": visitor.token()})
    answer = visitor.ask(method, f"{path}?{query}", query.encode())
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert "Set-Cookie" not in answer.headers


def test_a_form_without_a_token_or_a_body_is_refused(visitor: Visitor) -> None:
    assert visitor.ask("POST", "/local/become", b"person=coordinator-kent").status == 403
    assert visitor.ask("POST", "/local/become", None).status == 403
    assert visitor.ask("POST", "/local/become", b"\xff\xfe%%%&&==").status == 403


@pytest.mark.parametrize("person", ["", "nobody", "claimant:kent.CLM-7K3F-9QX2", "x" * 5000])
def test_nobody_can_be_become_who_is_not_registered(visitor: Visitor, person: str) -> None:
    answer = visitor.become(person)
    assert answer.status == 404
    assert "Set-Cookie" not in answer.headers


def test_everybody_is_listed_by_role_and_force_with_a_button(visitor: Visitor) -> None:
    html = visitor.ask("GET", "/local").body.decode()
    everybody = {one.id for one in registered.people(SEEDS)}
    assert set(re.findall(r'name="person" value="([^"]+)"', html)) == everybody
    said = visitor.words()
    titles = ["National 14", "Innovation lead 43", "Deputy innovation lead 43", "Coordinator 43"]
    assert [said.index(title) for title in titles] == sorted(said.index(title) for title in titles)
    assert said.index("Innovation lead, Avon and Somerset") < said.index("Innovation lead, Wiltshire")


def test_the_filter_leaves_those_who_match_every_word(visitor: Visitor) -> None:
    html = visitor.ask("GET", "/local?q=KENT+lead").body.decode()
    assert re.findall(r'name="person" value="([^"]+)"', html) == ["lead-kent", "deputy-kent"]
    assert html.count("<details") == html.count('<details class="local-group" open>') == 2
    assert "No results for “zebra”" in visitor.words("?q=zebra")
    assert "<script>" not in visitor.ask("GET", "/local?q=<script>").body.decode()


def test_each_person_leads_to_their_emails_and_says_how_many(visitor: Visitor) -> None:
    to = "lead.kent@example.police.uk"
    for number in range(2):
        visitor.journal.add({"id": str(number), "to": to.upper(), "subject": "S", "text": "T", "html": ""})
    html = visitor.ask("GET", "/local?q=kent").body.decode()
    assert 'href="/local/mail?to=lead.kent%40example.police.uk"' in html
    assert f"{to}, 2 emails" in visitor.words("?q=kent")
    assert visitor.ask("GET", "/local/mail?to=lead.kent%40example.police.uk").body.count(b">S<") > 0


def test_the_page_says_where_to_go(visitor: Visitor) -> None:
    html = visitor.ask("GET", "/local").body.decode()
    for form in visitor.website.parts.forms.all():
        assert f'href="/forms/{form.id}">{form.title}</a>' in html
    for path in ("/ideas", "/map", "/desk", "/exports", "/local/mail", "/api/v1/openapi.json"):
        assert f'href="{path}"' in html


def test_the_tokens_file_is_named_and_the_token_is_not_shown(visitor: Visitor) -> None:
    assert str(visitor.token_file) not in visitor.words()
    visitor.token_file.write_text("a-secret-token")
    assert str(visitor.token_file) in visitor.words()
    assert "a-secret-token" not in visitor.words()


def test_an_empty_run_names_the_one_that_is_full(visitor: Visitor) -> None:
    assert "make demo" in visitor.words()
    visitor.journal.add({"id": "1", "to": "a@example.org"})
    assert "make demo" not in visitor.words()


def test_without_a_file_of_people_nobody_can_be_become(visitor: Visitor, tmp_path: Path) -> None:
    headers = Message()
    headers["Host"] = "localhost:8000"
    page = LocalPages(Mailbox(tmp_path / "other.jsonl")).answer("GET", "/local", headers, None)
    assert b"Nobody is registered: this run was started without a file of people." in page.body
    assert b'name="person"' not in page.body


def test_the_pages_are_shown_to_nobody_elses_name_for_this_machine(visitor: Visitor) -> None:
    for target in ("/local", "/local/mail", "/local/mail.json", "/local/local.css"):
        assert visitor.ask("GET", target, Host="evil.example").status == 403
        assert visitor.ask("POST", target).status == 405


@pytest.mark.parametrize("target", ["/local", "/local?q=x", "/local/", "/local/mail", "/local/x?y"])
def test_what_is_below_local_is_the_runs_own(target: str) -> None:
    assert has(target)


@pytest.mark.parametrize("target", ["/", "/localities", "/forms/local", "/x?/local", "//local/x", "*"])
def test_all_else_is_the_apps(target: str) -> None:
    assert not has(target)


def test_another_seeds_file_names_other_people(tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    held = [{"role": "coordinator", "at": "kent"}]
    person = {"id": "p-1", "name": "Robin Sample", "address": "Robin@Example.org", "roles": held}
    file.write_text(json.dumps({"people": [person], "funds": [], "demo_token": {"person": "p-1"}}))
    assert registered.names(file) == {"robin@example.org": "Robin Sample"}
    assert registered.names(None) == {}
