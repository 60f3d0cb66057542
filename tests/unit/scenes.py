"""What tests of decisions share: forms with other stages, the claimant's side of the story, and what always holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.approvals import decisions
from chalicelib.domain.delivery.deliveries import Kind
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import Asked, Seat, Stage
from chalicelib.domain.money.fund import Held
from chalicelib.domain.records.submissions import Case, Standing, Status, Task, TaskState
from chalicelib.services.approvals import amending, asking, deciding, ending, task_view
from chalicelib.services.records import trail
from tests import fakes
from tests.builders import FORMS, Story, a_form, a_person, the_people

TEN_MINUTES = timedelta(minutes=10)
SMALL = 400_000
"""An amount that the fund holder is not asked about: the programme's approval is the last."""

MANAGERS = ("programme", "programme-2", "programme-3")
PANEL = ("programme", "finance", "tech")


@dataclass(frozen=True)
class OneForm:
    """The port of forms where there is one form, whatever is asked for."""

    one: Form

    def form(self, form_id: str, version: int | None = None) -> Form:
        return self.one

    def all(self) -> list[Form]:
        return [self.one]

    def force_name(self, code: str) -> str:
        return FORMS.force_name(code)


@dataclass(frozen=True)
class Mail:
    """A mail that waits in the outbox."""

    template: str
    to: str
    values: Mapping[str, Any]
    due_at: datetime
    is_held: bool


def form_with(stage: str, **changes: Any) -> Form:
    """The funding claim with one stage changed."""
    form = a_form()
    stages = tuple(replace(one, **changes) if one.name == stage else one for one in form.workflow.stages)
    return replace(form, workflow=replace(form.workflow, stages=stages))


def board(quorum: int | None = 2, without: str = "reject") -> Form:
    """The claim's form where every programme manager is asked."""
    return form_with("programme", everyone=True, quorum=quorum, without_quorum=without)


def panel(quorum: int | None = 2) -> Form:
    """The claim's form where a panel of three seats stands in the programme manager's place."""
    names = ("programme-manager", "fund-holder", "tech-lead")
    seats = tuple(
        Seat(asks=Asked(role=name, at="national"), deputy=Asked(role=f"{name}-deputy", at="national"))
        for name in names
    )
    return form_with("programme", seats=seats, panel="panel", quorum=quorum, without_quorum="reject")


