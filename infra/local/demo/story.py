"""The story: everything that happens, in the order in which it happens, at the moment at which it happens."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.services.approvals import asking, following_up
from chalicelib.services.delivery import delivering
from chalicelib.services.intake import submitting
from chalicelib.services.people import days_away
from chalicelib.services.ports import Parts
from chalicelib.services.reports import digesting
from infra.local.demo import answers, steps
from infra.local.demo.moments import Moments
from infra.local.demo.stand_ins import Clock, JournalMailer, Machines, drawing
from infra.local.demo.steps import Subject

HERE = Path(__file__).parent
_AGAIN = timedelta(hours=1)
_ANSWERS = {"funding-claim": answers.claim, "idea": answers.idea}


class Unfinished(Exception):
    """A life has steps that would come after now: its script does not fit into the time."""


@dataclass(frozen=True)
class Script:
    """What is to happen: lives by form, phrases for decisions, days away; and for how many weeks there are digests."""

    lives: Mapping[str, Sequence[Mapping[str, Any]]]
    phrases: Mapping[str, list[str]]
    away: Sequence[Mapping[str, Any]]
    digest_weeks: int

    @classmethod
    def read(cls, *, digest_weeks: int, most: int = 0) -> Script:
        """As the files beside this module say; of each form's lives the first `most`, or all."""
        files = {"funding-claim": "claims.json", "idea": "ideas.json"}
        return cls(
            lives={form: _json(name)[: most or None] for form, name in files.items()},
            phrases=_json("phrases.json"),
            away=_json("away.json"),
            digest_weeks=digest_weeks,
        )


def _json(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


class Story:
    """Tells a script on these parts, whose clock, mailer and machines are given as well."""

    def __init__(
        self,
        parts: Parts,
        clock: Clock,
        mailer: JournalMailer,
        machines: Machines,
        *,
        seed: int,
        on_month: Callable[[str], None] = lambda month: None,
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._mailer = mailer
        self._machines = machines
        self._seed = seed
        self._on_month = on_month
        self._order = count()
        self._to_come: list[tuple[datetime, int, Callable[[], object]]] = []
        self._left = 0

    def tell(self, script: Script, now: datetime) -> None:
        """Let all of it happen, up to now. Raises Unfinished, and what a service refuses."""
        moments = Moments(self._parts.calendar, now)
        start = moments.beginning(max(life["sent"] for lives in script.lives.values() for life in lives))
        for form, lives in script.lives.items():
            for number, told in enumerate(lives):
                self._plan(form, number, told, script, moments)
        for away in script.away:
            self._plan_away(away, moments)
        for moment in moments.follow_ups(start):
            self._at(moment, self._follow_up)
        for moment in moments.digests(now - timedelta(weeks=script.digest_weeks)):
            self._at(moment, lambda: digesting.digest(self._parts))
        self._happen(now)

    def _plan(
        self, form: str, number: int, told: Mapping[str, Any], script: Script, moments: Moments
    ) -> None:
        chance = Random(f"{self._seed} {form} {number}")
        subject = Subject(self._parts, told, script.phrases, chance)
        todo = [steps.read(step) for step in told["life"]]
        self._left += 1 + len(todo)

        def submit() -> None:
            given = _ANSWERS[form](told, self._clock())
            if told.get("mail") == "refused":
                self._mailer.refused.add(given[self._parts.forms.form(form).email_field])
            # Drawn for each by itself: another life beside it changes no reference.
            draw = drawing(Random(f"{self._seed} {form} {number} reference"))
            one = self._parts.forms.form(form)
            proved = [mailbox_of(given[one.email_field])]  # they had typed a code in their browser before
            receipt = submitting.submit(replace(self._parts, draw=draw), one, given, proved=proved)
            subject.force, subject.reference = given["force"], receipt.reference
            go_on()

        def go_on() -> None:
            self._left -= 1
            if todo:
                step = todo.pop(0)
                self._at(steps.when(step, self._clock(), moments.later, chance), lambda: take(step))

        def take(step: steps.Step) -> None:
            subject.do(step)
            self._at(self._clock() + self._parts.undo_for, lambda: None)
            go_on()

        self._at(moments.on(told["sent"], chance), submit)

    def _plan_away(self, told: Mapping[str, Any], moments: Moments) -> None:
        first, last = moments.day(told["from"]), moments.day(told["to"])

        def go_away() -> None:
            person = self._parts.people.person(told["person"])
            assert person is not None, told["person"]
            days_away.go_away(self._parts, person, first=first, last=last, delegate=told.get("delegate", ""))

        self._at(moments.on(told["said"], Random(f"{self._seed} {told['person']}")), go_away)

    def _at(self, moment: datetime, action: Callable[[], object]) -> None:
        heapq.heappush(self._to_come, (moment, next(self._order), action))

    def _happen(self, now: datetime) -> None:
        month = ""
        while self._to_come and self._to_come[0][0] <= now:
            moment, _, action = heapq.heappop(self._to_come)
            if f"{moment:%B}" != month:
                month = f"{moment:%B}"
                self._on_month(month)
            self._clock.set(moment)
            action()
            self._settle()
        self._clock.set(now)
        if self._left:
            raise Unfinished(f"{self._left} steps would come after now")

    def _follow_up(self) -> None:
        following_up.follow_up(self._parts)

    def _settle(self) -> None:
        """All that follows at once: deliveries, and the questions that the state machines come to. What failed is
        tried again later."""
        while True:
            self._clock.wait(seconds=2)
            swept = delivering.sweep(self._parts)
            if swept.failed:
                self._at(self._clock() + _AGAIN, lambda: None)
            asked = bool(self._machines.steps)
            while self._machines.steps:
                asking.ask(self._parts, asking.read_step(self._machines.steps.popleft()))
            if not asked and not swept.set_aside and swept.delivered < delivering.SWEEP_LIMIT:
                return
