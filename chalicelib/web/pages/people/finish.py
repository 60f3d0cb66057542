"""Leaving a browser so that whoever uses it next can do nothing in one's name: signing out, and finishing."""

from __future__ import annotations

from chalicelib.services.people import signing_in
from chalicelib.web.http import cookies
from chalicelib.web.http.requests import Request


def finish(request: Request) -> tuple[str, ...]:
    """End the sessions that came with the request, of staff and of a submitter. Returns the `Set-Cookie` values with
    which the browser forgets them, what was sent from it, and the mailboxes that were asked about or proved."""
    secure = request.is_secure
    for secret in (
        cookies.read_session_cookie(request.cookies, secure=secure),
        cookies.read_claimant_cookie(request.cookies),
    ):
        signing_in.sign_out(request.parts, secret)
    return (
        cookies.clear_session_cookie(secure=secure),
        cookies.clear_claimant_cookie(secure=secure),
        *(cookies.provider_cookie(kind, "", secure=secure) for kind in cookies.PROVIDER_LIVES),
        *(cookies.mailboxes_cookie(kind, "", secure=secure) for kind in cookies.LIVES),
    )


def may_finish(request: Request) -> bool:
    """Whether this browser holds anything that `finish` ends."""
    secure = request.is_secure
    held = [
        cookies.read_session_cookie(request.cookies, secure=secure),
        cookies.read_claimant_cookie(request.cookies),
        *(request.cookies.get(kind) for kind in cookies.LIVES),
    ]
    return any(held)
