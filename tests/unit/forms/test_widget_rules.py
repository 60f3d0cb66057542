"""What a form file cannot mean, and what no page could send, is refused by name and place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.forms.checks import PAGE_FIELDS, problems
from chalicelib.domain.forms.widgets import UnknownWidget
from chalicelib.web.pages.intake.form import OWN_FIELDS
from tests.forms import everything, everything_data, read

Change = Callable[[dict[str, Any]], object]


def test_the_form_with_every_widget_has_no_problems() -> None:
    assert problems(everything()) == []


@pytest.mark.parametrize("form", FormFiles().all(), ids=lambda form: form.id)
def test_our_own_forms_have_no_problems(form: Any) -> None:
    assert problems(form) == []


def test_the_fields_that_pages_send_besides_are_those_that_no_question_may_be_called() -> None:
    assert OWN_FIELDS | {"csrf", "version"} == PAGE_FIELDS


def field(data: dict[str, Any], name: str, column: str = "") -> dict[str, Any]:
    found = data["schema"]["properties"][name]
    return dict_of(found["items"]["properties"][column] if column else found)


def question(data: dict[str, Any], name: str, column: str = "") -> dict[str, Any]:
    found = next(one for page in data["pages"] for one in page["questions"] if one["name"] == name)
    return dict_of(next(one for one in found["columns"] if one["name"] == column) if column else found)


def dict_of(found: Any) -> dict[str, Any]:
    assert isinstance(found, dict)
    return found


def says(asked: str, of: str = "", /, **members: Any) -> Change:
    return lambda data: question(data, asked, of).update(members)


def takes(name: str, column: str = "", **keywords: Any) -> Change:
    return lambda data: field(data, name, column).update(
        {k.replace("__", "-"): v for k, v in keywords.items()}
    )


def lacks(name: str, keyword: str, column: str = "") -> Change:
    return lambda data: field(data, name, column).pop(keyword)


def requires(name: str) -> Change:
    return lambda data: data["schema"]["required"].append(name)


def without_question(data: dict[str, Any]) -> None:
    data["pages"][0]["questions"] = [one for one in data["pages"][0]["questions"] if one["name"] != "people"]


def without_columns(*names: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        group = question(data, "sessions")
        group["columns"] = [one for one in group["columns"] if one["name"] not in names]

    return change


def called(name: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        question(data, "people")["name"] = name
        data["schema"]["properties"][name] = data["schema"]["properties"].pop("people")

    return change


def asked_twice(data: dict[str, Any]) -> None:
    data["pages"][2]["questions"].append(question(data, "people"))


BROKEN: list[tuple[str, Change]] = [
    ('what/people: the widget number needs "type": "integer"', takes("people", type="string")),
    ("what/people: the widget number needs a minimum and a maximum", lacks("people", "maximum")),
    ("what/people: no answer fits: minimum is more than maximum", takes("people", minimum=6000)),
    ("what/people: the widget number cannot have pattern", takes("people", pattern="^1")),
    ("what/people: the widget number cannot have options", says("people", options=[{"value": "1", "label": "One"}])),
    ("what/people: there is a message for pattern", says("people", errors={"pattern": "No"})),
    ("what/estimate: no page can send an amount below nothing", takes("estimate", minimum=-1)),
    ('what/first_day: the widget date needs "format": "date"', lacks("first_day", "format")),
    ("what/first_day: no answer fits: a date has 10 characters", takes("first_day", maxLength=9)),
    ("what/first_day: the widget date cannot have width", says("first_day", width=10)),
    ("what/title: the widget text cannot have format", takes("title", format="date")),
    ("what/title: the widget text cannot have x-multiline", takes("title", x__multiline=True)),
    ("what/title: no answer fits: minLength is more than maxLength", takes("title", minLength=121)),
    ('what/details: the widget textarea needs "x-multiline": true', lacks("details", "x-multiline")),
    ('what/earlier: the widget reference needs "format": "reference"', lacks("earlier", "format")),
    ('you/contact_email: the widget email needs "format": "mailbox"', lacks("contact_email", "format")),
    ("what/kind: the widget select needs options", says("kind", options=[])),
    ("what/kind: the options are not those of enum", takes("kind", enum=["talk", "workshop"])),
    ("what/kind: no page can send the option ' talk'", says("kind", options=[{"value": " talk", "label": "x"}])),
    ("what/kind: no page can send the option ''", says("kind", options=[{"value": "", "label": "x"}])),
    ("what/kind: no answer fits the option 'workshop'", takes("kind", maxLength=5)),
    ("what/kind: two options have the same value", says("kind", options=[{"value": "talk", "label": "x"}] * 2)),
    ("what/kind: the widget select cannot have autocomplete", says("kind", autocomplete="on")),
    ("you/agreed: no page can send anything but a ticked box", takes("agreed", const=False)),
    ('you/agreed: the widget declaration needs "const": true', lacks("agreed", "const")),
    ('you/updates: the widget declaration needs "const": true', takes("updates", type="string")),
    ("you/updates: no page can send an unticked box", requires("updates")),
    ('plan/sessions: the widget group needs "type": "array"', takes("sessions", type="object")),
    ("plan/sessions: the widget group needs maxItems", lacks("sessions", "maxItems")),
    ("plan/sessions: no answer fits: minItems is more than maxItems", takes("sessions", minItems=6)),
    ("plan/sessions: column seats: the widget number needs a minimum", lacks("sessions", "minimum", "seats")),
    ('plan/sessions: column day: the widget date needs "format"', lacks("sessions", "format", "day")),
    ("plan/sessions: column room: the options are not", takes("sessions", "room", enum=["hall"])),
    ("plan/sessions: column cost: x-personal is for whole questions", takes("sessions", "cost", x__personal=True)),
    ("plan/sessions: column seats: no page can send it", without_columns("seats")),
    ("plan/sessions: column nights: it is not in the schema", says("sessions", "notes", name="nights")),
    ("plan/sessions: two columns have the same name", says("sessions", "notes", name="seats")),
    (
        "plan/sessions: column notes: a group cannot be in a group",
        says("sessions", "notes", widget="group", columns=[{"name": "x", "label": "x", "widget": "text"}]),
    ),
    (
        "plan/sessions: a group needs a column that is not a declaration",
        without_columns("day", "seats", "room", "cost", "notes"),
    ),
    ("schema/people: no page can send it, because no question asks it", without_question),
    ("schema/ghost: it is required and not in properties", requires("ghost")),
    ("what/persons: it is not in the schema", says("people", name="persons")),
    ("you/people: it is asked twice", asked_twice),
    ("what/action: our pages have a field of this name", called("action")),
    ("pages: the questions have 298 inputs, and a page can send 294", takes("sessions", maxItems=31)),
    ("export: everything: contact_name is personal", lambda data: data["export"]["columns"].append(
        {"field": "contact_name", "heading": "Name"})),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "change"), BROKEN, ids=[problem for problem, _ in BROKEN])
def test_what_cannot_be_meant_or_sent_is_refused_by_name_and_place(problem: str, change: Change) -> None:
    data = everything_data()
    change(data)
    found = problems(read(data))
    assert [one for one in found if one.startswith(problem)], found


def test_a_widget_that_there_is_not_is_refused_by_name() -> None:
    data = everything_data()
    says("sessions", "seats", widget="slider")(data)
    with pytest.raises(UnknownWidget, match=r"seats: there is no widget 'slider'\. There are text, "):
        read(data)


def test_a_form_without_columns_of_an_export_is_refused() -> None:
    assert problems(replace(everything(), export=())) == ["export: everything: there are no columns"]
