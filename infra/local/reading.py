"""The body of a request, read as far as API Gateway would read it."""

from __future__ import annotations

import email.errors
import re
from email.message import Message
from io import BufferedIOBase

LIMIT = 10 * 1024 * 1024  # API Gateway's
# The other defects are about a body, which Python looks for as in a mail.
_TORN = (
    email.errors.FirstHeaderLineIsContinuationDefect,
    email.errors.MisplacedEnvelopeHeaderDefect,
    email.errors.MissingHeaderBodySeparatorDefect,
)
_LENGTH = re.compile(r"[0-9]{1,15}")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(;.*)?")


class Unreadable(Exception):
    """To be answered without the app, and the connection ended: where the next request begins is unknown."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def check_headers(headers: Message) -> None:
    """Raise Unreadable for a line that is no header. Python takes it for the headers' end: a Content-Length after
    it would not count, and the body pass for a second request."""
    torn = any(isinstance(defect, _TORN) for defect in headers.defects)
    if torn or any("\n" in value or "\r" in value for value in headers.values()):
        raise Unreadable(400, "The headers cannot be read.")


def body(headers: Message, stream: BufferedIOBase) -> bytes | None:
    """The body, or None where there is none. Raises Unreadable."""
    if headers.get("Transfer-Encoding") is not None:
        return _chunked(headers, stream)
    length = announced_length(headers)
    if length == 0:
        return None
    content = stream.read(length)
    if len(content) < length:
        raise Unreadable(400, "The body is shorter than its Content-Length says.")
    return content


def announced_length(headers: Message) -> int:
    """What Content-Length says, 0 without one. Raises Unreadable where it is no length, or too much."""
    lengths = {value.strip() for value in headers.get_all("Content-Length", [])}
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(text := lengths.pop()):
        raise Unreadable(400, "Content-Length is not a length.")
    if int(text) > LIMIT:
        raise _too_large()
    return int(text)


def _chunked(headers: Message, stream: BufferedIOBase) -> bytes:
    # Both headers at once are how requests are smuggled past one of two servers that disagree.
    if headers.get_all("Transfer-Encoding") != ["chunked"] or "Content-Length" in headers:
        raise Unreadable(400, "Send either a Content-Length, or Transfer-Encoding: chunked and nothing else.")
    content = bytearray()
    while size := _chunk_size(stream):
        if len(content) + size > LIMIT:
            raise _too_large()
        content += stream.read(size)
        if stream.read(2) != b"\r\n":
            raise Unreadable(400, "The body's chunks cannot be read.")
    for _ in range(100):  # trailers
        if stream.readline(65537) in (b"\r\n", b"\n"):
            return bytes(content)
    raise Unreadable(400, "The body's end cannot be read.")


def _chunk_size(stream: BufferedIOBase) -> int:
    size = _CHUNK_SIZE.fullmatch(stream.readline(1024).strip())
    if size is None:
        raise Unreadable(400, "The body's chunks cannot be read.")
    return int(size[1], 16)


def _too_large() -> Unreadable:
    return Unreadable(413, f"The body is larger than {LIMIT} bytes.")
