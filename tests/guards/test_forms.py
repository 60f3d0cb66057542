"""Every form file is what we allow, and hangs together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chalicelib.adapters.form_files import FormFiles
from chalicelib.domain.answers import DEFAULT_MESSAGES, check_answers
from chalicelib.domain.errors import InvalidAnswers

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "schemas" / "forms").glob("*.json"))
META = json.loads((ROOT / "schemas" / "meta" / "form.schema.json").read_text(encoding="utf-8"))
FORCES = json.loads((ROOT / "schemas" / "forces.json").read_text(encoding="utf-8"))
EXAMPLES = ROOT / "tests" / "examples"
each_form = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field's schema, those of repeated groups included."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}/{name}", field
        yield from fields(field.get("items", {}), f"{path}/{name}")


def questions(form: dict[str, Any]) -> list[dict[str, Any]]:
    return [question for page in form["pages"] for question in page["questions"]]


def test_there_are_forms() -> None:
    assert "funding-claim.v1" in {file.stem for file in FILES}


def test_what_we_allow_is_itself_a_schema() -> None:
    Draft202012Validator.check_schema(META)


@each_form
def test_a_form_file_says_only_what_we_allow(file: Path) -> None:
    errors = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(META).iter_errors(read(file))
    ]
    assert errors == []


@each_form
def test_a_files_name_is_its_id_and_version(file: Path) -> None:
    form = read(file)
    assert file.name == f"{form['id']}.v{form['version']}.json"
    assert FormFiles().form(form["id"], form["version"]).title == form["title"]


@each_form
def test_its_schema_is_a_schema(file: Path) -> None:
    Draft202012Validator.check_schema(read(file)["schema"])


@each_form
def test_every_field_is_bounded_and_every_pattern_anchored(file: Path) -> None:
    schema = read(file)["schema"]
    for where, field in fields(schema):
        if field.get("type") == "string":
            assert field.get("maxLength", 0) > 0, where
        elif field.get("type") == "array":
            assert field.get("maxItems", 0) > 0, where
        elif field.get("type") == "integer":
            assert "minimum" in field, where
            assert "maximum" in field, where
        elif field.get("type") == "object":
            assert field.get("additionalProperties") is False, where
        else:
            assert "const" in field, where
        if "items" in field:
            assert field["items"].get("additionalProperties") is False, where
        pattern = field.get("pattern")
        if pattern is not None:
            assert pattern.startswith("^"), where
            re.compile(pattern)
            assert not re.search(r"[+*}]\)[+*{]", pattern), f"{where}: a repeat within a repeat"


@each_form
def test_every_question_is_a_field_and_every_field_a_question(file: Path) -> None:
    form = read(file)
    names = [question["name"] for question in questions(form)]
    assert sorted(names) == sorted(form["schema"]["properties"])
    assert set(form["schema"]["required"]) <= set(names)
    for question in questions(form):
        field = form["schema"]["properties"][question["name"]]
        columns = [column["name"] for column in question.get("columns", ())]
        assert sorted(columns) == sorted(field.get("items", {}).get("properties", ())), question["name"]


@each_form
def test_every_failure_of_a_field_has_words_and_no_words_are_idle(file: Path) -> None:
    form = read(file)
    for question in questions(form):
        field = form["schema"]["properties"][question["name"]]
        pairs = [(question, field, form["schema"])]
        for column in question.get("columns", ()):
            pairs.append((column, field["items"]["properties"][column["name"]], field["items"]))
        for one, schema, around in pairs:
            worded = set(one.get("errors", ()))
            assert ("required" in worded) == (one["name"] in around["required"]), one["name"]
            own = {"unknown-reference", "required", "type"}
            assert worded - own <= set(schema), (one["name"], worded - own - set(schema))
            for message in one.get("errors", {}).values():
                assert message.format(limit="7")
            bounded = {"maxLength"} if "enum" in schema else set()  # the choices say it all
            for keyword in set(schema) & set(DEFAULT_MESSAGES) - {"type"} - bounded:
                assert keyword in worded, (one["name"], keyword)


@each_form
def test_choices_of_a_question_are_those_of_its_field(file: Path) -> None:
    form = read(file)
    forces = [force["code"] for force in FORCES]
    for question in questions(form):
        field = form["schema"]["properties"][question["name"]]
        pairs = [(question, field)]
        pairs += [(c, field["items"]["properties"][c["name"]]) for c in question.get("columns", ())]
        for one, schema in pairs:
            if one.get("options_from") == "forces":
                assert schema["enum"] == forces
            elif "options" in one:
                assert schema["enum"] == [option["value"] for option in one["options"]]


@each_form
def test_its_workflow_hangs_together(file: Path) -> None:
    workflow = read(file)["workflow"]
    names = [stage["name"] for stage in workflow["stages"]]
    assert len(set(names)) == len(names)
    assert workflow["reserve_at"] in names[:-1], (
        "the money is reserved before the last stage, which commits it"
    )
    assert workflow["stages"][0].get("from_pence", 0) == 0
    reserving = workflow["stages"][names.index(workflow["reserve_at"])]
    assert reserving.get("from_pence", 0) == 0
    later = workflow["stages"][names.index(workflow["reserve_at"]) + 1 :]
    assert any(stage.get("from_pence", 0) == 0 for stage in later), "every claim has a stage that commits"
    for stage in workflow["stages"]:
        assert stage["asks"] != stage["deputy"], stage["name"]


@each_form
def test_personal_fields_are_never_public(file: Path) -> None:
    form = read(file)
    personal = {where for where, field in fields(form["schema"]) if field.get("x-personal")}
    assert personal
    assert not {where for where, field in fields(form["schema"]) if field.get("x-public")} & personal
    exported = {"/" + column["field"] for column in form["export"]["columns"]}
    assert not exported & personal


def test_there_are_43_forces_each_once_with_the_slug_of_data_police_uk() -> None:
    codes = [force["code"] for force in FORCES]
    assert len(codes) == len(set(codes)) == 43
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert codes == sorted(codes)
    assert len({force["name"] for force in FORCES}) == 43
    assert {"metropolitan", "city-of-london", "avon-and-somerset", "dyfed-powys"} <= set(codes)


def test_the_packaged_forms_are_these() -> None:
    link = ROOT / "vendor" / "schemas"
    assert link.is_symlink()
    assert link.resolve() == (ROOT / "schemas").resolve()
    import schemas

    assert schemas.__file__ is not None
    assert Path(schemas.__file__).resolve() == (ROOT / "schemas" / "__init__.py").resolve()


def examples(kind: str) -> list[Path]:
    return sorted(EXAMPLES.glob(f"*/{kind}/*.json"))


@each_form
def test_every_form_has_examples_of_both_kinds(file: Path) -> None:
    for kind in ("accepted", "refused"):
        assert list((EXAMPLES / file.stem / kind).glob("*.json")), kind


@pytest.mark.parametrize("file", examples("accepted"), ids=lambda file: file.stem)
def test_an_accepted_example_is_accepted(file: Path) -> None:
    name, _, version = file.parents[1].name.rpartition(".v")
    assert check_answers(FormFiles().form(name, int(version)), read(file)) == read(file)


@pytest.mark.parametrize("file", examples("refused"), ids=lambda file: file.stem)
def test_a_refused_example_is_refused_for_its_reasons(file: Path) -> None:
    name, _, version = file.parents[1].name.rpartition(".v")
    example = read(file)
    with pytest.raises(InvalidAnswers) as caught:
        check_answers(FormFiles().form(name, int(version)), example["answers"])
    assert [{"pointer": p.pointer, "code": p.code} for p in caught.value.problems] == example["problems"]
