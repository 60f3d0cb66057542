"""What mail scanners do to links: open them in every way, wait for scripts, fill every form, press every button.

Nobody scans as eagerly as this; what survives it survives them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urldefrag, urljoin, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError

MOST_PAGES = 12
"""How far one scan goes from a mail's link: over the pages that its forms and links lead to."""

_URL = re.compile(r"https?://[^\s<>\"']+")
_FILL = """(form) => {
  const values = {email: 'scanner@example.org', number: '7', tel: '01632960001', date: '2027-03-27'};
  for (const one of form.elements) {
    if (one.type === 'radio' || one.type === 'checkbox') {
      const group = [...form.elements].filter((other) => other.name === one.name);
      if (one.type === 'checkbox' || !group.some((other) => other.checked)) one.checked = true;
    } else if (one.tagName === 'SELECT') {
      one.selectedIndex = Math.max(0, one.options.length - 1);
    } else if (one.type !== 'hidden' && one.type !== 'submit' && 'value' in one && !one.value) {
      one.value = one.autocomplete === 'one-time-code' ? '000000' : (values[one.type] || 'Scanned and found safe');
    }
  }
}"""


def links_in(*texts: str) -> list[str]:
    """Every address in a mail's bodies, once each."""
    found = (match.rstrip(".,;)") for text in texts for match in _URL.findall(text.replace("&amp;", "&")))
    return list(dict.fromkeys(found))


def _page_of(url: str) -> str:
    return url.partition("?")[0]


class Scanner:
    """Opens links as scanners do; `counts` says what it did. `cookies` are those of a browser it sits in."""

    def __init__(self, browser: Browser, base: str, cookies: Iterable[tuple[str, str]] = ()) -> None:
        self._browser = browser
        self._base = base
        self._cookies = [{"name": name, "value": value, "url": base} for name, value in cookies]
        self.counts: Counter[str] = Counter()
        self._attacked: set[str] = set()

    def look(self, url: str) -> list[str]:
        """HEAD, GET, and GET in a browser that runs scripts and waits. Returns the addresses of the page's links."""
        context = self._context()
        try:
            for method in ("HEAD", "GET"):
                self._fetch(context, url, method)
            page = context.new_page()
            page.goto(url)
            page.wait_for_timeout(100)
            self.counts["GET with scripts"] += 1
            return self._links(page)
        finally:
            context.close()

    def _fetch(self, context: BrowserContext, url: str, method: str) -> None:
        with suppress(PlaywrightError):  # the development server answers HEAD with a body, which is no HTTP
            context.request.fetch(url, method=method)
        self.counts[method] += 1

    def attack(self, url: str) -> None:
        """Look, then press every button of every form on the page, and go on with the pages that come of it.

        A page that differs only by its query from one that was attacked is not attacked again.
        """
        ahead, pages = [url], 0
        while ahead and pages < MOST_PAGES:
            here = ahead.pop(0)
            if _page_of(here) in self._attacked:
                continue
            self._attacked.add(_page_of(here))
            pages += 1
            ahead += self.look(here) + self._press_everything(here)

    def _press_everything(self, url: str) -> list[str]:
        """Each button on a page loaded anew, in one browser: what one press leads to, the next may build on."""
        found: list[str] = []
        context = self._context()
        try:
            place = 0
            while self._press(context, url, place, found):
                place += 1
        finally:
            context.close()
        return found

    def _press(self, context: BrowserContext, url: str, place: int, found: list[str]) -> bool:
        page = context.new_page()
        try:
            page.goto(url)
            buttons = page.locator("main form button, main form input[type=submit]")
            if place >= buttons.count():
                return False
            button = buttons.nth(place)
            button.locator("xpath=ancestor::form").evaluate(_FILL)
            self.counts["forms filled"] += 1
            button.click(force=True)
            page.wait_for_load_state()
            self.counts["buttons pressed"] += 1
            if urlsplit(page.url).netloc == urlsplit(self._base).netloc:
                found += [urldefrag(page.url)[0], *self._links(page)]
                self._press_the_next_page(page)
        except PlaywrightError:
            self.counts["pages that would not load"] += 1
        finally:
            page.close()
        return True

    def _press_the_next_page(self, page: Page) -> None:
        """The page that came of a press may only be there in this browser: its first form is tried at once."""
        button = page.locator("main form button").first
        if button.count():
            button.locator("xpath=ancestor::form").evaluate(_FILL)
            button.click(force=True)
            page.wait_for_load_state()
            self.counts["buttons pressed"] += 1

    def _links(self, page: Page) -> list[str]:
        """Links of the page's own content, on this site."""
        hrefs = page.locator("main a[href]").evaluate_all(
            "(all) => all.map((one) => one.getAttribute('href'))"
        )
        absolute = (urldefrag(urljoin(page.url, href))[0] for href in hrefs)
        return [one for one in absolute if urlsplit(one).netloc == urlsplit(self._base).netloc]

    def _context(self) -> BrowserContext:
        context = self._browser.new_context(base_url=self._base)
        context.set_default_timeout(10_000)
        if self._cookies:
            context.add_cookies(self._cookies)  # type: ignore[arg-type]
        return context
