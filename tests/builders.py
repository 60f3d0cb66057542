"""What tests are made from: answers, people, a claim's whole story. Each takes the changes that matter to the test."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.delivery.deliveries import Delivery, Kind
from chalicelib.domain.forms.answers import total_pence
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.intake.references import new_reference
from chalicelib.domain.money.fund import Held, Movement
from chalicelib.domain.money.fund import Kind as MoneyKind
from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.domain.people.people import Holding, Person
from chalicelib.domain.records.submissions import STATUSES, Case, Status, Submission, Task
from chalicelib.domain.records.timeline import Chain, Entry, Text
from chalicelib.services.approvals import asking, deciding
from chalicelib.services.changes import (
    AddEntry,
    AddSubmission,
    Change,
    ChangeSubmission,
    ContentRecord,
    CountMailbox,
    KeyRecord,
)
from chalicelib.services.delivery import delivering
from chalicelib.services.intake import submitting
from chalicelib.services.ports import Parts
from chalicelib.services.revision import next_revision, with_entry

MAC_KEY = f"file:{Path(__file__).parent / 'mac-key'}"
"""What tests seal timelines with, as MAC_KEYS names it."""

MONDAY = datetime(2027, 1, 11, 9, 30, tzinfo=timezone.utc)
"""When tests begin: a working Monday in winter."""

NINE = MONDAY.replace(minute=0)
"""The hour in which they begin."""


def drawing(chance: random.Random) -> Callable[[str, int], str]:
    """What draws so many characters for a reference or a code; the same ones each time."""
    return lambda characters, count: "".join(chance.choices(characters, k=count))


REFERENCE = new_reference("CLM", lambda characters, count: characters[0] * count)
_LATE = timedelta(seconds=61)
ENDED = frozenset(STATUSES) - {
    Status.SUBMITTED,
    Status.IN_REVIEW,
    Status.CHANGES_REQUESTED,
    Status("published"),
    Status("shortlisted"),
}

FORMS = FormFiles()
PERSONAL = {
    "claimant_name": "Zuleika Quartermaine",
    "claimant_email": "zuleika.quartermaine@example.police.uk",
    "claimant_role": "Detective Sergeant of Curiosities",
    "claimant_phone": "01632 960 417",
}


def a_form(form_id: str = "funding-claim") -> Form:
    """The form as its file says it."""
    return FORMS.form(form_id)


def claim_answers(**changes: Any) -> dict[str, Any]:
    """The answers of a claim for £6,000 that are accepted. A change to `None` takes the answer out."""
    answers: dict[str, Any] = {
        "force": "kent",
        "event_title": "Innovation day at Maidstone",
        "event_date": "2027-03-27",
        "venue_name": "County Hall",
        "venue_postcode": "ME14 1XQ",
        "expected_attendance": 120,
        "cost_lines": [a_cost(600_000)],
        "purpose": "Officers and staff work out ideas for better handovers.",
        **PERSONAL,
        "declaration": True,
    }
    answers |= changes
    return {name: value for name, value in answers.items() if value is not None}


WHO_HAD_IT = {
    "contact_name": "Zuleika Quartermaine",
    "contact_email": "zuleika.quartermaine@example.police.uk",
}


def idea_answers(**changes: Any) -> dict[str, Any]:
    """The answers of an idea that are accepted. A change to `None` takes the answer out."""
    answers: dict[str, Any] = {
        "title": "One template for all handovers",
        "improvement": "Each shift writes its handover in a way of its own. One template would save half an hour.",
        "category": "processes",
        "force": "kent",
        "role": "officer",
        "scale": "national",
        "tried": "At Maidstone, for a month.",
        **WHO_HAD_IT,
    }
    answers |= changes
    return {name: value for name, value in answers.items() if value is not None}


def the_reviewers() -> list[Person]:
    """Everybody who is asked about ideas besides the forces' coordinators."""
    roles = ["idea-reviewer", "home-office-leader", "npcc-leader", "college-leader"]
    return [a_person(one, f"{one}@national") for role in roles for one in (role, f"{role}-deputy")]


