"""The fund: every penny is available, reserved or committed, whatever happens to the claims."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import DoesNotFit, Refused
from chalicelib.domain.money.fund import Held, Kind, between
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import following_up
from tests.builders import a_cost, a_movement
from tests.unit import scenes
from tests.unit.scenes import SMALL, Scene, a_scene, check_promises

story = scenes.story
pence = st.integers(0, 10**9)
helds = st.builds(Held, reserved=pence, committed=pence)
paid = st.builds(
    Held, reserved=pence, committed=pence, spent=st.integers(10**8, 10**9), returned=st.integers(0, 10**8)
)


@given(helds, helds)
def test_between_two_holdings_there_is_one_movement_or_an_error(before: Held, after: Held) -> None:
    try:
        step = between(before, after)
    except ValueError:
        reserved, committed = after.reserved - before.reserved, after.committed - before.committed
        one_step = committed == 0 or committed == -reserved or (reserved == 0 and committed < 0)
        assert not one_step, "no movement was found where there is one"
        return
    if step is None:
        assert before == after
    else:
        kind, amount = step
        assert a_movement(kind, amount, before=before).after == after


@given(helds | paid, st.sampled_from(list(Kind)), st.integers(1, 10**9))
def test_every_movement_is_found_again_from_what_it_did(before: Held, kind: Kind, amount: int) -> None:
    try:
        movement = a_movement(kind, amount, before=before)
    except ValueError:
        most = {Kind.COMMIT: before.reserved, Kind.RELEASE: before.reserved}
        most[Kind.RETURN] = before.spent - before.returned
        assert amount > most.get(kind, before.committed)
        assert kind is not Kind.RESERVE
        return
    assert between(before, movement.after) == (kind, amount)


@given(helds)
def test_where_nothing_changes_nothing_moves(held: Held) -> None:
    assert between(held, held) is None


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        ((0, 0), (5, 0), (Kind.RESERVE, 5)),
        ((3, 0), (5, 0), (Kind.RESERVE, 2)),
        ((5, 0), (0, 5), (Kind.COMMIT, 5)),
        ((5, 0), (0, 0), (Kind.RELEASE, 5)),
        ((5, 0), (2, 0), (Kind.RELEASE, 3)),
        ((0, 5), (5, 0), (Kind.UNCOMMIT, 5)),
        ((0, 5), (0, 0), (Kind.CANCEL, 5)),
    ],
)
def test_each_movement_has_its_kind(
    before: tuple[int, int], after: tuple[int, int], step: tuple[Kind, int]
) -> None:
    assert between(
        Held(reserved=before[0], committed=before[1]), Held(reserved=after[0], committed=after[1])
    ) == (step)


@pytest.mark.parametrize(
    ("before", "after"),
    [((0, 0), (0, 5)), ((5, 0), (0, 4)), ((5, 5), (0, 0)), ((0, 0), (5, 5)), ((0, 4), (5, 0))],
)
def test_what_takes_two_movements_is_refused(before: tuple[int, int], after: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="more than one"):
        between(Held(reserved=before[0], committed=before[1]), Held(reserved=after[0], committed=after[1]))


@pytest.mark.parametrize("amount", [0, -1, 1.0, True, "1", None])
def test_a_movement_moves_a_whole_number_of_pence(amount: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        a_movement(Kind.RESERVE, amount)


@pytest.mark.parametrize("kind", [Kind.COMMIT, Kind.RELEASE, Kind.UNCOMMIT, Kind.CANCEL])
def test_no_movement_takes_more_than_is_held(kind: Kind) -> None:
    with pytest.raises(ValueError, match="no more than is held"):
        a_movement(kind, 5, before=Held(reserved=4, committed=4))


# Through the services


def kinds(story: Scene) -> list[tuple[str, int]]:
    """The ledger's lines, in the order in which they were written."""
    lines = sorted(story.store.of_kind("line"), key=lambda line: line.revision)
    return [(line.kind.value, line.amount_pence) for line in lines]


def test_money_is_reserved_by_the_forces_lead_and_committed_by_the_last_approval(story: Scene) -> None:
    reference = story.submit().reference
    found = []
    for _ in range(3):
        found.append(story.money())
        story.ask(reference)
        story.decide(reference)
    assert found == [(0, 0), (600_000, 0), (600_000, 0)]
    assert story.money() == (0, 600_000)
    assert kinds(story) == [("reserve", 600_000), ("commit", 600_000)]


