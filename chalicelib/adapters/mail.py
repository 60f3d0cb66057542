"""Mail through SES: one template makes the subject, the plain text and the HTML of the same content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.adapters import aws
from chalicelib.domain.answers import is_mailbox

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

TEXT, HTML = KINDS = ("text", "html")
SENDER_NAME = "Share Your Knowledge"
_LONG_HEADERS = SMTP.clone(max_line_length=900)
"""RFC 5322 allows 998. Folding a subject that is not ASCII, Python 3.11 now and then loses a space in it."""

LIST_ID = "Share Your Knowledge <notifications.share-your-knowledge>"


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """One mail's subject and its two bodies. `images` are the PNGs that the HTML shows, by name."""

    subject: str
    text: str
    html: str
    images: Mapping[str, bytes] = field(default_factory=dict)


class SesMailer:
    """Sends through SES, from one address; answers go to another, where a person reads them."""

    def __init__(self, *, sender: str, reply_to: str) -> None:
        self._sender = sender
        self._reply_to = reply_to

    def send(self, *, notification_id: str, to: str, template: str, values: Mapping[str, Any]) -> None:
        """SendRawEmail, since SendEmail takes no headers of our own and has no idempotency token: the
        notification id in the header tells a repeat from a second mail.

        Raises ValueError for a `to` that is not exactly one mailbox.
        """
        if not is_mailbox(to):
            raise ValueError("not one mailbox")
        message = self.message(notification_id, to, render(template, values))
        aws.client("ses").send_raw_email(
            Source=self._sender,
            Destinations=[to],
            RawMessage={"Data": message.as_bytes(policy=_LONG_HEADERS)},
        )

    def check(self) -> None:
        """Ask SES for our quota: it costs nothing and needs the same way in. SES answers that once a second;
        to be told so is an answer, too."""
        from botocore.exceptions import ClientError

        try:
            aws.client("ses").get_send_quota()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "Throttling":
                raise

    def message(self, notification_id: str, to: str, rendered: Rendered) -> EmailMessage:
        """The mail. EmailMessage itself refuses line breaks in a header."""
        message = EmailMessage(policy=SMTP)
        local, _, domain = self._sender.rpartition("@")
        message["From"] = Address(SENDER_NAME, local, domain)
        message["To"] = to
        message["Reply-To"] = self._reply_to
        # A title that looks like an encoded word (RFC 2047) would be read as what it encodes.
        message["Subject"] = rendered.subject.replace("=?", "= ?")
        message["X-Notification-Id"] = notification_id
        message["List-Id"] = LIST_ID
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
        message.set_content(rendered.text)
        message.add_alternative(rendered.html, subtype="html")
        *_, html = message.iter_parts()
        for name, image in rendered.images.items():
            content_id = f"<{name}@share-your-knowledge>"
            html.add_related(
                image, "image", "png", cid=content_id, filename=f"{name}.png", disposition="inline"
            )
        return message


def render(template: str, values: Mapping[str, Any]) -> Rendered:
    """The mail of a template. The same blocks are rendered twice: as text, and as escaped HTML."""
    text = environment(TEXT).get_template(f"{template}.j2")
    html = environment(HTML).get_template(f"{template}.j2")
    subject = " ".join("".join(text.blocks["subject"](text.new_context(dict(values)))).split())
    return Rendered(
        subject=subject,
        text=re.sub(r"\n{3,}", "\n\n", text.render(values)).strip() + "\n",
        html=html.render({**values, "subject": subject}),
        images=_images(values),
    )


def _images(values: Mapping[str, Any]) -> dict[str, bytes]:
    """The chart, drawn when the mail is sent: the outbox holds its figures, not its pixels."""
    if "chart" not in values:
        return {}
    from chalicelib.adapters import charts

    return {"chart": charts.bars(values["chart"])}


@cache
def environment(kind: str) -> Environment:
    """What one of the KINDS is made with."""
    from jinja2 import Environment, StrictUndefined

    from chalicelib.adapters import templates

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

    return PackageLoader("chalicelib.adapters", "mail_texts")