def a_cost(amount_pence: Any = 600_000, **changes: Any) -> dict[str, Any]:
    """One cost line."""
    line = {
        "description": "Hire of the hall",
        "category": "venue-hire",
        "amount_pence": amount_pence,
    } | changes
    return {name: value for name, value in line.items() if value is not None}


def a_person(person_id: str, *roles: str, address: str | None = None, name: str | None = None) -> Person:
    """Somebody registered; a role is written `innovation-lead@kent`."""
    holdings = (role.split("@") for role in roles)
    return Person(
        id=person_id,
        name=name or person_id.replace("-", " ").title(),
        address=address or f"{person_id.replace('-', '.')}@example.police.uk",
        roles=tuple(Holding(role=role, at=at) for role, at in holdings),
    )


def the_people() -> list[Person]:
    """Everybody who is asked about claims of Kent and Essex."""
    found = []
    for force in ("kent", "essex"):
        found += [
            a_person(f"lead-{force}", f"innovation-lead@{force}"),
            a_person(f"deputy-{force}", f"innovation-lead-deputy@{force}"),
            a_person(f"coordinator-{force}", f"coordinator@{force}"),
        ]
    return [
        *found,
        a_person("programme", "programme-manager@national"),
        a_person("programme-deputy", "programme-manager-deputy@national"),
        a_person("finance", "fund-holder@national"),
        a_person("finance-deputy", "fund-holder-deputy@national"),
        a_person("national-coordinator", "coordinator@national"),
    ]


def a_submission(**changes: Any) -> Submission:
    """A claim as it is just before it is stored; one that has ended waits for nobody."""
    answers = claim_answers()
    public = {name: value for name, value in answers.items() if name not in PERSONAL}
    one = Submission(
        reference=REFERENCE,
        form="funding-claim",
        form_version=1,
        force="kent",
        status=Status.SUBMITTED,
        stage="force-lead",
        asked_as=AskedAs.APPROVER,
        round=1,
        revision=1,
        submitted_at=MONDAY,
        changed_at=MONDAY,
        title=str(answers["event_title"]),
        answers=public,
        amount_pence=total_pence(FormFiles().form("funding-claim"), answers),
        claimant_id="",
        waiting_for="innovation-lead",
        due_at=MONDAY + timedelta(days=7),
        tasks=0,
        approved_by={},
        chain=Chain(),
    )
    if "answers" in changes:
        changes = {
            "title": str(changes["answers"].get("event_title", changes.get("reference", REFERENCE))),
            **changes,
        }
    return replace(one, **_ended(changes))


def _ended(changes: dict[str, Any]) -> dict[str, Any]:
    """What has ended waits for nobody."""
    ended = {"waiting_for": "", "due_at": None, "next_at": None}
    return {**ended, **changes} if changes.get("status") in ENDED else changes


def a_task(number: int = 1, **changes: Any) -> Task:
    """The task of Kent's innovation lead."""
    task = Task(
        force="kent",
        reference=REFERENCE,
        number=number,
        stage="force-lead",
        asked_as=AskedAs.APPROVER,
        person_id="lead-kent",
        role="innovation-lead",
        asked_at=MONDAY,
        due_at=MONDAY + timedelta(days=7),
    )
    return replace(task, **changes)


def a_case(*, tasks: tuple[Task, ...] = (), token: str = "", **changes: Any) -> Case:
    """A claim with its personal answers and tasks."""
    return Case(submission=a_submission(**changes), personal=dict(PERSONAL), tasks=tasks, token=token)


def added(one: Submission | None = None, **changes: Any) -> tuple[Submission, list[Change]]:
    """A submission with its first timeline entry, and the changes that store both."""
    one, entry = with_entry(one or a_submission(**changes), at=MONDAY, action="submitted")
    return one, [AddSubmission(submission=one, personal=dict(PERSONAL)), entry]


def changed(one: Submission, *, action: str = "noted", **changes: Any) -> tuple[Submission, list[Change]]:
    """The next revision of a submission, and the changes that store it."""
    now = one.changed_at + timedelta(minutes=1)
    moved, entry = with_entry(replace(next_revision(one, now=now), **_ended(changes)), at=now, action=action)
    return moved, [ChangeSubmission(submission=moved), entry]


