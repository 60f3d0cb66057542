"""Every kind of commit against a DynamoDB that breaks off before it, after it, or once and is asked again: nothing
twice, nothing half. And somebody who was quicker, between a read and its commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.domain.delivery.deliveries import read_address
from chalicelib.domain.errors import (
    Conflict,
    Forbidden,
    InvalidAnswers,
    NoLongerUndoable,
    Overtaken,
    Refused,
    Unavailable,
)
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import deciding
from chalicelib.services.approvals.whom_to_ask import MOST_ASKED
from chalicelib.services.delivery import delivering
from chalicelib.services.intake import new_links
from chalicelib.services.ports import Parts
from tests.builders import a_cost, a_person
from tests.contract.broken_line import Line, after, before
from tests.contract.lives import Life, asking_all_leads, at, check_whole


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Something that changes a claim. `prepare` leads up to it and returns the claim's reference."""

    name: str
    prepare: Callable[[Life], str]
    act: Callable[[Life, str], object]
    action: str
    status: Status
    force: str = "kent"


def asked(life: Life) -> str:
    reference = life.submit().reference
    life.ask(reference)
    life.deliver()
    return reference


def decided(life: Life) -> str:
    reference = asked(life.may_undo())
    life.decide(reference)
    return reference


def approved(life: Life) -> str:
    reference = life.submit().reference
    life.approve_up_to(reference, "nowhere")
    return reference


def returned(life: Life) -> str:
    reference = life.submit().reference
    life.approve_up_to(reference, "programme")
    life.ask(reference)
    life.request_changes(reference, costs="Less", the_day="Where?")
    life.deliver()
    return reference


def at_the_next_date(life: Life) -> str:
    reference = asked(life)
    life.parts.now.at = life.case(reference).submission.next_at  # type: ignore[attr-defined]
    return reference


def at_the_deadline(life: Life) -> str:
    reference = asked(life)
    life.parts.now.at = life.case(reference).submission.due_at  # type: ignore[attr-defined]
    return reference


def too_late_for_changes(life: Life) -> str:
    reference = returned(life)
    life.parts.now.at = life.case(reference).submission.due_at  # type: ignore[attr-defined]
    return reference


def decide_again(life: Life, reference: str) -> object:
    """The same person, the same task, the same answers."""
    case = life.case(reference)
    return deciding.decide(
        life.parts, "lead-kent", case.tasks[0].id, decision="approve", comment="", seen=case.seen
    )


def undo_again(life: Life, reference: str) -> None:
    deciding.undo(life.parts, "lead-kent", life.case(reference).tasks[0].id)


def amend(life: Life, reference: str) -> object:
    return life.amend(reference, version=1, cost_lines=[a_cost(400_000)])


def move(life: Life, reference: str) -> object:
    return life.amend(reference, version=1, to="essex")


IN_REVIEW, WITHDRAWN, LAPSED = Status.IN_REVIEW, Status.WITHDRAWN, Status.LAPSED
DEEDS = [
    Deed(name="decide", prepare=asked, act=decide_again, action="decided", status=IN_REVIEW),
    Deed(
        name="decide with a way back",
        prepare=lambda life: asked(life.may_undo()),
        act=decide_again,
        action="decided",
        status=IN_REVIEW,
    ),
    Deed(name="undo", prepare=decided, act=undo_again, action="undone", status=IN_REVIEW),
    Deed(name="amend", prepare=returned, act=amend, action="amended", status=IN_REVIEW),
    Deed(name="move", prepare=returned, act=move, action="moved", status=WITHDRAWN),
    Deed(name="withdraw", prepare=asked, act=Life.withdraw, action="withdrawn", status=WITHDRAWN),
    Deed(
        name="withdraw what is approved",
        prepare=approved,
        act=Life.withdraw,
        action="withdrawn",
        status=WITHDRAWN,
    ),
    Deed(
        name="withdraw while it may be undone",
        prepare=decided,
        act=Life.withdraw,
        action="withdrawn",
        status=WITHDRAWN,
    ),
    Deed(
        name="have a new link sent",
        prepare=asked,
        act=lambda life, reference: new_links.renew(life.parts, "kent", reference, seen=1),
        action="link-renewed",
        status=IN_REVIEW,
    ),
    Deed(
        name="hand on",
        prepare=asked,
        act=lambda life, reference: life.hand_on(reference, "deputy-kent"),
        action="reassigned",
        status=IN_REVIEW,
    ),
    Deed(
        name="remind",
        prepare=at_the_next_date,
        act=lambda life, _: life.follow_up(),
        action="reminded",
        status=IN_REVIEW,
    ),
    Deed(
        name="hand over",
        prepare=at_the_deadline,
        act=lambda life, _: life.follow_up(),
        action="asked",
        status=IN_REVIEW,
    ),
    Deed(
        name="lapse",
        prepare=too_late_for_changes,
        act=lambda life, _: life.follow_up(),
        action="lapsed",
        status=LAPSED,
    ),
]


