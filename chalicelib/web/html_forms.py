"""From a posted HTML form to answers, and from answers and their problems back to a page.

People type text; the schema wants integers, dates and booleans. What cannot be read stays the string that was
typed, so that the schema refuses it at the pointer where it stands and the page can show it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chalicelib.domain.errors import MistypedReference, Problem
from chalicelib.domain.forms import Form, Option, Question
from chalicelib.domain.money import pence_from_typed
from chalicelib.domain.references import read_reference

DATE_PARTS = ("day", "month", "year")
ADD_LINE = "add-line"
REMOVE_LINE = "remove-line-"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_WHOLE_NUMBER = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})", re.ASCII)
_INPUT_WIDTHS = (2, 3, 4, 5, 10, 20, 30)


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A posted form. `rows` maps a group to the places on the page of the rows that are in the answers."""

    typed: Mapping[str, str]
    answers: dict[str, Any]
    rows: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class DatePart:
    """One of the three inputs of a date."""

    id: str
    name: str
    label: str
    typed: str
    wrong: bool
    width: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One repetition of a group's questions, as it stands on the page."""

    number: int
    fields: tuple[Field, ...]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One question as a page shows it: `typed` exactly as it was typed, `error` empty where all is well."""

    id: str
    name: str
    widget: str
    label: str
    hint: str
    error: str
    typed: str
    autocomplete: str
    width: int | None
    limit: int | None
    options: tuple[Option, ...] = ()
    parts: tuple[DatePart, ...] = ()
    rows: tuple[Row, ...] = ()
    most_rows: int = 0


@dataclass(frozen=True, kw_only=True)
class Section:
    """Questions under one heading."""

    id: str
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, kw_only=True)
class ErrorLink:
    """One line of the error summary. `href` leads to the first wrong input, if an input is to blame."""

    text: str
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class FormView:
    """A form as a page shows it."""

    sections: tuple[Section, ...]
    errors: tuple[ErrorLink, ...]


def answers_from_fields(form: Form, fields: Mapping[str, str]) -> dict[str, Any]:
    """The answers that the posted fields hold, not yet checked. Questions left empty are absent."""
    return read_fields(form, fields).answers


def read_fields(form: Form, fields: Mapping[str, str]) -> Posted:
    """The answers, with what it takes to show the form again. Fields the form does not have are ignored."""
    typed = dict(_renumbered(form, fields))
    answers: dict[str, Any] = {}
    rows: dict[str, tuple[int, ...]] = {}
    for question in form.questions():
        if question.columns:
            lines = [_answers(question.columns, typed, prefix) for prefix in _prefixes(question, typed)]
            kept = {place: line for place, line in enumerate(lines) if line}
            rows[question.name] = tuple(kept)
            if kept:
                answers[question.name] = list(kept.values())
        else:
            answers.update(_answers((question,), typed, ""))
            if question.name in answers and _schema_of(form, question).get("format") == "reference":
                answers[question.name] = _reference(answers[question.name])
    return Posted(typed=typed, answers=answers, rows=rows)


def with_line_added(form: Form, fields: Mapping[str, str], group: str) -> dict[str, str]:
    """What was typed, with one more empty row at the end of the group."""
    typed = dict(_renumbered(form, fields))
    question = form.question(group)
    if question is not None and question.columns:
        places = _places(question, typed)
        if len(places) < _most_rows(form, question):
            typed[f"{group}-{len(places)}-{question.columns[0].name}"] = ""
    return typed


def with_line_removed(form: Form, fields: Mapping[str, str], group: str, place: int) -> dict[str, str]:
    """What was typed, without one row of the group. The rows after it move up."""
    typed = dict(_renumbered(form, fields))
    return dict(_renumbered(form, {n: v for n, v in typed.items() if not n.startswith(f"{group}-{place}-")}))


def form_view(form: Form, posted: Posted | None = None, problems: Sequence[Problem] = ()) -> FormView:
    """The form as a page shows it: empty, or with what was typed and what is wrong with it."""
    shown = posted or Posted(typed={}, answers={}, rows={})
    wrong = _Wrong(form, shown, problems)
    sections = tuple(
        Section(
            id=page.id,
            title=page.title,
            fields=tuple(_field(form, question, shown, wrong) for question in page.questions),
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
        for prefix in _prefixes(question, typed):
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
    """The problem's message; for a date with parts left out, which ones; in a row, which line."""
    message = problem.message
    if question.widget == "date" and (missing := _missing_parts(name, typed)):
        message = f"{question.heading} must include a {' and '.join(missing)}"
    place = name.split("-")[1:2]
    return f"Line {int(place[0]) + 1}: {message}" if place else message


def _first_wrong_id(question: Question, name: str, typed: Mapping[str, str]) -> str:
    if question.widget == "date":
        return f"{name}-{_wrong_parts(name, typed)[0]}"
    if question.columns:
        return f"{name}-0-{question.columns[0].name}"
    return name


def _field(form: Form, question: Question, posted: Posted, wrong: _Wrong, prefix: str = "") -> Field:
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
        typed=typed.get(name, ""),
        autocomplete=question.autocomplete,
        width=_input_width(question.width),
        limit=_schema_of(form, question).get("maxLength") if not prefix else None,
        options=question.options,
        parts=tuple(_date_parts(name, typed, bool(error))) if question.widget == "date" else (),
        rows=tuple(_rows(form, question, posted, wrong)),
        most_rows=_most_rows(form, question) if question.columns else 0,
    )


