"""The backend's short way to DynamoDB: what botocore has made of a call is posted, and the answer's JSON is read.

A claim's life takes some fifty calls of the background functions, and botocore spends more on each (signing, looking
for the endpoint, taking the answer apart by its model) than dynoxide and our own code together. Nothing is lost here by
passing over that: dynoxide looks at the form of a signature only, and our items hold nothing but text and numbers. Only
the backend goes this way. The web process, whose speed we tell, goes the long one, as on AWS.
"""

from __future__ import annotations

import http.client
import json
from collections import deque
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.handlers import BUILTIN_HANDLERS

OPERATIONS = frozenset(
    {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "TransactWriteItems"}
)
"""Those whose answers are plain JSON: the others' hold dates."""

FORMAL_SIGNATURE = {
    "X-Amz-Date": "20260101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-2/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=none",
}
"""dynoxide takes no request without one, and does not look into it."""

SECONDS = 2.0
_DONE, _REFUSED = 200, 400
_AGAIN = (
    "Throttling",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
)


def connect(endpoint: str) -> None:
    """Go the short way to this endpoint, in every session that is made from now on."""
    way = ShortWay(endpoint)
    BUILTIN_HANDLERS.append(("before-call.dynamodb", way.call))


class ShortWay:
    """Connections to one endpoint, each used by one thread at a time."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._address = urlsplit(endpoint).netloc
        self._free: deque[http.client.HTTPConnection] = deque()

    def call(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        """The answer as botocore would have parsed it. None where botocore is to send the call itself: to elsewhere,
        or once more, where nothing came back or it must wait."""
        if model.name not in OPERATIONS or not params["url"].startswith(self._endpoint):
            return None
        try:
            status, answer = self._post(params["body"], params["headers"])
        except (OSError, http.client.HTTPException, ValueError):
            return None
        if status not in (_DONE, _REFUSED):
            return None
        told = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": ""}
        parsed = {**answer, "ResponseMetadata": told}
        if status == _REFUSED:
            code = str(answer.get("__type", "")).rpartition("#")[2]
            if code in _AGAIN:
                return None
            parsed["Error"] = {"Code": code, "Message": answer.get("message", answer.get("Message", ""))}
        return AWSResponse(params["url"], status, {}, None), parsed

    def _post(self, body: bytes, headers: Any) -> tuple[int, dict[str, Any]]:
        connection = self._connection()
        try:
            given = {name: headers[name] for name in ("X-Amz-Target", "Content-Type")}
            connection.request("POST", "/", body, {**given, **FORMAL_SIGNATURE})
            response = connection.getresponse()
            answer = response.status, json.loads(response.read())
        except BaseException:
            connection.close()
            raise
        self._free.append(connection)
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        try:
            return self._free.pop()
        except IndexError:
            return http.client.HTTPConnection(self._address, timeout=SECONDS)

    def close(self) -> None:
        """End what is not in use."""
        while self._free:
            self._free.pop().close()
