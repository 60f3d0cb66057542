"""What may become of a call to DynamoDB: it never arrives, its answer is lost, or another answer comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from chalicelib.adapters.dynamodb.tables import Row, shared_connection

COMMIT = "TransactWriteItems"


class Line:
    """The line to DynamoDB, for commits alone. `cut` says what becomes of the next ones; `sizes` are those sent."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._cut: Callable[[Any], AWSResponse | None] | None = None
        self._left = 0
        self._client = shared_connection().client
        self._client.meta.events.register("before-send.dynamodb", self._send)
        self._client.meta.events.register(f"provide-client-params.dynamodb.{COMMIT}", self._count)

    def cut(self, how: Callable[[Any], AWSResponse | None], *, times: int = 1000) -> None:
        self._cut, self._left = how, times

    def mend(self) -> None:
        self._left = 0

    def end(self) -> None:
        self._client.meta.events.unregister("before-send.dynamodb", self._send)
        self._client.meta.events.unregister(f"provide-client-params.dynamodb.{COMMIT}", self._count)

    def table(self) -> list[dict[str, Any]]:
        """Every item as it is stored."""
        pages = self._client.get_paginator("scan").paginate(TableName=Row.Meta.table_name)
        items = [item for page in pages for item in page["Items"]]
        return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        if not self._left or COMMIT not in str(request.headers["X-Amz-Target"]):
            return None
        self._left -= 1
        assert self._cut is not None
        return self._cut(request)

    def _count(self, params: dict[str, Any], **_: Any) -> None:
        self.sizes.append(len(params["TransactItems"]))


def before(request: Any) -> AWSResponse:
    """It never arrives."""
    raise ConnectTimeoutError(endpoint_url=request.url, error="injected")


def after(request: Any) -> AWSResponse:
    """It is done, and the answer is lost."""
    URLLib3Session().send(request)
    raise ReadTimeoutError(endpoint_url=request.url, error="injected")


class Body:
    """What botocore reads of a raw response."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content


def error(code: str, status: int = 400, **more: Any) -> Callable[[Any], AWSResponse]:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **more})
    headers = {"content-type": "application/x-amz-json-1.0"}
    return lambda request: AWSResponse(request.url, status, headers, Body(body.encode()))


def cancelled(*codes: str) -> Callable[[Any], AWSResponse]:
    return error("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])
