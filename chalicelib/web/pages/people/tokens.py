"""Bearer tokens at one's account: the list, making one, which is shown once, and revoking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidAnswers, Problem
from chalicelib.domain.people.tokens import LONGEST_DAYS, SCOPE_WORDS, USUAL_DAYS, Scope, Token, scopes_of
from chalicelib.domain.records.security import Event
from chalicelib.services.people import tokens
from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.render import ErrorLink, page, redirect

routes = Blueprint(__name__)

_PATH = "/account/tokens"
_SHORT = {Scope.READ: "Read", Scope.SUBMIT: "Submit", Scope.MANAGE: "Manage"}


@routes.route(_PATH, methods=["GET"])
@view(access.STAFF)
def show_tokens(request: Request) -> Response:
    return _list_page(request, {"days": str(USUAL_DAYS)})


@routes.route(_PATH, methods=["POST"])
@view(access.STAFF, records=Event.TOKEN_MADE)
def post_token(request: Request) -> Response:
    """Make a token. The answer is the page itself, no redirect: the secret is nowhere else."""
    fields = request.fields()
    person = request.person
    try:
        made = tokens.make(
            request.parts,
            person,
            name=fields.get("name", ""),
            scopes=[scope.value for scope in Scope if fields.get(scope.value)],
            days=_whole(fields.get("days", "")),
            by=person.id,
        )
    except InvalidAnswers as error:
        return _list_page(request, fields, wrong=error.problems)
    return page(
        "token_made.html",
        signed_in=True,
        is_staff=True,
        token=made.token,
        scopes=scope_words(made.token),
        secret=made.secret,
    )


@routes.route(f"{_PATH}/revoke", methods=["POST"])
@view(access.STAFF, records=Event.TOKEN_REVOKED)
def post_revoke(request: Request) -> Response:
    tokens.revoke(request.parts, request.person.id, request.fields().get("token", ""), by=request.person)
    return redirect(f"{_PATH}?done=revoked")


@routes.route(f"{_PATH}/revoke", methods=["GET"])
@view(access.STAFF)
def show_revoke(request: Request) -> Response:
    """Whoever had to sign in again on the way comes here: the buttons are on the list."""
    return redirect(_PATH)


def scope_words(token: Token) -> str:
    """The scopes of a token in words: `Read, Manage`."""
    return ", ".join(_SHORT[scope] for scope in Scope if scope in token.scopes)


def _list_page(request: Request, typed: Mapping[str, str], *, wrong: Sequence[Problem] = ()) -> Response:
    person = request.person
    tokens.check_may_make(person)
    messages = {problem.pointer[1:]: problem.message for problem in wrong}
    offered = [scope for scope in Scope if scope in scopes_of(person)]
    return page(
        "tokens.html",
        status=422 if wrong else 200,
        signed_in=True,
        is_staff=True,
        errors=[ErrorLink(text=text, href=f"#{name}") for name, text in messages.items()],
        messages=messages,
        typed=typed,
        done="The token is revoked." if request.query.get("done") == "revoked" else "",
        offered=[
            {
                "name": scope.value,
                "value": "yes",
                "text": _SHORT[scope],
                "hint": {"text": SCOPE_WORDS[scope]},
                "checked": bool(typed.get(scope.value)),
            }
            for scope in offered
        ],
        tokens=[(token, scope_words(token)) for token in tokens.live_tokens(request.parts, person.id)],
        most_days=LONGEST_DAYS,
        csrf=request.csrf,
    )


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None
