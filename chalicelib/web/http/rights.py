"""Who may ask at all, for routes whose path names something: `view(…, may=…)`. Each raises for a caller without right,
in the words in which the service refuses them, and looks at nothing that was sent.

What it takes is imported when it is needed: most requests are by those who may."""

from __future__ import annotations

from chalicelib.domain.people.people import check_coordinator
from chalicelib.domain.records.submissions import Case
from chalicelib.web.http.requests import Request


def decides(request: Request, task: str) -> None:
    """Whoever was asked."""
    from chalicelib.services.approvals import task_view

    task_view.check_may_see(request.parts, request.person_id, task)


def hands_on_task(request: Request, task: str) -> None:
    """Whoever was asked, and the coordinators of the seat's place."""
    from chalicelib.services.approvals import reassigning

    reassigning.check_may_hand_on_task(request.parts, request.person, task)


def hands_on(request: Request, reference: str) -> None:
    """The coordinators of the seat's place."""
    from chalicelib.services.approvals import reassigning

    case = _case(request, reference)
    reassigning.check_responsible(request.parts, request.person, case, case.open_task)


def reads(request: Request, reference: str) -> None:
    """Staff within their scope."""
    _case(request, reference)


def coordinates(request: Request, reference: str) -> None:
    """The coordinators of the submission's force, and national ones."""
    case = _case(request, reference)
    check_coordinator(request.person, case.submission.force)


def records_money(request: Request, reference: str) -> None:
    """The fund holder, unless barred."""
    from chalicelib.services.money import paying

    case = _case(request, reference)
    paying.check_may_record(request.parts, request.person, case)


def looks_after(request: Request, person: str) -> None:
    """Whoever may look after this person."""
    from chalicelib.services.people import leaving

    leaving.person_for(request.parts, request.person, person)


def revokes_of(request: Request, person: str) -> None:
    """Whoever may look after this person, and revoke the tokens of others."""
    from chalicelib.services.people import leaving, tokens

    tokens.check_may_revoke(request.person, leaving.person_for(request.parts, request.person, person).id)


def tries_again(request: Request) -> None:
    """Coordinators."""
    from chalicelib.services.delivery import setting_aside

    setting_aside.check_may_try_again(request.person)


def holds_link(request: Request, token: str) -> None:
    """Whoever has a link that we signed."""
    from chalicelib.services.records import status_view

    status_view.status_of(request.parts, token, may_be_over=True)


def names_form(request: Request, form: str) -> None:
    """Anybody, of a form that there is."""
    request.parts.forms.form(form)


def _case(request: Request, reference: str) -> Case:
    from chalicelib.services.records import status_view

    return status_view.submission_for(request.parts, request.person, reference)
