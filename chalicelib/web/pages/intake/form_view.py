"""A form as a page shows it: empty, or with what was typed and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import Problem
from chalicelib.domain.forms.form import Form, Option, Question
from chalicelib.domain.forms.widgets import DATE, GROUP, Widget
from chalicelib.domain.forms.widgets.base import below, part
from chalicelib.domain.values import value
from chalicelib.web.pages.render import ErrorLink
from chalicelib.web.widgets.html_forms import Posted, prefixes, schema_of

_NO_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_INPUT_WIDTHS = (2, 3, 4, 5, 10, 20, 30)


@value
class InputPart:
    """One of several inputs of a question."""

    id: str
    name: str
    label: str
    typed: str
    wrong: bool
    width: int


@value
class Row:
    """One repetition of a group's questions, as it stands on the page."""

    number: int
    fields: tuple[Field, ...]


@value
class Field:
    """One question as a page shows it: `typed` exactly as it was typed, `error` empty where all is well."""

    id: str
    name: str
    widget: Widget
    label: str
    hint: str
    error: str
    typed: str
    autocomplete: str
    width: int | None
    limit: int | None
    options: tuple[Option, ...] = ()
    parts: tuple[InputPart, ...] = ()
    rows: tuple[Row, ...] = ()
    most_rows: int = 0


@value
class Section:
    """Questions under one heading."""

    id: str
    title: str
    fields: tuple[Field, ...]


@value
class FormView:
    """A form as a page shows it."""

    sections: tuple[Section, ...]
    errors: tuple[ErrorLink, ...]


def form_view(form: Form, posted: Posted | None = None, problems: Sequence[Problem] = ()) -> FormView:
    """The form as a page shows it: empty, or with what was typed and what is wrong with it."""
    shown = posted or Posted(typed={}, answers={}, rows={})
    wrong = _Wrong(form, shown, problems)
    sections = tuple(
        Section(
            id=page.id,
            title=page.title,
            fields=tuple(
                _field(schema_of(form, question), question, shown, wrong) for question in page.questions
            ),
        )
        for page in form.pages
    )
    return FormView(sections=sections, errors=tuple(wrong.links))


class _Wrong:
    """The problems by the name of their input, and the links of the summary in the page's order."""

    def __init__(self, form: Form, posted: Posted, problems: Sequence[Problem]) -> None:
        self.messages: dict[str, str] = {}
        order = list(_input_names(form, posted.typed))
        found: list[tuple[int, ErrorLink]] = []
        for problem in problems:
            question, name = _input_at(form, posted, problem.pointer)
            if question is None:
                found.append((len(order), ErrorLink(text=problem.message)))
                continue
            message = _message(question, name, posted.typed, problem)
            self.messages.setdefault(name, message)
            link = ErrorLink(text=message, href=f"#{_first_wrong_id(question, name, posted.typed)}")
            found.append((order.index(name) if name in order else len(order), link))
        self.links = [link for _, link in sorted(found, key=lambda pair: pair[0])]


def _input_names(form: Form, typed: Mapping[str, str]) -> Iterator[str]:
    """The names of all questions' inputs as they follow each other on the page."""
    for question in form.questions():
        yield question.name
        for prefix in prefixes(question, typed):
            yield from (prefix + column.name for column in question.columns)


def _input_at(form: Form, posted: Posted, pointer: str) -> tuple[Question | None, str]:
    """The question that a pointer means, and its input's name. A whole row means its first column."""
    steps = pointer.split("/")[1:]
    question = form.question(steps[0]) if steps else None
    if question is None or not question.columns or len(steps) < 2:
        return question, steps[0] if steps else ""
    places = posted.rows.get(question.name, ())
    index = int(steps[1]) if steps[1].isdigit() else 0
    place = places[index] if index < len(places) else index
    wanted = steps[2] if len(steps) > 2 else ""
    column = next((one for one in question.columns if one.name == wanted), question.columns[0])
    return column, f"{question.name}-{place}-{column.name}"


def _message(question: Question, name: str, typed: Mapping[str, str], problem: Problem) -> str:
    """The problem's message; where some inputs were left out, which ones; in a row, which line."""
    message = problem.message
    if missing := question.widget.unfinished(below(name, typed)):
        message = f"{question.heading} must include a {' and '.join(missing)}"
    place = name.split("-")[1:2]
    return f"Line {int(place[0]) + 1}: {message}" if place else message


def _first_wrong_id(question: Question, name: str, typed: Mapping[str, str]) -> str:
    return part(name, question.widget.first_wrong(question, below(name, typed)))


def _field(
    schema: Mapping[str, Any], question: Question, posted: Posted, wrong: _Wrong, prefix: str = ""
) -> Field:
    """A question on the page; `schema` is what its answers must be."""
    name = prefix + question.name
    error = wrong.messages.get(name, "")
    typed = posted.typed
    return Field(
        id=name,
        name=name,
        widget=question.widget,
        label=question.label,
        hint=question.hint,
        error=error,
        typed=showable(typed.get(name, "")),
        autocomplete=question.autocomplete,
        width=_input_width(question.width),
        limit=schema.get("maxLength"),
        options=question.options,
        parts=tuple(_parts(question.widget, name, below(name, typed), bool(error))),
        rows=tuple(_rows(schema, question, posted, wrong)),
        most_rows=GROUP.most_rows(schema) if question.columns else 0,
    )


def _rows(schema: Mapping[str, Any], question: Question, posted: Posted, wrong: _Wrong) -> Iterator[Row]:
    if not question.columns:
        return
    columns = schema.get("items", {}).get("properties", {})
    # An empty form shows one row, and so does one whose last row was removed.
    for place, prefix in enumerate(prefixes(question, posted.typed) or [f"{question.name}-0-"]):
        fields = tuple(
            _field(columns.get(column.name, {}), column, posted, wrong, prefix) for column in question.columns
        )
        yield Row(number=place + 1, fields=fields)


def date_field(name: str, label: str, typed: Mapping[str, str], *, hint: str = "", error: str = "") -> Field:
    """A date that is asked outside a form's questions."""
    return Field(
        id=name,
        name=name,
        widget=DATE,
        label=label,
        hint=hint,
        error=error,
        typed="",
        autocomplete="",
        width=None,
        limit=None,
        parts=tuple(_parts(DATE, name, below(name, typed), bool(error))),
    )


def _parts(widget: Widget, name: str, typed: Mapping[str, str], is_wrong: bool) -> Iterator[InputPart]:
    """The inputs of a question that has several, those that are to blame marked."""
    wrong = widget.wrong(typed) if is_wrong else ()
    for one, width in widget.part_widths.items():
        yield InputPart(
            id=part(name, one),
            name=part(name, one),
            label=one.capitalize(),
            typed=showable(typed.get(one, "")),
            wrong=one in wrong,
            width=width,
        )


def showable(typed: str) -> str:
    """What was typed, without the characters that no page may hold (HTML, 13.2.3.5)."""
    return _NO_HTML.sub("", typed)


def _input_width(characters: int | None) -> int | None:
    """The narrowest of the design system's widths that shows so many characters; None for full width."""
    return next((width for width in _INPUT_WIDTHS if characters is not None and width >= characters), None)
