"""Mail through SES: one template makes the subject, the plain text and the HTML of the same content."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from email.header import Header
from email.message import Message
from email.utils import formataddr
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.aws import clients
from chalicelib.domain.delivery import mails
from chalicelib.domain.people.mailboxes import is_mailbox
from chalicelib.domain.values import value

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

TEXT, HTML = KINDS = ("text", "html")
SENDER_NAME = "Share Your Knowledge"
_TRAVELS = Message().policy.clone(linesep="\r\n", max_line_length=900)
"""`compat32`, with line ends as mail travels, and long lines (RFC 5322 allows 998), so that an id is not folded. Not
`SMTP`, which takes each header apart to its last word as it is set: three quarters of what a mail cost to compose. And
folding a subject, it loses a space in it now and then (Python 3.11)."""

_LINE_OF_WORDS = 75
"""Of encoded words (RFC 2047)."""

LIST_ID = "Share Your Knowledge <notifications.share-your-knowledge>"


@value
class Rendered:
    """One mail's subject and its two bodies."""

    subject: str
    text: str
    html: str


class SesMailer:
    """Sends through SES, from one address; answers go to another, where a person reads them."""

    def __init__(self, *, sender: str, reply_to: str) -> None:
        self._sender = sender
        self._reply_to = reply_to

    def send(
        self, *, notification_id: str, to: str, template: str, values: Mapping[str, Any], parcel: str = ""
    ) -> None:
        """SendRawEmail, since SendEmail takes no headers of our own and has no idempotency token: the
        notification id in the header tells a repeat from a second mail.

        Raises ValueError for a `to` that is not exactly one mailbox.
        """
        if not is_mailbox(to):
            raise ValueError("not one mailbox")
        message = self.message(notification_id, to, render(template, values), parcel=parcel)
        clients.client("ses").send_raw_email(
            Source=self._sender,
            Destinations=[to],
            RawMessage={"Data": message.as_bytes()},
        )

    def check(self) -> None:
        """Ask SES for our quota: it costs nothing and needs the same way in. SES answers that once a second;
        to be told so is an answer, too."""
        from botocore.exceptions import ClientError

        try:
            clients.client("ses").get_send_quota()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "Throttling":
                raise

    def message(self, notification_id: str, to: str, rendered: Rendered, *, parcel: str = "") -> Message:
        """The mail. Raises ValueError for a line break in a header."""
        message = _alternatives()
        for name, words in {
            "From": formataddr((SENDER_NAME, self._sender)),
            "To": to,
            "Reply-To": self._reply_to,
            # A title that looks like an encoded word (RFC 2047) would be read as what it encodes.
            "Subject": rendered.subject.replace("=?", "= ?"),
            "X-Notification-Id": notification_id,
            **({"X-Parcel-Id": parcel} if parcel else {}),
            "List-Id": LIST_ID,
            "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers, please
        }.items():
            message.add_header(name, _one_line(name, words))
        message.attach(_text("plain", rendered.text))
        message.attach(_text("html", rendered.html))
        return message


def _one_line(name: str, words: str) -> str:
    if words.splitlines() != [words]:
        raise ValueError(f"{name} is not one line")
    if words.isascii():
        return words
    return Header(words, "utf-8", header_name=name).encode(maxlinelen=_LINE_OF_WORDS)


def _alternatives() -> Message:
    """A message that says the same in two parts. Made by hand: `email.mime` brings `email.policy`, which no cold
    start needs."""
    message = Message(_TRAVELS)
    message["MIME-Version"] = "1.0"
    # "=_" is in no quoted-printable body: RFC 2045, 6.7.
    message["Content-Type"] = 'multipart/alternative; boundary="=_alternative"'
    return message


def _text(kind: str, words: str) -> Message:
    """A body. Quoted-printable (RFC 2045) as C writes it: EmailMessage goes through it in Python."""
    part = Message()
    part["Content-Type"] = f'text/{kind}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(binascii.b2a_qp(words.encode(), istext=True).decode("ascii"))
    return part


def render(template: str, values: Mapping[str, Any]) -> Rendered:
    """The mail of a template, also with values that an earlier release queued. The same blocks are rendered twice: as
    text, and as escaped HTML."""
    values = mails.as_now(template, values)
    text = environment(TEXT).get_template(f"{template}.j2")
    html = environment(HTML).get_template(f"{template}.j2")
    subject = " ".join("".join(text.blocks["subject"](text.new_context(values))).split())
    return Rendered(
        subject=subject,
        text=re.sub(r"\n{3,}", "\n\n", text.render(values)).strip() + "\n",
        html=html.render({**values, "subject": subject}),
    )


@cache
def environment(kind: str) -> Environment:
    """What one of the KINDS is made with."""
    from jinja2 import Environment, StrictUndefined

    from chalicelib.adapters.rendering import templates

    made = Environment(
        loader=templates.loader(f"mail_{kind}", _files),
        autoescape=kind == HTML,  # noqa: S701 - the plain text is no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["layout"] = f"{kind}/layout.j2"
    made.globals["parts"] = f"{kind}/parts.j2"
    return made


def _files() -> BaseLoader:
    from jinja2 import PackageLoader

    return PackageLoader("chalicelib.adapters.rendering", "mail_texts")
