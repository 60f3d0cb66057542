"""API Gateway, as it is deployed: it knows `/` and `/{proxy+}`, and hands whatever comes to the app."""

from __future__ import annotations

import base64
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalice.app import Chalice
from chalice.local import LocalChalice

from infra.local import lambdas
from infra.local.answers import Answer, HeaderValue

Event = dict[str, Any]


class Gateway:
    """One for the whole server, used by many threads at once."""

    def __init__(self, app: Chalice) -> None:
        # Without this, parallel requests see each other's `current_request`. It is what chalice.local does.
        app.__class__ = type("LocalApp", (LocalChalice, app.__class__), {})
        self._app = app
        self._name = lambdas.function_name(app, "http")
        _ = app.routes  # all sections now, rather than each with the first request for it

    def answer(self, method: str, target: str, headers: Message, body: bytes | None) -> Answer:
        """The app's answer. `target` is the path and the query, as the request has them."""
        return _as_answer(self._app(event(method, target, headers, body), lambdas.Context(self._name)))


def event(method: str, target: str, headers: Message, body: bytes | None) -> Event:
    """A request as a REST API's Lambda proxy integration gives it: the path still encoded, the query decoded."""
    path, query = _split(target)
    values = {name.lower(): headers.get_all(name, []) for name in headers}
    fields = parse_qs(query, keep_blank_values=True)
    resource, below = ("/", None) if path == "/" else ("/{proxy+}", {"proxy": path[1:]})
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": _last(values),
        "multiValueHeaders": values,
        "queryStringParameters": _last(fields) or None,
        "multiValueQueryStringParameters": fields or None,
        "pathParameters": below,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": path,
            "stage": "live",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def _split(target: str) -> tuple[str, str]:
    """Path and query. A proxy's request names the host, too (RFC 9112, 3.2.2)."""
    if not target.startswith("/") and "://" in target:
        parts = urlsplit(target)
        return parts.path or "/", parts.query
    path, _, query = target.partition("?")
    return path, query


def _last(values: dict[str, list[str]]) -> dict[str, str]:
    return {name: given[-1] for name, given in values.items()}


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
