"""Going away: the days, and who is asked meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidAnswers, Problem
from chalicelib.services.people import days_away
from chalicelib.services.people.days_away import AwayView
from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.intake.form_view import date_field
from chalicelib.web.pages.render import ErrorLink, page, redirect
from chalicelib.web.widgets.typed_dates import date_fields, typed_date, wrong_parts

routes = Blueprint(__name__)


@routes.route("/away", methods=["GET"])
@view(access.SIGNED_IN)
def show_away(request: Request) -> Response:
    one = days_away.away_view(request.parts, request.person)
    return _away_page(request, one, _typed(one), saved="saved" in request.query)


@routes.route("/away", methods=["POST"])
@view(access.SIGNED_IN)
def post_away(request: Request) -> Response:
    """Keep the days, or forget them: two forms on the page, told apart by their button."""
    fields = request.fields()
    if fields.get("action") == "back":
        days_away.come_back(request.parts, request.person)
        return redirect("/away?saved=1")
    try:
        days_away.go_away(
            request.parts,
            request.person,
            first=typed_date("first", fields),
            last=typed_date("last", fields),
            delegate=fields.get("delegate", ""),
        )
    except InvalidAnswers as error:
        one = days_away.away_view(request.parts, request.person)
        return _away_page(request, one, fields, wrong=error.problems)
    return redirect("/away?saved=1")


def _typed(one: AwayView) -> dict[str, str]:
    """The form as it would have been filled in for what is kept."""
    if one.away is None:
        return {}
    return {
        **date_fields("first", one.away.first),
        **date_fields("last", one.away.last),
        "delegate": one.away.delegate_id,
    }


def _away_page(
    request: Request,
    one: AwayView,
    typed: Mapping[str, str],
    *,
    wrong: Sequence[Problem] = (),
    saved: bool = False,
) -> Response:
    messages = {problem.pointer[1:]: problem.message for problem in wrong}
    chosen = typed.get("delegate", "")
    people = [(colleague.person_id, colleague.name, colleague.role) for colleague in one.colleagues]
    return page(
        "away.html",
        status=422 if wrong else 200,
        signed_in=True,
        errors=[ErrorLink(text=problem.message, href=_href(problem.pointer[1:], typed)) for problem in wrong],
        one=one,
        saved=saved,
        first=_date("first", "First day you are away", typed, messages),
        last=_date("last", "Last day you are away", typed, messages),
        people=people,
        delegate=chosen if chosen in {person_id for person_id, _, _ in people} else "",
        message=messages.get("delegate", ""),
        csrf=request.csrf,
    )


def _date(name: str, label: str, typed: Mapping[str, str], messages: Mapping[str, str]) -> object:
    hint = "For example, 27 3 2027"
    return date_field(name, label, typed, hint=hint, error=messages.get(name, ""))


def _href(name: str, typed: Mapping[str, str]) -> str:
    return "#delegate" if name == "delegate" else f"#{name}-{wrong_parts(name, typed)[0]}"
