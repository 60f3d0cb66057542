"""The local gateway answers as the deployed one does, and as HTTP asks."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from chalice import Response

from chalicelib import wiring
from chalicelib.web.http.headers import HEADERS
from chalicelib.web.http.sections import App
from infra.local import gateway, processes, reading
from infra.local.gateway import Gateway
from infra.local.local_pages import LocalPages
from infra.local.mailbox import Journal, Mailbox
from infra.local.web import Server
from tests import fakes


def small_app() -> Any:
    app: Any = App("gateway-test", sections={})

    @app.route("/hello/{name}")
    def hello(name: str) -> Response:
        return Response({"name": name}, headers={"X-Own": "yes"})

    @app.route("/echo", methods=["POST"])
    def echo() -> Response:
        body = app.current_request.raw_body.decode()
        threading.Event().wait(0.001)  # lets another thread in between
        return Response(
            {"was": body, "is": app.current_request.raw_body.decode()},
            headers={"Set-Cookie": ["a=1", "b=2"]},
        )

    return app


@pytest.fixture(scope="module")
def journal_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail") / "mail.jsonl"


@pytest.fixture(scope="module")
def port(journal_path: Path) -> Iterator[int]:
    wiring.use(fakes.parts())
    listening = processes.listening_socket(0)
    server = Server(listening, Gateway(small_app()), LocalPages(Mailbox(journal_path)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield listening.getsockname()[1]
    server.shutdown()
    server.server_close()
    wiring.use(None)


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    yield connection
    connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    return response, response.read()


def raw(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """For requests that http.client would not send. Reads until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body


def test_the_app_gets_the_event_that_api_gateway_makes() -> None:
    """The members of a REST API's proxy event that we or Chalice read: the path is encoded, the query is not."""
    headers = Message()
    for name, value in (("Host", "example.org"), ("X-Twice", "1"), ("x-twice", "2")):
        headers[name] = value
    assert gateway.event("POST", "/a%2Fb/?q=%C3%A9&q=&r", headers, b"\xff") == {
        "resource": "/{proxy+}",
        "path": "/a%2Fb/",
        "httpMethod": "POST",
        "headers": {"host": "example.org", "x-twice": "2"},
        "multiValueHeaders": {"host": ["example.org"], "x-twice": ["1", "2"]},
        "queryStringParameters": {"q": "", "r": ""},
        "multiValueQueryStringParameters": {"q": ["é", ""], "r": [""]},
        "pathParameters": {"proxy": "a%2Fb/"},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": "POST",
            "path": "/a%2Fb/",
            "stage": "live",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": "/w==",
        "isBase64Encoded": True,
    }
    root = gateway.event("GET", "http://example.org", Message(), None)
    assert (root["resource"], root["path"], root["pathParameters"]) == ("/", "/", None)
    assert (root["body"], root["isBase64Encoded"]) == (None, False)
    assert (root["queryStringParameters"], root["multiValueQueryStringParameters"]) == (None, None)


def test_one_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    ask(connection, "GET", "/hello/a")
    first = connection.sock
    for _ in range(3):
        response, body = ask(connection, "GET", "/hello/a")
        assert (response.status, json.loads(body)) == (200, {"name": "a"})
    assert connection.sock is first


def test_head_has_the_headers_of_get_and_no_body(connection: http.client.HTTPConnection) -> None:
    got, body = ask(connection, "GET", "/hello/a")
    head, nothing = ask(connection, "HEAD", "/hello/a")
    assert nothing == b""
    names = ("Content-Type", "Content-Length", "X-Own")
    assert [head.headers[name] for name in names] == [got.headers[name] for name in names]
    again, same = ask(connection, "GET", "/hello/a")
    assert (again.status, same) == (200, body)


def test_an_unknown_path_is_a_problem(connection: http.client.HTTPConnection) -> None:
    response, body = ask(connection, "GET", "/nowhere", Authorization="Bearer x")
    assert response.status == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "We cannot find this",
        "status": 404,
        "detail": "There is nothing at this address.",
        "code": "not-found",
    }


def test_an_unknown_path_is_a_page_in_a_browser(connection: http.client.HTTPConnection) -> None:
    response, body = ask(connection, "GET", "/nowhere", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert (response.status, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert b">We cannot find this</h1>" in body


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("DELETE", "/hello/a", "GET, HEAD, OPTIONS"), ("GET", "/echo", "OPTIONS, POST")],
)
def test_another_method_is_refused_with_those_allowed(
    connection: http.client.HTTPConnection, method: str, path: str, allow: str
) -> None:
    response, body = ask(connection, method, path)
    assert (response.status, response.headers["Allow"]) == (405, allow)
    assert json.loads(body)["status"] == 405


def test_a_chunked_body_is_read(connection: http.client.HTTPConnection) -> None:
    response, body = ask(connection, "POST", "/echo", iter([b"one ", b"two"]), Content_Type="text/plain")
    assert (response.status, json.loads(body)["is"]) == (200, "one two")
    assert ask(connection, "GET", "/hello/a")[0].status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: -1",
        b"Content-Length: many",
        b"Content-Length: 1_0",
        b"Content-Length: 3\r\nContent-Length: 4",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked\r\n\r\nxyz",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ],
)
def test_a_body_whose_end_is_unclear_is_refused_and_the_connection_closed(port: int, head: bytes) -> None:
    request = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n" + head + b"\r\n\r\n"
    status, headers, body = raw(port, request)
    assert (status, headers["Connection"]) == (400, "close")
    assert json.loads(body)["title"] == "We could not read this"


