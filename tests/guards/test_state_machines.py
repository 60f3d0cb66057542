"""The ASL files: what no linter finds (cfn-lint passes a Next that names nothing)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.form_files import FormFiles, calendar
from chalicelib.domain import deliveries
from chalicelib.domain.submissions import AskedAs
from chalicelib.services.asking import read_step
from tests.builders import MONDAY, a_form, a_submission

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "infra" / "workflows").glob("*.asl.json"))
FORMS = {form.workflow.name: form for form in FormFiles().all()}
each_machine = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
WAITS = "arn:aws:states:::lambda:invoke.waitForTaskToken"


def read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def states(file: Path) -> dict[str, Any]:
    return dict(read(file)["States"])


def targets(state: dict[str, Any]) -> set[str]:
    found = {state[name] for name in ("Next", "Default") if name in state}
    return found | {rule["Next"] for rule in [*state.get("Choices", ()), *state.get("Catch", ())]}


def tasks(file: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(name, state) for name, state in states(file).items() if state["Type"] == "Task"]


def payload_of(state: dict[str, Any], given: dict[str, Any], token: str) -> dict[str, Any]:
    """What the state sends to its function."""
    found = {}
    for name, value in state["Parameters"]["Payload"].items():
        if not name.endswith(".$"):
            found[name] = value
        elif value == "$$.Task.Token":
            found[name[:-2]] = token
        else:
            found[name[:-2]] = given[value.removeprefix("$.")]
    return found


def choices(rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from rule.get("And", [rule])


def route(state: dict[str, Any], given: dict[str, Any]) -> str:
    """Where a Choice goes."""
    for rule in state["Choices"]:
        if all(given[test["Variable"].removeprefix("$.")] == test["StringEquals"] for test in choices(rule)):
            return str(rule["Next"])
    return str(state["Default"])


def test_every_workflow_of_a_form_has_its_machine_and_the_reverse() -> None:
    assert {file.name.removesuffix(".asl.json") for file in FILES} == set(FORMS)


@each_machine
def test_every_target_exists_and_every_state_is_reached(file: Path) -> None:
    found = states(file)
    reached, left = set(), {read(file)["StartAt"]}
    while left:
        name = left.pop()
        assert name in found, f"{name} is named and not there"
        reached.add(name)
        left |= targets(found[name]) - reached
    assert reached == set(found)


@each_machine
def test_every_state_goes_on_or_ends(file: Path) -> None:
    for name, state in states(file).items():
        assert state["Type"] in ("Task", "Choice", "Pass", "Succeed", "Fail"), name
        if state["Type"] in ("Task", "Pass"):
            assert "Next" in state, name
        if state["Type"] == "Choice":
            assert "Default" in state, name


@each_machine
def test_every_wait_passes_its_token_and_ends_by_time_with_a_way_out(file: Path) -> None:
    assert tasks(file)
    for name, state in tasks(file):
        assert state["Resource"] == WAITS, name
        assert state["Parameters"]["Payload"]["token.$"] == "$$.Task.Token", name
        assert state["TimeoutSecondsPath"].startswith("$.wait."), name
        caught = [error for rule in state["Catch"] for error in rule["ErrorEquals"]]
        assert caught[0] == "States.Timeout", name
        assert caught[-1] == "States.ALL", name
        assert all(rule["ResultPath"] == "$.error" for rule in state["Catch"]), "the input is kept"
        for rule in state["Retry"]:
            assert "States.Timeout" not in rule["ErrorEquals"], "a time-out is no failure to be repeated"
            assert "States.ALL" not in rule["ErrorEquals"], "States.ALL would repeat a time-out"
            assert rule["MaxDelaySeconds"] and rule["JitterStrategy"] == "FULL", name


@each_machine
def test_nothing_waits_longer_than_a_year_allows(file: Path) -> None:
    assert read(file)["TimeoutSeconds"] <= 31_536_000


@each_machine
def test_only_ids_the_stage_and_the_token_are_passed_on(file: Path) -> None:
    allowed = {"payload_version", "token.$", "force.$", "reference.$", "round.$", "stage", "asked"}
    for name, state in tasks(file):
        assert set(state["Parameters"]) == {"FunctionName", "Payload"}, name
        assert set(state["Parameters"]["Payload"]) == allowed, name
    text = file.read_text(encoding="utf-8")
    for word in ("claimant", "email", "answers", "address", "personal", "comment"):
        assert f'"{word}' not in text, word
        assert f"$.{word}" not in text, word


@each_machine
def test_it_keeps_to_what_the_local_interpreter_knows(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "JSONata" not in text
    assert '"Assign"' not in text


@each_machine
def test_its_stages_are_those_of_the_form_in_order_with_every_turn(file: Path) -> None:
    workflow = FORMS[file.name.removesuffix(".asl.json")].workflow
    asked = [
        (state["Parameters"]["Payload"]["stage"], state["Parameters"]["Payload"]["asked"])
        for _, state in tasks(file)
    ]
    assert asked == [(stage.name, turn.value) for stage in workflow.stages for turn in AskedAs]


@each_machine
def test_a_time_out_leads_to_the_next_turn_of_the_same_stage(file: Path) -> None:
    found = states(file)
    for name, state in tasks(file):
        payload = state["Parameters"]["Payload"]
        later = next(rule["Next"] for rule in state["Catch"] if rule["ErrorEquals"] == ["States.Timeout"])
        while found[later]["Type"] == "Pass":
            assert set(found[later]) <= {"Type", "Comment", "Next"}, "it passes the input on as it is"
            later = found[later]["Next"]
        following = found[later]["Parameters"]["Payload"]
        turns = [turn.value for turn in AskedAs]
        expected = turns[min(turns.index(payload["asked"]) + 1, 2)]
        assert (following["stage"], following["asked"]) == (payload["stage"], expected), name


@each_machine
def test_every_wait_takes_the_seconds_of_its_turn(file: Path) -> None:
    for name, state in tasks(file):
        assert state["TimeoutSecondsPath"] == f"$.wait.{state['Parameters']['Payload']['asked']}_seconds", (
            name
        )


@each_machine
def test_wherever_the_data_stands_the_machine_asks_just_that(file: Path) -> None:
    """What the code puts out is what the Choices route by, at the start and after every answer."""
    form = FORMS[file.name.removesuffix(".asl.json")]
    found = states(file)
    routers = [name for name, state in found.items() if state["Type"] == "Choice"]
    for stage in form.workflow.stages:
        for turn in AskedAs:
            one = a_submission(stage=stage.name, asked_as=turn)
            told = deliveries.pointer(one, form, calendar(), now=MONDAY)
            for router in routers:
                there = found[route(found[router], told)]
                payload = payload_of(there, told, "t" * 10)
                step = read_step(payload)
                assert (step.stage, step.turn, step.round) == (stage.name, turn, one.round)
                assert there["TimeoutSecondsPath"].rpartition(".")[2] in told["wait"]
    superseded = deliveries.superseded("kent", "CLM-2222-2222", 1)
    for router in routers:
        assert found[route(found[router], superseded)]["Type"] == "Succeed"


@each_machine
def test_every_name_in_it_is_a_function_of_the_app(file: Path) -> None:
    from app import app

    functions = {function.name for function in app.pure_lambda_functions}
    named = set(re.findall(r"\$\{([A-Za-z]+)Arn\}", file.read_text(encoding="utf-8")))
    assert named
    registered = {"".join(part.capitalize() for part in re.split(r"[-_]", str(name))) for name in functions}
    assert named <= registered


def test_the_form_of_the_builders_is_the_newest() -> None:
    assert a_form() == FORMS["funding-claim"]
