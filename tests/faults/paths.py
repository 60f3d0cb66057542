"""The paths of the sweep: each leads a submission of its own up to a deed, does it, and says what must hold after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from chalicelib.adapters.dynamodb.accounts import DynamoAccounts
from chalicelib.adapters.dynamodb.keys import DUE_UNCONFIRMED
from chalicelib.adapters.dynamodb.line_items import listed
from chalicelib.adapters.dynamodb.outbox import DynamoOutbox
from chalicelib.adapters.dynamodb.records import DynamoRecords
from chalicelib.adapters.dynamodb.tables import Row
from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.domain.records import trail
from chalicelib.domain.records.submissions import Case, TaskState
from tests.builders import a_cost, claim_answers, idea_answers
from tests.fakes import MACS
from tests.faults import sign_ins, waiting
from tests.faults.proxy import APPLIED, KILLS, Fault, Rule
from tests.faults.stage import Outcome, Stage, cookie_of

PENCE = 120_000
LATER = 120
"""Seconds after which a sweep finds whatever was left: beyond the relay's grace and a dead caller's claim."""

MUCH_LATER = 7200
RECORDS = DynamoRecords(relay_grace=timedelta(seconds=60), macs=MACS)
OUTBOX = DynamoOutbox(relay_grace=timedelta(seconds=60))


@dataclass
class Tale:
    """One submission of the sweep. `number` makes it like no other."""

    stage: Stage
    form: str
    number: int
    reference: str = ""
    acknowledged: bool = False
    confirm_path: str = ""
    seen: str = ""
    rounds: int = 1
    cookie: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def answers(self) -> dict[str, Any]:
        """As the form takes them."""
        who = self.address
        if self.form == "idea":
            return idea_answers(title=f"The idea of case {self.number}", contact_email=who)
        title = f"The day of case {self.number}"
        return claim_answers(event_title=title, claimant_email=who, cost_lines=[a_cost(PENCE)])

    @property
    def address(self) -> str:
        """From which it is sent."""
        return f"claimant.{self.number}@example.police.uk"

    @property
    def decider(self) -> str:
        """Who decides the first stage."""
        return "lead-kent" if self.form == "funding-claim" else "coordinator-kent"

    @property
    def decision(self) -> str:
        """What they decide."""
        return "approve" if self.form == "funding-claim" else "publish"

    def expect(self, holds: bool, what: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.wrong.append(what)

    def case(self) -> Case:
        """As it is stored."""
        return RECORDS.of("kent").case(self.reference)

    def stored(self) -> list[str]:
        """The references of this tale's submissions, of which there must be one at most."""
        title = self.answers.get("event_title") or self.answers["title"]
        newest = [
            *RECORDS.of("kent").newest(self.form, limit=20),
            *map(listed, Row.due.query(DUE_UNCONFIRMED)),
        ]
        return [one.reference for one in newest if one.title == title]

    def waiting(self, kind: str) -> list[str]:
        """The deliveries of this kind that wait, and the parcels, by their ids."""
        due = OUTBOX.due(datetime.now(timezone.utc) + timedelta(days=1), limit=500)
        return [one for one in due if one.startswith((kind, "parcel.")) and self.reference in one]

    def step(self, name: str, token: str) -> dict[str, Any]:
        """What the state machine gives its function at the first step of an execution."""
        return {**self.stage.started(self.reference)[name], "token": token}

    # What leads up to a deed, undisturbed.

    def unconfirmed(self) -> None:
        """Stored and acknowledged, waiting for its code; nothing delivered."""
        self.do_submit()
        assert self.acknowledged, self.wrong
        self.acknowledged = False

    def submitted(self) -> None:
        """The same, confirmed."""
        self.unconfirmed()
        self.do_confirm()
        assert self.acknowledged, self.wrong

    def started(self) -> None:
        """Its execution runs."""
        self.submitted()
        self.stage.do("relay", handler="relay_workflow", deliveries=self.waiting("start."))

    def asked(self) -> None:
        """Somebody is asked, and nothing waits in the outbox."""
        self.started()
        self.do_ask()
        self.stage.do("sweep", later=LATER)
        task = self.case().open_task
        assert task is not None
        self.seen = self.stage.do("look", task=task.id, cookie=cookie_of(self.decider)).result["body"]["seen"]

    def decided(self) -> None:
        """Their decision is stored; nothing delivered."""
        self.asked()
        self.do_decide()
        assert self.acknowledged, self.wrong

    # The deeds.

    def do_submit(self, rule: Rule | None = None) -> Outcome:
        """Once."""
        key = f"key-{self.number}"
        outcome = self.stage.do("submit", rule, form=self.form, answers=self.answers, key=key)
        if outcome.status == 201:
            self.acknowledged = True
            self.reference = outcome.result["body"]["reference"]
            self.confirm_path = urlsplit(outcome.result["body"]["confirm_url"]).path
        return outcome

    def do_confirm(self, rule: Rule | None = None) -> Outcome:
        """With the code that is mailed."""
        (pair,) = DynamoAccounts().pairs([mailbox_of(self.address)])
        code = sign_ins.SEALS.code(pair)
        outcome = self.stage.do("confirm", rule, path=self.confirm_path, code=code)
        self.acknowledged = outcome.status == 200
        return outcome

    def do_ask(self, rule: Rule | None = None) -> Outcome:
        """The execution's first step."""
        name = max(self.stage.started(self.reference))
        return self.stage.do("ask", rule, event=self.step(name, f"token of {name}"))

    def do_decide(self, rule: Rule | None = None) -> Outcome:
        """At the first stage."""
        task = self.case().tasks[0]
        body = {"decision": self.decision, "comment": "", "seen": self.seen}
        outcome = self.stage.do("decide", rule, task=task.id, cookie=cookie_of(self.decider), body=body)
        self.acknowledged = outcome.status == 200
        return outcome

    def do_relay_start(self, rule: Rule | None = None) -> Outcome:
        """The stream's first lane."""
        ids = self.waiting("start.")
        return self.stage.do("relay", rule, handler="relay_workflow", deliveries=ids)

    def do_relay_answer(self, rule: Rule | None = None) -> Outcome:
        """The first lane, once there is a decision that the execution waits for."""
        ids = self.waiting("answer.")
        return self.stage.do("relay", rule, handler="relay_workflow", deliveries=ids)

    def do_relay_mail(self, rule: Rule | None = None) -> Outcome:
        """The stream's second lane."""
        return self.stage.do("relay", rule, handler="relay_mail", deliveries=self.waiting("mail."))

    def do_sweep(self, rule: Rule | None = None) -> Outcome:
        """The schedule."""
        return self.stage.do("sweep", rule, later=LATER)

    # Afterwards.

    def finish(self) -> None:
        """One sweep; nothing may be left after it."""
        self.stage.do("sweep", later=2 * LATER)

    def check_stored(self, *, twice: bool) -> None:
        """One submission where it was acknowledged, one at most where it was not; its code mailed, nobody asked."""
        stored = self.stored()
        self.expect(len(stored) <= 1, f"stored {len(stored)} times")
        if self.acknowledged:
            self.expect(self.reference in stored, "acknowledged and lost")
        mails = self.stage.mailed("mail.confirm.", to=self.address)
        most = len(stored) + int(twice)
        self.expect(len(stored) <= len(mails) <= most, f"{len(stored)} stored, {len(mails)} codes mailed")
        for reference in stored:
            self.expect(not self.stage.started(reference), "started before it was confirmed")

    def check_confirmed(self, *, twice: bool) -> None:
        """Sent on once where it was acknowledged, once at most where it was not."""
        confirmed = [entry for entry in self.case().entries if entry.action == "confirmed"]
        self.expect(len(confirmed) <= 1, f"confirmed {len(confirmed)} times")
        self.expect(bool(confirmed) or not self.acknowledged, "acknowledged and lost")
        if confirmed:
            self.check_submitted(twice=twice)
        else:
            self.check_stored(twice=twice)

    def check_submitted(self, *, twice: bool) -> None:
        """One submission where it was acknowledged, one at most where it was not; started once, mailed."""
        stored = self.stored()
        self.expect(len(stored) <= 1, f"stored {len(stored)} times")
        if self.acknowledged:
            self.expect(self.reference in stored, "acknowledged and lost")
        for reference in stored:
            self.reference = reference
            self.check_started()
            self.check_mailed(f"mail.receipt.{reference}", twice=twice)
            self.check_whole()

    def check_started(self) -> None:
        """Exactly one execution of each round."""
        names = list(self.stage.started(self.reference))
        self.expect(len(names) == self.rounds, f"{len(names)} executions: {names}")

    def check_mailed(self, about: str, *, twice: bool) -> None:
        """Sent; more than once only where SES's answer was lost."""
        sent = self.stage.mailed(about)
        self.expect(len(sent) == 1 or (twice and len(sent) == 2), f"{about} was mailed {len(sent)} times")

    def check_asked(self, *, twice: bool) -> None:
        """One person, once."""
        case = self.case()
        self.expect(len(case.tasks) == 1, f"{len(case.tasks)} tasks")
        asked = [entry for entry in case.entries if entry.action == "asked"]
        self.expect(len(asked) == 1, f"{len(asked)} entries say that somebody was asked")
        self.expect(bool(case.token), "no token is kept")
        self.check_mailed(f"mail.asked.{case.tasks[0].id}" if case.tasks else "-", twice=twice)
        self.check_started()
        self.check_whole()

    def check_decided(self, *, twice: bool) -> None:
        """Once where it was acknowledged, once at most where it was not; the money with it."""
        case = self.case()
        decided = [entry for entry in case.entries if entry.action == "decided"]
        self.expect(len(decided) <= 1, f"decided {len(decided)} times")
        if self.acknowledged:
            self.expect(len(decided) == 1, "acknowledged and lost")
        held = case.submission.reserved_pence
        owed = PENCE if decided and self.form == "funding-claim" else 0
        self.expect(held == owed, f"{held} pence are reserved instead of {owed}")
        closed = [task for task in case.tasks if task.state is TaskState.DECIDED]
        self.expect(len(closed) == len(decided), "task and timeline disagree")
        if decided:
            self.check_mailed(f"mail.decision-made.{case.tasks[0].id}", twice=twice)
        self.check_started()
        self.check_whole()

    def check_whole(self) -> None:
        """The timeline verifies; nothing is left to be delivered."""
        case = self.case()
        self.expect(trail.faults_of(case) == [], "the timeline has faults")
        left = [one for kind in ("start.", "answer.", "mail.") for one in self.waiting(kind)]
        self.expect(not left, f"after one sweep there is left: {left}")


