"""The page behind an approver's link. Opening it changes nothing; the form on it decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalice.app import Blueprint, Response

from chalicelib.domain.approvals import DECIDED_WORDS, MAX_COMMENT, role_words
from chalicelib.domain.errors import InvalidAnswers, NotSignedIn, Problem
from chalicelib.services import deciding
from chalicelib.services.deciding import EarlierDecision, TaskView
from chalicelib.web import access
from chalicelib.web.html_forms import ErrorLink
from chalicelib.web.pages import page, redirect
from chalicelib.web.requests import Request
from chalicelib.web.views import ANY_TYPE, view

task_pages = Blueprint(__name__)


@task_pages.route("/tasks/{task}", methods=["GET"])
@view(access.SIGNED_IN)
def show_task(request: Request, task: str) -> Response:
    one = deciding.task_view(request.parts, request.person_id, task)
    if one.may_decide:
        return _task_page(request, one)
    return page("task_decided.html", task=one, signed_in=True)


@task_pages.route("/tasks/{task}", methods=["POST"], content_types=ANY_TYPE)
@view(access.SIGNED_IN)
def decide_task(request: Request, task: str) -> Response:
    fields = request.fields()
    decision, comment, seen = (fields.get(name, "") for name in ("decision", "comment", "seen"))
    try:
        deciding.decide(request.parts, request.person_id, task, decision=decision, comment=comment, seen=seen)
    except InvalidAnswers as error:
        one = deciding.task_view(request.parts, request.person_id, task)
        if one.may_decide:
            return _task_page(
                request, one, problems=error.problems, decision=decision, comment=comment, seen=seen
            )
    return redirect(f"/tasks/{task}")


def _task_page(
    request: Request,
    task: TaskView,
    *,
    problems: Sequence[Problem] = (),
    decision: str = "",
    comment: str = "",
    seen: str | None = None,
) -> Response:
    """The page to decide on. After a mistake it keeps the `seen` that was posted, so that a change is caught."""
    if request.session is None:
        raise NotSignedIn("Sign in to decide this claim.")
    messages = {problem.pointer[1:]: problem.message for problem in reversed(problems)}
    return page(
        "task.html",
        status=422 if problems else 200,
        signed_in=True,
        errors=[ErrorLink(text=problem.message, href="#" + problem.pointer[1:]) for problem in problems],
        messages=messages,
        task=task,
        facts=[(answer.heading, answer.value) for answer in task.answers if not answer.rows],
        groups=[answer for answer in task.answers if answer.rows],
        role=_capital(role_words(task.task.role)),
        fund_name=_capital(task.fund_name),
        earlier=[(_words(one), one.at, one.comment) for one in task.earlier],
        waited=waited(task.waiting_since, request.parts.now()),
        is_reserved=task.form.workflow.reserve_at in task.submission.approved_by,
        fits=task.total_pence <= min(task.fund.available, task.force_share.available),
        choices=[
            {"value": value, "text": label, "checked": value == decision} for value, label in task.choices
        ],
        comment=comment,
        most_words=MAX_COMMENT,
        seen=task.seen if seen is None else seen,
        csrf=request.session.csrf,
    )


def waited(since: datetime, now: datetime) -> str:
    """For how long, in whole days or hours: `3 days`."""
    hours = max(0, int((now - since).total_seconds() // 3600))
    if hours < 1:
        return "less than an hour"
    number, unit = (hours, "hour") if hours < 48 else (hours // 24, "day")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _words(one: EarlierDecision) -> str:
    return f"The {one.role} {DECIDED_WORDS[one.decision]} it"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
