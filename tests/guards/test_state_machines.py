"""The ASL files: what no linter finds (cfn-lint passes a Next that names nothing)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.form_files import FormFiles, calendar
from chalicelib.domain import deliveries
from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms import Form
from chalicelib.domain.stages import TURNS, AskedAs, Effect, next_turn
from chalicelib.domain.submissions import Status, Submission
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


def comparisons(rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from rule.get("And", [rule])


def route(found: dict[str, Any], name: str, given: dict[str, Any]) -> str:
    """Where a Choice leads, through as many more Choices as it takes."""
    passed: list[str] = []
    while found[name]["Type"] == "Choice":
        assert name not in passed, f"{' → '.join(passed)} leads nowhere"
        passed.append(name)
        name = chosen(found[name], given)
    return name


def chosen(state: dict[str, Any], given: dict[str, Any]) -> str:
    for rule in state["Choices"]:
        if all(
            given[test["Variable"].removeprefix("$.")] == test["StringEquals"] for test in comparisons(rule)
        ):
            return str(rule["Next"])
    return str(state["Default"])


def routers(file: Path) -> list[str]:
    """Where an input or an answer is looked at: the start, and what follows a wait."""
    return [read(file)["StartAt"], *dict.fromkeys(state["Next"] for _, state in tasks(file))]


def versions(file: Path) -> list[Form]:
    """The form of a machine, in all its versions: claims of an earlier one may be under way. The newest is last."""
    newest = FORMS[file.name.removesuffix(".asl.json")]
    found = []
    for version in range(1, newest.version + 1):
        with suppress(NotFound):
            found.append(FormFiles().form(newest.id, version))
    return found


def submissions(file: Path) -> Iterator[tuple[Form, Submission]]:
    """An open submission for everything that the machine can wait for."""
    for form in versions(file):
        for stage in form.workflow.stages:
            for turn in TURNS:
                yield form, a_submission(status=Status.IN_REVIEW, stage=stage.name, asked_as=turn)
            if may_return(form):
                claimants = a_submission(
                    status=Status.CHANGES_REQUESTED, stage=stage.name, asked_as=AskedAs.CLAIMANT
                )
                yield form, claimants


def may_return(form: Form) -> bool:
    """Whether anybody may send a submission of the form back for changes."""
    return any(choice.effect is Effect.RETURN for stage in form.workflow.stages for choice in stage.choices)


def ends(form: Form) -> set[Status]:
    """The statuses that a submission of the form can end with."""
    choices = [choice for stage in form.workflow.stages for choice in stage.choices]
    lapsed = {Status.LAPSED} if may_return(form) else set()
    return {Status(choice.status) for choice in choices if choice.status} | {Status.WITHDRAWN} | lapsed


def pointers(form: Form, one: Submission) -> Iterator[dict[str, Any]]:
    """What says where a submission stands, in every payload version that may be in flight."""
    today = deliveries.pointer(one, form, calendar(), now=MONDAY)
    yield today
    if today["asked"] != AskedAs.CLAIMANT.value:
        wait = {name: seconds for name, seconds in today["wait"].items() if name != "claimant_seconds"}
        yield {**today, "payload_version": 1, "wait": wait}


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


@each_machine
def test_it_reads_nothing_but_the_pointer(file: Path) -> None:
    pointer = {"$.force", "$.reference", "$.round", "$.stage", "$.asked"}
    turns = AskedAs if any(map(may_return, versions(file))) else TURNS
    waits = {f"$.wait.{turn.value}_seconds" for turn in turns}
    read_paths = set(re.findall(r'"(\$[^{"]*)"', file.read_text(encoding="utf-8")))
    assert read_paths == pointer | waits | {"$", "$$.Task.Token", "$.error"}


@each_machine
def test_its_payloads_are_of_todays_version(file: Path) -> None:
    versions = {state["Parameters"]["Payload"]["payload_version"] for _, state in tasks(file)}
    assert versions == {deliveries.PAYLOAD_VERSION}


@each_machine
def test_it_keeps_to_what_the_local_interpreter_knows(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "JSONata" not in text
    assert '"Assign"' not in text


@each_machine
def test_it_waits_for_every_turn_of_the_forms_stages_in_order_and_for_changes_where_they_can_be_asked_for(
    file: Path,
) -> None:
    waits = [
        (state["Parameters"]["Payload"]["stage"], state["Parameters"]["Payload"]["asked"])
        for _, state in tasks(file)
    ]
    for form in versions(file):
        turns = [(stage.name, turn.value) for stage in form.workflow.stages for turn in TURNS]
        assert [wait for wait in waits if wait in turns] == turns
    stages = {stage.name for form in versions(file) for stage in form.workflow.stages}
    returns = any(map(may_return, versions(file)))
    changes = [(deliveries.CHANGES, AskedAs.CLAIMANT.value)] if returns else []
    assert {stage for stage, _ in waits} == stages | {stage for stage, _ in changes}
    assert len(waits) == len(stages) * len(TURNS) + len(changes)
    assert waits[len(stages) * len(TURNS) :] == changes


@each_machine
def test_a_time_out_leads_to_the_next_turn_of_the_same_stage_and_the_claimants_to_itself(file: Path) -> None:
    found = states(file)
    for name, state in tasks(file):
        payload = state["Parameters"]["Payload"]
        later = next(rule["Next"] for rule in state["Catch"] if rule["ErrorEquals"] == ["States.Timeout"])
        assert later != name, "moto does not follow a Catch back to its own state"
        while found[later]["Type"] == "Pass":
            assert set(found[later]) <= {"Type", "Comment", "Next"}, "it passes the input on as it is"
            later = found[later]["Next"]
        following = found[later]["Parameters"]["Payload"]
        turn = AskedAs(payload["asked"])
        expected = turn if turn is AskedAs.CLAIMANT else next_turn(turn)
        assert (following["stage"], following["asked"]) == (payload["stage"], expected.value), name


@each_machine
def test_every_stage_has_states_of_its_own_and_one_that_looks_at_its_answers(file: Path) -> None:
    """So that the console shows where a claim stands."""
    after: dict[str, set[str]] = {}
    for _, state in tasks(file):
        after.setdefault(state["Parameters"]["Payload"]["stage"], set()).add(state["Next"])
    assert all(len(found) == 1 for found in after.values())
    assert len(set().union(*after.values())) == len(after)


@each_machine
def test_every_wait_takes_the_seconds_of_its_turn(file: Path) -> None:
    for name, state in tasks(file):
        assert state["TimeoutSecondsPath"] == f"$.wait.{state['Parameters']['Payload']['asked']}_seconds", (
            name
        )


@each_machine
def test_wherever_the_data_stands_the_machine_asks_just_that(file: Path) -> None:
    """What the code puts out is what the Choices route by, at the start and after every answer."""
    found = states(file)
    for form, one in submissions(file):
        is_claimants = one.status is Status.CHANGES_REQUESTED
        place = (deliveries.CHANGES if is_claimants else one.stage, one.asked_as, one.round)
        for told, router in product(pointers(form, one), routers(file)):
            there = found[route(found, router, told)]
            step = read_step(payload_of(there, told, "t" * 10))
            assert (step.stage, step.turn, step.round) == place
            assert told["wait"][there["TimeoutSecondsPath"].rpartition(".")[2]] > 0


@each_machine
def test_every_end_of_a_submission_ends_it(file: Path) -> None:
    found = states(file)
    for form in versions(file):
        for status in ends(form):
            one = a_submission(status=status, waiting_for="", due_at=None)
            for told, router in product(pointers(form, one), routers(file)):
                assert found[route(found, router, told)]["Type"] == "Succeed", status


@each_machine
def test_an_execution_whose_round_is_over_ends(file: Path) -> None:
    found = states(file)
    told = deliveries.superseded("kent", "CLM-2222-2222", 1)
    assert {found[route(found, router, told)]["Type"] for router in routers(file)} == {"Succeed"}


@each_machine
def test_what_it_does_not_know_fails_it_so_that_the_reconciler_sees(file: Path) -> None:
    found = states(file)
    stage = FORMS[file.name.removesuffix(".asl.json")].workflow.stages[0].name
    for place, router in product([("no-such-stage", "approver"), (stage, "nobody")], routers(file)):
        told = {"stage": place[0], "asked": place[1]}
        assert found[route(found, router, told)]["Type"] == "Fail"


@each_machine
@pytest.mark.parametrize("version", sorted(deliveries.READ_VERSIONS))
def test_the_function_reads_what_the_machine_sends_in_every_version_in_flight(
    file: Path, version: int
) -> None:
    given = {"force": "kent", "reference": "CLM-2222-2222", "round": 3}
    for _, state in tasks(file):
        payload = payload_of(state, given, "t" * 10)
        step = read_step({**payload, "payload_version": version})
        assert (step.stage, step.turn.value, step.round) == (payload["stage"], payload["asked"], 3)


@pytest.mark.parametrize("version", [0, max(deliveries.READ_VERSIONS) + 1, "2", None])
def test_a_payload_of_a_version_that_nobody_knows_is_refused(version: object) -> None:
    step = {"force": "kent", "reference": "CLM-2222-2222", "round": 1, "stage": "finance", "token": "t"}
    with pytest.raises(ValueError, match="payload version"):
        read_step({**step, "asked": "approver", "payload_version": version})


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
