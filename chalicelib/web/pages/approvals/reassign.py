"""Asking somebody else to decide: by the person who was asked, from their task; by a coordinator, from the desk.

The section is loaded with that of the tasks: what it takes to hand one on is imported when somebody does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidAnswers, Problem, Reassigned
from chalicelib.domain.intake.references import read_reference
from chalicelib.web.http import access, rights
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.render import ErrorLink, page, redirect

if TYPE_CHECKING:
    from chalicelib.services.approvals.reassigning import HandOnView

routes = Blueprint(__name__)


@routes.route("/tasks/{task}/reassign", methods=["GET"])
@view(access.SIGNED_IN, may=rights.hands_on_task)
def show_task_reassign(request: Request, task: str) -> Response:
    from chalicelib.services.approvals import reassigning

    try:
        one = reassigning.task_hand_on_view(request.parts, request.person, task)
    except Reassigned:
        if "done" not in request.query:
            raise
        return page("reassigned.html", signed_in=True)
    return _choosing_page(request, one, action=f"/tasks/{task}/reassign")


@routes.route("/tasks/{task}/reassign", methods=["POST"])
@view(access.SIGNED_IN, may=rights.hands_on_task)
def post_task_reassign(request: Request, task: str) -> Response:
    from chalicelib.services.approvals import reassigning

    path = f"/tasks/{task}/reassign"
    try:
        reassigning.hand_on_task(request.parts, request.person, task, request.fields().get("to", ""))
    except InvalidAnswers as error:
        one = reassigning.task_hand_on_view(request.parts, request.person, task)
        return _choosing_page(request, one, action=path, wrong=error.problems)
    return redirect(f"{path}?done=1")


@routes.route("/desk/submissions/{reference}/reassign", methods=["GET"])
@view(access.STAFF, may=rights.hands_on)
def show_submission_reassign(request: Request, reference: str) -> Response:
    from chalicelib.services.approvals import reassigning

    one = reassigning.submission_hand_on_view(request.parts, request.person, reference)
    return _choosing_page(request, one, action=f"{_desk(one.submission.reference)}/reassign")


@routes.route("/desk/submissions/{reference}/reassign", methods=["POST"])
@view(access.STAFF, may=rights.hands_on)
def post_submission_reassign(request: Request, reference: str) -> Response:
    from chalicelib.services.approvals import reassigning

    to = request.fields().get("to", "")
    try:
        reassigning.hand_on_submission(request.parts, request.person, reference, to)
    except InvalidAnswers as error:
        one = reassigning.submission_hand_on_view(request.parts, request.person, reference)
        action = f"{_desk(one.submission.reference)}/reassign"
        return _choosing_page(request, one, action=action, wrong=error.problems)
    return redirect(f"{_desk(read_reference(reference))}?asked=1")


def _desk(reference: str) -> str:
    return f"/desk/submissions/{reference}"


def _choosing_page(
    request: Request, one: HandOnView, *, action: str, wrong: Sequence[Problem] = ()
) -> Response:
    is_own = one.task is not None and one.task.person_id == request.person_id
    # A coordinator's way back is the desk: the task's page is for the person who was asked.
    back = f"/tasks/{one.task.id}" if one.task and is_own else _desk(one.submission.reference)
    return page(
        "reassign.html",
        status=422 if wrong else 200,
        signed_in=True,
        errors=[ErrorLink(text=problem.message, href="#to") for problem in wrong],
        message=wrong[0].message if wrong else "",
        one=one,
        is_own=is_own,
        action=action,
        back=back,
        csrf=request.csrf,
    )
