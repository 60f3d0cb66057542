"""Questions that repeat: rows of the same columns, each column with a widget of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.domain.forms.cells import Cell
from chalicelib.domain.forms.widgets.base import ONLY_QUESTIONS, Typed, Widget, part, usual_form, usual_name

if TYPE_CHECKING:
    from chalicelib.domain.forms.form import Question


class Group(Widget):
    """Rows that have the same questions; each question is a column."""

    word = "group"
    inputs = ()
    template = "group"
    shape = {"type": "array"}
    keywords = frozenset({"minItems", "maxItems", "items"})
    members = frozenset({"columns"})

    def read(self, question: Question, typed: Typed) -> list[dict[str, Any]] | None:
        return list(self.rows_read(question, typed).values()) or None

    def rows_read(self, question: Question, typed: Typed) -> dict[int, dict[str, Any]]:
        """The rows in what was typed, by their place on the page. Rows left empty are not there."""
        rows = {place: self._row_read(question, place, typed) for place in self.places(question, typed)}
        return {place: row for place, row in rows.items() if row}

    def typed(self, question: Question, answer: Any) -> dict[str, str]:
        typed: dict[str, str] = {}
        for place, row in enumerate(answer):
            for column in question.columns:
                # A row has all its inputs, also those that were left empty.
                texts = dict.fromkeys(column.widget.inputs, "")
                if column.name in row:
                    texts.update(column.widget.typed(column, row[column.name]))
                typed.update({part(str(place), column.name, name): text for name, text in texts.items()})
        return typed

    def first_wrong(self, question: Question, typed: Typed) -> str:
        return part("0", self.first_input(question))

    def tidy(self, question: Question, answer: Any) -> Any:
        if not isinstance(answer, list):
            return usual_form(answer)
        columns = {column.name: column for column in question.columns}
        return [self._row_tidied(columns, row) for row in answer]

    def said(self, question: Question, answer: Any) -> str:
        """A line for each row."""
        return "\n".join(self._rows_said(question, answer))

    def lines(self, question: Question, answer: Any) -> tuple[tuple[str, ...], ...]:
        return tuple(
            tuple(
                column.widget.said(column, row[column.name]) if column.name in row else ""
                for column in question.columns
            )
            for row in answer
        )

    def cell(self, question: Question, answer: Any) -> Cell:
        return "; ".join(self._rows_said(question, answer))

    def count_inputs(self, question: Question, field: Mapping[str, Any]) -> int:
        return self.most_rows(field) * sum(len(column.widget.inputs) for column in question.columns)

    def rules(self, question: Question, field: Mapping[str, Any], *, is_required: bool) -> Iterator[str]:
        yield from super().rules(question, field, is_required=is_required)
        if "maxItems" not in field:
            yield "the widget group needs maxItems in the schema"
        items = field.get("items", {})
        fields, required = items.get("properties", {}), items.get("required", ())
        names = [column.name for column in question.columns]
        if len(set(names)) < len(names):
            yield "two columns have the same name"
        for name in sorted(set(fields) - set(names)):
            yield f"column {name}: no page can send it, because it is in the schema and not among the columns"
        if not any(column.widget.is_sent_empty for column in question.columns):
            yield "a group needs a column that is not a declaration: an unticked box sends nothing"
        for column in question.columns:
            for fault in _column_faults(column, fields.get(column.name), column.name in required):
                yield f"column {column.name}: {fault}"

    # Rows as they stand on a page

    def first_input(self, question: Question) -> str:
        """The first input of a row, below the row's name."""
        first = question.columns[0]
        return part(first.name, *first.widget.inputs[:1])

    def most_rows(self, field: Mapping[str, Any]) -> int:
        """How many rows a group may have, by what the schema says of it."""
        return int(field.get("maxItems", 100))

    def places(self, question: Question, typed: Typed) -> list[int]:
        """The row numbers that the names of inputs hold, in order."""
        names = "|".join(re.escape(name) for name in self._row_inputs(question))
        pattern = re.compile(rf"(0|[1-9][0-9]{{0,3}})-(?:{names})", re.ASCII)
        return sorted({int(match.group(1)) for name in typed if (match := pattern.fullmatch(name))})

    def renumbered(self, question: Question, typed: Typed, most: int) -> dict[str, str]:
        """The group's own inputs, its rows numbered 0, 1, 2 … whatever their numbers were; no more than `most`."""
        return {
            part(str(place), name): typed[part(str(old), name)]
            for place, old in enumerate(self.places(question, typed)[:most])
            for name in self._row_inputs(question)
            if part(str(old), name) in typed
        }

    def with_row(self, question: Question, typed: Typed, most: int) -> dict[str, str]:
        """What was typed, with one more empty row at the end, where no more than `most` rows come of it."""
        place = len(self.places(question, typed))
        added = {part(str(place), self.first_input(question)): ""} if place < most else {}
        return {**typed, **added}

    def without_row(self, question: Question, typed: Typed, place: int) -> dict[str, str]:
        """What was typed, without one row. The rows after it move up."""
        left = {name: text for name, text in typed.items() if not name.startswith(f"{place}-")}
        return self.renumbered(question, left, len(left))

    def _row_inputs(self, question: Question) -> list[str]:
        return [part(column.name, name) for column in question.columns for name in column.widget.inputs]

    def _row_read(self, question: Question, place: int, typed: Typed) -> dict[str, Any]:
        row = {}
        for column in question.columns:
            names = {name: part(str(place), column.name, name) for name in column.widget.inputs}
            texts = {name: typed[full] for name, full in names.items() if full in typed}
            answer = column.widget.read(column, texts)
            if answer is not None:
                row[column.name] = answer
        return row

    def _row_tidied(self, columns: Mapping[str, Question], row: Any) -> Any:
        if not isinstance(row, dict):
            return usual_form(row)
        tidied = {}
        for name, value in row.items():
            column = columns.get(usual_name(name))
            tidied[usual_name(name)] = column.widget.tidy(column, value) if column else usual_form(value)
        return tidied

    def _rows_said(self, question: Question, answer: Any) -> list[str]:
        rows = self.lines(question, answer)
        return [", ".join(text.replace("\n", " ") for text in row if text) for row in rows]


def _column_faults(column: Question, field: Mapping[str, Any] | None, is_required: bool) -> Iterator[str]:
    if field is None:
        yield "it is not in the schema"
        return
    if column.columns:
        yield "a group cannot be in a group"
        return
    for keyword in sorted(ONLY_QUESTIONS & set(field)):
        yield f"{keyword} is for whole questions, not for a column"
    yield from column.widget.rules(column, field, is_required=is_required)
