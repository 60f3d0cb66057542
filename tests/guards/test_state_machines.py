"""The ASL file: what no linter finds (cfn-lint passes a Next that names nothing)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from chalicelib.adapters.files.form_files import FormFiles, calendar
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import TURNS, AskedAs, next_turn
from chalicelib.domain.records.submissions import Status, Submission
from chalicelib.services.approvals.asking import UnknownStage, read_step
from infra import machines
from tests.builders import MONDAY, a_form, a_submission

FORMS = FormFiles().all()
WAITS = "arn:aws:states:::lambda:invoke.waitForTaskToken"


def read() -> dict[str, Any]:
    return dict(json.loads(machines.definition().read_text(encoding="utf-8")))


def states() -> dict[str, Any]:
    return dict(read()["States"])


def targets(state: dict[str, Any]) -> set[str]:
    found = {state[name] for name in ("Next", "Default") if name in state}
    return found | {rule["Next"] for rule in [*state.get("Choices", ()), *state.get("Catch", ())]}


def tasks() -> list[tuple[str, dict[str, Any]]]:
    return [(name, state) for name, state in states().items() if state["Type"] == "Task"]


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


def routers() -> list[str]:
    """Where an input or an answer is looked at: the start, and what follows a wait."""
    return [read()["StartAt"], *dict.fromkeys(state["Next"] for _, state in tasks())]


def versions() -> list[Form]:
    """All forms in all their versions: submissions of an earlier one may be under way."""
    found = []
    for newest in FORMS:
        for version in range(1, newest.version + 1):
            with suppress(NotFound):
                found.append(FormFiles().form(newest.id, version))
    return found


def submissions() -> Iterator[tuple[Form, Submission]]:
    """An open submission for everything that the machine can wait for."""
    for form in versions():
        for stage in form.workflow.stages:
            for turn in TURNS:
                yield form, a_submission(status=Status.IN_REVIEW, stage=stage.name, asked_as=turn)
            if form.workflow.may_return:
                claimants = a_submission(
                    status=Status.CHANGES_REQUESTED, stage=stage.name, asked_as=AskedAs.CLAIMANT
                )
                yield form, claimants


def ends(form: Form) -> set[Status]:
    """The statuses that a submission of the form can end with."""
    choices = [choice for stage in form.workflow.stages for choice in stage.choices]
    lapsed = {Status.LAPSED} if form.workflow.may_return else set()
    return {Status(choice.status) for choice in choices if choice.status} | {Status.WITHDRAWN} | lapsed


def pointers(form: Form, one: Submission) -> Iterator[dict[str, Any]]:
    """What says where a submission stands, in every payload version that may be in flight."""
    today = deliveries.pointer(one, form, calendar(), now=MONDAY)
    yield today
    if today["asked"] != AskedAs.CLAIMANT.value:
        wait = {name: seconds for name, seconds in today["wait"].items() if name != "claimant_seconds"}
        yield {**today, "payload_version": 1, "wait": wait}


def test_every_workflow_of_a_form_has_its_machine_and_the_reverse() -> None:
    assert machines.names() == sorted({form.workflow.name for form in versions()})


def test_every_target_exists_and_every_state_is_reached() -> None:
    found = states()
    reached, left = set(), {read()["StartAt"]}
    while left:
        name = left.pop()
        assert name in found, f"{name} is named and not there"
        reached.add(name)
        left |= targets(found[name]) - reached
    assert reached == set(found)


def test_every_state_goes_on_or_ends() -> None:
    for name, state in states().items():
        assert state["Type"] in ("Task", "Choice", "Pass", "Succeed", "Fail"), name
        if state["Type"] in ("Task", "Pass"):
            assert "Next" in state, name
        if state["Type"] == "Choice":
            assert "Default" in state, name


def test_every_wait_passes_its_token_and_ends_by_time_with_a_way_out() -> None:
    assert tasks()
    for name, state in tasks():
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
            if rule["MaxAttempts"]:
                assert rule["MaxDelaySeconds"] and rule["JitterStrategy"] == "FULL", name


def test_nothing_waits_longer_than_a_year_allows() -> None:
    assert read()["TimeoutSeconds"] <= 31_536_000


def test_only_ids_the_stage_and_the_token_are_passed_on() -> None:
    allowed = {"payload_version", "token.$", "force.$", "reference.$", "round.$", "stage.$", "asked"}
    for name, state in tasks():
        assert set(state["Parameters"]) == {"FunctionName", "Payload"}, name
        assert set(state["Parameters"]["Payload"]) == allowed, name


def test_it_reads_nothing_but_the_pointer() -> None:
    pointer = {"$.force", "$.reference", "$.round", "$.stage", "$.asked"}
    waits = {f"$.wait.{turn.value}_seconds" for turn in AskedAs if turn is not AskedAs.LATER}
    read_paths = set(re.findall(r'"(\$[^{"]*)"', machines.definition().read_text(encoding="utf-8")))
    assert read_paths == pointer | waits | {"$", "$$.Task.Token", "$.error"}


def test_its_payloads_are_of_todays_version() -> None:
    versions = {state["Parameters"]["Payload"]["payload_version"] for _, state in tasks()}
    assert versions == {deliveries.PAYLOAD_VERSION}


def test_it_keeps_to_what_the_local_interpreter_knows() -> None:
    text = machines.definition().read_text(encoding="utf-8")
    assert "JSONata" not in text
    assert '"Assign"' not in text


def test_it_waits_for_every_turn_once_and_the_stage_is_always_data() -> None:
    payloads = [state["Parameters"]["Payload"] for _, state in tasks()]
    assert [payload["asked"] for payload in payloads] == [
        turn.value for turn in AskedAs if turn is not AskedAs.LATER
    ]
    assert {payload["stage.$"] for payload in payloads} == {"$.stage"}


def test_a_time_out_leads_to_the_next_turn_and_the_submitters_to_itself() -> None:
    found = states()
    for name, state in tasks():
        later = next(rule["Next"] for rule in state["Catch"] if rule["ErrorEquals"] == ["States.Timeout"])
        assert later != name, "moto does not follow a Catch back to its own state"
        while found[later]["Type"] == "Pass":
            assert set(found[later]) <= {"Type", "Comment", "Next"}, "it passes the input on as it is"
            later = found[later]["Next"]
        turn = AskedAs(state["Parameters"]["Payload"]["asked"])
        expected = turn if turn is AskedAs.CLAIMANT else next_turn(turn)
        assert found[later]["Parameters"]["Payload"]["asked"] == expected.value, name


def test_a_stage_that_the_function_refuses_is_not_asked_for_again() -> None:
    for name, state in tasks():
        assert state["Retry"][0] == {"ErrorEquals": [UnknownStage.__name__], "MaxAttempts": 0}, name
        (rule,) = [rule for rule in state["Catch"] if rule["ErrorEquals"] == [UnknownStage.__name__]]
        assert states()[rule["Next"]]["Type"] == "Fail", name


def test_every_wait_takes_the_seconds_of_its_turn() -> None:
    for name, state in tasks():
        assert state["TimeoutSecondsPath"] == f"$.wait.{state['Parameters']['Payload']['asked']}_seconds", (
            name
        )


def test_wherever_the_data_stands_the_machine_asks_just_that() -> None:
    """What the code puts out is what the Choices route by, at the start and after every answer."""
    found = states()
    for form, one in submissions():
        is_claimants = one.status is Status.CHANGES_REQUESTED
        place = (deliveries.CHANGES if is_claimants else one.stage, one.asked_as, one.round)
        for told, router in product(pointers(form, one), routers()):
            there = found[route(found, router, told)]
            step = read_step(payload_of(there, told, "t" * 10))
            assert (step.stage, step.turn, step.round) == place
            assert told["wait"][there["TimeoutSecondsPath"].rpartition(".")[2]] > 0


def test_every_end_of_a_submission_ends_it() -> None:
    found = states()
    for form in versions():
        for status in ends(form):
            one = a_submission(status=status, waiting_for="", due_at=None)
            for told, router in product(pointers(form, one), routers()):
                assert found[route(found, router, told)]["Type"] == "Succeed", status


def test_an_execution_whose_round_is_over_ends() -> None:
    found = states()
    told = deliveries.superseded("kent", "CLM-2222-2222", 1)
    assert {found[route(found, router, told)]["Type"] for router in routers()} == {"Succeed"}


def test_a_turn_it_does_not_know_fails_it_so_that_the_reconciler_sees() -> None:
    found = states()
    for router in routers():
        told = {"stage": "force-lead", "asked": "nobody"}
        assert found[route(found, router, told)]["Type"] == "Fail"


@pytest.mark.parametrize("version", sorted(deliveries.READ_VERSIONS))
def test_the_function_reads_what_the_machine_sends_in_every_version_in_flight(version: int) -> None:
    given = {"force": "kent", "reference": "CLM-2222-2222", "round": 3, "stage": "finance"}
    for _, state in tasks():
        payload = payload_of(state, given, "t" * 10)
        step = read_step({**payload, "payload_version": version})
        assert (step.stage, step.turn.value, step.round) == ("finance", payload["asked"], 3)


@pytest.mark.parametrize("version", [0, max(deliveries.READ_VERSIONS) + 1, "2", None])
def test_a_payload_of_a_version_that_nobody_knows_is_refused(version: object) -> None:
    step = {"force": "kent", "reference": "CLM-2222-2222", "round": 1, "stage": "finance", "token": "t"}
    with pytest.raises(ValueError, match="payload version"):
        read_step({**step, "asked": "approver", "payload_version": version})


def test_every_name_in_it_is_a_function_of_the_app() -> None:
    from app import app

    functions = {function.name for function in app.pure_lambda_functions}
    named = set(re.findall(r"\$\{([A-Za-z]+)Arn\}", machines.definition().read_text(encoding="utf-8")))
    assert named
    registered = {"".join(part.capitalize() for part in re.split(r"[-_]", str(name))) for name in functions}
    assert named <= registered


def test_the_form_of_the_builders_is_the_newest() -> None:
    assert a_form() == next(form for form in FORMS if form.workflow.name == "funding-claim")
