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
from chalicelib.domain.deliveries import CHANGES, DONE
from chalicelib.domain.errors import InvalidAnswers
from chalicelib.domain.people import ROLE_NAMES
from chalicelib.domain.stages import read_workflow
from chalicelib.domain.submissions import Status
from tests.guards.schema_lint import schema_faults

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "schemas" / "forms").glob("*.json"))
META = json.loads((ROOT / "schemas" / "meta" / "form.schema.json").read_text(encoding="utf-8"))
FORCES = json.loads((ROOT / "schemas" / "lists" / "forces.json").read_text(encoding="utf-8"))
NOT_CHOSEN = {Status.SUBMITTED, Status.CHANGES_REQUESTED, Status.WITHDRAWN, Status.LAPSED}
"""What no choice of an approver leads to."""

EXAMPLES = ROOT / "tests" / "examples"
META_OF_WORKFLOWS = json.loads(
    (ROOT / "schemas" / "meta" / "workflow.schema.json").read_text(encoding="utf-8")
)
WORKFLOWS = sorted((ROOT / "schemas" / "workflows").glob("*.json"))
FUNDING_CLAIM = ROOT / "schemas" / "forms" / "funding-claim.v1.json"
each_form = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field's schema, those of repeated groups included."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}/{name}", field
        yield from fields(field.get("items", {}), f"{path}/{name}")


def workflow_of(form: dict[str, Any]) -> dict[str, Any]:
    """The workflow that a form names, with what the form itself says of it."""
    money = {name: form[name] for name in ("fund", "reserve_at") if name in form}
    return {**read(ROOT / "schemas" / "workflows" / f"{form['workflow']}.json"), **money}


def seats_of(workflow: dict[str, Any], stage: dict[str, Any]) -> list[dict[str, Any]]:
    """The seats of a stage, as `asks` and `deputy` of each."""
    panel = stage["asks"].get("panel")
    return list(workflow["panels"][panel]) if panel else [{"asks": stage["asks"], "deputy": stage["deputy"]}]


def questions(form: dict[str, Any]) -> list[dict[str, Any]]:
    return [question for page in form["pages"] for question in page["questions"]]


def test_there_are_forms() -> None:
    assert {"funding-claim.v1", "idea.v1"} <= {file.stem for file in FILES}


def test_what_we_allow_is_itself_a_schema() -> None:
    Draft202012Validator.check_schema(META)


@each_form
def test_a_form_file_says_only_what_we_allow(file: Path) -> None:
    errors = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(META).iter_errors(read(file))
    ]
    assert errors == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_file_says_only_what_we_allow_and_is_named_after_its_name_and_version(file: Path) -> None:
    workflow = read(file)
    assert list(Draft202012Validator(META_OF_WORKFLOWS).iter_errors(workflow)) == []
    assert file.name == f"{workflow['name']}.v{workflow['version']}.json"


@each_form
def test_a_files_name_is_its_id_and_version(file: Path) -> None:
    form = read(file)
    assert file.name == f"{form['id']}.v{form['version']}.json"
    assert FormFiles().form(form["id"], form["version"]).title == form["title"]


@each_form
def test_its_schema_is_a_schema(file: Path) -> None:
    Draft202012Validator.check_schema(read(file)["schema"])


@each_form
def test_its_schema_is_bounded_fast_and_read_alike_by_all(file: Path) -> None:
    assert schema_faults(read(file)["schema"]) == []


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
            if "x-list" in schema:
                schema = {**schema, "enum": []}
            assert ("required" in worded) == (one["name"] in around["required"]), one["name"]
            own = {"unknown-reference", "required", "type", "domain"}
            assert worded - own <= set(schema), (one["name"], worded - own - set(schema))
            for message in one.get("errors", {}).values():
                assert message.format(limit="7")
            bounded = {"maxLength"} if "enum" in schema else set()  # the choices say it all
            for keyword in set(schema) & set(DEFAULT_MESSAGES) - {"type"} - bounded:
                assert keyword in worded, (one["name"], keyword)


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
def test_choices_of_a_question_are_those_of_its_field(file: Path) -> None:
    form = read(file)
    for question in questions(form):
        field = form["schema"]["properties"][question["name"]]
        pairs = [(question, field)]
        pairs += [(c, field["items"]["properties"][c["name"]]) for c in question.get("columns", ())]
        for one, schema in pairs:
            if "options_from" in one:
                assert schema["x-list"] == one["options_from"]
            elif "options" in one:
                assert schema["enum"] == [option["value"] for option in one["options"]]


