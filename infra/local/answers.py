"""What the gateway answers by itself: problems, and the shape in which every answer is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.web.http import problems
from chalicelib.web.http.headers import with_headers
from chalicelib.web.http.media_types import prefers_page

HeaderValue = str | list[str]

PLAIN_HEADERS: dict[str, HeaderValue] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole response. `close` ends the connection after it."""

    status: int
    body: bytes = b""
    headers: dict[str, HeaderValue] = field(default_factory=dict)
    close: bool = False


def problem(
    status: int,
    detail: str,
    *,
    accept: str = "",
    headers: dict[str, HeaderValue] | None = None,
    close: bool = False,
) -> Answer:
    """A refusal in the app's own shape: a problem, or a page for somebody with a browser."""
    response = problems.by_status(status, detail, as_json=not prefers_page(accept))
    given = with_headers(response, secure=False).headers
    body = str(response.body).encode()
    return Answer(status=status, body=body, headers={**given, **(headers or {})}, close=close)


def made(
    status: int,
    content_type: str,
    body: bytes,
    *,
    headers: dict[str, HeaderValue] | None = None,
    close: bool = False,
) -> Answer:
    """An answer with the headers that all of ours carry."""
    return Answer(
        status=status,
        body=body,
        headers={"Content-Type": content_type, **PLAIN_HEADERS, **(headers or {})},
        close=close,
    )
