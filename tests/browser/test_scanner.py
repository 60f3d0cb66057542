"""No mail scanner decides anything: every link of every mail, in every way; and controls that show the test can see."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from playwright.sync_api import Browser
from scanner import Scanner, links_in
from website import Website

from chalicelib import wiring
from chalicelib.adapters.aws.ses import render
from chalicelib.services.approvals import amending, deciding, ending, following_up
from chalicelib.services.delivery import delivering
from chalicelib.services.people import signing_in
from chalicelib.services.ports import Parts
from tests.builders import MONDAY
from tests.fakes import Clock, MemoryMailer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("scanner")]

LEAD, PROGRAMME = "lead-kent", "national-programme-manager"
THOROUGH = bool(os.environ.get("PROVE"))
"""`make prove` attacks every link, `make test` one of each kind."""

HARMLESS = {"day-key", "pair", "source", "session"}
"""What asking for a code leaves: it decides nothing."""


class Scene:
    """Claims in every state, and every mail that they caused."""

    def __init__(self, site: Website) -> None:
        self.clock = Clock(MONDAY)
        self.mailer = MemoryMailer()
        self.parts: Parts = replace(
            site.parts, now=self.clock, mailer=self.mailer, undo_for=timedelta(minutes=10)
        )
        wiring.use(self.parts)
        self.site = Website(site._client, self.parts)

    def play(self) -> None:
        """From the longest story to the shortest, so that the last ones still wait for somebody."""
        self._unanswered()
        for end in ("approve", "reject"):
            self._decided(end)
        self._amended()
        reference = self._asked()
        ending.withdraw(self.parts, "kent", reference)
        self.pass_by(minutes=1)
        self._decide(self._asked(), "request-changes", comment="Say what the hall costs")
        self.pass_by(minutes=11)
        self._decide(self._asked(), "approve")  # can still be undone
        self._asked()
        self._codes()
        self.pass_by(minutes=1)

    def pass_by(self, **duration: float) -> None:
        """Let time pass, with everything that happens by itself."""
        self.clock.pass_by(**duration)
        following_up.follow_up(self.parts)
        delivering.sweep(replace(self.parts, now=lambda: self.clock.at + timedelta(seconds=61)))

    def links(self) -> dict[str, str]:
        """Every link of every mail, with the template of the first mail that holds it."""
        found: dict[str, str] = {}
        for mail in self.mailer.sent:
            made = render(mail.template, mail.values)
            for link in links_in(made.text, made.html):
                found.setdefault(link, mail.template)
        return found

    def _unanswered(self) -> None:
        lapsing = self._asked()
        self._decide(lapsing, "request-changes", comment="Say what the hall costs")
        self._asked()
        for _ in range(45):
            self.pass_by(days=1)

    def _decided(self, decision: str) -> None:
        reference = self._asked()
        self._decide(reference, decision, comment="As it should be")
        self.pass_by(minutes=11)
        if decision == "approve":
            self._ask(reference)
            self._decide(reference, decision)
            self.pass_by(minutes=11)

    def _amended(self) -> None:
        reference = self._asked()
        self._decide(reference, "request-changes", comment="Say what the hall costs")
        self.pass_by(minutes=11)
        view = amending.amend_view(self.parts, "kent", reference)
        given = {**view.answers, "purpose": "Officers bring ideas, and the best are tried out in summer."}
        amending.amend(self.parts, "kent", reference, given, version=view.version)
        self._ask(reference)

    def _codes(self) -> None:
        reference = self._asked()
        signing_in.ask_code(self.parts, "lead.kent@example.police.uk")
        signing_in.ask_claimant_code(self.parts, "kent", reference)

    def _asked(self) -> str:
        receipt = self.site.submit()
        self._ask(receipt.reference)
        return receipt.reference

    def _ask(self, reference: str) -> None:
        class Receipt:
            pass

        receipt: Any = Receipt()
        receipt.reference = reference
        self.site.ask(receipt)

    def _decide(self, reference: str, decision: str, comment: str = "") -> None:
        case = self.parts.records.of("kent").case(reference)
        task = case.open_task
        assert task is not None
        deciding.decide(
            self.parts, task.person_id, task.id, decision=decision, comment=comment, seen=case.seen
        )


@pytest.fixture(scope="module")
def scene(site: Website) -> Iterator[Scene]:
    made = Scene(site)
    made.play()
    yield made
    wiring.use(site.parts)


def one_of_each_kind(links: Mapping[str, str]) -> list[str]:
    """A link to each kind of page from each kind of mail that is the first to hold one."""
    kinds: dict[tuple[str, str], str] = {}
    for link, template in links.items():
        path = urlsplit(link).path.split("/")
        kinds.setdefault((template, "/".join([path[1], *path[3:]])), link)
    return list(kinds.values())


def state() -> dict[tuple[str, str], Any]:
    """Everything in the table that anybody decided, or that money or people hang on."""
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName="web-tests")
    items = [item for page in pages for item in page["Items"]]
    return {
        (item["pk"]["S"], item["sk"]["S"]): item
        for item in items
        if item["kind"]["S"] not in HARMLESS
        and "-code." not in item["pk"]["S"]
        and "#nothing." not in item["pk"]["S"]
    }


def changes(before: dict[tuple[str, str], Any]) -> list[tuple[str, str]]:
    """The keys of what is not as it was."""
    after = state()
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


EVERY_TEMPLATE_WITH_A_LINK = {
    "receipt", "asked", "reminder", "decision-made", "moved-on", "approved", "rejected", "changes-requested",
    "changes-reminder", "amended", "withdrawn", "lapsed", "stuck",
}  # fmt: skip


def test_the_scene_has_a_mail_of_every_kind(scene: Scene) -> None:
    sent = set(scene.mailer.templates())
    assert sent >= EVERY_TEMPLATE_WITH_A_LINK | {"no-longer-needed", "sign-in-code", "claimant-code"}


def test_a_scanner_that_does_everything_to_every_link_changes_nothing(
    scene: Scene, browser: Browser, record_property: Callable[[str, object], None]
) -> None:
    before = state()
    scanner = Scanner(browser, scene.parts.links.page("").rstrip("/"))
    links = scene.links()
    attacked = list(links) if THOROUGH else one_of_each_kind(links)
    for link in links:
        if link in attacked:
            scanner.attack(link)
        else:
            scanner.look(link)
    delivering.sweep(replace(scene.parts, now=lambda: scene.clock.at + timedelta(seconds=61)))
    record_property("links", len(links))
    record_property("counts", dict(scanner.counts))
    print(
        f"{len(links)} links, {len(attacked)} attacked: {dict(scanner.counts)}, {len(changes(before))} changes"
    )
    assert scanner.counts["buttons pressed"] > len(attacked), "it pressed what there is to press"
    assert changes(before) == []


def test_a_scanner_in_the_approvers_own_browser_that_only_looks_changes_nothing(
    scene: Scene, browser: Browser
) -> None:
    secrets = []
    for person in (LEAD, PROGRAMME):
        secret = signing_in.open_session(scene.parts, person)
        secrets.append(secret)
    before = state()
    for secret in secrets:
        scanner = Scanner(browser, scene.parts.links.page("").rstrip("/"), [("session", secret)])
        for link in scene.links() if THOROUGH else one_of_each_kind(scene.links()):
            for further in scanner.look(link) if THOROUGH else scanner.look(link)[:1]:
                scanner.look(further)
    assert changes(before) == []


class Control(BaseHTTPRequestHandler):
    """A product with the faults that the scanner must find: links that decide, and buttons that ask nobody."""

    decide: Callable[[str], None]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/decide":
            type(self).decide(parse_qs(url.query)["task"][0])
        task = parse_qs(url.query).get("task", [""])[0]
        self._page(
            f"<main><form method='post' action='/press?task={task}'>"
            "<input type='radio' name='decision' value='approve'><button>Decide</button></form></main>"
        )

    do_HEAD = do_GET  # noqa: N815 - the name is http.server's

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if "decision=approve" in body:
            type(self).decide(parse_qs(urlsplit(self.path).query)["task"][0])
        self._page("<main>Thank you</main>")

    def _page(self, html: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(html)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(html.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def control(scene: Scene) -> Iterator[str]:
    """The address of the faulty product, over the same claims."""

    def decide(task_id: str) -> None:
        case = scene.parts.records.of("kent").case(task_id.split(".")[1])
        task = case.task(int(task_id.rpartition(".")[2]))
        assert task is not None
        deciding.decide(scene.parts, task.person_id, task.id, decision="approve", comment="", seen=case.seen)

    Control.decide = staticmethod(decide)  # type: ignore[method-assign,assignment]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Control)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("fault", ["/decide", "/press-to-decide"])
def test_the_same_scanner_decides_where_a_link_or_a_bare_button_does(
    scene: Scene, browser: Browser, control: str, fault: str
) -> None:
    reference = scene._asked()
    task = f"kent.{reference}.1"
    before = state()
    Scanner(browser, control).attack(f"{control}{fault}?task={task}")
    assert changes(before), "the scanner is blind"
    decided = scene.parts.records.of("kent").case(reference).task(1)
    assert decided is not None
    assert decided.decision == "approve"
