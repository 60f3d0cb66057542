"""Widgets whose answers are whole numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.domain.forms.cells import Cell, ColumnKind
from chalicelib.domain.forms.widgets.base import Widget
from chalicelib.domain.money.pence import pence_from_typed, pounds

if TYPE_CHECKING:
    from chalicelib.domain.forms.form import Question

_WHOLE_NUMBER = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})", re.ASCII)


class Number(Widget):
    """A whole number, typed with or without commas."""

    word = "number"
    inputmode = "numeric"
    spellcheck = False
    shape = {"type": "integer"}
    keywords = frozenset({"minimum", "maximum"})
    column = ColumnKind.WHOLE
    is_figure = True

    def read_text(self, text: str) -> int | str:
        return int(text.replace(",", "")) if _WHOLE_NUMBER.fullmatch(text) else text

    def cell(self, question: Question, answer: Any) -> Cell:
        return int(answer)

    def rules(self, question: Question, field: Mapping[str, Any], *, is_required: bool) -> Iterator[str]:
        yield from super().rules(question, field, is_required=is_required)
        if not {"minimum", "maximum"} <= set(field):
            yield f"the widget {self.word} needs a minimum and a maximum in the schema"


class Money(Number):
    """An amount, typed in pounds (`1,234.56`, `£1234.5`) and kept in pence."""

    word = "money"
    inputmode = "decimal"
    prefix = "£"
    column = ColumnKind.MONEY

    def read_text(self, text: str) -> int | str:
        pence = pence_from_typed(text)
        return text if pence is None else pence

    def typed(self, question: Question, answer: Any) -> dict[str, str]:
        if not isinstance(answer, int):
            return {"": str(answer)}
        whole, pence = divmod(answer, 100)
        return {"": f"{whole:,}.{pence:02d}"}

    def said(self, question: Question, answer: Any) -> str:
        return pounds(answer)

    def rules(self, question: Question, field: Mapping[str, Any], *, is_required: bool) -> Iterator[str]:
        yield from super().rules(question, field, is_required=is_required)
        if field.get("minimum", 0) < 0:
            yield "no page can send an amount below nothing: the minimum is 0 or more"
