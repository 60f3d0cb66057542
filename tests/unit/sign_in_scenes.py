"""Asking for codes and using them, over the services."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import InvalidAnswers
from chalicelib.domain.people import pairs
from chalicelib.services.people import signing_in
from chalicelib.services.people.signing_in import SignedIn
from tests.builders import Story

ADDRESS = "lead.kent@example.police.uk"
STRANGER = "nobody@example.org"


def ask(story: Story, address: str = ADDRESS, **more: Any) -> str:
    return signing_in.ask_code(story.parts, address, **more)


def mailed(story: Story, template: str = "sign-in-code") -> list[Any]:
    for _ in range(2):
        story.deliver()
    return [mail for mail in story.parts.mailer.sent if mail.template == template]  # type: ignore[attr-defined]


def code(story: Story, template: str = "sign-in-code") -> str:
    return str(mailed(story, template)[-1].values["code"])


def token(story: Story) -> str:
    return str(mailed(story)[-1].values["sign_in_url"]).rpartition("/")[2]


def enter(story: Story, mailbox: str, typed: str = "", **more: Any) -> SignedIn:
    return signing_in.enter_code(story.parts, mailbox, typed or code(story), **more)


def sign_in(story: Story) -> str:
    return enter(story, ask(story)).secret


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06d}" if len(right) == pairs.SHORT else right[::-1]


def guess_wrong(story: Story, mailbox: str, times: int = 1) -> list[str]:
    """What each is answered."""
    answers = []
    for _ in range(times):
        with pytest.raises(InvalidAnswers) as caught:
            enter(story, mailbox, wrong(code(story)))
        answers.append(caught.value.problems[0].message)
    return answers


def pass_by(story: Story, **duration: float) -> None:
    story.parts.now.pass_by(**duration)  # type: ignore[attr-defined]


def person_of(story: Story, secret: str) -> str:
    session = signing_in.session(story.parts, secret)
    assert session is not None
    return session.person_id


def limited(story: Story, most: int) -> None:
    story.parts.__dict__["limits"] = replace(story.parts.limits, source_an_hour=most)
