"""What the gateway answers by itself: problems, and the shape in which every answer is sent."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from http import HTTPStatus

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
    """An RFC 9457 problem, or a page of the same facts for somebody with a browser."""
    title = HTTPStatus(status).phrase
    if wants_page(accept):
        kind, body = "text/html; charset=utf-8", _page(title, detail)
    else:
        kind = "application/problem+json"
        body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
    return made(status, kind, body.encode(), headers=headers, close=close)


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


def wants_page(accept: str) -> bool:
    """Whether HTML comes before JSON in what the client accepts. Browsers name it; scripts seldom do."""
    page, data = accept.find("text/html"), accept.find("json")
    return page >= 0 and (data < 0 or page < data)


def _page(title: str, detail: str) -> str:
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/static/govuk.css"><title>{html.escape(title)}</title></head>'
        '<body class="govuk-template__body"><main class="govuk-width-container govuk-main-wrapper">'
        f'<h1 class="govuk-heading-l">{html.escape(title)}</h1>'
        f'<p class="govuk-body">{html.escape(detail)}</p>'
        '<p class="govuk-body"><a class="govuk-link" href="/">Start page</a></p></main></body></html>\n'
    )
