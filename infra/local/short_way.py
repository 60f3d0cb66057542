"""The backend's short way to DynamoDB: what botocore has made of a call is posted, and the answer's JSON is read.

A claim's life takes some fifty calls of the background functions, and botocore spends more on each (signing, looking
for the endpoint, taking the answer apart by its model) than dynoxide and our own code together. Nothing is lost here by
passing over that: dynoxide looks at the form of a signature only, and our items hold nothing but text and numbers. The
backend goes this way, and what fills the demonstration. The web process, whose speed we tell, goes the long one, as
on AWS.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.handlers import BUILTIN_HANDLERS

OPERATIONS = frozenset(
    {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "TransactWriteItems"}
)
"""Those whose answers are plain JSON: the others' hold dates."""

_FORMAL_SIGNATURE = {
    "X-Amz-Date": "20260101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-2/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=none",
}
"""dynoxide takes no request without one, and does not look into it."""

_HEADERS = "".join(f"{name}: {value}\r\n" for name, value in _FORMAL_SIGNATURE.items())
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

    def __init__(self, endpoint: str, *, seconds: float = SECONDS) -> None:
        self._endpoint = endpoint
        self._seconds = seconds
        self._address = urlsplit(endpoint).netloc
        self._free: deque[_Connection] = deque()

    def call(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        """The answer as botocore would have parsed it. None where botocore is to send the call itself: to elsewhere,
        or once more, where nothing came back or it must wait."""
        if model.name not in OPERATIONS or not params["url"].startswith(self._endpoint):
            return None
        try:
            status, answer = self.post(params["body"], params["headers"])
        except (OSError, ValueError):
            return None
        if status not in (_DONE, _REFUSED):
            return None
        told = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": ""}
        parsed = {**answer, "ResponseMetadata": told}
        if status == _REFUSED:
            code = code_of(answer)
            if code in _AGAIN:
                return None
            parsed["Error"] = {"Code": code, "Message": answer.get("message", answer.get("Message", ""))}
        return AWSResponse(params["url"], status, {}, None), parsed

    def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and answer of one call. Raises OSError or ValueError."""
        given = "".join(f"{name}: {headers[name]}\r\n" for name in ("X-Amz-Target", "Content-Type"))
        connection = self._connection()
        try:
            status, answer = connection.post(given, body)
            read = json.loads(answer)
        except BaseException:
            connection.close()
            raise
        if connection.is_over:
            connection.close()
        else:
            self._free.append(connection)
        return status, read

    def _connection(self) -> _Connection:
        try:
            return self._free.pop()
        except IndexError:
            return _Connection(self._address, self._seconds)

    def close(self) -> None:
        """End what is not in use."""
        while self._free:
            self._free.pop().close()


class _Connection:
    """As much of HTTP/1.1 as dynoxide and moto speak: their answers have a Content-Length, and moto ends the
    connection after each. http.client reads their headers as those of a mail, five times what all else of a call
    costs."""

    def __init__(self, address: str, seconds: float) -> None:
        host, _, port = address.partition(":")
        self._address = address
        self._socket = socket.create_connection((host, int(port)), timeout=seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        self.is_over = False

    def post(self, headers: str, body: bytes) -> tuple[int, bytes]:
        """Raises OSError, or ValueError where what came back is no answer."""
        head = f"POST / HTTP/1.1\r\nHost: {self._address}\r\n{_HEADERS}{headers}Content-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode("ascii") + body)
        first = self._answers.readline().split(b" ", 2)
        if len(first) < 2:
            raise ConnectionResetError("nothing came back")
        answer = self._answers.read(self._length())
        return int(first[1]), answer

    def _length(self) -> int:
        length = -1
        while (line := self._answers.readline().rstrip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"connection" and value.strip() == b"close":
                self.is_over = True
        if length < 0:
            raise ValueError("an answer of unknown length")
        return length

    def close(self) -> None:
        self._answers.close()
        self._socket.close()


def code_of(refusal: Mapping[str, Any]) -> str:
    """The error's name in an answer that is one."""
    return str(refusal.get("__type", "")).rpartition("#")[2]