@pytest.fixture
def life(dynamo_parts: Parts, stock: Callable[..., Parts]) -> Life:
    return Life(stock(dynamo_parts))


@pytest.fixture
def line(life: Life) -> Iterator[Line]:
    made = Line()
    yield made
    made.end()


@pytest.fixture(params=DEEDS, ids=lambda deed: deed.name)
def deed(request: pytest.FixtureRequest) -> Deed:
    found: Deed = request.param
    return found


def attempt(life: Life, deed: Deed, reference: str) -> object:
    """What comes of it: a result, or a refusal."""
    try:
        return deed.act(life, reference)
    except Refused as refused:
        return refused


def times_done(life: Life, deed: Deed, reference: str) -> int:
    return [entry.action for entry in life.case(reference).entries].count(deed.action)


def check_done_once(life: Life, deed: Deed, reference: str, done_before: int) -> None:
    """The claim stands where it leads, every promise holds, and every mail goes out once."""
    assert times_done(life, deed, reference) == done_before + 1
    assert life.case(reference).submission.status is deed.status
    check_whole(life, reference)
    life.wait(minutes=11)
    life.wait(minutes=11)
    sent = Counter(mail.notification_id for mail in life.parts.mailer.sent)  # type: ignore[attr-defined]
    assert set(sent.values()) == {1}
    (waiting,) = list(life.parts.records.waiting()) or [None]
    assert (waiting is None) == (deed.status is not IN_REVIEW and deed.name != "move")
    check_whole(life, reference)


def test_what_never_arrived_changed_nothing_and_can_be_done_again(life: Life, line: Line, deed: Deed) -> None:
    reference = deed.prepare(life)
    done, table = times_done(life, deed, reference), line.table()
    line.cut(before)
    result = attempt(life, deed, reference)
    assert isinstance(result, Unavailable) or result.failed == 1, repr(result)  # type: ignore[attr-defined]
    assert line.table() == table
    line.mend()
    assert not isinstance(attempt(life, deed, reference), Refused)
    check_done_once(life, deed, reference, done)


def test_what_was_done_though_the_answer_was_lost_is_not_done_again(
    life: Life, line: Line, deed: Deed
) -> None:
    reference = deed.prepare(life)
    done = times_done(life, deed, reference)
    line.cut(after)
    result = attempt(life, deed, reference)
    assert isinstance(result, Unavailable) or result.failed == 1, repr(result)  # type: ignore[attr-defined]
    line.mend()
    assert times_done(life, deed, reference) == done + 1
    table = line.table()
    again = attempt(life, deed, reference)
    assert line.table() == table, "the second time changes nothing"
    if deed.name == "hand on":  # the person is asked already, so they are not among those to choose from
        assert isinstance(again, InvalidAnswers)
    else:
        assert not isinstance(again, Refused), repr(again)
    check_done_once(life, deed, reference, done)


def test_an_answer_that_was_lost_once_is_asked_for_again_and_nobody_notices(
    life: Life, line: Line, deed: Deed
) -> None:
    reference = deed.prepare(life)
    done = times_done(life, deed, reference)
    line.cut(after, times=1)
    result = attempt(life, deed, reference)
    assert not isinstance(result, Refused), repr(result)
    assert getattr(result, "failed", 0) == 0
    check_done_once(life, deed, reference, done)


def test_a_repeat_of_everything_changes_nothing(life: Life, line: Line, deed: Deed) -> None:
    reference = deed.prepare(life)
    done = times_done(life, deed, reference)
    attempt(life, deed, reference)
    table = line.table()
    for _ in range(3):
        attempt(life, deed, reference)
    assert line.table() == table
    check_done_once(life, deed, reference, done)


def quicker(line: Line, somebody: Callable[[], object]) -> None:
    """Just before the next commit is sent, somebody does something."""

    def first_somebody(request: Any) -> None:
        somebody()

    line.cut(first_somebody, times=1)


def test_who_undoes_after_it_went_out_is_told_so(life: Life, line: Line) -> None:
    reference = decided(life)
    undo = life.case(reference).submission.undo
    assert undo is not None
    parcel, _ = read_address(undo.deliveries[0])
    quicker(line, lambda: delivering.relay(at(life.parts, undo.until), [parcel], lane="workflow"))
    with pytest.raises(NoLongerUndoable, match="just gone out"):
        life.undo(reference)
    assert life.case(reference).submission.stage == "programme"
    check_whole(life, reference)


def test_who_undoes_what_was_undone_a_moment_ago_is_not_told_that_it_went_out(life: Life, line: Line) -> None:
    reference = decided(life)
    task_id = life.case(reference).tasks[0].id
    quicker(line, lambda: undo_again(life, reference))
    deciding.undo(life.parts, "lead-kent", task_id)
    assert times_done(life, DEEDS[2], reference) == 1
    check_whole(life, reference)


