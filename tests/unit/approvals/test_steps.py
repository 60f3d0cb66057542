"""Steps at stages that a submission is not at: refused, or told where the submission is."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.services.approvals.asking import UnknownStage
from tests.builders import Story
from tests.unit import scenes

story = scenes.story


def told(story: Story) -> list[tuple[str, Any]]:
    story.deliver()
    return list(story.parts.workflows.answers)  # type: ignore[attr-defined]


def test_a_step_at_a_stage_that_the_workflow_does_not_have_is_refused_and_changes_nothing(
    story: Story,
) -> None:
    reference = story.submit().reference
    story.ask(reference)
    before = story.case(reference)
    with pytest.raises(UnknownStage, match="The workflow funding-claim has no stage 'triage'"):
        story.ask(reference, "approver", stage="triage")
    assert story.case(reference) == before
    assert told(story) == []


def test_a_wait_for_changes_that_are_no_longer_asked_for_is_told_where_the_claim_is(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    token = story.ask(reference, "claimant", stage="changes")
    ((answered, output),) = told(story)
    assert (answered, output["stage"]) == (token, "force-lead")


def test_a_step_of_an_earlier_round_ends_whatever_stage_it_names(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference, "approver", stage="triage", round=0)
    ((_, output),) = told(story)
    assert output["stage"] == "done"
