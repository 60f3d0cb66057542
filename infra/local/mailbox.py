"""Sent mail, kept as a journal: one JSON object a line, oldest first, never rewritten.

It is written as it was sent, and taken apart by whoever looks at it: seven mails for each claim are written, and few
are looked at.
"""

from __future__ import annotations

import base64
import email
import json
import os
import re
import threading
from collections.abc import Mapping
from datetime import datetime, timezone
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses, parseaddr
from pathlib import Path
from typing import Any


def from_raw_email(form: Mapping[str, list[str]], *, message_id: str, at: datetime) -> dict[str, Any]:
    """A journal entry from the form that SES's SendRawEmail posts.

    `id` is the app's own notification id where the mail bears one, so that what was sent twice can be told.
    """
    raw = form["RawMessage.Data"][0]
    headers, _, _ = base64.b64decode(raw).replace(b"\r\n", b"\n").partition(b"\n\n")
    message = BytesHeaderParser().parsebytes(headers)
    return {
        "id": _header(message, "X-Notification-Id") or message_id,
        "parcel": _header(message, "X-Parcel-Id"),
        "to": ", ".join(_envelope(form) or _addressees(message)),
        "sent_at": at.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "raw": raw,
    }


def as_read(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as its receiver sees it: `subject`, `text` and `html` in place of the mail as it was sent. Raises
    ValueError. Journals of earlier releases have been read already."""
    if "raw" not in entry:
        return dict(entry)
    message = email.message_from_bytes(base64.b64decode(entry["raw"]))
    return {
        "id": entry["id"],
        "to": entry["to"],
        "subject": _header(message, "Subject"),
        "text": _part(message, "text/plain"),
        "html": _part(message, "text/html"),
        "sent_at": entry["sent_at"],
    }


def sender(form: Mapping[str, list[str]]) -> str:
    """The address that such a form's mail comes from: its `Source`, else what the mail says."""
    source = form.get("Source", [""])[0]
    if not source:
        source = str(email.message_from_bytes(base64.b64decode(form["RawMessage.Data"][0]))["From"] or "")
    return parseaddr(source)[1]


def _envelope(form: Mapping[str, list[str]]) -> list[str]:
    destinations = [values[0] for name, values in form.items() if name.startswith("Destinations.member.")]
    return [address for _, address in getaddresses(destinations)]


def _addressees(message: Message) -> list[str]:
    headers = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    return [address for _, address in getaddresses(headers)]


def _header(message: Message, name: str) -> str:
    """A header as people read it: unfolded, its encoded words decoded."""
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", str(message[name] or ""))
    return str(make_header(decode_header(unfolded))) if "=?" in unfolded else unfolded


def _part(message: Message, kind: str) -> str:
    """The body as people read it, with plain line ends: CRLF is how mail travels (RFC 5322), not what it says."""
    for part in message.walk():
        if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
            text = _content(part).decode(part.get_content_charset("utf-8"), errors="replace")
            return text.replace("\r\n", "\n")
    return ""


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


class Journal:
    """The writing end. Only one process writes."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self._end_a_torn_line()

    def add(self, entry: Mapping[str, Any]) -> None:
        """Written when this returns, so that killing us loses nothing. Not synced: a power cut may."""
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            os.write(self._file, line)

    def _end_a_torn_line(self) -> None:
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")


class Mailbox:
    """The reading end, in any process. Looks only at what was added since it last looked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def entries(self, to: str = "") -> list[dict[str, Any]]:
        """All mail, or what went to one address; oldest first. Torn lines are passed over."""
        return [entry for entry, _ in self._chosen(to)]

    def as_json(self, to: str = "") -> bytes:
        """The same, as a JSON array."""
        return b"[" + b",\n".join(line for _, line in self._chosen(to)) + b"]\n"

    def find(self, mail_id: str) -> dict[str, Any] | None:
        """The newest mail of this id."""
        return next((mail for mail, _ in reversed(self._chosen("")) if mail["id"] == mail_id), None)

    def raw(self, mail_id: str) -> bytes:
        """The newest mail of this id as it was sent; empty where the journal does not have it."""
        with self._lock:
            self._catch_up()
            place = self._places.get(mail_id)
        if place is None:
            return b""
        with self._path.open("rb") as file:
            file.seek(place)
            return base64.b64decode(json.loads(file.readline()).get("raw", ""))

    def _chosen(self, to: str) -> list[tuple[dict[str, Any], bytes]]:
        with self._lock:
            self._catch_up()
            return [pair for pair in self._mails if not to or to.casefold() in addresses(pair[0])]

    def _catch_up(self) -> None:
        try:
            if self._path.stat().st_size < self._seen:
                self._forget()  # somebody emptied it
            with self._path.open("rb") as file:
                file.seek(self._seen)
                added = file.read()
        except FileNotFoundError:
            return self._forget()
        whole = added[: added.rfind(b"\n") + 1]
        for line in whole.splitlines(keepends=True):
            self._take(line, self._seen)
            self._seen += len(line)

    def _take(self, line: bytes, place: int) -> None:
        try:
            entry = json.loads(line)
            if not isinstance(entry, dict) or "id" not in entry:
                return
            mail = as_read(entry)
        except ValueError:
            return
        self._mails.append((mail, json.dumps(mail, ensure_ascii=False, separators=(",", ":")).encode()))
        self._places[str(mail["id"])] = place

    def _forget(self) -> None:
        self._seen = 0
        self._mails: list[tuple[dict[str, Any], bytes]] = []
        self._places: dict[str, int] = {}


def addresses(mail: Mapping[str, Any]) -> list[str]:
    """Who a mail went to, in lower case, each once."""
    listed = (to.strip().casefold() for to in str(mail.get("to", "")).split(","))
    return [to for to in dict.fromkeys(listed) if to]
