"""Answers as a person would have typed them: what `html_forms.read_fields` reads, the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from chalicelib.domain.answers import is_date
from chalicelib.domain.forms import Form, Question
from chalicelib.web.typed_dates import date_fields


def typed_fields(form: Form, answers: Mapping[str, Any]) -> dict[str, str]:
    """The fields of the form's page, filled with these answers. Answers to other questions are left out."""
    typed: dict[str, str] = {}
    for question in form.questions():
        if question.name not in answers:
            continue
        if question.columns:
            for place, line in enumerate(answers[question.name]):
                typed.update(_line(question, place, line))
        else:
            typed.update(_typed(question, question.name, answers[question.name]))
    return typed


def _line(group: Question, place: int, line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """One row. A row has all its inputs, also those that were left empty."""
    for column in group.columns:
        name = f"{group.name}-{place}-{column.name}"
        if column.name in line:
            yield from _typed(column, name, line[column.name]).items()
        else:
            yield name, ""


def _typed(question: Question, name: str, answer: Any) -> dict[str, str]:
    if question.widget == "date" and is_date(str(answer)):
        return date_fields(name, date.fromisoformat(answer))
    if question.widget == "declaration":
        return {name: "true"} if answer is True else {}
    if question.widget == "money" and isinstance(answer, int):
        whole, pence = divmod(answer, 100)
        return {name: f"{whole:,}.{pence:02d}"}
    return {name: str(answer)}
