"""The pages of ideas in Chromium: used by everybody, at any width, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import idea_scenes
import pytest
from playwright.sync_api import Browser, Page
from visits import signed_in
from website import Website

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("scanner")]

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Stock:
    """Ideas that all tests look at: moto takes longer for each that is stored."""

    site: Website
    adopted: str
    before_the_leaders: str
    without_majority: str
    waiting: str


@pytest.fixture(scope="module")
def stock(site: Website) -> Stock:
    idea_scenes.published(site, title="Charging points at every station", category="vehicles", force="essex")
    waiting = site.ask(idea_scenes.submit(site, title="A quiet room in custody", category="custody"))
    panel = idea_scenes.before_the_leaders(site, title="Body-worn video that starts by itself")
    return Stock(
        site=site,
        adopted=idea_scenes.decided(site, "adopt", "pilot", "adopt").reference,
        before_the_leaders=f"/tasks/{site.case(panel).open_tasks[1].id}",
        without_majority=idea_scenes.decided(site, "adopt", "pilot", "decline").status_token,
        waiting=waiting,
    )


Visit = Callable[[Page, Stock], None]


def at(path: str) -> Visit:
    return lambda page, _: page.goto(path) and None


def the_form_with_mistakes(page: Page, stock: Stock) -> None:
    page.goto("/forms/idea")
    page.get_by_label("Your idea in one line").fill("Short")
    page.get_by_role("button", name="Send the idea").click()


def triage(page: Page, stock: Stock) -> None:
    signed_in(page, stock.site, "coordinator-kent")
    page.goto(stock.waiting)


def the_panel(page: Page, stock: Stock) -> None:
    _, reference, number = stock.before_the_leaders.rpartition("/")[2].split(".")
    task = stock.site.parts.records.of("kent").case(reference).task(int(number))
    assert task is not None
    signed_in(page, stock.site, task.person_id)
    page.goto(stock.before_the_leaders)


VISITS: dict[str, tuple[Visit, str]] = {
    "form": (at("/forms/idea"), "Share an idea"),
    "form-mistakes": (the_form_with_mistakes, "Error: Share an idea"),
    "triage": (triage, "Decide idea IDA-"),
    "panel": (the_panel, "Decide idea IDA-"),
    "status": (lambda page, stock: page.goto(f"/status/{stock.without_majority}") and None, "Idea IDA-"),
    "ideas": (at("/ideas"), "Ideas"),
    "ideas-of-a-force": (at("/ideas?force=kent&category=custody"), "Ideas"),
    "ideas-none": (at("/ideas?force=dorset"), "Ideas"),
    "idea": (
        lambda page, stock: page.goto(f"/ideas/{stock.adopted}") and None,
        "One template for all handovers",
    ),
    "map": (at("/map"), "Map of ideas"),
}


@pytest.fixture(params=[(375, True), (1280, True), (320, False)], ids=["phone", "desk", "no-scripts"])
def page(request: pytest.FixtureRequest, browser: Browser, site: Website) -> Iterator[Page]:
    width, scripts = request.param
    context = browser.new_context(
        base_url=site.parts.links.page("").rstrip("/"),
        viewport={"width": width, "height": 900},
        java_script_enabled=scripts,
    )
    one = context.new_page()
    one.set_default_timeout(10_000)
    yield one
    context.close()


@pytest.mark.parametrize("name", VISITS)
def test_every_page_of_ideas_fits_and_can_be_used_by_everybody(page: Page, stock: Stock, name: str) -> None:
    complaints: list[str] = []

    def heard(message: Any) -> None:
        # Chromium reports the 422 of a form with mistakes, which is what that page is about.
        if message.type in ("error", "warning") and "with a status of 4" not in message.text:
            complaints.append(message.text)

    page.on("console", heard)
    visit, title = VISITS[name]
    visit(page, stock)
    page.wait_for_load_state()
    assert page.title().startswith(title)
    if page.evaluate("document.body.classList.contains('js-enabled')"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
    assert complaints == []


def test_a_tile_leads_to_its_forces_ideas_with_the_keyboard(page: Page, stock: Stock) -> None:
    page.goto("/map")
    tile = page.locator(".app-map a[href='/ideas?force=kent']")
    tile.focus()
    box = tile.locator("rect").bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 24, "too small to be hit"
    colour = "one => getComputedStyle(one.querySelector('rect')).fill"
    assert tile.evaluate(colour) == "rgb(255, 221, 0)", "the focus is seen"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Kent Police").wait_for()


def test_text_on_every_shade_of_the_map_has_contrast_enough(page: Page) -> None:
    page.goto("/map")
    for shade in range(5):
        colours = page.locator(".app-map a").first.evaluate(
            """(one, shade) => {
              one.setAttribute('class', 'app-map__tile app-map__tile--' + shade)
              const fill = name => getComputedStyle(one.querySelector(name)).fill.match(/[0-9]+/g).map(Number)
              return [fill('text'), fill('rect')]
            }""",
            shade,
        )
        light, dark = sorted(map(luminance, colours), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, shade


def luminance(colour: list[int]) -> float:
    """The relative luminance of a colour, as WCAG defines it."""
    shares = [part / 255 for part in colour]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
