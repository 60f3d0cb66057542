"""The code knows no particular form: what a form is called, asks and goes through stands in its files alone."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from chalicelib.domain.delivery.mails import MAILS
from chalicelib.domain.forms.widgets import WIDGETS
from infra.local.options import ROOT
from tests.guards.form_names import in_python, in_template, names_in, our_words

CODE = ROOT / "chalicelib"
NAMES = names_in(ROOT / "schemas")
LEFT = json.loads(Path(__file__).with_name("forms_left.json").read_text(encoding="utf-8"))
"""What still stands there, by file. It can only shrink: a name that is gone must leave the list, too."""


def members(schema: object) -> Iterator[str]:
    """Every word that a JSON Schema gives as a member or a value."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        yield from (word for word in schema.get("enum", ()) if isinstance(word, str))
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from members(part)


def actions(source: str) -> Iterator[str]:
    """What the timeline records: the first word of each `records("…")`, also where it is a constant of the module."""
    constants: dict[str, object] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            names, values = node.targets[0], node.value
            pairs = (
                zip(names.elts, values.elts)
                if isinstance(names, ast.Tuple) and isinstance(values, ast.Tuple)
                else ()
            )
            constants |= {
                n.id: v.value for n, v in pairs if isinstance(n, ast.Name) and isinstance(v, ast.Constant)
            }
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "records"
        ):
            yield from (str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))
            yield from (str(constants.get(arg.id)) for arg in node.args[:1] if isinstance(arg, ast.Name))


def ours() -> frozenset[str]:
    modules = sorted(CODE.rglob("*.py"))
    metas = [json.loads(path.read_text()) for path in (ROOT / "schemas" / "meta").glob("*.json")]
    said = {word for path in modules for word in actions(path.read_text(encoding="utf-8"))}
    schemas = [
        *metas,
        *jsonschema.Draft202012Validator.META_SCHEMA["allOf"],
        jsonschema.Draft7Validator.META_SCHEMA,
    ]
    return our_words(modules) | said | set(MAILS) | set(WIDGETS) | set(members(schemas))


OURS = ours()


def faults() -> dict[str, list[str]]:
    """The names that stand in each file, each once."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(CODE.rglob("*")):
        where = str(path.relative_to(ROOT))
        if path.suffix == ".py":
            found[where] |= {name for _, name in in_python(path.read_text(encoding="utf-8"), NAMES, OURS)}
        elif path.suffix in (".html", ".j2"):
            found[where] |= {name for _, name in in_template(path.read_text(encoding="utf-8"), NAMES, OURS)}
    return {where: sorted(names) for where, names in found.items() if names}


def test_no_form_stands_in_the_code() -> None:
    assert faults() == LEFT


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ('x = answers["event_title"]', "event_title"),
        ('x = one.answers.get("title")', "title"),
        ('x = "role" in answers', "role"),
        ('x = form.question("category")', "category"),
        ('x = {"cost_lines": 1}', "cost_lines"),
        ('x = "The force-lead decides"', "force-lead"),
        ('x = one.stage == "programme"', "programme"),
        ('x = person.holds("idea-reviewer", at="national")', "idea-reviewer"),
        ('x = Status("published")', "published"),
        ("x = Status.PUBLISHED", "published"),
        ('x = one.status in ("noted", "adopted")', "noted"),
        ('x = one.form == "funding-claim"', "funding-claim"),
        ('x = f"Two ideas of {name}"', "idea"),
        ("x = fields.event_date", "event_date"),
        ("x = dict(venue_name=1)", "venue_name"),
    ],
)
def test_a_name_planted_in_a_module_is_found(source: str, name: str) -> None:
    assert name in {found for _, found in in_python(source, NAMES, OURS)}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("<p>Your claims</p>", "claim"),
        ('<a href="/forms/idea">', "idea"),
        ("{% if form == 'funding-claim' %}", "funding-claim"),
        ("{{ answers.event_title }}", "event_title"),
        ("{{ answers['venue_name'] }}", "venue_name"),
        ("<p>the force-lead</p>", "force-lead"),
    ],
)
def test_a_name_planted_in_a_page_or_mail_is_found(source: str, name: str) -> None:
    assert name in {found for _, found in in_template(source, NAMES, OURS)}


@pytest.mark.parametrize(
    "source",
    [
        '"""The claims of a force."""',
        'x = {"title": one.title, "role": one.role}',
        'x = answers["force"]',
        'revision.records("noted")',
        'x = "Leaders read this programme"',
        "x = outbox.claim(now)",
    ],
)
def test_plain_english_and_our_own_words_are_no_fault(source: str) -> None:
    assert not list(in_python(source, NAMES, OURS))
