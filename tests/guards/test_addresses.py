"""Every address is answered in our own shape, deployed and embedded alike: what there is, what there is not, and what
is asked in a way that it does not take."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chalicelib import wiring
from chalicelib.web.http.headers import HEADERS
from chalicelib.web.http.routing import Found
from chalicelib.web.http.sections import App
from infra.local import gateway, processes
from infra.local.local_pages import LocalPages
from infra.local.mailbox import Mailbox
from infra.local.web import Server
from tests import fakes

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGE, PROBLEM, JSON = "text/html; charset=utf-8", "application/problem+json", "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
SUBMISSIONS = "/api/v1/forms/funding-claim/submissions"


class Heard(NamedTuple):
    """An answer. The headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Ask = Callable[..., Heard]


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    from app import app

    kept = app.__class__
    app.__class__ = App  # an earlier test may have left it as the embedded run makes it
    wiring.use(fakes.parts())
    yield app
    wiring.use(None)
    app.__class__ = kept


def as_lambda(app: App, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Heard:
    """The function's own answer to the event that API Gateway makes of a request."""
    message = Message()
    for name, value in headers.items():
        message[name] = value
    answer = app(gateway.event(method, path, message, body), None)
    json.dumps(answer)
    found = {**answer["headers"], **answer["multiValueHeaders"]}
    return Heard(
        answer["statusCode"],
        {name.lower(): str(value) for name, value in found.items()},
        answer["body"].encode(),
    )


@pytest.fixture(scope="module", params=["lambda", "embedded"])
def ask(request: pytest.FixtureRequest, app: App) -> Iterator[Ask]:
    """Ask with a method, a path and headers; `_` in a header's name is a hyphen."""
    if request.param == "lambda":
        yield lambda method, path, body=b"", **headers: as_lambda(app, method, path, named(headers), body)
        return
    listening = processes.listening_socket(0)
    server = Server(listening, gateway.Gateway(app), LocalPages(Mailbox(Path("none"))))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def over_http(method: str, path: str, body: bytes = b"", **headers: str) -> Heard:
        connection = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=10)
        connection.request(method, path, body or None, named(headers))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.headers.items()}
        heard = Heard(answer.status, found, answer.read())
        connection.close()
        return heard

    yield over_http
    server.shutdown()
    server.server_close()


def named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def check(heard: Heard, status: int, kind: str | None) -> None:
    """The status, the shape, and the headers that every answer carries."""
    assert heard.status == status, heard
    for name in HEADERS:
        assert name.lower() in heard.headers, name
    assert not [name for name in heard.headers if name.startswith("access-control")]
    if kind is None:
        assert heard.body == b""
        return
    assert heard.headers["content-type"] == kind
    if kind == PAGE and heard.body:
        assert b"govuk-service-navigation" in heard.body, "the site's header"
        assert b'href="/accessibility"' in heard.body, "the site's footer"
    if kind == PROBLEM and heard.body:
        told = json.loads(heard.body)
        assert told["status"] == status
        assert {"type", "title", "detail", "code"} <= set(told)


