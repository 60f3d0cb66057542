"""A mail's source, so that people can read it: headers and parts as they were sent, their encodings undone."""

from __future__ import annotations

import email
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message


def readable(raw: bytes) -> str:
    """The source with plain line ends. Of what is no text, only the size is told."""
    return "\n".join(_lines(email.message_from_bytes(raw.replace(b"\r\n", b"\n"))))


def _lines(part: Message) -> Iterator[str]:
    yield from (f"{name}: {_decoded(value)}" for name, value in part.items())
    yield ""
    if part.is_multipart():
        for inner in part.get_payload():
            yield f"--{part.get_boundary('')}"
            if isinstance(inner, Message):
                yield from _lines(inner)
        yield f"--{part.get_boundary('')}--"
        return
    yield _body(part)


def _body(part: Message) -> str:
    content = part.get_payload(decode=True)
    content = content if isinstance(content, bytes) else b""
    if part.get_content_maintype() != "text":
        return f"[{len(content):,} bytes of {part.get_content_type()}]\n"
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:  # a charset that nobody knows
        return content.decode("utf-8", errors="replace")


def _decoded(value: str) -> str:
    """A header's encoded words, decoded; as it was sent where they cannot be."""
    try:
        return str(make_header(decode_header(str(value))))
    except (HeaderParseError, LookupError, UnicodeError):
        return str(value)
