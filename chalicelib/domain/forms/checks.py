"""What a form file says of its questions and cannot mean, or what no page could send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.forms.form import Form
from chalicelib.domain.intake.strict_form import MAX_FIELDS
from chalicelib.domain.reports.exports import NotExportable, columns

PAGE_FIELDS = frozenset({"key", "action", "homepage", "duplicate_ok", "csrf", "version"})
"""Fields that our pages send beside the questions, so that no question may have their names."""


def problems(form: Form) -> list[str]:
    """What is wrong with a form's questions and the schema of their answers: each with its page, question and column.

    A widget that there is not is refused before, when the form is read (UnknownWidget).
    """
    return [*_question_problems(form), *_schema_problems(form), *_whole_problems(form)]


def _question_problems(form: Form) -> Iterator[str]:
    fields: Mapping[str, Any] = form.schema["properties"]
    required = form.schema.get("required", ())
    seen: set[str] = set()
    for page in form.pages:
        for question in page.questions:
            where = f"{page.id}/{question.name}"
            if question.name in seen:
                yield f"{where}: it is asked twice"
            seen.add(question.name)
            if question.name in PAGE_FIELDS:
                yield f"{where}: our pages have a field of this name, so a question cannot"
            if question.name not in fields:
                yield f"{where}: it is not in the schema"
                continue
            faults = question.widget.rules(
                question, fields[question.name], is_required=question.name in required
            )
            yield from (f"{where}: {fault}" for fault in faults)


def _schema_problems(form: Form) -> Iterator[str]:
    asked = {question.name for question in form.questions()}
    for name in sorted(set(form.schema["properties"]) - asked):
        yield f"schema/{name}: no page can send it, because no question asks it"
    for name in sorted(set(form.schema.get("required", ())) - set(form.schema["properties"])):
        yield f"schema/{name}: it is required and not in properties"


def _whole_problems(form: Form) -> Iterator[str]:
    fields = form.schema["properties"]
    inputs = sum(
        question.widget.count_inputs(question, fields.get(question.name, {})) for question in form.questions()
    )
    most = MAX_FIELDS - len(PAGE_FIELDS)
    if inputs > most:
        yield f"pages: the questions have {inputs} inputs, and a page can send {most}: give the groups fewer rows"
    try:
        columns(form)
    except NotExportable as error:
        yield f"export: {error}"
