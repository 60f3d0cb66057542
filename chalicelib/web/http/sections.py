"""The app's sections: which module has the pages below an address. It is imported when the first of them is asked for,
so that a cold start loads one section, not all of them, and a background function none.

API Gateway hands over every path there is (ADR 20): which route it belongs to is found here, too.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from threading import RLock
from typing import Any, cast

from chalice.app import Chalice, Response, RestAPIEventHandler

from chalicelib.web.http.routing import Found, Routes, segments_of

Table = dict[str, dict[str, Any]]

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "api.routes": ("api", "health"),
    "pages.site": ("", "cookies", "privacy", "accessibility", "static", ".well-known"),
    "pages.intake.form": ("forms",),
    "pages.ideas.ideas": ("ideas",),
    "pages.ideas.map": ("map",),
    "pages.intake.status": ("status",),
    "pages.intake.submitter": ("status",),
    "pages.approvals.amend": ("status",),
    "pages.approvals.task": ("tasks",),
    "pages.approvals.reassign": ("tasks", "desk"),
    "pages.people.away": ("away",),
    "pages.desk.desk": ("desk",),
    "pages.desk.submission": ("desk",),
    "pages.money.payments": ("desk",),
    "pages.repair.checks": ("desk",),
    "pages.reports.exports": ("exports",),
    "pages.people.people": ("desk",),
    "pages.people.tokens": ("account",),
    "pages.people.sign_in": ("sign-in", "sign-out"),
    "pages.people.providers": ("sign-in/with", "sign-in/oidc", "sign-in/link"),
    "pages.people.account": ("account",),
}
"""The first part of a section's addresses, or the first two. It has the name of its module below `chalicelib.web`;
`routes` is the blueprint in it."""


class App(Chalice):
    """Chalice's app, with sections that are registered when they are needed, and routes that it finds itself."""

    def __init__(self, app_name: str, sections: Mapping[str, tuple[str, ...]] = SECTIONS) -> None:
        self._lock = RLock()
        self._is_registering = False
        self._sections: set[str] = set()
        self._sections_of: dict[str, list[str]] = {}
        for name, firsts in sections.items():
            for first in firsts:
                self._sections_of.setdefault(first, []).append(name)
        self._routes: Table = {}
        self._known = Routes()
        super().__init__(app_name)

    @property
    def routes(self) -> Table:
        """Every route of every section: whoever packages the app, or looks at it whole, must miss none."""
        self._register(name for names in self._sections_of.values() for name in names)
        return self._routes

    @routes.setter
    def routes(self, value: Table) -> None:
        self._routes = value

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """As Chalice's own, with the routes of the section that is asked."""
        self.lambda_context = context
        routed = self._with_route(event)
        middleware = self._get_middleware_handlers("http")
        handler = _Handler(self._routes, self.api, self.log, self.debug, middleware)
        handler.find = self.find
        self.current_request = handler.create_request_object(routed, context)
        answer: dict[str, Any] = handler(routed, context)
        is_head = event.get("requestContext", {}).get("httpMethod") == "HEAD"
        return _without_body(answer) if is_head else answer

    def find(self, path: str) -> Found | None:
        """The route of an address, as it stands in a request. Registers its section, and no other."""
        segments = segments_of(path)
        if segments is None:
            return None
        self._register(self._names(segments))
        if self._known.count != len(self._routes):
            self._known = Routes(list(self._routes))
        return self._known.find(segments)

    def _with_route(self, event: Any) -> Any:
        """The event as API Gateway would make it if it knew our routes, and GET for HEAD where no view takes that.

        Chalice's own test client and `chalice local` name the route, and are believed.
        """
        called = event.get("requestContext") or {}
        pattern = called.get("resourcePath")
        if pattern is None:
            return event
        self._register(self._names(pattern[1:].split("/")))
        parameters = event.get("pathParameters")
        if pattern not in self._routes:
            found = self.find(event.get("path") or "/")
            if found is None:
                return event
            pattern, parameters = found.pattern, found.parameters
        method, takes = called["httpMethod"], self._routes[pattern]
        if method == "HEAD" and "GET" in takes and "HEAD" not in takes:
            method = "GET"
        called = {**called, "resourcePath": pattern, "httpMethod": method}
        return {**event, "pathParameters": parameters, "requestContext": called}

    def _names(self, segments: Sequence[str]) -> list[str]:
        """The sections that an address may be in."""
        firsts = (segments[0], "/".join(segments[:2]))
        return [name for first in dict.fromkeys(firsts) for name in self._sections_of.get(first, ())]

    def _register(self, names: Iterable[str]) -> None:
        names = [name for name in names if name not in self._sections]
        if not names:
            return
        with self._lock:
            if self._is_registering:  # to register a route, Chalice looks at the routes
                return
            self._is_registering = True
            try:
                for name in names:
                    if name not in self._sections:
                        self._register_section(name)
                        self._sections.add(name)
            finally:
                self._is_registering = False

    def _register_section(self, name: str) -> None:
        if not self._sections:
            from chalicelib.web.http.views import current

            self.register_blueprint(current)
        self.register_blueprint(import_module(f"chalicelib.web.{name}").routes)


class _Handler(RestAPIEventHandler):
    """Chalice's handler, less what that answers by itself in its own shape: 405, 415 for a GET with a `Content-Type`,
    400 for a file and an `Accept` that does not name its type, 500."""

    find: Callable[[str], Found | None]

    def _main_rest_api_handler(self, event: Any, context: Any) -> Response:
        request = self.current_request
        if request is None:  # not from API Gateway
            return super()._main_rest_api_handler(event, context)
        takes = self.routes.get(request.path)
        if takes and (entry := takes.get(request.method)):
            arguments = {name: event["pathParameters"][name] for name in entry.view_args}
            return self._get_view_function_response(entry.view_function, arguments)
        from chalicelib.web.http import unrouted

        if takes:
            return unrouted.without_view(request, takes)
        path = event.get("path") or "/"
        without_slash = self.find(path[:-1]) if path.endswith("/") else None
        return unrouted.moved(request, without_slash.path) if without_slash else unrouted.not_found(request)

    def _unhandled_exception_to_response(self) -> Response:
        from chalicelib.web.http import unrouted

        return unrouted.unforeseen(self.current_request, cast("Exception", sys.exc_info()[1]))


def _without_body(answer: dict[str, Any]) -> dict[str, Any]:
    """What HEAD gets: all that GET would, with the length of the body in its place."""
    body = answer["body"] or ""
    length = len(base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode())
    headers = {**answer["headers"], "Content-Length": str(length)}
    return {**answer, "headers": headers, "body": "", "isBase64Encoded": False}
