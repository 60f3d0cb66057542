"""The page behind a receipt's link: where a submission stands, for anyone who holds the link."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.services.records import status_view
from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.desk import happenings
from chalicelib.web.pages.people.finish import may_finish
from chalicelib.web.pages.render import page, redirect

routes = Blueprint(__name__)


@routes.route("/status/{token}", methods=["GET"])
@view(access.PUBLIC)
def show_status(request: Request, token: str) -> Response:
    status = status_view.status_of(request.parts, token)
    if status.is_unconfirmed and request.has_sent(token):
        return redirect(f"/forms/{status.form}/sent/{token}")
    return page(
        "status.html",
        submission=status,
        history=happenings.told(status.history),
        may_finish=may_finish(request),
    )