def an_entry(one: Submission, words: str = "") -> AddEntry:
    """An entry in the place after the submission's last."""
    return with_entry(one, at=MONDAY, action="noted", words=words, salt="salt" if words else "")[1]


def a_timeline(*words: str) -> tuple[Chain, list[Entry], dict[int, Text]]:
    """A timeline with an entry for each of `words`; an empty one has no text."""
    chain, entries, texts = Chain(), [], {}
    for number, said in enumerate(words):
        text = Text(sequence=number, words=said, salt=f"salt-{number}") if said else None
        entry = Entry(
            sequence=number,
            at=MONDAY + timedelta(hours=number),
            actor=f"person-{number}",
            role="innovation-lead",
            action="decided",
            stage="force-lead",
            details={"decision": "approve", "amount_pence": 600_000 + number},
        )
        chain, sealed = chain.append(entry, text, state=f"state-{number}")
        entries.append(sealed)
        if text:
            texts[number] = text
    return chain, entries, texts


def a_movement(kind: MoneyKind = MoneyKind.RESERVE, amount_pence: Any = 10_000, **changes: Any) -> Movement:
    """A ledger line of Kent's claim, for which so much is held as the movement takes."""
    held = {
        MoneyKind.RESERVE: Held(),
        MoneyKind.COMMIT: Held(reserved=amount_pence),
        MoneyKind.RELEASE: Held(reserved=amount_pence),
        MoneyKind.RETURN: Held(spent=amount_pence),
    }
    movement = Movement(
        before=held.get(kind, Held(committed=amount_pence)),
        fund="ptf",
        force="kent",
        reference=REFERENCE,
        kind=kind,
        amount_pence=amount_pence,
        revision=1,
        at=MONDAY,
    )
    return replace(movement, **changes)


def a_delivery(delivery_id: str = "mail.receipt.1", **changes: Any) -> Delivery:
    """A mail in the outbox."""
    delivery = Delivery(
        id=delivery_id,
        kind=Kind.MAIL,
        reference=REFERENCE,
        due_at=MONDAY,
        payload={
            "template": "moved-on",
            "to": PERSONAL["claimant_email"],
            "values": {"reference": REFERENCE},
        },
    )
    return replace(delivery, **changes)


def a_content(digest: str = "c" * 64, **changes: Any) -> ContentRecord:
    """A content that came from an address."""
    record = ContentRecord(
        digest=digest,
        force="kent",
        reference=REFERENCE,
        submitted_at=MONDAY,
        expires_at=MONDAY + timedelta(days=7),
    )
    return replace(record, **changes)


def a_count(digest: str = "m", limit: int = 20) -> CountMailbox:
    """One more from a mailbox in Monday's hour."""
    return CountMailbox(mailbox=digest * 64, hour=NINE, limit=limit)


def a_key(key: str = "key-1", **changes: Any) -> KeyRecord:
    """A used Idempotency-Key."""
    record = KeyRecord(
        form="funding-claim",
        key=key,
        fingerprint="f" * 64,
        force="kent",
        reference=REFERENCE,
        form_version=1,
        submitted_at=MONDAY,
        expires_at=MONDAY + timedelta(hours=24),
    )
    return replace(record, **changes)


def told_apart(answers: Mapping[str, Any], field: str, number: int) -> str:
    """An answer in words that says which one this is, so that it is no duplicate of those before."""
    return f"{answers[field]} ({number + 1})" if number else str(answers[field])


def submitted(parts: Parts, form: Form, answers: Mapping[str, Any], **more: Any) -> submitting.Receipt:
    """Take in what comes from a browser that has proved its mailbox: somebody is asked at once."""
    proved = (mailbox_of(str(answers.get(form.email_field, ""))),)
    return submitting.submit(parts, form, dict(answers), proved=proved, **more)


