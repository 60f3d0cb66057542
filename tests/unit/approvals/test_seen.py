"""What was seen: a decision is about the answers that were shown, and no others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import ClaimChanged
from chalicelib.domain.records.submissions import Version
from chalicelib.services.approvals import deciding
from chalicelib.services.changes import ChangeSubmission, KeepPersonal, KeepVersion
from chalicelib.services.revision import answers_details, with_entry
from tests.builders import PERSONAL, a_cost
from tests.unit import scenes
from tests.unit.scenes import Scene

story = scenes.story


def refused(story: Scene, reference: str, seen: Any) -> ClaimChanged:
    """Deciding on what has this hash is refused, and nothing is decided."""
    before = story.standing(reference), story.case(reference).tasks, story.money()
    with pytest.raises(ClaimChanged, match="Read it again, then decide") as caught:
        deciding.decide(
            story.parts, "lead-kent", story.task_id(reference), decision="approve", comment="", seen=seen
        )
    assert (story.standing(reference), story.case(reference).tasks, story.money()) == before
    return caught.value


def change(story: Scene, reference: str, personal: dict[str, Any] | None = None, **answers: Any) -> None:
    """The stored answers change under the approver's hands, the old ones kept as a version."""
    case = story.case(reference)
    one = case.submission
    moved = replace(one, answers={**one.answers, **answers}, revision=one.revision + 1)
    version = Version(
        number=len(case.versions) + 1,
        answers=one.answers,
        personal=case.personal,
        amount_pence=one.amount_pence,
        at=story.clock.at,
        salt=case.salt,
    )
    personal = {**case.personal, **(personal or {})}
    details = {"version": version.number + 1, **answers_details(moved, personal, "another salt")}
    moved, entry = with_entry(moved, at=story.clock.at, action="amended", details=details)
    story.parts.records.commit(
        [
            ChangeSubmission(submission=moved, amended=True),
            KeepPersonal(submission=moved, personal=personal, salt="another salt"),
            KeepVersion(submission=moved, version=version),
            entry,
        ]
    )


def test_an_earlier_version_says_what_is_different_in_the_forms_order(story: Scene) -> None:
    reference = story.asked()
    seen = story.case(reference).seen
    change(story, reference, purpose="Another purpose, and a better one.", event_title="Another name")
    found = refused(story, reference, seen).differences
    assert [(one.heading, one.before, one.after) for one in found] == [
        ("Name of the day", "Innovation day at Maidstone", "Another name"),
        (
            "Purpose",
            "Officers and staff work out ideas for better handovers.",
            "Another purpose, and a better one.",
        ),
    ]


def test_each_earlier_version_is_compared_with_the_present_one(story: Scene) -> None:
    reference = story.asked()
    seen = [story.case(reference).seen]
    for number in (1, 2):
        change(story, reference, event_title=f"Name {number}")
        seen.append(story.case(reference).seen)
    found = [refused(story, reference, one).differences[0] for one in seen[:2]]
    assert [(one.before, one.after) for one in found] == [
        ("Innovation day at Maidstone", "Name 2"),
        ("Name 1", "Name 2"),
    ]
    story.vote(reference, "lead-kent", seen=seen[2])
    assert story.money() == (600_000, 0)


def test_what_approvers_are_not_shown_is_no_difference_but_a_change_all_the_same(story: Scene) -> None:
    reference = story.asked()
    seen = story.case(reference).seen
    change(story, reference, {"claimant_phone": "01632 960 999", "claimant_email": "other@example.police.uk"})
    assert refused(story, reference, seen).differences == ()


@pytest.mark.parametrize("seen", ["", "0" * 64, None, 5, ["x"], {"a": 1}, True])
def test_what_was_never_shown_says_no_differences(story: Scene, seen: Any) -> None:
    reference = story.asked()
    change(story, reference, event_title="Another name")
    assert refused(story, reference, seen).differences == ()


def test_a_part_of_the_hash_or_another_spelling_of_it_is_not_what_was_shown(story: Scene) -> None:
    reference = story.asked()
    seen = story.case(reference).seen
    for other in (seen[:-1], seen.upper(), f" {seen}", seen[:8]):
        refused(story, reference, other)


def test_what_one_claim_showed_decides_no_other_with_the_same_answers(story: Scene) -> None:
    first, second = story.asked(), story.asked()
    refused(story, first, story.case(second).seen)


def test_the_error_holds_neither_address_nor_name(story: Scene) -> None:
    reference = story.asked()
    seen = story.case(reference).seen
    change(story, reference, {"claimant_name": "Another Name"}, event_title="Another title")
    caught = refused(story, reference, seen)
    for value in (*PERSONAL.values(), "Another", "Maidstone"):
        assert value not in str(caught)


def test_an_amendment_by_the_claimant_is_seen_from_an_old_page(story: Scene) -> None:
    reference = story.asked()
    seen = story.case(reference).seen
    story.ask_for_changes(reference, costs="Less")
    story.amend(reference, cost_lines=[a_cost(100_000)])
    story.ask(reference)
    (found,) = refused(story, reference, seen).differences
    assert (found.heading, found.before, found.after) == (
        "Costs",
        "Hire of the hall, Venue hire, £6,000",
        "Hire of the hall, Venue hire, £1,000",
    )
    story.decide(reference)
    assert story.money() == (100_000, 0)


def test_the_decision_keeps_the_hash_of_what_was_seen(story: Scene) -> None:
    reference = story.asked()
    seen = story.case(reference).seen
    story.decide(reference)
    case = story.case(reference)
    assert case.entries[-1].details["seen"] == case.tasks[0].seen == seen
