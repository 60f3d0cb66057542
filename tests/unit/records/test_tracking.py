"""Where a submission stands: for its submitter without names, for staff of its force whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

import pytest

from chalicelib.domain.errors import Forbidden, MistypedReference, NotFound
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import STATUS_WORDS, STATUSES, Status
from chalicelib.services.approvals.following_up import follow_up
from chalicelib.services.ports import Waiting
from chalicelib.services.records import status_view
from chalicelib.web.api import shapes
from tests.builders import PERSONAL, REFERENCE, Story, a_person, all_values, claim_answers, the_people
from tests.unit import scenes
from tests.unit.scenes import Scene, board, register_board

story = scenes.story


def test_the_status_says_where_it_stands_and_who_it_waits_for(story: Story) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    view = status_view.status_of(story.parts, receipt.status_token)
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
    view = status_view.status_of(story.parts, receipt.status_token)
    assert (view.status, view.stage, view.waiting_for, view.due) == (Status("rejected"), "", "", None)
    assert view.history[-1].words == "The innovation lead rejected it."
    assert view.history[-1].comment == "Too dear this year"


@pytest.mark.parametrize(
    ("status", "words", "may_amend", "may_withdraw"),
    [
        (Status.SUBMITTED, "Received", False, True),
        (Status.IN_REVIEW, "Being decided", False, True),
        (Status.CHANGES_REQUESTED, "Waiting for your changes", True, True),
        (Status("approved"), "Approved", False, True),
        (Status("rejected"), "Not approved", False, False),
        (Status.WITHDRAWN, "Withdrawn", False, False),
        (Status.LAPSED, "Lapsed: the changes did not come in time", False, False),
    ],
)
def test_each_status_has_its_words_and_what_may_be_done(
    story: Scene, status: Status, words: str, may_amend: bool, may_withdraw: bool
) -> None:
    receipt = story.submit()
    bring_to(story, receipt.reference, status)
    view = status_view.status_of(story.parts, receipt.status_token)
    assert (view.status, view.status_words) == (status, words)
    assert (view.may_amend, view.may_withdraw) == (may_amend, may_withdraw)
    assert bool(view.stage) == bool(view.stage_title) == (view.due is not None) == bool(view.waiting_for)


def test_every_status_has_words() -> None:
    assert set(STATUS_WORDS) == set(STATUSES)
    assert len(set(STATUS_WORDS.values())) == len(STATUSES)


def bring_to(story: Scene, reference: str, status: Status) -> None:
    if status is Status("approved"):
        story.approve_up_to(reference, "")
    elif status is Status.WITHDRAWN:
        story.withdraw(reference)
    elif status is not Status.SUBMITTED:
        story.ask(reference)
    if status is Status("rejected"):
        story.decide(reference, "reject", comment="No")
    if status in (Status.CHANGES_REQUESTED, Status.LAPSED):
        story.ask_for_changes(reference)
    if status is Status.LAPSED:
        story.clock.pass_by(days=40)
        assert follow_up(story.parts).lapsed == 1


def test_the_history_is_told_in_roles_and_in_the_forms_own_words(story: Scene) -> None:
    receipt = story.submit()
    reference = receipt.reference
    story.ask(reference)
    story.ask(reference, "deputy")
    story.ask(reference, "coordinators")
    story.ask_for_changes(reference, costs="A quote, please")
    story.amend(reference, purpose="Officers and staff try out a quieter radio.")
    story.ask(reference)
    story.withdraw(reference)
    view = status_view.status_of(story.parts, receipt.status_token)
    assert [line.words for line in view.history] == [
        "We received your claim.",
        "The innovation lead was asked to decide.",
        "The deputy innovation lead was asked to decide.",
        "It has waited longer than it should. The coordinators were told.",
        "The deputy innovation lead asked for changes to it.",
        "You sent the changes.",
        "The innovation lead was asked to decide.",
        "The claim was withdrawn.",
    ]
    times = [line.at for line in view.history]
    assert times == sorted(times)


def test_what_is_of_no_use_to_the_claimant_is_not_in_the_history(story: Scene) -> None:
    receipt = story.submit(claimant_email="lead.kent@example.police.uk")
    story.ask(receipt.reference)
    with pytest.raises(Forbidden):
        story.vote(receipt.reference, "deputy-kent") if False else story.decide(
            receipt.reference, by="programme"
        )
    story.clock.pass_by(days=2)
    follow_up(story.parts)
    actions = [entry.action for entry in story.case(receipt.reference).entries]
    assert actions == ["submitted", "passed-over", "asked", "refused", "reminded"]
    view = status_view.status_of(story.parts, receipt.status_token)
    assert [line.words for line in view.history] == [
        "We received your claim.",
        "The deputy innovation lead was asked to decide.",
    ]


def test_a_claim_that_lapsed_says_so(story: Scene) -> None:
    receipt = story.submit()
    bring_to(story, receipt.reference, Status.LAPSED)
    view = status_view.status_of(story.parts, receipt.status_token)
    assert view.history[-1].words == "The claim lapsed: the changes did not come in time."


def test_a_decision_that_may_be_undone_is_not_told_and_one_that_was_undone_never(story: Scene) -> None:
    story.use_undo()
    receipt = story.submit()
    reference = receipt.reference
    story.ask(reference)
    before = status_view.status_of(story.parts, receipt.status_token)
    story.decide(reference, "reject", comment="Much too dear")
    assert status_view.status_of(story.parts, receipt.status_token) == before
    assert story.status(reference) is Status("rejected")
    story.clock.pass_by(minutes=9)
    story.undo(reference, "lead-kent")
    assert status_view.status_of(story.parts, receipt.status_token).history == before.history
    story.decide(reference, "approve", comment="It fits after all")
    story.clock.pass_by(minutes=10)
    view = status_view.status_of(story.parts, receipt.status_token)
    assert [(line.words, line.comment) for line in view.history[2:]] == [
        ("The innovation lead approved it.", "It fits after all")
    ]
    assert "Much too dear" not in str(view)
    assert view.stage == "programme"


def test_a_claim_that_moved_is_found_by_the_link_of_before(story: Scene) -> None:
    from chalicelib.services.approvals import amending

    receipt = story.submit()
    reference = receipt.reference
    story.ask(reference)
    story.ask_for_changes(reference, the_day="Which force?")
    amending.amend(story.parts, "kent", reference, claim_answers(force="essex"), version=1)
    view = status_view.status_of(story.parts, receipt.status_token)
    assert (view.reference, view.status, view.stage) == (reference, Status.IN_REVIEW, "force-lead")
    assert [line.words for line in view.history] == [
        "You sent the changes. Your claim went to the force that you named."
    ]
    assert story.parts.links.read_status_token(view.token) == ("essex", reference)


def test_the_status_holds_no_personal_data_at_any_time(story: Story) -> None:
    receipt = story.submit()
    ids = {value for one in the_people() for value in (one.id, one.name, one.address)}
    ids -= {stage.name for stage in story.form.workflow.stages}
    for step in range(8):
        view = status_view.status_of(story.parts, receipt.status_token)
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
    assert story.case(receipt.reference).submission.status is Status("approved")


@pytest.mark.parametrize("spoil", [
    lambda t: "", lambda t: t[:-1], lambda t: t[1:], lambda t: t + "x", lambda t: t.replace("kent", "essex"),
    lambda t: t.partition(".")[2], lambda t: t.rpartition(".")[0], lambda t: "..", lambda t: "kent.CLM-2222-2222.x",
    lambda t: t + "\n", lambda t: "Ŵ" + t, lambda t: t.rpartition(".")[0] + "." + "A" * 43,
])  # fmt: skip
def test_a_status_link_that_we_did_not_sign_is_not_found(story: Story, spoil: object) -> None:
    token = story.submit().status_token
    with pytest.raises(NotFound):
        status_view.status_of(story.parts, spoil(token))  # type: ignore[operator]


def test_every_character_of_a_status_token_counts(story: Story) -> None:
    token = story.submit().status_token
    for place in range(len(token) - 1):  # the last one holds spare bits of base64
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(NotFound):
            status_view.status_of(story.parts, token[:place] + other + token[place + 1 :])


def test_a_status_link_outlives_a_change_of_key() -> None:
    from chalicelib.adapters.signing.links import SignedLinks

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
    case = status_view.submission_for(story.parts, story.person(who), reference.lower().replace("-", " "))
    assert case == story.case(reference)


def test_another_forces_submission_is_not_found_in_the_same_words_as_none(story: Story) -> None:
    reference = story.submit(force="essex").reference
    kent = story.person("coordinator-kent")
    with pytest.raises(NotFound) as theirs:
        status_view.submission_for(story.parts, kent, reference)
    with pytest.raises(NotFound) as nobodys:
        status_view.submission_for(story.parts, kent, REFERENCE)
    assert type(theirs.value) is type(nobodys.value) is NotFound
    assert str(theirs.value) == str(nobodys.value)
    with pytest.raises(NotFound) as national:
        status_view.submission_for(story.parts, story.person("national-coordinator"), REFERENCE)
    assert str(national.value) == str(nobodys.value)


def test_a_coordinator_of_two_forces_sees_both_and_no_third(story: Story) -> None:
    both = a_person("both", "coordinator@essex", "coordinator@kent")
    for force in ("kent", "essex"):
        assert status_view.submission_for(story.parts, both, story.submit(force=force).reference)
    assert set(status_view.fund_for(story.parts, both, "ptf").forces) == {"kent", "essex"}


@pytest.mark.parametrize("who", ["lead-kent", "deputy-kent", "programme"])
def test_approvers_are_no_staff(story: Story, who: str) -> None:
    reference = story.submit().reference
    for look in (status_view.submission_for, status_view.timeline_for):
        with pytest.raises(Forbidden):
            look(story.parts, story.person(who), reference)
    with pytest.raises(Forbidden):
        status_view.fund_for(story.parts, story.person(who), "ptf")


def stuck(story: Story, who: str, **limit: int) -> list[str]:
    return [one.reference for one in status_view.stuck_for(story.parts, story.person(who), **limit)]


def get_stuck(story: Scene, force: str = "kent") -> str:
    """A claim that neither lead nor deputy decided."""
    reference = story.submit(force=force).reference
    for turn in ("approver", "deputy", "coordinators"):
        story.ask(reference, turn, force=force)
    return reference


def test_the_coordinators_of_a_force_see_what_is_stuck_there_and_the_nations_see_all(story: Scene) -> None:
    story.asked()
    kent, essex = get_stuck(story), get_stuck(story, "essex")
    assert stuck(story, "coordinator-kent") == [kent]
    assert stuck(story, "coordinator-essex") == [essex]
    assert stuck(story, "national-coordinator") == stuck(story, "finance") == [kent, essex]
    both = a_person("both", "coordinator@essex", "coordinator@kent")
    assert [one.reference for one in status_view.stuck_for(story.parts, both)] == [kent, essex]
    for nobody in ("lead-kent", "deputy-kent", "programme"):
        assert stuck(story, nobody) == []


def test_what_is_stuck_says_what_it_is_and_with_whom(story: Scene) -> None:
    reference = get_stuck(story)
    (one,) = status_view.stuck_for(story.parts, story.person("coordinator-kent"))
    assert (one.reference, one.title, one.force_name) == (
        reference,
        "Innovation day at Maidstone",
        "Kent Police",
    )
    assert (one.stage_title, one.amount_pence) == ("Your force's innovation lead", 600_000)
    assert (one.asked_name, one.since) == ("Deputy Kent", story.actions(reference, "stuck")[0].at)


def test_what_is_stuck_with_nobody_asked_names_nobody(story: Scene) -> None:
    for one in ("lead-kent", "deputy-kent"):
        story.people.remove(one)
    story.asked()
    (found,) = status_view.stuck_for(story.parts, story.person("coordinator-kent"))
    assert found.asked_name == ""


def test_the_oldest_date_comes_first_and_the_list_has_an_end(story: Scene) -> None:
    first = get_stuck(story)
    second = get_stuck(story)
    third = get_stuck(story, "essex")
    assert stuck(story, "national-coordinator") == [first, second, third]
    assert stuck(story, "national-coordinator", limit=2) == [first, second]
    assert stuck(story, "coordinator-essex", limit=1) == [third]


@pytest.mark.parametrize("how", ["approved", "rejected", "changes", "withdrawn"])
def test_what_was_decided_or_withdrawn_is_off_the_list(story: Scene, how: str) -> None:
    reference = get_stuck(story)
    if how == "withdrawn":
        story.withdraw(reference)
    elif how == "changes":
        story.ask_for_changes(reference)
    else:
        story.decide(reference, "approve" if how == "approved" else "reject", comment="Because")
    assert stuck(story, "coordinator-kent") == []


def test_a_list_that_is_behind_shows_nothing_that_is_over(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = get_stuck(story)
    listed = list(story.parts.records.waiting())
    assert [(one.reference, one.turn) for one in listed] == [(reference, AskedAs.COORDINATORS)]

    def waiting() -> Iterator[Waiting]:
        return iter(listed)

    monkeypatch.setattr(story.parts.records, "waiting", waiting)
    assert stuck(story, "coordinator-kent") == [reference]
    story.decide(reference, "reject", comment="No")
    assert stuck(story, "coordinator-kent") == []


def test_what_is_stuck_on_a_board_names_somebody_who_has_not_decided(story: Scene) -> None:
    register_board(story)
    story.use_form(board(2))
    reference = story.at_programme()
    story.vote(reference, "programme")
    for _ in range(2):
        due_at = story.case(reference).submission.due_at
        assert isinstance(due_at, datetime)
        story.clock.at = due_at
        follow_up(story.parts)
    (found,) = status_view.stuck_for(story.parts, story.person("national-coordinator"))
    assert found.reference == reference
    assert found.asked_name in ("Programme 2", "Programme 3", "Programme Deputy")


def test_a_mistyped_reference_is_told_from_an_unknown_one(story: Story) -> None:
    coordinator = story.person("coordinator-kent")
    wrong = REFERENCE[:-1] + ("C" if REFERENCE[-1] != "C" else "D")
    with pytest.raises(MistypedReference):
        status_view.submission_for(story.parts, coordinator, wrong)


def test_the_timeline_is_checked_and_holds_what_was_written(story: Story) -> None:
    reference = story.submit().reference
    story.ask(reference)
    story.decide(reference, comment="Da iawn")
    shown = status_view.timeline_for(story.parts, story.person("coordinator-kent"), reference)
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
    shown = status_view.timeline_for(story.parts, story.person("coordinator-kent"), reference)
    assert shown.faults
    assert not shapes.timeline(shown)["verified"]
    items[key] = whole


def test_a_forces_staff_see_their_own_share_of_the_fund(story: Story) -> None:
    fund = status_view.fund_for(story.parts, story.person("coordinator-essex"), "ptf")
    assert set(fund.forces) == {"essex"}
    national = status_view.fund_for(story.parts, story.person("finance"), "ptf")
    assert set(national.forces) == {"kent", "essex"}
    with pytest.raises(NotFound):
        status_view.fund_for(story.parts, story.person("finance"), "other")
