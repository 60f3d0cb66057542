"""A form as a person reads it: questions, rules in words, who sees and decides what, money, publishing, retention."""

from __future__ import annotations

import itertools
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.forms.form import Form, Question
from chalicelib.domain.forms.stages import Asked, Choice, Stage, Workflow
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.people.people import role_words
from infra.forms.check import SCHEMAS

WIDTH = 100
MOST_OPTIONS = 12
"""A longer list is named by its length and its first entries."""

FORMATS = {"date": "a real date", "mailbox": "one email address", "reference": "a reference of ours"}
UNITS = {"Y": "year", "M": "month", "D": "day"}


def show(form_id: str, version: int | None = None, folder: Path = SCHEMAS) -> str:
    """The form in words, its newest version unless one is named. Raises NotFound."""
    form = FormFiles(folder).form(form_id, version)
    data = json.loads((folder / "forms" / f"{form.id}.v{form.version}.json").read_text(encoding="utf-8"))
    parts = [_head(form), _pages(form), _workflow(form), _rest(form, data["retention"])]
    return "\n".join([*itertools.chain(*parts), ""])


def _head(form: Form) -> Iterator[str]:
    yield f"{form.title} ({form.id}, version {form.version})"
    yield from _lines(form.summary)
    yield ""
    yield from _lines(
        f"A submission is called {_a(form.noun)}. References begin with {form.reference_prefix}."
    )
    domains = ", ".join(form.proof.domains)
    yield from _lines(
        f"Nobody is asked before the submitter has typed a code that was mailed to {form.email_field}."
        + (f" Addresses must be at {domains}, or below." if domains else " Any address is taken.")
    )


def _pages(form: Form) -> Iterator[str]:
    for page in form.pages:
        yield from ("", f"Page: {page.title}")
        for question in page.questions:
            field = form.schema["properties"][question.name]
            yield ""
            yield from _question(question, field, question.name in form.schema["required"])
            yield from _lines(_seen(form, question.name), 6)


def _question(question: Question, field: dict[str, Any], must: bool, indent: int = 2) -> Iterator[str]:
    yield from _lines(f"{question.label} [{question.name}, {question.widget.word}]", indent)
    if question.hint:
        yield from _lines(f"Hint: {question.hint}", indent + 4)
    yield from _lines(_rules(field, must), indent + 4)
    if question.options:
        yield from _lines(_options(question), indent + 4)
    for column in question.columns:
        inner = field["items"]
        yield from _question(
            column, inner["properties"][column.name], column.name in inner["required"], indent + 4
        )


def _rules(field: dict[str, Any], must: bool) -> str:
    """What an answer must be, in one line."""
    low, high = field.get("minimum"), field.get("maximum")
    rules = ["must be answered" if must else "may be left out"]
    if "format" in field:
        rules.append(FORMATS[field["format"]])
    if "enum" not in field and field.get("type") == "string" and "format" not in field:
        least = f"{field['minLength']} to " if field.get("minLength", 0) > 1 else "up to "
        rules.append(f"{least}{field['maxLength']:,} characters")
    if field.get("x-multiline"):
        rules.append("on several lines")
    if field.get("type") == "integer":
        rules.append(f"a whole number from {low:,} to {high:,}")
    if field.get("type") == "array":
        rules.append(f"{field.get('minItems', 0)} to {field['maxItems']} rows")
    if "const" in field:
        rules.append("must be ticked")
    elif field.get("type") == "boolean":
        rules.append("yes if ticked")
    if "pattern" in field:
        rules.append(f"matches {field['pattern']}")
    return _sentence("; ".join(rules))


def _options(question: Question) -> str:
    labels = [option.label for option in question.options]
    if len(labels) <= MOST_OPTIONS:
        return "One of: " + "; ".join(labels)
    return f"One of {len(labels)}: {'; '.join(labels[:3])}; …"


def _seen(form: Form, name: str) -> str:
    """Who sees an answer."""
    field = form.schema["properties"][name]
    if name in form.public and form.is_published:
        return "Seen by: everybody, where a submission is published."
    if name not in form.personal:
        return "Seen by: staff and approvers."
    who = "staff" if name in form.kept_from_approvers else "staff and approvers"
    withheld = ""
    if "x-withheld-by" in field:
        roles = _any_of(form.seen_by(name))
        withheld = f" Where {field['x-withheld-by']} is ticked, only by: {roles}."
    return f"Personal. Seen by: {who}.{withheld}"


