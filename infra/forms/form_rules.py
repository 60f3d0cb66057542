"""What a form file must hold to besides its meta schema, and together with the workflow that it names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from chalicelib.domain.forms.answers import DEFAULT_MESSAGES
from chalicelib.domain.forms.checks import PAGE_FIELDS
from chalicelib.domain.forms.form import Form
from chalicelib.domain.records.submissions import Status
from chalicelib.domain.reports import exports
from infra.forms.fault import Data, Found
from infra.forms.schema_lint import schema_faults
from infra.forms.workflow_rules import STATUSES, repeated

OWN_WORDS = {"required", "type", "domain", "unknown-reference"}
"""Failures that are no keyword of the field's schema."""

WITH_MONEY = {"advance": Status("approved").value, "close": Status("rejected").value}
"""By outcome, the status that a choice of a form with a fund ends with: it is what moves the money."""

Placed = Iterator[tuple[str, Data, Data, Data]]
"""Questions and columns: place, question, the schema of its field, the schema that the field stands in."""


def faults(form: Data) -> Found:
    """Everything that is wrong with a form that its meta schema accepts, its workflow and lists aside."""
    for fault in schema_faults(form["schema"]):
        where, _, message = fault.partition(": ")
        yield f"schema{where.rstrip('/')}", message
    yield from _fields(form)
    for place, question, field, around in _asked(form):
        yield from _options(place, question, field)
        yield from _words(place, question, field, around)
    yield from _named_fields(form)
    for status in sorted(set(form["retention"]) - STATUSES):
        yield f"retention/{status}", f"there is no status {status!r}"


def _fields(form: Data) -> Found:
    fields = form["schema"]["properties"]
    for name in sorted(set(form["schema"]["required"]) - set(fields)):
        yield "schema/required", f"there is no field {name!r}"
    for place, question in _questions(form):
        if question["name"] in PAGE_FIELDS:
            yield f"{place}/name", f"{question['name']!r} is a field of the page itself"
        if question["name"] not in fields:
            yield f"{place}/name", f"there is no field {question['name']!r}"
            continue
        within = fields[question["name"]].get("items", {}).get("properties", {})
        columns = [column["name"] for column in question.get("columns", ())]
        for number, name in enumerate(columns):
            if name not in within:
                yield f"{place}/columns/{number}/name", f"there is no field {name!r} in {question['name']!r}"
        for name in sorted(set(within) - set(columns)):
            yield f"schema/{question['name']}/*/{name}", "no column asks for it"
    names = [question["name"] for _, question in _questions(form)]
    for name in sorted(set(fields) - set(names)):
        yield f"schema/{name}", "no question asks for it"
    for name in repeated(names):
        yield "pages", f"two questions ask for {name!r}"
    for page in repeated(page["id"] for page in form["pages"]):
        yield "pages", f"two pages have the id {page!r}"


def _questions(form: Data) -> Iterator[tuple[str, Data]]:
    for page_number, page in enumerate(form["pages"]):
        for number, question in enumerate(page["questions"]):
            yield f"pages/{page_number}/questions/{number}", question


def _asked(form: Data) -> Placed:
    """Every question and every column that has a field."""
    fields = form["schema"]["properties"]
    for place, question in _questions(form):
        field = fields.get(question["name"])
        if field is None:
            continue
        yield place, question, field, form["schema"]
        within = field.get("items", {})
        for number, column in enumerate(question.get("columns", ())):
            if column["name"] in within.get("properties", {}):
                inner = within["properties"][column["name"]]
                yield f"{place}/columns/{number}", column, inner, within


def _options(place: str, question: Data, field: Data) -> Found:
    values = [option["value"] for option in question.get("options", ())]
    if question.get("options_from") != field.get("x-list"):
        yield f"{place}/options_from", f"it is not the list of the field ({field.get('x-list', 'none')})"
    elif "options" in question and values != field.get("enum"):
        yield f"{place}/options", "they are not what the field's enum allows, in its order"
    elif question["widget"] == "select" and not values and "options_from" not in question:
        yield f"{place}/options", "there is nothing to select"
    elif "enum" in field and "options" not in question:
        yield f"{place}/options", "the field has an enum, and the question no options"
    if field.get("type") == "string" and bool(field.get("x-multiline")) != (question["widget"] == "textarea"):
        yield f"{place}/widget", "x-multiline and textarea go together"


