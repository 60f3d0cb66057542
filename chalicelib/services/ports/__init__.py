"""What the services need from outside.

A use case that changes anything names all of it as a list of changes (`changes.py`) and commits them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.domain.values import value
from chalicelib.services.desk.lines import AskedTask as AskedTask
from chalicelib.services.desk.lines import Counted as Counted
from chalicelib.services.desk.lines import Listed as Listed
from chalicelib.services.desk.lines import Place as Place
from chalicelib.services.desk.lines import Published as Published
from chalicelib.services.desk.lines import Waiting as Waiting
from chalicelib.services.ports.files import Files as Files
from chalicelib.services.ports.files import Workbooks as Workbooks
from chalicelib.services.ports.files import Written as Written
from chalicelib.services.ports.people import Leavings as Leavings
from chalicelib.services.ports.people import Tokens as Tokens
from chalicelib.services.ports.security import SecurityLog as SecurityLog
from chalicelib.services.ports.sign_in import Accounts as Accounts
from chalicelib.services.ports.sign_in import Seals as Seals
from chalicelib.services.ports.sign_in import Sources as Sources
from chalicelib.services.ports.trail import EntryMacs as EntryMacs
from chalicelib.services.ports.trail import RootKeys as RootKeys
from chalicelib.services.ports.trail import Timelines as Timelines

if TYPE_CHECKING:
    from chalicelib.domain.approvals.deadlines import Calendar
    from chalicelib.domain.delivery.deliveries import Claimed, Delivery, Mark, SetAside
    from chalicelib.domain.forms.form import Form
    from chalicelib.domain.intake.form_keys import FormKey
    from chalicelib.domain.intake.limits import Limits
    from chalicelib.domain.money.fund import Balance, Fund, Held, Kept, Ledger
    from chalicelib.domain.people.forces import Force
    from chalicelib.domain.people.issuers import SignIn
    from chalicelib.domain.people.people import Away, Holding, Person
    from chalicelib.domain.records.roots import Verified
    from chalicelib.domain.records.security import Reporting
    from chalicelib.domain.records.submissions import Case, Submission, Task
    from chalicelib.domain.repair.checks import Run
    from chalicelib.services.changes import Change, ContentRecord, KeyRecord
    from chalicelib.services.ports.identities import Identities, Providers

Now = Callable[[], datetime]


class ForceRecords(Protocol):
    """The submissions of one force. Cannot name another force's."""

    def case(self, reference: str) -> Case:
        """Everything of one submission, as it is now. Raises NotFound."""

    def newest(self, form: str, *, limit: int) -> list[Listed]:
        """The force's submissions of a form, newest first. May be a moment behind."""

    def page(self, form: str, *, after: Place | None, limit: int) -> list[Listed]:
        """The force's submissions of a form, newest first, from after a place on; fewer than `limit` only at the
        end. May be a moment behind. A place of another force's leads to nothing of it."""

    def open(self, *, limit: int) -> list[Listed]:
        """The force's open submissions, by their deadline. May be a moment behind."""

    def waiting(self) -> Iterator[Listed]:
        """The same, all of them. Is read as far as it is asked for."""

    def asked_of(self, person_id: str, *, limit: int) -> list[AskedTask]:
        """The force's tasks that wait for this person, by their date. May be a moment behind."""


class Records(Protocol):
    """Submissions and all that is stored with them."""

    def of(self, force: str) -> ForceRecords:
        """The submissions of this force."""

    def force_of(self, reference: str) -> str:
        """The force whose submission this is. For national staff. Raises NotFound."""

    def commit(self, changes: Sequence[Change]) -> None:
        """Store all changes or none. Raises ChangeRefused naming the first that does not hold, Unavailable
        where the store does not answer (the changes may then be stored, or not), StillRunning where that is since
        the same key is being stored."""

    def key(self, form: str, key: str, *, now: datetime) -> KeyRecord | None:
        """The record of an Idempotency-Key that has not expired."""

    def content(self, digest: str, *, now: datetime) -> ContentRecord | None:
        """The record of a content that has not expired."""

    def page(self, form: str, *, after: Place | None, limit: int) -> list[Listed]:
        """All forces' submissions of a form, newest first, each where it is now. For national staff. As
        ForceRecords.page."""

    def open(self, *, limit: int) -> list[Listed]:
        """All forces' open submissions, by their next date. For national staff. May be a moment behind."""

    def asked_of(self, person_id: str, *, limit: int) -> list[AskedTask]:
        """The tasks that wait for this person, by their date. May be a moment behind."""

    def published(
        self,
        now: datetime,
        *,
        after: Place | None = None,
        force: str = "",
        category: str = "",
        look_at: int = 50,
    ) -> Iterator[Published]:
        """What everybody may read, newest first, from after a place on; of one force, or of one category, where
        they are named. What a decision made public is not among it before that can no longer be undone. Is read as
        far as it is asked for: first among so many as there are to `look_at`, then among more. May be a moment
        behind."""

    def count_published(self, now: datetime, *, most: int) -> tuple[Mapping[str, int], bool]:
        """How many of `published` there are of each force, among the newest `most`; and whether there are more."""

    def counted(self) -> Counted | None:
        """How many ideas each force had published when that was last kept."""

    def keep_counted(self, counted: Counted, *, instead_of: Counted | None) -> bool:
        """Keep it in place of what was read; False where it is not that any more."""

    def some(self, wanted: Sequence[tuple[str, str]]) -> Iterator[Case]:
        """These submissions, by force and reference, each with its token and with nothing else that is stored with
        it. In no order that means anything; those that are not there are left out. For the reconciler."""

    def waiting(self) -> Iterator[Waiting]:
        """Every submission that is open. For the reconciler. May be a moment behind."""

    def due(self, now: datetime) -> Iterator[Waiting]:
        """Open submissions whose next date has come, the oldest first. May be a moment behind."""

    def unconfirmed(self, now: datetime) -> Iterator[Waiting]:
        """Submissions without proof whose next date has come, the oldest first. May be a moment behind."""


