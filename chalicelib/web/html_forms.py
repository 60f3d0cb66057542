"""From a posted HTML form to answers.

People type text; the schema wants integers, dates and booleans. What cannot be read stays the string that was
typed, so that the schema refuses it at the pointer where it stands and the page can show it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import MistypedReference
from chalicelib.domain.forms import Form, Question
from chalicelib.domain.money import pence_from_typed
from chalicelib.domain.references import read_reference
from chalicelib.domain.values import value
from chalicelib.web.typed_dates import DATE_PARTS, date_answer

_REMOVE_LINE = re.compile(r"remove-line-([1-9][0-9]{0,3})", re.ASCII)
_WHOLE_NUMBER = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})", re.ASCII)


@value
class Posted:
    """A posted form. `rows` maps a group to the places on the page of the rows that are in the answers."""

    typed: Mapping[str, str]
    answers: dict[str, Any]
    rows: Mapping[str, tuple[int, ...]]


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
            lines = [_answers(question.columns, typed, prefix) for prefix in prefixes(question, typed)]
            kept = {place: line for place, line in enumerate(lines) if line}
            rows[question.name] = tuple(kept)
            if kept:
                answers[question.name] = list(kept.values())
        else:
            answers.update(_answers((question,), typed, ""))
            if question.name in answers and schema_of(form, question).get("format") == "reference":
                answers[question.name] = _reference(answers[question.name])
    return Posted(typed=typed, answers=answers, rows=rows)


def with_line_added(form: Form, fields: Mapping[str, str], group: str) -> dict[str, str]:
    """What was typed, with one more empty row at the end of the group."""
    typed = dict(_renumbered(form, fields))
    question = form.question(group)
    if question is not None and question.columns:
        places = _places(question, typed)
        if len(places) < most_rows(form, question):
            typed[f"{group}-{len(places)}-{question.columns[0].name}"] = ""
    return typed


def with_line_removed(form: Form, fields: Mapping[str, str], group: str, place: int) -> dict[str, str]:
    """What was typed, without one row of the group. The rows after it move up."""
    typed = dict(_renumbered(form, fields))
    return dict(_renumbered(form, {n: v for n, v in typed.items() if not n.startswith(f"{group}-{place}-")}))


def lines_changed(form: Form, fields: Mapping[str, str]) -> dict[str, str] | None:
    """What was typed, with a line added or removed, where that is the button that was pressed."""
    group = next((question.name for question in form.questions() if question.columns), "")
    action = fields.get("action", "")
    if action == "add-line":
        return with_line_added(form, fields, group)
    removed = _REMOVE_LINE.fullmatch(action)
    return with_line_removed(form, fields, group, int(removed[1]) - 1) if removed else None


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
        return date_answer(name, typed)
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


def _renumbered(form: Form, fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The fields that the form has, each group's rows numbered 0, 1, 2 … whatever their numbers were. Of rows that
    none of our pages has, one is enough to refuse them all: each costs a row of the page that is shown again."""
    for question in form.questions():
        if question.columns:
            for place, old in enumerate(_places(question, fields)[: most_rows(form, question) + 1]):
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


def prefixes(question: Question, typed: Mapping[str, str]) -> list[str]:
    """What the names of each row's inputs begin with, once rows are numbered 0, 1, 2 …"""
    return [f"{question.name}-{place}-" for place in _places(question, typed)]


def schema_of(form: Form, question: Question) -> Mapping[str, Any]:
    """What the schema says of a question's answer; nothing for a column of a group."""
    found: Mapping[str, Any] = form.schema["properties"].get(question.name, {})
    return found


def most_rows(form: Form, question: Question) -> int:
    """How many rows a group may have."""
    return int(schema_of(form, question).get("maxItems", 100))
