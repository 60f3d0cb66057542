"""Where a submission stands: for its submitter without names, for staff of its force whole."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from chalicelib.domain.errors import Forbidden, MistypedReference, NotFound
from chalicelib.domain.people import Person
from chalicelib.domain.submissions import Status
from chalicelib.services import tracking
from chalicelib.web import shapes
from tests.builders import PERSONAL, REFERENCE, Story, a_person, all_values, the_people


def person(story: Story, person_id: str) -> Person:
    found = story.parts.people.person(person_id)
    assert found is not None
    return found


def test_the_status_says_where_it_stands_and_who_it_waits_for(story: Story) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    view = tracking.status_of(story.parts, receipt.status_token)
    assert (view.reference, view.status, view.stage) == (receipt.reference, Status.IN_REVIEW, "force-lead")
    assert view.waiting_for == "innovation lead"
    assert view.due == story.case(receipt.reference).submission.due_at
    assert [line.words for line in view.history] == [
        "We received your claim.",
        "The innovation lead was asked to decide.",
    ]


def test_the_status_of_a_decided_claim_waits_for_nobody(story: Story) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    story.decide(receipt.reference, "reject", comment="Too dear this year")
    view = tracking.status_of(story.parts, receipt.status_token)
    assert (view.status, view.stage, view.waiting_for, view.due) == (Status.REJECTED, "", "", None)
    assert view.history[-1].words == "The innovation lead rejected it."
    assert view.history[-1].comment == "Too dear this year"


def test_the_status_holds_no_personal_data_at_any_time(story: Story) -> None:
    receipt = story.submit()
    ids = {value for one in the_people() for value in (one.id, one.name, one.address)}
    ids -= {stage.name for stage in story.form.workflow.stages}
    for step in range(8):
        view = tracking.status_of(story.parts, receipt.status_token)
        for shown in (asdict(view), shapes.status(view)):
            text = str(shown)
            assert not any(value in text for value in PERSONAL.values()), step
            assert not all_values(shown) & ids
        if step == 2:
            story.ask(receipt.reference, "deputy")
        elif story.case(receipt.reference).open_task:
            story.decide(receipt.reference, comment="Da iawn")
        elif story.case(receipt.reference).submission.is_open:
            story.ask(receipt.reference)
    assert story.case(receipt.reference).submission.status is Status.APPROVED


@pytest.mark.parametrize("spoil", [
    lambda t: "", lambda t: t[:-1], lambda t: t[1:], lambda t: t + "x", lambda t: t.replace("kent", "essex"),
    lambda t: t.partition(".")[2], lambda t: t.rpartition(".")[0], lambda t: "..", lambda t: "kent.CLM-2222-2222.x",
    lambda t: t + "\n", lambda t: "Ŵ" + t, lambda t: t.rpartition(".")[0] + "." + "A" * 43,
])  # fmt: skip
def test_a_status_link_that_we_did_not_sign_is_not_found(story: Story, spoil: object) -> None:
    token = story.submit().status_token
    with pytest.raises(NotFound):
        tracking.status_of(story.parts, spoil(token))  # type: ignore[operator]


def test_every_character_of_a_status_token_counts(story: Story) -> None:
    token = story.submit().status_token
    for place in range(len(token) - 1):  # the last one holds spare bits of base64
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(NotFound):
            tracking.status_of(story.parts, token[:place] + other + token[place + 1 :])


def test_a_status_link_outlives_a_change_of_key() -> None:
    from chalicelib.adapters.links import SignedLinks

    old = SignedLinks("https://x", ("a" * 40,))
    new = SignedLinks("https://x", ("b" * 40, "a" * 40))
    token = old.status_token("kent", REFERENCE)
    assert new.read_status_token(token) == ("kent", REFERENCE)
    assert new.status_token("kent", REFERENCE) != token
    with pytest.raises(NotFound):
        SignedLinks("https://x", ("b" * 40,)).read_status_token(token)


@pytest.mark.parametrize("who", ["coordinator-kent", "national-coordinator", "finance"])
def test_staff_of_the_force_and_the_nation_see_it_whole(story: Story, who: str) -> None:
    reference = story.submit().reference
    case = tracking.submission_for(story.parts, person(story, who), reference.lower().replace("-", " "))
    assert case == story.case(reference)


def test_another_forces_submission_is_not_found_in_the_same_words_as_none(story: Story) -> None:
    reference = story.submit(force="essex").reference
    kent = person(story, "coordinator-kent")
    with pytest.raises(NotFound) as theirs:
        tracking.submission_for(story.parts, kent, reference)
    with pytest.raises(NotFound) as nobodys:
        tracking.submission_for(story.parts, kent, REFERENCE)
    assert type(theirs.value) is type(nobodys.value) is NotFound
    assert str(theirs.value) == str(nobodys.value)
    with pytest.raises(NotFound) as national:
        tracking.submission_for(story.parts, person(story, "national-coordinator"), REFERENCE)
    assert str(national.value) == str(nobodys.value)


def test_a_coordinator_of_two_forces_sees_both_and_no_third(story: Story) -> None:
    both = a_person("both", "coordinator@essex", "coordinator@kent")
    for force in ("kent", "essex"):
        assert tracking.submission_for(story.parts, both, story.submit(force=force).reference)
    assert set(tracking.fund_for(story.parts, both, "ptf").forces) == {"kent", "essex"}


@pytest.mark.parametrize("who", ["lead-kent", "deputy-kent", "programme"])
def test_approvers_are_no_staff(story: Story, who: str) -> None:
    reference = story.submit().reference
    for look in (tracking.submission_for, tracking.timeline_for):
        with pytest.raises(Forbidden):
            look(story.parts, person(story, who), reference)
    with pytest.raises(Forbidden):
        tracking.fund_for(story.parts, person(story, who), "ptf")


def test_a_mistyped_reference_is_told_from_an_unknown_one(story: Story) -> None:
    coordinator = person(story, "coordinator-kent")
    wrong = REFERENCE[:-1] + ("C" if REFERENCE[-1] != "C" else "D")
    with pytest.raises(MistypedReference):
        tracking.submission_for(story.parts, coordinator, wrong)


def test_the_timeline_is_checked_and_holds_what_was_written(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference, comment="Da iawn")
    shown = tracking.timeline_for(story.parts, person(story, "coordinator-kent"), reference)
    assert shown.faults == ()
    assert [entry.action for entry in shown.entries] == ["submitted", "asked", "decided"]
    assert shown.words == {2: "Da iawn"}


def test_a_timeline_that_was_tampered_with_says_so(story: Story) -> None:
    from dataclasses import replace

    reference = story.submit().reference
    items = story.parts.records.store.items  # type: ignore[attr-defined]
    key = ("entry", "kent", reference, 0)
    whole = items[key]
    items[key] = replace(whole, actor="somebody-else")
    shown = tracking.timeline_for(story.parts, person(story, "coordinator-kent"), reference)
    assert shown.faults
    assert not shapes.timeline(shown)["verified"]
    items[key] = whole


def test_a_forces_staff_see_their_own_share_of_the_fund(story: Story) -> None:
    fund = tracking.fund_for(story.parts, person(story, "coordinator-essex"), "ptf")
    assert set(fund.forces) == {"essex"}
    national = tracking.fund_for(story.parts, person(story, "finance"), "ptf")
    assert set(national.forces) == {"kent", "essex"}
    with pytest.raises(NotFound):
        tracking.fund_for(story.parts, person(story, "finance"), "other")
