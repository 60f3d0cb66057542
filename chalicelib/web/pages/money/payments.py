"""What a fund holder records of an approved claim: that it was paid, and what of it came back."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.domain.approvals.decisions import MAX_COMMENT
from chalicelib.domain.errors import InvalidAnswers, Overtaken, Problem
from chalicelib.domain.intake.references import read_reference
from chalicelib.domain.intake.strict_json import MAX_DIGITS
from chalicelib.domain.money.pence import pence_from_typed
from chalicelib.domain.records.submissions import Case
from chalicelib.services.money import paying
from chalicelib.services.records import status_view
from chalicelib.web.http import access, rights
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.people.account import proof_first
from chalicelib.web.pages.render import ErrorLink, page, redirect

routes = Blueprint(__name__)

_CASE = "/desk/submissions/{reference}"


@routes.route(f"{_CASE}/paid", methods=["GET"])
@view(access.STAFF, may=rights.records_money)
def show_paid(request: Request, reference: str) -> Response:
    return _paid_page(request, reference)


@routes.route(f"{_CASE}/paid", methods=["POST"])
@view(access.STAFF, may=rights.records_money)
def post_paid(request: Request, reference: str) -> Response:
    proof = proof_first(request)
    if proof is not None:
        return proof
    typed = request.fields().get("payment", "")
    try:
        paying.pay(request.parts, request.person, reference, typed)
    except InvalidAnswers as error:
        return _paid_page(request, reference, typed=typed, message=error.problems[0].message)
    return redirect(f"{_CASE.format(reference=read_reference(reference))}?done=paid")


@routes.route(f"{_CASE}/returned", methods=["GET"])
@view(access.STAFF, may=rights.records_money)
def show_returned(request: Request, reference: str) -> Response:
    return _returned_page(request, reference)


@routes.route(f"{_CASE}/returned", methods=["POST"])
@view(access.STAFF, may=rights.records_money)
def post_returned(request: Request, reference: str) -> Response:
    proof = proof_first(request)
    if proof is not None:
        return proof
    fields = request.fields()
    try:
        amount = _amount(fields.get("amount", ""))
        paying.give_back(
            request.parts,
            request.person,
            reference,
            amount_pence=amount,
            reason=fields.get("reason", ""),
            returned_before=_returned_before(fields.get("returned_before", "")),
        )
    except InvalidAnswers as error:
        return _returned_page(
            request,
            reference,
            typed_amount=fields.get("amount", ""),
            reason=fields.get("reason", ""),
            wrong=error.problems[0],
        )
    return redirect(f"{_CASE.format(reference=read_reference(reference))}?done=returned")


def _amount(typed: str) -> int:
    amount = pence_from_typed(typed)
    if amount is None:
        message = (
            "Write the amount in pounds, such as 120.50" if typed.strip() else "Write how much came back"
        )
        raise InvalidAnswers([Problem(pointer="/amount", code="type", message=message)])
    return amount


def _returned_before(typed: str) -> int:
    """What had come back when the page was shown; -1, which never was, where the field is none of our page's."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= MAX_DIGITS else -1


def _case(request: Request, reference: str) -> Case:
    """The claim, for whoever may record its payments. Raises as `paying.check_may_record`."""
    case = status_view.submission_for(request.parts, request.person, reference)
    paying.check_may_record(request.parts, request.person, case)
    return case


def _paid_page(request: Request, reference: str, *, typed: str = "", message: str = "") -> Response:
    parts = request.parts
    one = _case(request, reference).submission
    form = parts.forms.form(one.form, one.form_version)
    if not paying.may_pay(one, parts.now()):
        raise Overtaken(f"This {form.noun} waits for no payment.")
    return page(
        "desk_paid.html",
        status=422 if message else 200,
        errors=[ErrorLink(text=message, href="#payment")] if message else [],
        signed_in=True,
        is_staff=True,
        csrf=request.csrf,
        submission=one,
        noun=form.noun,
        force_name=parts.forms.force_name(one.force),
        typed=typed,
        message=message,
    )


def _returned_page(
    request: Request,
    reference: str,
    *,
    typed_amount: str = "",
    reason: str = "",
    wrong: Problem | None = None,
) -> Response:
    parts = request.parts
    one = _case(request, reference).submission
    form = parts.forms.form(one.form, one.form_version)
    if not paying.may_return(one):
        raise Overtaken(f"Nothing of this {form.noun} is paid that has not come back.")
    field = wrong.pointer[1:] if wrong else ""
    return page(
        "desk_returned.html",
        status=422 if wrong else 200,
        errors=[ErrorLink(text=wrong.message, href=f"#{field}")] if wrong else [],
        signed_in=True,
        is_staff=True,
        csrf=request.csrf,
        submission=one,
        noun=form.noun,
        force_name=parts.forms.force_name(one.force),
        left=one.paid_pence - one.returned_pence,
        typed_amount=typed_amount,
        reason=reason,
        messages={field: wrong.message} if wrong else {},
        most_words=MAX_COMMENT,
    )
