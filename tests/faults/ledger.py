"""Claims whose money moves on the real adapter, over a line to DynamoDB that fails; and a model that knows better."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Barrier, local
from typing import Any

import hypothesis.strategies as st
from botocore.awsrequest import AWSResponse
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from chalicelib import wiring
from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.funds import DynamoFunds
from chalicelib.adapters.dynamodb.records import DynamoRecords
from chalicelib.adapters.dynamodb.tables import BalanceItem, LineItem, ReservationItem, Row, shared_connection
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.intake.references import new_reference
from chalicelib.domain.money.fund import Balance, Held, Kind, Movement
from chalicelib.domain.records.submissions import Submission
from chalicelib.services.changes import Change, ChangeRefused, MoveMoney
from tests.builders import MONDAY, added, changed
from tests.contract import broken_line
from tests.fakes import MACS

TOTAL, CAP = 100_000, 60_000
FORCES = ("kent", "essex")
STEPS = {
    Kind.RESERVE: (1, 0, 0, 0),
    Kind.COMMIT: (-1, 1, 0, 0),
    Kind.RELEASE: (-1, 0, 0, 0),
    Kind.UNCOMMIT: (1, -1, 0, 0),
    Kind.CANCEL: (0, -1, 0, 0),
    Kind.PAY: (0, -1, 1, 0),
    Kind.RETURN: (0, 0, 0, 1),
}
"""Written down a second time, apart from the product's own: pence reserved, committed, spent and returned."""

FAULTS = ("none", "none", "none", "lost", "unheard", "unheard once", "busy once", "conflict", "conflict")
ALL_SIZES = (0.0, 0.05, 0.2, 0.4, 0.7, 1.0)
SIZES = st.sampled_from(ALL_SIZES)
"""How much of what there is to move; all of it is a little more than there is to reserve."""

_numbers = itertools.count(1)


class Line:
    """What becomes of each TransactWriteItems of this thread."""

    def __init__(self) -> None:
        self.fired = 0
        self._here = local()
        self._events = shared_connection().client.meta.events
        self._events.register("before-send.dynamodb", self._send)

    def end(self) -> None:
        self._events.unregister("before-send.dynamodb", self._send)

    @contextmanager
    def cut(self, how: Callable[[Any], AWSResponse | None], *, times: int = 1000) -> Iterator[None]:
        """So many of them end like this; `how` may let one through."""
        self._here.how, self._here.left = how, times
        yield
        self._here.left = 0

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        if not getattr(self._here, "left", 0) or b"TransactWriteItems" not in _target(request):
            return None
        self._here.left -= 1
        self.fired += 1
        answer: AWSResponse | None = self._here.how(request)
        return answer


def _target(request: Any) -> bytes:
    target = request.headers["X-Amz-Target"]
    return target if isinstance(target, bytes) else str(target).encode()


CUTS: dict[str, tuple[Callable[[Any], AWSResponse], int]] = {
    "none": (broken_line.before, 0),
    "lost": (broken_line.before, 1000),
    "unheard": (broken_line.after, 1000),
    "unheard once": (broken_line.after, 1),
    "busy once": (broken_line.error("ThrottlingException"), 1),
    "conflict": (broken_line.cancelled("None", "TransactionConflict"), 3),
}


@dataclass
class Claim:
    """A claim as the model knows it."""

    one: Submission
    held: Held = Held()


@dataclass(frozen=True)
class Made:
    """A commit that was once tried."""

    changes: tuple[Change, ...]
    movement: Movement


