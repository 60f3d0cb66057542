"""Every outcome says what follows from it, and the files may name each and no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.approvals.outcomes import OUTCOMES, Outcome
from infra.forms.check import META


def said_of_choices() -> dict[str, Any]:
    meta = json.loads((META / "workflow.schema.json").read_text("utf-8"))
    return dict(meta["$defs"]["choice"]["properties"])


def test_a_workflow_file_may_name_every_outcome_and_no_other() -> None:
    assert sorted(said_of_choices()["outcome"]["enum"]) == sorted(OUTCOMES)


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=list(OUTCOMES))
def test_a_file_may_say_what_an_outcome_takes(outcome: Outcome) -> None:
    assert outcome.needs | outcome.members <= said_of_choices().keys()


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=list(OUTCOMES))
def test_every_outcome_says_all_that_follows_from_it(outcome: Outcome) -> None:
    for name in ("decided", "next_step", "said"):
        assert getattr(type(outcome), name) is not getattr(Outcome, name), f"{name} is not there"
