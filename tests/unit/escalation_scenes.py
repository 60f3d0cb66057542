"""Ideas as they go through the services, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.adapters.aws.ses import render
from chalicelib.services.intake import submitting
from tests.builders import FORMS, WHO_HAD_IT, idea_answers, submitted, the_reviewers
from tests.unit.scenes import Scene, a_scene, check_promises

PANEL = ("home-office-leader", "npcc-leader", "college-leader")
NAME, ADDRESS = WHO_HAD_IT["contact_name"], WHO_HAD_IT["contact_email"]


class Ideas(Scene):
    """The scene of claims, told of ideas."""

    def submit(self, key: str | None = None, **changes: Any) -> submitting.Receipt:
        answers = idea_answers(**self.another(key, changes, "improvement"))
        return submitted(self.parts, self.form, answers, key=key)

    def published(self, **changes: Any) -> str:
        """The reference of an idea that is before the national review."""
        reference = self.asked(**changes)
        self.decide(reference, "publish", comment="A good one.")
        self.let_go(reference)
        self.ask(reference)
        return reference

    def before_the_leaders(self, **changes: Any) -> str:
        """The reference of an idea on which the panel is asked."""
        reference = self.published(**changes)
        self.decide(reference, "shortlist")
        self.let_go(reference)
        self.ask(reference)
        return reference

    def panel(self, reference: str, *decisions: str) -> None:
        """The panel's members answer in turn, each with a reason."""
        for person, decision in zip(PANEL, decisions):
            self.vote(reference, person, decision, comment=f"{decision} says {person}")

    def told(self) -> list[str]:
        """What the person who had the idea was mailed, in words, oldest first."""
        mails = [mail for mail in self.mails() if mail.to == ADDRESS]
        return [render(mail.template, mail.values).text for mail in mails]


@pytest.fixture
def ideas() -> Iterator[Ideas]:
    scene = a_scene()
    found = Ideas(scene.parts, form=FORMS.form("idea"))
    found.people.register(the_reviewers())
    yield found
    check_promises(found)
