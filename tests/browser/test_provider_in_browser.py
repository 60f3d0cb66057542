"""Signing in with a real OpenID provider in Chromium, which minds where forms lead (Content-Security-Policy)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page
from provider import an_issuer, running_provider
from test_browser import AXE, PHONE, RULES
from website import LEAD, Website

from chalicelib.adapters.openid import OpenIdProviders
from chalicelib.domain.people.issuers import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def with_provider(site: Website) -> Iterator[Website]:
    """The site, where people of Kent sign in with their provider."""
    before = site.parts
    with running_provider(before.links.page("/sign-in/oidc")) as url:
        site.use(sign_in=SignIn(issuers=(an_issuer(url),)), providers=OpenIdProviders())
        yield site
    site.use(sign_in=before.sign_in, providers=before.providers)


@pytest.fixture
def page(browser: Browser, with_provider: Website) -> Iterator[Page]:
    base = with_provider.parts.links.page("")
    context = browser.new_context(base_url=base, viewport={"width": PHONE, "height": 900})
    yield context.new_page()
    context.close()


def complaints_about(page: Page, site: Website) -> list[str]:
    """What the browser complains of on our pages from now on; the provider's are its own."""
    found: list[str] = []
    ours = site.parts.links.page("")

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and message.location["url"].startswith(ours):
            found.append(message.text)

    page.on("console", note)
    return found


def check_usable(page: Page) -> None:
    """By everybody, and on a phone."""
    page.wait_for_load_state()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


def to_provider_and_back(page: Page) -> None:
    """From the sign-in page, by typing an address, to the provider and through its pages."""
    page.goto("/sign-in?next=/away")
    check_usable(page)
    page.get_by_label("Your work email address").fill(LEAD)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/sign-in/with/**")
    check_usable(page)
    page.get_by_role("button", name="Continue to Kent Police").click()
    if page.locator("input[name=login]").count():
        page.locator("input[name=login]").fill("kent:jo")
        page.locator("input[name=password]").fill("any")
        page.locator("button[type=submit]").click()


def test_somebody_signs_in_with_their_organisation_the_first_time_and_again(
    page: Page, with_provider: Website
) -> None:
    complaints = complaints_about(page, with_provider)
    to_provider_and_back(page)
    page.wait_for_url("**/sign-in/link")
    check_usable(page)
    assert "signed you in as jo@kent.example" in page.inner_text("main")
    page.get_by_label("Your work email address").fill(LEAD)
    page.get_by_role("button", name="Email me a code").click()
    page.wait_for_url("**/sign-in/link/code")
    check_usable(page)
    page.get_by_label("Code").fill(with_provider.mailed_code())
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/away")
    page.goto("/account")
    check_usable(page)
    page.goto("/sign-out")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    to_provider_and_back(page)
    page.wait_for_url("**/away")
    assert with_provider.mails("sign-in-code") == []
    assert complaints == []


def test_the_page_that_says_why_nobody_is_signed_in_can_be_used(page: Page) -> None:
    page.goto("/sign-in/oidc?error=access_denied")
    assert page.title().startswith("You are not signed in")
    check_usable(page)


def test_a_form_that_leads_to_the_provider_would_be_refused(page: Page, with_provider: Website) -> None:
    """Why every way to a provider is a link."""
    page.goto("/sign-in/with/kents")
    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.evaluate(
            """() => {
                const form = document.createElement('form');
                form.action = '/sign-in/with/kents/go';
                document.body.append(form);
                form.submit();
            }"""
        )
    assert page.url.endswith("/sign-in/with/kents")