@dataclass
class Scene(Story):
    """A story with more to it: several people vote, the claimant changes and withdraws, decisions are undone.

    `by_hand` are submissions that the test changed in the store, past the services: their timelines need not agree.
    """

    by_hand: set[str] = field(default_factory=set)

    @property
    def clock(self) -> fakes.Clock:
        clock: Any = self.parts.now
        return clock  # type: ignore[no-any-return]

    @property
    def store(self) -> fakes.Store:
        records: Any = self.parts.records
        return records.store  # type: ignore[no-any-return]

    def address(self, delivery_id: str) -> str:
        """Where the outbox has a delivery of this id; the id itself where it has none."""
        found = (one.delivery for one in self.store.of_kind("delivery"))
        return next((one.address for one in found if one.id == delivery_id), delivery_id)

    @property
    def people(self) -> fakes.MemoryPeople:
        people: Any = self.parts.people
        return people  # type: ignore[no-any-return]

    @property
    def answers_told(self) -> list[tuple[str, Any]]:
        """What state machines were told."""
        workflows: Any = self.parts.workflows
        return list(workflows.answers)

    @property
    def sent(self) -> list[fakes.SentMail]:
        mailer: Any = self.parts.mailer
        return list(mailer.sent)

    def use_form(self, form: Form) -> None:
        """From now on the form is this one."""
        self.form = form
        self.parts = replace(self.parts, forms=OneForm(form))

    def use_undo(self, window: timedelta = TEN_MINUTES) -> None:
        """From now on decisions can be undone for so long."""
        self.parts = replace(self.parts, undo_for=window)

    def first(self, action: Callable[[], object]) -> None:
        """`action` comes just before whatever is stored next."""
        records: Any = self.parts.records
        records.before_commit = action

    def asked(self, **changes: Any) -> str:
        """The reference of a claim that Kent's lead is asked to decide."""
        reference = self.submit(**changes).reference
        self.ask(reference)
        return reference

    def at_programme(self, **changes: Any) -> str:
        """The reference of a claim that the programme is asked to decide."""
        reference = self.asked(**changes)
        self.decide(reference)
        self.let_go(reference)
        self.ask(reference)
        return reference

    def let_go(self, reference: str, force: str = "kent") -> None:
        """Wait until the last decision can no longer be undone."""
        undo = self.case(reference, force).submission.undo
        if undo is not None:
            self.clock.at = max(self.clock.at, undo.until)

    def task_of(self, reference: str, person: str, force: str = "kent") -> Task:
        """The last task of this person."""
        return [task for task in self.case(reference, force).tasks if task.person_id == person][-1]

    def vote(
        self,
        reference: str,
        person: str,
        decision: str = "approve",
        *,
        comment: str = "",
        changes: Mapping[str, str] | None = None,
        force: str = "kent",
        seen: str | None = None,
    ) -> deciding.Outcome:
        """This person decides the last task they were given."""
        return deciding.decide(
            self.parts,
            person,
            self.task_of(reference, person, force).id,
            decision=decision,
            comment=comment,
            changes=changes,
            seen=self.case(reference, force).seen if seen is None else seen,
        )

    def ask_for_changes(self, reference: str, *, force: str = "kent", **pages: str) -> deciding.Outcome:
        """Whoever is asked first wants changes: `costs="…"`, `the_day="…"`, `you="…"`; or all of it."""
        task = self.case(reference, force).open_task
        assert task is not None, "nobody is asked"
        changes = {page.replace("_", "-"): words for page, words in pages.items()}
        return self.vote(
            reference,
            task.person_id,
            "request-changes",
            comment="" if changes else "Please look at it again",
            changes=changes or None,
            force=force,
        )

    def amend(
        self, reference: str, *, at: str = "kent", version: int | None = None, **answers: Any
    ) -> amending.AmendedTo:
        """The claimant of a claim at a force sends the form again with these answers changed; None takes one out."""
        case = self.case(reference, at)
        given = {name: value for name, value in {**case.answers, **answers}.items() if value is not None}
        version = case.submission.version if version is None else version
        return amending.amend(self.parts, at, reference, given, version=version)

    def withdraw(self, reference: str, force: str = "kent", reason: str = "") -> None:
        """The claimant takes it back."""
        ending.withdraw(self.parts, force, reference, reason=reason)

    def undo(self, reference: str, person: str, force: str = "kent") -> None:
        """This person takes their last decision back."""
        deciding.undo(self.parts, person, self.task_of(reference, person, force).id)

    def look(self, reference: str, person: str, force: str = "kent") -> task_view.TaskView:
        """This person opens the last task they were given."""
        return task_view.task_view(self.parts, person, self.task_of(reference, person, force).id)

    def standing(self, reference: str, force: str = "kent") -> Standing:
        """How the claim stands, as it is stored."""
        return self.case(reference, force).submission.standing

    def status(self, reference: str, force: str = "kent") -> Status:
        """The claim's status, as it is stored."""
        return self.case(reference, force).submission.status

    def actions(self, reference: str, action: str, force: str = "kent") -> list[Any]:
        """The timeline's entries of one kind."""
        return [entry for entry in self.case(reference, force).entries if entry.action == action]

    def money(self) -> tuple[int, int]:
        """What is reserved and what is committed."""
        one = self.parts.funds.fund("ptf").balance
        return one.reserved, one.committed

    def mails(self, template: str | None = None) -> list[Mail]:
        """The mails in the outbox that are not sent yet."""
        waiting = [
            queued.delivery for queued in self.store.of_kind("delivery") if queued.delivery.kind is Kind.MAIL
        ]
        found = [
            Mail(
                template=one.payload["template"],
                to=one.payload["to"],
                values=one.payload["values"],
                due_at=one.due_at,
                is_held=one.is_held,
            )
            for one in waiting
            if one.payload
        ]
        return [mail for mail in found if template in (None, mail.template)]

    def task_states(self, reference: str, force: str = "kent") -> list[tuple[str, str, int]]:
        """Who was asked, how it ended, and by which task."""
        return [
            (task.person_id, task.state.value, task.ended_by) for task in self.case(reference, force).tasks
        ]


def a_scene(**replacements: Any) -> Scene:
    """A scene with everybody registered and £20,000 in the fund, £10,000 of it for each of two forces."""
    parts = fakes.parts(**replacements)
    people: Any = parts.people
    people.register(the_people())
    funds: Any = parts.funds
    funds.open_fund(
        "ptf",
        name="the Police Transformation Fund",
        total_pence=2_000_000,
        caps={"kent": 1_000_000, "essex": 1_000_000},
    )
    return Scene(parts)