@pytest.mark.parametrize("stage", ["programme", "finance"])
@pytest.mark.parametrize("end", ["reject", "withdraw", "lapse"])
def test_what_was_reserved_is_released_whatever_way_it_ends(story: Scene, stage: str, end: str) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, stage)
    story.ask(reference)
    if end == "reject":
        story.decide(reference, "reject", comment="No")
    elif end == "withdraw":
        story.withdraw(reference)
    else:
        story.ask_for_changes(reference, you="Who?")
        assert story.money() == (600_000, 0), "what is asked about stays reserved"
        story.clock.pass_by(days=40)
        following_up.follow_up(story.parts)
    assert story.money() == (0, 0)
    assert kinds(story) == [("reserve", 600_000), ("release", 600_000)]


@pytest.mark.parametrize(
    ("amount", "reserved", "lines"),
    [
        (400_000, 400_000, [("release", 200_000), ("commit", 400_000)]),
        (600_000, 600_000, [("commit", 600_000)]),
        (700_000, 600_000, [("reserve", 100_000), ("commit", 700_000)]),
        (1, 1, [("release", 599_999), ("commit", 1)]),
        (1_000_000, 600_000, [("reserve", 400_000), ("commit", 1_000_000)]),
    ],
)
def test_an_amendment_keeps_the_smaller_amount_and_the_lead_reserves_the_difference(
    story: Scene, amount: int, reserved: int, lines: list[tuple[str, int]]
) -> None:
    reference = story.at_programme()
    story.ask_for_changes(reference, costs="Another amount")
    story.amend(reference, cost_lines=[a_cost(amount, description="Another hall")])
    assert story.money() == (reserved, 0)
    story.ask(reference)
    story.decide(reference)
    assert story.money() == (amount, 0)
    story.approve_up_to(reference, "nowhere")
    assert story.money() == (0, amount)
    assert kinds(story) == [("reserve", 600_000), *lines]


def test_an_amendment_before_anything_was_reserved_moves_no_money(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference, costs="Less")
    story.amend(reference, cost_lines=[a_cost(SMALL)])
    assert (story.money(), kinds(story)) == ((0, 0), [])


def test_in_another_force_all_of_it_is_reserved_anew(story: Scene) -> None:
    reference = story.at_programme()
    story.ask_for_changes(reference, the_day="Where?", costs="How much?")
    story.amend(reference, force="essex", cost_lines=[a_cost(700_000)])
    assert story.money() == (0, 0)
    story.ask(reference, force="essex")
    story.decide(reference, force="essex")
    shares = story.parts.funds.fund("ptf").forces
    assert (shares["kent"].reserved, shares["essex"].reserved) == (0, 700_000)
    assert kinds(story) == [("reserve", 600_000), ("release", 600_000), ("reserve", 700_000)]


def test_withdrawing_what_was_approved_cancels_the_commitment(story: Scene) -> None:
    reference = story.submit().reference
    story.approve_up_to(reference, "nowhere")
    story.withdraw(reference)
    assert story.money() == (0, 0)
    assert kinds(story) == [("reserve", 600_000), ("commit", 600_000), ("cancel", 600_000)]


def test_undoing_moves_the_money_back_by_lines_of_its_own(story: Scene) -> None:
    story.use_undo()
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    for decision in ("approve", "reject"):
        story.vote(reference, "programme", decision, comment="Because")
        story.undo(reference, "programme")
    assert kinds(story) == [
        ("reserve", SMALL),
        ("commit", SMALL),
        ("uncommit", SMALL),
        ("release", SMALL),
        ("reserve", SMALL),
    ]


def test_each_line_is_in_the_timeline(story: Scene) -> None:
    story.use_undo()
    reference = story.at_programme()
    story.ask_for_changes(reference, costs="More, please")
    story.let_go(reference)
    story.amend(reference, cost_lines=[a_cost(500_000)])
    story.ask(reference)
    told = [
        (name.removeprefix("fund-"), amount)
        for entry in story.case(reference).entries
        for name, amount in entry.details.items()
        if name.startswith("fund-")
    ]
    assert told == kinds(story) == [("reserve", 600_000), ("release", 100_000)]


def test_a_claim_that_does_not_fit_says_by_how_much(story: Scene) -> None:
    reference = story.asked(cost_lines=[a_cost(1_000_001)])
    with pytest.raises(
        DoesNotFit, match=r"claim of £10,000\.01 does not fit.*£10,000 left.*£0\.01 too little"
    ):
        story.decide(reference)
    assert (story.money(), story.standing(reference).stage) == ((0, 0), "force-lead")
    story.decide(reference, "reject", comment="More than there is")


