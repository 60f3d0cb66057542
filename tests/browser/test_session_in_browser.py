"""The warning before a session ends, on clocks that the tests move on: the browser's and the service's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page
from visits import signed_in
from website import Website

from chalicelib.domain.people.accounts import IDLE, SESSION_LIFE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Later = Callable[[timedelta], None]
MINUTE = timedelta(minutes=1)
WARNED_BEFORE = 5 * MINUTE


@pytest.fixture
def page(browser: Browser, site: Website) -> Iterator[Page]:
    context = browser.new_context(base_url=site.parts.links.page("").rstrip("/"))
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.clock.install()
    signed_in(page, site)
    page.goto("/ideas")
    page.wait_for_function("document.body.classList.contains('js-enabled')")
    yield page
    context.close()


@pytest.fixture
def later(page: Page, site: Website) -> Iterator[Later]:
    """So much time goes by, here and there."""
    before = site.parts
    passed = timedelta()

    def go_on(duration: timedelta) -> None:
        nonlocal passed
        passed += duration
        site.use(now=lambda: before.now() + passed)
        page.clock.fast_forward(int(duration.total_seconds() * 1000))

    yield go_on
    site.use(now=before.now)


def warning(page: Page) -> Locator:
    return page.get_by_role("alert")


def test_a_warning_comes_five_minutes_before_the_session_ends(page: Page, later: Later) -> None:
    later(IDLE - WARNED_BEFORE - MINUTE)
    assert warning(page).count() == 0
    later(MINUTE)
    warning(page).wait_for()
    assert "You will be signed out in 5 minutes." in warning(page).inner_text()
    page.goto("/account")
    assert page.title().startswith("Your account"), "the session has not ended yet"


def test_whoever_stays_signed_in_is_warned_again_two_hours_later(page: Page, later: Later) -> None:
    later(IDLE - WARNED_BEFORE)
    page.get_by_role("button", name="Stay signed in").click()
    warning(page).wait_for(state="detached")
    later(IDLE - WARNED_BEFORE - MINUTE)
    assert warning(page).count() == 0
    later(MINUTE)
    warning(page).wait_for()
    page.goto("/account")
    assert page.title().startswith("Your account"), "beyond the end of the session that was"


def test_without_staying_the_session_ends(page: Page, later: Later) -> None:
    later(IDLE - WARNED_BEFORE)
    warning(page).wait_for()
    later(WARNED_BEFORE)
    page.goto("/account")
    assert page.title().startswith("Sign in")


def test_after_twelve_hours_nobody_can_stay_and_the_page_says_so(page: Page, later: Later) -> None:
    for _ in range(6):
        later(IDLE - WARNED_BEFORE)
        page.get_by_role("button", name="Stay signed in").click()
        warning(page).wait_for(state="detached")
    later(SESSION_LIFE - 6 * (IDLE - WARNED_BEFORE) - WARNED_BEFORE)
    page.get_by_role("button", name="Stay signed in").click()
    page.get_by_text("You cannot stay signed in for longer.").wait_for()
    assert page.get_by_role("button", name="Stay signed in").count() == 0
