"""The desk of coordinators and the fund holder: what waits for them, and where a submission stands."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Refused, Unavailable
from chalicelib.domain.submissions import STATUS_WORDS, Case
from chalicelib.services import reassigning, tracking
from chalicelib.web import access, desk_words
from chalicelib.web.pages import page
from chalicelib.web.requests import Request
from chalicelib.web.views import view

desk_pages = Blueprint(__name__)


@desk_pages.route("/desk/stuck", methods=["GET"])
@view(access.STAFF)
def show_stuck(request: Request) -> Response:
    return page("desk_stuck.html", signed_in=True, stuck=tracking.stuck_for(request.parts, request.person))


@desk_pages.route("/desk/submissions/{reference}", methods=["GET"])
@view(access.STAFF)
def show_submission(request: Request, reference: str) -> Response:
    parts = request.parts
    case = tracking.submission_for(parts, request.person, reference)
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    name = desk_words.names_of(parts)
    return page(
        "desk_submission.html",
        signed_in=True,
        submission=one,
        noun=form.noun,
        force_name=parts.forms.force_name(one.force),
        moved_to=parts.forms.force_name(one.moved_to) if one.moved_to else "",
        status_words=STATUS_WORDS[one.status],
        stage_title=form.workflow.stage(one.stage).title if one.is_open else "",
        asked=[name(task.person_id) for task in case.open_tasks],
        undo_until=one.undo.until if one.undo and one.may_undo(parts.now()) else None,
        tasks=desk_words.task_rows(case, form, name),
        happenings=desk_words.timeline_words(case, form, name),
        may_hand_on=_may_hand_on(request, case),
        was_asked="asked" in request.query,
    )


def _may_hand_on(request: Request, case: Case) -> bool:
    """Whether this person may say who decides: then the page offers it."""
    try:
        reassigning.submission_hand_on_view(request.parts, request.person, case.submission.reference)
    except Unavailable:
        raise
    except Refused:
        return False
    return True