@dataclass
class Story:
    """Claims as they go through the services, on whatever parts: who sends, asks and decides, in one line each."""

    parts: Parts
    form: Form = field(default_factory=a_form)
    _tokens: int = 0
    _sent: Iterator[int] = field(default_factory=count)
    _keys: dict[str, int] = field(default_factory=dict)

    def submit(self, key: str | None = None, **changes: Any) -> submitting.Receipt:
        """Send a claim in: with a key that was used, the same as then; else another than those before."""
        return self.send(key=key, **self.another(key, changes, "purpose"))

    def send(
        self, key: str | None = None, *, duplicate_ok: bool = False, **changes: Any
    ) -> submitting.Receipt:
        """Send exactly these answers, whatever was sent before, from a browser that has proved the mailbox."""
        answers = claim_answers(**changes)
        return submitted(self.parts, self.form, answers, key=key, duplicate_ok=duplicate_ok)

    def another(self, key: str | None, changes: Mapping[str, Any], field: str) -> dict[str, Any]:
        """The changes, with one that tells these answers from all before. The first are as they are."""
        number = self._keys.setdefault(key, next(self._sent)) if key else next(self._sent)
        return {field: told_apart(claim_answers() | idea_answers(), field, number), **changes}

    def person(self, person_id: str) -> Person:
        """Somebody who is registered."""
        found = self.parts.people.person(person_id)
        assert found is not None, person_id
        return found

    def case(self, reference: str, force: str = "kent") -> Case:
        """The claim as it is stored."""
        return self.parts.records.of(force).case(reference)

    def ask(self, reference: str, turn: str = "approver", *, force: str = "kent", **changes: Any) -> str:
        """The state machine asks. Stage and round are those of the data unless given; returns the token."""
        one = self.case(reference, force).submission
        if turn not in (one.asked_as.value, "approver") and one.due_at:
            self._wait_until(one.due_at)  # a turn is over when its date has come
        self._tokens += 1
        event = {
            "payload_version": 2,
            "force": force,
            "reference": reference,
            "round": one.round,
            "stage": one.stage,
            "asked": turn,
            "token": f"token-{self._tokens}",
        }
        event |= changes
        asking.ask(self.parts, asking.read_step(event))
        return str(event["token"])

    def _wait_until(self, moment: datetime) -> None:
        clock: Any = self.parts.now
        clock.at = max(clock.at, moment)

    def task_id(self, reference: str, force: str = "kent") -> str:
        """The id of the claim's open task."""
        task = self.case(reference, force).open_task
        assert task is not None, "nobody is asked"
        return task.id

    def decide(
        self,
        reference: str,
        decision: str = "approve",
        *,
        by: str | None = None,
        comment: str = "",
        force: str = "kent",
        seen: str | None = None,
    ) -> deciding.Outcome:
        """Whoever is asked decides what they were shown, or `by` does."""
        case = self.case(reference, force)
        task = case.open_task
        assert task is not None, "nobody is asked"
        return deciding.decide(
            self.parts,
            by or task.person_id,
            task.id,
            decision=decision,
            comment=comment,
            seen=case.seen if seen is None else seen,
        )

    def approve_up_to(self, reference: str, stage: str, force: str = "kent") -> None:
        """Ask and approve until the claim stands at `stage`, or is decided."""
        while (one := self.case(reference, force).submission).is_open and one.stage != stage:
            self.ask(reference, force=force)
            self.decide(reference, force=force)

    def deliver(self) -> delivering.Swept:
        """Deliver all that is due, a minute from now."""
        now = self.parts.now()
        return delivering.sweep(replace(self.parts, now=lambda: now + _LATE))


def all_values(thing: Any) -> set[str]:
    """Every string within, however deep: for asserting that something is nowhere."""
    if isinstance(thing, str):
        return {thing}
    if isinstance(thing, Mapping):
        return set().union(*(all_values(key) | all_values(value) for key, value in thing.items()), set())
    if isinstance(thing, (list, tuple, set, frozenset)):
        return set().union(*(all_values(item) for item in thing), set())
    if hasattr(thing, "__dict__"):
        return all_values(vars(thing))
    return {str(thing)}


def receipt_mail(reference: str) -> str:
    """Where the outbox has the receipt of a submission that nobody had to confirm: it goes with the first start."""
    return f"parcel.start.{reference}-r1/mail.receipt.{reference}"