def _workflow(form: Form) -> Iterator[str]:
    workflow = form.workflow
    yield from ("", f"Approval: {workflow.name}")
    for number, stage in enumerate(workflow.stages, start=1):
        over = f", from {pounds(stage.from_pence)}" if stage.from_pence else ""
        yield from ("", f"  {number}. {stage.title} [{stage.name}{over}]")
        yield from _lines(_asks(stage), 6)
        yield from _lines(_times(stage), 6)
        if stage.choices_given_at:
            yield from _lines(f"Only what somebody chose at {stage.choices_given_at} may be chosen.", 6)
        for choice in stage.choices:
            yield from _lines(f"- {_choice(form, workflow, stage, choice)}", 6)
    if workflow.may_return:
        yield from ("", *_lines(_changes(workflow), 2))


def _asks(stage: Stage) -> str:
    if stage.everyone:
        who = f"Everybody who is {_held(stage.seats[0].asks)} is asked"
    elif len(stage.seats) > 1:
        who = "Asked are: " + "; ".join(_held(seat.asks) for seat in stage.seats)
    else:
        who = f"One {_held(stage.seats[0].asks)} is asked"
    needed = "all" if stage.quorum is None else str(stage.quorum)
    agree = (
        f" {needed} must choose alike, else '{stage.without_quorum}' stands." if stage.asks_several else ""
    )
    deputies = "; ".join(dict.fromkeys(_held(seat.deputy) for seat in stage.seats))
    return f"{who}.{agree} Deputy: {deputies}."


def _times(stage: Stage) -> str:
    return (
        f"{_days(stage.working_days)} to decide, the deputy {_days(stage.deputy_working_days)}; then the "
        f"coordinators are told.{_reminded(stage.reminder_days)}"
    )


def _choice(form: Form, workflow: Workflow, stage: Stage, choice: Choice) -> str:
    """A choice and what it does."""
    parts = [choice.label if choice.is_offered else f"{choice.label} (nobody chooses it)"]
    parts.extend(choice.outcome.said(workflow, stage, choice))
    if choice.asks:
        parts.append("asks for " + ", ".join(one.heading for one in choice.asks))
    if choice.needs_reason:
        parts.append("a reason must be given")
    return f"{parts[0]}: {'; '.join(parts[1:])}."


def _changes(workflow: Workflow) -> str:
    amending = workflow.amending
    return (
        f"Changes: {_days(amending.working_days)}; then it lapses.{_reminded(amending.reminder_days)} It returns "
        f"to the stage that asked; to the first one where {' or '.join(amending.restart_if_changed)} changed."
    )


def _rest(form: Form, retention: Mapping[str, str]) -> Iterator[str]:
    workflow = form.workflow
    money = f"from the fund {workflow.fund}, reserved at {workflow.reserve_at}" if workflow.fund else "none"
    yield from ("", *_lines(f"Money: {money}."))
    names = [question.name for question in form.questions() if question.name in form.public]
    public = ", ".join(names) if form.is_published else "nothing"
    yield from _lines(f"Published: {public}.")
    kept = "; ".join(f"{outcome} {_period(said)}" for outcome, said in retention.items())
    yield from _lines(f"Kept: {kept}.")
    yield from _lines("Exported: " + ", ".join(heading for _, heading in form.export) + ".")


def _period(duration: str) -> str:
    found = re.fullmatch(r"P([0-9]+)([YMD])", duration)
    if found is None:
        return duration
    return f"{found[1]} {UNITS[found[2]]}{'' if found[1] == '1' else 's'}"


def _held(asked: Asked) -> str:
    """A role and where it is held."""
    return f"{role_words(asked.role)} ({'of the force' if asked.at == 'force' else 'national'})"


def _any_of(roles: tuple[Asked, ...]) -> str:
    return ", ".join(_held(asked) for asked in roles)


def _reminded(before: tuple[int, ...]) -> str:
    if not before:
        return ""
    return f" Reminded {' and '.join(_days(number) for number in before)} before the end."


def _days(number: int) -> str:
    return f"{number} working day{'' if number == 1 else 's'}"


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _lines(text: str, indent: int = 0) -> list[str]:
    pad = " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=pad, subsequent_indent=pad) or [""]
