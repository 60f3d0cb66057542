"""Deliveries: what the outbox holds until it is done. Each says all that its delivery needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any

from chalicelib.domain import mails
from chalicelib.domain.deadlines import Calendar
from chalicelib.domain.forms import Form
from chalicelib.domain.stages import AskedAs
from chalicelib.domain.submissions import Status, Submission
from chalicelib.domain.values import value

PAYLOAD_VERSION = 2
"""Version of the state machine's input. Executions outlive deploys: code reads every version still in flight.

2 has the claimant's wait and the stage `changes`; 1 has not.
"""

READ_VERSIONS = frozenset({1, 2})

CHANGES = "changes"
"""The `stage` while the claimant has the submission, to change what was asked for."""

DONE = "done"
"""The `stage` that ends an execution: the submission is decided, or another execution has taken over."""


class Kind(str, Enum):
    """What is delivered."""

    START = "start"
    ANSWER = "answer"
    MAIL = "mail"
    NOTHING = "nothing"


LANES = {Kind.START: "workflow", Kind.ANSWER: "workflow", Kind.MAIL: "mail", Kind.NOTHING: "nobody"}
"""Mail has a lane of its own, so that it does not wait behind a burst of starts."""


@value
class Delivery:
    """One thing to be delivered, at least once, from `due_at` (UTC) on.

    `id` is deterministic: the same cause makes the same delivery. It is also the notification id of a mail.
    `is_held`: it was put off on purpose, so that what caused it can still be undone. `force` is that of the submission
    it is about: empty where it is about none, and on what an earlier release queued.
    """

    id: str
    kind: Kind
    reference: str
    due_at: datetime
    payload: Mapping[str, Any]
    attempts: int = 0
    is_held: bool = False
    force: str = ""

    @property
    def lane(self) -> str:
        """Which relay carries it."""
        return LANES[self.kind]


@value
class SetAside:
    """A delivery that failed too often, and waits for a person to say that it be tried again. Its payload is kept,
    but is nobody's to read. `error` is the kind of error that it failed with last; `at` and `until` (UTC) are when it
    was set aside, and how long it is kept."""

    id: str
    kind: Kind
    reference: str
    force: str
    attempts: int
    error: str
    at: datetime
    until: datetime

    @property
    def template(self) -> str:
        """Which mail it is; empty where it is none."""
        return self.id.split(".")[1] if self.kind is Kind.MAIL else ""


_WAITS = ("approver_seconds", "deputy_seconds", "coordinators_seconds", "claimant_seconds")


def start(submission: Submission, form: Form, calendar: Calendar, *, now: datetime) -> Delivery:
    """Start the submission's workflow for its present round, under that round's name."""
    return Delivery(
        id=start_id(submission.reference, submission.round),
        kind=Kind.START,
        reference=submission.reference,
        force=submission.force,
        due_at=now,
        payload={
            "workflow": form.workflow.name,
            "name": execution_name(submission.reference, submission.round),
            "input": pointer(submission, form, calendar, now=now),
        },
    )


def answer(submission: Submission, token: str, output: Mapping[str, Any], *, now: datetime) -> Delivery:
    """Tell the waiting execution where the submission stands now."""
    return Delivery(
        id=answer_id(submission.reference, submission.revision),
        kind=Kind.ANSWER,
        reference=submission.reference,
        force=submission.force,
        due_at=now,
        payload={"token": token, "output": dict(output)},
    )


def mail(
    template: str,
    *,
    to: str,
    about: str,
    reference: str,
    values: Mapping[str, Any],
    now: datetime,
    force: str = "",
) -> Delivery:
    """Send one mail. `about` makes its id unique among the mails of this template; `force` is that of the submission
    that it is about, if it is about one. Raises ValuesForgotten where these are not the values of the mail."""
    return Delivery(
        id=f"mail.{template}.{about}",
        kind=Kind.MAIL,
        reference=reference,
        force=force,
        due_at=now,
        payload={"template": template, "to": to, "values": mails.to_queue(template, values)},
    )


def unsent(about: str, *, now: datetime) -> Delivery:
    """What is written where no mail goes out, so that writing takes as long as where one does. Nobody carries it."""
    return Delivery(id=f"nothing.{about}", kind=Kind.NOTHING, reference="", due_at=now, payload={})


def held(delivery: Delivery, *, until: datetime) -> Delivery:
    """The delivery, put off."""
    return replace(delivery, due_at=until, is_held=True)


def execution_name(reference: str, round_: int) -> str:
    """The name of a submission's execution. Names are unique for 90 days, hence the round."""
    return f"{reference}-r{round_}"


def start_id(reference: str, round_: int) -> str:
    """The id of the delivery that starts an execution."""
    return f"start.{execution_name(reference, round_)}"


def answer_id(reference: str, revision: int) -> str:
    """The id of the delivery of the answer that a revision of a submission gave to its execution."""
    return f"answer.{reference}.{revision}"


def read_execution_name(name: str) -> tuple[str, int] | None:
    """Reference and round of an execution; None where we did not name it."""
    reference, found, number = name.rpartition("-r")
    if not found or not re.fullmatch(r"[1-9][0-9]{0,8}", number, re.ASCII):
        return None
    return reference, int(number)


def pointer(submission: Submission, form: Form, calendar: Calendar, *, now: datetime) -> dict[str, Any]:
    """Where the submission stands, for the state machine: its input, and the output of every step.

    Ids, the stage and seconds to wait; never answers, names or addresses (they would stay in the history).
    """
    where: dict[str, Any] = {
        "payload_version": PAYLOAD_VERSION,
        "force": submission.force,
        "reference": submission.reference,
        "round": submission.round,
        "stage": DONE,
        "asked": AskedAs.APPROVER.value,
        "wait": dict.fromkeys(_WAITS, 1),
    }
    if submission.status is Status.CHANGES_REQUESTED:
        where["stage"] = CHANGES
        where["asked"] = AskedAs.CLAIMANT.value
        where["wait"] = _waits(submission, form, calendar, now)
    elif submission.is_open:
        where["stage"] = submission.stage
        where["asked"] = submission.asked_as.value
        where["wait"] = _waits(submission, form, calendar, now)
    return where


def superseded(force: str, reference: str, round_: int) -> dict[str, Any]:
    """The output that ends an execution whose round is over."""
    return {
        "payload_version": PAYLOAD_VERSION,
        "force": force,
        "reference": reference,
        "round": round_,
        "stage": DONE,
        "asked": AskedAs.APPROVER.value,
        "wait": {},
    }


def _waits(submission: Submission, form: Form, calendar: Calendar, now: datetime) -> dict[str, int]:
    """Seconds for each turn of the stage. The turn that is on keeps the date that was promised for it."""
    stage = form.workflow.stage(submission.stage)
    approver = calendar.deadline(now, stage.working_days)
    deputy = calendar.deadline(approver, stage.deputy_working_days)
    coordinators = calendar.deadline(deputy, stage.deputy_working_days)
    waits = {
        "approver_seconds": approver - now,
        "deputy_seconds": deputy - approver,
        "coordinators_seconds": coordinators - deputy,
        "claimant_seconds": calendar.deadline(now, form.workflow.amending.working_days) - now,
    }
    seconds = {name: max(1, int(wait.total_seconds())) for name, wait in waits.items()}
    if submission.due_at is not None:
        left = max(1, int((submission.due_at - now).total_seconds()))
        seconds[f"{submission.asked_as.value}_seconds"] = left
    return seconds
