"""People at the desk: who holds what, saying when somebody leaves, and what has changed about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import urlencode

from chalice.app import Blueprint, Response

from chalicelib.domain.approvals.deadlines import london_day
from chalicelib.domain.approvals.decisions import MAX_COMMENT
from chalicelib.domain.dates import long_date
from chalicelib.domain.errors import InvalidAnswers, Problem
from chalicelib.domain.people.leaving import Leaving
from chalicelib.domain.people.people import NATIONAL, Holding
from chalicelib.domain.people.person_changes import COMMAND, SCHEDULE, PersonChange, What
from chalicelib.domain.records.security import Event
from chalicelib.domain.sentences import capital
from chalicelib.services.people import leaving, register, tokens
from chalicelib.services.people.register import PersonView
from chalicelib.services.ports import Parts
from chalicelib.web.http import access, rights
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.desk.happenings import Happening
from chalicelib.web.pages.desk.words import names_of
from chalicelib.web.pages.intake.form_view import date_field
from chalicelib.web.pages.people.tokens import scope_words
from chalicelib.web.pages.render import ErrorLink, page, redirect
from chalicelib.web.widgets.typed_dates import date_fields, typed_date, wrong_parts

routes = Blueprint(__name__)

_PATH = "/desk/people"
_PERSON = f"{_PATH}/{{person}}"
_DONE = {
    "leaves": "Their last day is saved.",
    "left": "They have left. Within a few minutes, we ask somebody else to decide what is waiting for them.",
    "stays": "They stay.",
    "revoked": "The token is revoked.",
}
_SAID: Mapping[What, str] = {
    What.TOKEN_MADE: "{actor} made the token “{about}”",
    What.TOKEN_REVOKED: "{actor} revoked the token “{about}”",
    What.LINKED: "{actor} linked the sign-in of {about}",
    What.UNLINKED: "{actor} removed the sign-in of {about}",
    What.LEAVING_SAID: "{actor} said that they leave. Last day: {about}",
    What.LEAVING_TAKEN_BACK: "{actor} said that they stay",
    What.LEFT: "They left, and were until then: {about}",
}


@routes.route(_PATH, methods=["GET"])
@view(access.STAFF)
def show_people(request: Request) -> Response:
    parts = request.parts
    at = request.query.get("at", "")
    cursor = request.query.get("cursor", "")
    found = register.people_for(parts, request.person, at, cursor)
    return page(
        "desk_people.html",
        signed_in=True,
        is_staff=True,
        places=[
            {"value": place, "text": _place(parts, place), "selected": place == at}
            for place in ("", *found.places)
        ],
        rows=[
            (_link(one.person.id, one.person.name), _roles(parts, one.person.roles), _leaves(one.leaving))
            for one in found.people
        ],
        left=[
            (_link(one.person_id, one.name), _roles(parts, one.roles), long_date(one.last_day))
            for one in found.left
        ],
        next=_list(at=at, cursor=found.next) if found.next else "",
        first=_list(at=at) if cursor else "",
    )


@routes.route(_PERSON, methods=["GET"])
@view(access.STAFF)
def show_person(request: Request, person: str) -> Response:
    parts = request.parts
    one = register.person_view(parts, request.person, person)
    name = names_of(parts)
    return page(
        "desk_person.html",
        signed_in=True,
        is_staff=True,
        csrf=request.csrf,
        done=_DONE.get(request.query.get("done", ""), ""),
        one=one,
        path=f"{_PATH}/{one.person_id}",
        roles=_roles(parts, one.roles),
        tokens=[(token, scope_words(token)) for token in one.tokens],
        changes=[_happening(change, name(change.actor)) for change in one.changes],
    )


@routes.route(f"{_PERSON}/leave", methods=["GET"])
@view(access.STAFF, may=rights.looks_after)
def show_leave(request: Request, person: str) -> Response:
    leaving.person_for(request.parts, request.person, person)
    one = register.person_view(request.parts, request.person, person)
    typed = date_fields("last", one.leaving.last_day) if one.leaving else {}
    return _leave_page(request, one, {**typed, "reason": one.leaving.reason if one.leaving else ""})


@routes.route(f"{_PERSON}/leave", methods=["POST"])
@view(access.STAFF, may=rights.looks_after)
def post_leave(request: Request, person: str) -> Response:
    """First what will happen, on a page to be confirmed; then it is kept."""
    parts, fields = request.parts, request.fields()
    who = leaving.person_for(parts, request.person, person)
    try:
        last_day, reason = leaving.check_said(
            parts, who, typed_date("last", fields), fields.get("reason", "")
        )
        at_once = last_day < london_day(parts.now())
        if fields.get("confirm") == "yes":
            leaving.say(parts, who, last_day=last_day, reason=reason, by=request.person.id, at_once=at_once)
            return redirect(f"{_PATH}/{who.id}?done={'left' if at_once else 'leaves'}")
    except InvalidAnswers as error:
        one = register.person_view(parts, request.person, person)
        return _leave_page(request, one, fields, wrong=error.problems)
    one = register.person_view(parts, request.person, person)
    return page(
        "desk_leave_confirm.html",
        signed_in=True,
        is_staff=True,
        csrf=request.csrf,
        one=one,
        path=f"{_PATH}/{one.person_id}",
        at_once=at_once,
        last_day=last_day,
        reason=reason,
        roles=_roles(parts, one.roles),
        sole=[leaving.role_at(parts, held) for held in one.sole],
        typed=date_fields("last", last_day),
    )


@routes.route(f"{_PERSON}/stay", methods=["POST"])
@view(access.STAFF, may=rights.looks_after)
def post_stay(request: Request, person: str) -> Response:
    who = leaving.person_for(request.parts, request.person, person)
    leaving.take_back(request.parts, who, by=request.person.id)
    return redirect(f"{_PATH}/{who.id}?done=stays")


@routes.route(f"{_PERSON}/revoke", methods=["POST"])
@view(access.STAFF, may=rights.revokes_of, records=Event.TOKEN_REVOKED)
def post_revoke(request: Request, person: str) -> Response:
    who = leaving.person_for(request.parts, request.person, person)
    tokens.revoke(request.parts, who.id, request.fields().get("token", ""), by=request.person)
    return redirect(f"{_PATH}/{who.id}?done=revoked")


@routes.route(f"{_PERSON}/stay", methods=["GET"])
@view(access.STAFF, may=rights.looks_after)
def show_stay(request: Request, person: str) -> Response:
    """Whoever had to sign in again on the way comes here: the buttons are on the person's page."""
    return _to_person(request, person)


