"""The condition of every change: refused when it should be, and then nothing is stored; fakes and DynamoDB agree."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.money.fund import Held
from chalicelib.domain.money.fund import Kind as MoneyKind
from chalicelib.domain.people.accounts import Session, new_session
from chalicelib.domain.people.identities import Link
from chalicelib.domain.people.pairs import Pair
from chalicelib.domain.people.people import Holding
from chalicelib.domain.people.person_changes import PersonChange, What
from chalicelib.domain.records.submissions import STATUSES, Status, TaskState, Version
from chalicelib.domain.records.timeline import Chain
from chalicelib.services.changes import (
    AddDelivery,
    AddPersonChange,
    AddSession,
    AddSubmission,
    AddTask,
    CancelDelivery,
    Change,
    ChangeRefused,
    ChangeSubmission,
    CloseTask,
    CountSource,
    KeepContent,
    KeepKey,
    KeepPair,
    KeepPersonal,
    KeepToken,
    KeepVersion,
    KnownReference,
    LinkIdentity,
    MoveMoney,
    MoveSubmission,
    NotThere,
    ProveSession,
    ReopenTask,
    StillHolds,
    UseState,
)
from chalicelib.services.ports import Parts
from chalicelib.services.revision import with_entry
from tests import fakes
from tests.builders import (
    MONDAY,
    PERSONAL,
    REFERENCE,
    a_content,
    a_count,
    a_delivery,
    a_key,
    a_movement,
    a_person,
    a_submission,
    a_task,
    added,
    an_entry,
    changed,
)

LEAD = Holding(role="innovation-lead", at="kent")
LATER = MONDAY + timedelta(days=2)
DECIDED = a_task(state=TaskState.DECIDED, decision="approve", decided_at=MONDAY, seen="s" * 64)
HELD = a_delivery("mail.moved-on.1", due_at=MONDAY + timedelta(minutes=10), is_held=True)


PAIR = Pair(mailbox="m" * 32, version=1, changed_at=MONDAY)


def a_session(secret: str) -> Session:
    return new_session(secret, "bob", csrf="csrf", now=MONDAY)


def a_link(digest: str) -> Link:
    return Link(digest=digest, person_id="bob", issuer="kent", linked_at=MONDAY)


def an_audit(name: str) -> AddPersonChange:
    made = PersonChange(id=name, person_id="bob", at=MONDAY, actor="bob", what=What.LINKED)
    return AddPersonChange(change=made)


def furnish(parts: Parts) -> Parts:
    parts.people.register([a_person("ann", "innovation-lead@kent")])  # type: ignore[attr-defined]
    parts.funds.open_fund("ptf", name="fund", total_pence=100_000, caps={"kent": 60_000, "essex": 60_000})  # type: ignore[attr-defined]
    return parts


@pytest.fixture
def parts(parts: Parts) -> Parts:
    """With somebody registered and money in the fund."""
    return furnish(parts)


def stored(parts: Parts) -> list[object]:
    """All that the ports tell of what is stored."""
    # Of two with the same date, either may come first.
    waiting = sorted(parts.records.waiting(), key=lambda one: (one.reference, one.force))
    found: list[object] = [parts.funds.fund("ptf"), waiting]
    for force in ("kent", "essex"):
        try:
            found.append(parts.records.of(force).case(REFERENCE))
        except NotFound:
            found.append(None)
        found.append(parts.records.of(force).newest("funding-claim", limit=5))
    try:
        found.append(parts.records.force_of(REFERENCE))
    except NotFound:
        found.append(None)
    deliveries = ("mail.receipt.1", "mail.receipt.2", HELD.id)
    found += [parts.outbox.get(delivery_id) for delivery_id in deliveries]
    found += [parts.outbox.reference_of(delivery_id) for delivery_id in deliveries]
    found += [sorted(parts.outbox.due(MONDAY + timedelta(minutes=m), limit=9)) for m in (1, 10, 999)]
    found += [parts.records.key("funding-claim", key, now=MONDAY) for key in ("key-1", "key-2")]
    found += [parts.records.content(digest * 64, now=MONDAY) for digest in "cde"]
    return found


def refused(parts: Parts, *changes: Change) -> Change:
    """The change because of which nothing was stored."""
    before = stored(parts)
    change = named(parts, *changes)
    assert stored(parts) == before
    return change


def named(parts: Parts, *changes: Change) -> Change:
    """The change that the refusal names."""
    with pytest.raises(ChangeRefused) as caught:
        parts.records.commit(changes)
    return caught.value.change


def a_version(number: int = 1, **changes: object) -> Version:
    version = Version(
        number=number,
        answers={"event_title": "As it was — Ŵ", "cost_lines": [{"amount_pence": 1}]},
        personal=dict(PERSONAL),
        amount_pence=599_999,
        at=MONDAY + timedelta(microseconds=3),
    )
    return replace(version, **changes)


def in_essex(**changes: object) -> MoveSubmission:
    here = a_submission(force="essex", revision=2, round=2, **changes)
    return MoveSubmission(submission=here, was_at="kent")


def test_replaced_answers_are_kept_with_their_personal_ones(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    for number in (1, 2, 10):
        parts.records.commit([KeepVersion(submission=one, version=a_version(number))])
    versions = parts.records.of("kent").case(REFERENCE).versions
    assert versions == (a_version(1), a_version(2), a_version(10))
    assert parts.records.of("kent").case(REFERENCE).personal == PERSONAL, "today's are others"


def test_a_version_is_kept_once(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit([*changes, KeepVersion(submission=one, version=a_version())])
    other = KeepVersion(submission=one, version=a_version(amount_pence=1, personal={}))
    assert refused(parts, other, AddDelivery(delivery=a_delivery())) == other


def test_new_personal_answers_take_the_place_of_the_old_ones(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    parts.records.commit([KeepPersonal(submission=one, personal={"claimant_name": "Ŵyn"})])
    assert parts.records.of("kent").case(REFERENCE).personal == {"claimant_name": "Ŵyn"}


def test_what_was_written_by_page_comes_back_with_the_comment(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    wanted = {"event": "Another day — Ŵ", "costs": "one\ntwo"}
    for words, said in (("Diolch", wanted), ("", wanted), ("Diolch", {})):
        one, entry = with_entry(one, at=MONDAY, action="decided", words=words, parts=said, salt="salt")
        parts.records.commit([entry])
        text = parts.records.of("kent").case(REFERENCE).texts[entry.entry.sequence]
        assert (text.words, dict(text.parts)) == (words, said)
        assert text.digest() == entry.entry.text_digest


def test_a_task_that_ended_says_by_which_task(parts: Parts) -> None:
    parts.records.commit([*added()[1], *(AddTask(task=a_task(number)) for number in (1, 2, 3, 4))])
    ended = [
        replace(DECIDED, number=1),
        a_task(2, state=TaskState.CLOSED, ended_by=1),
        a_task(3, state=TaskState.OVERTAKEN, ended_by=4),
        a_task(4, state=TaskState.REASSIGNED),
    ]
    parts.records.commit([CloseTask(task=task) for task in ended])
    assert list(parts.records.of("kent").case(REFERENCE).tasks) == ended


def test_a_task_keeps_whose_place_it_takes_and_for_which_answers(parts: Parts) -> None:
    task = a_task(version=7, stands_in_for="lead-kent", asked_at=MONDAY + timedelta(microseconds=1))
    parts.records.commit([*added()[1], AddTask(task=task)])
    assert parts.records.of("kent").case(REFERENCE).tasks == (task,)


def test_a_task_that_is_opened_again_is_as_it_was_asked(parts: Parts) -> None:
    parts.records.commit([*added()[1], AddTask(task=a_task())])
    parts.records.commit([CloseTask(task=DECIDED)])
    for was in (TaskState.OPEN, TaskState.CLOSED, TaskState.OVERTAKEN, TaskState.REASSIGNED):
        other = ReopenTask(task=a_task(), was=was)
        assert refused(parts, other, AddDelivery(delivery=a_delivery())) == other
    again = ReopenTask(task=a_task(), was=TaskState.DECIDED)
    parts.records.commit([again])
    assert parts.records.of("kent").case(REFERENCE).tasks == (a_task(),)
    assert refused(parts, again) == again
    parts.records.commit([CloseTask(task=a_task(state=TaskState.CLOSED, ended_by=9))])
    parts.records.commit([ReopenTask(task=a_task(), was=TaskState.CLOSED)])
    assert parts.records.of("kent").case(REFERENCE).tasks == (a_task(),)


def test_a_task_that_is_not_there_cannot_be_opened_again(parts: Parts) -> None:
    parts.records.commit(added()[1])
    for was in TaskState:
        change = ReopenTask(task=a_task(), was=was)
        assert refused(parts, change) == change


def test_a_submission_goes_on_at_another_force_under_its_reference(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    left, changes = changed(one, status=Status.WITHDRAWN, due_at=None, waiting_for="", moved_to="essex")
    move = in_essex(answers={"event_title": "In Essex"}, next_at=LATER, chain=Chain())
    personal = KeepPersonal(submission=move.submission, personal={"claimant_name": "Ŵyn"})
    parts.records.commit([*changes, move, personal])
    assert parts.records.force_of(REFERENCE) == "essex"
    here = parts.records.of("essex").case(REFERENCE)
    assert (here.submission, here.personal, here.entries) == (
        move.submission,
        {"claimant_name": "Ŵyn"},
        (),
    )
    there = parts.records.of("kent").case(REFERENCE)
    assert (there.submission, there.personal) == (left, PERSONAL)
    assert [(one.force, one.round) for one in parts.records.waiting()] == [("essex", 2)]
    assert [one.title for one in parts.records.of("essex").newest("funding-claim", limit=5)] == ["In Essex"]


def test_a_submission_moves_only_from_where_it_is(parts: Parts) -> None:
    move = in_essex()
    assert refused(parts, move) == move, "it is nowhere"
    parts.records.commit(added()[1])
    elsewhere = replace(move, was_at="surrey")
    assert refused(parts, elsewhere, AddDelivery(delivery=a_delivery())) == elsewhere
    parts.records.commit([move, KeepPersonal(submission=move.submission, personal={})])
    assert refused(parts, move) == move, "it is there already"
    back = MoveSubmission(submission=a_submission(revision=3), was_at="essex")
    assert refused(parts, back) == back, "there is one of it in Kent"


def test_stale_amended_answers_overwrite_nothing(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    first, changes = changed(one, answers={"event_title": "First"}, version=2, amount_pence=1)
    parts.records.commit([replace(changes[0], amended=True), changes[1]])
    second = replace(first, answers={"event_title": "Second"}, amount_pence=2)
    stale = ChangeSubmission(submission=second, amended=True)
    personal = KeepPersonal(submission=second, personal={})
    assert refused(parts, personal, stale) == stale


def test_a_delivery_that_nobody_is_at_can_be_taken_back_once(parts: Parts) -> None:
    cancel = CancelDelivery(delivery_id=HELD.id)
    assert refused(parts, cancel, AddDelivery(delivery=a_delivery())) == cancel, "it was never queued"
    parts.records.commit([AddDelivery(delivery=HELD)])
    parts.records.commit([cancel])
    assert parts.outbox.get(HELD.id) is None
    assert parts.outbox.due(LATER, limit=5) == []
    assert parts.outbox.claim(HELD.id, now=LATER, until=LATER + timedelta(seconds=30)) is None
    assert parts.outbox.reference_of(HELD.id) == ""
    assert refused(parts, cancel) == cancel
    parts.records.commit([AddDelivery(delivery=HELD)])
    assert parts.outbox.due(LATER, limit=5) == [HELD.id]


def test_what_somebody_is_at_or_has_delivered_cannot_be_taken_back(parts: Parts) -> None:
    parts.records.commit([AddDelivery(delivery=HELD)])
    until = HELD.due_at + timedelta(seconds=30)
    assert parts.outbox.claim(HELD.id, now=HELD.due_at, until=until) is not None
    cancel = CancelDelivery(delivery_id=HELD.id)
    assert refused(parts, cancel, AddDelivery(delivery=a_delivery())) == cancel
    parts.outbox.done(HELD, at=HELD.due_at)
    assert refused(parts, cancel, AddDelivery(delivery=a_delivery())) == cancel
    assert parts.outbox.reference_of(HELD.id) == REFERENCE


def test_what_failed_can_be_taken_back(parts: Parts) -> None:
    parts.records.commit([AddDelivery(delivery=HELD)])
    assert parts.outbox.claim(HELD.id, now=HELD.due_at, until=LATER) is not None
    parts.outbox.failed(HELD, error="ConnectionError", again_at=LATER)
    parts.records.commit([CancelDelivery(delivery_id=HELD.id)])
    assert parts.outbox.get(HELD.id) is None


def world(parts: Parts) -> dict[str, tuple[list[Change], list[Change]]]:
    """For each kind of change, those that hold and those that do not, in a world in which all kinds do something."""
    parts.records.commit(added(reference="CLM-0000-0008")[1])
    one, changes = added()
    parts.records.commit([*changes, AddTask(task=a_task()), AddTask(task=a_task(2))])
    parts.records.commit(
        [
            CloseTask(task=replace(DECIDED, number=2)),
            KeepVersion(submission=one, version=a_version()),
            AddDelivery(delivery=HELD),
            KeepKey(record=a_key()),
            KeepContent(record=a_content()),
            a_count(),
            MoveMoney(movement=a_movement(revision=1)),
            KeepPair(pair=PAIR),
            AddSession(session=a_session("kept")),
            AddSession(session=a_session("proved")),
            CountSource(source="kept", hour=MONDAY, limit=1),
            UseState(digest="kept", expires_at=LATER),
            LinkIdentity(link=a_link("kept")),
            an_audit("kept"),
        ]
    )
    entry = an_entry(one, "words")
    closed = a_task(state=TaskState.CLOSED, ended_by=2)
    return {
        "AddSubmission": (
            [AddSubmission(submission=a_submission(reference="CLM-0000-0001"), personal={})],
            [AddSubmission(submission=replace(one, force="essex"), personal={})],
        ),
        "ChangeSubmission": (
            [ChangeSubmission(submission=replace(one, revision=2))],
            [ChangeSubmission(submission=replace(one, revision=number)) for number in (1, 3)],
        ),
        "MoveSubmission": ([in_essex()], [replace(in_essex(), was_at="surrey")]),
        "KeepPersonal": ([KeepPersonal(submission=one, personal={"claimant_name": "x"})], []),
        "KeepVersion": (
            [KeepVersion(submission=one, version=a_version(2))],
            [KeepVersion(submission=one, version=a_version(1))],
        ),
        "AddTask": ([AddTask(task=a_task(3))], [AddTask(task=a_task(1)), AddTask(task=a_task(2))]),
        "CloseTask": ([CloseTask(task=closed)], [CloseTask(task=replace(closed, number=n)) for n in (2, 9)]),
        "ReopenTask": (
            [ReopenTask(task=a_task(2), was=TaskState.DECIDED)],
            [
                ReopenTask(task=a_task(1), was=TaskState.DECIDED),
                ReopenTask(task=a_task(2), was=TaskState.OPEN),
            ],
        ),
        "AddEntry": ([entry], [replace(entry, entry=replace(entry.entry, sequence=0))]),
        "KeepToken": ([KeepToken(submission=one, token="token")], []),
        "AddDelivery": ([AddDelivery(delivery=a_delivery())], [AddDelivery(delivery=HELD)]),
        "CancelDelivery": (
            [CancelDelivery(delivery_id=HELD.id)],
            [CancelDelivery(delivery_id="mail.receipt.2")],
        ),
        "MoveMoney": (
            [MoveMoney(movement=a_movement(MoneyKind.COMMIT, revision=2))],
            [
                MoveMoney(movement=a_movement(MoneyKind.COMMIT, revision=1)),  # the line is there
                MoveMoney(movement=a_movement(MoneyKind.COMMIT, 9_999, revision=2)),  # more is held
                MoveMoney(
                    movement=a_movement(reference="CLM-0000-0002", amount_pence=50_001)
                ),  # over the cap
                MoveMoney(movement=a_movement(reference="CLM-0000-0002", fund="other")),
            ],
        ),
        "KeepKey": ([KeepKey(record=a_key("key-2"))], [KeepKey(record=a_key())]),
        "KeepContent": (
            [KeepContent(record=a_content("d" * 64))],
            [
                KeepContent(record=a_content()),
                KeepContent(record=a_content(), in_place_of="CLM-0000-0001"),
            ],
        ),
        "CountMailbox": ([a_count("n")], [a_count(limit=1)]),
        "KeepPair": (
            [KeepPair(pair=replace(PAIR, version=2))],
            [KeepPair(pair=replace(PAIR, version=number)) for number in (1, 3)],
        ),
        "AddSession": ([AddSession(session=a_session("new"))], [AddSession(session=a_session("kept"))]),
        "ProveSession": (
            [ProveSession(session=a_session("proved"), at=LATER)],
            [ProveSession(session=a_session("ended"), at=LATER)],
        ),
        "CountSource": (
            [CountSource(source="new", hour=MONDAY, limit=1)],
            [CountSource(source="kept", hour=MONDAY, limit=1)],
        ),
        "UseState": ([UseState(digest="new", expires_at=LATER)], [UseState(digest="kept", expires_at=LATER)]),
        "LinkIdentity": ([LinkIdentity(link=a_link("new"))], [LinkIdentity(link=a_link("kept"))]),
        "AddPersonChange": ([an_audit("new")], [an_audit("kept")]),
        "StillHolds": (
            [StillHolds(person_id="ann", holding=LEAD)],
            [StillHolds(person_id="bob", holding=LEAD)],
        ),
        "NotThere": (
            [NotThere(force="kent", reference="CLM-0000-0003")],
            [NotThere(force="kent", reference="CLM-0000-0008")],
        ),
        "KnownReference": (
            [KnownReference(reference=REFERENCE, field="innovation_day")],
            [KnownReference(reference="CLM-0000-0003", field="innovation_day")],
        ),
    }


KINDS = [kind.__name__ for kind in get_args(Change)]


def item_of(change: Change) -> str:
    """Roughly what a change is about, so that no two in one commit meet on an item."""
    if isinstance(change, (AddTask, CloseTask, ReopenTask)):
        return f"task {change.task.number}"
    if isinstance(change, (AddDelivery, CancelDelivery)):
        return change.delivery.id if isinstance(change, AddDelivery) else change.delivery_id
    if isinstance(change, (AddSubmission, MoveSubmission, KnownReference)):
        one = change if isinstance(change, KnownReference) else change.submission
        return one.reference
    return type(change).__name__


@pytest.mark.parametrize("kind", KINDS)
def test_every_change_is_refused_by_its_own_condition_and_takes_all_others_with_it(
    parts: Parts, kind: str
) -> None:
    changes = world(parts)
    assert set(changes) == set(KINDS), "every kind of change is tried"
    for bad in changes[kind][1]:
        others = [good for name, (goods, _) in changes.items() if name != kind for good in goods]
        apart = list({item_of(good): good for good in others if item_of(good) != item_of(bad)}.values())
        assert len(apart) >= 11
        for place in (0, len(apart)):
            assert refused(parts, *apart[:place], bad, *apart[place:]) is bad


def test_all_changes_that_hold_are_stored_together(parts: Parts) -> None:
    goods = [good for name, (goods, _) in world(parts).items() if name != "MoveSubmission" for good in goods]
    parts.records.commit(goods)
    case = parts.records.of("kent").case(REFERENCE)
    assert (case.submission.revision, case.token, len(case.versions)) == (2, "token", 2)
    assert [task.state for task in case.tasks] == [TaskState.CLOSED, TaskState.OPEN, TaskState.OPEN]
    assert parts.funds.fund("ptf").balance.committed == 10_000
    assert parts.outbox.get(HELD.id) is None
    assert parts.outbox.get("mail.receipt.1") is not None


def test_of_several_that_do_not_hold_the_first_in_the_order_of_the_store_is_named(parts: Parts) -> None:
    changes = world(parts)
    check, delete = changes["StillHolds"][1][0], changes["CancelDelivery"][1][0]
    put, update = changes["AddTask"][1][1], changes["ReopenTask"][1][0]
    for some in ((check, delete, put, update), (delete, put, update), (put, update), (check, update)):
        for order in itertools.permutations(some):
            assert named(parts, *order) is some[0]
    puts = [changes["AddTask"][1][1], changes["KeepVersion"][1][0], changes["AddEntry"][1][0]]
    updates = [changes["ReopenTask"][1][0], changes["CloseTask"][1][1]]
    for order in (puts, puts[::-1]):
        assert named(parts, *updates, *order) is order[0], "within one kind, the first in the list"
    for order in (updates, updates[::-1]):
        assert named(parts, *order) is order[0]


def test_that_the_submission_has_moved_on_is_told_before_all_else(parts: Parts) -> None:
    """Whatever else does not hold, it may be for that reason: whoever is told looks again and finds out."""
    changes = world(parts)
    stale = changes["ChangeSubmission"][1][0]
    for kind, (_, bads) in changes.items():
        for bad in bads if kind != "ChangeSubmission" else []:
            assert named(parts, bad, stale) is stale
            assert named(parts, stale, bad) is stale


def test_who_is_too_late_is_told_so_and_not_that_the_money_is_gone(parts: Parts) -> None:
    changes = world(parts)
    too_late, too_much = changes["CloseTask"][1][0], changes["MoveMoney"][1][2]
    assert named(parts, too_late, too_much) is too_late


def a_change(chance: random.Random) -> Change:
    """Any change of a small world, so that some hold and some do not."""
    number = chance.randint(1, 3)
    force = chance.choice(["kent", "kent", "essex"])
    one = a_submission(
        force=force,
        revision=chance.randint(1, 8),
        status=chance.choice(list(STATUSES)),
        asked_as=chance.choice(list(AskedAs)),
        due_at=MONDAY + timedelta(days=number, microseconds=number),
        next_at=chance.choice([None, LATER]),
        amount_pence=number,
        answers={"event_title": f"Title {number}"},
        reminded=number,
        approved_by={"force-lead": ("ann",) * number},
    )
    task = a_task(number, force=force, ended_by=number, state=chance.choice(list(TaskState)))
    if task.state is TaskState.DECIDED:
        task = replace(task, decision="approve", decided_at=MONDAY, seen="s")
    entry = an_entry(replace(one, chain=Chain(length=number)), chance.choice(["", "words"]))
    kind = chance.choice(list(MoneyKind))
    held = Held(reserved=chance.choice([0, 100, 200]), committed=chance.choice([0, 100, 200]))
    try:
        money = a_movement(kind, 100, revision=chance.randint(1, 30), force=force, before=held)
    except ValueError:
        money = a_movement(MoneyKind.RESERVE, chance.choice([100, 70_000]), revision=number, before=held)
    record = a_key(f"key-{number}", submitted_at=chance.choice([MONDAY, LATER]))
    delivery_id = chance.choice(["mail.receipt.1", "mail.receipt.2"])
    makers: list[Callable[[], Change]] = [
        lambda: AddSubmission(submission=one, personal={}),
        lambda: ChangeSubmission(submission=one, amended=number == 1),
        lambda: ChangeSubmission(submission=one, amended=number == 1),
        lambda: MoveSubmission(submission=one, was_at=chance.choice(["kent", "essex"])),
        lambda: KeepPersonal(submission=one, personal={"claimant_name": str(number)}),
        lambda: KeepVersion(submission=one, version=a_version(number)),
        lambda: AddTask(task=replace(task, state=TaskState.OPEN, ended_by=0)),
        lambda: CloseTask(
            task=replace(task, state=TaskState.CLOSED) if task.state is TaskState.OPEN else task
        ),
        lambda: ReopenTask(task=task, was=task.state),
        lambda: entry,
        lambda: KeepToken(submission=one, token=str(number)),
        lambda: AddDelivery(delivery=chance.choice([HELD, a_delivery(delivery_id)])),
        lambda: CancelDelivery(delivery_id=chance.choice([HELD.id, delivery_id])),
        lambda: MoveMoney(movement=money),
        lambda: MoveMoney(movement=money),
        lambda: KeepKey(record=record),
        lambda: KeepContent(
            record=a_content(
                chance.choice("cd") * 64, submitted_at=record.submitted_at, reference=f"CLM-{number}"
            ),
            in_place_of=chance.choice(["", "CLM-1"]),
            anyway=chance.random() < 0.2,
        ),
        lambda: a_count(chance.choice("mn"), limit=chance.choice([2, 4, 9])),
        lambda: StillHolds(person_id=chance.choice(["ann", "ann", "bob"]), holding=LEAD),
        lambda: KnownReference(reference=REFERENCE, field="innovation_day"),
        lambda: NotThere(force=chance.choice(["kent", "essex"]), reference="CLM-0000-0003"),
    ]
    return chance.choice(makers)()


def outcome(parts: Parts, changes: list[Change]) -> object:
    """What became of a commit: stored, the place of the change that was refused, or a wrong transaction."""
    try:
        parts.records.commit(changes)
    except ChangeRefused as error:
        return next(place for place, change in enumerate(changes) if change is error.change)
    except Exception as error:
        code = getattr(error, "cause_response_code", "")
        assert code == "ValidationException" or isinstance(error, fakes.RefusedOperation), code
        return "wrong"
    return "stored"


@pytest.mark.parametrize("seed", range(2))
def test_the_fake_and_dynamodb_agree_on_whatever_is_committed(dynamo_parts: Parts, seed: int) -> None:
    chance = random.Random(seed)
    both = (furnish(dynamo_parts), furnish(fakes.parts()))
    for parts in both:
        parts.records.commit(added()[1])
    outcomes: Counter[object] = Counter()
    for _ in range(60):
        changes = [a_change(chance) for _ in range(chance.choice([1, 1, 1, 2, 2, 3, 5]))]
        real, fake = (outcome(parts, changes) for parts in both)
        assert real == fake, changes
        outcomes[real] += 1
        delivery_id = chance.choice([HELD.id, "mail.receipt.1", "mail.receipt.2"])
        now = MONDAY + timedelta(minutes=chance.choice([0, 5, 10, 15]))
        what = chance.randrange(8)
        for parts in both:
            if what == 0:
                parts.outbox.claim(delivery_id, now=now, until=now + timedelta(minutes=3))
            delivery = parts.outbox.get(delivery_id)
            if delivery and delivery.parcel:
                continue
            if what == 1 and delivery is not None:
                parts.outbox.failed(delivery, error="E", again_at=now)
            elif what == 2 and delivery is not None:
                parts.outbox.done(delivery, at=now)
        assert stored(both[0]) == stored(both[1]), changes
    assert min(outcomes["stored"], outcomes[0]) > 10, outcomes


def test_a_hundred_operations_are_one_commit_and_one_more_is_none(parts: Parts) -> None:
    first, *others = [an_audit(str(n)) for n in range(101)]
    tries = ([first, *others], others, [first])
    assert [outcome(parts, some) for some in tries] == ["wrong", "stored", "stored"]
