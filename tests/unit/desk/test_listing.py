"""Lists for staff: who sees what, filters, and pages that miss nothing and cannot be made up."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import Forbidden, Unreadable
from chalicelib.domain.people.people import Person
from chalicelib.services.desk import listing
from chalicelib.services.desk.listing import Page, Wanted
from chalicelib.web.pages.desk.list_filters import address, read_limit, read_wanted
from tests.builders import a_person
from tests.unit.scenes import Scene, a_scene

KENT = a_person("coordinator-kent", "coordinator@kent")
ESSEX = a_person("coordinator-essex", "coordinator@essex")
NATIONAL = a_person("national-coordinator", "coordinator@national")
BOTH = a_person("both", "coordinator@kent", "admin@essex")


@pytest.fixture
def story() -> Scene:
    return a_scene()


def claims(story: Scene, *titles: str, **changes: Any) -> list[str]:
    """References of claims, each sent a minute after the one before."""
    found = []
    for title in titles:
        found.append(story.submit(event_title=title, **changes).reference)
        story.parts.now.pass_by(minutes=1)  # type: ignore[attr-defined]
    return found


def look(story: Scene, person: Person = KENT, *, limit: int = 25, cursor: str = "", **wanted: Any) -> Page:
    return listing.submissions(story.parts, person, Wanted(**wanted), limit=limit, cursor=cursor)


def titles(page: Page) -> list[str]:
    return [line.title for line in page.lines]


def all_titles(story: Scene, person: Person = KENT, *, limit: int, **wanted: Any) -> list[str]:
    found, cursor = [], ""
    while True:
        page = look(story, person, limit=limit, cursor=cursor, **wanted)
        found += titles(page)
        if not page.next:
            return found
        cursor = page.next


def test_a_forces_staff_see_their_forces_submissions_and_the_national_team_all(story: Scene) -> None:
    claims(story, "Kent 1", "Kent 2")
    claims(story, "Essex 1", force="essex")
    assert titles(look(story, KENT)) == ["Kent 2", "Kent 1"]
    assert titles(look(story, ESSEX)) == ["Essex 1"]
    assert titles(look(story, NATIONAL)) == ["Essex 1", "Kent 2", "Kent 1"]
    assert titles(look(story, BOTH)) == ["Essex 1", "Kent 2", "Kent 1"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"force": "kent"},
        {"force": "national"},
        {"assignee": "lead-kent"},
        {"q": "Maidstone"},
        {"q": "reference"},
        {"status": "in-review"},
    ],
)
def test_no_filter_leads_to_another_forces_submissions(story: Scene, wanted: dict[str, str]) -> None:
    (reference,) = claims(story, "Maidstone")
    story.ask(reference)
    if wanted.get("q") == "reference":
        wanted = {"q": reference}
    assert look(story, ESSEX, **wanted).lines == ()
    assert titles(
        look(story, KENT, **{name: value for name, value in wanted.items() if name != "force"})
    ) == ["Maidstone"]


def test_an_approver_has_no_list(story: Scene) -> None:
    with pytest.raises(Forbidden):
        look(story, a_person("lead-kent", "innovation-lead@kent"))


@pytest.mark.parametrize("person", [KENT, NATIONAL, BOTH])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_of_any_length_have_each_submission_once(story: Scene, person: Person, limit: int) -> None:
    expected = [f"Day {number}" for number in range(7)]
    claims(story, *expected)
    assert all_titles(story, person, limit=limit) == expected[::-1]
    assert all_titles(story, person, limit=limit, form="funding-claim") == expected[::-1]
    assert all_titles(story, person, limit=limit, status="submitted") == expected[::-1]


def test_the_last_page_says_that_it_is_the_last(story: Scene) -> None:
    claims(story, "One", "Two")
    assert look(story, limit=2).next == ""
    assert look(story, limit=1).next
    assert look(story, ESSEX).next == ""


def test_filters_look_at_no_more_than_so_many_and_a_short_page_goes_on(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims(story, "Wanted", *(f"Day {number}" for number in range(9)))
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 4)
    first = look(story, q="wanted")
    assert (first.lines, bool(first.next)) == ((), True)
    second = look(story, q="wanted", cursor=first.next)
    assert (second.lines, bool(second.next)) == ((), True)
    third = look(story, q="wanted", cursor=second.next)
    assert (titles(third), third.next) == (["Wanted"], "")


def test_a_list_is_narrowed_by_status_stage_and_whom_it_waits_for(story: Scene) -> None:
    first, second, third = claims(story, "First", "Second", "Third")
    for reference in (first, second):
        story.ask(reference)
    story.decide(first)
    story.ask(first)
    story.decide(second, "reject", comment="No")
    assert titles(look(story, status="in-review")) == ["First"]
    assert titles(look(story, status="rejected")) == ["Second"]
    assert titles(look(story, stage="programme")) == ["First"]
    assert titles(look(story, stage="force-lead")) == ["Third"], "what has ended is at no stage"
    assert titles(look(story, assignee="programme")) == ["First"]
    assert titles(look(story, assignee="lead-kent")) == []
    story.ask(third)
    assert titles(look(story, assignee="lead-kent")) == ["Third"]
    assert titles(look(story, assignee="lead-kent", status="rejected")) == []
    assert titles(look(story, form="another")) == []


def test_what_nobody_decided_in_time_is_overdue(story: Scene) -> None:
    late, other = claims(story, "Late", "In time")
    story.ask(late)
    assert titles(look(story, overdue=True)) == []
    due = story.case(late).submission.due_at
    assert due is not None
    story.parts.now.at = due + timedelta(seconds=1)  # type: ignore[attr-defined]
    assert "Late" in titles(look(story, overdue=True))
    story.ask(late, "deputy")
    story.ask(other)
    assert "Late" not in titles(look(story, overdue=True)), "the deputy has time"
    story.ask(late, "coordinators")
    page = look(story, overdue=True)
    assert "Late" in titles(page)
    story.decide(late, "reject", comment="No")
    assert "Late" not in titles(look(story, overdue=True))


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ideas", ["Ideas from the front line"]),
        ("FRONT ideas", ["Ideas from the front line"]),
        ("ﬁnd", ["Find it: Ŵyl Syniadau"]),
        ("ŵYL", ["Find it: Ŵyl Syniadau"]),
        ("ideas syniadau", []),
        ("   ", ["Find it: Ŵyl Syniadau", "Ideas from the front line"]),
        ("clm", ["Find it: Ŵyl Syniadau", "Ideas from the front line"]),
    ],
)
def test_words_of_the_title_find_it_however_they_are_written(
    story: Scene, typed: str, found: list[str]
) -> None:
    claims(story, "Ideas from the front line", "Find it: Ŵyl Syniadau")
    assert titles(look(story, q=typed)) == found


def test_a_reference_finds_its_submission_at_once_however_it_is_typed(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    (wanted,) = claims(story, "Wanted")
    claims(story, "Another", "One more")
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 1)
    for typed in (wanted, wanted.lower().replace("-", " "), f" {wanted} "):
        for person in (KENT, NATIONAL, BOTH):
            page = look(story, person, q=typed)
            assert (titles(page), page.next) == (["Wanted"], "")
    assert titles(look(story, q=wanted, status="approved")) == []
    assert titles(look(story, NATIONAL, q=wanted, force="essex")) == []
    assert titles(look(story, q=wanted[:8])) == []
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 100)
    assert titles(look(story, q=wanted[4:8])) == ["Wanted"], "part of a reference is a word like others"


def test_a_cursor_is_good_in_its_own_list_alone(story: Scene) -> None:
    claims(story, "Kent 1", "Kent 2", "Kent 3")
    claims(story, "Essex 1", "Essex 2", force="essex")
    cursor = look(story, limit=1).next
    assert titles(look(story, limit=1, cursor=cursor)) == ["Kent 2"]
    assert titles(look(story, limit=2, cursor=cursor)) == ["Kent 2", "Kent 1"], (
        "pages may be of another length"
    )
    for person, wanted in ((ESSEX, {}), (NATIONAL, {}), (KENT, {"status": "submitted"})):
        with pytest.raises(Unreadable):
            look(story, person, cursor=cursor, **wanted)


def test_a_cursor_that_is_not_ours_is_refused(story: Scene) -> None:
    claims(story, "One", "Two", "Three")
    cursor = look(story, limit=1).next
    body, _, signature = cursor.rpartition(".")
    changed = (
        base64.urlsafe_b64encode(
            base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).replace(b"kent", b"kemt")
        )
        .decode()
        .rstrip("=")
    )
    status = story.parts.links.status_token("kent", "CLM-0000-0000")
    wrong = ["x", "....", cursor[:-1], cursor + "A", f"{changed}.{signature}", body, status, "é", "\x00"]
    for token in wrong:
        with pytest.raises(Unreadable):
            look(story, limit=1, cursor=token)


def test_a_cursor_outlives_a_change_of_keys(story: Scene) -> None:
    from chalicelib.adapters.signing.links import SignedLinks

    claims(story, "One", "Two")
    cursor = look(story, limit=1).next
    parts = replace(story.parts, links=SignedLinks("https://x", ("n" * 40, "k" * 40)))
    page = listing.submissions(parts, KENT, Wanted(), limit=1, cursor=cursor)
    assert titles(page) == ["One"]


@pytest.mark.parametrize(
    "query",
    [
        {"form": "nothing"},
        {"status": "open"},
        {"overdue": "yes"},
        {"q": "x" * 101},
        {"force": "kent#funding-claim"},
        {"assignee": "a#b"},
    ],
)
def test_what_is_no_filters_value_is_refused(story: Scene, query: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        read_wanted(query, story.parts.forms.all())


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "ten", "٣", "1000"])
def test_a_limit_is_from_1_to_100(limit: str) -> None:
    with pytest.raises(Unreadable):
        read_limit({"limit": limit})
    assert (read_limit({}), read_limit({"limit": ""}), read_limit({"limit": "100"})) == (25, 25, 100)


def test_the_address_holds_the_filter(story: Scene) -> None:
    wanted = Wanted(form="funding-claim", q="two words & more", overdue=True)
    path = address("/desk/submissions", wanted, cursor="c.1")
    assert path == "/desk/submissions?form=funding-claim&overdue=true&q=two+words+%26+more&cursor=c.1"
    query = {"form": "funding-claim", "q": " two words & more ", "overdue": "true", "status": ""}
    assert read_wanted(query, story.parts.forms.all()) == wanted
    assert address("/desk/submissions", Wanted()) == "/desk/submissions"


def test_a_name_is_told_to_whoever_has_to_do_with_the_person_and_to_nobody_else(story: Scene) -> None:
    def name(by: Person, asked: str) -> str:
        return listing.name_of_asked(story.parts, by, asked)

    assert name(KENT, "lead-kent") == "Lead Kent"
    assert name(ESSEX, "lead-kent") == name(ESSEX, "nobody-of-that-id") == name(ESSEX, "programme") == ""
    assert name(NATIONAL, "lead-kent") == "Lead Kent"
    assert name(BOTH, "lead-kent") == "Lead Kent"
    (reference,) = claims(story, "Essex 1", force="essex")
    for decision in ("approve", ""):
        story.ask(reference, force="essex")
        if decision:
            story.decide(reference, force="essex")
    assert name(ESSEX, "programme") == "Programme", "they are asked about a claim of Essex's"
    assert name(KENT, "programme") == ""


def test_what_somebody_is_asked_elsewhere_crowds_out_nothing_of_ones_own(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    (other,) = claims(story, "Essex 1", force="essex")
    story.approve_up_to(other, "programme", force="essex")
    story.ask(other, force="essex")
    (own,) = claims(story, "Kent 1")
    story.approve_up_to(own, "programme")
    story.ask(own)
    monkeypatch.setattr(listing, "MOST_TASKS", 1)
    assert titles(look(story, assignee="programme")) == ["Kent 1"]
