"""Refusals as answers: one table from error to status, and two renderings (RFC 9457 problem+json, or a page)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from chalice.app import Response

from chalicelib.domain import errors
from chalicelib.web.api import shapes

PROBLEM_TYPE = "application/problem+json"
RETRY_SECONDS = 5
STILL_RUNNING_SECONDS = 1
OURS = "Sorry, something went wrong on our side"
SIGNED_IN = ("desk", "tasks", "exports")
"""How addresses begin that are for people who sign in: whoever is refused there is offered to."""

STATUSES: Mapping[type[Exception], int] = {
    errors.Unreadable: 400,
    errors.NotSignedIn: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.InvalidAnswers: 422,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}

TITLES: Mapping[type[Exception], str] = {
    errors.Unreadable: "We could not read this",
    errors.NotSignedIn: "Sign in first",
    errors.NotWithThisToken: "This token does not allow this",
    errors.NotAsked: "You were not asked to decide this",
    errors.NotAskedHere: "Type the code where you asked for it",
    errors.NotVouchedFor: "You are not signed in",
    errors.OwnSubmission: "You cannot decide what you sent in yourself",
    errors.DecidedEarlierStage: "You decided an earlier stage of this",
    errors.RoleGivenUp: "You no longer hold the role that decides this",
    errors.Forbidden: "You cannot do this",
    errors.MistypedReference: "This reference was typed wrongly",
    errors.NotFound: "We cannot find this",
    errors.MethodNotAllowed: "You cannot do this here",
    errors.AlreadyDecided: "You have decided this already",
    errors.DecidedByAnother: "Somebody else has decided this",
    errors.NoLongerUndoable: "This can no longer be undone",
    errors.ClaimChanged: "This changed after it was shown to you",
    errors.DoesNotFit: "There is not enough money left",
    errors.NotAsWritten: "This was changed where it is stored",
    errors.LinkedAlready: "Somebody else signs in this way",
    errors.StillRunning: "The first request is still being stored",
    errors.LikelyDuplicate: "This was sent before",
    errors.Conflict: "Somebody else changed this",
    errors.Expired: "The time to decide has run out",
    errors.Reassigned: "This was handed to somebody else",
    errors.Overtaken: "This has moved on",
    errors.LinkOver: "This link is over",
    errors.LinkReplaced: "A newer link was sent",
    errors.LinkEnded: "This link no longer works",
    errors.Gone: "This is over",
    errors.TooLarge: "This is too large",
    errors.UnsupportedMediaType: "We cannot read this kind of content",
    errors.KeyReused: "This key was used before",
    errors.InvalidAnswers: "There is a problem with the answers",
    errors.TooMany: "Too many requests",
    errors.Unavailable: "The service is busy",
}


def status_of(error: errors.Refused) -> int:
    """The HTTP status of a refusal: the nearest of its classes in the table."""
    return int(_nearest(error, STATUSES))


def code_of(error: errors.Refused) -> str:
    """What programs know a refusal by: `already-decided`."""
    return _code(type(error))


def problem(error: errors.Refused) -> Response:
    """A refusal for a program."""
    body: dict[str, Any] = {"code": code_of(error)}
    if isinstance(error, errors.InvalidAnswers):
        body["errors"] = [
            {"pointer": one.pointer, "code": one.code, "message": one.message} for one in error.problems
        ]
    if isinstance(error, errors.ClaimChanged):
        body["changes"] = [shapes.difference(one) for one in error.differences]
    return problem_json(
        status_of(error), _nearest(error, TITLES), str(error), headers=headers_of(error), **body
    )


def problem_json(
    status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """An RFC 9457 answer. `type` is `about:blank`: `code` tells problems of one status apart."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return Response(
        body=json.dumps(body, ensure_ascii=False),
        status_code=status,
        headers={"Content-Type": PROBLEM_TYPE, **(headers or {})},
    )


def page(error: errors.Refused, *, path: str, token: str = "", signed_in: bool = False) -> Response:
    """A refusal for a person: the same facts as a page. `path` is what they asked for, `token` that of the status link
    in it, if there is one."""
    from chalicelib.web.pages.render import problem_page

    response = problem_page(
        status_of(error),
        _nearest(error, TITLES),
        str(error),
        signed_in=signed_in,
        renew_path=_renew_path(token) if isinstance(error, errors.LinkOver) else "",
        may_sign_in=path.strip("/").partition("/")[0] in SIGNED_IN and not signed_in,
    )
    response.headers.update(headers_of(error))
    return response


def _renew_path(token: str) -> str:
    """Where somebody with a link that is over proves the mailbox, and has a new one sent."""
    return f"/status/{quote(token, safe='')}/code?next=link"


def by_status(status: int, detail: str, *, as_json: bool) -> Response:
    """A refusal by a server that stands before the app, in the same shape: 4xx, or 500."""
    kind = next((one for one, its in STATUSES.items() if its == status), errors.Unreadable)
    title, code = (OURS, "unforeseen") if status >= 500 else (TITLES[kind], _code(kind))
    if as_json:
        return problem_json(status, title, detail, code=code)
    from chalicelib.web.pages.render import problem_page

    return problem_page(status, title, detail)


def unforeseen(request_id: str, *, as_json: bool) -> Response:
    """What is our fault: no details, but an id that finds it in the logs."""
    detail = "It has been recorded. Try again; what you sent may or may not have been stored."
    if as_json:
        return problem_json(
            HTTPStatus.INTERNAL_SERVER_ERROR, OURS, detail, code="unforeseen", request_id=request_id
        )
    from chalicelib.web.pages.render import problem_page

    return problem_page(HTTPStatus.INTERNAL_SERVER_ERROR, OURS, detail, request_id)


def headers_of(error: errors.Refused) -> dict[str, str]:
    """The headers that go with a refusal."""
    if isinstance(error, errors.TooMany):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, errors.StillRunning):
        return {"Retry-After": str(STILL_RUNNING_SECONDS)}
    if isinstance(error, errors.Unavailable):
        return {"Retry-After": str(RETRY_SECONDS)}
    if isinstance(error, errors.NotSignedIn):
        return {"WWW-Authenticate": 'Bearer realm="Share Your Knowledge"'}
    if isinstance(error, errors.MethodNotAllowed):
        return {"Allow": ", ".join(error.allowed)}
    return {}


def _nearest(error: errors.Refused, table: Mapping[type[Exception], Any]) -> Any:
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


def _code(kind: type[Exception]) -> str:
    """`AlreadyDecided` → `already-decided`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()
