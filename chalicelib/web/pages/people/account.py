"""Somebody's own account: who they are to us, and where they are signed in. And the proof that paying asks for."""

from __future__ import annotations

from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Forbidden, InvalidAnswers
from chalicelib.domain.people.people import NATIONAL, Holding, role_words
from chalicelib.domain.people.tokens import scopes_of
from chalicelib.services.people import sessions
from chalicelib.services.ports import Parts
from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.people.finish import finish
from chalicelib.web.pages.render import ErrorLink, page, redirect

routes = Blueprint(__name__)

_CODE = "proof_code"
"""The field of the code, among the fields of a form that waits for it: none of ours is called so."""


@routes.route("/account", methods=["GET"])
@view(access.SIGNED_IN)
def show_account(request: Request) -> Response:
    csrf, person = request.csrf, request.person
    here = request.session.digest if request.session else ""
    return page(
        "account.html",
        signed_in=True,
        is_staff=bool(person.staff_of()),
        csrf=csrf,
        person=person,
        roles=[_role(request.parts, held) for held in person.roles],
        sessions=[
            {"name": sessions.name_of(one), "session": one, "is_here": one.digest == here}
            for one in sessions.sessions_of(request.parts, person.id)
        ],
        ended="ended" in request.query,
        links=_links(request.parts, person.id),
        removed="removed" in request.query,
        may_have_tokens=bool(scopes_of(person)),
    )


@routes.route("/account/sessions", methods=["POST"])
@view(access.SIGNED_IN)
def post_end_session(request: Request) -> Response:
    """End the session that is named; without a name, all of them, this one included."""
    name = request.fields().get("session", "")
    if name:
        sessions.end(request.parts, request.person_id, name)
        return redirect("/account?ended=1")
    sessions.end_all(request.parts, request.person_id)
    return redirect("/sign-out", cookies=finish(request))


@routes.route("/account/links", methods=["POST"])
@view(access.SIGNED_IN)
def post_remove_link(request: Request) -> Response:
    """From now on, the organisation's sign-in that is named leads to nobody here."""
    from chalicelib.services.people import openid  # most services have no provider

    openid.unlink(request.parts, request.person_id, request.fields().get("link", ""))
    return redirect("/account?removed=1")


def proof_first(request: Request) -> Response | None:
    """The page that asks for a mailed code before a form is acted on, with the form in it; None once whoever is signed
    in has shown within 15 minutes who they are, with the code that came with the form, or before."""
    session, fields = request.session, request.fields()
    if session is None or session.is_fresh(request.parts.now()):
        return None
    if not request.parts.sign_in.codes:
        return _provider_page(request)
    if _CODE not in fields:
        sessions.ask_again(request.parts, request.person, source=request.source)
        return _proof_page(request, fields)
    try:
        sessions.prove_again(request.parts, session, request.person, fields[_CODE])
    except InvalidAnswers as error:
        return _proof_page(request, fields, message=error.problems[0].message)
    return None


def _provider_page(request: Request) -> Response:
    """Where nobody gets a code, the organisation's own sign-in is what shows again who somebody is."""
    issuer = request.parts.sign_in.issuer_of(request.person.address)
    if issuer is None:
        raise Forbidden("Your organisation’s sign-in is not set up here. Tell whoever runs this service.")
    return page(
        "prove_with_provider.html",
        signed_in=True,
        is_staff=bool(request.person.staff_of()),
        name=issuer.name,
        go=f"/sign-in/with/{issuer.id}/go?next={quote(request.path, safe='/')}",
    )


def _links(parts: Parts, person_id: str) -> list[dict[str, object]]:
    """The sign-ins at organisations that lead to this person."""
    issuers = {one.id: one.name for one in parts.sign_in.issuers}
    if not issuers:
        return []
    from chalicelib.services.people import openid

    return [
        {"name": openid.name_of(one), "issuer": issuers.get(one.issuer, one.issuer), "at": one.linked_at}
        for one in openid.links(parts, person_id)
    ]


def _proof_page(request: Request, fields: dict[str, str], *, message: str = "") -> Response:
    return page(
        "prove_again.html",
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href=f"#{_CODE}")] if message else [],
        signed_in=True,
        is_staff=bool(request.person.staff_of()),
        path=request.path,
        kept=[(name, value) for name, value in fields.items() if name != _CODE],
        field=_CODE,
        message=message,
        address=request.person.address,
    )


def _role(parts: Parts, held: Holding) -> str:
    where = "" if held.at == NATIONAL else f", {parts.forms.force_name(held.at)}"
    return role_words(held.role) + where
