"""Chalice's local API Gateway, with the corners that the deployed one does not have taken off."""

from __future__ import annotations

import base64
import logging
from email.message import Message
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import LocalChalice, LocalGateway, LocalGatewayException

from infra.local.answers import Answer, HeaderValue, problem

log = logging.getLogger(__name__)


class Gateway:
    """One for the whole server, used by many threads at once."""

    def __init__(self, app: Chalice) -> None:
        # Without this, parallel requests see each other's `current_request`. It is what chalice.local does.
        app.__class__ = type("LocalApp", (LocalChalice, app.__class__), {})
        self._routes = app.routes
        self._local = LocalGateway(app, Config.create(lambda_timeout=60))

    def answer(self, method: str, path: str, headers: Message, body: bytes | None) -> Answer:
        """The app's answer, or the gateway's own: 404 and 405 as problems, as they are deployed."""
        accept = headers.get("Accept", "")
        try:
            route = self._local.event_converter._route_matcher.match_route(path).route
        except ValueError:
            return problem(404, "There is nothing at this address.", accept=accept)
        method = self._served_method(route, method)
        if not self._takes(route, method):
            allow = ", ".join(self._allowed(route))
            detail = f"This address does not take {method}. It takes {allow}."
            return problem(405, detail, accept=accept, headers={"Allow": allow})
        return self._ask_app(method, path, headers, body)

    def _served_method(self, route: str, method: str) -> str:
        """HEAD is answered as GET would be; who sends the answer leaves the body out."""
        return "GET" if method == "HEAD" and "HEAD" not in self._routes[route] else method

    def _takes(self, route: str, method: str) -> bool:
        if method in self._routes[route]:
            return True
        return method == "OPTIONS" and any(entry.cors for entry in self._routes[route].values())

    def _allowed(self, route: str) -> list[str]:
        methods = set(self._routes[route])
        return sorted(methods | {"HEAD"} if "GET" in methods else methods)

    def _ask_app(self, method: str, path: str, headers: Message, body: bytes | None) -> Answer:
        try:
            return _as_answer(self._local.handle_request(method, path, _joined(headers), body))
        except LocalGatewayException as refusal:
            return problem(refusal.CODE, "The gateway refused this request.")


def _joined(headers: Message) -> dict[str, str]:
    """Each header once: what came several times is a list (RFC 9110, 5.2)."""
    return {name: ", ".join(headers.get_all(name, [])) for name in headers}


def _as_answer(response: dict[str, Any]) -> Answer:
    body = response["body"] or ""
    if response.get("isBase64Encoded"):
        content = base64.b64decode(body)
    else:
        content = body.encode() if isinstance(body, str) else body
    headers: dict[str, HeaderValue] = {**response["headers"], **response["multiValueHeaders"]}
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return Answer(status=response["statusCode"], body=content, headers=headers)
