"""What is answered where no view is: there is nothing at the address, or it does not take the method."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlencode

from chalice.app import Request as ChaliceRequest
from chalice.app import Response

from chalicelib.domain.errors import MethodNotAllowed, NotFound, Refused
from chalicelib.web.http import problems
from chalicelib.web.http.media_types import prefers_page
from chalicelib.web.http.requests import is_for_programs
from chalicelib.web.http.views import answered, failed


def not_found(raw: ChaliceRequest) -> Response:
    """404: nothing has this address."""
    return _refuse(raw, NotFound("There is nothing at this address."))


def moved(raw: ChaliceRequest, path: str) -> Response:
    """308: the address is `path`. The browser asks again, with the same method, body and query."""
    query = urlencode(raw.to_original_event().get("multiValueQueryStringParameters") or {}, doseq=True)
    location = f"{path}?{query}" if query else path
    return answered(raw, lambda _: Response("", {"Location": location}, HTTPStatus.PERMANENT_REDIRECT))


def without_view(raw: ChaliceRequest, takes: Collection[str]) -> Response:
    """For a method that the address has no view for: OPTIONS says which it takes, any other is refused (405).

    No answer holds a CORS header: pages of other sites may not read ours.
    """
    allowed = sorted({*takes, "OPTIONS"} | ({"HEAD"} if "GET" in takes else set()))
    if raw.method == "OPTIONS":
        return answered(raw, lambda _: Response("", {"Allow": ", ".join(allowed)}, HTTPStatus.NO_CONTENT))
    return _refuse(raw, MethodNotAllowed(allowed))


def unforeseen(raw: ChaliceRequest | None, error: Exception) -> Response:
    """500: a fault outside all views."""
    if raw is None:
        return failed(error, as_json=True)
    return answered(raw, lambda _: failed(error, as_json=_wants_json(raw)))


def _refuse(raw: ChaliceRequest, error: Refused) -> Response:
    if _wants_json(raw):
        return answered(raw, lambda _: problems.problem(error))
    return answered(raw, lambda _: problems.page(error, path=_path(raw)))


def _wants_json(raw: ChaliceRequest) -> bool:
    return is_for_programs(_path(raw)) or not prefers_page(raw.headers.get("accept", ""))


def _path(raw: ChaliceRequest) -> str:
    """The path as it was asked for. Chalice's own events have none, but the route's pattern begins like it."""
    return str(raw.to_original_event().get("path") or raw.path)
