"""Claims over bank holidays, hour by hour: what happens, and the exact time in UTC at which it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import pytest

from chalicelib.domain.people.people import Person
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import asking, following_up, reassigning
from chalicelib.services.delivery import delivering
from chalicelib.services.records import status_view
from tests.unit import scenes
from tests.unit.scenes import Scene

story = scenes.story

HOUR = timedelta(hours=1)
KENT, NATION = "coordinator.kent", "national.coordinator"


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


@dataclass
class Walk:
    """One claim, and a clock that goes on by the hour. `seen` is each thing that happened, when it first showed."""

    story: Scene
    executions_follow: bool
    reference: str = ""
    seen: list[tuple[datetime, str]] = field(default_factory=list)
    _mails: int = 0
    _answers: int = 0
    _stuck: bool = False
    _deadline: datetime | None = None

    def submit(self) -> None:
        self.reference = self.story.submit().reference
        self.story.ask(self.reference)

    def until(self, end: datetime) -> None:
        """Every hour the schedules run; what they lead to is written down."""
        while self.story.clock.at < end:
            self._hour()
            self.story.clock.pass_by(hours=1)

    def _hour(self) -> None:
        following_up.follow_up(self.story.parts)
        self._sweep()
        if self.executions_follow:
            self._follow()
            self._sweep()
        self._look()

    def _sweep(self) -> None:
        self.story.deliver()
        delivering.sweep(self.story.parts)

    def _follow(self) -> None:
        """The state machine goes where each answer says, and waits there."""
        new = self.story.answers_told[self._answers :]
        self._answers += len(new)
        for token, output in new:
            if output["stage"] != "done":
                step = {name: output[name] for name in ("force", "reference", "round", "stage", "asked")}
                step |= {"payload_version": 2, "token": f"{token}+"}
                asking.ask(self.story.parts, asking.read_step(step))

    def _look(self) -> None:
        now = self.story.clock.at
        for mail in self.story.sent[self._mails :]:
            self.seen.append((now, f"{mail.template} to {mail.to.partition('@')[0]}"))
        self._mails = len(self.story.sent)
        is_stuck = self.reference in [one.reference for one in self.stuck()]
        if is_stuck != self._stuck:
            self.seen.append((now, "on the list" if is_stuck else "off the list"))
            self._stuck = is_stuck
        due_at = self.story.case(self.reference).submission.due_at
        if due_at != self._deadline:
            self.seen.append((now, f"due {due_at:%d %b %H:%M}" if due_at else "due never"))
            self._deadline = due_at

    def stuck(self) -> list[status_view.Stuck]:
        return status_view.stuck_for(self.story.parts, self.person("coordinator-kent"))

    def person(self, person_id: str) -> Person:
        found = self.story.parts.people.person(person_id)
        assert found is not None
        return found


@pytest.fixture(params=[False, True], ids=["no execution", "an execution that follows"])
def walk(story: Scene, request: pytest.FixtureRequest) -> Iterator[Walk]:
    yield Walk(story, request.param)


def lines(walk: Walk) -> list[tuple[datetime, str]]:
    """What was seen, in order of time; mails of one moment by name."""
    return sorted(walk.seen)


def told(moment: datetime) -> list[tuple[datetime, str]]:
    return [(moment, f"stuck to {KENT}"), (moment, f"stuck to {NATION}")]


@pytest.mark.slow
def test_a_claim_of_the_thursday_before_easter(walk: Walk) -> None:
    """Good Friday is the 26th of March 2027, Easter Monday the 29th; the clocks go forward on the 28th."""
    story = walk.story
    submitted = story.clock.at = utc(2027, 3, 25, 10)
    walk.submit()
    walk.until(utc(2027, 4, 14, 10))

    first = [
        (submitted, "asked to lead.kent"),
        (submitted, "due 05 Apr 16:00"),
        (submitted, "receipt to zuleika.quartermaine"),
        # 09:00 and 17:00 in summer time. Working days: 30 and 31 March, 1, 2 and 5 April
        (utc(2027, 4, 2, 8), "reminder to lead.kent"),
        (utc(2027, 4, 5, 16), "asked to deputy.kent"),
        (utc(2027, 4, 5, 16), "due 08 Apr 16:00"),
        (utc(2027, 4, 5, 16), "no-longer-needed to lead.kent"),
        (utc(2027, 4, 7, 8), "reminder to deputy.kent"),
        (utc(2027, 4, 8, 16), "due 13 Apr 16:00"),
        (utc(2027, 4, 8, 16), "on the list"),
        *told(utc(2027, 4, 8, 16)),
        (utc(2027, 4, 13, 16), "due 16 Apr 16:00"),
        *told(utc(2027, 4, 13, 16)),
    ]
    assert lines(walk) == first
    (entry,) = walk.stuck()
    assert (entry.asked_name, entry.force_name, entry.amount_pence) == ("Deputy Kent", "Kent Police", 600_000)

    # A coordinator asks somebody else, who decides.
    walk.seen.clear()
    reassigned = utc(2027, 4, 14, 10)
    assert story.clock.at == reassigned
    reassigning.hand_on_submission(story.parts, walk.person("coordinator-kent"), walk.reference, "lead-kent")
    walk.until(utc(2027, 4, 16, 10))
    assert lines(walk) == [
        (reassigned, "asked to lead.kent"),
        (reassigned, "due 19 Apr 16:00"),
        (reassigned, "no-longer-needed to deputy.kent"),
        (reassigned, "off the list"),
        # a working day before, on a Friday that is one again
        (utc(2027, 4, 16, 8), "reminder to lead.kent"),
    ]
    while story.status(walk.reference) is not Status("approved"):
        story.decide(walk.reference)
        story.ask(walk.reference)
    walk.seen.clear()
    walk.until(utc(2027, 5, 20))
    moment = utc(2027, 4, 16, 10)
    assert lines(walk) == [
        (moment, "approved to zuleika.quartermaine"),
        (moment, "asked to finance"),
        (moment, "asked to programme"),
        (moment, "decision-made to finance"),
        (moment, "decision-made to lead.kent"),
        (moment, "decision-made to programme"),
        (moment, "due never"),
        (moment, "moved-on to zuleika.quartermaine"),
        (moment, "moved-on to zuleika.quartermaine"),
    ]
    assert story.money() == (0, 600_000)
    assert story.task_states(walk.reference)[:3] == [
        ("lead-kent", "overtaken", 2),
        ("deputy-kent", "reassigned", 3),
        ("lead-kent", "decided", 0),
    ]


def test_a_deadline_after_easter_is_reminded_of_before(walk: Walk) -> None:
    submitted = walk.story.clock.at = utc(2027, 3, 19, 10)
    walk.submit()
    walk.until(utc(2027, 4, 2, 17))
    assert lines(walk) == [
        (submitted, "asked to lead.kent"),
        (submitted, "due 30 Mar 16:00"),
        (submitted, "receipt to zuleika.quartermaine"),
        (utc(2027, 3, 25, 9), "reminder to lead.kent"),  # still in winter time
        (utc(2027, 3, 30, 16), "asked to deputy.kent"),
        (utc(2027, 3, 30, 16), "due 02 Apr 16:00"),
        (utc(2027, 3, 30, 16), "no-longer-needed to lead.kent"),
        (utc(2027, 4, 1, 8), "reminder to deputy.kent"),
        (utc(2027, 4, 2, 16), "due 07 Apr 16:00"),
        (utc(2027, 4, 2, 16), "on the list"),
        *told(utc(2027, 4, 2, 16)),
    ]


@pytest.mark.slow
def test_a_claim_over_christmas_and_new_year(walk: Walk) -> None:
    """Christmas 2026 is a Friday, and Boxing Day's substitute the Monday after; New Year's Day is a Friday, too."""
    submitted = walk.story.clock.at = utc(2026, 12, 18, 10)
    walk.submit()
    walk.until(utc(2027, 1, 13))
    assert lines(walk) == [
        (submitted, "asked to lead.kent"),
        (submitted, "due 29 Dec 17:00"),
        (submitted, "receipt to zuleika.quartermaine"),
        (utc(2026, 12, 24, 9), "reminder to lead.kent"),
        (utc(2026, 12, 29, 17), "asked to deputy.kent"),
        (utc(2026, 12, 29, 17), "due 04 Jan 17:00"),
        (utc(2026, 12, 29, 17), "no-longer-needed to lead.kent"),
        (utc(2026, 12, 31, 9), "reminder to deputy.kent"),
        (utc(2027, 1, 4, 17), "due 07 Jan 17:00"),
        (utc(2027, 1, 4, 17), "on the list"),
        *told(utc(2027, 1, 4, 17)),
        (utc(2027, 1, 7, 17), "due 12 Jan 17:00"),
        *told(utc(2027, 1, 7, 17)),
        (utc(2027, 1, 12, 17), "due 15 Jan 17:00"),
        *told(utc(2027, 1, 12, 17)),
    ]


@pytest.mark.slow
def test_changes_that_are_asked_for_before_christmas(walk: Walk) -> None:
    """Twenty working days from the 18th of December: the three bank holidays are not among them."""
    story = walk.story
    story.clock.at = utc(2026, 12, 18, 10)
    walk.submit()
    story.ask_for_changes(walk.reference, costs="A quote, please")
    walk.until(utc(2027, 1, 21))
    found = [line for line in lines(walk) if line[0] > utc(2026, 12, 18, 10)]
    assert found == [
        (utc(2027, 1, 6, 9), "changes-reminder to zuleika.quartermaine"),
        (utc(2027, 1, 15, 9), "changes-reminder to zuleika.quartermaine"),
        (utc(2027, 1, 20, 17), "due never"),
        (utc(2027, 1, 20, 17), "lapsed to zuleika.quartermaine"),
    ]
    assert story.status(walk.reference) is Status.LAPSED
