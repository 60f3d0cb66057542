"""Submissions as they are after months: each sent, asked about, decided, paid, by the product's own services, on a
clock that runs as fast as they do, with nothing stored in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

from bench.generate import answers, in_digits, words
from bench.stand_ins import MACS, Commit, Funds, Nothing, People, Records
from chalicelib.adapters.files import form_files
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.intake.limits import Limits
from chalicelib.domain.money.fund import Movement
from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.domain.people.people import FINANCE, NATIONAL, Person
from chalicelib.domain.records.submissions import Case
from chalicelib.services.approvals import amending, asking, deciding, ending, following_up
from chalicelib.services.intake import submitting
from chalicelib.services.money import paying
from chalicelib.services.ports import Parts

UNTIL = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)
"""When whatever is made is looked at: a working Monday. Nothing happened later."""

YEARS = timedelta(days=730)
"""For how long submissions have come in by then."""

MOST_OPEN = 500
OLDEST_OPEN = timedelta(days=40)

_ENDS = {
    "funding-claim": {"paid": 38, "approved": 24, "rejected": 16, "withdrawn": 9, "lapsed": 6, "returned": 7},
    "idea": {"declined": 30, "referred": 8, "noted": 34, "adopted": 7, "piloted": 7, "turned-down": 5, "withdrawn": 9},
}  # fmt: skip
"""Out of a hundred that have ended, how many ended so. `turned-down` is by the leaders."""

_STANDS = {
    "funding-claim": {"force-lead": 45, "programme": 30, "finance": 15, "changes-requested": 10},
    "idea": {"triage": 50, "national-review": 35, "leaders": 15},
}
"""Out of a hundred that are open, how many stand at which stage, or wait for their submitter."""

_FORMS = ("funding-claim", "idea")
_CHOICES = {
    "noted": {"national-review": "note"},
    "adopted": {"leaders": "adopt", "casting": "adopt"},
    "piloted": {"leaders": "pilot", "casting": "pilot"},
    "turned-down": {"leaders": "decline", "casting": "decline"},
    "declined": {"triage": "decline"},
    "referred": {"triage": "refer"},
}
_GOES_ON = {"triage": "publish", "national-review": "shortlist"}
_SLOWEST = timedelta(days=4)
_LAPSES_AFTER = timedelta(days=60)
_PRIME = 1_000_000_007


@dataclass(frozen=True, kw_only=True)
class Life:
    """All that is stored of a submission for good; `movements` are its ledger's lines."""

    case: Case
    movements: tuple[Movement, ...]


