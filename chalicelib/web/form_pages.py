"""The pages of a form: the form, and the page that thanks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidAnswers, KeyReused, Problem
from chalicelib.domain.forms import Form
from chalicelib.services import intake, tracking
from chalicelib.services.ports import Parts
from chalicelib.web import access, html_forms
from chalicelib.web.form_views import FormView, form_view
from chalicelib.web.pages import page, redirect
from chalicelib.web.requests import Request
from chalicelib.web.views import ANY_TYPE, view

form_pages = Blueprint(__name__)

_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)


@form_pages.route("/forms/{form}", methods=["GET"])
@view(access.PUBLIC)
def show_form(request: Request, form: str) -> Response:
    one = request.parts.forms.form(form)
    return _form_page(one, form_view(one), key=request.parts.new_secret())


@form_pages.route("/forms/{form}", methods=["POST"], content_types=ANY_TYPE)
@view(access.PUBLIC)
def post_form(request: Request, form: str) -> Response:
    """Send the form, or add or remove a line and show it again. A double click has one key: it sends once."""
    one = request.parts.forms.form(form)
    fields = request.fields()
    key = fields.get("key", "")
    if not _KEY.fullmatch(key):
        key = request.parts.new_secret()
    changed = html_forms.lines_changed(one, fields)
    if changed is not None:
        return _form_page(one, form_view(one, html_forms.read_fields(one, changed)), key=key)
    return _submit(request.parts, one, html_forms.read_fields(one, fields), key)


@form_pages.route("/forms/{form}/sent/{token}", methods=["GET"])
@view(access.PUBLIC)
def sent(request: Request, form: str, token: str) -> Response:
    request.parts.forms.form(form)
    return page("sent.html", sent=tracking.status_of(request.parts, token), token=token)


def _submit(parts: Parts, form: Form, posted: html_forms.Posted, key: str) -> Response:
    try:
        receipt = intake.submit(parts, form, posted.answers, key=key)
    except KeyReused:
        # Somebody went back to the form they had sent and changed it: a second claim, if they mean it.
        message = (
            "You sent this form before, with other answers. "
            f"To send these as a second {form.noun}, send it again"
        )
        again = Problem(pointer="", code="sent-already", message=message)
        return _refused(form, posted, [again], key=parts.new_secret())
    except InvalidAnswers as error:
        return _refused(form, posted, error.problems, key=key)
    return redirect(f"/forms/{form.id}/sent/{receipt.status_token}")


def _refused(form: Form, posted: html_forms.Posted, problems: Sequence[Problem], *, key: str) -> Response:
    return _form_page(form, form_view(form, posted, problems), key=key, status=422)


def _form_page(form: Form, view: FormView, *, key: str, status: int = 200) -> Response:
    return page("form.html", status=status, form=form, view=view, errors=view.errors, key=key)