def test_a_claim_of_which_only_the_difference_is_missing_says_by_how_much_that_is_too_much(
    story: Scene,
) -> None:
    reference = story.at_programme()
    story.ask_for_changes(reference, costs="More?")
    story.amend(reference, cost_lines=[a_cost(1_000_500)])
    story.ask(reference)
    with pytest.raises(DoesNotFit, match=r"£4,000 left.*£5 too little") as caught:
        story.decide(reference)
    assert "£4,005 more" in str(caught.value)
    assert "claim of £4,005" not in str(caught.value), "the claim is one of £10,005"
    assert story.money() == (600_000, 0)


def test_the_last_penny_can_be_given(story: Scene) -> None:
    for force in ("kent", "essex"):
        reference = story.submit(force=force, cost_lines=[a_cost(1_000_000)]).reference
        story.approve_up_to(reference, "nowhere", force=force)
    assert story.money() == (0, 2_000_000)


def test_the_same_movement_twice_is_one(story: Scene) -> None:
    """A line is named by its claim and revision: the claim's condition and the line's both keep it single."""
    reference = story.asked()
    story.first(lambda: story.decide(reference))
    assert story.decide(reference).repeated
    assert kinds(story) == [("reserve", 600_000)]


# Whatever happens

ACTIONS: dict[str, Callable[[Scene, str, str], object]] = {
    "ask": lambda story, one, force: story.ask(one, force=force),
    "approve": lambda story, one, force: story.decide(one, force=force),
    "reject": lambda story, one, force: story.decide(one, "reject", comment="No", force=force),
    "request": lambda story, one, force: story.ask_for_changes(one, force=force, the_day="Where?", costs="?"),
    "more": lambda story, one, force: story.amend(one, at=force, cost_lines=[a_cost(900_000)]),
    "less": lambda story, one, force: story.amend(one, at=force, cost_lines=[a_cost(300_000)]),
    "name": lambda story, one, force: story.amend(one, at=force, venue_name="Town Hall"),
    "move": lambda story, one, force: story.amend(
        one, at=force, force="essex" if force == "kent" else "kent"
    ),
    "withdraw": lambda story, one, force: story.withdraw(one, force),
    "undo": lambda story, one, force: _undo(story, one, force),
    "wait": lambda story, one, force: story.clock.pass_by(minutes=11),
    "late": lambda story, one, force: _late(story),
}


def _undo(story: Scene, reference: str, force: str) -> None:
    undo = story.case(reference, force).submission.undo
    task = story.case(reference, force).task(undo.task) if undo else None
    if task is not None:
        story.undo(reference, task.person_id, force)


def _late(story: Scene) -> None:
    story.clock.pass_by(days=10)
    following_up.follow_up(story.parts)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(sorted(ACTIONS))), min_size=10, max_size=40),
    st.sampled_from([timedelta(0), scenes.TEN_MINUTES]),
)
def test_whatever_happens_to_claims_in_whatever_order_every_promise_holds(
    steps: list[tuple[int, str]], window: timedelta
) -> None:
    story = a_scene()
    story.use_undo(window)
    references = [story.submit(cost_lines=[a_cost(500_000 + number)]).reference for number in range(3)]
    for number, action in steps:
        reference = references[number]
        force = story.parts.records.force_of(reference)
        before = story.store.snapshot()
        try:
            ACTIONS[action](story, reference, force)
        except (Refused, AssertionError) as refused:
            # Refused, or nobody is asked: then the money and all that stands is as it was.
            after = story.store.snapshot()
            same = {
                key: item
                for key, item in after.items()
                if key[0] in ("balance", "reservation", "line", "task")
            }
            assert same == {key: before[key] for key in same}, refused
        check_promises(story)
        for one in references:
            found = story.case(one, story.parts.records.force_of(one)).submission
            assert found.status is not Status.SUBMITTED or found.approved_by == {}


def test_the_walk_above_reaches_every_end() -> None:
    """A walk that refuses everything would prove nothing."""
    story = a_scene()
    found = set()
    for steps in (
        ["ask", "request", "more", "ask", "approve", "withdraw"],
        ["ask", "approve", "ask", "approve", "ask", "approve"],
        ["ask", "reject"],
        ["ask", "request", "late", "late", "late", "late"],
        ["ask", "request", "move"],
    ):
        reference = story.submit().reference
        for action in steps:
            force = story.parts.records.force_of(reference)
            ACTIONS[action](story, reference, force)
        force = story.parts.records.force_of(reference)
        found.add((story.status(reference, force).value, force))
    assert found == {
        ("approved", "kent"),
        ("rejected", "kent"),
        ("withdrawn", "kent"),
        ("lapsed", "kent"),
        ("in-review", "essex"),
    }
