"""Deliveries: what the outbox holds until it is done. Each says all that its delivery needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from chalicelib.domain.approvals.deadlines import Calendar
from chalicelib.domain.delivery import mails
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Status, Submission
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

CARRIED = (LANES[Kind.START], LANES[Kind.MAIL])
"""The lanes that have a relay."""

_PARCEL = "parcel."

MOST_PARTS = 25
"""An update that marks so many parts as failed is well within the 4 KB that DynamoDB allows an expression.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""


@value
class Delivery:
    """One thing to be delivered, at least once, from `due_at` (UTC) on.

    `id` is deterministic: the same cause makes the same delivery. It is also the notification id of a mail.
    `is_held`: it was put off on purpose, so that what caused it can still be undone. `force` is that of the submission
    it is about: empty where it is about none, and on what an earlier release queued. `parcel` is the id of the parcel
    that it is a part of, if it is part of one: the deliveries of one transaction are stored together.
    """

    id: str
    kind: Kind
    reference: str
    due_at: datetime
    payload: Mapping[str, Any]
    attempts: int = 0
    is_held: bool = False
    force: str = ""
    parcel: str = ""

    @property
    def lane(self) -> str:
        """Which relay carries it."""
        return LANES[self.kind]

    @property
    def address(self) -> str:
        """Where the outbox finds it again: its id, after its parcel's if it is part of one."""
        return f"{self.parcel}/{self.id}" if self.parcel else self.id


@value
class Claimed:
    """The parts of a parcel that are due in one lane, for one caller alone until `until` (UTC). `seen` is the outbox's
    own: the parcel as it was when it was claimed."""

    parcel: str
    lane: str
    until: datetime
    parts: tuple[Delivery, ...]
    seen: Any = field(default=None, compare=False)


@value
class Mark:
    """What became of a part that was claimed. It was delivered; or it failed with an `error` of this kind, to be tried
    again at `again_at` (UTC); or it was set aside, where there is an error but no such date."""

    delivery: Delivery
    error: str = ""
    again_at: datetime | None = None


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


def is_parcel(delivery_id: str) -> bool:
    """Whether an id is that of a parcel."""
    return delivery_id.startswith(_PARCEL) and "/" not in delivery_id


def read_address(address: str) -> tuple[str, str]:
    """The ids of the parcel, empty where there is none, and of the delivery."""
    if not address.startswith(_PARCEL):
        return "", address
    parcel, _, delivery_id = address.partition("/")
    return parcel, delivery_id


def parcel_led_by(delivery_id: str) -> str:
    """The id of the parcel that is named after this delivery."""
    return _PARCEL + delivery_id


def gathered(some: Iterable[Delivery]) -> list[Delivery]:
    """The deliveries of one transaction, each with the parcel that it is part of. What is about no submission goes with
    the rest; where a submission moves from one force to another, each force has a parcel. What is alone, and what
    nobody carries, is part of none. A parcel is named after its start or answer, so that either is found by its id; the
    further parcels of very many deliveries after their first."""
    found = list(some)
    if len({one.id for one in found}) < len(found):
        return found  # one item twice, which the store refuses
    force_of_first = next((one.force for one in found if one.force), "")
    groups: dict[str, list[Delivery]] = {}
    for one in found:
        if one.kind is not Kind.NOTHING:
            groups.setdefault(one.force or force_of_first, []).append(one)
    parcels = {
        one.id: parcel_led_by(parcel[0].id)
        for group in groups.values()
        for parcel in _parcels(group)
        if len(parcel) > 1
        for one in parcel
    }
    return [replace(one, parcel=parcels.get(one.id, "")) for one in found]


def _parcels(group: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    ordered = sorted(group, key=lambda one: one.kind not in (Kind.START, Kind.ANSWER))
    for start in range(0, len(ordered), MOST_PARTS):
        yield ordered[start : start + MOST_PARTS]


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
        where["asked"] = _waits_as(submission).value
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
        seconds[f"{_waits_as(submission).value}_seconds"] = left
    return seconds


def _waits_as(submission: Submission) -> AskedAs:
    """The turn that the state machine waits in. Until the day of what is put aside it waits for the approvers, whom
    nobody has asked yet."""
    return AskedAs.APPROVER if submission.asked_as is AskedAs.LATER else submission.asked_as
