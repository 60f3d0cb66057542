"""The page on which a submitter makes the changes that were asked for: the open questions alone, filled in."""

from __future__ import annotations

from collections.abc import Sequence

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidAnswers, Overtaken, Problem, Unreadable
from chalicelib.services.approvals import amending
from chalicelib.services.approvals.amending import AmendedTo, AmendView
from chalicelib.services.records.lookup import case_of
from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.intake.form_view import form_view
from chalicelib.web.pages.render import page, redirect
from chalicelib.web.widgets.html_forms import Posted, lines_changed, read_fields, typed_fields

routes = Blueprint(__name__)


@routes.route("/status/{token}/amend", methods=["GET"])
@view(access.CLAIMANT)
def show_amend(request: Request, token: str) -> Response:
    links = request.parts.links
    one = amending.amend_view(request.parts, *links.read_status_token(token), link=links.link_number(token))
    return _amend_page(request, token, one, _stored(one))


@routes.route("/status/{token}/amend", methods=["POST"])
@view(access.CLAIMANT)
def post_amend(request: Request, token: str) -> Response:
    """Send the changes, or add or remove a line and show the page again."""
    force, reference = request.parts.links.read_status_token(token)
    fields = request.fields()
    version = _version(fields.get("version", ""))
    try:
        number = request.parts.links.link_number(token)
        one = amending.amend_view(request.parts, force, reference, link=number)
    except Overtaken:
        # A double click finds nothing left to change. The service knows whether it was one.
        submission = case_of(request.parts, force, reference).submission
        form = request.parts.forms.form(submission.form, submission.form_version)
        given = read_fields(form, fields).answers
        return _to_status(request, amending.amend(request.parts, force, reference, given, version=version))
    if one.version != version:
        return _amend_page(request, token, one, _stored(one), is_stale=True)
    changed = lines_changed(one.open_form, fields)
    if changed is not None:
        return _amend_page(request, token, one, read_fields(one.open_form, changed))
    posted = read_fields(one.open_form, fields)
    try:
        amended = amending.amend(request.parts, force, reference, posted.answers, version=version)
    except InvalidAnswers as error:
        return _amend_page(request, token, one, posted, wrong=error.problems)
    return _to_status(request, amended)


def _version(typed: str) -> int:
    """The version of the answers that the page showed."""
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 6):
        raise Unreadable("The form could not be read. Go back, and send it again.")
    return int(typed)


def _stored(one: AmendView) -> Posted:
    return read_fields(one.open_form, typed_fields(one.open_form, one.answers))


def _to_status(request: Request, amended: AmendedTo) -> Response:
    """Where the submission is now: its changes may have moved it to another force."""
    token = request.parts.links.status_token(amended.force, amended.reference, amended.link)
    return redirect(f"/status/{token}")


def _amend_page(
    request: Request,
    token: str,
    one: AmendView,
    posted: Posted,
    *,
    wrong: Sequence[Problem] = (),
    is_stale: bool = False,
) -> Response:
    view = form_view(one.open_form, posted, wrong)
    return page(
        "amend.html",
        status=409 if is_stale else 422 if wrong else 200,
        errors=view.errors,
        one=one,
        sections=[(section, one.asked.changes[section.id]) for section in view.sections],
        fixed=[(answer.heading, answer.value) for answer in one.fixed if not answer.rows],
        fixed_groups=[answer for answer in one.fixed if answer.rows],
        is_stale=is_stale,
        token=token,
        csrf=request.claimant_session(token).csrf,
    )
