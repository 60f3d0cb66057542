"""The pages of a form: the form, and the page that thanks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import (
    InvalidAnswers,
    KeyReused,
    LikelyDuplicate,
    NotFound,
    Problem,
    StillRunning,
    TooMany,
    Unavailable,
    Unreadable,
)
from chalicelib.domain.forms.form import Form
from chalicelib.domain.intake.form_keys import FormKey
from chalicelib.domain.people.pairs import submission_name
from chalicelib.domain.values import value
from chalicelib.services.intake import confirming, submitting, unconfirmed
from chalicelib.services.intake.submitting import DUPLICATE_LIFE
from chalicelib.services.ports import Parts
from chalicelib.services.records import status_view
from chalicelib.web.http import access, problems, rights
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.intake.form_view import FormView, form_view
from chalicelib.web.pages.people.finish import may_finish
from chalicelib.web.pages.render import ErrorLink, page, redirect
from chalicelib.web.widgets import html_forms

routes = Blueprint(__name__)

TRAP = "homepage"
"""An input that people do not see and programs fill in."""

ANYWAY = "duplicate_ok"
"""The box that is ticked to send the same a second time."""

OWN_FIELDS = frozenset({"key", "action", TRAP, ANYWAY})
"""Fields of the page that are no questions of the form."""


@routes.route("/forms/{form}", methods=["GET"])
@view(access.PUBLIC)
def show_form(request: Request, form: str) -> Response:
    one = request.parts.forms.form(form)
    return _Sheet(parts=request.parts, form=one, key=_new_key(request.parts, one)).shown(form_view(one))


@routes.route("/forms/{form}", methods=["POST"])
@view(access.PUBLIC, may=rights.names_form)
def post_form(request: Request, form: str) -> Response:
    """Send the form, or add or remove a line and show it again. A double click has one key: it sends once."""
    fields = request.fields()
    sheet, doubt = _sheet(request.parts, form, fields)
    changed = html_forms.lines_changed(sheet.form, fields)
    if changed is not None:
        return sheet.shown(form_view(sheet.form, html_forms.read_fields(sheet.form, changed)))
    posted = html_forms.read_fields(sheet.form, fields)
    return sheet.again(posted, doubt) if doubt else _submit(request, sheet, posted)


@routes.route("/forms/{form}/sent/{token}", methods=["GET"])
@view(access.PUBLIC)
def sent(request: Request, form: str, token: str) -> Response:
    request.parts.forms.form(form)
    status = status_view.status_of(request.parts, token)
    if not status.is_unconfirmed:
        return page("sent.html", sent=status, token=token, may_finish=may_finish(request))
    if not request.has_sent(token):
        return redirect(f"/status/{token}")
    return _confirm_page(request, form, token)


@routes.route("/forms/{form}/sent/{token}", methods=["POST"])
@view(access.PUBLIC)
def post_sent(request: Request, form: str, token: str) -> Response:
    """Confirm what this browser sent with the mailed code, put its address right, or have the code mailed again."""
    request.parts.forms.form(form)
    if not request.has_sent(token):
        return redirect(f"/status/{token}")
    force, reference = request.parts.links.read_status_token(token)
    fields = request.fields()
    here = f"/forms/{form}/sent/{token}"
    own = fields.get("own") == "true"
    try:
        if "address" in fields:
            mailbox = confirming.mend_address(request.parts, force, reference, fields["address"])
            name = submission_name(force, reference)
            return redirect(here, cookies=request.remember_sent(mailbox, name, after=here))
        if "code" not in fields:
            unconfirmed.ask_again(request.parts, force, reference, source=request.source)
            return redirect(f"{here}?again=yes")
        mailbox = confirming.confirm_here(request.parts, request.sent, force, reference, fields["code"])
    except InvalidAnswers as error:
        return _confirm_page(request, form, token, problem=error.problems[0], fields=fields, own=own)
    except TooMany as error:
        problem = Problem(pointer="/code", code="too-many", message=str(error))
        return _confirm_page(request, form, token, problem=problem, status=429, own=own)
    return redirect(here, cookies=(request.remember_proved(mailbox, is_own=own),) if mailbox else ())


def _confirm_page(
    request: Request,
    form: str,
    token: str,
    *,
    problem: Problem | None = None,
    fields: Mapping[str, str] | None = None,
    status: int = 422,
    own: bool = False,
) -> Response:
    """What this browser sent, and where the code is typed."""
    force, reference = request.parts.links.read_status_token(token)
    field = problem.pointer[1:] if problem else ""
    return page(
        "sent_unconfirmed.html",
        status=status if problem else 200,
        errors=[ErrorLink(text=problem.message, href=f"#{field}")] if problem else [],
        messages={field: problem.message} if problem else {},
        waiting=confirming.waiting_view(request.parts, force, reference),
        path=f"/forms/{form}/sent/{token}",
        typed_address=(fields or {}).get("address", ""),
        own=own,
        may_finish=may_finish(request),
        asked_again=request.query.get("again") == "yes",
    )


@value
class _Sheet:
    """The page of a form in somebody's browser. `anyway`: they ticked that a duplicate is meant."""

    parts: Parts
    form: Form
    key: FormKey
    anyway: bool = False

    def with_new_key(self) -> _Sheet:
        """The same page, of which nothing was sent yet."""
        return replace(self, key=replace(self.key, key=self.parts.new_secret()))

    def shown(
        self,
        shown: FormView,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        offer: bool = False,
    ) -> Response:
        """The page. `offer`: with the box that lets a duplicate through, ticked or not."""
        return page(
            "form.html",
            status=status,
            headers=headers,
            form=self.form,
            view=shown,
            errors=shown.errors,
            key=self.parts.links.form_key(self.key),
            trap=TRAP,
            anyway_field=ANYWAY,
            offer=offer or self.anyway,
            anyway=self.anyway,
        )

    def again(
        self,
        posted: html_forms.Posted,
        message: str,
        *,
        status: int = 422,
        headers: Mapping[str, str] | None = None,
        offer: bool = False,
    ) -> Response:
        """The page with all that was typed, and one message about the whole."""
        link = ErrorLink(text=message, href=f"#{ANYWAY}" if offer else "")
        shown = replace(form_view(self.form, posted), errors=(link,))
        return self.shown(shown, status=status, headers=headers, offer=offer)


