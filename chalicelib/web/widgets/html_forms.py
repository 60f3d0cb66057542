"""From a posted HTML form to answers, and back.

People type text; the schema wants integers, dates and booleans. Each question's widget reads what was typed. What
cannot be read stays the text that was typed, so that the schema refuses it at its place and the page shows it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.forms.form import Form, Question
from chalicelib.domain.forms.widgets import GROUP
from chalicelib.domain.forms.widgets.base import below, part
from chalicelib.domain.values import value

_ADD = re.compile(r"add-line(?:-(?P<group>[a-z][a-z0-9_]*))?", re.ASCII)
_REMOVE = re.compile(r"remove-line(?:-(?P<group>[a-z][a-z0-9_]*))?-(?P<line>[1-9][0-9]{0,3})", re.ASCII)


@value
class Posted:
    """A posted form. `rows` maps a group to the places on the page of the rows that are in the answers."""

    typed: Mapping[str, str]
    answers: dict[str, Any]
    rows: Mapping[str, tuple[int, ...]]


def read_fields(form: Form, fields: Mapping[str, str]) -> Posted:
    """The answers, with what it takes to show the form again. Fields the form does not have are ignored."""
    typed = dict(_own_fields(form, fields))
    answers: dict[str, Any] = {}
    rows: dict[str, tuple[int, ...]] = {}
    for question in form.questions():
        texts = below(question.name, typed)
        answer = question.widget.read(question, texts)
        if answer is not None:
            answers[question.name] = answer
        if question.columns:
            rows[question.name] = tuple(GROUP.rows_read(question, texts))
    return Posted(typed=typed, answers=answers, rows=rows)


def typed_fields(form: Form, answers: Mapping[str, Any]) -> dict[str, str]:
    """The fields of the form's page as somebody would have typed them: `read_fields`, the other way round. Answers to
    other questions are left out."""
    return {
        part(question.name, name): text
        for question in form.questions()
        if question.name in answers
        for name, text in question.widget.typed(question, answers[question.name]).items()
    }


def with_line_added(form: Form, fields: Mapping[str, str], group: Question) -> dict[str, str]:
    """What was typed, with one more empty row at the end of the group."""
    typed = dict(_own_fields(form, fields))
    texts = GROUP.with_row(group, below(group.name, typed), most_rows(form, group))
    return _with_group(typed, group, texts)


def with_line_removed(form: Form, fields: Mapping[str, str], group: Question, place: int) -> dict[str, str]:
    """What was typed, without one row of the group. The rows after it move up."""
    typed = dict(_own_fields(form, fields))
    return _with_group(typed, group, GROUP.without_row(group, below(group.name, typed), place))


def lines_changed(form: Form, fields: Mapping[str, str]) -> dict[str, str] | None:
    """What was typed, with a line added or removed, where that is the button that was pressed.

    A button names its group. Those of a page that was opened before pages named it mean the form's first.
    """
    action = fields.get("action", "")
    added, removed = _ADD.fullmatch(action), _REMOVE.fullmatch(action)
    pressed = added or removed
    groups = {question.name: question for question in form.questions() if question.columns}
    group = groups.get(pressed["group"] or next(iter(groups), "")) if pressed else None
    if group is None:
        return None
    if removed:
        return with_line_removed(form, fields, group, int(removed["line"]) - 1)
    return with_line_added(form, fields, group)


def _own_fields(form: Form, fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The fields that the form has, each group's rows numbered 0, 1, 2 … whatever their numbers were. Of rows that
    none of our pages has, one is enough to refuse them all: each costs a row of the page that is shown again."""
    for question in form.questions():
        if question.columns:
            most = most_rows(form, question) + 1
            texts = GROUP.renumbered(question, below(question.name, fields), most)
            yield from ((part(question.name, name), text) for name, text in texts.items())
        else:
            names = [part(question.name, name) for name in question.widget.inputs]
            yield from ((name, fields[name]) for name in names if name in fields)


def _with_group(typed: Mapping[str, str], group: Question, texts: Mapping[str, str]) -> dict[str, str]:
    others = {name: text for name, text in typed.items() if not name.startswith(f"{group.name}-")}
    return {**others, **{part(group.name, name): text for name, text in texts.items()}}


def prefixes(question: Question, typed: Mapping[str, str]) -> list[str]:
    """What the names of each row's inputs begin with, once rows are numbered 0, 1, 2 …; none but for a group."""
    if not question.columns:
        return []
    return [f"{question.name}-{place}-" for place in GROUP.places(question, below(question.name, typed))]


def schema_of(form: Form, question: Question) -> Mapping[str, Any]:
    """What the schema says of a question's answer."""
    found: Mapping[str, Any] = form.schema["properties"].get(question.name, {})
    return found


def most_rows(form: Form, question: Question) -> int:
    """How many rows a group may have."""
    return GROUP.most_rows(schema_of(form, question))
