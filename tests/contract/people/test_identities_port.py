"""Identities: each belongs to one person, whoever links it first; a state is used once."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from chalicelib.adapters.dynamodb.tables import Row
from chalicelib.domain.people.accounts import new_session
from chalicelib.domain.people.identities import Link
from chalicelib.domain.people.person_changes import PersonChange, What
from chalicelib.services.changes import AddSession, Change, ChangeRefused, LinkIdentity, UseState
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, a_person

DIGEST, OTHER = "a" * 64, "b" * 64


def a_link(person_id: str = "ann", digest: str = DIGEST, days: int = 0) -> Link:
    return Link(digest=digest, issuer="kents", person_id=person_id, linked_at=MONDAY + timedelta(days=days))


def commit(parts: Parts, *changes: Change) -> bool:
    try:
        parts.records.commit(changes)
    except ChangeRefused:
        return False
    return True


def unlink(parts: Parts, person_id: str, digest: str = DIGEST) -> bool:
    change = PersonChange(
        id=parts.draw("0123456789abcdef", 16),
        person_id=person_id,
        at=MONDAY,
        actor=person_id,
        what=What.UNLINKED,
    )
    return parts.identities.unlink(a_link(person_id, digest), change)


def test_an_identity_leads_to_its_person_and_the_person_to_all_of_theirs(parts: Parts) -> None:
    assert parts.identities.holder(DIGEST) is None
    second, first = a_link(days=1), a_link(digest=OTHER)
    for link in (second, first, a_link("bob", "c" * 64), a_link("annabel", "d" * 64)):
        assert commit(parts, LinkIdentity(link=link))
    assert (parts.identities.holder(DIGEST), parts.identities.holder(OTHER)) == ("ann", "ann")
    assert parts.identities.of_person("ann") == [first, second]
    assert parts.identities.of_person("nobody") == []


def test_an_identity_that_is_linked_is_linked_to_nobody_else_and_nothing_beside_it_is_kept(
    parts: Parts,
) -> None:
    assert commit(parts, LinkIdentity(link=a_link()))
    session = new_session("s", "bob", csrf="c", now=MONDAY)
    for person in ("bob", "ann"):
        assert not commit(parts, AddSession(session=session), LinkIdentity(link=a_link(person)))
    assert parts.identities.holder(DIGEST) == "ann"
    assert parts.identities.of_person("bob") == []
    assert parts.accounts.sessions("bob", now=MONDAY) == []


def test_of_many_who_link_an_identity_at_once_one_does(parts: Parts) -> None:
    start, done = Barrier(8), []

    def link(number: int) -> None:
        start.wait()
        if commit(parts, LinkIdentity(link=a_link(f"person-{number}"))):
            done.append(f"person-{number}")

    threads = [Thread(target=link, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [parts.identities.holder(DIGEST)]
    assert [parts.identities.of_person(f"person-{number}") for number in range(8)].count([]) == 7


def test_an_identity_is_removed_by_its_owner_alone_and_can_be_linked_again(parts: Parts) -> None:
    commit(parts, LinkIdentity(link=a_link()))
    parts.people.register([a_person("ann")])  # type: ignore[attr-defined]
    assert not unlink(parts, "bob")
    assert parts.identities.holder(DIGEST) == "ann"
    for is_there in (True, False):
        assert unlink(parts, "ann") is is_there
        assert (parts.identities.holder(DIGEST), parts.identities.of_person("ann")) == (None, [])
    assert parts.people.person("ann") == a_person("ann")
    assert commit(parts, LinkIdentity(link=a_link("bob")))
    kept = {person: [one.what for one in parts.leavings.changes(person)] for person in ("ann", "bob")}
    assert kept == {"ann": [What.UNLINKED], "bob": []}, "once, of whoever did it"


def test_a_state_is_used_once(parts: Parts) -> None:
    session = new_session("s", "ann", csrf="c", now=MONDAY)
    assert commit(parts, UseState(digest=DIGEST, expires_at=MONDAY))
    assert not commit(parts, AddSession(session=session), UseState(digest=DIGEST, expires_at=MONDAY))
    assert parts.accounts.sessions("ann", now=MONDAY) == []
    assert commit(parts, UseState(digest=OTHER, expires_at=MONDAY))


def test_a_used_state_is_removed_in_time(dynamo_parts: Parts) -> None:
    commit(dynamo_parts, UseState(digest=DIGEST, expires_at=MONDAY))
    (row,) = Row.scan()
    assert row.ttl == int((MONDAY + timedelta(days=1)).timestamp())


@pytest.mark.parametrize("odd", ["a#b", "é", "x" * 500])
def test_odd_digests_belong_to_nobody(parts: Parts, odd: str) -> None:
    assert parts.identities.holder(odd) is None
    assert not unlink(parts, "ann", odd)
