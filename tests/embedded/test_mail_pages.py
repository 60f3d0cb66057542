"""The page of sent mail: people, their emails, and one to read."""

from __future__ import annotations

import base64
import json
import re
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

import pytest
from page_checks import check_page, text_of

from infra.local import mail_pages
from infra.local.answers import Answer
from infra.local.local_pages import LocalPages
from infra.local.mailbox import Journal, Mailbox
from infra.local.source import readable

LEAD = "lead.kent@example.police.uk"


def headers(**given: str) -> Message:
    made = Message()
    for name, value in {"Host": "127.0.0.1:8000", **given}.items():
        made[name.replace("_", "-")] = value
    return made


def a_mail(number: int, to: str = "alex@example.org", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"mail.{number}",
        "to": to,
        "subject": f"Claim {number}",
        "text": f"Text {number}",
        "html": f"<p>Page {number}</p>",
        "sent_at": f"2026-07-01T08:{number % 60:02}:00.000Z",
        **changes,
    }


class Box:
    """The pages over a journal of its own, with one person who has a name."""

    def __init__(self, folder: Path) -> None:
        seeds = folder / "seeds.json"
        person = {"id": "lead-kent", "name": "Robin Sample", "address": LEAD, "roles": []}
        content = {"people": [person], "funds": [], "demo_token": {"person": "lead-kent"}}
        seeds.write_text(json.dumps(content), encoding="utf-8")
        self.journal = Journal(folder / "mail.jsonl")
        self._pages = LocalPages(Mailbox(folder / "mail.jsonl"), seeds=seeds)

    def add(self, *mails: dict[str, Any]) -> None:
        for mail in mails:
            self.journal.add(mail)

    def get(self, target: str) -> Answer:
        return self._pages.answer("GET", target, headers(), None)

    def page(self, query: str = "", *, status: int = 200) -> str:
        answer = self.get(f"/local/mail{query}")
        assert answer.status == status
        return answer.body.decode()

    def words(self, query: str = "") -> str:
        # The check knows the app's pages, whose files are all below /static.
        return text_of(check_page(_as_if_static(self.page(query))))


def _as_if_static(html: str) -> str:
    return re.sub(r'(href|src)="/local/(local\.css|mail/[^"?]+\.html)"', r'\1="/static/\2"', html)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_an_empty_mailbox_says_how_mail_comes(box: Box) -> None:
    assert "No emails yet. Fill in a form, and they appear here a moment later." in box.words()


def test_people_are_listed_with_their_names_and_counts_who_was_sent_one_last_first(box: Box) -> None:
    box.add(a_mail(1), a_mail(2, to=f"{LEAD}, alex@example.org"), a_mail(3, to="zoe@example.org"))
    said = box.words()
    assert (
        "Everybody 3 zoe@example.org 1 Robin Sample 1 lead.kent@example.police.uk alex@example.org 2" in said
    )


def test_choosing_somebody_leaves_their_emails(box: Box) -> None:
    box.add(a_mail(1), a_mail(2, to=LEAD))
    said = box.words(f"?to={LEAD.upper()}")
    assert "1 email to Robin Sample" in said
    assert "Claim 2" in said
    assert "Claim 1" not in said


def test_the_newest_is_open_until_another_is_chosen(box: Box) -> None:
    box.add(a_mail(1), a_mail(2))
    assert "Text 2" in box.words("?view=text")
    assert "Text 1" in box.words("?view=text&mail=mail.1")
    assert 'src="/local/mail/mail.2.html"' in box.page()


