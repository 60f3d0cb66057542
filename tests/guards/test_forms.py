"""Forms and workflows are read as their files say; what files may say, test_form_checks.py has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

import pytest
from jsonschema import Draft202012Validator

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.errors import InvalidAnswers
from chalicelib.domain.forms.answers import check_answers
from chalicelib.domain.forms.workflow_file import read_workflow

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "schemas" / "forms").glob("*.json"))
META = json.loads((ROOT / "schemas" / "meta" / "form.schema.json").read_text(encoding="utf-8"))
FORCES = json.loads((ROOT / "schemas" / "lists" / "forces.json").read_text(encoding="utf-8"))
EXAMPLES = ROOT / "tests" / "examples"
META_OF_WORKFLOWS = json.loads(
    (ROOT / "schemas" / "meta" / "workflow.schema.json").read_text(encoding="utf-8")
)
FUNDING_CLAIM = ROOT / "schemas" / "forms" / "funding-claim.v1.json"
each_form = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def workflow_of(form: dict[str, Any]) -> dict[str, Any]:
    """The workflow that a form names, with what the form itself says of it."""
    money = {name: form[name] for name in ("fund", "reserve_at") if name in form}
    return {**read(ROOT / "schemas" / "workflows" / f"{form['workflow']}.json"), **money}


def seats_of(workflow: dict[str, Any], stage: dict[str, Any]) -> list[dict[str, Any]]:
    """The seats of a stage, as `asks` and `deputy` of each."""
    panel = stage["asks"].get("panel")
    return list(workflow["panels"][panel]) if panel else [{"asks": stage["asks"], "deputy": stage["deputy"]}]


def test_there_are_forms() -> None:
    assert {"funding-claim.v1", "idea.v1"} <= {file.stem for file in FILES}


def test_what_we_allow_is_itself_a_schema() -> None:
    Draft202012Validator.check_schema(META)


def test_a_shared_list_stands_in_a_forms_schema_as_the_values_that_may_be_given() -> None:
    for form in FormFiles().all():
        assert form.schema["properties"]["force"]["enum"] == [force["code"] for force in FORCES]
        assert "x-list" not in json.dumps(form.schema)


def test_a_list_may_also_be_named_in_a_column_and_one_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    form = read(FUNDING_CLAIM)
    (tmp_path / "forms").mkdir()
    for folder in ("lists", "workflows"):
        (tmp_path / folder).symlink_to(ROOT / "schemas" / folder)
    cost = form["schema"]["properties"]["cost_lines"]["items"]["properties"]["category"]
    del cost["enum"]
    for name, raised in [("forces", ""), ("ranks", "ranks")]:
        cost["x-list"] = name
        (tmp_path / "forms" / FUNDING_CLAIM.name).write_text(json.dumps(form), encoding="utf-8")
        if raised:
            with pytest.raises(KeyError, match=raised):
                FormFiles(tmp_path).form("funding-claim")
        else:
            filled = FormFiles(tmp_path).form("funding-claim").schema["properties"]["cost_lines"]
            assert "kent" in filled["items"]["properties"]["category"]["enum"]


@each_form
def test_the_form_is_read_as_its_file_says_it(file: Path) -> None:
    form = read(file)
    data = workflow_of(form)
    workflow = FormFiles().form(form["id"], form["version"]).workflow
    assert [stage.name for stage in workflow.stages] == [stage["name"] for stage in data["stages"]]
    for stage, said in zip(workflow.stages, data["stages"]):
        assert [choice.value for choice in stage.choices] == said["choices"]
        assert (stage.working_days, stage.deputy_working_days) == (
            said["working_days"],
            said["deputy_working_days"],
        )
        assert list(stage.reminder_days) == said["reminder_days"]
        assert stage.choices_given_at == said.get("choices_given_at", "")
        assert [(choice.passing, choice.status, choice.is_offered) for choice in stage.choices] == [
            (
                data["choices"][value].get("passing", ""),
                data["choices"][value].get("status", ""),
                data["choices"][value].get("is_offered", True),
            )
            for value in said["choices"]
        ]
        assert stage.needed(20) == (20 if said.get("quorum") == "all" else said.get("quorum", 1))
        found = [((seat.asks.role, seat.asks.at), (seat.deputy.role, seat.deputy.at)) for seat in stage.seats]
        assert found == [
            ((seat["asks"]["role"], seat["asks"]["at"]), (seat["deputy"]["role"], seat["deputy"]["at"]))
            for seat in seats_of(data, said)
        ]


A_PANEL = [
    {"asks": {"role": f"role-{n}", "at": "national"}, "deputy": {"role": f"deputy-{n}", "at": "national"}}
    for n in range(3)
]


def read_nothing(said: object) -> NoReturn:
    raise AssertionError(f"no choice of ours asks for anything: {said}")


def test_panels_boards_and_quorums_are_read_from_data() -> None:
    workflow = read(ROOT / "schemas" / "workflows" / "funding-claim.v1.json")
    first, second, third = workflow["stages"]
    workflow["panels"] = {"trio": A_PANEL}
    first |= {"asks": {"panel": "trio"}, "quorum": 2, "without_quorum": "reject"}
    del first["deputy"]
    second["asks"]["people"] = "all"
    second |= {"quorum": "all", "without_quorum": "reject"}
    assert [error.message for error in Draft202012Validator(META_OF_WORKFLOWS).iter_errors(workflow)] == []
    stages = read_workflow(workflow, read(FUNDING_CLAIM), read_question=read_nothing).stages
    assert [(one.panel, one.everyone, one.quorum, len(one.seats)) for one in stages] == [
        ("trio", False, 2, 3),
        ("", True, None, 1),
        ("", False, 1, 1),
    ]
    assert [one.without_quorum for one in stages] == ["reject", "reject", ""]
    assert [one.asks_several for one in stages] == [True, True, False]
    assert [one.waits_for for one in stages] == ["trio", "programme-manager", "fund-holder"]
    assert [asked.role for asked in stages[0].roles] == [
        f"{what}-{n}" for n in range(3) for what in ("role", "deputy")
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"asks": {"panel": "trio"}},
        {"asks": {"panel": "trio"}, "quorum": 2},
        {"asks": {"role": "programme-manager", "at": "national", "people": "all"}},
        {"asks": {"role": "programme-manager", "at": "national", "people": "some"}, "quorum": 1},
        {"asks": {"role": "programme-manager", "at": "kent"}},
        {"choices": ["approve"]},
        {"choices": ["approve", "approve"]},
        {"quorum": 0, "without_quorum": "reject"},
        {"quorum": "most", "without_quorum": "reject"},
        {"choices_given_at": 1},
        {"working_days": 0},
        {"reminder_days": [0]},
        {"reminder_days": [1, 1]},
        {"deputy": None},
        {"mood": "good"},
    ],
    ids=str,
)
def test_a_stage_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    workflow = read(ROOT / "schemas" / "workflows" / "funding-claim.v1.json")
    stage = {**workflow["stages"][1], **change}
    workflow["stages"][1] = {name: value for name, value in stage.items() if value is not None}
    assert list(Draft202012Validator(META_OF_WORKFLOWS).iter_errors(workflow))


@pytest.mark.parametrize("name", ["fund", "reserve_at"])
def test_a_fund_and_the_stage_that_reserves_from_it_come_together(name: str) -> None:
    form = read(FUNDING_CLAIM)
    del form[name]
    assert list(Draft202012Validator(META).iter_errors(form))


def test_there_are_43_forces_each_once_with_the_slug_of_data_police_uk() -> None:
    codes = [force["code"] for force in FORCES]
    assert len(codes) == len(set(codes)) == 43
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert codes == sorted(codes)
    assert len({force["name"] for force in FORCES}) == 43
    assert len({force["short"] for force in FORCES}) == 43
    assert all(2 <= len(force["short"]) <= 4 for force in FORCES), "it must fit into its tile on a phone"
    assert {"metropolitan", "city-of-london", "avon-and-somerset", "dyfed-powys"} <= set(codes)


def test_every_force_has_a_place_on_the_map_of_its_own() -> None:
    tiles = [tuple(force["tile"]) for force in FORCES]
    assert len(set(tiles)) == 43
    assert all(1 <= column <= 10 and 0 <= row <= 10 for column, row in tiles)
    for force in FORCES:
        longitude, latitude = force["headquarters"]
        assert -6 < longitude < 2 and 49.9 < latitude < 55.9, f"{force['code']} is not in England or Wales"


def test_tiles_and_headquarters_lie_to_each_other_in_the_same_way_by_and_large() -> None:
    """The map is read as a map: of two forces far apart, the western one stands to the left, the northern above."""
    pairs = [(one, other) for one in FORCES for other in FORCES]
    wrong = [
        (west["code"], east["code"])
        for west, east in pairs
        if east["headquarters"][0] - west["headquarters"][0] > 1.5 and east["tile"][0] < west["tile"][0]
    ]
    wrong += [
        (north["code"], south["code"])
        for north, south in pairs
        if north["headquarters"][1] - south["headquarters"][1] > 1 and south["tile"][1] < north["tile"][1]
    ]
    assert wrong == []


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