def _sheet(parts: Parts, form_id: str, fields: Mapping[str, str]) -> tuple[_Sheet, str]:
    """The page that was sent, in the version that was shown; and why it cannot be taken as it is, in words, or
    nothing. The page has a new key then, and what was typed is sent once more."""
    anyway = fields.get(ANYWAY) == "true"
    try:
        key = parts.links.read_form_key(fields.get("key", ""))
        if key.form != form_id or key.is_over(parts.now()):
            raise Unreadable("The page is of another form, or from another week.")
        form = parts.forms.form(form_id, key.version)
    except (Unreadable, NotFound):
        form = parts.forms.form(form_id)
        doubt = "This page was open for too long, or did not reach us whole. Nothing is lost: send it again"
        return _Sheet(parts=parts, form=form, key=_new_key(parts, form), anyway=anyway), doubt
    sheet = _Sheet(parts=parts, form=form, key=key, anyway=anyway)
    if fields.get(TRAP):
        doubt = "A box that people do not see was filled in, perhaps by your browser. It is empty now: send it again"
    elif key.is_too_soon(parts.now(), parts.limits.form_wait):
        doubt = "This was sent sooner than anybody types. Nothing is lost: send it again"
    else:
        return sheet, ""
    return sheet.with_new_key(), doubt


def _new_key(parts: Parts, form: Form) -> FormKey:
    return FormKey(form=form.id, version=form.version, key=parts.new_secret(), shown_at=parts.now())


def _submit(request: Request, sheet: _Sheet, posted: html_forms.Posted) -> Response:
    form = sheet.form
    try:
        receipt = submitting.submit(
            sheet.parts,
            form,
            posted.answers,
            key=sheet.key.key,
            duplicate_ok=sheet.anyway,
            proved=request.proved,
        )
    except KeyReused:
        # Somebody went back to the form they had sent and changed it: a second claim, if they mean it.
        message = "You sent this form before, with other answers. "
        message += f"To send these as a second {form.noun}, send it again"
        return sheet.with_new_key().again(posted, message)
    except InvalidAnswers as error:
        return sheet.shown(form_view(form, posted, error.problems), status=422)
    except LikelyDuplicate as error:
        message = (
            f"You sent this {form.noun}, with the same answers, within the last {DUPLICATE_LIFE.days} days. "
        )
        message += "Our newest email about it has its link. "
        message += f"If you mean a second {form.noun}, tick the box at the end"
        return sheet.again(posted, message, status=problems.status_of(error), offer=True)
    except (StillRunning, TooMany, Unavailable) as error:
        message = f"{error} All that you typed is still here"
        status, headers = problems.status_of(error), problems.headers_of(error)
        return sheet.again(posted, message, status=status, headers=headers)
    here = f"/forms/{form.id}/sent/{receipt.status_token}"
    if not receipt.confirm_url:
        return redirect(here)
    return redirect(here, cookies=request.remember_sent(receipt.mailbox, receipt.name, after=here))
