"""`/local/mail`: the mail that the embedded run sent instead of sending it. The app has no such page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode
from zoneinfo import ZoneInfo

from infra.local import pages, registered
from infra.local.answers import Answer, made, problem
from infra.local.mailbox import Mailbox, addresses
from infra.local.source import readable

A_PAGE = 50
"""How many emails the list shows at once."""

MOST_PEOPLE = 100
"""How many people it shows. Whoever comes behind them is found by searching."""

VIEWS = {"html": "HTML", "text": "Text", "raw": "Source"}

_LINK = re.compile(r"https?://[^\s<>\"]+")
_LONDON = ZoneInfo("Europe/London")
_MAIL_RULES = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
_WITHOUT = {"to": "", "subject": "", "text": "", "html": "", "sent_at": ""}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the address of the page asks for."""

    to: str
    mail: str
    view: str
    q: str
    page: int

    @classmethod
    def of(cls, query: dict[str, str]) -> Asked:
        """What cannot be used counts as not given."""
        page, view = query.get("page", ""), query.get("view", "")
        return cls(
            to=query.get("to", "").strip(),
            mail=query.get("mail", ""),
            view=view if view in VIEWS else "",
            q=query.get("q", "").strip(),
            page=int(page) if re.fullmatch(r"[1-9][0-9]{0,6}", page) else 1,
        )

    def link(self, **changes: Any) -> str:
        """The address of this page with something else asked for."""
        said = {**vars(self), **changes}
        given = {name: said[name] for name in ("to", "q", "page", "mail", "view") if said[name]}
        if given.get("page") == 1:
            del given["page"]
        return "/local/mail" + (f"?{urlencode(given)}" if given else "")


@dataclass(kw_only=True)
class Receiver:
    """Somebody who was sent mail; `name` is empty where it is not known."""

    address: str
    name: str
    count: int = 0


class MailPages:
    """Newest first on the page, oldest first in the JSON. `?to=` narrows both to one address."""

    def __init__(self, mailbox: Mailbox, seeds: Path | None = None) -> None:
        self._mailbox = mailbox
        self._seeds = seeds

    def answer(self, path: str, query: dict[str, str], accept: str) -> Answer:
        """For GET of anything below `/local/` that is none of the other pages."""
        if path == "/local/mail.json":
            return made(200, "application/json", self._mailbox.as_json(query.get("to", "")))
        if path == "/local/mail":
            return self._page(Asked.of(query))
        one = re.fullmatch(r"/local/mail/(.+)\.html", path)
        return (
            self._one(unquote(one[1]), accept)
            if one
            else problem(404, "There is no such page.", accept=accept)
        )

    def _one(self, mail_id: str, accept: str) -> Answer:
        mail = self._mailbox.find(mail_id)
        if mail is None or not mail.get("html"):
            return problem(404, "No email with this id has an HTML version.", accept=accept)
        rules = {"Content-Security-Policy": _MAIL_RULES, "Referrer-Policy": "no-referrer"}
        content = _opening_elsewhere(mail["html"]).encode()
        return made(200, "text/html; charset=utf-8", content, headers=dict(rules))

    def _page(self, asked: Asked) -> Answer:
        names = registered.names(self._seeds)
        found = [mail for mail in self._entries() if _matches(mail, asked.q, names)]
        receivers = _receivers(found, names)
        listed = [mail for mail in found if not asked.to or asked.to.casefold() in addresses(mail)]
        shown = listed[(asked.page - 1) * A_PAGE : asked.page * A_PAGE]
        chosen = self._chosen(asked, shown)
        return pages.page(
            "mail.html",
            status=404 if asked.mail and chosen is None else 200,
            asked=asked,
            receivers=receivers[:MOST_PEOPLE],
            hidden_receivers=max(0, len(receivers) - MOST_PEOPLE),
            total=len(found),
            count=len(listed),
            shown=shown,
            first=(asked.page - 1) * A_PAGE + 1,
            has_older=len(listed) > asked.page * A_PAGE,
            chosen=chosen,
            **(self._reading(asked, chosen) if chosen else {}),
            names=names,
            addresses=addresses,
            spoken=_spoken,
            briefly=_briefly,
        )

    def _entries(self) -> Iterable[dict[str, Any]]:
        return ({**_WITHOUT, **mail} for mail in reversed(self._mailbox.entries()))

    def _chosen(self, asked: Asked, shown: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """The email asked for, else the newest of the list, as mail programs do."""
        if not asked.mail:
            return shown[0] if shown else None
        mail = self._mailbox.find(asked.mail)
        return {**_WITHOUT, **mail} if mail else None

    def _reading(self, asked: Asked, mail: dict[str, Any]) -> dict[str, Any]:
        """What the reading pane shows."""
        offered = {view: said for view, said in VIEWS.items() if view != "html" or mail["html"]}
        view = asked.view if asked.view in offered else next(iter(offered))
        raw = self._mailbox.raw(mail["id"]) if view == "raw" else b""
        return {
            "view": view,
            "views": offered,
            "frame": f"/local/mail/{quote(mail['id'], safe='')}.html",
            "text": _with_links(mail["text"]) if view == "text" else [],
            "source": readable(raw) if raw else "",
        }


def _matches(mail: dict[str, Any], wanted: str, names: dict[str, str]) -> bool:
    """Whether every word is in the subject, an address or a name."""
    if not wanted:
        return True
    called = " ".join(names.get(address, "") for address in addresses(mail))
    said = f"{mail['subject']} {mail['to']} {called}".casefold()
    return all(word in said for word in wanted.casefold().split())


def _receivers(mails: Iterable[dict[str, Any]], names: dict[str, str]) -> list[Receiver]:
    """Everybody who was sent one of these, in the order of their newest. `mails` has the newest first."""
    found: dict[str, Receiver] = {}
    for mail in mails:
        for address in addresses(mail):
            if address not in found:
                found[address] = Receiver(address=address, name=names.get(address, ""))
            found[address].count += 1
    return list(found.values())


def _opening_elsewhere(page: str) -> str:
    """Its links must not open within the frame, where the app's pages refuse to be shown."""
    base = '<base target="_blank">'
    return page.replace("<head>", "<head>" + base, 1) if "<head>" in page else base + page


def _with_links(text: str) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is an address to follow."""
    pieces, at = [], 0
    for found in _LINK.finditer(text):
        address = found[0].rstrip(".,;:)")
        pieces += [(text[at : found.start()], False), (address, True)]
        at = found.start() + len(address)
    return [*pieces, (text[at:], False)]


def _spoken(sent_at: str) -> str:
    """When, in London: `1 December 2026, 9:05am`. What is no moment is shown as it is."""
    moment = _moment(sent_at)
    return f"{moment.day} {moment:%B %Y}, {_clock(moment)}" if moment else sent_at


def _briefly(sent_at: str) -> str:
    """The same for a list: `1 Dec, 9:05am`."""
    moment = _moment(sent_at)
    return f"{moment.day} {moment:%b}, {_clock(moment)}" if moment else sent_at


def _moment(sent_at: str) -> datetime | None:
    try:
        return datetime.fromisoformat(sent_at.replace("Z", "+00:00")).astimezone(_LONDON)
    except ValueError:
        return None


def _clock(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M}{'am' if moment.hour < 12 else 'pm'}"