@dataclass(frozen=True)
class Path:
    """`lead_up` brings a tale to the deed; `check` takes whether a mail may have been sent twice."""

    name: str
    form: str
    lead_up: Callable[[Tale], None]
    deed: Callable[[Tale, Rule | None], Outcome]
    check: Callable[..., None]


def _nothing(_: Tale) -> None:
    """Nothing leads up to it."""


# Those that ask come first: their reconciler goes through all that nobody was asked about.
PATHS = [
    Path("ask a lead", "funding-claim", Tale.started, Tale.do_ask, Tale.check_asked),
    Path("ask a coordinator", "idea", Tale.started, Tale.do_ask, Tale.check_asked),
    Path("decide a claim", "funding-claim", Tale.asked, Tale.do_decide, Tale.check_decided),
    Path("decide an idea", "idea", Tale.asked, Tale.do_decide, Tale.check_decided),
    Path("submit a claim", "funding-claim", _nothing, Tale.do_submit, Tale.check_stored),
    Path("submit an idea", "idea", _nothing, Tale.do_submit, Tale.check_stored),
    Path("confirm a claim", "funding-claim", Tale.unconfirmed, Tale.do_confirm, Tale.check_confirmed),
    Path("relay a start", "funding-claim", Tale.submitted, Tale.do_relay_start, Tale.check_submitted),
    Path("relay an answer", "funding-claim", Tale.decided, Tale.do_relay_answer, Tale.check_decided),
    Path("relay an answer on an idea", "idea", Tale.decided, Tale.do_relay_answer, Tale.check_decided),
    Path("relay a mail", "funding-claim", Tale.submitted, Tale.do_relay_mail, Tale.check_submitted),
    Path("sweep", "funding-claim", Tale.submitted, Tale.do_sweep, Tale.check_submitted),
    Path("sweep ideas", "idea", Tale.submitted, Tale.do_sweep, Tale.check_submitted),
    Path("mend the address", "funding-claim", waiting.typed, waiting.do_mend, waiting.check_mended),
    Path("disown", "funding-claim", waiting.typed, waiting.do_disown, waiting.check_disowned),
    Path("lapse", "funding-claim", waiting.mailed, waiting.do_lapse, waiting.check_lapsed),
    Path("ask for a code", "", sign_ins.registered, sign_ins.do_ask, sign_ins.check_asked),
    Path("type a code", "", sign_ins.asked, sign_ins.do_type, sign_ins.check_typed),
]
BY_NAME = {path.name: path for path in PATHS}


