"""The headers that every answer carries."""

from __future__ import annotations

from collections.abc import Mapping

from chalice.app import Response

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_HSTS = "max-age=31536000; includeSubDomains"


def with_headers(response: Response, *, secure: bool) -> Response:
    """Add the headers that the answer does not set itself. `secure`: the service is reached over https."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Type", "text/plain; charset=utf-8")
    if secure:
        response.headers["Strict-Transport-Security"] = _HSTS
    return response