class Outbox(Protocol):
    """Deliveries not yet done. They come in with Records.commit."""

    def get(self, address: str) -> Delivery | None:
        """The delivery, unless it is done or set aside. A start or an answer is found by its id, too."""

    def reference_of(self, address: str) -> str:
        """What a delivery was about, done or not; empty where it was about no submission, or is not known."""

    def add(self, delivery: Delivery) -> None:
        """Queue a delivery that belongs to no submission. Queueing it twice is harmless."""

    def due(self, now: datetime, *, limit: int) -> list[str]:
        """Ids of the deliveries and parcels that the relay should have done by now, oldest first. May be a moment
        behind."""

    def claim(self, delivery_id: str, *, now: datetime, until: datetime) -> Delivery | None:
        """The delivery, for this caller alone until then; None where it is done, not yet due, or somebody else
        is at it. Whoever claims it and dies leaves it to the sweeper."""

    def done(self, delivery: Delivery, *, at: datetime) -> None:
        """Delivered: its payload, and with it the personal data, is removed."""

    def failed(self, delivery: Delivery, *, error: str, again_at: datetime) -> None:
        """Not delivered; to be tried again. `error` is the kind of error, never its message."""

    def claim_parts(
        self, parcel: str, *, lane: str, now: datetime, until: datetime, is_late: bool
    ) -> Claimed | None:
        """The parts of a parcel that are due in a lane, for this caller alone until then; None where all are done, or
        somebody else is at it. `is_late`: only what the relay should have done by now. There may be none."""

    def mark(self, claimed: Claimed, marks: Sequence[Mark], *, at: datetime) -> None:
        """What became of the parts, all at once. What is not named is as it was before it was claimed."""

    def set_aside(self, delivery: Delivery, *, error: str, at: datetime) -> bool:
        """Not delivered, and not to be tried again before a person says so. False where it is done meanwhile."""

    def all_set_aside(self, *, force: str = "", limit: int) -> list[SetAside]:
        """What was set aside, of one force where one is named; the newest first. May miss what was set aside a
        moment ago."""

    def force_of(self, address: str) -> str | None:
        """The force of a delivery, done or not; empty where it has none, None where there is no such delivery."""

    def again(self, delivery_id: str, *, now: datetime) -> bool:
        """Due at once, as if it had never been tried. False, and nothing changes, where it is not set aside."""


class Funds(Protocol):
    """The funds and their balances."""

    def fund(self, fund_id: str, *, force: str = "") -> Fund:
        """Balances as they are now; of the forces' shares only this one's, where a force is named. Raises NotFound."""

    def ledger(self, fund_id: str) -> Ledger:
        """Every line of the fund, in an order that stays, and what is kept for each claim. Read piece by piece: what
        moves meanwhile is in it or not."""

    def kept(self, fund_id: str) -> list[Kept]:
        """Each balance as it is stored, right or wrong; of a fund that is not opened, none."""

    def recompute(self, fund_id: str, seen: Kept, balance: Balance) -> bool:
        """Store a balance in place of what was seen of it. False where it is not just that any more."""

    def recompute_held(self, fund_id: str, reference: str, seen: Held, held: Held) -> bool:
        """Store what is held for a claim in place of what was seen of it. False where it is not just that any more."""


class Checks(Protocol):
    """What the reconciler found in its last runs."""

    def keep(self, run: Run) -> None:
        """Keep a run in the place of the oldest of thirty."""

    def last(self, *, limit: int) -> list[Run]:
        """The newest runs, the newest first."""

    def last_of(self, forces: Collection[str], *, limit: int) -> tuple[list[Run], int]:
        """What the newest runs found in these forces, the newest first: the last run, and of those before it the ones
        that found something there. With how many runs there were."""

    def keep_verified(self, verified: Verified) -> None:
        """Keep how far the timelines are verified, in place of what was kept."""

    def verified(self) -> Verified | None:
        """How far they are; None before the first run."""


