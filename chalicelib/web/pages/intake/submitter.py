"""What a submitter does about their submission, beyond looking: they prove who they are by a mailed code first."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib.domain.approvals.decisions import MAX_COMMENT, read_words
from chalicelib.domain.errors import InvalidAnswers, NotSignedIn, Problem, Unreadable
from chalicelib.services.approvals import ending
from chalicelib.services.intake import confirming, new_links, unconfirmed
from chalicelib.services.people import signing_in
from chalicelib.services.records import status_view
from chalicelib.services.records.status_view import StatusView
from chalicelib.web.http import access, cookies, rights
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.people.finish import finish, may_finish
from chalicelib.web.pages.render import ErrorLink, page, redirect

routes = Blueprint(__name__)

FINISH = "/status/finish"
"""Below the path of the cookie of a submitter's session, so that this comes with the request and can be ended."""

_MOST_DIGITS = 6  # of the number of a link
_ACTIONS = ("amend", "withdraw", "confirm", "link")


@routes.route(FINISH, methods=["GET"])
@view(access.PUBLIC)
def show_finish(request: Request) -> Response:
    return page("finish.html", may_finish=may_finish(request))


@routes.route(FINISH, methods=["POST"])
@view(access.PUBLIC)
def post_finish(request: Request) -> Response:
    return redirect(FINISH, cookies=finish(request))


@routes.route("/status/{token}/code", methods=["GET"])
@view(access.PUBLIC, may=rights.holds_link)
def show_claimant_code(request: Request, token: str) -> Response:
    status = status_view.status_of(request.parts, token, may_be_over=True)
    after = _after(request.query.get("next", ""))
    if _is_known(request, status.token):
        return redirect(_path(status, after))
    if request.query.get("sent") == "yes":
        return _code_page(status, after)
    return page("claimant_code_ask.html", submission=status, next=after)


@routes.route("/status/{token}/code", methods=["POST"])
@view(access.PUBLIC, may=rights.holds_link)
def post_claimant_code(request: Request, token: str) -> Response:
    """Have a code mailed; or, where one was typed, check it."""
    status = status_view.status_of(request.parts, token, may_be_over=True)
    fields = request.fields()
    after = _after(fields.get("next", ""))
    force, reference = request.parts.links.read_status_token(status.token)
    if "code" not in fields:
        ask = unconfirmed.ask_again if status.is_unconfirmed else signing_in.ask_claimant_code
        ask(request.parts, force, reference, source=request.source)
        return redirect(_with_next(f"/status/{status.token}/code", after, sent=True))
    try:
        secret = signing_in.prove_claimant(request.parts, force, reference, fields["code"])
    except InvalidAnswers as error:
        return _code_page(status, after, message=error.problems[0].message)
    cookie = cookies.claimant_cookie(secret, secure=request.is_secure)
    return redirect(_path(status, after), cookies=(cookie,))


@routes.route("/status/{token}/withdraw", methods=["GET"])
@view(access.CLAIMANT)
def show_withdraw(request: Request, token: str) -> Response:
    status = status_view.status_of(request.parts, token)
    if not status.may_withdraw:
        return redirect(f"/status/{status.token}")
    return _withdraw_page(request, token, status)


@routes.route("/status/{token}/withdraw", methods=["POST"])
@view(access.CLAIMANT)
def post_withdraw(request: Request, token: str) -> Response:
    status = status_view.status_of(request.parts, token)
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


@routes.route("/status/{token}/confirm", methods=["GET"])
@view(access.CLAIMANT)
def show_confirm(request: Request, token: str) -> Response:
    """What was sent from their mailbox, for whoever typed its code: whether they sent it is theirs to say."""
    if not status_view.status_of(request.parts, token).is_unconfirmed:
        return redirect(f"/status/{token}")
    force, reference = request.parts.links.read_status_token(token)
    return page(
        "claimant_confirm.html",
        waiting=confirming.waiting_view(request.parts, force, reference),
        token=token,
        csrf=request.claimant_session(token).csrf,
    )


@routes.route("/status/{token}/confirm", methods=["POST"])
@view(access.CLAIMANT)
def post_confirm(request: Request, token: str) -> Response:
    force, reference = request.parts.links.read_status_token(token)
    answer = confirming.disown if request.fields().get("answer") == "not-mine" else confirming.send
    answer(request.parts, force, reference)
    return redirect(f"/status/{token}")


@routes.route("/status/{token}/link", methods=["GET"])
@view(access.CLAIMANT)
def show_link(request: Request, token: str) -> Response:
    """Also by a link that is over: whoever comes here has proven the mailbox."""
    status = status_view.status_of(request.parts, token, may_be_over=True)
    return page(
        "new_link.html",
        submission=status,
        is_sent=request.query.get("sent") == "yes",
        csrf=request.claimant_session(token).csrf,
    )


@routes.route("/status/{token}/link", methods=["POST"])
@view(access.CLAIMANT)
def post_link(request: Request, token: str) -> Response:
    force, reference = request.parts.links.read_status_token(token)
    typed = request.fields().get("number", "")
    if not (typed.isascii() and typed.isdigit() and len(typed) <= _MOST_DIGITS):
        raise Unreadable("The form could not be read. Go back, and send it again.")
    new_links.renew(request.parts, force, reference, seen=int(typed))
    return redirect(f"/status/{token}/link?sent=yes")


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


def _with_next(path: str, after: str, *, sent: bool = False) -> str:
    """`sent`: a code was asked for, and the page is the one where it is typed."""
    query = [f"next={quote(after)}"] if after else []
    return "?".join([path, *filter(None, ["&".join(query + ["sent=yes"] * sent)])])


def _code_page(status: StatusView, after: str, *, message: str = "") -> Response:
    return page(
        "claimant_code.html",
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href="#code")] if message else [],
        message=message,
        submission=status,
        next=after,
    )


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
