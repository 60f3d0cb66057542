"""Hostile input against the running service: refused with 4xx, at once, with nothing stored and nothing told; what is
ugly and yet text is kept as it was typed. `make prove` sends more of it than `make test`."""

from __future__ import annotations

import json
import os
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from tests.hostile.addresses import reads
from tests.hostile.bodies import mutated, refused_bodies
from tests.hostile.cases import FORM_TYPE, MARK, PAGE, SUBMIT, Case, typed_fields
from tests.hostile.forms import refused_forms
from tests.hostile.texts import KEPT, REFUSED, composed
from tests.hostile.wire import PATIENCE, Heard, Wire, changes, request
from tests.hostile.wrappings import odd_headers, refused_requests
from tests.whole.visitor import LEAD, Browser, Service, asked, claim, confirm

PROVE = bool(os.environ.get("PROVE"))
SEED = 20_271_123
SOME = 1 if PROVE else 8
"""`make test` sends one in so many of what there is much of."""

BLOW_UP = 50
"""So many times as much CPU as an ordinary submission, and a body is a weapon."""

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("hostile")]


@pytest.fixture(scope="module")
def wire(service: Service) -> Iterator[Wire]:
    opened = Wire(service)
    yield opened
    print(f"\n{opened.requests} requests in all")
    opened.close()


@pytest.fixture(scope="module")
def ordinary(wire: Wire) -> float:
    """What an ordinary submission costs the web process: the median, in seconds of CPU."""
    submit_ordinary(wire, "warming-up")
    return statistics.median(
        submit_ordinary(wire, f"ordinary-{number}").cpu for number in range(20 if PROVE else 7)
    )


@pytest.fixture(autouse=True)
def still_well(wire: Wire) -> Iterator[None]:
    """After whatever was sent, an ordinary submission is taken."""
    yield
    submit_ordinary(wire, f"after-{wire.requests}")


def submit_ordinary(wire: Wire, name: str) -> Heard:
    body = claim(claimant_email=f"{name}@example.police.uk", event_title=name)
    heard = wire.ask("POST", SUBMIT, json.dumps(body).encode())
    assert heard.status == 201, heard.text
    return heard


def faults_of(heard: Heard) -> list[str]:
    """What no answer may do, whatever was asked."""
    found = []
    if not 100 <= heard.status < 500:
        found.append(f"status {heard.status}: {heard.text[:300]}")
    if heard.seconds > PATIENCE:
        found.append(f"took {heard.seconds:.1f} s")
    if heard.more:
        found.append(f"was answered twice: {heard.more[:80]!r}")
    if "Traceback" in heard.text or 'File "/' in heard.text:
        found.append("shows a stack trace")
    if heard.kind == "application/problem+json":
        if MARK in heard.text:
            found.append("shows what was typed")
        if heard.body and not well_formed(heard):
            found.append(f"is no problem: {heard.text[:200]}")
    return found


def well_formed(heard: Heard) -> bool:
    problem = heard.json()
    return problem["status"] == heard.status and {"type", "title", "detail"} <= problem.keys()


def refused(wire: Wire, cases: Iterable[Case], also: Callable[[Heard], list[str]]) -> dict[str, Heard]:
    """Send each; all are answered well, refused as `also` says, and store nothing."""
    before = wire.settled()
    heard, wrong = {}, []
    for number, case in enumerate(cases):
        answer = heard[f"{number} {case.name}"] = wire.say(case.raw)
        found = faults_of(answer) + also(answer)
        if stored := changes(before, after := wire.stored()):
            found.append(f"stored {stored[:4]}")
            before = after
        wrong += [f"{case.name}: {fault}" for fault in found]
    assert not wrong, f"{len(wrong)} faults\n" + "\n".join(wrong[:60])
    return heard