def lives(
    count: int,
    people: Sequence[Person],
    *,
    seed: int = 1,
    part: int = 0,
    of: int = 1,
    also: Commit = lambda _: None,
) -> Iterator[Life]:
    """So many submissions, half of them claims and half ideas; the same each time for the same seed. MOST_OPEN of
    them are open, half of them at most. Of several who share the work, each names its `part`. `also` is given all
    changes as they are committed."""
    world = _World(people, also)
    every = max(2, count // MOST_OPEN)
    for number in range(part, count, of):
        form = _FORMS[(number + number // every) % 2]
        yield world.live(form, number, seed=seed, is_open=number % every == every - 1)


class _World:
    """The product's parts around one submission after the other."""

    def __init__(self, people: Sequence[Person], also: Commit) -> None:
        self._also = also
        self._records = Records(also)
        self._number = 0
        self._chance = Random(0)
        self._now = UNTIL
        self._payer = next(one for one in reversed(people) if one.holds(FINANCE, at=NATIONAL))
        nothing: Any = Nothing()
        records: Any = self
        people_port: Any = People(people)
        funds: Any = Funds()
        self._parts = Parts(
            records=records,
            outbox=nothing,
            funds=funds,
            checks=nothing,
            people=people_port,
            accounts=nothing,
            tokens=nothing,
            leavings=nothing,
            seals=nothing,
            sources=nothing,
            macs=MACS,
            timelines=nothing,
            roots=nothing,
            root_keys=nothing,
            security=nothing,
            reporting=nothing,
            identities=nothing,
            providers=nothing,
            sign_in=nothing,
            workflows=nothing,
            mailer=nothing,
            links=nothing,
            forms=form_files.FormFiles(),
            archive=nothing,
            workbooks=nothing,
            files=nothing,
            calendar=form_files.calendar(),
            now=lambda: self._now,
            undo_for=timedelta(0),
            limits=Limits(mailbox_an_hour=0, force_an_hour=0, form_wait=timedelta(0)),
            probe_key="",
            draw=lambda characters, count: self._drawn(characters, count),
            new_secret=lambda: f"{self._chance.getrandbits(256):064x}",
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def live(self, form: str, number: int, *, seed: int, is_open: bool) -> Life:
        """One submission, from when it came in to UNTIL."""
        self._chance = chance = Random(f"{seed} life {number}")
        self._records = Records(self._also)
        self._number = number
        self._now = UNTIL - (OLDEST_OPEN * chance.random() ** 2 if is_open else YEARS * chance.random())
        self._submit(form, number, seed)
        if is_open:
            self._stand(_one_of(chance, _STANDS[form]))
        else:
            self._end(_one_of(chance, _ENDS[form]), is_long_ago=UNTIL - self._now > _LAPSES_AFTER)
        case = self._records.case("")
        return Life(case=case, movements=tuple(self._records.movements))

    # What happens to it

    def _submit(self, form: str, number: int, seed: int) -> None:
        given = answers(form, number, seed=seed)
        if "event_date" in given:
            day = self._now.date() + timedelta(days=self._chance.randrange(30, 200))
            given["event_date"] = day.isoformat()
        one = self._parts.forms.form(form)
        submitting.submit(self._parts, one, given, proved=[mailbox_of(given[one.email_field])])

    def _end(self, end: str, *, is_long_ago: bool) -> None:
        if end == "lapsed" and not is_long_ago:
            end = "rejected"
        if end in ("approved", "paid", "returned", "rejected", "lapsed"):
            self._end_claim(end)
        elif end == "withdrawn":
            self._withdraw()
        else:
            while self._one.is_open:
                stage = self._one.stage
                self._decide(_CHOICES[end].get(stage) or _GOES_ON[stage], late=is_long_ago)

    def _end_claim(self, end: str) -> None:
        late = end != "lapsed" and UNTIL - self._now > _LAPSES_AFTER
        if end == "lapsed" or (late and self._chance.random() < 0.15):
            self._ask_for_changes()
            if end == "lapsed":
                self._wait_until(UNTIL)
                return
            self._amend()
        at = self._chance.choice(("force-lead", "programme")) if end == "rejected" else ""
        while self._one.is_open:
            self._decide("reject" if self._one.stage == at else "approve", late=late)
        if end in ("paid", "returned"):
            self._pay(is_returned=end == "returned")

    def _stand(self, at: str) -> None:
        """Go on until there, then wait: reminders and hand-overs come as they fall due."""
        one = self._one
        if at == "changes-requested":
            self._ask_for_changes()
        else:
            at = "programme" if at == "finance" and one.amount_pence < 500_000 else at
            while self._one.stage != at:
                self._decide(_GOES_ON.get(self._one.stage, "approve"), late=False)
            if self._chance.random() < 0.95:
                self._ask()
                if at == "leaders" and self._chance.random() < 0.5:
                    self._answer("adopt")
        self._wait_until(UNTIL)

    # Steps

    @property
    def _one(self) -> Any:
        return self._records.case("").submission

    def _ask(self) -> None:
        self._pass(timedelta(seconds=2))
        one = self._one
        token = hashlib.shake_128(f"{one.reference} {one.revision}".encode()).hexdigest(320)
        asking.ask(
            self._parts,
            asking.Step(
                force=one.force,
                reference=one.reference,
                round=one.round,
                stage=one.stage,
                turn=one.asked_as,
                token=token,
            ),
        )

    def _decide(self, choice: str, *, late: bool) -> None:
        """Ask, and have all who are asked choose this, until the stage is over. Some wait for the deputy."""
        self._ask()
        if late and self._chance.random() < 0.1:
            due = self._one.due_at
            self._wait_until(due + timedelta(hours=1))
            if self._one.asked_as is AskedAs.COORDINATORS:
                return
        before = self._one.stage
        while self._one.is_open and self._one.stage == before and self._records.case("").open_task:
            self._answer(choice)

    def _answer(self, choice: str, changes: Mapping[str, str] | None = None) -> None:
        self._pass(min(_SLOWEST, timedelta(hours=self._chance.expovariate(1 / 30))))
        case = self._records.case("")
        task = case.open_task
        assert task is not None, "nobody is asked"
        form = self._parts.forms.form(case.submission.form)
        needs_words = form.workflow.choice(choice).needs_reason or changes is not None
        comment = words(self._chance, 20, 600) if needs_words or self._chance.random() < 0.3 else ""
        deciding.decide(
            self._parts,
            task.person_id,
            task.id,
            decision=choice,
            comment=comment,
            seen=case.seen,
            changes=changes,
        )

    def _ask_for_changes(self) -> None:
        self._ask()
        page = self._chance.choice(("costs", "purpose"))
        known = [one.id for one in self._parts.forms.form(self._one.form).pages]
        page = page if page in known else known[-2]
        self._answer("request-changes", {page: words(self._chance, 20, 300)})

    def _amend(self) -> None:
        self._pass(min(_SLOWEST, timedelta(hours=self._chance.expovariate(1 / 50))))
        case = self._records.case("")
        given = dict(case.answers)
        given["purpose"] = words(self._chance, 50, 4_000)
        given["cost_lines"] = [
            {**line, "amount_pence": max(1, line["amount_pence"] * 9 // 10)} for line in given["cost_lines"]
        ]
        one = case.submission
        amending.amend(self._parts, one.force, one.reference, given, version=one.version)

    def _withdraw(self) -> None:
        if self._chance.random() < 0.5:
            self._ask()
        self._pass(timedelta(days=self._chance.random()))
        one = self._one
        ending.withdraw(self._parts, one.force, one.reference, reason=words(self._chance, 20, 200))

    def _pay(self, *, is_returned: bool) -> None:
        self._pass(timedelta(days=self._chance.random() * 20))
        reference = self._one.reference
        paying.pay(self._parts, self._payer, reference, f"BACS {self._chance.randrange(10**6):06}")
        if not is_returned:
            return
        self._pass(timedelta(days=self._chance.random() * 30))
        amount = max(1, self._one.paid_pence // self._chance.randrange(2, 10))
        reason = words(self._chance, 20, 200)
        paying.give_back(
            self._parts, self._payer, reference, amount_pence=amount, reason=reason, returned_before=0
        )

    def _drawn(self, characters: str, count: int) -> str:
        """What a reference is made of: of every number another one, in no order that is seen."""
        return in_digits(self._number * _PRIME % len(characters) ** count, characters, count)

    # Time

    def _pass(self, duration: timedelta) -> None:
        """Time passes, but never all that is left."""
        self._now = min(self._now + duration, self._now + (UNTIL - self._now) / 3)

    def _wait_until(self, moment: datetime) -> None:
        """Whatever falls due by then is followed up at its time."""
        while (at := self._one.next_at) is not None and at <= moment and self._one.is_open:
            self._now = max(self._now, at)
            done = following_up.follow_up(self._parts)
            assert not done.failed, "could not be followed up"
        self._now = max(self._now, moment)


def _one_of(chance: Random, shares: Mapping[str, int]) -> str:
    return chance.choices(tuple(shares), tuple(shares.values()))[0]