@pytest.mark.parametrize(
    ("method", "path", "accept", "status", "kind"),
    [
        ("GET", "/nowhere", BROWSER, 404, PAGE),
        ("GET", "/nowhere", "", 404, PROBLEM),
        ("GET", "/nowhere", "*/*", 404, PROBLEM),
        ("GET", "/nowhere", "application/json", 404, PROBLEM),
        ("GET", "/nowhere", "application/problem+json, text/html;q=0.5", 404, PROBLEM),
        ("GET", "/nowhere", "application/json;q=0.5, text/html", 404, PAGE),
        ("POST", "/nowhere", BROWSER, 404, PAGE),
        ("DELETE", "/nowhere", BROWSER, 404, PAGE),
        ("OPTIONS", "/nowhere", BROWSER, 404, PAGE),
        ("GET", "/desk/nowhere", BROWSER, 404, PAGE),
        ("GET", "/forms", BROWSER, 404, PAGE),
        ("GET", "/api", BROWSER, 404, PROBLEM),
        ("GET", "/api/v1/nowhere", BROWSER, 404, PROBLEM),
        ("GET", "/health/nowhere", BROWSER, 404, PROBLEM),
        ("DELETE", "/cookies", BROWSER, 405, PAGE),
        ("DELETE", "/cookies", "application/json", 405, PROBLEM),
        ("PUT", "/forms/funding-claim", BROWSER, 405, PAGE),
        ("PATCH", "/api/v1/forms", BROWSER, 405, PROBLEM),
        ("POST", "/health", BROWSER, 405, PROBLEM),
        ("GET", SUBMISSIONS, BROWSER, 405, PROBLEM),
        ("get", "/cookies", BROWSER, 405, PAGE),
        ("GET", "/cookies", BROWSER, 200, PAGE),
        ("GET", "/cookies", "application/json", 200, PAGE),
        ("GET", "/api/v1/forms", BROWSER, 200, JSON),
        ("GET", "/%63ookies", BROWSER, 200, PAGE),
        ("GET", "/%2563ookies", BROWSER, 404, PAGE),
    ],
)
def test_an_address_is_answered_in_the_shape_that_the_caller_reads(
    ask: Ask, method: str, path: str, accept: str, status: int, kind: str
) -> None:
    check(ask(method, path, Accept=accept), status, kind)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("DELETE", "/cookies", 405, "GET, HEAD, OPTIONS"),
        ("PUT", "/forms/funding-claim", 405, "GET, HEAD, OPTIONS, POST"),
        ("GET", SUBMISSIONS, 405, "OPTIONS, POST"),
        ("HEAD", SUBMISSIONS, 405, "OPTIONS, POST"),
        ("OPTIONS", "/cookies", 204, "GET, HEAD, OPTIONS"),
        ("OPTIONS", SUBMISSIONS, 204, "OPTIONS, POST"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_told_which_it_takes(
    ask: Ask, method: str, path: str, status: int, allow: str
) -> None:
    heard = ask(method, path, Accept=BROWSER, Origin="https://evil.example")
    assert heard.headers["allow"] == allow
    check(heard, status, None if method in ("HEAD", "OPTIONS") else heard.headers["content-type"])


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        FORM_TYPE,
        "text/plain",
        "multipart/form-data; boundary=x",
        "image/png",
        "*/*",
        "?",
        ";",
    ],
)
@pytest.mark.parametrize(("path", "kind"), [("/cookies", PAGE), ("/api/v1/forms", JSON), ("/nowhere", PAGE)])
def test_a_content_type_means_nothing_where_there_is_no_body(
    ask: Ask, path: str, kind: str, content_type: str
) -> None:
    """Whoever follows a redirect after a POST may keep it."""
    plain = ask("GET", path, Accept=BROWSER)
    check(plain, 404 if path == "/nowhere" else 200, kind)
    for method in ("GET", "HEAD"):
        heard = ask(method, path, Accept=BROWSER, Content_Type=content_type)
        assert (heard.status, heard.headers["content-type"]) == (plain.status, kind)
        assert heard.body == (plain.body if method == "GET" else b"")


@pytest.mark.parametrize("path", ["/cookies", "/static/app.js", "/api/v1/forms", "/nowhere"])
def test_head_is_get_without_the_body(ask: Ask, path: str) -> None:
    got, head = ask("GET", path, Accept=BROWSER), ask("HEAD", path, Accept=BROWSER)
    assert (head.status, head.body) == (got.status, b"")
    assert int(head.headers["content-length"]) == len(got.body)
    kept = got.headers.keys() - {"date", "content-length"}
    assert {name: head.headers[name] for name in kept} == {name: got.headers[name] for name in kept}


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 422),
        ("Application/JSON; Charset=UTF-8; profile=x", 422),
        ('application/json;charset="utf-8"', 422),
        ("application/json; charset=us-ascii", 422),
        ("application/json; boundary=x", 422),
        ('application/json; profile="a; charset=utf-16"', 422),
        ("application/json;", 422),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=utf-8; charset=latin-1", 415),
        ("application/json; charset = latin-1", 415),
        ("application/json; charset=", 415),
        ('application/json; charset="utf-8', 415),
        ("text/json", 415),
        ("application/jsonx", 415),
        ("", 415),
    ],
)
def test_of_a_media_types_parameters_only_the_charset_counts(
    ask: Ask, content_type: str, status: int
) -> None:
    heard = ask("POST", SUBMISSIONS, b"{}", Content_Type=content_type, Accept=BROWSER)
    check(heard, status, PROBLEM)
    form = content_type.replace("application/json", FORM_TYPE).replace("Application/JSON", FORM_TYPE.upper())
    heard = ask("POST", "/forms/funding-claim", b"force=kent", Content_Type=form, Accept=BROWSER)
    check(heard, status, PAGE)


