"""Widgets: one object for each kind of question, which knows all that depends on the kind.

Its inputs, how they are read, how an answer is shown again, its usual form, its words, its cell in an export, and what
a form file may say of it. Nothing else asks of what kind a question is (docs/adr/0031-widgets-are-objects.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.forms.widgets.base import Typed, Widget
from chalicelib.domain.forms.widgets.choice import Declaration, Select
from chalicelib.domain.forms.widgets.date import Date
from chalicelib.domain.forms.widgets.group import Group
from chalicelib.domain.forms.widgets.number import Money, Number
from chalicelib.domain.forms.widgets.text import Email, Reference, Tel, Text, Textarea

__all__ = ["DATE", "GROUP", "WIDGETS", "Typed", "UnknownWidget", "Widget", "widget_named"]

DATE = Date()
GROUP = Group()

WIDGETS: Mapping[str, Widget] = {
    widget.word: widget
    for widget in (
        Text(),
        Textarea(),
        Email(),
        Tel(),
        Reference(),
        Number(),
        Money(),
        DATE,
        Select(),
        Declaration(),
        GROUP,
    )
}
"""Every widget, by the word that form files use."""


class UnknownWidget(ValueError):
    """A form file names a widget that there is not."""


def widget_named(word: str, *, question: str) -> Widget:
    """The widget of this name. Raises UnknownWidget, which names the question."""
    try:
        return WIDGETS[word]
    except KeyError:
        known = ", ".join(WIDGETS)
        raise UnknownWidget(f"{question}: there is no widget {word!r}. There are {known}.") from None
