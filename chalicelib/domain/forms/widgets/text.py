"""Widgets whose answers are text that somebody types."""

from __future__ import annotations

from chalicelib.domain.errors import MistypedReference
from chalicelib.domain.forms.widgets.base import Widget
from chalicelib.domain.intake.references import is_reference, read_reference
from chalicelib.domain.people.mailboxes import is_mailbox


class Text(Widget):
    """One line of text."""

    word = "text"


class Textarea(Widget):
    """Text that may have several lines."""

    word = "textarea"
    template = "textarea"
    shape = {"type": "string", "x-multiline": True}
    members = frozenset()


class Tel(Widget):
    """A telephone number, as it was typed."""

    word = "tel"
    input_type = "tel"
    spellcheck = False


class Email(Widget):
    """One email address."""

    word = "email"
    input_type = "email"
    spellcheck = False
    shape = {"type": "string", "format": "mailbox"}

    def fits(self, text: str) -> bool:
        return is_mailbox(text)


class Reference(Widget):
    """The reference of another submission, typed in any case, with or without hyphens."""

    word = "reference"
    shape = {"type": "string", "format": "reference"}

    def read_text(self, text: str) -> str:
        try:
            return read_reference(text)
        except MistypedReference:
            return text

    def fits(self, text: str) -> bool:
        return is_reference(text)