@dataclass(frozen=True)
class Cut:
    """One case: which call of which path fails how, and what its caller does then."""

    path: str
    place: int
    call: str
    fault: Fault
    persists: bool
    retried: bool

    def __str__(self) -> str:
        how = f"{self.fault.value}{', each time' if self.persists else ''}"
        return f"{self.path} | {self.place} {self.call} | {how} | {'retried' if self.retried else 'given up'}"


def calls_of(stage: Stage, path: Path, number: int) -> list[str]:
    """The AWS calls that a path's deed makes, undisturbed."""
    stage.new_chapter()
    tale = Tale(stage, path.form, number)
    path.lead_up(tale)
    path.deed(tale, None)
    names = stage.switch.names()
    assert names, f"{path.name}: nothing went by"
    tale.finish()
    return names


def cuts(path: Path, names: list[str]) -> list[Cut]:
    """Every case of a path."""
    return [
        Cut(path.name, place, name, fault, persists, retried)
        for place, name in enumerate(names)
        for fault in Fault
        for persists in ((False,) if fault in KILLS else (False, True))
        for retried in (True, False)
    ]


def play(stage: Stage, cut: Cut, number: int) -> tuple[int, list[str]]:
    """How often the fault fired, and what was wrong afterwards."""
    path = BY_NAME[cut.path]
    stage.new_chapter()
    tale = Tale(stage, path.form, number)
    path.lead_up(tale)
    rule = Rule(place=cut.place, fault=cut.fault, persists=cut.persists)
    outcome = path.deed(tale, rule)
    if cut.retried and (outcome.died or outcome.raised or outcome.status not in (0, 200, 201, 303)):
        path.deed(tale, None)
    tale.finish()
    if path.deed is Tale.do_ask and not cut.retried:
        _come_back(tale)
    path.check(tale, twice=cut.call == "SES.SendRawEmail" and cut.fault in APPLIED or _after_ses(cut))
    return rule.fired, tale.wrong


def _after_ses(cut: Cut) -> bool:
    """Whether the mail was out, and what was to say so failed."""
    return cut.path in ("relay a mail", "sweep", "sweep ideas") and cut.call == "DynamoDB.UpdateItem"


def _come_back(tale: Tale) -> None:
    """A step that Step Functions gave up on: the reconciler starts a new round, which asks."""
    if tale.case().token:
        return
    tale.rounds = 2
    tale.stage.do("reconcile", later=MUCH_LATER)
    tale.stage.do("sweep", later=MUCH_LATER + LATER)
    tale.do_ask()
    tale.finish()