def test_an_email_can_be_read_as_html_text_and_source(box: Box) -> None:
    mail = EmailMessage()
    mail["To"], mail["Subject"] = "alex@example.org", "Für Zoë"
    mail.set_content("Open http://127.0.0.1/tasks/x?a=1&b=2.\n<b>é</b> " + "long " * 30 + "\n")
    mail.add_alternative("<p>Rich é</p>", subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<chart@x>")
    raw = base64.b64encode(mail.as_bytes()).decode()
    box.add({"id": "n#1", "to": "alex@example.org", "sent_at": "2026-12-01T08:05:00.000Z", "raw": raw})
    one = "?mail=n%231"
    html = box.page(one)
    assert '<iframe class="local-reading__frame" src="/local/mail/n%231.html"' in html
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in html
    text = box.page(f"{one}&view=text")
    assert '<a class="govuk-link" href="http://127.0.0.1/tasks/x?a=1&amp;b=2">' in text
    assert "&lt;b&gt;é&lt;/b&gt;" in text
    assert "<iframe" not in text
    source = box.words(f"{one}&view=raw")
    for piece in ("Subject: Für Zoë", "<b>é</b>", "<p>Rich é</p>", "[4 bytes of image/png]"):
        assert piece in source
    assert "=C3=A9" not in source


def test_what_an_email_lacks_is_not_offered_or_said(box: Box) -> None:
    box.add(a_mail(1, html=""))
    assert ">HTML</a>" not in box.page("?view=html")
    assert "Text 1" in box.words("?view=html")
    assert "An earlier release kept this email without its source." in box.words("?view=raw")


def test_searching_finds_subjects_names_and_addresses(box: Box) -> None:
    box.add(a_mail(1), a_mail(2, to=LEAD), a_mail(3, subject="Your idea was published"))
    for wanted, found in {"CLAIM 1": 1, "robin": 2, "lead.kent": 2, "idea+published": 3}.items():
        said = box.words(f"?q={wanted.replace(' ', '+')}&view=text")
        assert "1 email" in said
        assert f"Text {found}" in said
    assert "No results. Change or clear your search." in box.words("?q=nothing")


def test_older_emails_are_on_the_next_pages_and_none_is_lost(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_pages, "A_PAGE", 3)
    box.add(*(a_mail(number) for number in range(7)))
    shown = []
    for page, title in ((1, "1 to 3 of 7"), (2, "4 to 6 of 7"), (3, "7 to 7 of 7")):
        html = box.page(f"?page={page}")
        assert title in html
        assert ("Older" in html, "Newer" in html) == (page < 3, page > 1)
        shown += [n for n in range(6, -1, -1) if f'main">Claim {n}<' in html]
    assert shown == [6, 5, 4, 3, 2, 1, 0]
    assert "There are no older emails." in box.words("?page=4")


def test_links_keep_what_else_was_chosen(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_pages, "A_PAGE", 1)
    box.add(a_mail(1), a_mail(2), a_mail(3))
    html = box.page("?to=alex@example.org&q=claim&page=2&mail=mail.2&view=text")
    kept = "/local/mail?to=alex%40example.org&amp;q=claim&amp;page"
    assert f'href="{kept}=2&amp;mail=mail.2&amp;view=raw"' in html
    assert f'href="{kept}=3&amp;view=text"' in html
    assert f'href="{kept}=2">Back to the emails</a>' in html


def test_many_people_are_cut_and_the_page_says_so(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_pages, "MOST_PEOPLE", 2)
    box.add(*(a_mail(n, to=f"p{n}@example.org") for n in range(5)))
    assert "3 more: search for a name or an address." in box.words()


def test_an_unknown_email_is_not_found(box: Box) -> None:
    box.add(a_mail(1))
    assert "There is no email with this id." in box.page("?mail=other", status=404)
    assert box.get("/local/mail/other.html").status == 404
    assert box.get("/local/other").status == 404


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-1", "?page=x", "?page=99999999999", "?view=pdf", "?to=%00"]
)
def test_what_cannot_be_used_counts_as_not_given(box: Box, query: str) -> None:
    box.add(a_mail(1))
    assert "Emails" in box.page(query)


def test_what_is_written_in_an_email_is_never_markup_on_the_page(box: Box) -> None:
    nasty = '"><script>alert(1)</script>'
    box.add(a_mail(1, to=f"{nasty}@example.org", subject=nasty, text=nasty, sent_at=nasty, id=nasty))
    for view in mail_pages.VIEWS:
        assert "<script" not in box.page(f"?view={view}&q={'%22%3E%3Cscript'}")


def test_times_are_those_of_london(box: Box) -> None:
    box.add(a_mail(5), a_mail(6, sent_at="2026-12-01T13:30:00.000Z"))
    said = box.words("?mail=mail.5")
    assert "1 July 2026, 9:05am" in said
    assert "1 Dec, 1:30pm" in said


def test_the_page_runs_no_script_and_is_framed_by_nobody(box: Box) -> None:
    box.add(a_mail(1))
    rules = str(box.get("/local/mail").headers["Content-Security-Policy"])
    assert "default-src 'none'" in rules
    assert "script-src" not in rules
    assert "frame-ancestors 'none'" in rules
    mail = str(box.get("/local/mail/mail.1.html").headers["Content-Security-Policy"])
    assert mail.startswith("sandbox allow-popups")
    assert "allow-scripts" not in mail
    assert "allow-same-origin" not in mail
    assert box.get("/local/local.css").headers["Content-Type"] == "text/css; charset=utf-8"


def test_the_json_is_as_it_was(box: Box) -> None:
    box.add(a_mail(1), a_mail(2, to=LEAD))
    assert json.loads(box.get("/local/mail.json").body) == [a_mail(1), a_mail(2, to=LEAD)]
    assert [mail["id"] for mail in json.loads(box.get(f"/local/mail.json?to={LEAD}").body)] == ["mail.2"]


def test_a_source_that_cannot_be_decoded_is_shown_all_the_same() -> None:
    raw = b"Subject: =?nope?q?a?=\r\nContent-Type: text/plain; charset=nope\r\n\r\n\xe9 line\r\n"
    assert "� line" in readable(raw)
    assert "=?nope?q?a?=" in readable(raw)