def _rows(form: Form, question: Question, posted: Posted, wrong: _Wrong) -> Iterator[Row]:
    if not question.columns:
        return
    # An empty form shows one row, and so does one whose last row was removed.
    for place, prefix in enumerate(_prefixes(question, posted.typed) or [f"{question.name}-0-"]):
        fields = tuple(_field(form, column, posted, wrong, prefix) for column in question.columns)
        yield Row(number=place + 1, fields=fields)


def _date_parts(name: str, typed: Mapping[str, str], is_wrong: bool) -> Iterator[DatePart]:
    wrong = _wrong_parts(name, typed) if is_wrong else ()
    for part in DATE_PARTS:
        one = f"{name}-{part}"
        yield DatePart(
            id=one,
            name=one,
            label=part.capitalize(),
            typed=typed.get(one, ""),
            wrong=part in wrong,
            width=4 if part == "year" else 2,
        )


def _answers(questions: Sequence[Question], typed: Mapping[str, str], prefix: str) -> dict[str, Any]:
    found = {}
    for question in questions:
        value = _answer(question, prefix + question.name, typed)
        if value is not None:
            found[question.name] = value
    return found


def _answer(question: Question, name: str, typed: Mapping[str, str]) -> Any:
    """The answer in the inputs of this name, or None where they are empty."""
    if question.widget == "date":
        return _date(name, typed)
    text = typed.get(name, "").strip()
    if not text:
        return None
    if question.widget == "declaration":
        return True if text == "true" else text
    if question.widget == "money":
        pence = pence_from_typed(text)
        return text if pence is None else pence
    if question.widget == "number":
        return int(text.replace(",", "")) if _WHOLE_NUMBER.fullmatch(text) else text
    return text


def _reference(typed: str) -> str:
    """A reference as we write it, where somebody typed one in another way."""
    try:
        return read_reference(typed)
    except MistypedReference:
        return typed


def _date(name: str, typed: Mapping[str, str]) -> str | None:
    parts = [typed.get(f"{name}-{part}", "").strip() for part in DATE_PARTS]
    if not any(parts):
        return None
    day, month, year = _day(parts[0]), _month(parts[1]), _year(parts[2])
    if day and month and year:
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            pass
    # Begins with what no date begins with, and is short enough to fail as a date, not by its length.
    return ("/" + "/".join(parts))[:10]


def _wrong_parts(name: str, typed: Mapping[str, str]) -> tuple[str, ...]:
    """Which inputs of a refused date to mark: those left out, else those that cannot be, else all three."""
    missing = _missing_parts(name, typed)
    if missing:
        return missing
    readers = {"day": _day, "month": _month, "year": _year}
    wrong = tuple(part for part in DATE_PARTS if not readers[part](typed.get(f"{name}-{part}", "").strip()))
    return wrong or DATE_PARTS


def _missing_parts(name: str, typed: Mapping[str, str]) -> tuple[str, ...]:
    """The parts left out of a date that has others."""
    missing = tuple(part for part in DATE_PARTS if not typed.get(f"{name}-{part}", "").strip())
    return () if len(missing) == len(DATE_PARTS) else missing


def _day(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,2}", text, re.ASCII) and 1 <= int(text) <= 31 else 0


def _month(text: str) -> int:
    if re.fullmatch("[0-9]{1,2}", text, re.ASCII):
        return int(text) if 1 <= int(text) <= 12 else 0
    word = text.casefold().rstrip(".")
    for names in (_MONTHS, _LONG_MONTHS):
        if word in names:
            return names.index(word) + 1
    return 9 if word == "sept" else 0


def _year(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{4}", text, re.ASCII) else 0


def _renumbered(form: Form, fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The fields that the form has, each group's rows numbered 0, 1, 2 … whatever their numbers were."""
    for question in form.questions():
        if question.columns:
            for place, old in enumerate(_places(question, fields)):
                for column in question.columns:
                    name = f"{question.name}-{old}-{column.name}"
                    if name in fields:
                        yield f"{question.name}-{place}-{column.name}", fields[name]
        elif question.widget == "date":
            names = [f"{question.name}-{part}" for part in DATE_PARTS]
            yield from ((name, fields[name]) for name in names if name in fields)
        elif question.name in fields:
            yield question.name, fields[question.name]


def _places(question: Question, fields: Mapping[str, str]) -> list[int]:
    """The row numbers that the posted names of this group hold, in order."""
    columns = "|".join(re.escape(column.name) for column in question.columns)
    pattern = re.compile(rf"{re.escape(question.name)}-(0|[1-9][0-9]{{0,3}})-(?:{columns})", re.ASCII)
    return sorted({int(match.group(1)) for name in fields if (match := pattern.fullmatch(name))})


def _prefixes(question: Question, typed: Mapping[str, str]) -> list[str]:
    """What the names of each row's inputs begin with, once rows are numbered 0, 1, 2 …"""
    return [f"{question.name}-{place}-" for place in _places(question, typed)]


def _schema_of(form: Form, question: Question) -> Mapping[str, Any]:
    found: Mapping[str, Any] = form.schema["properties"].get(question.name, {})
    return found


def _most_rows(form: Form, question: Question) -> int:
    return int(_schema_of(form, question).get("maxItems", 100))


def _input_width(characters: int | None) -> int | None:
    """The narrowest of the design system's widths that shows so many characters; None for full width."""
    return next((width for width in _INPUT_WIDTHS if characters is not None and width >= characters), None)
