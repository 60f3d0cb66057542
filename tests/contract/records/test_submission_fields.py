"""Every field of a submission, on either store: it comes back as it was stored, and as the last change left it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Status, Submission, Undo
from chalicelib.domain.records.timeline import Chain
from chalicelib.services.changes import AMENDED, CONFIRMED, FIXED, AddSubmission, ChangeSubmission
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, a_submission

LATER = MONDAY + timedelta(days=3, microseconds=1)
FIRST = a_submission()
BEFORE = FIRST.standing

OTHER: dict[str, Any] = {
    "reference": "CLM-9999-9999",
    "form": "idea",
    "form_version": 2,
    "force": "essex",
    "status": Status("published"),
    "stage": "programme",
    "asked_as": AskedAs.DEPUTY,
    "round": 2,
    "revision": 2,
    "submitted_at": LATER,
    "changed_at": LATER + timedelta(hours=1),
    "title": "Another title",
    "answers": {"force": "kent", "category": "training"},
    "amount_pence": 1,
    "claimant_id": "claimant-kent",
    "waiting_for": "programme-manager",
    "due_at": LATER + timedelta(days=2),
    "tasks": 3,
    "approved_by": {"force-lead": ("lead-kent", "deputy-kent")},
    "chain": Chain(length=4, head="f" * 64),
    "version": 2,
    "next_at": LATER + timedelta(days=1),
    "reminded": 2,
    "reserved_pence": 3,
    "committed_pence": 4,
    "paid_pence": 5,
    "returned_pence": 6,
    "moved_to": "essex",
    "undo": Undo(task=1, until=LATER, sequence=3, before=BEFORE, deliveries=("answer.CLM.3",)),
    "is_unproven": True,
    "link": 2,
    "linked_at": LATER,
    "sitting": 2,
    "category": "training",
    "published_at": LATER,
}
"""For each field, something else than a submission has at first."""


def stored(parts: Parts, one: Submission) -> Submission:
    return parts.records.of(one.force).case(one.reference).submission


def test_each_field_has_another_value_here() -> None:
    assert set(OTHER) == {field.name for field in fields(Submission)}
    assert not [name for name, value in OTHER.items() if getattr(FIRST, name) == value]
    assert {*FIXED, *AMENDED, *CONFIRMED} <= set(OTHER)


def test_every_field_comes_back_as_it_was_stored(parts: Parts) -> None:
    one = Submission(**OTHER)
    parts.records.commit([AddSubmission(submission=one, personal={})])
    assert stored(parts, one) == one


@pytest.mark.parametrize("amended", [False, True])
@pytest.mark.parametrize("confirmed", [False, True])
def test_a_change_rewrites_every_field_that_it_may(parts: Parts, *, amended: bool, confirmed: bool) -> None:
    parts.records.commit([AddSubmission(submission=FIRST, personal={})])
    kept = {*FIXED, *(() if amended else AMENDED), *(() if confirmed else CONFIRMED)}
    after = replace(FIRST, **{name: value for name, value in OTHER.items() if name not in FIXED})
    parts.records.commit([ChangeSubmission(submission=after, amended=amended, confirmed=confirmed)])
    now = stored(parts, FIRST)
    for name, value in OTHER.items():
        expected = getattr(FIRST, name) if name in kept else value
        assert getattr(now, name) == expected, name


@pytest.mark.parametrize(
    "name", ["claimant_id", "waiting_for", "moved_to", "undo", "is_unproven", "linked_at"]
)
def test_a_field_that_becomes_empty_comes_back_empty(parts: Parts, name: str) -> None:
    one = replace(FIRST, **{name: OTHER[name]})
    parts.records.commit([AddSubmission(submission=one, personal={})])
    empty = {"undo": None, "linked_at": None, "is_unproven": False}.get(name, "")
    after = replace(one, revision=2, link=1, **{name: empty})
    parts.records.commit([ChangeSubmission(submission=after, confirmed=True)])
    assert getattr(stored(parts, one), name) == empty
