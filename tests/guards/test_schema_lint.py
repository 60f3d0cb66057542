"""The lint of forms' schemas finds what was put there on purpose; and what it takes for granted is so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.errors import InvalidAnswers
from chalicelib.domain.forms.answers import build_validator, check_answers
from infra.forms.schema_lint import FORMATS, pattern_faults, schema_faults

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "schemas" / "forms").glob("*.json"))
each_form = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
TEXT = {"type": "string", "maxLength": 100}


def a_schema(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": fields}


def read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


SEEDED: list[tuple[str, Any]] = [
    ("a string has maxLength", {"type": "string"}),
    ("a string has maxLength", {"type": "string", "maxLength": 0}),
    ("a string has maxLength", {"type": "string", "maxLength": 1_000_000}),
    ("a string has maxLength", {"type": "array", "maxItems": 3, "items": {"type": "string"}}),
    ("an array has maxItems", {"type": "array", "items": TEXT}),
    ("an array has maxItems", {"type": "array", "maxItems": 5000, "items": TEXT}),
    ("an array says what its items are", {"type": "array", "maxItems": 5}),
    ("an integer has", {"type": "integer", "minimum": 0}),
    ("an integer has", {"type": "integer", "minimum": 0, "maximum": 1e300}),
    ("type 'number'", {"type": "number", "minimum": 0, "maximum": 1}),
    ("type ['string', 'null']", {"type": ["string", "null"], "maxLength": 5}),
    ("type None", {"maxLength": 5}),
    ("type None", {"$ref": "https://example.org/schema"}),
    ("a schema is an object", True),
    ("oneOf is not", {**TEXT, "oneOf": [{}]}),
    ("not is not", {**TEXT, "not": {"pattern": "x"}}),
    ("if is not", {**TEXT, "if": {}}),
    ("uniqueItems is not", {"type": "array", "maxItems": 5, "items": TEXT, "uniqueItems": True}),
    ("patternProperties is not", {**a_schema(), "patternProperties": {"x": {}}}),
    ("takes no other properties", {"type": "object", "properties": {}}),
    ("what is required is a property", {**a_schema(), "required": ["ghost"]}),
    ("no name of a field", a_schema(**{"na me": TEXT})),
    ("no name of a field", a_schema(**{"nam\u00e9": TEXT})),
    ("nothing checks the format", {**TEXT, "format": "email"}),
    ("nothing checks the format", {**TEXT, "format": "uri"}),
    ("an enum lists strings", {"type": "string", "enum": []}),
    ("an enum lists strings", {"type": "string", "enum": ["a", 1]}),
    ("x-multiline is for strings", {"type": "integer", "minimum": 0, "maximum": 1, "x-multiline": True}),
    ("$ is not the same", {**TEXT, "x-multiline": True, "pattern": "^a$"}),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "field"), SEEDED, ids=str)
def test_what_is_not_bounded_or_not_checked_is_found_wherever_it_stands(fault: str, field: Any) -> None:
    rows = {"type": "array", "maxItems": 5, "items": a_schema(inner=field)}
    for schema in (a_schema(bad=field), a_schema(good=TEXT, rows=rows)):
        faults = schema_faults(schema)
        assert faults
        assert any(fault in one for one in faults), faults


WISH = {"type": "boolean", "x-personal": True}
REVIEWER = {"role": "idea-reviewer", "at": "national"}
WITHHELD = {**TEXT, "x-personal": True, "x-withheld-by": "wish", "x-withheld-seen-by": [REVIEWER]}


def without(field: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key != name}


def test_a_withheld_field_that_says_who_sees_it_has_no_fault() -> None:
    assert schema_faults(a_schema(name=WITHHELD, wish=WISH)) == []


@pytest.mark.parametrize(
    ("fault", "field", "wish"),
    [
        ("says which roles see", without(WITHHELD, "x-withheld-seen-by"), WISH),
        ("says which roles see", {**WITHHELD, "x-withheld-seen-by": []}, WISH),
        ("says which roles see", {**WITHHELD, "x-withheld-seen-by": "idea-reviewer"}, WISH),
        ("'chief' is no role", {**WITHHELD, "x-withheld-seen-by": [{"role": "chief", "at": "national"}]}, WISH),
        ("'claimant' is no role", {**WITHHELD, "x-withheld-seen-by": [{"role": "claimant", "at": "force"}]}, WISH),
        ("with where it is held", {**WITHHELD, "x-withheld-seen-by": ["idea-reviewer"]}, WISH),
        ("with where it is held", {**WITHHELD, "x-withheld-seen-by": [{**REVIEWER, "at": "kent"}]}, WISH),
        ("names a personal yes-or-no answer", without(WITHHELD, "x-withheld-by"), WISH),
        ("names a personal yes-or-no answer", {**WITHHELD, "x-withheld-by": "ghost"}, WISH),
        ("names a personal yes-or-no answer", without(WITHHELD, "x-personal"), WISH),
        ("names a personal yes-or-no answer", WITHHELD, {"type": "boolean"}),
        ("names a personal yes-or-no answer", WITHHELD, {**TEXT, "x-personal": True}),
    ],
)  # fmt: skip
def test_a_withheld_field_says_which_roles_see_it(fault: str, field: Any, wish: Any) -> None:
    faults = schema_faults(a_schema(name=field, wish=wish))
    assert any(fault in one for one in faults), faults


def test_only_a_question_may_be_withheld_and_no_column_of_its_rows() -> None:
    rows = {"type": "array", "maxItems": 5, "items": a_schema(inner=WITHHELD)}
    assert any("x-withheld-by is not for" in one for one in schema_faults(a_schema(rows=rows, wish=WISH)))


BAD_PATTERNS = [
    ("not anchored", "abc"),
    ("not anchored", "a|^b"),
    ("not anchored", "^a|b"),
    ("not anchored", ""),
    ("$ stands at the end", "^a$b"),
    ("^ stands at the beginning", "^a^b"),
    ("a class such as", r"^\d+$"),
    ("a class such as", r"^\w+$"),
    ("a class such as", r"^\s*[^ ]"),
    ("a class such as", r"^[\d-]+$"),
    ("a class such as", r"^\S"),
    ("escape \\b", r"^\bword"),
    ("escape \\B", r"^a\Bb"),
    ("escape \\A", r"\Aword"),
    ("escape \\Z", r"^word\Z"),
    ("escape \\p", r"^\p{L}+$"),
    ("escape \\x", r"^\x41$"),
    ("escape \\u", "^\\u0041$"),
    ("escape \\1", r"^(a)\1$"),
    ("escape \\a", r"^\a$"),
    ("escape \\t", r"^\t$"),
    ("escape \\0", r"^\0$"),
    ("a group that does more", "^(?=a)a$"),
    ("a group that does more", "^(?!a)b$"),
    ("a group that does more", "^(?<=a)b$"),
    ("a group that does more", "^(?<!a)b$"),
    ("a named group", "^(?P<name>a)$"),
    ("a group that does more", "^(?i:a)$"),
    ("an inline flag", "(?i)^a$"),
    ("an inline flag", "(?x)^a $"),
    ("a group that does more", "^(?#comment)a$"),
    ("a dot", "^.$"),
    ("a dot", "^a.*b"),
    ("a class within a class", "^[a[b]$"),
    ("a class within a class", "^[a&&b]$"),
    ("a class within a class", "^[a--b]$"),
    ("a class that begins with ]", "^[]a]$"),
    ("a class that begins with ]", "^[^]a]$"),
    ("a brace that is no repeat", "^a{,3}$"),
    ("a brace that is no repeat", "^a{x}$"),
    ("a brace that is no repeat", "^a{$"),
    ("a brace that is no repeat", "^a}$"),
    ("which not all readers have", "^a+?$"),
    ("the pattern is none", "^[a$"),
    ("the pattern is none", "^(a$"),
    ("the pattern is none", "^a**$"),
    ("a pattern is text", 7),
    ("should be escaped", "^a\nb$"),
    ("a repeat within a repeat", "^(a+)+$"),
    ("a repeat within a repeat", "^(a*)*$"),
    ("a repeat within a repeat", "^(a+){2,9}$"),
    ("a repeat within a repeat", "^(?:a?b)*$"),
    ("a repeat within a repeat", "^((ab)+c)+$"),
    ("a repeat within a repeat", "^(a|ab)*$"),
    ("a repeat within a repeat", "^(a|a)*$"),
    ("two repeats of the same", "^a*a*$"),
    ("two repeats of the same", "^[a-z]+[a-z0-9]+$"),
    ("two repeats of the same", "^a*b?a*c$"),
    ("two repeats of the same", "^[ab]{0,50}(a{0,50})$"),
    ("two repeats of the same", "^[^,]*[^;]*$"),
    ("two repeats of the same", "^a*aa*$"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "pattern"), BAD_PATTERNS, ids=str)
def test_a_pattern_that_is_slow_or_not_the_same_everywhere_is_found(fault: str, pattern: Any) -> None:
    found = list(pattern_faults(pattern))
    assert any(fault in one for one in found), found
    assert schema_faults(a_schema(bad={**TEXT, "pattern": pattern}))


def test_what_only_newer_pythons_read_is_found_whether_they_read_it_or_not() -> None:
    for pattern in ("^a++$", "^(?>a)$", "^a*+$"):
        assert list(pattern_faults(pattern))


GOOD_PATTERNS = [
    "^ *[^ ]",
    "^DAY-",
    "^[A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{2}$",
    "^[0-9+() -]{6,30}$",
    r"^[a-z]+\.[a-z]+$",
    "^(?:ab|cd)$",
    "^(?:ab|cd)e$",
    "^[a-z]+(?:-[a-z]{3}){0,4}$",
    r"^\(a\)\{2\}$",
    "^[^\\n]*$",
]


@pytest.mark.parametrize("pattern", GOOD_PATTERNS)
def test_a_pattern_that_all_read_alike_is_let_through(pattern: str) -> None:
    assert list(pattern_faults(pattern)) == []


def patterns() -> list[str]:
    found = []
    for file in FILES:
        text = json.dumps(read(file)["schema"])
        found += [json.loads(f'"{one}"') for one in re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', text)]
    return sorted(set(found))


SAMPLES = ["", " ", "a", " a", "a ", "\n", "\na", "SW1H 9EU", "sw1h9eu", "DAY-", "XDAY-", "01632 960 001"]
SAMPLES += ["\u00a0", "\u0661", "é", "\u2028", "\ufeff"]


@pytest.mark.parametrize("pattern", [*patterns(), *GOOD_PATTERNS])
def test_python_and_rust_read_what_we_use_alike(pattern: str) -> None:
    rust = Draft202012Validator({"pattern": pattern})
    python = re.compile(pattern)
    # Line breaks are refused in single lines before a pattern is asked: `$` reads them in two ways.
    for sample in [one for one in SAMPLES if "\n" not in one or not pattern.endswith("$")]:
        assert rust.is_valid(sample) == bool(python.search(sample)), sample


ALMOST = """
import re, sys
from jsonschema_rs import Draft202012Validator
python, rust = re.compile(sys.argv[1]), Draft202012Validator({"pattern": sys.argv[1]})
for piece in (" ", "\\n", "a", "0", "A1", "DAY-", "+", "(", " a"):
    text = piece * (1024 * 1024 // len(piece)) + "\\x00"
    python.search(text), rust.is_valid(text)
"""


@pytest.mark.parametrize("pattern", patterns())
def test_a_megabyte_that_almost_fits_is_read_to_its_end(pattern: str) -> None:
    """In milliseconds. One that takes the square of the length takes hours: the limit is no measure, it ends those."""
    subprocess.run([sys.executable, "-c", ALMOST, pattern], check=True, timeout=30)


def test_every_format_that_is_allowed_has_its_checker() -> None:
    for name in FORMATS:
        assert not build_validator({"type": "string", "format": name}).is_valid("?")
    meta = read(ROOT / "schemas" / "meta" / "form.schema.json")
    assert set(meta["$defs"]["field"]["properties"]["format"]["enum"]) == FORMATS


@each_form
def test_line_breaks_are_refused_in_single_lines_before_the_schema_is_asked(file: Path) -> None:
    data = read(file)
    form = FormFiles().form(data["id"], data["version"])
    widgets = {question.name: question.widget for question in form.questions()}
    for name, field in data["schema"]["properties"].items():
        if field.get("type") != "string":
            continue
        assert bool(field.get("x-multiline")) == (widgets[name].word == "textarea"), name
        with pytest.raises(InvalidAnswers) as caught:
            check_answers(form, {name: "a\nb"})
        codes = {problem.pointer: problem.code for problem in caught.value.problems}
        assert (codes.get(f"/{name}") == "line-breaks") != bool(field.get("x-multiline")), name
