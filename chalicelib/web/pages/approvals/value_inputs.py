"""The values that choices ask for, as inputs on a task's page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.domain.approvals.asked_values import VALUES, values_form
from chalicelib.domain.values import value
from chalicelib.web.pages.intake.form_view import Field, form_view
from chalicelib.web.widgets.html_forms import read_fields

if TYPE_CHECKING:
    from chalicelib.domain.errors import Problem
    from chalicelib.domain.forms.form import Form
    from chalicelib.domain.forms.stages import Choice


@value
class ValueInputs:
    """The inputs of one choice."""

    legend: str
    fields: tuple[Field, ...]


def input_name(choice: str, name: str) -> str:
    """What the input of a value is called on the page: two choices may ask for values of one name. A hyphen would mean
    a row of a group."""
    return f"{VALUES}.{choice.replace('-', '_')}.{name}"


def inputs(
    form: Form,
    choices: Sequence[Choice],
    typed: Mapping[str, str],
    decision: str,
    problems: Sequence[Problem],
) -> Iterator[ValueInputs]:
    """The inputs of every choice that asks for values, with what was typed and, for the `decision`, what is wrong."""
    for choice in choices:
        if not choice.asks:
            continue
        asked = _page_form(form, choice)
        wrong = [
            replace(one, pointer="/" + input_name(choice.value, one.pointer.removeprefix(f"/{VALUES}/")))
            for one in problems
            if choice.value == decision and one.pointer.startswith(f"/{VALUES}/")
        ]
        view = form_view(asked, read_fields(asked, typed), wrong)
        yield ValueInputs(legend=f"If you choose “{choice.label}”", fields=view.sections[0].fields)


def read(form: Form, choice: Choice | None, fields: Mapping[str, str]) -> dict[str, Any]:
    """The values that were typed for a choice, not yet checked."""
    if choice is None or not choice.asks:
        return {}
    answers = read_fields(_page_form(form, choice), fields).answers
    names = {input_name(choice.value, one.name): one.name for one in choice.asks}
    return {names[name]: answer for name, answer in answers.items()}


def _page_form(form: Form, choice: Choice) -> Form:
    """The choice's questions as a form, under the names that they have on the page."""
    asked = values_form(form, choice)
    fields = asked.schema["properties"].items()
    schema = {
        **asked.schema,
        "properties": {input_name(choice.value, name): said for name, said in fields},
        "required": [input_name(choice.value, name) for name in asked.schema["required"]],
    }
    questions = tuple(replace(one, name=input_name(choice.value, one.name)) for one in choice.asks)
    return replace(asked, schema=schema, pages=(replace(asked.pages[0], questions=questions),))
