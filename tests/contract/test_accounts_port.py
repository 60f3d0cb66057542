"""Accounts: codes that run out, sessions that end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.accounts import Session, SignIn
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, a_person

EXPIRY = MONDAY + timedelta(minutes=10)


def a_sign_in(sign_in_id: str = "s1", person_id: str = "ann") -> SignIn:
    return SignIn(id=sign_in_id, person_id=person_id, code_digest="d" * 64, expires_at=EXPIRY)


def a_session(digest: str = "e" * 64) -> Session:
    return Session(digest=digest, person_id="ann", csrf="csrf", expires_at=MONDAY + timedelta(hours=12))


def test_tries_run_out(parts: Parts) -> None:
    parts.accounts.add_sign_in(a_sign_in())
    left = []
    for _ in range(5):
        found = parts.accounts.use_try("s1", now=MONDAY)
        assert found is not None
        left.append(found.tries_left)
        assert (found.id, found.person_id, found.code_digest, found.expires_at) == (
            "s1",
            "ann",
            "d" * 64,
            EXPIRY,
        )
    assert left == [4, 3, 2, 1, 0]
    assert parts.accounts.use_try("s1", now=MONDAY) is None


def test_a_sign_in_of_nobody_is_kept_the_same(parts: Parts) -> None:
    parts.accounts.add_sign_in(a_sign_in(person_id=""))
    found = parts.accounts.use_try("s1", now=MONDAY)
    assert found is not None
    assert found.person_id == ""


def test_a_sign_in_expires(parts: Parts) -> None:
    parts.accounts.add_sign_in(a_sign_in())
    assert parts.accounts.use_try("s1", now=EXPIRY - timedelta(microseconds=1)) is not None
    assert parts.accounts.use_try("s1", now=EXPIRY) is None


def test_an_unknown_sign_in_is_none_and_stays_unknown(parts: Parts) -> None:
    assert parts.accounts.use_try("s1", now=MONDAY) is None
    assert not parts.accounts.end_sign_in("s1")
    parts.accounts.add_sign_in(a_sign_in())
    found = parts.accounts.use_try("s1", now=MONDAY)
    assert found is not None
    assert found.tries_left == 4


def test_a_sign_in_ends_once(parts: Parts) -> None:
    parts.accounts.add_sign_in(a_sign_in())
    assert parts.accounts.end_sign_in("s1")
    assert not parts.accounts.end_sign_in("s1")
    assert parts.accounts.use_try("s1", now=MONDAY) is None


def test_a_sign_in_is_never_overwritten(parts: Parts) -> None:
    parts.accounts.add_sign_in(a_sign_in())
    with pytest.raises(Exception):  # noqa: B017 - ids are random: whoever meets this has found a fault
        parts.accounts.add_sign_in(a_sign_in(person_id="eve"))
    assert parts.accounts.use_try("s1", now=MONDAY).person_id == "ann"  # type: ignore[union-attr]


def test_codes_are_counted_up_to_the_limit_of_each_person_and_hour(parts: Parts) -> None:
    hour = "2027-01-11T09"
    assert [parts.accounts.count_code("ann", hour=hour, limit=3) for _ in range(5)] == [True] * 3 + [
        False
    ] * 2
    assert parts.accounts.count_code("bob", hour=hour, limit=3)
    assert parts.accounts.count_code("ann", hour="2027-01-11T10", limit=3)


def test_a_session_is_known_until_it_expires(parts: Parts) -> None:
    one = a_session()
    parts.accounts.add_session(one)
    assert parts.accounts.session(one.digest, now=MONDAY) == one
    assert parts.accounts.session(one.digest, now=one.expires_at - timedelta(microseconds=1)) == one
    assert parts.accounts.session(one.digest, now=one.expires_at) is None
    assert parts.accounts.session("0" * 64, now=MONDAY) is None


def test_a_session_and_whose_it_is_come_in_one_look(parts: Parts) -> None:
    one, ann = a_session(), a_person("ann")
    parts.accounts.add_session(one)
    parts.people.register([ann])  # type: ignore[attr-defined]
    look = parts.accounts.session_and_holder
    assert look(one.digest, "ann", now=MONDAY) == (one, ann)
    assert look(one.digest, "ann", now=one.expires_at) == (None, ann)
    assert look(one.digest, "nobody", now=MONDAY) == (one, None)
    assert look("0" * 64, "ann", now=MONDAY) == (None, ann)
    assert look("0" * 64, "nobody", now=MONDAY) == (None, None)


def test_a_session_ends_and_ending_it_again_is_harmless(parts: Parts) -> None:
    parts.accounts.add_session(a_session())
    parts.accounts.add_session(a_session("f" * 64))
    parts.accounts.end_session("e" * 64)
    parts.accounts.end_session("e" * 64)
    assert parts.accounts.session("e" * 64, now=MONDAY) is None
    assert parts.accounts.session("f" * 64, now=MONDAY) is not None


@pytest.mark.parametrize("sign_in_id", ["a#b", "", "x" * 500])
def test_odd_ids_are_unknown_not_failures(parts: Parts, sign_in_id: str) -> None:
    assert parts.accounts.use_try(sign_in_id, now=MONDAY) is None
    assert parts.accounts.session(sign_in_id, now=MONDAY) is None
