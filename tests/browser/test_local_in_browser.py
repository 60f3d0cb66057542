"""The embedded run's own pages in Chromium, on a phone and on a desk: accessible, as wide as the window, and usable."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from website import Website

from chalicelib.web.http.static_files import static_file
from infra.local import processes, seeds
from infra.local.answers import Answer, made
from infra.local.local_pages import LocalPages
from infra.local.mailbox import Journal, Mailbox
from infra.local.web import Server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("scanner")]

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESK = {"width": 375, "height": 800}, {"width": 1280, "height": 900}
LEAD = "lead.kent@example.police.uk"
PATHS = (
    "/local",
    "/local?q=kent",
    "/local/mail",
    f"/local/mail?to={LEAD}",
    "/local/mail?mail=m.1",
    "/local/mail?mail=m.1&view=text",
    "/local/mail?mail=m.1&view=raw",
    "/local/mail?mail=none",
    "/local/mail?q=nothing",
)


class StaticFiles:
    """In place of the app behind the server: what pages link to, and nothing else."""

    def answer(self, method: str, path: str, headers: Message, body: bytes | None) -> Answer:
        """The file at the path."""
        if not path.startswith("/static/"):
            return made(200, "text/html; charset=utf-8", b"<title>The app</title>")
        file = static_file(path.partition("?")[0].removeprefix("/static/"))
        return made(200, file.content_type, file.text.encode())


@pytest.fixture(scope="module")
def address(site: Website, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    mail = tmp_path_factory.mktemp("local") / "mail.jsonl"
    journal = Journal(mail)
    for number in range(60):
        to = LEAD if number % 2 else f"somebody.with.a.long.address.{number}@example.police.uk"
        text = "See http://127.0.0.1/tasks/kent." + "x" * 90
        words = {"subject": f"Claim {number} " + "of many words " * 5, "text": text, "html": "<p>Page</p>"}
        journal.add({"id": f"m.{number}", "to": to, "sent_at": f"2026-07-01T08:{number:02}:00Z", **words})
    pages = LocalPages(Mailbox(mail), seeds=Path(seeds.__file__).with_name("seeds.json"))
    listening = processes.listening_socket(0)
    gateway: Any = StaticFiles()
    server = Server(listening, gateway, pages)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.shutdown()
    server.server_close()


def opened(browser: Browser, size: Any, **how: Any) -> Page:
    page = browser.new_context(viewport=size, **how).new_page()
    page.set_default_timeout(10_000)
    return page


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_runs_pages_are_accessible_and_fit_the_window(browser: Browser, address: str, size: Any) -> None:
    page = opened(browser, size, bypass_csp=True)
    for path in PATHS:
        page.goto(address + path)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("rules => axe.run(document, {iframes: false, runOnly: rules})", RULES)
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == [], (
            path
        )
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    page.context.close()


def test_on_a_phone_an_email_has_a_page_and_a_way_back(browser: Browser, address: str) -> None:
    page = opened(browser, PHONE, java_script_enabled=False)
    page.goto(address + "/local/mail")
    assert not page.get_by_role("article").is_visible()
    page.get_by_role("link", name="Innovation lead, Kent Police 30").click()
    page.get_by_role("link", name="Claim 57 ").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Claim 57 ")
    assert page.frame_locator("iframe").get_by_text("Page").is_visible()
    page.get_by_role("link", name="Text", exact=True).click()
    assert page.get_by_role("link", name="http://127.0.0.1/tasks/kent.").is_visible()
    page.get_by_role("link", name="Back to the emails").click()
    assert page.get_by_role("heading", name="30 emails to Innovation lead, Kent Police").is_visible()
    page.context.close()


def test_on_a_desk_people_emails_and_the_newest_are_side_by_side(browser: Browser, address: str) -> None:
    page = opened(browser, DESK, java_script_enabled=False)
    page.goto(address + "/local/mail")
    people = page.get_by_role("navigation", name="People").bounding_box()
    emails = page.get_by_role("region", name="60 emails").bounding_box()
    reading = page.get_by_role("article").bounding_box()
    assert people
    assert emails
    assert reading
    assert people["x"] + people["width"] <= emails["x"]
    assert emails["x"] + emails["width"] <= reading["x"]
    assert page.get_by_role("article").get_by_role("heading").inner_text().startswith("Claim 59 ")
    page.context.close()


def test_one_click_becomes_somebody_without_scripts(browser: Browser, site: Website, address: str) -> None:
    page = opened(browser, PHONE, java_script_enabled=False)
    page.goto(address + "/local?q=kent+coordinator")
    page.get_by_role("button", name="Become Coordinator, Kent Police").click()
    assert page.url == address + "/desk"
    page.goto(address + "/local")
    assert page.get_by_text("You are signed in as Coordinator, Kent Police").is_visible()
    page.get_by_role("button", name="Sign out").click()
    assert page.url == address + "/local"
    assert page.get_by_text("You are signed in as").count() == 0
    page.context.close()
