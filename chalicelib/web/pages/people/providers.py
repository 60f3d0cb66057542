"""Signing in with an OpenID provider.

Every way to a provider is a plain link: Chromium counts a redirect to another site, after a form was sent, among the
addresses that a form may lead to, and the provider may lead on to others that we do not know of.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Gone, InvalidAnswers, LinkedAlready, NotVouchedFor, Refused
from chalicelib.domain.people import browsers
from chalicelib.domain.people.browsers import Carried
from chalicelib.domain.people.identities import (
    Attempt,
    Identity,
    Linking,
    attempt_written,
    linking_written,
    read_attempt,
    read_linking,
)
from chalicelib.services.people import openid
from chalicelib.web.http import access, cookies
from chalicelib.web.http.problems import status_of
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.people.sign_in import local_path, signed_in_answer, with_next
from chalicelib.web.pages.render import ErrorLink, page, redirect

routes = Blueprint(__name__)


@routes.route("/sign-in/with/{issuer}", methods=["GET"])
@view(access.PUBLIC)
def show_provider(request: Request, issuer: str) -> Response:
    """Which organisation signs this person in, with a link that leads there."""
    after = local_path(request.query.get("next", ""))
    ways = request.parts.sign_in
    one = ways.issuer(issuer)
    return page(
        "sign_in_with.html",
        name=one.name,
        go=with_next(f"/sign-in/with/{one.id}/go", after),
        codes=ways.codes,
        by_code=f"/sign-in?by=code&next={quote(after, safe='/')}",
    )


@routes.route("/sign-in/with/{issuer}/go", methods=["GET"])
@view(access.PUBLIC)
def go_to_provider(request: Request, issuer: str) -> Response:
    """On to the provider. Whoever is signed in already wants to show again who they are, as paying asks."""
    after = local_path(request.query.get("next", ""))
    address, attempt = openid.leave(request.parts, issuer, after=after, is_recent=request.session is not None)
    return redirect(address, cookies=(_sealed(request, cookies.ATTEMPT, attempt_written(attempt)),))


@routes.route("/sign-in/oidc", methods=["GET"])
@view(access.PUBLIC)
def come_back(request: Request) -> Response:
    """Where the provider sends people. It does nothing without the attempt that this browser carries."""
    attempt = read_attempt(_unsealed(request, cookies.ATTEMPT), request.parts.now())
    known = [one.mailbox for one in request.mailboxes(cookies.PROVED)]
    gone = _sealed(request, cookies.ATTEMPT, [])
    try:
        found = openid.come_back(request.parts, attempt, request.query, browser=request.browser, known=known)
    except (Gone, NotVouchedFor) as error:
        return _failed(error, attempt)
    after = attempt.after if attempt else "/"
    if isinstance(found, Identity):
        linking = Linking(identity=found, at=request.parts.now(), after=after)
        return redirect(
            "/sign-in/link", cookies=(gone, _sealed(request, cookies.LINKING, linking_written(linking)))
        )
    return signed_in_answer(request, found, after, cookies_too=(gone,))


@routes.route("/sign-in/link", methods=["GET"])
@view(access.PUBLIC)
def show_link_address(request: Request) -> Response:
    """Once: which mailbox belongs to the identity."""
    linking = _linking(request)
    return redirect("/sign-in") if linking is None else _address_page(request, linking)


@routes.route("/sign-in/link", methods=["POST"])
@view(access.PUBLIC)
def post_link_address(request: Request) -> Response:
    """Have the code mailed. What follows is the same for addresses that we do not know."""
    linking = _linking(request)
    if linking is None:
        return redirect("/sign-in")
    address = request.fields().get("address", "")
    known = [one.mailbox for one in request.mailboxes(cookies.PROVED)]
    try:
        mailbox = openid.ask_code(request.parts, linking, address, source=request.source, known=known)
    except InvalidAnswers as error:
        return _address_page(request, linking, address=address, message=error.problems[0].message)
    asked = Carried(mailbox=mailbox, at=request.parts.now(), after=linking.after)
    carried = browsers.carrying(request.mailboxes(cookies.ASKED), asked)
    return redirect("/sign-in/link/code", cookies=(request.carry(cookies.ASKED, carried),))


@routes.route("/sign-in/link/code", methods=["GET"])
@view(access.PUBLIC)
def show_link_code(request: Request) -> Response:
    """Where the code is typed."""
    linking, asked = _linking(request), request.mailboxes(cookies.ASKED)
    if linking is None or not asked:
        return redirect("/sign-in")
    return _code_page(request, linking, asked[0].mailbox)


@routes.route("/sign-in/link/code", methods=["POST"])
@view(access.PUBLIC)
def post_link_code(request: Request) -> Response:
    """Link the identity with the mailbox whose code it is, and sign in."""
    linking, asked = _linking(request), [one.mailbox for one in request.mailboxes(cookies.ASKED)]
    if linking is None or not asked:
        return redirect("/sign-in")
    fields = request.fields()
    mailbox = fields.get("mailbox", "")
    mailbox = mailbox if mailbox in asked else asked[0]
    proved = request.mailboxes(cookies.PROVED)
    is_known = any(one.mailbox == mailbox for one in proved)
    try:
        done = openid.link(
            request.parts,
            linking,
            mailbox,
            fields.get("code", ""),
            browser=request.browser,
            is_known=is_known,
        )
    except InvalidAnswers as error:
        return _code_page(request, linking, mailbox, message=error.problems[0].message)
    except (LinkedAlready, NotVouchedFor) as error:
        return _failed(error, None)
    return signed_in_answer(
        request, done, linking.after, cookies_too=(_sealed(request, cookies.LINKING, []),)
    )


def _linking(request: Request) -> Linking | None:
    return read_linking(_unsealed(request, cookies.LINKING), request.parts.now())


def _sealed(request: Request, kind: str, content: list[object]) -> str:
    """The `Set-Cookie` value that keeps the content in this browser; removes the cookie where there is none."""
    sealed = request.parts.seals.cookie(kind, content) if content else ""
    return cookies.provider_cookie(kind, sealed, secure=request.is_secure)


def _unsealed(request: Request, kind: str) -> list[object]:
    sealed = cookies.read_provider_cookie(request.cookies, kind, secure=request.is_secure)
    return request.parts.seals.read_cookie(kind, sealed) if sealed else []


def _failed(error: Refused, attempt: Attempt | None) -> Response:
    after = attempt.after if attempt else "/"
    status = status_of(error)
    return page("sign_in_failed.html", status=status, detail=str(error), again=with_next("/sign-in", after))


def _address_page(request: Request, linking: Linking, *, address: str = "", message: str = "") -> Response:
    return _page(request, linking, "sign_in_link_address.html", "#address", message, address=address)


def _code_page(request: Request, linking: Linking, mailbox: str, *, message: str = "") -> Response:
    return _page(request, linking, "sign_in_link_code.html", "#code", message, mailbox=mailbox)


def _page(
    request: Request, linking: Linking, template: str, field: str, message: str, **more: Any
) -> Response:
    """The page with one field to fill in; `message` says what is wrong with it."""
    return page(
        template,
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href=field)] if message else [],
        message=message,
        name=request.parts.sign_in.issuer(linking.identity.issuer).name,
        shown=linking.identity.shown,
        **more,
    )