@routes.route(f"{_PERSON}/revoke", methods=["GET"])
@view(access.STAFF)
def show_revoke(request: Request, person: str) -> Response:
    """As `show_stay`."""
    return _to_person(request, person)


def _to_person(request: Request, person: str) -> Response:
    """To the person's page, for those who may see it."""
    one = register.person_view(request.parts, request.person, person)
    return redirect(f"{_PATH}/{one.person_id}")


def _leave_page(
    request: Request, one: PersonView, typed: Mapping[str, str], *, wrong: Sequence[Problem] = ()
) -> Response:
    messages = {problem.pointer[1:]: problem.message for problem in wrong}
    return page(
        "desk_leave.html",
        status=422 if wrong else 200,
        signed_in=True,
        is_staff=True,
        csrf=request.csrf,
        errors=[ErrorLink(text=text, href=_href(name, typed)) for name, text in messages.items()],
        one=one,
        path=f"{_PATH}/{one.person_id}",
        last=date_field(
            "last",
            "Their last day",
            typed,
            hint="For example, 31 3 2027. A day that is past ends their roles at once",
            error=messages.get("last", ""),
        ),
        reason=typed.get("reason", ""),
        most_words=MAX_COMMENT,
        messages=messages,
    )


def _href(name: str, typed: Mapping[str, str]) -> str:
    return "#reason" if name == "reason" else f"#{name}-{wrong_parts(name, typed)[0]}"


def _list(**query: str) -> str:
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{_PATH}?{given}" if given else _PATH


def _place(parts: Parts, place: str) -> str:
    if not place:
        return "Everywhere"
    return "National" if place == NATIONAL else parts.forms.force_name(place)


def _link(person_id: str, name: str) -> Mapping[str, str]:
    return {"text": name, "href": f"{_PATH}/{person_id}"}


def _roles(parts: Parts, roles: Sequence[Holding]) -> str:
    return "; ".join(capital(leaving.role_at(parts, held)) for held in roles) or "None"


def _leaves(said: Leaving | None) -> str:
    """When somebody leaves; of those who came back, an earlier leaving says nothing."""
    return long_date(said.last_day) if said is not None and not said.has_begun else "Not said"


def _happening(change: PersonChange, actor: str) -> Happening:
    named = {COMMAND: "An operator", SCHEDULE: "The service"}.get(change.actor, actor)
    about = change.about or "no role"
    if change.what is What.LEAVING_SAID:
        about = long_date(date.fromisoformat(about))
    words = _SAID[change.what].format(actor=named, about=about)
    return Happening(words=words, at=change.at, comment=change.reason)
