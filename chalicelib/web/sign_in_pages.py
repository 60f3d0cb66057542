"""Signing in with a mailed code, and signing out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib.domain import exports
from chalicelib.domain.errors import Gone, InvalidAnswers
from chalicelib.services import signing_in
from chalicelib.web import access, cookies
from chalicelib.web.pages import ErrorLink, page, redirect
from chalicelib.web.requests import Request
from chalicelib.web.views import ANY_TYPE, view

if TYPE_CHECKING:
    from chalicelib.domain.people import Person
    from chalicelib.services.ports import Parts

sign_in_pages = Blueprint(__name__)

# One leading slash and then a harmless character: `//host` and `/\host` would lead to another site.
_LOCAL_PATH = re.compile(r"/(?:[A-Za-z0-9._~%-][A-Za-z0-9._~%/?&=+-]*)?", re.ASCII)


@sign_in_pages.route("/sign-in", methods=["GET"])
@view(access.PUBLIC)
def show_sign_in(request: Request) -> Response:
    return _address_page(local_path(request.query.get("next", "")))


@sign_in_pages.route("/sign-in", methods=["POST"], content_types=ANY_TYPE)
@view(access.PUBLIC)
def post_address(request: Request) -> Response:
    """Mail a code. What follows is the same for addresses that we do not know."""
    fields = request.fields()
    after = local_path(fields.get("next", ""))
    try:
        sign_in_id = signing_in.ask_code(request.parts, fields.get("address", ""))
    except InvalidAnswers as error:
        return _address_page(after, address=fields.get("address", ""), message=error.problems[0].message)
    cookie = cookies.sign_in_cookie(sign_in_id, secure=request.is_secure)
    return redirect(_with_next("/sign-in/code", after), cookies=(cookie,))


@sign_in_pages.route("/sign-in/code", methods=["GET"])
@view(access.PUBLIC)
def show_code(request: Request) -> Response:
    after = local_path(request.query.get("next", ""))
    if not cookies.read_sign_in_cookie(request.cookies):
        return redirect(_with_next("/sign-in", after))
    return _code_page(after)


@sign_in_pages.route("/sign-in/code", methods=["POST"], content_types=ANY_TYPE)
@view(access.PUBLIC)
def post_code(request: Request) -> Response:
    fields = request.fields()
    after = local_path(fields.get("next", ""))
    sign_in_id = cookies.read_sign_in_cookie(request.cookies)
    if not sign_in_id:
        return _over_page(after, "This browser has not asked for a code, or the 10 minutes are over.")
    try:
        secret = signing_in.enter_code(request.parts, sign_in_id, tidy_code(fields.get("code", "")))
    except InvalidAnswers as error:
        return _code_page(after, message=error.problems[0].message)
    except Gone as error:
        return _over_page(after, str(error))
    secure = request.is_secure
    return redirect(
        after if after != "/" else _first_page(request, secret),
        cookies=(cookies.session_cookie(secret, secure=secure), cookies.clear_sign_in_cookie(secure=secure)),
    )


@sign_in_pages.route("/sign-out", methods=["GET"])
@view(access.PUBLIC)
def show_sign_out(request: Request) -> Response:
    session = request.session
    return page("sign_out.html", signed_in=session is not None, csrf=session.csrf if session else "")


@sign_in_pages.route("/sign-out", methods=["POST"], content_types=ANY_TYPE)
@view(access.SIGNED_IN)
def post_sign_out(request: Request) -> Response:
    secure = request.is_secure
    signing_in.sign_out(request.parts, cookies.read_session_cookie(request.cookies, secure=secure))
    return redirect("/sign-out", cookies=(cookies.clear_session_cookie(secure=secure),))


def tidy_code(typed: str) -> str:
    """The code alone: people copy it with the dash or the spaces that their mail program shows."""
    return re.sub(r"[\s-]", "", typed)


def local_path(path: str) -> str:
    """The path, where it stays on this site; otherwise the start page."""
    return path if len(path) <= 500 and _LOCAL_PATH.fullmatch(path) else "/"


def _first_page(request: Request, secret: str) -> str:
    session = signing_in.session(request.parts, secret)
    person = request.parts.people.person(session.person_id) if session else None
    return first_page(request.parts, person) if person else "/"


def first_page(parts: Parts, person: Person) -> str:
    """Where somebody comes who wanted nothing in particular: staff to their desk, leaders to their exports."""
    if person.staff_of():
        return "/desk"
    return "/exports" if exports.scopes(person, parts.forms.forces()) else "/"


def _with_next(path: str, after: str) -> str:
    return path if after == "/" else f"{path}?next={quote(after, safe='/')}"


def _address_page(after: str, *, address: str = "", message: str = "") -> Response:
    return page(
        "sign_in.html",
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href="#address")] if message else [],
        message=message,
        address=address,
        next=after,
    )


def _code_page(after: str, *, message: str = "") -> Response:
    return page(
        "sign_in_code.html",
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href="#code")] if message else [],
        message=message,
        next=after,
        again=_with_next("/sign-in", after),
    )


def _over_page(after: str, detail: str) -> Response:
    return page("sign_in_over.html", status=410, detail=detail, again=_with_next("/sign-in", after))
