"""What every view has in common: its access rule, errors turned into answers, and the headers of each response."""

from __future__ import annotations

import hmac
import logging
import traceback
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from chalice import Blueprint
from chalice.app import Request as ChaliceRequest
from chalice.app import Response

from chalicelib import wiring
from chalicelib.domain.errors import Forbidden, NotSignedIn, NotWithThisToken, Refused
from chalicelib.domain.people.people import check_staff
from chalicelib.domain.records import security
from chalicelib.web.http import problems, recording
from chalicelib.web.http.access import Access
from chalicelib.web.http.headers import with_headers
from chalicelib.web.http.requests import Request

if TYPE_CHECKING:
    from chalicelib.domain.people.accounts import Session
    from chalicelib.domain.people.tokens import Scope
    from chalicelib.domain.records.security import Event

current = Blueprint(__name__)
"""Has no routes: it knows the request that is under way, for every view."""

View = Callable[..., Response]
May = Callable[..., object]
"""Raises for a caller without right (`web/http/rights.py`)."""

_log = logging.getLogger(__name__)


def view(
    access: Access, token: Scope | None = None, *, may: May | None = None, records: Event | None = None
) -> Callable[[View], View]:
    """Declare who may call a view, and the scope that a bearer token needs; without one, no token gets in. It is called
    with the Request and the path's parameters. So is `may`, where it takes more to call the view: whoever may not is
    told that, whatever else is wrong with what they sent. `records`: the event that the security log gets once the view
    has done it."""

    def decorate(function: View) -> View:
        @wraps(function)
        def handle(**path_parameters: str) -> Response:
            return answered(
                current.current_request,
                lambda request: _answer(
                    function, _Rule(access, token, may, records), request, path_parameters
                ),
            )

        handle.access = access  # type: ignore[attr-defined]
        handle.token = token  # type: ignore[attr-defined]
        handle.records = records  # type: ignore[attr-defined]
        return handle

    return decorate


def answered(raw: ChaliceRequest, answer: Callable[[Request], Response]) -> Response:
    """What `answer` makes of a request, with the headers that every answer carries."""
    try:
        request = Request(raw, wiring.parts())
    except Exception as error:  # a setting that is missing or wrong
        return with_headers(failed(error, as_json=True), secure=True)
    asks = security.caller.set(request)
    try:
        return with_headers(answer(request), secure=request.is_secure)
    finally:
        security.caller.reset(asks)


class _Rule(NamedTuple):
    """Who may call a view."""

    access: Access
    token: Scope | None
    may: May | None
    records: Event | None


def _answer(function: View, rule: _Rule, request: Request, path_parameters: dict[str, str]) -> Response:
    access = rule.access
    try:
        try:
            _admit(access, rule.token, request, path_parameters)
            response = function(request, **path_parameters)
            recording.done(request, response, rule.records)
            return response
        except Refused as error:
            raise _first(rule.may, error, request, path_parameters) from error
    except NotSignedIn as error:
        recording.refused(request, error)
        if request.wants_json:
            return problems.problem(error)
        return (
            _to_claimant_code(request, path_parameters) if access is Access.CLAIMANT else _to_sign_in(request)
        )
    except Refused as error:
        recording.refused(request, error)
        if request.wants_json:
            return problems.problem(error)
        token = path_parameters.get("token", "")
        return problems.page(error, path=request.path, token=token, signed_in=request.is_signed_in)
    except Exception as error:
        return failed(error, as_json=request.wants_json)


def _first(may: May | None, error: Refused, request: Request, path_parameters: Mapping[str, str]) -> Refused:
    """What a caller is told who was refused: that they have no right, before anything that depends on what they sent.
    Looked at here, it costs a reading only where something is wrong."""
    if may is None or isinstance(error, (NotSignedIn, NotWithThisToken)):
        return error
    try:
        may(request, **path_parameters)
    except NotSignedIn:
        return error
    except Refused as earlier:
        return earlier
    return error


def failed(error: Exception, *, as_json: bool) -> Response:
    """Our own fault: the log gets the place, not the message, which may hold what somebody typed."""
    request_id = uuid4().hex
    where = "".join(traceback.format_tb(error.__traceback__)[-6:])
    _log.error("request %s failed: %s\n%s", request_id, type(error).__name__, where)
    return problems.unforeseen(request_id, as_json=as_json)


def _admit(access: Access, token: Scope | None, request: Request, path_parameters: Mapping[str, str]) -> None:
    if request.method == "POST":
        request.check_same_site()
    if request.has_token and (token is not None or access is not Access.PUBLIC):
        _check_token(request, token)
    if access is Access.PUBLIC or (access is Access.WATCHER and request.is_probe):
        return
    if access is Access.CLAIMANT:
        session = request.claimant_session(path_parameters["token"])
        if request.method == "POST":
            _check_csrf(request, session)
        return
    person = request.person  # raises NotSignedIn, also where a session outlived its person
    if access in (Access.STAFF, Access.WATCHER):
        check_staff(person)
    if request.method == "POST" and not request.wants_json:
        _check_csrf(request, request.session)


def _check_token(request: Request, needed: Scope | None) -> None:
    """The one place where a token's scopes are looked at. Raises NotSignedIn, NotWithThisToken."""
    token, person = request.token_and_person
    if needed is None:
        raise NotWithThisToken("A bearer token cannot be used for this. It takes a person who is signed in.")
    if not token.allows(needed, person):
        raise NotWithThisToken(
            f"This takes a token with the scope “{needed.value}”, of somebody who may give that scope."
        )
    recording.token_used(request, needed)


def _check_csrf(request: Request, session: Session | None) -> None:
    """A form that somebody signed in posts must carry the token of their session.

    The JSON API takes no form: a page of another site cannot send `application/json` without our leave (CORS).
    """
    given = request.fields().get("csrf", "")
    if session is None or not hmac.compare_digest(session.csrf.encode(), given.encode()):
        raise Forbidden(
            "This page was open too long, or came from elsewhere. Open it again, and send it anew."
        )


def _to_sign_in(request: Request) -> Response:
    location = f"/sign-in?next={quote(request.path, safe='/')}"
    return Response(body="", status_code=303, headers={"Location": location})


def _to_claimant_code(request: Request, path_parameters: Mapping[str, str]) -> Response:
    """To where a submitter asks for a code. What they wanted to do is the last part of the path."""
    action = request.path.rpartition("/")[2]
    location = f"/status/{quote(path_parameters['token'], safe='')}/code?next={quote(action, safe='')}"
    return Response(body="", status_code=303, headers={"Location": location})
