"""Asking for a code and guessing at one take the same calls, whoever is registered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import (
    InvalidAnswers,
)
from chalicelib.domain.people import pairs
from chalicelib.services.people import signing_in
from tests.builders import Story
from tests.unit import scenes
from tests.unit.sign_in_scenes import (
    ADDRESS,
    STRANGER,
    ask,
    code,
    enter,
    limited,
    mailed,
    pass_by,
    wrong,
)

story = scenes.story


class Counting:
    """A port whose calls are noted by name."""

    def __init__(self, port: Any, name: str, calls: list[str]) -> None:
        self._port, self._name, self._calls = port, name, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def counted(*given: Any, **named: Any) -> Any:
            kinds = [type(one).__name__ for one in given[0]] if name == "commit" else []
            self._calls.append(f"{self._name}.{name}({', '.join(kinds)})")
            return found(*given, **named)

        return counted


def calls_of(story: Story, act: Callable[[Any], object]) -> list[str]:
    calls: list[str] = []
    names = ("accounts", "people", "records", "outbox")
    counted = replace(
        story.parts, **{name: Counting(getattr(story.parts, name), name, calls) for name in names}
    )
    try:
        act(counted)
    except InvalidAnswers:
        calls.append("wrong")
    return calls


def test_asking_takes_the_same_calls_known_unknown_mailed_or_not(story: Story) -> None:
    limited(story, 100)

    def asking(address: str) -> list[str]:
        return calls_of(story, lambda parts: signing_in.ask_code(parts, address, source="192.0.2.1"))

    fresh, repeated = asking(ADDRESS), asking(ADDRESS)
    unknown = asking(STRANGER)
    assert len(mailed(story)) == 1
    assert fresh == repeated
    assert [one for one in fresh if not one.startswith("people.")] == [
        one for one in unknown if not one.startswith("people.")
    ]
    assert fresh[-1] == "records.commit(KeepPair, AddDelivery, CountSource)"


def test_a_wrong_code_takes_the_same_calls_known_unknown_or_used(story: Story) -> None:
    mailbox, unknown = ask(story), ask(story, STRANGER)
    right = code(story)

    def guessing(mailbox: str, typed: str) -> list[str]:
        return calls_of(story, lambda parts: signing_in.enter_code(parts, mailbox, typed))

    expected = ["accounts.pairs()", "records.commit(KeepPair)", "wrong"]
    assert guessing(mailbox, wrong(right)) == expected
    assert guessing(unknown, wrong(right)) == expected
    enter(story, mailbox, right)
    assert guessing(mailbox, right) == expected
    pass_by(story, minutes=30)
    assert guessing(mailbox, right) == expected
    assert guessing(pairs.mailbox_of("never.asked@example.org"), right) == expected
