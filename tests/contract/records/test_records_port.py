"""Records: all changes or none, each on the condition that it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.people.people import Holding
from chalicelib.domain.records.submissions import STATUSES, Standing, Status, TaskState, Undo
from chalicelib.domain.records.timeline import faults
from chalicelib.services.changes import (
    AddDelivery,
    AddEntry,
    AddSubmission,
    AddTask,
    Change,
    ChangeRefused,
    ChangeSubmission,
    CloseTask,
    KeepKey,
    KeepToken,
    KnownReference,
    MoveMoney,
    StillHolds,
)
from chalicelib.services.ports import Listed, Parts, Waiting
from chalicelib.services.revision import with_entry
from tests.builders import (
    ENDED,
    MONDAY,
    PERSONAL,
    REFERENCE,
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
NEXT = MONDAY + timedelta(days=6, hours=1, microseconds=123_457)
AN_UNDO = Undo(
    task=2,
    until=MONDAY + timedelta(minutes=10, microseconds=1),
    sequence=4,
    before=Standing(
        status=Status.CHANGES_REQUESTED,
        stage="programme",
        asked_as=AskedAs.CLAIMANT,
        waiting_for="claimant",
        due_at=MONDAY + timedelta(days=20, microseconds=999_999),
        next_at=MONDAY + timedelta(days=10, microseconds=7),
        reminded=1,
        approved_by={"force-lead": ("lead-kent", "deputy-kent"), "programme": ()},
        reserved_pence=599_999,
        committed_pence=1,
        sitting=4,
    ),
    deliveries=("mail.moved-on.kent.CLM.1.3", "answer.CLM.3"),
)


def refused(parts: Parts, *changes: Change) -> Change:
    """The change because of which nothing was stored."""
    with pytest.raises(ChangeRefused) as caught:
        parts.records.commit(changes)
    return caught.value.change


def test_what_was_stored_comes_back_as_it_was(parts: Parts) -> None:
    answers = {**a_submission().answers, "event_title": "Syniadau — 😀 “Ŵ”", "purpose": "one\ntwo"}
    one, changes = added(answers=answers, next_at=NEXT)
    parts.records.commit(changes)
    case = parts.records.of("kent").case(REFERENCE)
    assert case.submission == one
    assert case.personal == PERSONAL
    assert (case.tasks, case.token, dict(case.texts), case.versions) == ((), "", {}, ())
    assert [entry.action for entry in case.entries] == ["submitted"]


def test_where_nothing_comes_before_it_the_deadline_is_the_next_date(parts: Parts) -> None:
    one, changes = added(next_at=None)
    parts.records.commit(changes)
    assert parts.records.of("kent").case(REFERENCE).submission == replace(one, next_at=one.due_at)
    moved, changes = changed(one, next_at=None, due_at=NEXT)
    parts.records.commit(changes)
    assert parts.records.of("kent").case(REFERENCE).submission == replace(moved, next_at=NEXT)


def test_a_reference_is_given_out_once_even_to_two_forces(parts: Parts) -> None:
    parts.records.commit(added()[1])
    again = added(force="essex", amount_pence=1)[1]
    assert refused(parts, *again) == again[0]
    with pytest.raises(NotFound):
        parts.records.of("essex").case(REFERENCE)
    assert parts.records.of("kent").case(REFERENCE).submission.amount_pence == 600_000


def test_one_force_cannot_name_another_forces_submission(parts: Parts) -> None:
    parts.records.commit(added()[1])
    for force in ("essex", "", "kent#", "KENT"):
        with pytest.raises(NotFound):
            parts.records.of(force).case(REFERENCE)
    with pytest.raises(NotFound):
        parts.records.of("essex").case(f"kent#{REFERENCE}")


def test_the_force_of_a_reference_is_known(parts: Parts) -> None:
    parts.records.commit(added()[1])
    assert parts.records.force_of(REFERENCE) == "kent"
    with pytest.raises(NotFound):
        parts.records.force_of("CLM-2222-2223")


def test_a_change_stores_what_changed(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    moved, changes = changed(
        one,
        status=Status.IN_REVIEW,
        stage="programme",
        asked_as=AskedAs.DEPUTY,
        round=2,
        claimant_id="somebody",
        waiting_for="programme-manager",
        due_at=MONDAY + timedelta(days=9, microseconds=1),
        next_at=NEXT,
        reminded=2,
        reserved_pence=600_000,
        committed_pence=1,
        moved_to="essex",
        undo=AN_UNDO,
        tasks=3,
        approved_by={"force-lead": ("lead-kent",), "panel": ("ann", "bob", "eve"), "nobody": ()},
    )
    parts.records.commit(changes)
    assert parts.records.of("kent").case(REFERENCE).submission == moved
    back, changes = changed(moved, claimant_id="", moved_to="", undo=None, approved_by={}, reserved_pence=0)
    parts.records.commit(changes)
    assert parts.records.of("kent").case(REFERENCE).submission == back


@pytest.mark.parametrize(
    "undo",
    [
        AN_UNDO,
        replace(AN_UNDO, deliveries=()),
        replace(AN_UNDO, before=replace(AN_UNDO.before, due_at=None, next_at=None, approved_by={})),
    ],
)
def test_what_an_undo_puts_back_comes_back_to_the_microsecond(parts: Parts, undo: Undo) -> None:
    one, changes = added(undo=undo, next_at=NEXT)
    parts.records.commit(changes)
    stored = parts.records.of("kent").case(REFERENCE).submission
    assert stored.undo == undo
    assert stored == one
    assert stored.put_back(undo.before) == one.put_back(undo.before)


def test_what_has_ended_waits_for_no_date(parts: Parts) -> None:
    one, changes = added(next_at=NEXT)
    parts.records.commit(changes)
    ended, changes = changed(one, status=Status("rejected"), waiting_for="", due_at=None, next_at=None)
    parts.records.commit(changes)
    assert parts.records.of("kent").case(REFERENCE).submission == ended
    back, changes = changed(
        ended, status=Status.IN_REVIEW, waiting_for="fund-holder", due_at=one.due_at, next_at=NEXT
    )
    parts.records.commit(changes)
    assert parts.records.of("kent").case(REFERENCE).submission == back


def test_a_change_rewrites_neither_the_answers_nor_the_amount(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    _, changes = changed(
        one,
        answers={"event_title": "Another"},
        amount_pence=1,
        version=2,
        submitted_at=MONDAY.replace(hour=1),
    )
    parts.records.commit(changes)
    stored = parts.records.of("kent").case(REFERENCE).submission
    assert (stored.answers, stored.amount_pence, stored.version) == (one.answers, 600_000, 1)
    assert stored.submitted_at == MONDAY


def test_an_amendment_rewrites_them(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    moved, (_, entry) = changed(
        one,
        title="Another — Ŵ",
        answers={"event_title": "Another — Ŵ"},
        amount_pence=1,
        version=2,
        next_at=NEXT,
        submitted_at=MONDAY.replace(hour=1),
    )
    parts.records.commit([ChangeSubmission(submission=moved, amended=True), entry])
    stored = parts.records.of("kent").case(REFERENCE).submission
    assert stored == replace(moved, submitted_at=MONDAY)
    (listed,) = parts.records.of("kent").newest("funding-claim", limit=5)
    assert (listed.title, listed.amount_pence) == ("Another — Ŵ", 1)


def test_a_stale_copy_cannot_overwrite(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    parts.records.commit(changed(one, round=2)[1])
    stale = replace(one, revision=one.revision + 1, round=3)
    assert refused(parts, ChangeSubmission(submission=stale)) == ChangeSubmission(submission=stale)
    assert parts.records.of("kent").case(REFERENCE).submission.round == 2


def test_a_change_from_the_future_is_refused(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    change = ChangeSubmission(submission=replace(one, revision=one.revision + 2))
    assert refused(parts, change) == change


def test_a_change_of_what_is_not_there_makes_no_phantom(parts: Parts) -> None:
    change = ChangeSubmission(submission=a_submission(revision=2))
    assert refused(parts, change) == change
    with pytest.raises(NotFound):
        parts.records.of("kent").case(REFERENCE)
    task = CloseTask(task=a_task(state=TaskState.OVERTAKEN))
    assert refused(parts, task) == task
    assert list(parts.records.waiting()) == []


def test_where_one_change_does_not_hold_nothing_is_stored(parts: Parts) -> None:
    parts.funds.open_fund("ptf", name="fund", total_pence=100_000, caps={"kent": 100_000})  # type: ignore[attr-defined]
    one, changes = added(next_at=NEXT)
    parts.records.commit(changes)
    moved, later = changed(one, status=Status.IN_REVIEW)
    everything = [
        *later,
        AddTask(task=a_task()),
        KeepToken(submission=moved, token="token"),
        AddDelivery(delivery=a_delivery()),
        KeepKey(record=a_key()),
        MoveMoney(movement=a_movement()),
    ]
    lost = StillHolds(person_id="lead-kent", holding=LEAD)
    assert refused(parts, *everything, lost) == lost
    case = parts.records.of("kent").case(REFERENCE)
    assert (case.submission, case.tasks, case.token, len(case.entries)) == (one, (), "", 1)
    assert parts.outbox.get("mail.receipt.1") is None
    assert parts.records.key("funding-claim", "key-1", now=MONDAY) is None
    assert parts.funds.fund("ptf").balance.reserved == 0
    parts.records.commit(everything)
    assert parts.funds.fund("ptf").balance.reserved == 10_000


def test_a_refusal_names_the_change_wherever_it_stands_in_the_list(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit([*changes, AddTask(task=a_task())])
    taken = AddTask(task=a_task(person_id="somebody-else"))
    _, later = changed(one)
    for order in ([taken, *later], [*later, taken]):
        assert refused(parts, *order) == taken


def test_two_changes_of_one_item_are_refused_whole(parts: Parts) -> None:
    with pytest.raises(Exception):  # noqa: B017 - DynamoDB says ValidationException, each store in its own words
        parts.records.commit([AddDelivery(delivery=a_delivery()), AddDelivery(delivery=a_delivery())])
    assert parts.outbox.get("mail.receipt.1") is None


def test_a_task_comes_back_as_it_was_and_by_number(parts: Parts) -> None:
    one, changes = added()
    tasks = [a_task(number, asked_as=AskedAs.DEPUTY) for number in (1, 2, 10, 11)]
    parts.records.commit([*changes, *(AddTask(task=task) for task in reversed(tasks))])
    case = parts.records.of("kent").case(REFERENCE)
    assert list(case.tasks) == tasks
    assert case.task(10) == tasks[2]


def test_a_task_is_decided_once(parts: Parts) -> None:
    parts.records.commit([*added()[1], AddTask(task=a_task())])
    done = a_task(state=TaskState.DECIDED, decision="approve", decided_at=MONDAY, seen="s" * 64)
    parts.records.commit([CloseTask(task=done)])
    for state in (TaskState.DECIDED, TaskState.OVERTAKEN):
        other = CloseTask(task=replace(done, state=state, decision="reject"))
        assert refused(parts, other) == other
    assert parts.records.of("kent").case(REFERENCE).tasks == (done,)


def test_an_overtaken_task_cannot_be_decided(parts: Parts) -> None:
    parts.records.commit([*added()[1], AddTask(task=a_task())])
    parts.records.commit([CloseTask(task=a_task(state=TaskState.OVERTAKEN))])
    decided = CloseTask(task=a_task(state=TaskState.DECIDED, decision="approve", decided_at=MONDAY))
    assert refused(parts, decided) == decided
    assert parts.records.of("kent").case(REFERENCE).open_task is None


def test_a_place_in_the_timeline_is_written_once(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    parts.records.commit([an_entry(one, "first")])
    second = an_entry(one, "second")
    assert refused(parts, second) == second
    assert parts.records.of("kent").case(REFERENCE).texts[1].words == "first"


def test_a_timeline_verifies_after_it_was_stored(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    for number in range(12):
        moved, entry = with_entry(
            replace(one, revision=one.revision + 1),
            at=MONDAY + timedelta(microseconds=number * 7 + 1),
            action="decided",
            stage="force-lead",
            actor="lead-kent",
            role="innovation-lead",
            details={"decision": "approve", "amount_pence": number, "seen": "s" * 64},
            words=f"Diolch — “{number}”\n" if number % 2 else "",
            salt=f"salt-{number}" if number % 2 else "",
        )
        parts.records.commit([ChangeSubmission(submission=moved), entry])
        one = moved
    case = parts.records.of("kent").case(REFERENCE)
    assert len(case.entries) == 13
    assert len(case.texts) == 6
    assert faults(case.entries, case.submission.chain, case.texts) == []


def test_the_newest_token_is_kept_whole(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    for token in ("T" * 2048, "U" * 2047 + "="):
        one, changes = changed(one)
        parts.records.commit([*changes, KeepToken(submission=one, token=token)])
        assert parts.records.of("kent").case(REFERENCE).token == token


def test_a_key_is_kept_once_while_it_lives(parts: Parts) -> None:
    record = a_key()
    parts.records.commit([KeepKey(record=record)])
    other = KeepKey(record=a_key(fingerprint="0" * 64, submitted_at=MONDAY + timedelta(hours=23)))
    assert refused(parts, other) == other
    assert parts.records.key("funding-claim", "key-1", now=MONDAY + timedelta(hours=23)) == record


def test_an_expired_key_may_be_used_anew(parts: Parts) -> None:
    parts.records.commit([KeepKey(record=a_key())])
    later = MONDAY + timedelta(hours=25)
    assert parts.records.key("funding-claim", "key-1", now=later) is None
    anew = a_key(fingerprint="0" * 64, submitted_at=later, expires_at=later + timedelta(hours=24))
    parts.records.commit([KeepKey(record=anew)])
    assert parts.records.key("funding-claim", "key-1", now=later) == anew


def test_at_the_moment_it_expires_a_key_is_either_known_or_free(parts: Parts) -> None:
    record = a_key()
    parts.records.commit([KeepKey(record=record)])
    expiry = record.expires_at
    if parts.records.key("funding-claim", "key-1", now=expiry) is None:
        parts.records.commit(
            [KeepKey(record=a_key(submitted_at=expiry, expires_at=expiry + timedelta(hours=24)))]
        )


def test_a_key_belongs_to_its_form(parts: Parts) -> None:
    parts.records.commit([KeepKey(record=a_key())])
    parts.records.commit([KeepKey(record=a_key(form="idea"))])
    assert parts.records.key("learning", "key-1", now=MONDAY) is None


@pytest.mark.parametrize("key", ["a#b", "#", "KEY#x#y", "!$%&'()*+,-./:;<=>?@[]^_`{|}~", "k" * 255])
def test_a_key_may_hold_any_printable_character(parts: Parts, key: str) -> None:
    record = a_key(key)
    parts.records.commit([KeepKey(record=record)])
    assert parts.records.key("funding-claim", key, now=MONDAY) == record


def test_whoever_holds_the_role_there_still_holds_it(parts: Parts) -> None:
    parts.people.register([a_person("ann", "innovation-lead@kent")])  # type: ignore[attr-defined]
    parts.records.commit([StillHolds(person_id="ann", holding=LEAD), AddDelivery(delivery=a_delivery())])
    for person_id, role, at in (
        ("ann", "innovation-lead", "essex"),
        ("ann", "programme-manager", "kent"),
        ("bob", "innovation-lead", "kent"),
    ):
        change = StillHolds(person_id=person_id, holding=Holding(role=role, at=at))
        assert refused(parts, change, AddDelivery(delivery=a_delivery("mail.other.1"))) == change


def test_a_reference_that_is_named_must_exist(parts: Parts) -> None:
    change = KnownReference(reference=REFERENCE, field="innovation_day")
    assert refused(parts, change, AddDelivery(delivery=a_delivery())) == change
    parts.records.commit(added()[1])
    parts.records.commit([change, AddDelivery(delivery=a_delivery())])


def test_what_is_open_waits_and_what_is_decided_does_not(parts: Parts) -> None:
    ones = {}
    for number, status in enumerate(STATUSES):
        reference = f"CLM-0000-00{number:02d}"
        one, changes = added(reference=reference)
        parts.records.commit(changes)
        is_open = status not in ENDED
        moved, changes = changed(one, status=status, asked_as=list(AskedAs)[number % 4])
        parts.records.commit(changes)
        if is_open:
            ones[reference] = moved.asked_as
    waiting = list(parts.records.waiting())
    assert {one.force for one in waiting} == {"kent"}
    assert {one.round for one in waiting} == {1}
    assert {one.reference: one.turn for one in waiting} == ones
    assert len(ones) == 5


def test_what_waits_comes_by_its_next_date_not_by_its_deadline(parts: Parts) -> None:
    for reference, next_in, due_in in (("A", 3, 9), ("B", 1, 8), ("C", 7, 7), ("D", 2, 20)):
        dates = {"next_at": MONDAY + timedelta(days=next_in), "due_at": MONDAY + timedelta(days=due_in)}
        parts.records.commit(added(reference=f"CLM-0000-000{reference}", **dates)[1])
    assert [one.reference[-1] for one in parts.records.waiting()] == ["B", "D", "A", "C"]
    second = MONDAY + timedelta(days=2)
    assert [one.reference[-1] for one in parts.records.due(second)] == ["B", "D"], "at the moment itself"
    assert [one.reference[-1] for one in parts.records.due(second - timedelta(microseconds=1))] == ["B"]
    assert list(parts.records.due(MONDAY)) == []


def test_what_was_followed_up_is_due_at_its_next_date_and_in_its_turn(parts: Parts) -> None:
    one, changes = added(next_at=NEXT, asked_as=AskedAs.APPROVER, round=3)
    parts.records.commit(changes)
    later = MONDAY + timedelta(days=30)
    _, changes = changed(one, next_at=later, asked_as=AskedAs.COORDINATORS)
    parts.records.commit(changes)
    assert list(parts.records.due(NEXT)) == []
    due = Waiting(force="kent", reference=REFERENCE, round=3, turn=AskedAs.COORDINATORS)
    assert list(parts.records.due(later)) == [due]
    assert list(parts.records.waiting()) == [due]


def test_a_force_lists_its_submissions_of_a_form_the_newest_first(parts: Parts) -> None:
    for number in range(5):
        title = {"event_title": f"Day {number}"}
        moment = MONDAY + timedelta(minutes=(number * 7) % 5, microseconds=number)
        one = a_submission(reference=f"CLM-0000-000{number}", answers=title, submitted_at=moment)
        parts.records.commit(added(one)[1])
    parts.records.commit(added(reference="CLM-1111-1111", force="essex")[1])
    parts.records.commit(added(reference="CLM-1111-1112", form="learning")[1])
    newest = parts.records.of("kent").newest("funding-claim", limit=3)
    assert [one.title for one in newest] == ["Day 2", "Day 4", "Day 1"]
    assert newest[0] == Listed(
        reference="CLM-0000-0002",
        form="funding-claim",
        title="Day 2",
        force="kent",
        status=Status.SUBMITTED,
        stage="force-lead",
        turn=AskedAs.APPROVER,
        waiting_for="innovation-lead",
        due_at=MONDAY + timedelta(days=7),
        amount_pence=600_000,
        submitted_at=MONDAY + timedelta(minutes=4, microseconds=2),
    )
    assert len(parts.records.of("kent").newest("funding-claim", limit=50)) == 5
    assert parts.records.of("surrey").newest("funding-claim", limit=5) == []


def test_a_list_tells_the_status_of_now(parts: Parts) -> None:
    one, changes = added(answers={})
    parts.records.commit(changes)
    parts.records.commit(changed(one, status=Status.WITHDRAWN, due_at=None)[1])
    (listed,) = parts.records.of("kent").newest("funding-claim", limit=5)
    assert (listed.status, listed.title) == (Status.WITHDRAWN, REFERENCE)


@pytest.mark.parametrize("amount", [600_000.0, 0.1, True, "600000"])
def test_only_whole_numbers_are_money(parts: Parts, amount: object) -> None:
    one, entry = with_entry(a_submission(), at=MONDAY, action="submitted")
    with pytest.raises(TypeError):
        parts.records.commit(
            [AddSubmission(submission=replace(one, amount_pence=amount), personal={}), entry]
        )  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        parts.records.of("kent").case(REFERENCE)


@pytest.mark.parametrize("name", ["round", "revision", "tasks"])
def test_only_whole_numbers_count(parts: Parts, name: str) -> None:
    one, entry = with_entry(a_submission(), at=MONDAY, action="submitted")
    for value in (1.0, True):
        with pytest.raises(TypeError):
            parts.records.commit(
                [AddSubmission(submission=replace(one, **{name: value}), personal={}), entry]
            )


def test_an_entry_for_a_submission_may_hold_no_words(parts: Parts) -> None:
    one, changes = added()
    parts.records.commit(changes)
    entry = an_entry(one)
    assert isinstance(entry, AddEntry)
    parts.records.commit([entry])
    assert dict(parts.records.of("kent").case(REFERENCE).texts) == {}
