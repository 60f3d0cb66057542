"""One submission on the desk: all that is known of it, and what staff may do about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.approvals.decisions import MAX_COMMENT
from chalicelib.domain.errors import InvalidAnswers, Overtaken, Refused, Unavailable
from chalicelib.domain.forms.answers import walk
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.intake.references import read_reference
from chalicelib.domain.people.people import check_coordinator
from chalicelib.domain.records.security import Event
from chalicelib.domain.records.submissions import Case
from chalicelib.services.approvals import reassigning
from chalicelib.services.desk import staff_actions
from chalicelib.services.money import paying
from chalicelib.services.records import status_view
from chalicelib.web.http import access, rights
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.desk import mails, words
from chalicelib.web.pages.render import ErrorLink, page, redirect

routes = Blueprint(__name__)

_CASE = "/desk/submissions/{reference}"
_DONE = {
    "noted": "Your note is saved.",
    "chased": "A reminder is on its way.",
    "withdrawn": "It is withdrawn. The person who sent it gets an email.",
    "paid": "The payment is recorded. The person who sent the claim gets an email.",
    "returned": "It is recorded. The money can be promised to others again.",
}


@routes.route(_CASE, methods=["GET"])
@view(access.STAFF, may=rights.reads, records=Event.TIMELINE_READ)
def show_submission(request: Request, reference: str) -> Response:
    return _case_page(request, reference)


@routes.route(f"{_CASE}/note", methods=["POST"])
@view(access.STAFF, access.MANAGE, may=rights.reads)
def post_note(request: Request, reference: str) -> Response:
    typed = request.fields().get("note", "")
    try:
        staff_actions.note(request.parts, request.person, reference, typed)
    except InvalidAnswers as error:
        if request.has_token:
            raise
        return _case_page(request, reference, typed_note=typed, note_error=error.problems[0].message)
    return redirect(f"{_path(reference)}?done=noted")


@routes.route(f"{_CASE}/chase", methods=["POST"])
@view(access.STAFF, access.MANAGE, may=rights.coordinates)
def post_chase(request: Request, reference: str) -> Response:
    staff_actions.chase(request.parts, request.person, reference)
    return redirect(f"{_path(reference)}?done=chased")


@routes.route(f"{_CASE}/note", methods=["GET"])
@view(access.STAFF, may=rights.reads)
def show_note(request: Request, reference: str) -> Response:
    """Whoever had to sign in again on the way comes here: the form is on the submission's page."""
    return _case_page(request, reference)


@routes.route(f"{_CASE}/chase", methods=["GET"])
@view(access.STAFF, may=rights.reads)
def show_chase(request: Request, reference: str) -> Response:
    """As `show_note`."""
    return _case_page(request, reference)


@routes.route(f"{_CASE}/withdraw", methods=["GET"])
@view(access.STAFF, may=rights.coordinates)
def show_withdraw_for(request: Request, reference: str) -> Response:
    return _withdraw_page(request, reference)


@routes.route(f"{_CASE}/withdraw", methods=["POST"])
@view(access.STAFF, may=rights.coordinates)
def post_withdraw_for(request: Request, reference: str) -> Response:
    reason = request.fields().get("reason", "")
    try:
        staff_actions.withdraw(request.parts, request.person, reference, reason)
    except InvalidAnswers as error:
        return _withdraw_page(request, reference, reason=reason, message=error.problems[0].message)
    return redirect(f"{_path(reference)}?done=withdrawn")


def _path(reference: str) -> str:
    """Where the submission stands, whichever way its reference was typed. Raises MistypedReference."""
    return _CASE.format(reference=read_reference(reference))


def _case_page(request: Request, reference: str, *, typed_note: str = "", note_error: str = "") -> Response:
    parts = request.parts
    case = status_view.submission_for(parts, request.person, reference)
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    name = words.names_of(parts, form.submitter)
    asked = [name(task.person_id) for task in case.open_tasks]
    may_hand_on = partial(reassigning.check_may_hand_on, parts, request.person, case)
    may_record = partial(paying.check_may_record, parts, request.person, case)
    return page(
        "desk_submission.html",
        status=422 if note_error else 200,
        errors=[ErrorLink(text=note_error, href="#note")] if note_error else [],
        signed_in=True,
        is_staff=True,
        csrf=request.csrf,
        done=_done(request, asked),
        submission=one,
        noun=form.noun,
        submitter=form.submitter,
        is_vouched_for=case.is_vouched_for,
        force_name=parts.forms.force_name(one.force),
        moved_to=parts.forms.force_name(one.moved_to) if one.moved_to else "",
        is_put_aside=one.is_open and one.asked_as is AskedAs.LATER,
        waiting_for=words.whose_turn(one.waiting_for, form),
        status_words=words.status_words(one.status),
        stage_title=form.workflow.stage(one.stage).title if one.is_open else "",
        asked=asked,
        undo_until=one.undo.until if one.undo and one.may_undo(parts.now()) else None,
        tasks=words.task_rows(case, form, name),
        happenings=words.timeline_words(case, form, name),
        mails=mails.mail_rows(case, form, name),
        may_hand_on=_is_allowed(may_hand_on),
        may_chase=staff_actions.may_chase(parts, request.person, case),
        may_withdraw=staff_actions.may_withdraw(request.person, one),
        may_pay=paying.may_pay(one, parts.now()) and _is_allowed(may_record),
        may_return=paying.may_return(one) and _is_allowed(may_record),
        typed_note=typed_note,
        note_error=note_error,
        most_words=MAX_COMMENT,
        **_answers(request, case, form),
    )


def _answers(request: Request, case: Case, form: Form) -> dict[str, Any]:
    """What this person may read of the answers."""
    shown = status_view.answers_for(request.parts, request.person, case)
    found = list(walk(form, shown))
    return {
        "answers": [(one.heading, one.value) for one in found if not one.rows],
        "groups": [one for one in found if one.rows],
        "is_withheld": len(shown) < len(case.answers),
    }


def _done(request: Request, asked: list[str]) -> str:
    """What the step before came to; the address says which it was."""
    if "asked" in request.query and asked:
        return f"{', '.join(asked)} is asked to decide now."
    return _DONE.get(request.query.get("done", ""), "")


def _withdraw_page(request: Request, reference: str, *, reason: str = "", message: str = "") -> Response:
    parts = request.parts
    one = status_view.submission_for(parts, request.person, reference).submission
    form = parts.forms.form(one.form, one.form_version)
    check_coordinator(request.person, one.force)
    if not staff_actions.may_withdraw(request.person, one):
        raise Overtaken(f"This {form.noun} has ended, so it cannot be withdrawn.")
    return page(
        "desk_withdraw.html",
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href="#reason")] if message else [],
        signed_in=True,
        is_staff=True,
        csrf=request.csrf,
        submission=one,
        noun=form.noun,
        has_fund=bool(form.workflow.fund),
        submitter=form.submitter,
        force_name=parts.forms.force_name(one.force),
        reason=reason,
        message=message,
        most_words=MAX_COMMENT,
    )


def _is_allowed(attempt: Callable[[], object]) -> bool:
    """Whether this person would not be refused: then the page offers it."""
    try:
        attempt()
    except Unavailable:
        raise
    except Refused:
        return False
    return True
