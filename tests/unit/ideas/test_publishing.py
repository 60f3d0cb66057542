"""What everybody may read of ideas, and what not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.domain.errors import MistypedReference, NotFound, Unreadable
from chalicelib.services.ideas import publishing
from chalicelib.services.ports import Published
from tests.builders import all_values, idea_answers
from tests.unit.escalation_scenes import ADDRESS, NAME, Ideas
from tests.unit.scenes import TEN_MINUTES


def references(ideas: Ideas, **filters: str) -> list[str]:
    found = publishing.page_of_ideas(ideas.parts, limit=50, **filters)
    return [one.reference for one in found.ideas]


def test_nothing_is_public_before_it_is_published(ideas: Ideas) -> None:
    reference = ideas.asked()
    assert references(ideas) == []
    with pytest.raises(NotFound):
        publishing.idea(ideas.parts, reference)
    ideas.decide(reference, "publish")
    assert references(ideas) == [reference]
    assert publishing.idea(ideas.parts, reference).reference == reference


@pytest.mark.parametrize("decision", ["decline", "refer"])
def test_what_the_coordinator_ends_is_never_public(ideas: Ideas, decision: str) -> None:
    reference = ideas.asked()
    ideas.decide(reference, decision, comment="No.")
    assert references(ideas) == []
    with pytest.raises(NotFound):
        publishing.idea(ideas.parts, reference)


def test_what_is_withdrawn_is_public_no_longer(ideas: Ideas) -> None:
    reference = ideas.published()
    ideas.withdraw(reference)
    assert references(ideas) == []
    assert publishing.count_ideas(ideas.parts).total == 0
    with pytest.raises(NotFound):
        publishing.idea(ideas.parts, reference)


def test_what_is_published_is_public_once_it_can_no_longer_be_undone(ideas: Ideas) -> None:
    ideas.use_undo(TEN_MINUTES)
    reference = ideas.asked()
    ideas.decide(reference, "publish", comment="Not yet.")
    assert references(ideas) == []
    with pytest.raises(NotFound):
        publishing.idea(ideas.parts, reference)
    ideas.let_go(reference)
    assert references(ideas) == [reference]
    assert "Not yet." in all_values(publishing.idea(ideas.parts, reference))


def test_an_undone_publication_is_never_public(ideas: Ideas) -> None:
    ideas.use_undo(TEN_MINUTES)
    reference = ideas.asked()
    ideas.decide(reference, "publish")
    ideas.undo(reference, "coordinator-kent")
    ideas.clock.pass_by(hours=1)
    assert references(ideas) == []


def test_a_later_answer_shows_once_it_can_no_longer_be_undone(ideas: Ideas) -> None:
    reference = ideas.published()
    ideas.use_undo(TEN_MINUTES)
    ideas.decide(reference, "note", comment="We know it.")
    (listed,) = publishing.page_of_ideas(ideas.parts, limit=5).ideas
    one = publishing.idea(ideas.parts, reference)
    assert (listed.status.value, one.status.value) == ("published", "published")
    assert "We know it." not in all_values(one)
    ideas.let_go(reference)
    (listed,) = publishing.page_of_ideas(ideas.parts, limit=5).ideas
    one = publishing.idea(ideas.parts, reference)
    assert (listed.status.value, one.status.value) == ("noted", "noted")
    assert "We know it." in all_values(one)


def test_it_tells_what_each_stage_came_to_and_no_members_vote(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt", "decline", "adopt")
    told = [(line.words, line.comment) for line in publishing.idea(ideas.parts, reference).history]
    assert told == [
        ("The idea was shared.", ""),
        ("The coordinator published it.", "A good one."),
        ("The national idea reviewer shortlisted it.", ""),
        ("The leaders' panel adopted it.", "adopt says home-office-leader\n\nadopt says college-leader"),
    ]


def test_while_the_panel_is_at_it_no_vote_is_told(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt")
    assert len(publishing.idea(ideas.parts, reference).history) == 3
    ideas.use_undo(TEN_MINUTES)
    ideas.vote(reference, "npcc-leader", "adopt", comment="Yes.")
    assert len(publishing.idea(ideas.parts, reference).history) == 3


def test_nothing_personal_is_ever_shown(ideas: Ideas) -> None:
    reference = ideas.before_the_leaders()
    one = publishing.idea(ideas.parts, reference)
    assert {answer.name for answer in one.answers} == {
        "improvement", "category", "force", "scale", "role", "tried",
    }  # fmt: skip
    shown = all_values(one) | all_values(publishing.all_ideas(ideas.parts))
    assert not {value for value in shown if NAME in value or ADDRESS in value}
    people = {task.person_id for task in ideas.case(reference).tasks}
    assert not shown & people


def test_a_claim_is_no_idea(ideas: Ideas) -> None:
    with pytest.raises(NotFound):
        publishing.idea(ideas.parts, "CLM-2222-2222")
    with pytest.raises(MistypedReference):
        publishing.idea(ideas.parts, "IDA-7K3F")


def test_the_newest_come_first_and_pages_miss_nothing(ideas: Ideas) -> None:
    made = []
    for number in range(5):
        made.append(ideas.published(title=f"Idea number {number} of these"))
        ideas.clock.pass_by(minutes=1)
    first = publishing.page_of_ideas(ideas.parts, limit=2)
    second = publishing.page_of_ideas(ideas.parts, limit=2, cursor=first.next)
    third = publishing.page_of_ideas(ideas.parts, limit=2, cursor=second.next)
    pages = [[one.reference for one in page.ideas] for page in (first, second, third)]
    assert pages == [made[:2:-1], made[2:0:-1], made[:1]]
    assert third.next == ""


def test_they_are_filtered_by_force_and_by_category(ideas: Ideas) -> None:
    kent = ideas.published()
    custody = ideas.published(category="custody")
    assert sorted(references(ideas, force="kent")) == sorted([kent, custody])
    assert references(ideas, category="custody") == [custody]
    assert references(ideas, force="kent", category="processes") == [kent]
    assert references(ideas, force="essex") == []


@pytest.mark.parametrize(
    "wrong", [{"force": "atlantis"}, {"category": "weather"}, {"cursor": "made-up"}], ids=str
)
def test_a_filter_or_cursor_that_there_is_not_is_refused(ideas: Ideas, wrong: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        publishing.page_of_ideas(ideas.parts, limit=5, **wrong)


def test_a_cursor_of_another_list_is_refused(ideas: Ideas) -> None:
    cursor = ideas.parts.links.page_token(["another", "2027-01-11T09:30:00+00:00", "kent", "x"])
    with pytest.raises(Unreadable, match="another list"):
        publishing.page_of_ideas(ideas.parts, limit=5, cursor=cursor)


def test_each_forces_ideas_are_counted(ideas: Ideas, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        ideas.published()
    ideas.asked()
    counted = publishing.count_ideas(ideas.parts)
    assert (dict(counted.by_force), counted.total, counted.is_cut) == ({"kent": 3}, 3, False)
    monkeypatch.setattr(publishing, "MOST_COUNTED", 2)
    counted = publishing.count_ideas(ideas.parts)
    assert (counted.total, counted.is_cut) == (2, True)


def test_where_there_are_many_they_are_counted_anew_every_five_minutes(
    ideas: Ideas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "FEW", 2)
    ideas.published()
    assert publishing.count_ideas(ideas.parts).total == 1
    ideas.published()
    first = publishing.count_ideas(ideas.parts)
    ideas.published()
    assert publishing.count_ideas(ideas.parts) == first
    assert (first.total, first.at, first.good_until - first.at) == (2, ideas.clock.at, publishing.GOOD_FOR)
    ideas.clock.pass_by(minutes=5)
    later = publishing.count_ideas(ideas.parts)
    assert (later.total, later.at) == (3, ideas.clock.at)


def test_while_somebody_counts_others_are_told_what_was_counted_before(
    ideas: Ideas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "FEW", 1)
    ideas.published()
    before = publishing.count_ideas(ideas.parts)
    ideas.published()
    ideas.clock.pass_by(minutes=6)
    told = []

    def asks_meanwhile(*_: object, **__: object) -> Iterator[Published]:
        monkeypatch.setattr(type(ideas.parts.records), "published", published)
        told.append(publishing.count_ideas(ideas.parts).total)
        return published(ideas.parts.records, ideas.clock.at)

    published = type(ideas.parts.records).published
    monkeypatch.setattr(type(ideas.parts.records), "published", asks_meanwhile)
    assert publishing.count_ideas(ideas.parts).total == 2
    assert told == [before.total] == [1]


def test_whoever_dies_counting_is_followed_by_another(ideas: Ideas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "FEW", 1)
    ideas.published()
    publishing.count_ideas(ideas.parts)
    ideas.published()
    ideas.clock.pass_by(minutes=6)
    with monkeypatch.context() as broken:
        broken.setattr(type(ideas.parts.records), "published", None)
        with pytest.raises(TypeError):
            publishing.count_ideas(ideas.parts)
    assert publishing.count_ideas(ideas.parts).total == 1
    ideas.clock.pass_by(seconds=30)
    assert publishing.count_ideas(ideas.parts).total == 2


def test_categories_are_those_of_the_form_in_words(ideas: Ideas) -> None:
    known = publishing.categories(ideas.parts)
    assert known["digital-and-data"] == "Digital and data"
    assert idea_answers()["category"] in known
