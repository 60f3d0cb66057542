"""The page behind a receipt's link: where a submission stands, for anyone who holds the link."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.services import tracking
from chalicelib.web import access, happenings
from chalicelib.web.finishing import may_finish
from chalicelib.web.pages import page, redirect
from chalicelib.web.requests import Request
from chalicelib.web.views import view

status_pages = Blueprint(__name__)


@status_pages.route("/status/{token}", methods=["GET"])
@view(access.PUBLIC)
def show_status(request: Request, token: str) -> Response:
    status = tracking.status_of(request.parts, token)
    if status.is_unconfirmed and request.has_sent(token):
        return redirect(f"/forms/{status.form}/sent/{token}")
    return page(
        "status.html",
        submission=status,
        history=happenings.told(status.history),
        may_finish=may_finish(request),
    )
