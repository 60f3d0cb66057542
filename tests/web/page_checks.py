"""What every page must satisfy, whichever test asked for it."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import html5lib

_UNLABELLED_TYPES = ("hidden", "submit", "button")


def check_page(html: str) -> Element:
    """Parse a page strictly and assert what all pages promise. Returns the `html` element, for further looks."""
    root = parse(html)
    assert root.get("lang") == "en", "the page must say that it is in English"
    ids = [element.get("id") for element in root.iter() if element.get("id") is not None]
    assert not [one for one, count in Counter(ids).items() if count > 1], "an id is used twice"
    assert all(ids), "an id is empty"

    _check_headings(root)
    _check_fields(root, set(ids))
    _check_references(root, set(ids))
    _check_forms(root)
    _check_tables(root)
    _check_nothing_inline(root)
    return root


def parse(html: str) -> Element:
    """The parsed page. Any parse error of the HTML standard raises."""
    assert html.startswith("<!DOCTYPE html>"), (
        "nothing may stand before the doctype: it would mean quirks mode"
    )
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    with warnings.catch_warnings():
        # html5lib 1.1 calls an old name of its own tree walkers; that says nothing about the page.
        warnings.simplefilter("ignore", DeprecationWarning)
        root: Element = parser.parse(html)
    return root


def text_of(element: Element) -> str:
    """All text in an element, spaces made single."""
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def with_class(root: Element, name: str) -> list[Element]:
    """The elements that have this class."""
    return [element for element in root.iter() if name in (element.get("class") or "").split()]


def by_id(root: Element, one: str) -> Element:
    """The element with this id."""
    found = [element for element in root.iter() if element.get("id") == one]
    assert len(found) == 1, f"there is no element with the id {one}"
    return found[0]


def error_links(root: Element) -> list[tuple[str, str]]:
    """Text and target of each line of the error summary."""
    return [(text_of(link), link.get("href") or "")
            for summary in with_class(root, "govuk-error-summary__list") for link in summary.iter("a")]  # fmt: skip


def fields_of(form: Element) -> dict[str, str]:
    """What a browser would post, were the form's first button not pressed."""
    found: dict[str, str] = {}
    for element in form.iter():
        name = element.get("name")
        if not name:
            continue
        if element.tag == "input":
            if element.get("type") in ("checkbox", "radio") and element.get("checked") is None:
                continue
            found[name] = element.get("value") or ""
        elif element.tag == "textarea":
            found[name] = element.text or ""
        elif element.tag == "select":
            options = list(element.iter("option"))
            chosen = next((option for option in options if option.get("selected") is not None), options[0])
            found[name] = chosen.get("value") or ""
    return found


def _check_headings(root: Element) -> None:
    headings = [text_of(element) for element in root.iter("h1")]
    assert len(headings) == 1, f"a page has one h1, this one has {len(headings)}"
    title = text_of(next(root.iter("title")))
    has_errors = bool(with_class(root, "govuk-error-summary"))
    assert title.startswith("Error: ") == has_errors, (
        "the title says Error where, and only where, there is one"
    )
    assert title.removeprefix("Error: ").startswith(headings[0]), "the title begins with the h1"
    elements = next(root.iter("main")).iter()
    levels = [int(element.tag[1]) for element in elements if re.fullmatch("h[1-6]", str(element.tag))]
    # The error summary's h2 stands before the h1: that is how the design system has it.
    after_h1 = levels[levels.index(1) :]
    assert all(b - a <= 1 for a, b in zip(after_h1, after_h1[1:])), f"headings skip a level: {levels}"


def _check_fields(root: Element, ids: set[str]) -> None:
    labelled = {element.get("for") for element in root.iter("label") if text_of(element)}
    for element in root.iter():
        if element.tag in ("input", "select", "textarea") and element.get("type") not in _UNLABELLED_TYPES:
            assert element.get("id") in labelled, f"{element.get('name')} has no label"
            assert element.get("name"), "an input without a name posts nothing"
    for fieldset in root.iter("fieldset"):
        assert len(fieldset) and fieldset[0].tag == "legend" and text_of(fieldset[0]), (
            "a fieldset has no legend"
        )
    for element in root.iter():
        if element.tag in ("a", "button"):
            assert text_of(element) or element.get("aria-label"), "a link or a button has no text"
    assert "main-content" in ids


def _check_references(root: Element, ids: set[str]) -> None:
    for element in root.iter():
        for attribute in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
            for target in (element.get(attribute) or "").split():
                assert target in ids, f"{attribute} names {target}, which is not there"
        href = element.get("href") or ""
        if href.startswith("#"):
            assert href[1:] in ids, f"a link leads to {href}, which is not there"


def _check_forms(root: Element) -> None:
    for form in root.iter("form"):
        assert (form.get("action") or "").startswith("/"), "a form must say where it goes"
        expected = "get" if form.get("role") == "search" else "post"
        assert form.get("method") == expected, (
            "our forms all change something, but for those that look for something"
        )
        assert any(button.tag == "button" for button in form.iter()), "a form has a button"


def _check_tables(root: Element) -> None:
    for table in root.iter("table"):
        assert any(text_of(caption) for caption in table.iter("caption")), "a table has no caption"
        headings = list(table.iter("th"))
        assert headings and all(heading.get("scope") in ("col", "row") for heading in headings)
        assert all(text_of(heading) for heading in headings), "a heading of a table is empty"


def _check_nothing_inline(root: Element) -> None:
    for element in root.iter():
        assert element.get("style") is None, "our CSP refuses inline styles"
        assert not [name for name in element.attrib if name.startswith("on")], (
            "our CSP refuses inline handlers"
        )
        assert not (element.get("href") or "").startswith("javascript:")
        assert element.tag != "style", "our CSP refuses inline styles"
        if element.tag == "script":
            assert (element.get("src") or "").startswith("/static/"), "our CSP refuses inline scripts"
            assert not text_of(element)
    for source in _sources(root):
        assert source.startswith("/static/"), f"{source} is not ours"


def _sources(root: Element) -> Iterator[str]:
    for element in root.iter():
        if element.tag in ("img", "script", "iframe"):
            yield element.get("src") or ""
        if element.tag == "link":
            yield element.get("href") or ""