@each_form
def test_its_workflow_hangs_together(file: Path) -> None:
    workflow = workflow_of(read(file))
    names = [stage["name"] for stage in workflow["stages"]]
    assert len(set(names)) == len(names)
    assert not {CHANGES, DONE} & set(names), "these two have a meaning of their own to a state machine"
    assert workflow["stages"][0].get("from_pence", 0) == 0
    if "fund" not in workflow:
        assert not [stage["name"] for stage in workflow["stages"] if stage.get("from_pence")], "of no money"
        return
    assert workflow["reserve_at"] in names[:-1], (
        "the money is reserved before the last stage, which commits it"
    )
    reserving = workflow["stages"][names.index(workflow["reserve_at"])]
    assert reserving.get("from_pence", 0) == 0
    later = workflow["stages"][names.index(workflow["reserve_at"]) + 1 :]
    assert any(stage.get("from_pence", 0) == 0 for stage in later), "every claim has a stage that commits"


@each_form
def test_every_choice_of_a_stage_is_said_and_ends_in_a_status_that_there_is(file: Path) -> None:
    workflow = workflow_of(read(file))
    choices = workflow["choices"]
    used = {value for stage in workflow["stages"] for value in stage["choices"]}
    assert used == set(choices), "a choice that is named and not said, or said and never offered"
    # Money is committed for what is approved and free again for what is rejected: those two have their meaning.
    with_money = {"advance": {Status.APPROVED}, "close": {Status.REJECTED}} if "fund" in workflow else {}
    for value, said in choices.items():
        status, effect = said.get("status"), said["effect"]
        assert effect != "return" or not status, f"{value} ends nothing"
        assert effect != "close" or status, f"{value} ends it, and with what?"
        assert effect == "advance" or "passing" not in said, f"{value} passes nothing on"
        for one in (status, said.get("passing")):
            assert one is None or Status(one) not in NOT_CHOSEN, value
        if effect in with_money:
            assert Status(status) in with_money[effect], value
    assert len({said["label"] for said in choices.values()}) == len(choices)
    assert len({said["done"] for said in choices.values()}) == len(choices)


@each_form
def test_what_a_last_stage_advances_to_is_an_end(file: Path) -> None:
    workflow = workflow_of(read(file))
    for value in workflow["stages"][-1]["choices"]:
        said = workflow["choices"][value]
        assert said["effect"] != "advance" or said.get("status"), value


@each_form
def test_every_stage_can_go_on_and_can_end(file: Path) -> None:
    workflow = workflow_of(read(file))
    last = workflow["stages"][-1]
    for stage in workflow["stages"]:
        effects = {workflow["choices"][value]["effect"] for value in stage["choices"]}
        assert "close" in effects, stage["name"]
        assert "advance" in effects or stage is last, stage["name"]


@each_form
def test_at_every_stage_two_answers_or_more_may_be_given(file: Path) -> None:
    workflow = workflow_of(read(file))
    for stage in workflow["stages"]:
        offered = [value for value in stage["choices"] if workflow["choices"][value].get("is_offered", True)]
        assert len(offered) > 1, stage["name"]
        hidden = set(stage["choices"]) - set(offered)
        assert hidden <= {stage.get("without_quorum")}, f"{stage['name']}: nobody can ever choose it"


@each_form
def test_a_casting_vote_is_among_the_answers_of_an_earlier_stage(file: Path) -> None:
    workflow = workflow_of(read(file))
    earlier: dict[str, set[str]] = {}
    for stage in workflow["stages"]:
        given_at = stage.get("choices_given_at")
        if given_at is not None:
            assert given_at in earlier, f"{stage['name']}: {given_at} does not come before it"
            offered = {v for v in stage["choices"] if workflow["choices"][v].get("is_offered", True)}
            could_be = {v for v in earlier[given_at] if workflow["choices"][v].get("is_offered", True)}
            assert could_be <= offered, "what somebody chose there could not be chosen here"
        earlier[stage["name"]] = set(stage["choices"])


@each_form
def test_whoever_ends_one_gives_the_reason_unless_it_has_been_taken_note_of(file: Path) -> None:
    for value, said in workflow_of(read(file))["choices"].items():
        assert said["effect"] != "close" or said.get("needs_reason") or said["status"] == "noted", value