class Ledger(RuleBasedStateMachine):
    """Movements in any order, of any amount, over any line. `count` counts the operations of all runs."""

    count = 0
    fired = 0
    done = 0
    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.fund = f"fund-{next(_numbers)}"
        DynamoFunds().open_fund(self.fund, name="fund", total_pence=TOTAL, caps=dict.fromkeys(FORCES, CAP))
        self.records = DynamoRecords(relay_grace=MONDAY - MONDAY, macs=MACS, pause=lambda _: None)
        self.line = Line()
        self.claims = [self._new_claim(force) for force in (*FORCES, *FORCES)]
        self.lines: list[tuple[str, str, Kind, int]] = []

    def teardown(self) -> None:
        self.line.end()
        Ledger.fired += self.line.fired

    def _new_claim(self, force: str) -> Claim:
        reference = new_reference("CLM", wiring.draw)
        one, changes = added(reference=reference, force=force)
        self.records.commit(changes)
        return Claim(one)

    # What may happen

    @rule(
        target=made,
        place=st.integers(0, 3),
        kind=st.sampled_from(Kind),
        size=SIZES,
        fault=st.sampled_from(FAULTS),
        twice=st.booleans(),
    )
    def move(self, place: int, kind: Kind, size: float, fault: str, twice: bool) -> Made | None:
        """A movement with its claim; a client that heard nothing sends it again, and some do so anyway."""
        claim = self.claims[place]
        planned = self._plan(claim, kind, size)
        if planned is None:
            return None
        fits = self._fits(planned.movement)
        how, times = CUTS[fault]
        with self.line.cut(how, times=times):
            result = self._commit(planned.changes)
        if fault in ("lost", "unheard"):
            assert result == "unknown"
        else:
            assert result == ("done" if fits else "refused"), (result, fault, planned.movement)
        applied = fits and fault != "lost"
        if applied:
            self._apply(claim, planned)
        if result == "unknown" or twice:
            again = self._commit(planned.changes)
            assert again == ("refused" if applied or not fits else "done"), again
            if again == "done":
                self._apply(claim, planned)
        return planned

    @rule(made=made)
    def late_repeat(self, made: Made | None) -> None:
        """A request that was on its way for long; also where only its money part comes again."""
        if made is None:
            return
        was_made = any(
            line[1:3] == (made.movement.reference, made.movement.kind)
            and line[0] == str(made.movement.revision)
            for line in self.lines
        )
        if was_made:
            assert self._commit(made.changes) == "refused"
            assert self._commit([MoveMoney(movement=made.movement)]) == "refused"

    @rule(place=st.integers(0, 3), size=SIZES)
    def there_and_back(self, place: int, size: float) -> None:
        """What is reserved and released again leaves all as it was: only its line says that it has been."""
        claim = self.claims[place]
        there = self._plan(claim, Kind.RESERVE, size / 2)
        assert there is not None
        if not self._fits(there.movement):
            return
        for kind in (Kind.RESERVE, Kind.RELEASE):
            planned = self._plan(claim, kind, 0, amount=there.movement.amount_pence)
            assert planned is not None
            assert self._commit(planned.changes) == "done"
            self._apply(claim, planned)
        assert self._commit([MoveMoney(movement=there.movement)]) == "refused"

    @rule(place=st.integers(0, 3), size=SIZES, wrong=st.integers(1, 1000))
    def a_wrong_idea_of_what_is_held(self, place: int, size: float, wrong: int) -> None:
        """A movement from another amount than the claim has is refused, however much is left."""
        claim = self.claims[place]
        before = replace(claim.held, reserved=claim.held.reserved + wrong)
        planned = self._plan(claim, Kind.RESERVE, size, before=before)
        assert planned is not None
        assert self._commit(planned.changes) == "refused"

    @rule(
        first=st.integers(0, 3),
        other=st.integers(0, 3),
        size=SIZES,
        fault=st.sampled_from(FAULTS),
    )
    def meanwhile(self, first: int, other: int, size: float, fault: str) -> None:
        """While one reservation is on the line another one is made: the first is refused where both do not fit."""
        if first == other:
            return
        one = self._plan(self.claims[first], Kind.RESERVE, size)
        two = self._plan(self.claims[other], Kind.RESERVE, size)
        assert one is not None and two is not None
        overtaken = False

        def overtake(_: Any) -> None:
            nonlocal overtaken
            if not overtaken:
                overtaken = True
                if self._fits(two.movement):
                    self.records.commit(two.changes)
                    self._apply(self.claims[other], two)

        with self.line.cut(overtake, times=1):
            result = self._commit(one.changes)
        assert overtaken
        fits = self._fits(one.movement)
        assert result == ("done" if fits else "refused")
        if fits:
            self._apply(self.claims[first], one)

    @rule(size=SIZES)
    def all_at_once(self, size: float) -> None:
        """Every claim reserves at the same moment: who gets it is open, that it is there is not."""
        planned = [self._plan(claim, Kind.RESERVE, size) for claim in self.claims]
        barrier = Barrier(len(planned))

        def run(one: Made | None) -> str:
            assert one is not None
            barrier.wait()
            return self._commit(one.changes)

        with ThreadPoolExecutor(len(planned)) as pool:
            results = list(pool.map(run, planned))
        for claim, one, result in zip(self.claims, planned, results):
            assert one is not None
            assert result in ("done", "refused")
            if result == "done":
                self._apply(claim, one)

    # What must hold

    @invariant()
    def every_penny_is_somewhere(self) -> None:
        """The stored balances, shares, reservations and lines are what the model says, and none is overdrawn."""
        fund = DynamoFunds().fund(self.fund)
        lines, held = self._stored()
        assert sorted(lines) == sorted(self.lines)
        for claim in self.claims:
            assert (
                held.get(claim.one.reference, Held())
                == claim.held
                == self._sum(reference=claim.one.reference)
            )
        for force in FORCES:
            self._check(fund.forces[force], CAP, self._sum(force=force))
        self._check(fund.balance, TOTAL, self._sum())
        for row in Row.query(keys.fund(self.fund), consistent_read=True):
            assert isinstance(row, BalanceItem)
            assert row.available == row.total - row.reserved - row.committed - row.spent + row.returned
            assert row.available >= 0

    def _check(self, balance: Balance, total: int, held: Held) -> None:
        assert balance == Balance(
            total=total,
            reserved=held.reserved,
            committed=held.committed,
            spent=held.spent,
            returned=held.returned,
        )
        assert min(balance.reserved, balance.committed, balance.spent, balance.available) >= 0
        assert balance.returned <= balance.spent

    # The model

    def _sum(self, *, force: str = "", reference: str = "") -> Held:
        parts = [0, 0, 0, 0]
        by = {claim.one.reference: claim.one.force for claim in self.claims}
        for _, of, kind, amount in self.lines:
            if reference in ("", of) and force in ("", by[of]):
                parts = [sofar + step * amount for sofar, step in zip(parts, STEPS[kind])]
        return Held(reserved=parts[0], committed=parts[1], spent=parts[2], returned=parts[3])

    def _left(self, force: str) -> int:
        total, share = self._sum(), self._sum(force=force)
        return min(TOTAL - _used(total), CAP - _used(share))

    def _plan(
        self, claim: Claim, kind: Kind, size: float, *, before: Held | None = None, amount: int = 0
    ) -> Made | None:
        """A movement of this amount, or else of so much of what there is to move, and a little beyond."""
        held = before or claim.held
        most = {
            Kind.RESERVE: self._left(claim.one.force) * 5 // 4 + 1,
            Kind.COMMIT: held.reserved,
            Kind.RELEASE: held.reserved,
            Kind.UNCOMMIT: held.committed,
            Kind.CANCEL: held.committed,
            Kind.PAY: held.committed,
            Kind.RETURN: held.spent - held.returned,
        }[kind]
        if most < 1:
            return None
        amount = amount or max(1, round(size * most))
        moved, changes = changed(claim.one)
        movement = Movement(
            fund=self.fund,
            force=moved.force,
            reference=moved.reference,
            kind=kind,
            amount_pence=amount,
            revision=moved.revision,
            at=moved.changed_at,
            before=held,
        )
        return Made((*changes, MoveMoney(movement=movement)), movement)

    def _fits(self, movement: Movement) -> bool:
        return movement.kind is not Kind.RESERVE or movement.amount_pence <= self._left(movement.force)

    def _commit(self, changes: Any) -> str:
        Ledger.count += 1
        try:
            self.records.commit(changes)
        except ChangeRefused:
            return "refused"
        except Unavailable:
            return "unknown"
        return "done"

    def _apply(self, claim: Claim, made: Made) -> None:
        Ledger.done += 1
        movement = made.movement
        claim.one = made.changes[0].submission  # type: ignore[union-attr]
        steps = STEPS[movement.kind]
        held, amount = claim.held, movement.amount_pence
        claim.held = Held(
            reserved=held.reserved + steps[0] * amount,
            committed=held.committed + steps[1] * amount,
            spent=held.spent + steps[2] * amount,
            returned=held.returned + steps[3] * amount,
        )
        self.lines.append((str(movement.revision), movement.reference, movement.kind, amount))

    def _stored(self) -> tuple[list[tuple[str, str, Kind, int]], dict[str, Held]]:
        lines, held = [], {}
        for row in Row.query(keys.ledger(self.fund), consistent_read=True):
            if isinstance(row, LineItem):
                revision = row.sk.rpartition("#")[2].lstrip("0")
                lines.append((revision, row.reference, Kind(row.movement), row.amount_pence))
            elif isinstance(row, ReservationItem):
                held[row.sk.partition("#")[2]] = Held(
                    reserved=row.reserved_pence,
                    committed=row.committed_pence,
                    spent=row.spent_pence or 0,
                    returned=row.returned_pence or 0,
                )
        return lines, held


def _used(held: Held) -> int:
    return held.reserved + held.committed + held.spent - held.returned


def wander(steps: int, seed: int) -> None:
    """The same machine without Hypothesis, which begins with what is small: many different steps from the start."""
    machine, at_random, made = Ledger(), random.Random(seed), []
    try:
        for _ in range(steps):
            place, other = at_random.sample(range(4), 2)
            size, fault = at_random.choice(ALL_SIZES), at_random.choice(FAULTS)
            kind, twice = at_random.choice(list(Kind)), at_random.random() < 0.5
            step, given = at_random.choice(
                [
                    (machine.move, (place, kind, size, fault, twice)),
                    (machine.move, (place, Kind.RESERVE, size, fault, twice)),
                    (machine.late_repeat, (at_random.choice(made or [None]),)),
                    (machine.there_and_back, (place, size)),
                    (machine.a_wrong_idea_of_what_is_held, (place, size / 2, 100)),
                    (machine.meanwhile, (place, other, size, fault)),
                    (machine.all_at_once, (size,)),
                ]
            )
            made.append(step(*given))
            machine.every_penny_is_somewhere()
    finally:
        machine.teardown()
