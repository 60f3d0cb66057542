"""What happens to one submission, step by step: who does it, through which service.

A step is what it does and what that takes, as `claims.json` and `ideas.json` say it (docs/operations.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from chalicelib.domain.people.people import Person
from chalicelib.domain.records.submissions import Case, Task
from chalicelib.services.approvals import amending, deciding, ending, reassigning
from chalicelib.services.delivery import undelivered
from chalicelib.services.desk import staff_actions
from chalicelib.services.money import paying
from chalicelib.services.ports import Parts
from infra.local.demo import answers

Step = Mapping[str, Any]


class Impossible(Exception):
    """The script asks for something that cannot happen where the submission stands."""


class Subject:
    """A submission of the story, and the chance that decides what its script leaves open."""

    def __init__(
        self, parts: Parts, told: Mapping[str, Any], phrases: Mapping[str, list[str]], chance: Random
    ):
        self.parts = parts
        self.told = told
        self.phrases = phrases
        self.chance = chance
        self.force = ""
        self.reference = ""

    @property
    def case(self) -> Case:
        """All that is stored of it now."""
        return self.parts.records.of(self.force).case(self.reference)

    def do(self, step: Step) -> None:
        """Take a step. Raises what the service raises, and Impossible."""
        _STEPS.get(step["do"], _decide)(self, step)

    def person(self, person_id: str) -> Person:
        """Somebody registered. `{force}` in the id stands for the submission's."""
        found = self.parts.people.person(person_id.format(force=self.force))
        if found is None:
            raise Impossible(f"{person_id} is not registered")
        return found

    def task(self, role: str = "") -> Task:
        """The open task: the first one, or that of somebody whose role begins so."""
        found = next((task for task in self.case.open_tasks if task.role.startswith(role)), None)
        if found is None:
            raise Impossible(f"{self.reference} waits for no {role or 'decision'}")
        return found

    def words(self, step: Step, kind: str) -> str:
        """What is written with it: as the script says, else one of the phrases for it."""
        if "say" in step:
            return str(step["say"])
        return self.chance.choice(self.phrases.get(kind, [""]))


def read(step: str | Step) -> Step:
    """A step as it is written: `approve`, `approve 2` (working days after the one before), or an object."""
    if not isinstance(step, str):
        return step
    does, _, after = step.partition(" ")
    return {"do": does, "after": int(after)} if after else {"do": does}


def when(
    step: Step, since: datetime, later: Callable[[datetime, int, Random], datetime], chance: Random
) -> datetime:
    """When a step is taken: so many `minutes` or working days (`after`) since the one before; else within two."""
    if "minutes" in step:
        return since + timedelta(minutes=step["minutes"])
    return later(since, step.get("after", chance.randrange(3)), chance)


def _decide(subject: Subject, step: Step) -> None:
    task, case = subject.task(step.get("by", "")), subject.case
    deciding.decide(
        subject.parts,
        task.person_id,
        task.id,
        decision=step["do"],
        comment=subject.words(step, f"{step['do']} {task.stage}"),
        seen=case.seen,
        changes=step.get("changes"),
    )


def _undo(subject: Subject, step: Step) -> None:
    undo = subject.case.submission.undo
    task = subject.case.task(undo.task) if undo else None
    if task is None:
        raise Impossible(f"nothing of {subject.reference} can be undone")
    deciding.undo(subject.parts, task.person_id, task.id)


def _amend(subject: Subject, step: Step) -> None:
    case = subject.case
    changed = answers.written(step["answers"], case.submission.submitted_at)
    moved = amending.amend(
        subject.parts,
        subject.force,
        subject.reference,
        {**case.answers, **changed},
        version=case.submission.version,
    )
    subject.force = moved.force


def _withdraw(subject: Subject, step: Step) -> None:
    ending.withdraw(subject.parts, subject.force, subject.reference, reason=step["say"])


def _withdraw_for(subject: Subject, step: Step) -> None:
    staff_actions.withdraw(subject.parts, _coordinator(subject, step), subject.reference, step["say"])


def _note(subject: Subject, step: Step) -> None:
    staff_actions.note(subject.parts, _coordinator(subject, step), subject.reference, step["say"])


def _chase(subject: Subject, step: Step) -> None:
    staff_actions.chase(subject.parts, _coordinator(subject, step), subject.reference)


def _hand_on(subject: Subject, step: Step) -> None:
    to = subject.person(step["to"]).id
    reassigning.hand_on_submission(subject.parts, _coordinator(subject, step), subject.reference, to)


def _coordinator(subject: Subject, step: Step) -> Person:
    return subject.person(step.get("by", "coordinator-{force}"))


def _pay(subject: Subject, step: Step) -> None:
    payment = f"PTF {subject.chance.randrange(10**6):06}"
    paying.pay(subject.parts, subject.person(step.get("by", "national-payments")), subject.reference, payment)


def _return(subject: Subject, step: Step) -> None:
    one = subject.case.submission
    paying.give_back(
        subject.parts,
        subject.person(step.get("by", "national-payments")),
        subject.reference,
        amount_pence=answers.pence(step["pounds"]) if "pounds" in step else one.paid_pence,
        reason=step["say"],
        returned_before=one.returned_pence,
    )


def _mail_comes_back(subject: Subject, step: Step) -> None:
    """Of its receipt, or of the mail that asked whoever is asked."""
    mail = (
        f"mail.receipt.{subject.reference}"
        if step["mail"] == "receipt"
        else f"mail.asked.{subject.task().id}"
    )
    sent: Any = subject.parts.mailer
    if not undelivered.came_back(subject.parts, sent.addresses.get(mail, mail), what="bounce"):
        raise Impossible(f"there is no {mail}")


_STEPS: Mapping[str, Callable[[Subject, Step], None]] = {
    "undo": _undo,
    "amend": _amend,
    "withdraw": _withdraw,
    "withdraw-for": _withdraw_for,
    "add-note": _note,
    "chase": _chase,
    "hand-on": _hand_on,
    "pay": _pay,
    "return": _return,
    "mail-comes-back": _mail_comes_back,
}
