"""Real pages in Chromium: every one with scripts and without, on a phone and on a desk, and asked by axe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext
from visits import FORM, PAGES, a_form_with_mistakes, a_task, fill
from website import LEAD, Website

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESK = 375, 1280


class Visitor:
    """A browser's window, and what it complained of."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.base = base
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: Any) -> None:
        # A 4xx page is what some of these tests are about; Chromium reports it as an error.
        if (
            message.type in ("error", "warning")
            and "the server responded with a status of 4" not in message.text
        ):
            self.complaints.append(message.text)


WAYS = {"phone": (PHONE, True)}
if os.environ.get("PROVE"):
    WAYS |= {"desk": (DESK, True), "desk-no-scripts": (DESK, False), "phone-no-scripts": (PHONE, False)}
"""`make test` takes each page on a phone with scripts (tests/web go through all of them without), `make prove` in
every way."""


@pytest.fixture(params=WAYS.values(), ids=WAYS.keys())
def visitor(request: pytest.FixtureRequest, browser: Browser, site: Website) -> Iterator[Visitor]:
    width, scripts = request.param
    base = site.parts.links.page("").rstrip("/")
    context = browser.new_context(
        base_url=base, viewport={"width": width, "height": 900}, java_script_enabled=scripts
    )
    yield Visitor(context, base)
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_works_fits_and_can_be_used_by_everybody(
    visitor: Visitor, site: Website, name: str
) -> None:
    visit, title = PAGES[name]
    page = visitor.page
    visit(page, site)
    page.wait_for_load_state()
    assert page.title().startswith(title)
    has_scripts = bool(page.evaluate("document.body.classList.contains('js-enabled')"))
    if has_scripts:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "the page scrolls sideways"
    )
    assert visitor.complaints == []


def test_an_error_link_leads_to_its_field_and_the_summary_has_the_focus(
    visitor: Visitor, site: Website
) -> None:
    page = visitor.page
    a_form_with_mistakes(page, site)
    links = {"Date must include a year": "event_date-year", "Line 2: The amount": "cost_lines-1-amount_pence"}
    if page.evaluate("document.body.classList.contains('js-enabled')"):
        page.wait_for_function("document.activeElement.className === 'govuk-error-summary'")
        for text, field in links.items():
            page.get_by_role("link", name=text).click()
            assert page.evaluate("document.activeElement.id") == field
    else:
        for text, field in links.items():
            page.get_by_role("link", name=text).click()
            assert page.url.endswith(f"#{field}")
    assert page.locator("#cost_lines-1-amount_pence").input_value() == "plenty"


def test_a_new_line_comes_into_view(visitor: Visitor, site: Website) -> None:
    page = visitor.page
    page.goto(FORM)
    page.get_by_role("button", name="Add another line").click()
    page.wait_for_load_state()
    box = page.locator("#cost_lines-row-2").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 900, "the page came back at its top"


def test_a_claim_goes_all_the_way_with_the_keyboard(visitor: Visitor, site: Website) -> None:
    page = visitor.page
    fill(page)
    page.locator("#event_title").press("Enter")
    page.get_by_label("Code").fill(site.mailed_code("confirm"))
    page.get_by_label("Code").press("Enter")
    page.get_by_role("heading", name="Claim received").wait_for()
    page.get_by_role("link", name="See where your claim stands").press("Enter")
    page.get_by_role("heading", name="Claim CLM-").wait_for()


def test_an_approver_signs_in_with_a_mailed_code_and_lands_on_the_task(
    visitor: Visitor, site: Website
) -> None:
    page = visitor.page
    path = site.ask(site.submit())
    page.goto(path)
    page.get_by_label("Your work email address").fill(LEAD)
    page.get_by_role("button", name="Email me a code").click()
    page.get_by_label("Code").fill(site.live_code(LEAD))  # other tests' mails may wait, too
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Decide claim").wait_for()
    assert page.url.endswith(path)
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="You are signed out").wait_for()
    assert visitor.complaints == []


def test_what_should_be_changed_is_asked_under_its_choice_and_hidden_words_are_not_sent(
    visitor: Visitor, site: Website
) -> None:
    page = visitor.page
    a_task(page, site)
    words = page.get_by_label("What should be changed in “What it costs”?")
    has_scripts = bool(page.evaluate("document.body.classList.contains('js-enabled')"))
    assert words.is_visible() != has_scripts
    page.get_by_label("Ask for changes first").check()
    words.fill("Two quotes, please")
    page.get_by_label("Approve the claim").check()
    assert words.is_visible() != has_scripts
    page.get_by_role("button", name="Send your decision").click()
    if has_scripts:
        page.get_by_role("heading", name="You approved this claim").wait_for()
    else:
        page.get_by_role("link", name="You named changes").wait_for()
        assert words.input_value() == "Two quotes, please"


def test_the_skip_link_is_first_and_leads_to_the_content(visitor: Visitor, site: Website) -> None:
    page = visitor.page
    page.goto("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#main-content")
