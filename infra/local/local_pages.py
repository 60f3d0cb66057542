"""Everything below `/local`: the run's own pages. The app has none of them, and none of them is ever packaged."""

from __future__ import annotations

import hmac
import re
import secrets
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from infra.local import pages
from infra.local.answers import Answer, problem
from infra.local.mail_pages import MailPages
from infra.local.mailbox import Mailbox

if TYPE_CHECKING:
    from infra.local.people_pages import PeoplePages

_HERE = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
_FORM = "application/x-www-form-urlencoded"
_POSTED = ("/local/become", "/local/sign-out")


def has(target: str) -> bool:
    """Whether an address is one of ours, and not the app's."""
    path = urlsplit(target).path
    return path == "/local" or path.startswith("/local/")


class LocalPages:
    """Shown to this machine's browsers only. `seeds` names everybody who can be become."""

    def __init__(
        self, mailbox: Mailbox, *, seeds: Path | None = None, demo_token: Path | None = None
    ) -> None:
        self._mail = MailPages(mailbox, seeds)
        self._mailbox = mailbox
        self._seeds = seeds
        self._demo_token = demo_token
        self._secret = secrets.token_urlsafe(32)

    def answer(self, method: str, target: str, headers: Message, body: bytes | None) -> Answer:
        """For anything that `has` says is ours."""
        accept = headers.get("Accept", "")
        # A page elsewhere can give its own name our address, and would then be let in as the same site.
        if not _HERE.fullmatch(headers.get("Host", "")):
            return problem(403, "These pages are shown at 127.0.0.1 and localhost only.", accept=accept)
        path, query = _parsed(target)
        if path in _POSTED:
            return self._posted(method, path, headers, body)
        if method not in ("GET", "HEAD"):
            detail = "This page can only be read."
            return problem(405, detail, accept=accept, headers={"Allow": "GET, HEAD"})
        if path == pages.STYLES:
            return pages.styles()
        if path in ("/local", "/local/"):
            return self._people().show(query, headers)
        return self._mail.answer(path, query, accept)

    def _posted(self, method: str, path: str, headers: Message, body: bytes | None) -> Answer:
        accept = headers.get("Accept", "")
        if method != "POST":
            return problem(405, "This address takes POST.", accept=accept, headers={"Allow": "POST"})
        if headers.get_content_type() != _FORM:
            return problem(415, f"Send {_FORM}.", accept=accept)
        fields = _fields(body or b"")
        if _is_foreign(headers) or not self._is_ours(fields.get("token", "")):
            detail = (
                "This was sent from a page of another site, or of an earlier run. Open /local and try again."
            )
            return problem(403, detail, accept=accept)
        if path == "/local/become":
            return self._people().become(fields.get("person", ""), headers)
        return self._people().sign_out(headers)

    def _is_ours(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._secret.encode())

    def _people(self) -> PeoplePages:
        # Found when needed: another app, without people, may be the one that runs.
        from infra.local.people_pages import PeoplePages

        return PeoplePages(self._mailbox, self._seeds, self._demo_token, self._secret)


def _parsed(target: str) -> tuple[str, dict[str, str]]:
    """The path, and the first value of each of the query's fields."""
    parts = urlsplit(target)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def _fields(body: bytes) -> dict[str, str]:
    text = body.decode("ascii", errors="replace")
    return {name: values[0] for name, values in parse_qs(text).items()}


def _is_foreign(headers: Message) -> bool:
    """Whether a page of another site sent this (Fetch Metadata, else `Origin`)."""
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and origin != f"http://{headers['Host']}"
