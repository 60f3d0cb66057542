"""What a submitter does about their submission, beyond looking: they prove who they are by a mailed code first."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib.domain.accounts import CLAIMANT_LIFE
from chalicelib.domain.decisions import MAX_COMMENT, read_words
from chalicelib.domain.errors import Gone, InvalidAnswers, NotSignedIn, Problem
from chalicelib.services import ending, signing_in, tracking
from chalicelib.services.tracking import StatusView
from chalicelib.web import access, cookies
from chalicelib.web.pages import ErrorLink, page, redirect
from chalicelib.web.requests import Request
from chalicelib.web.sign_in_pages import tidy_code
from chalicelib.web.views import ANY_TYPE, view

claimant_pages = Blueprint(__name__)

_ACTIONS = ("amend", "withdraw")


@claimant_pages.route("/status/{token}/code", methods=["GET"])
@view(access.PUBLIC)
def show_claimant_code(request: Request, token: str) -> Response:
    status = tracking.status_of(request.parts, token)
    after = _after(request.query.get("next", ""))
    if _is_known(request, status.token):
        return redirect(_path(status, after))
    if cookies.read_claimant_code_cookie(request.cookies):
        return _code_page(status, after)
    return page("claimant_code_ask.html", submission=status, next=after)


@claimant_pages.route("/status/{token}/code", methods=["POST"], content_types=ANY_TYPE)
@view(access.PUBLIC)
def post_claimant_code(request: Request, token: str) -> Response:
    """Mail a code; or, where one was typed, check it."""
    status = tracking.status_of(request.parts, token)
    fields = request.fields()
    after = _after(fields.get("next", ""))
    if "code" in fields:
        return _enter_code(request, status, after, fields["code"])
    force, reference = request.parts.links.read_status_token(token)
    sign_in_id = signing_in.ask_claimant_code(request.parts, force, reference)
    cookie = cookies.claimant_code_cookie(sign_in_id, secure=request.is_secure)
    return redirect(_with_next(f"/status/{status.token}/code", after), cookies=(cookie,))


@claimant_pages.route("/status/{token}/withdraw", methods=["GET"])
@view(access.CLAIMANT)
def show_withdraw(request: Request, token: str) -> Response:
    status = tracking.status_of(request.parts, token)
    if not status.may_withdraw:
        return redirect(f"/status/{status.token}")
    return _withdraw_page(request, token, status)


@claimant_pages.route("/status/{token}/withdraw", methods=["POST"], content_types=ANY_TYPE)
@view(access.CLAIMANT)
def post_withdraw(request: Request, token: str) -> Response:
    status = tracking.status_of(request.parts, token)
    fields = request.fields()
    wrong = []
    if fields.get("confirm") != "yes":
        message = f"Confirm that you want to withdraw the {status.noun}"
        wrong.append(Problem(pointer="/confirm", code="required", message=message))
    reason = read_words("/reason", fields.get("reason", ""), wrong, name="The reason")
    if wrong:
        return _withdraw_page(request, token, status, reason=reason, wrong=wrong)
    force, reference = request.parts.links.read_status_token(token)
    ending.withdraw(request.parts, force, reference, reason=reason)
    return redirect(f"/status/{status.token}")


def _enter_code(request: Request, status: StatusView, after: str, typed: str) -> Response:
    sign_in_id = cookies.read_claimant_code_cookie(request.cookies)
    if not sign_in_id:
        detail = "This browser has not asked for a code, or the 10 minutes are over."
        return _over_page(status, after, detail, secure=request.is_secure)
    try:
        secret = signing_in.enter_code(request.parts, sign_in_id, tidy_code(typed), life=CLAIMANT_LIFE)
    except InvalidAnswers as error:
        return _code_page(status, after, message=error.problems[0].message)
    except Gone as error:
        return _over_page(status, after, str(error), secure=request.is_secure)
    secure = request.is_secure
    return redirect(
        _path(status, after),
        cookies=(
            cookies.claimant_cookie(secret, secure=secure),
            cookies.clear_claimant_code_cookie(secure=secure),
        ),
    )


def _is_known(request: Request, token: str) -> bool:
    """Whether the submitter's code was typed in this browser before."""
    try:
        request.claimant_session(token)
    except NotSignedIn:
        return False
    return True


def _after(name: str) -> str:
    """What is to follow the code: one of our actions, or nothing but the status page."""
    return name if name in _ACTIONS else ""


def _path(status: StatusView, after: str) -> str:
    return f"/status/{status.token}/{after}".rstrip("/")


def _with_next(path: str, after: str) -> str:
    return f"{path}?next={quote(after)}" if after else path


def _code_page(status: StatusView, after: str, *, message: str = "") -> Response:
    return page(
        "claimant_code.html",
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href="#code")] if message else [],
        message=message,
        submission=status,
        next=after,
    )


def _over_page(status: StatusView, after: str, detail: str, *, secure: bool) -> Response:
    """The code is of no use any more: neither is its cookie, and the way on is to ask for another."""
    again = _with_next(f"/status/{status.token}/code", after)
    cleared = {"Set-Cookie": [cookies.clear_claimant_code_cookie(secure=secure)]}
    return page("sign_in_over.html", status=410, headers=cleared, detail=detail, again=again)


def _withdraw_page(
    request: Request, token: str, status: StatusView, *, reason: str = "", wrong: Sequence[Problem] = ()
) -> Response:
    messages = {problem.pointer[1:]: problem.message for problem in reversed(wrong)}
    return page(
        "withdraw.html",
        status=422 if wrong else 200,
        errors=[ErrorLink(text=one.message, href="#" + one.pointer[1:]) for one in wrong],
        messages=messages,
        submission=status,
        token=token,
        reason=reason,
        most_words=MAX_COMMENT,
        csrf=request.claimant_session(token).csrf,
    )