def _words(place: str, question: Data, field: Data, around: Data) -> Found:
    """Every failure that can happen has words, and no words are for one that cannot."""
    worded = set(question.get("errors", ()))
    keywords = set(field) | ({"enum"} if "x-list" in field else set())
    can_fail = keywords & set(DEFAULT_MESSAGES) - {"type"}
    if "enum" in keywords:
        can_fail -= {"maxLength"}  # the choices say it all
    if question["name"] in around["required"]:
        can_fail |= {"required"}
    for failure in sorted(can_fail - worded):
        yield f"{place}/errors", f"there are no words for {failure!r}, which can happen"
    for failure in sorted(worded - can_fail - keywords - (OWN_WORDS - {"required"})):
        yield f"{place}/errors/{failure}", "this cannot happen"
    for failure, message in question.get("errors", {}).items():
        try:
            message.format(limit="7", label="x")
        except (KeyError, IndexError, ValueError):
            yield f"{place}/errors/{failure}", "only {limit} and {label} are filled in"


def _named_fields(form: Data) -> Found:
    """The fields that a form names outside its questions."""
    fields, required = form["schema"]["properties"], set(form["schema"]["required"])
    for place, name in [(one, form[one]) for one in ("title_field", "email_field")] + [("schema", "force")]:
        if name not in fields:
            yield place, f"there is no field {name!r}"
        elif name not in required:
            yield place, f"the field {name!r} is not required"
    if fields.get(form["title_field"], {}).get("x-personal"):
        yield "title_field", "it is personal, and lists and mails show it"
    address = fields.get(form["email_field"], {})
    if address and (address.get("format"), address.get("x-personal")) != ("mailbox", True):
        yield "email_field", "it is not a personal field of the format 'mailbox'"
    yield from _capabilities(form)
    for name in sorted(set(form["restart_if_changed"]) - set(fields)):
        yield "restart_if_changed", f"there is no field {name!r}"
    if "force" not in form["restart_if_changed"]:
        yield "restart_if_changed", "another force's people decide: it must name 'force'"
    for name, field in fields.items():
        if field.get("x-public") and "x-personal" in json.dumps(field):
            yield f"schema/{name}", "it is personal and public"


def _capabilities(form: Data) -> Found:
    """The fields that money and publishing name."""
    questions = dict(_by_name(form))
    if "amount" in form:
        group, column = form["amount"]["group"], form["amount"]["column"]
        columns = {one["name"]: one["widget"] for one in questions.get(group, {}).get("columns", ())}
        if columns.get(column) != "money":
            yield "amount", f"there is no column {column!r} of the widget money in {group!r}"
    name = form.get("publishes", {}).get("filter")
    if name is not None:
        field = form["schema"]["properties"].get(name, {})
        if not field.get("x-public") or questions.get(name, {}).get("widget") != "select":
            yield "publishes/filter", f"{name!r} is no public field of the widget select"


def _by_name(form: Data) -> Iterator[tuple[str, Data]]:
    for _, question in _questions(form):
        yield question["name"], question


def faults_with(form: Data, workflow: Data) -> Found:
    """What is wrong with a form's money and what it publishes, given the stages of its workflow."""
    stages = workflow["stages"]
    if "publishes" in form and form["publishes"]["at"] not in [stage["name"] for stage in stages]:
        yield "publishes/at", f"the workflow has no stage {form['publishes']['at']!r}"
    if "fund" not in form:
        for stage in stages:
            if stage.get("from_pence"):
                yield "workflow", f"the stage {stage['name']} is for amounts, and the form has no fund"
        return
    names = [stage["name"] for stage in stages]
    if form["reserve_at"] not in names:
        yield "reserve_at", f"the workflow has no stage {form['reserve_at']!r}"
    else:
        place = names.index(form["reserve_at"])
        if stages[place].get("from_pence"):
            yield "reserve_at", "not every amount comes to this stage"
        if all(stage.get("from_pence") for stage in stages[place + 1 :]):
            yield "reserve_at", "no later stage commits every amount"
    for value, said in workflow["choices"].items():
        ends_with = WITH_MONEY.get(said["outcome"])
        if ends_with and said.get("status") != ends_with:
            yield "workflow", f"the choice {value!r} must end with {ends_with!r}, which moves the money"
    for name, field in form["schema"]["properties"].items():
        if '_pence"' in json.dumps({name: field}) and name not in form["restart_if_changed"]:
            yield "restart_if_changed", f"the amount depends on {name!r}: it must be named"


def export_faults(form: Form) -> Found:
    """The columns that an export cannot have."""
    for number, column in enumerate(form.export):
        try:
            exports.columns(replace(form, export=(column,)))
        except exports.NotExportable as error:
            yield f"export/columns/{number}/field", str(error).partition(": ")[2]
    if not form.export:
        yield "export/columns", "there are none"
