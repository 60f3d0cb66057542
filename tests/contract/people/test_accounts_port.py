"""Accounts: pairs that only one caller changes, sources that are counted, sessions that end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.delivery import deliveries
from chalicelib.domain.people import pairs
from chalicelib.domain.people.accounts import Session, new_session
from chalicelib.domain.people.pairs import Pair
from chalicelib.services.changes import (
    AddDelivery,
    AddSession,
    ChangeRefused,
    CountSource,
    KeepPair,
    ProveSession,
)
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, a_delivery, a_person

MAILBOX, OTHER = pairs.mailbox_of("ann@example.org"), pairs.mailbox_of("bob@example.org")


def a_session(secret: str = "e", person_id: str = "ann", **changes: object) -> Session:
    session = new_session(secret, person_id, csrf="csrf", now=MONDAY, browser="Firefox on Linux")
    return replace(session, **changes)


def a_full_pair() -> Pair:
    """One in which nothing is left out."""
    pair, _ = pairs.asked(Pair(mailbox=MAILBOX), MONDAY, nonce="n", person_id="ann", submission="kent.CLM-1")
    moments = tuple(MONDAY + timedelta(microseconds=number) for number in range(3))
    return replace(pair, is_long=True, used_at=MONDAY, wrong=moments, proved=("kent.CLM-2",))


def keep(parts: Parts, pair: Pair) -> bool:
    try:
        parts.records.commit([KeepPair(pair=pair)])
    except ChangeRefused as refused:
        assert isinstance(refused.change, KeepPair)
        return False
    return True


# Pairs


def test_a_pair_is_read_as_it_was_kept(parts: Parts) -> None:
    pair = a_full_pair()
    assert keep(parts, pair)
    assert parts.accounts.pairs([MAILBOX]) == [pair]


def test_a_pair_loses_what_it_has_no_more(parts: Parts) -> None:
    keep(parts, a_full_pair())
    emptied = Pair(mailbox=MAILBOX, version=2)
    assert keep(parts, emptied)
    assert parts.accounts.pairs([MAILBOX]) == [emptied]


def test_a_mailbox_that_nobody_asked_about_has_a_pair_of_version_0(parts: Parts) -> None:
    keep(parts, a_full_pair())
    assert parts.accounts.pairs([OTHER, MAILBOX]) == [Pair(mailbox=OTHER), a_full_pair()]
    assert parts.accounts.pairs([]) == []


def test_of_two_who_saw_the_same_pair_one_changes_it(parts: Parts) -> None:
    first = Pair(mailbox=MAILBOX, version=1, changed_at=MONDAY)
    assert keep(parts, first)
    assert not keep(parts, first), "there is one by now"
    second = replace(first, version=2, nonce="mine")
    assert keep(parts, second)
    assert not keep(parts, replace(second, nonce="theirs"))
    assert not keep(parts, replace(second, version=4))
    assert parts.accounts.pairs([MAILBOX]) == [second]


def test_with_a_pair_that_is_refused_nothing_else_is_kept(parts: Parts) -> None:
    keep(parts, Pair(mailbox=MAILBOX, version=1))
    mail = a_delivery("mail.sign-in-code.a")
    with pytest.raises(ChangeRefused):
        parts.records.commit(
            [
                KeepPair(pair=Pair(mailbox=MAILBOX, version=1)),
                AddDelivery(delivery=mail),
                AddSession(session=a_session()),
                CountSource(source="s", hour=MONDAY, limit=1),
            ]
        )
    assert parts.outbox.get(mail.id) is None
    assert parts.accounts.sessions("ann", now=MONDAY) == []
    parts.records.commit([CountSource(source="s", hour=MONDAY, limit=1)])


def test_what_is_for_nobody_is_delivered_to_nobody(parts: Parts) -> None:
    unsent = deliveries.unsent("a", now=MONDAY)
    parts.records.commit([KeepPair(pair=Pair(mailbox=MAILBOX, version=1)), AddDelivery(delivery=unsent)])
    later = MONDAY + timedelta(days=1)
    assert parts.outbox.due(later, limit=10) == []
    assert parts.outbox.get(unsent.id) is None
    assert parts.outbox.claim(unsent.id, now=later, until=later) is None


# Sources


def test_a_source_is_counted_up_to_its_limit_in_each_hour(parts: Parts) -> None:
    def count(source: str = "s", hours: int = 0) -> bool:
        try:
            parts.records.commit([CountSource(source=source, hour=MONDAY + timedelta(hours=hours), limit=3)])
        except ChangeRefused as refused:
            assert isinstance(refused.change, CountSource)
            return False
        return True

    assert [count() for _ in range(5)] == [True] * 3 + [False] * 2
    assert count("another")
    assert count(hours=1)


# Sessions


def test_a_session_is_known_until_it_expires(parts: Parts) -> None:
    one = a_session(used_at=MONDAY + timedelta(hours=11))
    parts.accounts.add_session(one)
    look = parts.accounts.session_and_holder
    assert look(one.digest, "ann", now=MONDAY) == (one, None)
    assert look(one.digest, "ann", now=one.expires_at - timedelta(microseconds=1)) == (one, None)
    assert look(one.digest, "ann", now=one.expires_at) == (None, None)
    assert look("0" * 64, "ann", now=MONDAY) == (None, None)
    assert look(one.digest, "bob", now=MONDAY) == (None, None), "it is kept with its holder"


def test_a_session_that_nobody_uses_is_over_after_two_hours(parts: Parts) -> None:
    one = a_session()
    parts.accounts.add_session(one)
    almost, over = (MONDAY + timedelta(hours=2, seconds=seconds) for seconds in (-1, 0))
    assert parts.accounts.session_and_holder(one.digest, "ann", now=almost)[0] == one
    assert parts.accounts.session_and_holder(one.digest, "ann", now=over)[0] is None
    assert parts.accounts.sessions("ann", now=over) == []
    parts.accounts.note_use(one, at=almost)
    assert parts.accounts.session_and_holder(one.digest, "ann", now=over)[0] == replace(one, used_at=almost)


def test_a_session_and_whose_it_is_come_in_one_look(parts: Parts) -> None:
    one, ann = a_session(), a_person("ann")
    parts.records.commit([AddSession(session=one)])
    parts.people.register([ann])  # type: ignore[attr-defined]
    look = parts.accounts.session_and_holder
    assert look(one.digest, "ann", now=MONDAY) == (one, ann)
    assert look(one.digest, "ann", now=one.expires_at) == (None, ann)
    assert look("0" * 64, "ann", now=MONDAY) == (None, ann)
    assert look("0" * 64, "nobody", now=MONDAY) == (None, None)


def test_a_persons_sessions_are_listed_the_one_used_last_first(parts: Parts) -> None:
    older, newer = a_session("older"), a_session("newer", used_at=MONDAY + timedelta(minutes=5))
    for one in (older, newer, a_session("other", person_id="bob"), a_session("x", person_id="annabel")):
        parts.accounts.add_session(one)
    parts.people.register([a_person("ann")])  # type: ignore[attr-defined]
    assert parts.accounts.sessions("ann", now=MONDAY) == [newer, older]


def test_a_session_ends_and_ending_it_again_is_harmless(parts: Parts) -> None:
    one, other = a_session("one"), a_session("other")
    for session in (one, other):
        parts.accounts.add_session(session)
    parts.accounts.end_session("bob", one.digest)
    assert len(parts.accounts.sessions("ann", now=MONDAY)) == 2, "it is not Bob's to end"
    for _ in range(2):
        parts.accounts.end_session("ann", one.digest)
    assert parts.accounts.sessions("ann", now=MONDAY) == [other]


def test_a_session_that_ended_is_not_begun_anew_by_a_use(parts: Parts) -> None:
    one = a_session()
    parts.accounts.add_session(one)
    parts.accounts.end_session("ann", one.digest)
    parts.accounts.note_use(one, at=MONDAY)
    assert parts.accounts.sessions("ann", now=MONDAY) == []


def test_all_sessions_of_a_person_end_but_one_where_it_is_named(parts: Parts) -> None:
    ann = a_person("ann")
    parts.people.register([ann])  # type: ignore[attr-defined]
    mine, bobs = a_session("mine"), a_session("bobs", person_id="bob")
    for one in (mine, bobs, *(a_session(f"{number}") for number in range(4))):
        parts.accounts.add_session(one)
    parts.accounts.end_all_sessions("ann", except_for=mine.digest)
    assert parts.accounts.sessions("ann", now=MONDAY) == [mine]
    for _ in range(2):
        parts.accounts.end_all_sessions("ann")
    assert parts.accounts.sessions("ann", now=MONDAY) == []
    assert parts.accounts.sessions("bob", now=MONDAY) == [bobs]
    assert parts.people.person("ann") == ann


def test_a_session_is_proved_anew_and_one_that_ended_is_not(parts: Parts) -> None:
    one, later = a_session(), MONDAY + timedelta(hours=1)
    parts.accounts.add_session(one)
    parts.records.commit([ProveSession(session=one, at=later)])
    assert parts.accounts.sessions("ann", now=later) == [replace(one, proved_at=later, used_at=later)]
    parts.accounts.end_session("ann", one.digest)
    with pytest.raises(ChangeRefused):
        parts.records.commit([ProveSession(session=one, at=later)])
    assert parts.accounts.sessions("ann", now=later) == []


def test_a_session_is_never_overwritten(parts: Parts) -> None:
    parts.accounts.add_session(a_session())
    with pytest.raises(ChangeRefused):
        parts.records.commit([AddSession(session=a_session(csrf="another"))])
    with pytest.raises(Exception):  # noqa: B017 - secrets are random: whoever meets this has found a fault
        parts.accounts.add_session(a_session(csrf="another"))
    assert parts.accounts.sessions("ann", now=MONDAY) == [a_session()]


@pytest.mark.parametrize("odd", ["a#b", "x" * 500, "é"])
def test_odd_ids_are_unknown_not_failures(parts: Parts, odd: str) -> None:
    assert parts.accounts.session_and_holder(odd, odd, now=MONDAY) == (None, None)
    parts.accounts.end_session(odd, odd)