@each_form
def test_its_title_and_its_address_are_answers_that_must_be_given(file: Path) -> None:
    form = read(file)
    fields_of_it = form["schema"]["properties"]
    assert {form["title_field"], form["email_field"], "force"} <= set(form["schema"]["required"])
    assert not fields_of_it[form["title_field"]].get("x-personal"), "lists and mails show it"
    assert fields_of_it[form["email_field"]]["format"] == "mailbox"
    assert fields_of_it[form["email_field"]]["x-personal"] is True


@each_form
def test_every_seat_has_a_deputy_who_is_somebody_else_and_roles_that_have_words(file: Path) -> None:
    workflow = workflow_of(read(file))
    for stage in workflow["stages"]:
        seats = seats_of(workflow, stage)
        asked = [(seat["asks"]["role"], seat["asks"]["at"]) for seat in seats]
        assert len(set(asked)) == len(asked), f"{stage['name']}: two seats of one role cannot be told apart"
        for seat in seats:
            here, deputy = seat["asks"], seat["deputy"]
            assert (here["role"], here["at"]) != (deputy["role"], deputy["at"]), stage["name"]
            assert here["role"] != deputy["role"], f"{stage['name']}: a task names its role alone"
            assert {here["role"], deputy["role"]} <= set(ROLE_NAMES), stage["name"]
        roles = {role for role, _ in asked}
        deputies = [seat["deputy"]["role"] for seat in seats]
        assert not roles & set(deputies), f"{stage['name']}: one seat's deputy sits in another"
        assert len(set(deputies)) == len(deputies), stage["name"]


@each_form
def test_every_panel_is_there_and_is_asked(file: Path) -> None:
    workflow = workflow_of(read(file))
    named = {stage["asks"]["panel"] for stage in workflow["stages"] if "panel" in stage["asks"]}
    assert named == set(workflow.get("panels", {}))


@each_form
def test_a_quorum_can_be_reached_and_says_what_stands_without_it(file: Path) -> None:
    workflow = workflow_of(read(file))
    for stage in workflow["stages"]:
        several = "panel" in stage["asks"] or stage["asks"].get("people") == "all"
        assert several or stage.get("quorum", 1) == 1, f"{stage['name']}: one person is asked"
        if "panel" in stage["asks"] and stage["quorum"] != "all":
            assert stage["quorum"] <= len(seats_of(workflow, stage)), stage["name"]
        if several:
            stands = stage["without_quorum"]
            assert stands in stage["choices"], stage["name"]
            said = workflow["choices"][stands]
            # What stands for want of agreement approves nothing: it ends it, or leaves it to the next stage.
            goes_on = said["effect"] == "advance" and not said.get("is_offered", True)
            assert said["effect"] == "close" or (goes_on and stage is not workflow["stages"][-1]), stage[
                "name"
            ]


@each_form
def test_reminders_come_before_the_date_that_they_remind_of(file: Path) -> None:
    workflow = workflow_of(read(file))
    for stage in workflow["stages"]:
        days = min(stage["working_days"], stage["deputy_working_days"])
        assert all(reminder < days for reminder in stage["reminder_days"]), stage["name"]
    amending = workflow["amending"]
    assert all(reminder < amending["working_days"] for reminder in amending["reminder_days"])
    for days in (amending["reminder_days"], *(stage["reminder_days"] for stage in workflow["stages"])):
        assert len(set(days)) == len(days)


@each_form
def test_what_leads_back_to_the_first_stage_are_fields_and_those_that_money_and_force_hang_on(
    file: Path,
) -> None:
    form = read(file)
    restart = form["restart_if_changed"]
    assert set(restart) <= set(form["schema"]["properties"])
    assert len(set(restart)) == len(restart)
    # The first stage may be the force's own, and the amount that is committed is the one that was reserved.
    assert "force" in restart
    assert "fund" not in form or "cost_lines" in restart


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


def test_panels_boards_and_quorums_are_read_from_data() -> None:
    workflow = read(ROOT / "schemas" / "workflows" / "funding-claim.v1.json")
    first, second, third = workflow["stages"]
    workflow["panels"] = {"trio": A_PANEL}
    first |= {"asks": {"panel": "trio"}, "quorum": 2, "without_quorum": "reject"}
    del first["deputy"]
    second["asks"]["people"] = "all"
    second |= {"quorum": "all", "without_quorum": "reject"}
    assert [error.message for error in Draft202012Validator(META_OF_WORKFLOWS).iter_errors(workflow)] == []
    stages = read_workflow(workflow, read(FUNDING_CLAIM)).stages
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
