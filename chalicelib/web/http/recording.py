"""What a request leaves in the security log. Signing in is recorded by the services, whichever way somebody comes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from chalice.app import Response

from chalicelib.domain.errors import Forbidden, MistypedReference, NotFound, NotSignedIn, Refused, TooMany
from chalicelib.domain.records.security import Event
from chalicelib.web.http import problems
from chalicelib.web.http.requests import Request

if TYPE_CHECKING:
    from chalicelib.domain.people.tokens import Scope


def done(request: Request, response: Response, event: Event | None) -> None:
    """A view has answered. `event` is what its route records, if anything; a form with mistakes in it is no event."""
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:  # the page says so itself, with what was typed
        request.parts.security.note(Event.TOO_MANY, "too-many")
    if event is not None and response.status_code < 400:
        request.parts.security.note(event, "done")


def token_used(request: Request, scope: Scope) -> None:
    """A bearer token let somebody in."""
    request.parts.security.note(Event.TOKEN_USED, scope.value)


def refused(request: Request, error: Refused) -> None:
    """Record a refusal that is about who asks. Somebody who has yet to sign in is led to do so: that is none. What we
    hide from somebody is not found, so 404 counts where we know who asks; a slip in a reference does not."""
    if isinstance(error, TooMany):
        request.parts.security.note(Event.TOO_MANY, problems.code_of(error))
    elif _is_about_who_asks(request, error):
        request.parts.security.note(Event.REFUSED, problems.code_of(error))


def _is_about_who_asks(request: Request, error: Refused) -> bool:
    if isinstance(error, NotSignedIn):
        return request.has_token
    if isinstance(error, NotFound):
        return bool(request.known_id) and not isinstance(error, MistypedReference)
    return isinstance(error, Forbidden)
