"""The page behind an approver's link. Opening it changes nothing; the forms on it decide, and undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalice.app import Blueprint, Response

from chalicelib.domain.approvals.decisions import MAX_COMMENT
from chalicelib.domain.errors import ClaimChanged, InvalidAnswers, Problem
from chalicelib.domain.forms.widgets.base import below, part
from chalicelib.services.approvals import task_view
from chalicelib.web.http import access, problems, rights
from chalicelib.web.http.views import view
from chalicelib.web.pages.approvals import value_inputs
from chalicelib.web.pages.approvals.task_words import Filled, deciding_words, filled, input_id
from chalicelib.web.pages.render import ErrorLink, page, redirect

if TYPE_CHECKING:
    from chalicelib.services.approvals.task_view import TaskView
    from chalicelib.web.http.requests import Request

routes = Blueprint(__name__)


@routes.route("/tasks/{task}", methods=["GET"])
@view(access.SIGNED_IN, may=rights.decides)
def show_task(request: Request, task: str) -> Response:
    one = task_view.task_view(request.parts, request.person_id, task)
    if one.may_decide:
        return _deciding_page(request, one, Filled(), was_undone="undone" in request.query)
    return _decided_page(request, one)


@routes.route("/tasks/{task}", methods=["POST"])
@view(access.SIGNED_IN, may=rights.decides)
def decide_task(request: Request, task: str) -> Response:
    from chalicelib.services.approvals import deciding

    given = filled(request.fields())
    try:
        deciding.decide(
            request.parts,
            request.person_id,
            task,
            decision=given.decision,
            comment=given.comment,
            seen=given.seen,
            changes=given.changes,
            read_values=lambda form, choice: value_inputs.read(form, choice, given.typed),
            maker=request.person_read,
        )
    except InvalidAnswers as error:
        one = task_view.task_view(request.parts, request.person_id, task)
        if one.may_decide:
            return _deciding_page(request, one, given, wrong=error.problems)
    except ClaimChanged as error:
        # Shown anew, with what is different. What was typed is kept; what was chosen was for other answers.
        one = task_view.task_view(request.parts, request.person_id, task)
        kept = Filled(comment=given.comment, changes=given.changes)
        return _deciding_page(request, one, kept, changed=error)
    return redirect(f"/tasks/{task}")


@routes.route("/tasks/{task}/undo", methods=["GET"])
@view(access.SIGNED_IN, may=rights.decides)
def show_undo(request: Request, task: str) -> Response:
    """Whoever had to sign in again on the way comes here: the button is on the task's page."""
    return redirect(f"/tasks/{task}")


@routes.route("/tasks/{task}/undo", methods=["POST"])
@view(access.SIGNED_IN, may=rights.decides)
def undo_decision(request: Request, task: str) -> Response:
    from chalicelib.services.approvals import deciding

    deciding.undo(request.parts, request.person_id, task)
    return redirect(f"/tasks/{task}?undone=1")


def _deciding_page(
    request: Request,
    task: TaskView,
    given: Filled,
    *,
    wrong: Sequence[Problem] = (),
    changed: ClaimChanged | None = None,
    was_undone: bool = False,
) -> Response:
    status = problems.status_of(changed) if changed else 422 if wrong else 200
    return page(
        "task.html",
        status=status,
        signed_in=True,
        errors=[
            ErrorLink(text=one.message, href="#" + _first_input(task, given, one.pointer)) for one in wrong
        ],
        task=task,
        changed=changed,
        was_undone=was_undone,
        most_words=MAX_COMMENT,
        csrf=request.csrf,
        **deciding_words(task, given, wrong, request.parts.now()),
    )


def _first_input(task: TaskView, given: Filled, pointer: str) -> str:
    """The id of the first input that a problem is about."""
    found = input_id(pointer, given.decision)
    asked = {
        value_inputs.input_name(choice.value, one.name): one for choice in task.choices for one in choice.asks
    }
    if found not in asked:
        return found
    question = asked[found]
    return part(found, question.widget.first_wrong(question, below(found, given.typed)))


def _decided_page(request: Request, task: TaskView) -> Response:
    return page(
        "task_decided.html",
        signed_in=True,
        task=task,
        done=task.form.workflow.choice(task.task.decision).done,
        changes=[*task.values, *((title, words) for title, words in task.changes if words)],
        csrf=request.csrf,
    )
