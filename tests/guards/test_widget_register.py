"""Widgets: what the documents and the schema of form files say of them is what the code has, and nobody else asks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chalicelib.domain.forms.widgets import WIDGETS, Widget

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "chalicelib"
HEAD = """\
| Widget | An answer is | Its schema says | and may say | The question may have |
|---|---|---|---|---|
"""
ASKS = re.compile(
    r"\.word\s*(?:==|!=|in\b)"  # the kind of a question, by its name
    r"|\.widget\s*(?:==|!=|in\s*[({\['\"])"
    r"|\bisinstance\([^)]*widget"
    r"|endswith\(\"_pence\"\)"
    r"|\.get\(\"format\"\)"
)
"""How code would ask what kind a question is."""


def table() -> str:
    """The widgets as docs/forms.md shows them."""
    return HEAD + "".join(_line(widget) for widget in WIDGETS.values())


def _line(widget: Widget) -> str:
    about = (widget.__doc__ or "").splitlines()[0].rstrip(".")
    shape = ", ".join(f"`{json.dumps({key: wanted})[1:-1]}`" for key, wanted in widget.shape.items())
    allowed = ", ".join(f"`{keyword}`" for keyword in sorted(widget.keywords))
    members = ", ".join(f"`{member}`" for member in sorted(widget.members))
    cells = (f"`{widget.word}`", about, shape, allowed, members)
    return "| " + " | ".join(cells) + " |\n"


def test_the_table_of_widgets_is_made_from_the_register() -> None:
    written = (ROOT / "docs" / "forms.md").read_text(encoding="utf-8")
    assert table() in written, f"docs/forms.md should have:\n\n{table()}"


def test_a_form_file_may_name_the_widgets_that_there_are() -> None:
    meta = json.loads((PACKAGE.parent / "schemas" / "meta" / "form.schema.json").read_text(encoding="utf-8"))
    assert meta["$defs"]["question"]["properties"]["widget"]["enum"] == list(WIDGETS), "in the same order"


@pytest.mark.parametrize("widget", WIDGETS.values(), ids=lambda one: str(one.word))
def test_what_draws_a_widget_is_in_the_macros_of_fields(widget: Widget) -> None:
    macros = (PACKAGE / "web" / "templates" / "macros" / "fields.html").read_text(encoding="utf-8")
    drawn = set(re.findall(r"kind == '([a-z]+)'", macros))
    assert widget.template in {*drawn, Widget.template}


def test_nobody_asks_what_kind_a_question_is() -> None:
    files = [one for kind in ("*.py", "*.html", "*.j2") for one in PACKAGE.rglob(kind)]
    assert len(files) > 200
    asking = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        if ASKS.search(line)
    ]
    assert asking == []


@pytest.mark.parametrize(
    "line",
    [
        'if question.widget == "date":',
        "{% if one.widget == 'money' %}",
        'if column.widget.word == "group":',
        "if question.widget in ('email', 'tel'):",
        "if isinstance(question.widget, Date):",
        'kind = MONEY if field.endswith("_pence") else WHOLE',
        'if schema.get("format") == "reference":',
    ],
)
def test_asking_would_be_found(line: str) -> None:
    assert ASKS.search(line)
