"""The values that a choice asks for: read by the widgets, checked all at once, stored with the decision.

They stand in the decision's timeline entry. Personal ones stand with what was written, which can be removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain.approvals.deadlines import london_day
from chalicelib.domain.errors import InvalidAnswers, Problem
from chalicelib.domain.forms.answers import check_answers, walk
from chalicelib.domain.forms.form import Form, Page
from chalicelib.domain.forms.stages import Choice
from chalicelib.domain.records.submissions import Case
from chalicelib.domain.records.timeline import Entry

VALUES = "values"
"""Their name in a decision's body, and in its entry."""

PERSONAL = "/values"
"""Beside what was written: where the personal ones stand. No page of a form can have this id."""


def values_form(form: Form, choice: Choice) -> Form:
    """The form with what the choice asks for in place of its own questions."""
    page = Page(id=VALUES, title=choice.label, questions=choice.asks)
    return replace(form, schema=choice.schema, pages=(page,))


def read_values(form: Form, choice: Choice, given: object, *, now: datetime) -> dict[str, Any]:
    """The values given with a choice, tidied. Raises InvalidAnswers with every problem, each below `/values`."""
    if given is not None and not isinstance(given, Mapping):
        raise InvalidAnswers([_problem("", "type", "The values must be an object: what the choice asks for")])
    if not choice.asks:
        if given:
            raise InvalidAnswers([_problem("", "additionalProperties", "This choice asks for no values")])
        return {}
    try:
        values = check_answers(values_form(form, choice), dict(given or {}))
    except InvalidAnswers as error:
        raise InvalidAnswers(
            [_problem(one.pointer, one.code, one.message) for one in error.problems]
        ) from None
    wrong = choice.outcome.wrong_values(values, london_day(now))
    problems = [_problem(f"/{name}", code, message) for name, code, message in wrong]
    if problems:
        raise InvalidAnswers(problems)
    return values


def details_of(form: Form, choice: Choice, values: Mapping[str, Any]) -> dict[str, str]:
    """What the decision's entry says of them: those that are not personal, as JSON."""
    personal = values_form(form, choice).personal if values else frozenset()
    return _as_json(VALUES, {name: said for name, said in values.items() if name not in personal})


def personal_of(form: Form, choice: Choice, values: Mapping[str, Any]) -> dict[str, str]:
    """What stands beside what was written: the personal ones, as JSON."""
    personal = values_form(form, choice).personal if values else frozenset()
    return _as_json(PERSONAL, {name: said for name, said in values.items() if name in personal})


def values_at(case: Case, entry: Entry) -> dict[str, Any]:
    """The values that were given with a decision. Personal ones that have been removed are not there."""
    text = case.texts.get(entry.sequence)
    personal = text.parts.get(PERSONAL, "{}") if text else "{}"
    return {**json.loads(str(entry.details.get(VALUES, "{}"))), **json.loads(personal)}


def in_words(form: Form, choice: Choice, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Heading and words of each value, in the order in which they are asked."""
    if values:
        yield from ((one.heading, one.value) for one in walk(values_form(form, choice), values))


def given_at(case: Case, form: Form, entry: Entry) -> tuple[tuple[str, str], ...]:
    """The values that were given with a decision, in words."""
    choice = form.workflow.choice(str(entry.details["decision"]))
    return tuple(in_words(form, choice, values_at(case, entry)))


def _as_json(name: str, values: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(values, sort_keys=True, ensure_ascii=False)} if values else {}


def _problem(pointer: str, code: str, message: str) -> Problem:
    return Problem(pointer=f"/{VALUES}{pointer}", code=code, message=message)