class People(Protocol):
    """Who is registered."""

    def person(self, person_id: str) -> Person | None:
        """The person of this id."""

    def by_address(self, address: str) -> Person | None:
        """The person registered with this address, however it is spelled."""

    def holders(self, holding: Holding) -> list[Person]:
        """Those who hold a role at a place. Their `roles` name only this one."""

    def away(self, person_id: str) -> Away | None:
        """The days this person has said to be away, past ones included."""

    def set_away(self, person_id: str, away: Away | None) -> None:
        """Keep somebody's days away in place of what was kept; None: never away."""


class Workflows(Protocol):
    """The state machines."""

    def start(self, workflow: str, name: str, payload: Mapping[str, Any]) -> None:
        """Start an execution. Starting it twice is harmless."""

    def answer(self, token: str, output: Mapping[str, Any]) -> None:
        """Let a waiting execution go on. One that waits no more is no error: the data decides."""

    def running(self, workflow: str) -> frozenset[str]:
        """The names of all executions under way. May be a moment behind."""

    def is_running(self, workflow: str, name: str) -> bool:
        """Whether the execution exists and is under way."""

    def stop(self, workflow: str, name: str) -> None:
        """End an execution. One that has ended, or never was, is no error."""


class Mailer(Protocol):
    """Sends mail."""

    def send(
        self, *, notification_id: str, to: str, template: str, values: Mapping[str, Any], parcel: str = ""
    ) -> None:
        """Send one mail, made from its template. It bears its id, and its parcel's, by which it is known if it comes
        back."""

    def check(self) -> None:
        """Raise where mail cannot be sent."""


class Links(Protocol):
    """Absolute addresses of our pages, from configuration."""

    def status(self, force: str, reference: str, number: int = 1) -> str:
        """The submitter's status page, with its signed token. `number` counts the links that a submission has had."""

    def claimant(self, force: str, reference: str, action: str, number: int = 1) -> str:
        """Where the submitter does something about it: `amend`."""

    def status_token(self, force: str, reference: str, number: int = 1) -> str:
        """The signed token alone."""

    def read_status_token(self, token: str) -> tuple[str, str]:
        """Force and reference of a token that we signed, whether or not it still works. Raises NotFound for others."""

    def link_number(self, token: str) -> int:
        """Which of the submission's links it is. Raises as `read_status_token`."""

    def page_token(self, place: Sequence[str]) -> str:
        """A place in a list, signed: what a reader brings back for the next page."""

    def read_page_token(self, token: str) -> list[str]:
        """The place of a token that we signed. Raises Unreadable for any other."""

    def form_key(self, key: FormKey) -> str:
        """What a form's page carries, signed."""

    def read_form_key(self, token: str) -> FormKey:
        """What we signed. Raises Unreadable for all else."""

    def task(self, task: Task) -> str:
        """The page where a task is decided."""

    def page(self, path: str) -> str:
        """Any other page."""


class Forms(Protocol):
    """The forms."""

    def form(self, form_id: str, version: int | None = None) -> Form:
        """A form, the newest version unless one is named. Raises NotFound."""

    def all(self) -> list[Form]:
        """The newest version of every form."""

    def force_name(self, code: str) -> str:
        """A force's name."""

    def forces(self) -> list[str]:
        """The codes of all forces, in order."""

    def map_of_forces(self) -> list[Force]:
        """All forces, in the same order, with where each stands on a map."""


class Archive(Protocol):
    """All submissions of a form at a force, and the running numbers of exports."""

    def submitted(
        self, force: str, form: str, *, since: datetime | None = None, until: datetime
    ) -> Iterator[Submission]:
        """What was submitted from `since` to just before `until` (UTC), oldest first, without personal answers.
        Reads as it goes: never all of it is in memory. What came in a moment ago may be missing."""

    def next_number(self, form: str, scope: str) -> int:
        """1, 2, …: never the same twice for a form and a scope."""


@value
class Parts:
    """All of them together, as wiring builds them."""

    records: Records
    outbox: Outbox
    funds: Funds
    checks: Checks
    people: People
    accounts: Accounts
    tokens: Tokens
    leavings: Leavings
    seals: Seals
    sources: Sources
    macs: EntryMacs
    timelines: Timelines
    roots: Files
    root_keys: RootKeys
    security: SecurityLog
    identities: Identities
    providers: Providers
    sign_in: SignIn
    workflows: Workflows
    mailer: Mailer
    links: Links
    forms: Forms
    archive: Archive
    workbooks: Workbooks
    files: Files
    calendar: Calendar
    now: Now
    undo_for: timedelta
    limits: Limits
    probe_key: str
    reporting: Reporting
    draw: Callable[[str, int], str]
    new_secret: Callable[[], str]
