"""`/local/mail`: the mail that the embedded run sent instead of sending it. The app has no such page."""

from __future__ import annotations

import html
import re
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from infra.local.answers import Answer, made, problem
from infra.local.mailbox import Mailbox

SHOWN = 200
_HERE = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_PAGE_RULES = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'"
)
_MAIL_RULES = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


class MailPages:
    """Newest first on the page, oldest first in the JSON. `?to=` narrows both to one address."""

    def __init__(self, mailbox: Mailbox, stylesheet: Path) -> None:
        self._mailbox = mailbox
        self._stylesheet = stylesheet

    def answer(self, method: str, target: str, headers: Message) -> Answer:
        """For anything below `/local/`."""
        accept = headers.get("Accept", "")
        # A page elsewhere can give its own name our address, and would then be let in as the same site.
        if not _HERE.fullmatch(headers.get("Host", "")):
            return problem(403, "The mail is shown at 127.0.0.1 and localhost only.", accept=accept)
        if method not in ("GET", "HEAD"):
            return problem(405, "The mail can only be read.", accept=accept, headers={"Allow": "GET, HEAD"})
        path, to = _parsed(target)
        if path == "/local/mail.json":
            return made(200, "application/json", self._mailbox.as_json(to))
        if path == "/local/mail":
            return self._page(to)
        one = re.fullmatch(r"/local/mail/(.+)\.html", path)
        return (
            self._one(unquote(one[1]), accept)
            if one
            else problem(404, "There is no such page.", accept=accept)
        )

    def _one(self, mail_id: str, accept: str) -> Answer:
        for mail in reversed(self._mailbox.entries()):
            if mail["id"] == mail_id and mail["html"]:
                rules = {"Content-Security-Policy": _MAIL_RULES, "Referrer-Policy": "no-referrer"}
                page = _opening_elsewhere(mail["html"])
                return made(200, "text/html; charset=utf-8", page.encode(), headers=dict(rules))
        return problem(404, "No mail of this id has an HTML version.", accept=accept)

    def _page(self, to: str) -> Answer:
        mails = self._mailbox.entries(to)[::-1]
        link = '<link rel="stylesheet" href="/static/govuk.css">' if self._stylesheet.is_file() else ""
        shown = "".join(_article(mail) for mail in mails[:SHOWN])
        page = (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">{link}<title>Sent mail</title></head>'
            '<body class="govuk-template__body"><main class="govuk-width-container govuk-main-wrapper">'
            f'<h1 class="govuk-heading-l">Sent mail</h1>{_summary(len(mails), to)}{shown}</main></body></html>\n'
        )
        rules = {"Content-Security-Policy": _PAGE_RULES, "Referrer-Policy": "same-origin"}
        return made(200, "text/html; charset=utf-8", page.encode(), headers=dict(rules))


def _opening_elsewhere(page: str) -> str:
    """Its links must not open within the frame, where the app's pages refuse to be shown."""
    base = '<base target="_blank">'
    return page.replace("<head>", "<head>" + base, 1) if "<head>" in page else base + page


def _parsed(target: str) -> tuple[str, str]:
    parts = urlsplit(target)
    return parts.path, parse_qs(parts.query).get("to", [""])[0]


def _summary(count: int, to: str) -> str:
    what = f"{count} mail{'' if count == 1 else 's'}" + (f" to {html.escape(to)}" if to else "")
    newest = f"; the newest {SHOWN} are shown" if count > SHOWN else ""
    return (
        f'<p class="govuk-body">{what}, newest first{newest}. None of it has left this machine. '
        '<a href="/local/mail">Look again</a> · <a href="/local/mail.json">as JSON</a></p>'
        '<form action="/local/mail"><label class="govuk-label" for="to">Only to this address</label> '
        f'<input class="govuk-input govuk-input--width-20" id="to" name="to" type="email" '
        f'value="{html.escape(to)}"> <button class="govuk-button govuk-button--secondary">Show</button></form>'
    )


def _article(mail: dict[str, Any]) -> str:
    sent = html.escape(str(mail["sent_at"]))
    return (
        f'<article><h2 class="govuk-heading-m">{html.escape(mail["subject"])}</h2>'
        f'<p class="govuk-body">To {html.escape(mail["to"])}, <time datetime="{sent}">{sent}</time></p>'
        f"<pre class='app-mail'>{_with_links(mail['text'])}</pre>{_frame(mail)}</article><hr>"
    )


def _frame(mail: dict[str, Any]) -> str:
    if not mail["html"]:
        return ""
    address = f"/local/mail/{quote(mail['id'], safe='')}.html"
    return (
        '<details class="govuk-body"><summary>As it looks in HTML</summary>'
        f'<p><a href="{address}">On a page of its own</a></p>'
        f'<iframe src="{address}" title="HTML version" width="700" height="500" loading="lazy"'
        ' sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe></details>'
    )


def _with_links(text: str) -> str:
    """Escaped, its addresses made into links."""
    pieces, at = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0].rstrip(".,;:)"))
        pieces += [html.escape(text[at : found.start()]), f'<a href="{address}">{address}</a>']
        at = found.start() + len(found[0].rstrip(".,;:)"))
    return "".join([*pieces, html.escape(text[at:])])