def test_who_withdraws_what_was_undone_a_moment_ago_withdraws_it(life: Life, line: Line) -> None:
    reference = decided(life)
    quicker(line, lambda: undo_again(life, reference))
    life.withdraw(reference)
    assert life.case(reference).submission.status is Status.WITHDRAWN
    check_whole(life, reference)


def test_who_approves_what_was_withdrawn_a_moment_ago_is_told_that_it_has_moved_on(
    life: Life, line: Line
) -> None:
    reference = asked(life)
    quicker(line, lambda: life.withdraw(reference))
    with pytest.raises(Overtaken):
        life.decide(reference)
    assert life.parts.funds.fund("ptf").balance.available == 2_000_000
    check_whole(life, reference)


def test_who_sends_the_same_changes_twice_is_told_where_they_are(life: Life, line: Line) -> None:
    reference = returned(life)
    quicker(line, lambda: amend(life, reference))
    assert amend(life, reference).reference == reference  # type: ignore[attr-defined]
    case = life.case(reference)
    assert (case.submission.version, len(case.versions)) == (2, 1)
    check_whole(life, reference)


def test_who_changes_what_was_withdrawn_a_moment_ago_is_told_so(life: Life, line: Line) -> None:
    reference = returned(life)
    quicker(line, lambda: life.withdraw(reference))
    with pytest.raises(Overtaken):
        amend(life, reference)
    assert life.case(reference).versions == ()
    check_whole(life, reference)


def test_a_schedule_that_comes_just_after_the_decision_finds_nothing_to_do(life: Life, line: Line) -> None:
    reference = at_the_deadline(life)
    quicker(line, lambda: life.decide(reference))
    followed = life.follow_up()
    assert (followed.handed_over, followed.failed) == (0, 0)
    assert life.case(reference).submission.stage == "programme"
    check_whole(life, reference)


def test_who_hands_on_what_was_decided_a_moment_ago_is_refused(life: Life, line: Line) -> None:
    reference = asked(life)
    quicker(line, lambda: life.decide(reference))
    # It stands at a national stage then, which is not the force's to hand on.
    with pytest.raises((Conflict, Overtaken, InvalidAnswers, Forbidden)):
        life.hand_on(reference, "deputy-kent")
    assert [task.person_id for task in life.case(reference).tasks] == ["lead-kent"]
    check_whole(life, reference)


def test_what_all_coordinators_are_told_is_well_under_the_hundred_operations_that_a_transaction_takes(
    life: Life, line: Line
) -> None:
    """Nobody may decide, and very many coordinators are told."""
    people = [a_person(f"c{n}-{at}", f"coordinator@{at}") for at in ("kent", "national") for n in range(40)]
    leads = [a_person(person_id, "coordinator@kent") for person_id in ("lead-kent", "deputy-kent")]
    life.parts.people.register([*people, *leads])  # type: ignore[attr-defined]
    reference = life.submit(key="key").reference
    life.ask(reference)
    assert "stuck" in [entry.action for entry in life.case(reference).entries]
    assert line.sizes[-1] == 7  # the mails in 3 parcels, and what there is once


def test_the_commits_of_an_ordinary_claim_are_small(life: Life, line: Line) -> None:
    life.may_undo()
    reference = life.submit(key="key").reference
    life.ask(reference)
    for _ in range(2):
        life.parts.now.at = life.case(reference).submission.next_at  # type: ignore[attr-defined]
        life.follow_up()
    life.hand_on(reference, "lead-kent")
    life.decide(reference, comment="Da iawn")
    life.undo(reference)
    life.request_changes(reference, the_day="Where?")
    life.wait(minutes=11)
    life.amend(reference, to="essex")
    life.ask(reference, force="essex")
    life.decide(reference, force="essex")
    life.withdraw(reference)
    assert max(line.sizes) <= 16, line.sizes


@pytest.mark.parametrize("quorum", [1, None])
def test_as_many_as_are_ever_asked_at_once_fit_in_a_commit_and_so_do_their_deputies(
    life: Life, line: Line, quorum: int | None
) -> None:
    life.parts = asking_all_leads(life.may_undo().parts, quorum=quorum)
    some = [
        (n, role) for n in range(MOST_ASKED + 5) for role in ("innovation-lead", "innovation-lead-deputy")
    ]
    life.parts.people.register([a_person(f"{role}-{n:02d}", f"{role}@kent") for n, role in some])  # type: ignore[attr-defined]
    reference = life.submit().reference
    life.ask(reference)
    for _ in range(2):
        life.parts.now.at = life.case(reference).submission.next_at  # type: ignore[attr-defined]
        assert life.follow_up().failed == 0
    assert len(life.case(reference).open_tasks) == MOST_ASKED
    for _ in range(MOST_ASKED if quorum is None else 1):
        life.decide(reference, comment="Da iawn")
    assert life.case(reference).open_tasks == ()
    life.undo(reference)
    life.decide(reference)
    life.withdraw(reference)
    assert max(line.sizes) == 3 + 3 * MOST_ASKED, line.sizes