def test_a_body_that_api_gateway_would_refuse_is_refused_before_it_is_read(port: int) -> None:
    length = b"Content-Length: %d" % (reading.LIMIT + 1)
    status, headers, body = raw(port, b"POST /echo HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n")
    assert (status, headers["Connection"], json.loads(body)["status"]) == (413, "close", 413)


def test_who_sends_too_much_still_hears_why(connection: http.client.HTTPConnection) -> None:
    response, _ = ask(connection, "POST", "/echo", b"x" * (reading.LIMIT + 1), Content_Type="text/plain")
    assert response.status == 413


@pytest.mark.parametrize(
    ("path", "kind"), [("/echo", "text/html; charset=utf-8"), ("/api/echo", "application/problem+json")]
)
def test_what_the_server_refuses_has_the_apps_shape(port: int, path: str, kind: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nContent-Length: x\r\n\r\n"
    status, headers, body = raw(port, head.encode())
    assert (status, headers["Content-Type"]) == (400, kind)
    assert HEADERS.items() <= headers.items()
    assert b"We could not read this" in body
    assert (b"govuk-service-navigation" in body) == kind.startswith("text/html")


def test_who_asks_before_sending_too_much_is_told_at_once(port: int) -> None:
    length = b"Content-Length: %d\r\nExpect: 100-continue" % (reading.LIMIT + 1)
    status, _, _ = raw(port, b"POST /echo HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n")
    assert status == 413


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        (b"BREW /hello/a HTTP/1.1", 405),
        (b"post /echo HTTP/1.1", 405),
        (b"BREW /nowhere HTTP/1.1", 404),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1", 414),
        (b"GET /hello/a HTTP/9.9", 400),
        (b"GET /hello/a HTTP/x", 400),
        (b"GET /hello/a HTTP/0.9", 400),
        (b"GET /hello/a", 400),
        (b"\x16\x03\x01\x02", 400),
    ],
)
def test_what_is_not_our_http_is_a_problem_too(port: int, request_line: bytes, expected: int) -> None:
    status, headers, _ = raw(port, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status == expected
    assert headers["Content-Type"] == "application/problem+json"


def test_a_body_of_parts_is_for_the_app_to_refuse(connection: http.client.HTTPConnection) -> None:
    """Python's parser of headers misses the parts, and says so."""
    response, _ = ask(connection, "POST", "/echo", b"x", Content_Type="multipart/form-data; boundary=y")
    assert response.status != 400


@pytest.mark.parametrize("line", [b"No colon", b" X-Begins: with a space", b"X: a\r\n folded", b"From x"])
def test_a_line_that_is_no_header_does_not_hide_those_after_it(port: int, line: bytes) -> None:
    hidden = b"GET /hello/a HTTP/1.1\r\nHost: localhost\r\n\r\n"
    headers = b"Host: localhost\r\n" + line + b"\r\nContent-Length: %d\r\n\r\n" % len(hidden)
    status, answered, _ = raw(port, b"POST /echo HTTP/1.1\r\n" + headers + hidden)
    assert (status, answered["Connection"]) == (400, "close")


def test_each_cookie_is_a_header_of_its_own(connection: http.client.HTTPConnection) -> None:
    response, _ = ask(connection, "POST", "/echo", b"x", Content_Type="text/plain")
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_parallel_requests_do_not_see_each_other(port: int) -> None:
    def one(number: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            _, body = ask(connection, "POST", "/echo", str(number).encode(), Content_Type="text/plain")
        finally:
            connection.close()
        return bool(json.loads(body) == {"was": str(number), "is": str(number)})

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(200)))


def test_the_mail_is_shown_here_and_to_nobody_elses_page(
    connection: http.client.HTTPConnection, journal_path: Path
) -> None:
    entry = {
        "id": "n#1",
        "to": "a@b.example",
        "subject": "<b>",
        "text": "see http://x.example/a?b=1.",
        "html": "<p>",
    }
    Journal(journal_path).add({**entry, "sent_at": "2026-01-01T00:00:00Z"})
    _, listed = ask(connection, "GET", "/local/mail.json")
    assert json.loads(listed)[0]["id"] == "n#1"
    assert json.loads(ask(connection, "GET", "/local/mail.json?to=A@b.example")[1])
    assert json.loads(ask(connection, "GET", "/local/mail.json?to=x@b.example")[1]) == []
    _, page = ask(connection, "GET", "/local/mail?view=text")
    assert b"&lt;b&gt;" in page
    assert b'href="http://x.example/a?b=1">' in page
    own, content = ask(connection, "GET", "/local/mail/n%231.html")
    assert content.endswith(b"<p>")
    assert own.headers["Content-Security-Policy"].startswith("sandbox ")
    assert ask(connection, "GET", "/local/mail.json", Host="evil.example")[0].status == 403
    assert ask(connection, "POST", "/local/mail")[0].status == 405
    assert ask(connection, "GET", "/local/other")[0].status == 404
    assert ask(connection, "GET", "/local/local.css", Host="localhost:8000")[0].status == 200
    assert ask(connection, "POST", "/local/become", "person=x", Content_Type="text/plain")[0].status == 415