def as_problem(heard: Heard) -> list[str]:
    """Refused to a program. An answer to HEAD has no body."""
    right = 400 <= heard.status < 500 and heard.kind == "application/problem+json"
    right = right and heard.status not in (409, 429)  # those are for what could have been taken
    return [] if right else [f"was not refused: {heard.status} {heard.kind} {heard.text[:200]}"]


def as_page(heard: Heard) -> list[str]:
    """Refused to a person, or sent on to sign in."""
    right = 400 <= heard.status < 500 and heard.kind == "text/html" or heard.status in (200, 303)
    return [] if right else [f"was not refused: {heard.status} {heard.kind}"]


def tell(what: str, heard: dict[str, Heard], ordinary: float) -> None:
    """The figures of one test."""
    cpu = sorted(((one.cpu, name) for name, one in heard.items()), reverse=True)
    statuses = dict(sorted(Counter(one.status for one in heard.values()).items()))
    median, p99 = statistics.median(spent for spent, _ in cpu), cpu[len(cpu) // 100][0]
    worst = ", ".join(f"{name} {spent * 1000:.1f}" for spent, name in cpu[:3])
    print(
        f"\n{what}: {len(heard)} cases {statuses}; CPU ms: median {median * 1000:.1f}, p99 {p99 * 1000:.1f}"
        f", worst {worst}; an ordinary submission {ordinary * 1000:.1f}"
    )


def test_every_hostile_body_is_refused_and_leaves_nothing(wire: Wire, ordinary: float) -> None:
    cases = [case for number, case in enumerate(refused_bodies()) if case.full or number % SOME == 0]
    heard = refused(wire, cases, as_problem)
    full = [f"{number} {case.name}" for number, case in enumerate(cases) if case.full]
    tell("bodies", heard, ordinary)
    tell("bodies of 64 KB", {name: heard[name] for name in full}, ordinary)
    assert max(one.cpu for one in heard.values()) <= BLOW_UP * ordinary
    assert max(len(one.body) for one in heard.values()) < 256 * 1024, "a small body makes a large answer"


def test_every_hostile_request_is_refused_and_leaves_nothing(wire: Wire, ordinary: float) -> None:
    heard = refused(wire, refused_requests(), as_problem)
    tell("requests", heard, ordinary)
    assert max(one.cpu for one in heard.values()) <= BLOW_UP * ordinary


def test_every_hostile_form_is_refused_and_leaves_nothing(wire: Wire, ordinary: float) -> None:
    page = wire.ask("GET", PAGE).text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    heard = refused(wire, refused_forms(key[1]), as_page)
    tell("forms", heard, ordinary)
    assert max(one.cpu for one in heard.values()) <= BLOW_UP * ordinary
    assert submits_the_form(wire, key[1]), "the key that all of them bore is still good"


def submits_the_form(wire: Wire, key: str) -> bool:
    fields = typed_fields(claimant_email="form@example.police.uk")
    body = urlencode({**fields, "key": key}).encode()
    return wire.ask("POST", PAGE, body, Content_Type=FORM_TYPE).status == 303


def test_looking_at_hostile_addresses_is_answered_and_changes_nothing(wire: Wire, ordinary: float) -> None:
    receipt = submit_ordinary(wire, "looked-at").json()
    token = receipt["status_url"].rpartition("/")[2]
    wire.ask(
        "GET", "/api/v1/submissions", **wire.service.as_staff
    )  # that the token was used is noted once an hour
    cases = []
    for number, (method, target) in enumerate(reads(token, receipt["reference"])):
        if number % (2 * SOME - 1):
            continue
        for who, headers in (("anybody", {}), ("staff", wire.service.as_staff)):
            raw = request(method, target, **headers)
            cases.append(Case(f"{number} {who} {method} {target[:60]}", raw))
    heard = refused(wire, cases, lambda heard: [])
    tell("addresses", heard, ordinary)


def test_odd_headers_are_no_reason_to_fail(wire: Wire, ordinary: float) -> None:
    heard = {}
    for number, headers in enumerate(odd_headers()):
        for target in ("/api/v1/submissions", "/desk", PAGE, "/health", "/sign-in", "/api/v1/forms")[
            : 6 if PROVE else 2
        ]:
            one = heard[f"{target} {number} {next(iter(headers))}"] = wire.ask("GET", target, **headers)
            assert not faults_of(one), (target, headers, faults_of(one))
            assert "evil.example" not in one.text + str(one.headers), (target, headers)
        if number % SOME:
            continue
        body = json.dumps(claim(claimant_email=f"odd-{number}@example.police.uk")).encode()
        sent = wire.ask("POST", SUBMIT, body, **headers)
        assert not faults_of(sent)
        # A token is looked at where one is sent, though submitting takes none.
        is_token = headers.get("Authorization", "").startswith("Bearer ")
        assert sent.status == (401 if is_token else 201), (headers, sent.text)
        assert "evil" not in sent.text + str(sent.headers)
    raw = request("GET", "/health").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert wire.say(raw).status == 200
    for kind in ("APPLICATION/JSON", "application/json;charset=UTF-8", 'Application/Json ; charset="utf-8"'):
        body = json.dumps(claim(claimant_email=f"{len(kind)}@example.police.uk", event_title=kind)).encode()
        assert wire.ask("POST", SUBMIT, body, Content_Type=kind).status == 201
    tell("odd headers", heard, ordinary)


def test_a_mutated_request_is_taken_whole_or_refused_whole(wire: Wire, ordinary: float) -> None:
    before = counted(wire)
    heard, wrong = {}, []
    for case in mutated(4000 if PROVE else 80, SEED):
        answer = heard[case.name] = wire.say(case.raw)
        # Where the head was mutated, the body may be longer than it says: what is left over is no request.
        left_over = answer.more.startswith(b"HTTP/1.1 4")
        found = faults_of(replace(answer, more=b"") if left_over else answer)
        wrong += [f"{case.name}: {fault}" for fault in found]
    assert not wrong, "\n".join(wrong[:40])
    taken = sum(one.status == 201 for one in heard.values())
    tell(f"mutated, {taken} taken", heard, ordinary)
    assert counted(wire) - before == Counter(dict.fromkeys(before, taken))


def counted(wire: Wire) -> Counter[str]:
    """How many items there are of each kind that a submission puts once."""
    kinds = Counter(str(json.loads(item)["kind"]["S"]) for item in wire.stored().values())
    return Counter({kind: kinds[kind] for kind in ("submission", "personal", "reference")})


class Seen(HTMLParser):
    """What a browser makes of a page: the text, and which elements with which attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.elements: set[tuple[str, ...]] = set()
        self.values: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.add((tag, *sorted(given)))
        if tag == "input":
            self.values[given.get("name") or ""] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return one_line("".join(self.texts))


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_ugly_text_is_kept_as_it_was_typed(wire: Wire, service: Service) -> None:
    wire.settled()  # the code's mail waits for all that was accepted before
    lead, national = Browser(service.address), Browser(service.address)
    lead.sign_in(service, LEAD)
    national.sign_in(service, "coordinator@example.org")
    sent = {"plain": "An ordinary day", **dict(list(KEPT.items())[:: 1 if PROVE else 12])}
    receipts = {}
    for number, (name, text) in enumerate(sent.items()):
        body = claim(
            event_title=text,
            venue_name=text,
            purpose=f"{text}\n{text} and so much more of it",
            claimant_name=text[:100],
            claimant_email=f"kept-{number}@example.police.uk",
        )
        heard = wire.ask("POST", SUBMIT, json.dumps(body, ensure_ascii=number % 2 == 0).encode())
        assert heard.status == 201, (name, heard.text)
        receipts[name] = heard.json()
    for number, receipt in enumerate(receipts.values()):
        confirm(service, receipt, to=f"kept-{number}@example.police.uk")
    wire.settled()
    mails = wire.ask("GET", "/local/mail.json").json()
    plain: dict[str, Seen] = {}
    wrong = []
    for number, (name, text) in enumerate(sent.items()):
        receipt, kept = receipts[name], composed(text)
        reference, token = receipt["reference"], receipt["status_url"].rpartition("/")[2]
        answers = wire.ask("GET", f"/api/v1/submissions/{reference}", **service.as_staff).json()["answers"]
        if (answers["event_title"], answers["venue_name"]) != (kept, kept) or not answers[
            "purpose"
        ].startswith(kept):
            wrong.append(f"{name}: kept as {answers['event_title']!r}")
        for about, to in ((asked(reference), LEAD), ("mail.receipt", f"kept-{number}@example.police.uk")):
            (mail,) = [one for one in mails if one["to"] == to and one["id"].startswith(about)]
            if "\n" in mail["subject"]:
                wrong.append(f"{name}: subject {mail['subject']!r}")
            if to == LEAD and not shows(mail["subject"], kept, at_least=60):
                wrong.append(f"{name}: subject {mail['subject']!r}")
            if one_line(kept) not in one_line(mail["text"]):
                wrong.append(f"{name}: mail text has it otherwise")
            if one_line(kept) not in Seen(mail["html"]).text:
                wrong.append(f"{name}: mail HTML has it otherwise")
            if to == LEAD:
                (task,) = re.findall(service.address + r"/\S+", mail["text"])
        pages = {
            "task": shown_to(lead, task),
            "desk": shown_to(national, f"/desk/submissions/{reference}"),
            "status": wire.ask("GET", f"/status/{token}").text,
        }
        for page, html in pages.items():
            seen = Seen(html)
            plain.setdefault(page, seen)
            if page != "status" and one_line(kept) not in seen.text:
                wrong.append(f"{name}: {page} shows it otherwise")
            if strange := {one for one in seen.elements - plain[page].elements if is_live(one)}:
                wrong.append(f"{name}: {page} has {strange}")
    assert len(mails) == len({mail["id"] for mail in mails})
    print(f"\n{len(sent)} texts kept, in API, mail and pages")
    assert not wrong, "\n".join(wrong[:60])


def shown_to(browser: Browser, address: str) -> str:
    status, page = browser.get(address)
    assert status == 200, (address, page)
    return str(page)


def in_html(text: str) -> str:
    """What HTML can hold of a text: no controls, nor what is no character."""
    return one_line(
        "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cn") or one in "\n\r\t")
    )


def shows(subject: str, kept: str, *, at_least: int) -> bool:
    """Whether a subject ends with the title, or with its beginning where it is long."""
    title = one_line(kept).replace("=?", "= ?")  # else a mail program would decode it
    return title in subject or (len(title) > at_least and title[:at_least] in subject)


def is_live(element: tuple[str, ...]) -> bool:
    """Whether it can do anything. Pages of two claims differ in what else they show."""
    tag, *attributes = element
    live = ("script", "img", "svg", "iframe", "object", "style", "base", "meta", "b", "!--")
    return tag in live or any(name.startswith("on") or name in ("autofocus", "style") for name in attributes)


def test_a_form_that_is_shown_again_holds_what_was_typed_and_nothing_more(wire: Wire) -> None:
    plain = Seen(wire.ask("POST", PAGE, b"event_title=x", Content_Type=FORM_TYPE).text)
    texts = {**KEPT, **{f"refused {name}": text for name, text in REFUSED.items()}}
    for name, text in list(texts.items())[::SOME]:
        typed = text.encode("utf-8", "replace").decode()
        body = urlencode({"event_title": typed, "venue_name": typed, "claimant_email": typed}).encode()
        heard = wire.ask("POST", PAGE, body, Content_Type=FORM_TYPE)
        assert not faults_of(heard), name
        if heard.status == 400:  # not text at all
            continue
        seen = Seen(heard.text)
        assert heard.status == 422, name
        assert in_html(seen.values["event_title"]) == in_html(typed), name
        assert not {one for one in seen.elements - plain.elements if is_live(one)}, name
