"""Signing in with a mailed code or link, and signing out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Gone, InvalidAnswers, NotAskedHere
from chalicelib.domain.people import browsers
from chalicelib.domain.people.browsers import Carried
from chalicelib.domain.reports import exports
from chalicelib.services.people import signing_in
from chalicelib.services.people.signing_in import SignedIn
from chalicelib.web.http import access, cookies
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.people.finish import finish
from chalicelib.web.pages.render import ErrorLink, page, redirect

if TYPE_CHECKING:
    from chalicelib.domain.people.people import Person
    from chalicelib.services.intake.confirming import Pressable
    from chalicelib.services.ports import Parts

routes = Blueprint(__name__)

_NO_PROVIDER = "Enter your address at an organisation that you can sign in with here"

# One leading slash and then a harmless character: `//host` and `/\host` would lead to another site.
_LOCAL_PATH = re.compile(r"/(?:[A-Za-z0-9._~%-][A-Za-z0-9._~%/?&=+-]*)?", re.ASCII)


@routes.route("/sign-in", methods=["GET"])
@view(access.PUBLIC)
def show_sign_in(request: Request) -> Response:
    after = local_path(request.query.get("next", ""))
    return _address_page(request, after, by_code=request.query.get("by") == "code")


@routes.route("/sign-in", methods=["POST"])
@view(access.PUBLIC)
def post_address(request: Request) -> Response:
    """Have a code and a link mailed, or lead to the provider that signs this address in. What follows is the same
    for addresses that we do not know."""
    fields = request.fields()
    after = local_path(fields.get("next", ""))
    address = fields.get("address", "")
    ways = request.parts.sign_in
    issuer = ways.issuer_of(address)
    if issuer is not None and not (ways.codes and fields.get("by") == "code"):
        return redirect(with_next(f"/sign-in/with/{issuer.id}", after))
    if not ways.codes:
        return _address_page(request, after, address=address, message=_NO_PROVIDER)
    known = [one.mailbox for one in request.mailboxes(cookies.PROVED)]
    try:
        mailbox = signing_in.ask_code(request.parts, address, source=request.source, known=known)
    except InvalidAnswers as error:
        by_code = fields.get("by") == "code"
        return _address_page(
            request, after, address=address, message=error.problems[0].message, by_code=by_code
        )
    asked = Carried(mailbox=mailbox, at=request.parts.now(), after=after)
    carried = browsers.carrying(request.mailboxes(cookies.ASKED), asked)
    return redirect(with_next("/sign-in/code", after), cookies=(request.carry(cookies.ASKED, carried),))


@routes.route("/sign-in/code", methods=["GET"])
@view(access.PUBLIC)
def show_code(request: Request) -> Response:
    after = local_path(request.query.get("next", ""))
    asked = request.mailboxes(cookies.ASKED)
    if not asked:
        return redirect(with_next("/sign-in", after))
    return _code_page(after, asked[0].mailbox)


@routes.route("/sign-in/code", methods=["POST"])
@view(access.PUBLIC)
def post_code(request: Request) -> Response:
    """Sign in with the code. The page says which mailbox it is for; without that, it is the one asked about last."""
    fields = request.fields()
    after = local_path(fields.get("next", ""))
    asked = [one.mailbox for one in request.mailboxes(cookies.ASKED)]
    if not asked:
        return _over_page(after, "This browser has not asked for a code in the last hour.")
    mailbox = fields.get("mailbox", "")
    mailbox = mailbox if mailbox in asked else asked[0]
    is_known = any(one.mailbox == mailbox for one in request.mailboxes(cookies.PROVED))
    try:
        done = signing_in.enter_code(
            request.parts, mailbox, fields.get("code", ""), browser=request.browser, is_known=is_known
        )
    except InvalidAnswers as error:
        return _code_page(after, mailbox, message=error.problems[0].message)
    return signed_in_answer(request, done, after)


@routes.route("/sign-in/{token}", methods=["GET"])
@view(access.PUBLIC)
def show_link(request: Request, token: str) -> Response:
    """Where the mailed link leads. It does nothing: in a browser that asked, it has a button that does."""
    if waits := _waits_for(request, token):
        text = f"Confirm {waits.address}"
        return page("sign_in_link.html", token=token, count=waits.count, button=text)
    asked = [one.mailbox for one in request.mailboxes(cookies.ASKED)]
    try:
        pressable = signing_in.link_in(request.parts, token, asked)
    except NotAskedHere:
        return page("sign_in_elsewhere.html")
    except Gone as error:
        return _over_page("/", str(error))
    return page("sign_in_link.html", token=token, count=0, button=f"Sign in as {pressable.address}")


@routes.route("/sign-in/{token}", methods=["POST"])
@view(access.PUBLIC)
def post_link(request: Request, token: str) -> Response:
    """Sign in with the link, in a browser that asked. Elsewhere it is refused (NotAskedHere), and nothing changes."""
    if _waits_for(request, token):
        return _confirmed(request, token)
    asked = request.mailboxes(cookies.ASKED)
    known = [one.mailbox for one in request.mailboxes(cookies.PROVED)]
    mailboxes = [one.mailbox for one in asked]
    try:
        done = signing_in.press_link(request.parts, token, mailboxes, browser=request.browser, known=known)
    except Gone as error:
        return _over_page("/", str(error))
    return signed_in_answer(
        request, done, next(one.after for one in asked if one.mailbox == done.mailbox) or "/"
    )


def _waits_for(request: Request, token: str) -> Pressable | None:
    """What this browser sent and the link confirms, if there is such a thing."""
    if not request.sent:
        return None
    from chalicelib.services.intake import confirming  # few who sign in have sent anything

    try:
        return confirming.link_in(request.parts, token, request.sent)
    except (NotAskedHere, Gone):
        return None


def _confirmed(request: Request, token: str) -> Response:
    """Confirm what this browser sent, and go on to its page."""
    from chalicelib.services.intake import confirming

    try:
        done = confirming.press_link(request.parts, token, request.sent)
    except Gone as error:
        return _over_page("/", str(error))
    asked = request.mailboxes(cookies.ASKED)
    after = next((one.after for one in asked if one.mailbox == done.mailbox), "")
    return redirect(after or "/", cookies=(request.remember_proved(done.mailbox),))


def signed_in_answer(
    request: Request, done: SignedIn, after: str, *, cookies_too: tuple[str, ...] = ()
) -> Response:
    """On to where they wanted to go. The session that this browser had before is over."""
    before = cookies.read_session_cookie(request.cookies, secure=request.is_secure)
    if before:
        signing_in.sign_out(request.parts, before)
    if request.sent:
        from chalicelib.services.intake import confirming

        confirming.confirm_proven(request.parts, request.sent, done.mailbox)
    return redirect(
        after if after != "/" else _first_page(request, done.secret),
        cookies=(
            cookies.session_cookie(done.secret, secure=request.is_secure),
            request.carry(cookies.ASKED, browsers.without(request.mailboxes(cookies.ASKED), done.mailbox)),
            request.remember_proved(done.mailbox),
            *cookies_too,
        ),
    )


@routes.route("/sign-out", methods=["GET"])
@view(access.PUBLIC)
def show_sign_out(request: Request) -> Response:
    session = request.session
    return page("sign_out.html", signed_in=session is not None, csrf=session.csrf if session else "")


@routes.route("/sign-out", methods=["POST"])
@view(access.SIGNED_IN)
def post_sign_out(request: Request) -> Response:
    """End the session, and whatever else this browser could do: the next person at it may be somebody else."""
    return redirect("/sign-out", cookies=finish(request))


def local_path(path: str) -> str:
    """The path, where it stays on this site; otherwise the start page."""
    return path if len(path) <= 500 and _LOCAL_PATH.fullmatch(path) else "/"


def _first_page(request: Request, secret: str) -> str:
    _, person = signing_in.signed_in(request.parts, secret)
    return first_page(request.parts, person) if person else "/"


def first_page(parts: Parts, person: Person) -> str:
    """Where somebody comes who wanted nothing in particular: staff to their desk, leaders to their exports."""
    if person.staff_of():
        return "/desk"
    return "/exports" if exports.scopes(person, parts.forms.forces()) else "/"


def with_next(path: str, after: str) -> str:
    """A path with the page that is wanted afterwards."""
    return path if after == "/" else f"{path}?next={quote(after, safe='/')}"


def _address_page(
    request: Request, after: str, *, address: str = "", message: str = "", by_code: bool = False
) -> Response:
    ways = request.parts.sign_in
    return page(
        "sign_in.html",
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href="#address")] if message else [],
        message=message,
        address=address,
        next=after,
        codes=ways.codes,
        by_code=by_code,
        ways=[(one.name, with_next(f"/sign-in/with/{one.id}", after)) for one in ways.issuers],
    )


def _code_page(after: str, mailbox: str, *, message: str = "") -> Response:
    return page(
        "sign_in_code.html",
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href="#code")] if message else [],
        message=message,
        next=after,
        mailbox=mailbox,
        again=with_next("/sign-in", after),
    )


def _over_page(after: str, detail: str) -> Response:
    return page("sign_in_over.html", status=410, detail=detail, again=with_next("/sign-in", after))
