"""The security log: what signing in leaves there, and what a line holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from chalicelib.domain.errors import InvalidAnswers, Unavailable
from chalicelib.domain.people import pairs
from chalicelib.domain.records import security
from chalicelib.domain.records.security import Event
from chalicelib.services.intake import confirming
from chalicelib.services.people import sessions, signing_in
from chalicelib.services.records import status_view
from tests import fakes
from tests.builders import Story
from tests.security import Lines, security_lines
from tests.unit import scenes
from tests.unit.proof_scenes import send
from tests.unit.scenes import Scene
from tests.unit.sign_in_scenes import (
    ADDRESS,
    STRANGER,
    ask,
    code,
    enter,
    guess_wrong,
    pass_by,
    sign_in,
    token,
    wrong,
)

story = scenes.story
NETWORK = "203.0.113.77"


@pytest.fixture
def lines() -> Iterator[Lines]:
    with security_lines() as found:
        yield found


@dataclass(frozen=True)
class Asks:
    """Somebody whose request is under way."""

    request_id: str = "request-1"
    source: str = NETWORK
    known_id: str = "lead-kent"


@pytest.fixture
def asks() -> Iterator[Asks]:
    one = Asks()
    reset = security.caller.set(one)
    yield one
    security.caller.reset(reset)


def test_a_line_names_event_outcome_person_and_request_and_the_network_as_a_hash_only(
    lines: Lines, asks: Asks, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = fakes.parts()
    parts.security.note(Event.REFUSED, "forbidden")
    (line,) = lines.all
    assert (line["event"], line["outcome"]) == ("refused", "forbidden")
    assert (line["person"], line["request_id"]) == (asks.known_id, asks.request_id)
    assert line["at"] == "2027-01-11T09:30:00.000+00:00"
    assert line["source"] == parts.sources.of(NETWORK, parts.now().date())
    assert line.keys() == {"at", "event", "outcome", "person", "source", "request_id"}
    printed = capsys.readouterr().out
    assert json.loads(printed) == line, "metric filters read lines that are JSON and nothing else"
    assert NETWORK not in printed


def test_the_hash_of_a_network_is_another_one_the_next_day(lines: Lines, asks: Asks) -> None:
    parts = fakes.parts()
    for _ in range(2):
        parts.security.note(Event.REFUSED, "forbidden")
    parts.now.pass_by(days=1)  # type: ignore[attr-defined]
    parts.security.note(Event.REFUSED, "forbidden")
    first, second, next_day = [line["source"] for line in lines.all]
    assert first == second != next_day


class Failing:
    """Sources whose key cannot be read while `fails`."""

    fails, asked = True, 0

    def of(self, network: str, day: date) -> str:
        self.asked += 1
        if self.fails:
            raise Unavailable("No answer.")
        return "a-hash"


def test_without_the_days_key_the_event_is_recorded_without_a_source_and_a_minute_later_with_one(
    lines: Lines, asks: Asks
) -> None:
    sources = Failing()
    parts = fakes.parts(sources=sources)
    for _ in range(3):
        parts.security.note(Event.REFUSED, "forbidden")
    assert [(line["event"], line["source"]) for line in lines.all] == [("refused", "")] * 3
    assert sources.asked == 1, "a store that does not answer is waited for once a minute, not for each event"
    sources.fails = False
    parts.now.pass_by(minutes=1)  # type: ignore[attr-defined]
    parts.security.note(Event.REFUSED, "forbidden")
    assert lines.all[-1]["source"] == "a-hash"


def test_outside_a_request_a_line_has_neither_source_nor_request(lines: Lines) -> None:
    fakes.parts().security.note(Event.VERIFICATION_FAILED, "found-by-reconciler")
    (line,) = lines.all
    assert (line["person"], line["source"], line["request_id"]) == ("", "", "")


def test_two_adapters_in_one_process_write_each_line_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fakes.parts()
    fakes.parts().security.note(Event.REFUSED, "forbidden")
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_sign_in_is_recorded_and_so_is_a_browser_that_is_new(story: Story, lines: Lines) -> None:
    sign_in(story)
    assert lines.events == [
        ("signed-in", "by-code", "lead-kent"),
        ("new-browser", "by-code", "lead-kent"),
    ]


def test_a_browser_that_proved_the_mailbox_before_is_not_new(story: Story, lines: Lines) -> None:
    enter(story, ask(story), is_known=True)
    assert lines.events == [("signed-in", "by-code", "lead-kent")]


def test_a_sign_in_by_link_is_recorded(story: Story, lines: Lines) -> None:
    mailbox = ask(story)
    signing_in.press_link(story.parts, token(story), [mailbox], known=[mailbox])
    assert lines.events == [("signed-in", "by-link", "lead-kent")]


def test_a_wrong_code_is_recorded_with_whose_mailbox_it_was_for(story: Story, lines: Lines) -> None:
    guess_wrong(story, ask(story))
    assert lines.events == [("wrong-code", "refused", "lead-kent")]


def test_guesses_for_an_address_that_nobody_has_are_recorded_too(story: Story, lines: Lines) -> None:
    code_of_another = code(story) if ask(story) else ""
    mailbox = ask(story, STRANGER)
    with pytest.raises(InvalidAnswers):
        enter(story, mailbox, code_of_another)
    assert lines.events == [("wrong-code", "refused", "")]


def test_the_guess_that_makes_codes_long_is_recorded_once(story: Story, lines: Lines) -> None:
    guess_wrong(story, ask(story), pairs.WRONG_GUESSES + 3)
    assert lines.events.count(("long-code", "begins", "lead-kent")) == 1
    assert lines.events.index(("long-code", "begins", "lead-kent")) == pairs.WRONG_GUESSES - 1
    assert lines.events.count(("wrong-code", "refused", "lead-kent")) == pairs.WRONG_GUESSES + 3


def test_a_submitters_sign_in_and_wrong_codes_are_recorded_without_a_person(
    story: Story, lines: Lines
) -> None:
    receipt = story.submit()
    signing_in.ask_claimant_code(story.parts, "kent", receipt.reference)
    right = code(story, "claimant-code")
    with pytest.raises(InvalidAnswers):
        signing_in.prove_claimant(story.parts, "kent", receipt.reference, wrong(right))
    signing_in.prove_claimant(story.parts, "kent", receipt.reference, right)
    assert [line[:2] for line in lines.events] == [("wrong-code", "refused"), ("signed-in", "as-submitter")]


def test_wrong_codes_that_should_prove_a_submission_are_recorded_and_so_is_the_last_one_taken(
    story: Scene, lines: Lines
) -> None:
    receipt = send(story)
    right = code(story, "confirm")
    for _ in range(pairs.WRONG_GUESSES):
        with pytest.raises(InvalidAnswers):
            confirming.confirm(story.parts, "kent", receipt.reference, wrong(right))
    assert [line[0] for line in lines.events].count("wrong-code") == pairs.WRONG_GUESSES
    assert [line[0] for line in lines.events].count("long-code") == 1


def test_proving_again_who_one_is_is_recorded(story: Story, lines: Lines) -> None:
    secret = sign_in(story)
    session, person = signing_in.signed_in(story.parts, secret)
    assert session is not None
    assert person is not None
    pass_by(story, minutes=20)
    sessions.ask_again(story.parts, person)
    right = code(story)
    with pytest.raises(InvalidAnswers):
        sessions.prove_again(story.parts, session, person, wrong(right))
    sessions.prove_again(story.parts, session, person, right)
    assert lines.events[-2:] == [("wrong-code", "refused", "lead-kent"), ("signed-in", "again", "lead-kent")]


def test_a_timeline_that_does_not_verify_is_recorded_when_it_is_shown(story: Story, lines: Lines) -> None:
    receipt = story.submit()
    person = story.parts.people.person("national-coordinator")
    assert person is not None
    status_view.timeline_for(story.parts, person, receipt.reference)
    assert lines.events == []
    items = story.parts.records.store.items  # type: ignore[attr-defined]
    key = next(key for key in items if key[0] == "entry" and receipt.reference in key)
    written = items[key]
    items[key] = replace(written, at=written.at + timedelta(days=1))
    status_view.timeline_for(story.parts, person, receipt.reference)
    items[key] = written
    assert lines.events == [("verification-failed", "on-showing", "national-coordinator")]


def test_no_line_holds_an_address_a_code_or_a_token(story: Story, lines: Lines) -> None:
    mailbox = ask(story)
    guess_wrong(story, mailbox)
    typed = code(story)
    secret = enter(story, mailbox, typed).secret
    written = json.dumps(lines.all)
    assert len(lines.all) == 3
    for value in (ADDRESS, typed, secret, mailbox):
        assert value not in written