@pytest.mark.parametrize(
    ("given", "location"),
    [
        ("/cookies/", "/cookies"),
        ("/forms/funding-claim/", "/forms/funding-claim"),
        ("/api/v1/forms/", "/api/v1/forms"),
        ("/ideas/?force=kent&category=a%20b", "/ideas?force=kent&category=a+b"),
        ("/ideas/IDA%2D7K3F%0", "/ideas/IDA-7K3F%250"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_slash_too_many_leads_to_the_address_without_it(
    ask: Ask, method: str, given: str, location: str
) -> None:
    path, question, query = given.partition("?")
    heard = ask(method, f"{path.rstrip('/')}/{question}{query}")
    check(heard, 308, None)
    assert heard.headers["location"] == location


ODD = [
    *(
        "/%2e%2e/",
        "/%2e%2e/cookies",
        "/..",
        "/./cookies",
        "/static/../app.py",
        "/static/%2e%2e",
        "/cookies/..",
    ),
    *(
        "/forms%2ffunding-claim",
        "/forms/funding-claim%2f",
        "/forms/a%2fb",
        "/forms/%5c..",
        "/forms//",
        "/forms/",
    ),
    *(
        "/%ff",
        "/%c0%af",
        "/%ed%a0%80",
        "/%",
        "/%zz",
        "/forms/%ff",
        "/forms/%zz",
        "/forms/%00",
        "/forms/%0d%0aX:y",
    ),
    *("/forms/%e2%80%ae", "/forms/%F0%9F%92%A3", "/forms/" + "a" * 5000, "/" + "a" * 9000, "/" + "a/" * 3000),
    *("/{proxy+}", "/%7Bproxy+%7D", "/forms/{form}", "/forms/{form}/sent/", "/cookies//"),
]


@pytest.mark.parametrize("path", ODD, ids=lambda path: path[:30])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_odd_address_is_not_found(ask: Ask, method: str, path: str) -> None:
    check(ask(method, path, Accept=BROWSER, Content_Type=FORM_TYPE), 404, PAGE)


def test_two_slashes_lead_nowhere_else(app: App) -> None:
    """The embedded run's HTTP server makes one of them, before anything of ours is asked."""
    for path in ("//cookies", "//evil.example/", "//evil.example/cookies/", "///", "*"):
        event = gateway.event("GET", "/cookies", Message(), None)
        assert app({**event, "path": path}, None)["statusCode"] == 404, path


@pytest.mark.parametrize(
    ("stage", "called"), [("live", "/live/cookies"), ("api", "/api/cookies"), ("x", "/cookies")]
)
def test_the_stage_is_no_part_of_the_address(app: App, stage: str, called: str) -> None:
    """API Gateway has it in the context's path alone."""
    event = gateway.event("GET", "/cookies", Message(), None)
    event["requestContext"] |= {"stage": stage, "path": called}
    assert app(event, None)["statusCode"] == 200


def test_a_known_route_is_believed(app: App) -> None:
    """Chalice's own events name the route and have no path of their own."""
    context = {
        "httpMethod": "GET",
        "resourcePath": "/static/{name}",
        "path": "/static/app.js",
        "identity": {},
    }
    event: dict[str, Any] = {
        "requestContext": context, "headers": {}, "pathParameters": {"name": "app.js"}, "stageVariables": {},
        "multiValueQueryStringParameters": None, "body": None,
    }  # fmt: skip
    assert app(event, None)["statusCode"] == 200
    context["httpMethod"] = "DELETE"
    assert app(event, None)["statusCode"] == 405


@pytest.mark.parametrize("first", ["desk", "tasks", "exports"])
def test_whoever_finds_nothing_is_shown_a_way_on(ask: Ask, first: str) -> None:
    page = ask("GET", f"/{first}/no/such/page/there/is", Accept=BROWSER).body
    assert page.count(b'href="/sign-in"') == 2, "in the header, and in the text"
    assert b'href="/">Go to the start' in page
    assert ask("GET", "/nowhere", Accept=BROWSER).body.count(b'href="/sign-in"') == 1


def test_a_fault_outside_all_views_is_ours(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret@example.org")

    monkeypatch.setattr("chalicelib.web.http.unrouted.not_found", broken)
    heard = ask("GET", "/nowhere", Accept=BROWSER)
    check(heard, 500, PAGE)
    assert b"secret" not in heard.body
    check(ask("GET", "/api/nowhere"), 500, PROBLEM)


def filled(pattern: str) -> tuple[str, dict[str, str]]:
    """An address of a route, each parameter of it of its own, and encoded."""
    names = [part[1:-1] for part in pattern.split("/") if part.startswith("{")]
    path = pattern
    for number, name in enumerate(names):
        path = path.replace("{" + name + "}", f"%61%20{number}.%2523")
    return path, {name: f"a {number}.%23" for number, name in enumerate(names)}


def test_every_route_is_found_with_its_parameters_decoded_once(app: App) -> None:
    """And so none stands in another's way."""
    for pattern in app.routes:
        path, parameters = filled(pattern)
        assert app.find(path) == Found(pattern=pattern, parameters=parameters), pattern


def test_a_warm_request_takes_a_step_for_each_segment_and_imports_nothing(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    addresses = [filled(pattern)[0] for pattern in app.routes]  # also registers every section

    def counted(part: str) -> bool:
        compared.append(part)
        return part.startswith("{")

    monkeypatch.setattr("chalicelib.web.http.routing._is_parameter", counted)
    monkeypatch.delattr("chalicelib.web.http.sections.import_module")
    for path in [*addresses, "/nowhere", "/nowhere/a/b/c"]:
        compared.clear()
        app.find(path)
        assert len(compared) <= path.count("/"), path


def test_every_route_begins_with_a_word() -> None:
    """Sections, and what an address is compared with, are found by it."""
    from app import app

    assert [pattern for pattern in app.routes if pattern.startswith("/{")] == []


def test_addresses_that_do_not_exist_are_remembered_nowhere(app: App) -> None:
    before = len(app.routes)
    for number in range(50):
        assert app.find(f"/nowhere-{number}/x") is None
    assert len(app.routes) == before
    assert not [pattern for pattern in app.routes if "nowhere" in pattern]
