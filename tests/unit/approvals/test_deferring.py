"""Putting a submission aside until a day, and the values that a choice asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import schemas
from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.errors import InvalidAnswers, Overtaken
from chalicelib.domain.forms.form import Form, read_form
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import deciding, following_up, reassigning, task_view
from chalicelib.services.records import status_view
from tests.builders import FORMS
from tests.unit.scenes import Scene

FOLDER = Path(schemas.__file__).parent
MORNING = datetime(2027, 2, 1, 9, tzinfo=timezone.utc)
VALUES = {"until": "2027-02-01"}
CHOICES = {
    "defer": {"label": "Put it aside", "done": "put aside", "outcome": "defer"},
    "approve": {
        "label": "Approve the claim",
        "done": "approved",
        "outcome": "advance",
        "status": "approved",
        "asks": [
            {
                "name": "day",
                "label": "On which day?",
                "short": "Day",
                "widget": "date",
                "schema": {"type": "string", "format": "date"},
            },
            {
                "name": "place",
                "label": "Where?",
                "short": "Place",
                "widget": "text",
                "schema": {"type": "string", "minLength": 1, "maxLength": 20},
                "is_optional": True,
            },
            {
                "name": "owner",
                "label": "Who looks after it?",
                "short": "Owner",
                "widget": "text",
                "schema": {"type": "string", "minLength": 1, "maxLength": 60, "x-personal": True},
                "is_optional": True,
            },
        ],
    },
}
GIVEN = {"day": "2027-03-01", "place": "Room 2", "owner": "Ann Other"}


def form_that_defers() -> Form:
    """The funding claim, whose approvers may put it aside, and say when and where they approve it."""
    data = json.loads((FOLDER / "forms/funding-claim.v1.json").read_text("utf-8"))
    workflow = json.loads((FOLDER / f"workflows/{data['workflow']}.json").read_text("utf-8"))
    workflow["choices"] |= CHOICES
    for stage in workflow["stages"]:
        stage["choices"].append("defer")
    return read_form(data, workflow=workflow, lists=FORMS.shared_list)


class FormsThatDefer(FormFiles):
    """Our own forms, where the funding claim is the one that may be put aside."""

    def form(self, form_id: str, version: int | None = None) -> Form:
        return form_that_defers() if form_id == "funding-claim" else super().form(form_id, version)


@pytest.fixture
def deferring(story: Scene) -> Scene:
    story.use_form(form_that_defers())
    return story


def decide(story: Scene, reference: str, decision: str, values: Mapping[str, Any] | None) -> deciding.Outcome:
    case = story.case(reference)
    task = case.open_task
    assert task is not None
    return deciding.decide(
        story.parts,
        task.person_id,
        task.id,
        decision=decision,
        comment="The budget is set in March",
        seen=case.seen,
        values=values,
    )


def seen_by_submitter(story: Scene, reference: str) -> status_view.StatusView:
    one = story.case(reference).submission
    return status_view.status_of(story.parts, story.parts.links.status_token(one.force, reference, one.link))


def problems(story: Scene, decision: str, values: Any) -> list[str]:
    reference = story.asked()
    with pytest.raises(InvalidAnswers) as caught:
        decide(story, reference, decision, values)
    assert story.case(reference).open_task is not None
    return [f"{one.pointer} {one.code}" for one in caught.value.problems]


@pytest.mark.parametrize(
    ("decision", "values", "wrong"),
    [
        ("defer", None, ["/values/until required"]),
        ("defer", {}, ["/values/until required"]),
        ("defer", [], ["/values type"]),
        ("defer", {"until": "soon"}, ["/values/until format"]),
        ("defer", {"until": "2020-01-01"}, ["/values/until minimum"]),
        ("defer", {"until": "2029-01-01"}, ["/values/until maximum"]),
        ("defer", {"until": "2027-02-01", "day": "2027-02-01"}, ["/values/day additionalProperties"]),
        ("approve", {"day": "", "place": "x" * 21}, ["/values/day format", "/values/place maxLength"]),
        ("reject", {"day": "2027-02-01"}, ["/values additionalProperties"]),
    ],
)
def test_values_that_a_choice_cannot_use_are_all_refused_at_once(
    deferring: Scene, decision: str, values: Any, wrong: list[str]
) -> None:
    assert problems(deferring, decision, values) == wrong


def test_what_is_put_aside_waits_for_nobody_until_its_day(deferring: Scene) -> None:
    reference = deferring.asked()
    before = deferring.case(reference).submission
    made = decide(deferring, reference, "defer", VALUES)
    one = deferring.case(reference).submission
    assert (one.status, one.stage, one.asked_as) == (before.status, before.stage, AskedAs.LATER)
    assert (one.due_at, one.next_at) == (MORNING, MORNING)
    assert one.sitting == before.sitting + 1
    assert deferring.case(reference).open_tasks == ()
    assert made.next_step.endswith("The same stage is asked again on Monday 1 February 2027.")
    token, pointer = deferring.answers_told[-1] if deferring.answers_told else ("", None)
    assert pointer is None or pointer["asked"] == "approver", token


def test_nothing_happens_before_the_day_and_then_the_stage_is_asked_anew(deferring: Scene) -> None:
    reference = deferring.asked()
    first = deferring.case(reference).open_task
    decide(deferring, reference, "defer", VALUES)
    deferring.let_go(reference)
    deferring.clock.at = MORNING - timedelta(minutes=1)
    assert following_up.follow_up(deferring.parts).handed_over == 0
    deferring.ask(reference)
    assert deferring.case(reference).open_tasks == (), "the state machine waits, and asks nobody"
    deferring.clock.at = MORNING
    following_up.follow_up(deferring.parts)
    case = deferring.case(reference)
    assert (case.submission.status, case.submission.asked_as) == (Status.IN_REVIEW, AskedAs.APPROVER)
    assert first is not None
    assert case.open_task is not None
    assert (case.open_task.person_id, case.open_task.sitting) == (first.person_id, first.sitting + 1)
    following_up.follow_up(deferring.parts)
    assert deferring.case(reference) == case, "following up twice asks once"


def test_the_state_machine_asks_when_the_schedule_does_not(deferring: Scene) -> None:
    reference = deferring.asked()
    decide(deferring, reference, "defer", VALUES)
    deferring.let_go(reference)
    deferring.ask(reference)
    deferring.clock.at = MORNING
    deferring.ask(reference)
    assert deferring.case(reference).open_task is not None


def test_a_vote_to_put_it_aside_does_not_count_at_the_next_sitting(deferring: Scene) -> None:
    reference = deferring.asked()
    for again in ("2027-02-01", "2027-03-01"):
        decide(deferring, reference, "defer", {"until": again})
        due = deferring.case(reference).submission.due_at
        assert due is not None
        deferring.clock.at = due
        following_up.follow_up(deferring.parts)
    decide(deferring, reference, "approve", {"day": "2027-04-01"})
    assert deferring.case(reference).submission.stage == "programme"


def test_putting_aside_can_be_undone(deferring: Scene) -> None:
    deferring.use_undo()
    reference = deferring.asked()
    before = deferring.standing(reference)
    person = deferring.case(reference).tasks[0].person_id
    decide(deferring, reference, "defer", VALUES)
    deferring.undo(reference, person)
    assert deferring.standing(reference) == before
    assert deferring.case(reference).open_task is not None


def test_what_is_put_aside_can_be_withdrawn(deferring: Scene) -> None:
    reference = deferring.asked()
    decide(deferring, reference, "defer", VALUES)
    deferring.withdraw(reference)
    assert deferring.status(reference) is Status.WITHDRAWN
    deferring.clock.at = MORNING
    following_up.follow_up(deferring.parts)
    assert deferring.case(reference).open_tasks == ()


def test_nobody_is_handed_what_is_put_aside(deferring: Scene) -> None:
    reference = deferring.asked()
    task = deferring.case(reference).tasks[0]
    decide(deferring, reference, "defer", VALUES)
    deferring.let_go(reference)
    with pytest.raises(Overtaken):
        reassigning.submission_hand_on_view(deferring.parts, deferring.person("coordinator-kent"), reference)
    assert task_view.task_view(deferring.parts, task.person_id, task.id).may_decide is False


def test_its_submitter_is_told_until_when(deferring: Scene) -> None:
    reference = deferring.asked()
    decide(deferring, reference, "defer", VALUES)
    (mail,) = [mail for mail in deferring.mails() if mail.template == "deferred"]
    assert mail.values["until"] == "Monday 1 February 2027"
    assert mail.values["comment"] == "The budget is set in March"
    view = seen_by_submitter(deferring, reference)
    assert (view.is_put_aside, view.due) == (True, MORNING)
    assert ("Put aside until", "1 February 2027") in view.history[-1].values


def test_values_are_kept_and_shown_to_whoever_is_told(deferring: Scene) -> None:
    reference = deferring.asked()
    decide(deferring, reference, "approve", GIVEN)
    deferring.let_go(reference)
    deferring.ask(reference)
    words = [("Day", "1 March 2027"), ("Place", "Room 2"), ("Owner", "Ann Other")]
    (mail,) = [mail for mail in deferring.mails() if mail.template == "moved-on"]
    assert mail.values["values"] == [list(pair) for pair in words]
    assert list(seen_by_submitter(deferring, reference).history[-2].values) == words
    case = deferring.case(reference)
    assert case.open_task is not None
    view = task_view.task_view(deferring.parts, case.open_task.person_id, case.open_task.id)
    assert list(view.earlier[0].values) == words
    (asked,) = [mail for mail in deferring.mails() if mail.template == "asked" and mail.values["earlier"]]
    assert "Place: Room 2" in asked.values["earlier"][0][2]


def test_personal_values_stand_apart_from_the_others(deferring: Scene) -> None:
    reference = deferring.asked()
    decide(deferring, reference, "approve", GIVEN)
    case = deferring.case(reference)
    (entry,) = case.decisions
    assert json.loads(str(entry.details["values"])) == {"day": "2027-03-01", "place": "Room 2"}
    assert "Ann Other" in json.dumps(dict(case.texts[entry.sequence].parts))