def register_board(scene: Scene) -> None:
    """Three programme managers."""
    scene.people.register([a_person(one, "programme-manager@national") for one in MANAGERS])


def register_panel(scene: Scene) -> None:
    """Whoever is missing for the panel's third seat."""
    scene.people.register(
        [a_person("tech", "tech-lead@national"), a_person("tech-deputy", "tech-lead-deputy@national")]
    )


@pytest.fixture
def story() -> Iterator[Scene]:
    """Claims through the services, in memory. Whatever a test did, the promises hold at its end."""
    scene = a_scene()
    yield scene
    check_promises(scene)


def check_promises(scene: Scene) -> None:
    """Every timeline verifies, nothing waits without an owner and a date, every penny is somewhere."""
    store = scene.store
    for one in store.of_kind("submission"):
        case = fakes.MemoryForceRecords(store, one.force).case(one.reference)
        stage = scene.parts.forms.form(one.form, one.form_version).workflow.stage(one.stage)
        found = trail.faults_of(scene.parts, case, case.entries)
        assert found == [] or one.reference in scene.by_hand
        assert one.is_open == bool(one.waiting_for)
        assert one.is_dated == bool(one.due_at) == bool(one.next_at)
        _check_tasks(case, stage)
        _check_money_of(scene, case)
    _check_fund(scene)


def _check_tasks(case: Case, stage: Stage) -> None:
    one = case.submission
    assert [task.number for task in case.tasks] == list(range(1, one.tasks + 1))
    for task in case.open_tasks:
        assert one.status in (Status.IN_REVIEW, Status("published"), Status("shortlisted"))
        assert (task.stage, task.version) == (one.stage, one.version)
    sitting = [task.person_id for task in case.sitting]
    assert len(set(sitting)) == len(sitting), "nobody has two votes"
    assert stage.asks_several or len(case.open_tasks) <= 1
    for task in case.tasks:
        assert bool(task.decision) == (task.state is TaskState.DECIDED) == bool(task.decided_at)
    for people in one.approved_by.values():
        assert one.claimant_id not in people
    approved = [person for people in one.approved_by.values() for person in people]
    assert len(set(approved)) == len(approved), "nobody approves twice"


def _check_money_of(scene: Scene, case: Case) -> None:
    one = case.submission
    assert one.committed_pence == (one.amount_pence if one.status is Status("approved") else 0)
    assert one.reserved_pence <= (one.amount_pence if one.is_open else 0)
    if one.moved_to:
        assert (one.reserved_pence, one.is_open) == (0, False)
        return
    held = scene.store.items.get(("reservation", "ptf", one.reference), Held())
    assert held == decisions.held(one)
    assert one.paid_pence == (one.amount_pence if one.status is Status.PAID else 0)
    assert one.returned_pence <= one.paid_pence
    assert scene.parts.records.force_of(one.reference) == one.force


def _check_fund(scene: Scene) -> None:
    fund = scene.parts.funds.fund("ptf")
    held = scene.store.of_kind("reservation")
    by_force = [
        (one.force, one.reserved_pence, one.committed_pence) for one in scene.store.of_kind("submission")
    ]
    assert fund.balance.reserved == sum(one.reserved for one in held)
    assert fund.balance.committed == sum(one.committed for one in held)
    assert fund.balance.spent == sum(one.spent for one in held)
    assert fund.balance.returned == sum(one.returned for one in held)
    for force, share in fund.forces.items():
        assert share.reserved == sum(reserved for at, reserved, _ in by_force if at == force)
        assert share.committed == sum(committed for at, _, committed in by_force if at == force)
    for balance in (fund.balance, *fund.forces.values()):
        assert balance.available >= 0
        kept = balance.spent - balance.returned
        assert balance.total == balance.available + balance.reserved + balance.committed + kept


def step(scene: Scene, reference: str, **changes: Any) -> None:
    """A step of an execution, which may be anywhere."""
    one = scene.case(reference).submission
    event = {
        "payload_version": 2,
        "force": one.force,
        "reference": reference,
        "round": one.round,
        "stage": one.stage,
        "asked": "approver",
        "token": "token-of-a-step",
    }
    asking.ask(scene.parts, asking.read_step({**event, **changes}))
