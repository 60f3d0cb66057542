"""Widgets in which somebody chooses instead of typing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.domain.forms.cells import Cell
from chalicelib.domain.forms.widgets.base import Widget

if TYPE_CHECKING:
    from chalicelib.domain.forms.form import Question


class Select(Widget):
    """One of the options that the form gives."""

    word = "select"
    template = "select"
    keywords = frozenset({"enum", "maxLength"})
    members = frozenset({"options"})

    def said(self, question: Question, answer: Any) -> str:
        return question.labels.get(answer, str(answer))

    def rules(self, question: Question, field: Mapping[str, Any], *, is_required: bool) -> Iterator[str]:
        yield from super().rules(question, field, is_required=is_required)
        values = [option.value for option in question.options]
        if not values:
            yield "the widget select needs options"
        if len(set(values)) < len(values):
            yield "two options have the same value"
        if field.get("enum") != values:
            yield "the options are not those of enum in the schema, in its order"
        for value in values:
            if not value.strip() or value != value.strip():
                yield f"no page can send the option {value!r}: it is empty, or begins or ends with a blank"
            if len(value) > field.get("maxLength", len(value)):
                yield f"no answer fits the option {value!r}: it is longer than maxLength"


class Declaration(Widget):
    """A box to tick. Left unticked, a page sends nothing."""

    word = "declaration"
    template = "checkbox"
    is_sent_empty = False
    shape = {}
    keywords = frozenset({"type", "const"})
    members = frozenset()

    def read_text(self, text: str) -> bool | str:
        return True if text == "true" else text

    def typed(self, question: Question, answer: Any) -> dict[str, str]:
        return {"": "true"} if answer is True else {}

    def said(self, question: Question, answer: Any) -> str:
        return "Confirmed" if answer else "Not confirmed"

    def cell(self, question: Question, answer: Any) -> Cell:
        return "Yes" if answer else "No"

    def rules(self, question: Question, field: Mapping[str, Any], *, is_required: bool) -> Iterator[str]:
        yield from super().rules(question, field, is_required=is_required)
        if field.get("type", "boolean") != "boolean" or not {"type", "const"} & set(field):
            yield 'the widget declaration needs "const": true or "type": "boolean" in the schema'
        if field.get("const", True) is not True:
            yield "no page can send anything but a ticked box: const is true"
        if is_required and "const" not in field:
            yield 'no page can send an unticked box: leave it out of required, or say "const": true'
