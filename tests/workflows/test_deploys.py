"""Deploys never break a waiting approval: the state machines, inputs and payloads of earlier days still work.

Executions keep the definition that they were started with, for up to a year. `earlier/` keeps, for each payload
version, an input and a payload of the function as they were sent, and the definition that was in use, once it is
no longer today's. A new version adds files. None is changed; those of a version go when its last execution is over.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.files.form_files import calendar
from chalicelib.domain.delivery import deliveries
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import TURNS, AskedAs
from chalicelib.domain.records.submissions import STATUSES, Status
from chalicelib.services.approvals.asking import read_step
from tests.builders import FORMS, MONDAY, a_form, a_submission
from tests.workflows.machine import CHANGES, PLACES, TODAY, Execution, Machines, Where

EARLIER = Path(__file__).parent / "earlier"
DEFINITIONS, INPUTS, PAYLOADS = (
    sorted(EARLIER.glob(f"*.{kind}.json")) for kind in ("asl", "input", "payload")
)
Place = tuple[str, str]


def each(files: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("file", files, ids=lambda file: file.name)


def read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def places(file: Path) -> list[Place]:
    """Where the machine in a file of an earlier definition can wait."""
    payloads = [
        state["Parameters"]["Payload"] for state in read(file)["States"].values() if state["Type"] == "Task"
    ]
    return [(payload["stage"], payload["asked"]) for payload in payloads]


def form_of(stage: str) -> Form:
    """The form whose workflow has the stage; the claim's for what every workflow may have."""
    forms = FORMS.all()
    return next((form for form in forms if stage in [one.name for one in form.workflow.stages]), a_form())


def told(stage: str, asked: str) -> Where:
    """What today's code tells an execution of a submission that stands there."""
    if (stage, asked) == CHANGES:
        one = a_submission(status=Status.CHANGES_REQUESTED, asked_as=AskedAs.CLAIMANT)
    else:
        one = a_submission(status=Status.IN_REVIEW, stage=stage, asked_as=AskedAs(asked))
    return deliveries.pointer(one, form_of(stage), calendar(), now=MONDAY)


def over(status: Status) -> Where:
    """What today's code tells an execution of a submission that has ended."""
    return deliveries.pointer(a_submission(status=status), a_form(), calendar(), now=MONDAY)


def first_input(file: Path) -> Where:
    """What an execution of an earlier definition was started with."""
    return read(file.with_name(file.name.replace(".asl.", ".input.")))


def goes_everywhere_and_ends(execution: Execution, known: list[Place]) -> None:
    """Answer with each place in turn, as today's code does; today's code reads every payload that comes."""
    for times, place in enumerate(known, start=2):
        execution.answer(told(*place))
        assert execution.is_asked(times) == place
    execution.answer(over(Status("approved")))
    assert execution.end() == "SUCCEEDED"
    assert [read_step(payload).turn.value for payload in execution.asked[1:]] == [turn for _, turn in known]


def shape(thing: Any) -> Any:
    return {name: shape(value) for name, value in thing.items()} if isinstance(thing, dict) else type(thing)


def test_an_input_and_a_payload_of_every_version_that_is_read_are_kept() -> None:
    for files in (INPUTS, PAYLOADS):
        assert {read(file)["payload_version"] for file in files} == deliveries.READ_VERSIONS
    assert max(deliveries.READ_VERSIONS) == deliveries.PAYLOAD_VERSION


def test_todays_definition_is_not_among_the_earlier_ones() -> None:
    assert all(read(file) != read(TODAY) for file in DEFINITIONS)


def test_the_definition_of_every_earlier_version_is_kept() -> None:
    kept = {
        state["Parameters"]["Payload"]["payload_version"]
        for file in DEFINITIONS
        for state in read(file)["States"].values()
        if state["Type"] == "Task"
    }
    assert kept >= deliveries.READ_VERSIONS - {deliveries.PAYLOAD_VERSION}


def test_a_pointer_that_looks_different_gets_a_version_of_its_own() -> None:
    kept = [read(file) for file in INPUTS if read(file)["payload_version"] == deliveries.PAYLOAD_VERSION]
    for place in [("force-lead", "approver"), CHANGES]:
        assert all(shape(told(*place)) == shape(one) for one in kept)


@each(PAYLOADS)
def test_every_payload_ever_sent_is_read(file: Path) -> None:
    payload = read(file)
    step = read_step(payload)
    assert (step.stage, step.turn.value) == (payload["stage"], payload["asked"])
    assert (step.force, step.reference, step.round, step.token) == (
        payload["force"], payload["reference"], payload["round"], payload["token"],
    )  # fmt: skip


@each(INPUTS)
def test_an_earlier_input_goes_to_its_end_today(machines: Machines, file: Path) -> None:
    given = read(file)
    execution = machines.start(given)
    assert execution.is_asked(1) == (given["stage"], given["asked"])
    goes_everywhere_and_ends(execution, [*PLACES, CHANGES])


@each([file for file in INPUTS if read(file)["asked"] in {turn.value for turn in TURNS}])
def test_an_earlier_input_lasts_through_every_time_out(machines: Machines, file: Path) -> None:
    given = read(file)
    execution = machines.start({**given, "wait": dict.fromkeys(given["wait"], 1)})
    for times, turn in enumerate(TURNS, start=1):
        assert execution.is_asked(times) == (given["stage"], turn.value)
    execution.answer(over(Status("rejected")))
    assert execution.end() == "SUCCEEDED"


@each(DEFINITIONS)
def test_an_earlier_definition_goes_to_its_end_on_what_it_is_told_today(
    machines: Machines, file: Path
) -> None:
    execution = machines.start(first_input(file), file)
    execution.is_asked(1)
    goes_everywhere_and_ends(execution, places(file))


@each(DEFINITIONS)
@pytest.mark.parametrize("status", [status for status in STATUSES if not a_submission(status=status).is_open])
def test_every_end_ends_an_earlier_definition(machines: Machines, file: Path, status: Status) -> None:
    execution = machines.start(first_input(file), file)
    execution.is_asked(1)
    execution.answer(over(status))
    assert execution.end() == "SUCCEEDED"


@each(DEFINITIONS)
def test_an_execution_that_another_took_over_from_ends(machines: Machines, file: Path) -> None:
    execution = machines.start(first_input(file), file)
    execution.is_asked(1)
    execution.answer(deliveries.superseded("kent", "CLM-7K3F-9QXN", 1))
    assert execution.end() == "SUCCEEDED"


@each(DEFINITIONS)
def test_a_definition_without_the_submitters_turn_fails_so_that_the_reconciler_starts_todays(
    machines: Machines, file: Path
) -> None:
    execution = machines.start(first_input(file), file)
    execution.is_asked(1)
    execution.answer(told(*CHANGES))
    if CHANGES in places(file):
        assert execution.is_asked(2) == CHANGES
        execution.answer(over(Status.LAPSED))
        assert execution.end() == "SUCCEEDED"
    else:
        assert execution.end() == "FAILED"
        again = machines.start(told(*CHANGES))
        assert again.is_asked(1) == CHANGES
        again.answer(over(Status.WITHDRAWN))
        assert again.end() == "SUCCEEDED"
