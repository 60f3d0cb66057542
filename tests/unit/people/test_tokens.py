"""Bearer tokens: made on purpose, for what their person may give, until they expire or are revoked."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import Forbidden, InvalidAnswers, NotSignedIn, Unavailable
from chalicelib.domain.people.person_changes import COMMAND, What
from chalicelib.domain.people.tokens import LONGEST_DAYS, MOST_LIVE, Scope, scopes_of
from chalicelib.services.people import tokens
from chalicelib.services.people.tokens import Made
from tests.builders import a_person
from tests.unit import scenes
from tests.unit.scenes import Scene

story = scenes.story

NATIONAL = "national-coordinator"
HOUR = timedelta(hours=1)


def make(story: Scene, person_id: str = NATIONAL, by: str = "", **given: Any) -> Made:
    wanted = {"name": "Nightly figures", "scopes": ["read"], "days": 30, **given}
    return tokens.make(story.parts, story.person(person_id), by=by or person_id, **wanted)


def pointers(story: Scene, person_id: str = NATIONAL, **given: Any) -> list[str]:
    with pytest.raises(InvalidAnswers) as caught:
        make(story, person_id, **given)
    return [problem.pointer for problem in caught.value.problems]


def changes(story: Scene) -> list[Any]:
    return sorted(story.store.of_kind("person-change"), key=lambda change: change.at)


def test_a_token_leads_to_its_person_until_it_expires(story: Scene) -> None:
    made = make(story)
    token, person = tokens.token_of(story.parts, made.secret)
    assert (token.id, token.scopes, person.id) == (made.token.id, frozenset({Scope.READ}), NATIONAL)
    story.clock.at = made.token.expires_at
    with pytest.raises(NotSignedIn):
        tokens.token_of(story.parts, made.secret)


def test_thirty_days_are_thirty_days_and_ninety_the_most(story: Scene) -> None:
    assert make(story).token.expires_at == story.clock.at + timedelta(days=30)
    assert make(story, days=LONGEST_DAYS).token.expires_at == story.clock.at + timedelta(days=90)
    for days in (0, -1, LONGEST_DAYS + 1, None):
        assert pointers(story, days=days) == ["/days"]


def test_the_secret_is_shown_once_and_only_its_digest_kept(story: Scene) -> None:
    made = make(story)
    kept = repr(story.store.items)
    assert made.secret not in kept
    assert made.token.digest in kept
    assert made.secret not in repr(made.token)


@pytest.mark.parametrize(
    "wrong", ["", ".", "syk_x", "syk_.ann", "x.national-coordinator", "é.ann", "syk_x.a#b"]
)
def test_what_is_no_token_is_nobody(story: Scene, wrong: str) -> None:
    make(story)
    with pytest.raises(NotSignedIn):
        tokens.token_of(story.parts, wrong)


def test_another_persons_id_behind_the_secret_makes_it_nobodys(story: Scene) -> None:
    secret = make(story, "coordinator-kent").secret.partition(".")[0]
    with pytest.raises(NotSignedIn):
        tokens.token_of(story.parts, f"{secret}.{NATIONAL}")


def test_a_token_of_somebody_who_is_gone_is_nobodys(story: Scene) -> None:
    made = make(story)
    story.people.remove(NATIONAL)
    with pytest.raises(NotSignedIn):
        tokens.token_of(story.parts, made.secret)


def test_what_a_token_may_do_depends_on_what_its_person_may_give() -> None:
    found = {
        role: {scope.value for scope in scopes_of(a_person("ann", role))}
        for role in ("coordinator@national", "admin@national", "coordinator@kent", "fund-holder@national")
    }
    assert found == {
        "coordinator@national": {"read", "submit", "manage"},
        "admin@national": {"read", "submit"},
        "coordinator@kent": {"read", "manage"},
        "fund-holder@national": {"read"},
    }
    assert not scopes_of(a_person("ann", "innovation-lead@kent", "chief-constable@kent"))


def test_nobody_makes_a_token_with_more_than_they_may_give(story: Scene) -> None:
    assert pointers(story, "coordinator-kent", scopes=["read", "submit"]) == ["/scopes"]
    assert pointers(story, scopes=[]) == ["/scopes"]
    assert pointers(story, scopes=["decide"]) == ["/scopes"]
    with pytest.raises(Forbidden):
        make(story, "lead-kent")


def test_a_token_does_no_more_than_its_person_may_at_that_time(story: Scene) -> None:
    made = make(story, scopes=["read", "submit", "manage"])
    story.people.register(
        [replace(story.person(NATIONAL), roles=a_person("x", "fund-holder@national").roles)]
    )
    token, person = tokens.token_of(story.parts, made.secret)
    assert [scope for scope in Scope if token.allows(scope, person)] == [Scope.READ]


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x00b"])
def test_a_name_is_one_short_line(story: Scene, name: str) -> None:
    assert pointers(story, name=name) == ["/name"]


def test_somebody_has_ten_tokens_at_most_not_counting_those_that_expired(story: Scene) -> None:
    for _ in range(MOST_LIVE):
        make(story, days=1)
    assert pointers(story) == ["/name"]
    story.clock.pass_by(days=1)
    assert make(story)
    assert len(tokens.live_tokens(story.parts, NATIONAL)) == 1


def test_the_last_use_is_noted_once_an_hour(story: Scene) -> None:
    made = make(story)
    began = story.clock.at
    for minutes, noted in ((0, 0), (59, 0), (60, 60)):
        story.clock.at = began + timedelta(minutes=minutes)
        tokens.token_of(story.parts, made.secret)
        (token,) = tokens.live_tokens(story.parts, NATIONAL)
        assert token.last_used_at == began + timedelta(minutes=noted)


def test_a_use_that_cannot_be_noted_is_a_use_all_the_same(
    story: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = make(story)

    def fails(*_: Any, **__: Any) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(story.parts.tokens, "used", fails)
    with caplog.at_level(logging.WARNING):
        assert tokens.token_of(story.parts, made.secret)[1].id == NATIONAL
    assert caplog.messages == ["could not note the use of a token"]


def test_a_revoked_token_is_nobodys_and_revoking_it_again_is_harmless(story: Scene) -> None:
    made, other = make(story), make(story)
    owner = story.person(NATIONAL)
    assert tokens.revoke(story.parts, NATIONAL, made.token.id, by=owner)
    assert not tokens.revoke(story.parts, NATIONAL, made.token.id, by=owner)
    with pytest.raises(NotSignedIn):
        tokens.token_of(story.parts, made.secret)
    assert tokens.token_of(story.parts, other.secret)


def test_the_owner_a_national_coordinator_and_a_command_revoke_and_nobody_else(story: Scene) -> None:
    def left() -> int:
        return len(tokens.live_tokens(story.parts, "coordinator-kent"))

    for by in ("lead-kent", "coordinator-essex", "finance"):
        made = make(story, "coordinator-kent")
        with pytest.raises(Forbidden):
            tokens.revoke(story.parts, "coordinator-kent", made.token.id, by=story.person(by))
    assert left() == 3
    ids = [token.id for token in tokens.live_tokens(story.parts, "coordinator-kent")]
    tokens.revoke(story.parts, "coordinator-kent", ids[0], by=story.person("coordinator-kent"))
    tokens.revoke(story.parts, "coordinator-kent", ids[1], by=story.person(NATIONAL))
    tokens.revoke(story.parts, "coordinator-kent", ids[2], by=None, actor=COMMAND)
    assert left() == 0


def test_making_and_revoking_are_in_the_persons_audit_trail(story: Scene) -> None:
    made = make(story, "coordinator-kent", by=COMMAND)
    story.clock.pass_by(minutes=1)
    tokens.revoke(story.parts, "coordinator-kent", made.token.id, by=story.person(NATIONAL))
    assert [(one.person_id, one.what, one.actor, one.about) for one in changes(story)] == [
        ("coordinator-kent", What.TOKEN_MADE, COMMAND, "Nightly figures"),
        ("coordinator-kent", What.TOKEN_REVOKED, NATIONAL, "Nightly figures"),
    ]


def test_whoever_left_meanwhile_gets_no_token(story: Scene) -> None:
    person = story.person(NATIONAL)
    story.people.remove(NATIONAL)
    with pytest.raises(Forbidden):
        tokens.make(story.parts, person, name="Late", scopes=["read"], days=1, by=NATIONAL)
    assert tokens.live_tokens(story.parts, NATIONAL) == []


def test_a_person_whose_id_no_header_can_carry_gets_none(story: Scene) -> None:
    story.people.register([a_person("ann.smith é", "coordinator@kent")])
    assert pointers(story, "ann.smith é") == ["/name"]


@pytest.mark.parametrize("call", ["add", "end"])
def test_where_the_answer_is_lost_the_list_says_what_there_is(
    story: Scene, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A token whose secret nobody saw can be revoked; one that is gone can be revoked again."""
    made = make(story) if call == "end" else None
    real = getattr(story.parts.tokens, call)

    def stores_and_fails(*given: Any) -> bool:
        monkeypatch.setattr(story.parts.tokens, call, real)
        real(*given)
        raise Unavailable("no answer")

    monkeypatch.setattr(story.parts.tokens, call, stores_and_fails)
    owner = story.person(NATIONAL)
    with pytest.raises(Unavailable):
        if made is None:
            make(story)
        else:
            tokens.revoke(story.parts, NATIONAL, made.token.id, by=owner)
    left = tokens.live_tokens(story.parts, NATIONAL)
    assert len(left) == (call == "add")
    for token in left:
        assert tokens.revoke(story.parts, NATIONAL, token.id, by=owner)
    if made is not None:
        assert not tokens.revoke(story.parts, NATIONAL, made.token.id, by=owner)
