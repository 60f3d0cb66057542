"""Bearer tokens: kept under their person, read with them, ended once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chalicelib.domain.people.person_changes import PersonChange, What
from chalicelib.domain.people.tokens import Scope, Token
from chalicelib.services.ports import Parts
from tests.builders import MONDAY, a_person

DAY = timedelta(days=1)


def a_token(
    digest: str = "a" * 64,
    person_id: str = "ann",
    made_at: datetime = MONDAY,
    last_used_at: datetime | None = None,
) -> Token:
    return Token(
        digest=digest,
        person_id=person_id,
        name="Nightly figures, Ŵyl",
        scopes=frozenset({Scope.READ, Scope.MANAGE}),
        made_at=made_at,
        made_by="ann",
        expires_at=made_at + 30 * DAY,
        last_used_at=last_used_at,
    )


def a_change(token: Token, what: What = What.TOKEN_MADE) -> PersonChange:
    return PersonChange(
        id=f"{what.value}-{token.id}",
        person_id=token.person_id,
        at=MONDAY,
        actor="ann",
        what=what,
        about=token.name,
    )


def keep(parts: Parts, token: Token) -> Token:
    assert parts.tokens.add(token, a_change(token))
    return token


@pytest.fixture(autouse=True)
def _ann(parts: Parts) -> None:
    parts.people.register([a_person("ann", "coordinator@kent"), a_person("bob")])  # type: ignore[attr-defined]


def test_a_token_comes_back_with_its_person_in_one_look(parts: Parts) -> None:
    token = keep(parts, a_token())
    look = parts.tokens.token_and_holder
    assert look(token.digest, "ann", now=MONDAY) == (token, parts.people.person("ann"))
    assert look("b" * 64, "ann", now=MONDAY) == (None, parts.people.person("ann"))
    assert look(token.digest, "bob", now=MONDAY) == (None, parts.people.person("bob"))
    assert look(token.digest, "nobody", now=MONDAY) == (None, None)


def test_a_token_that_expired_is_none_whether_or_not_it_was_removed(parts: Parts) -> None:
    token = keep(parts, a_token())
    last = token.expires_at - timedelta(microseconds=1)
    assert parts.tokens.token_and_holder(token.digest, "ann", now=last)[0] == token
    assert parts.tokens.token_and_holder(token.digest, "ann", now=token.expires_at)[0] is None
    assert parts.tokens.of("ann") == [token]


def test_tokens_of_a_person_are_theirs_alone_and_the_newest_comes_first(parts: Parts) -> None:
    older = keep(parts, a_token("c" * 64))
    newer = keep(parts, a_token("b" * 64, made_at=MONDAY + DAY))
    keep(parts, a_token("d" * 64, person_id="bob"))
    assert parts.tokens.of("ann") == [newer, older]
    assert parts.tokens.of("nobody") == []


def test_whoever_is_not_registered_gets_no_token(parts: Parts) -> None:
    token = a_token(person_id="nobody")
    assert not parts.tokens.add(token, a_change(token))
    assert parts.tokens.of("nobody") == []


def test_a_token_is_never_kept_in_place_of_another(parts: Parts) -> None:
    first = keep(parts, a_token())
    second = a_token(made_at=MONDAY + DAY)
    assert not parts.tokens.add(second, a_change(second))
    assert parts.tokens.of("ann") == [first]


def test_a_token_ends_once(parts: Parts) -> None:
    token, other = keep(parts, a_token()), keep(parts, a_token("b" * 64))
    assert parts.tokens.end(token, a_change(token, What.TOKEN_REVOKED))
    assert not parts.tokens.end(token, a_change(token, What.TOKEN_REVOKED))
    assert parts.tokens.token_and_holder(token.digest, "ann", now=MONDAY)[0] is None
    assert parts.tokens.of("ann") == [other]


def test_a_use_is_written_down_once_an_hour(parts: Parts) -> None:
    token = keep(parts, a_token())
    for minutes, noted in ((5, 5), (64, 5), (65, 65), (70, 65)):
        parts.tokens.used(token, at=MONDAY + timedelta(minutes=minutes))
        (kept,) = parts.tokens.of("ann")
        assert kept.last_used_at == MONDAY + timedelta(minutes=noted)


def test_using_a_token_that_was_just_revoked_does_not_bring_it_back(parts: Parts) -> None:
    token = keep(parts, a_token())
    parts.tokens.end(token, a_change(token, What.TOKEN_REVOKED))
    parts.tokens.used(token, at=MONDAY)
    assert parts.tokens.of("ann") == []


def test_all_tokens_of_a_person_end_at_once_and_doing_it_again_is_harmless(parts: Parts) -> None:
    keep(parts, a_token())
    keep(parts, a_token("b" * 64))
    others = keep(parts, a_token("d" * 64, person_id="bob"))
    assert parts.tokens.end_all("ann") == 2
    assert parts.tokens.end_all("ann") == 0
    assert parts.tokens.of("ann") == []
    assert parts.tokens.of("bob") == [others]
