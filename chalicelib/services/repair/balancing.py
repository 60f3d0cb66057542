"""The money, checked: what is held for claims against the claims, and every sum against the ledger's lines.

Lines are only ever added, each in the transaction that moves its claim. So they are right, and sums that are not
theirs are worked out anew. What a claim and its lines say differently is released where it is too much, by a line of
its own; where it is too little, it is for a person to look at: money is not made here.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TypeVar

from chalicelib.domain.approvals import decisions
from chalicelib.domain.errors import Conflict
from chalicelib.domain.money.fund import (
    MENDED,
    Held,
    Kept,
    Kind,
    Ledger,
    Line,
    Movement,
    as_lines_say,
    summed,
)
from chalicelib.domain.records.submissions import Case, Submission
from chalicelib.domain.repair.checks import Finding, Found, Looked
from chalicelib.domain.values import value
from chalicelib.services.changes import ChangeRefused, MoveMoney, NotThere
from chalicelib.services.ports import Parts
from chalicelib.services.repair.restarting import LONG_SETTLING, could_not
from chalicelib.services.revision import Revision

MOST_TRIES = 3
"""How often the ledger is read again where money moves just then."""

HOURS = 24
"""Claims that the ledger holds nothing for are looked at once a day, each in an hour of its own."""

_MENDED_FROM = 900_000
"""Where the numbers begin of lines that belong to no change of a submission."""

Claim = tuple[str, str]
"""Force and reference."""

Key = TypeVar("Key")


def look(parts: Parts, fund_id: str) -> Looked:
    """Look at every line, sum and claim of a fund."""
    ledger = parts.funds.ledger(fund_id)
    kept = parts.funds.kept(fund_id)
    findings: list[Finding] = []
    if _wrong_held(ledger) or _wrong_balances(ledger, kept):
        findings += _work_out_anew(parts, fund_id)
        ledger = parts.funds.ledger(fund_id)
    findings += _claims(parts, fund_id, ledger)
    return Looked(at={"lines": len(ledger.lines), "balances": len(kept)}, findings=tuple(findings))


# Sums


def _wrong_held(ledger: Ledger) -> dict[str, Held]:
    """By claim, what should be held for it, where something else is."""
    by_reference = _summed_by(ledger.lines, lambda line: line.reference)
    references = {**dict.fromkeys(ledger.kept), **dict.fromkeys(by_reference)}
    return {
        reference: should
        for reference in references
        if (should := by_reference.get(reference, Held())) != ledger.kept.get(reference, Held())
    }


def _wrong_balances(ledger: Ledger, kept: Sequence[Kept]) -> list[Kept]:
    return [
        one
        for one in kept
        if not one.adds_up or as_lines_say(one.balance, _lines_of(ledger, one.force)) != one.balance
    ]


def _lines_of(ledger: Ledger, force: str) -> list[Line]:
    return [line for line in ledger.lines if force in ("", line.force)]


def _work_out_anew(parts: Parts, fund_id: str) -> Iterator[Finding]:
    """Only what stands still: the balances are read between two readings of the ledger that are alike, so they are
    of one moment; and each is stored only where it is still just what was read."""
    for _ in range(MOST_TRIES):
        ledger = parts.funds.ledger(fund_id)
        kept = parts.funds.kept(fund_id)
        if parts.funds.ledger(fund_id) == ledger:
            break
    else:
        return  # money moves all the time: the next run looks again
    force_of = {line.reference: line.force for line in ledger.lines}
    for reference, should in _wrong_held(ledger).items():
        force = force_of.get(reference, "")
        try:
            yield from _hold_anew(
                parts, fund_id, force, reference, ledger.kept.get(reference, Held()), should
            )
        except Exception as error:  # one that fails must not keep the rest from being looked at
            yield could_not(error, force=force, reference=reference)
    for one in _wrong_balances(ledger, kept):
        try:
            yield from _balance_anew(parts, fund_id, one, _lines_of(ledger, one.force))
        except Exception as error:  # as above
            yield could_not(error, force=one.force, reference=fund_id)


def _hold_anew(
    parts: Parts, fund_id: str, force: str, reference: str, seen: Held, should: Held
) -> Iterator[Finding]:
    _check_sense(should)
    if parts.funds.recompute_held(fund_id, reference, seen, should):
        was, now = asdict(seen), asdict(should)
        yield Finding(found=Found.WRONG_HELD, force=force, reference=reference, was=was, now=now)


def _balance_anew(parts: Parts, fund_id: str, seen: Kept, lines: Sequence[Line]) -> Iterator[Finding]:
    _check_sense(summed(lines))
    balance = as_lines_say(seen.balance, lines)
    if not parts.funds.recompute(fund_id, seen, balance):
        return
    was = {**asdict(_as_held(seen)), "available": seen.available}
    now = {**asdict(summed(lines)), "available": balance.available}
    yield Finding(found=Found.WRONG_BALANCE, force=seen.force, reference=fund_id, was=was, now=now)


class LinesMakeNoSense(Conflict):
    """The lines take more than there was: nothing is worked out from such."""


def _check_sense(held: Held) -> None:
    if min(held.reserved, held.committed, held.spent, held.returned, held.spent - held.returned) < 0:
        raise LinesMakeNoSense("The ledger's lines take more than there was.")


def _as_held(kept: Kept) -> Held:
    one = kept.balance
    return Held(reserved=one.reserved, committed=one.committed, spent=one.spent, returned=one.returned)


# Claims


@value
class _Beside:
    """A claim beside what its lines hold for it; `case` is None where there is none. `lines` is how many there are
    of the reference, at whatever force."""

    fund: str
    force: str
    reference: str
    case: Case | None
    held: Held
    lines: int

    @property
    def claim(self) -> Submission | None:
        """The claim as it stands."""
        return self.case.submission if self.case else None

    @property
    def says(self) -> Held:
        """What the claim has a use for. One that was moved has gone on at another force."""
        return decisions.held(self.claim) if self.claim and not self.claim.moved_to else Held()

    @property
    def excess(self) -> tuple[Kind, int] | None:
        """What is to be released first, None where nothing is."""
        if self.held.reserved > self.says.reserved:
            return Kind.RELEASE, self.held.reserved - self.says.reserved
        if self.held.committed > self.says.committed:
            return Kind.CANCEL, self.held.committed - self.says.committed
        return None

    @property
    def is_too_little(self) -> bool:
        """Whether the claim says more than is there, or was paid what the ledger does not know, or not paid what it
        knows."""
        paid = (self.says.spent, self.says.returned) != (self.held.spent, self.held.returned)
        return paid or self.says.reserved > self.held.reserved or self.says.committed > self.held.committed


def _claims(parts: Parts, fund_id: str, ledger: Ledger) -> Iterator[Finding]:
    held = _summed_by(ledger.lines, lambda line: (line.force, line.reference))
    lines = Counter(line.reference for line in ledger.lines)
    hour = parts.now().hour
    funded = {form.id for form in parts.forms.all() if form.workflow.fund == fund_id}
    wanted = {claim: None for claim, one in held.items() if _holds(one)}
    wanted |= {claim: None for claim in held if _is_its_hour(claim, hour)}
    wanted |= {(one.force, one.reference): None for one in parts.records.waiting()}
    cases = {
        (case.submission.force, case.submission.reference): case for case in parts.records.some(list(wanted))
    }
    for force, reference in wanted:
        case = cases.get((force, reference))
        if case is not None and case.submission.form not in funded:
            continue
        beside = _Beside(
            fund=fund_id,
            force=force,
            reference=reference,
            case=case,
            held=held.get((force, reference), Held()),
            lines=lines[reference],
        )
        try:
            yield from _agree(parts, beside)
        except Exception as error:  # one that fails must not keep the rest from being looked at
            yield could_not(error, force=force, reference=reference)


def _holds(held: Held) -> bool:
    return bool(held.reserved or held.committed or held.spent)


def _is_its_hour(claim: Claim, hour: int) -> bool:
    return zlib.crc32("#".join(claim).encode()) % HOURS == hour


def _agree(parts: Parts, beside: _Beside) -> Iterator[Finding]:
    """Release what is too much, and report what is too little. The lines were read before the claim: what has moved
    between is refused, since it is no longer what is held."""
    if beside.says == beside.held or _is_moving(parts, beside):
        return
    if beside.is_too_little:
        yield Finding(
            found=Found.NOT_HELD,
            force=beside.force,
            reference=beside.reference,
            was=asdict(beside.held),
            now=asdict(beside.says),
        )
        return
    excess = beside.excess
    assert excess is not None  # noqa: S101 - it differs, and is not too little
    kind, amount = excess
    try:
        _release(parts, beside, kind, amount)
    except ChangeRefused:
        return  # somebody moved it, or the claim, at this moment: it is no fault, or the next run will find it
    after = beside.held.moved(kind, amount)
    yield Finding(
        found=Found.STILL_HELD,
        force=beside.force,
        reference=beside.reference,
        was=asdict(beside.held),
        now=asdict(after),
    )


def _is_moving(parts: Parts, beside: _Beside) -> bool:
    """Whether the claim changed just now, or what was last decided may still be undone."""
    one, now = beside.claim, parts.now()
    return one is not None and (one.may_undo(now) or now - one.changed_at < LONG_SETTLING)


def _release(parts: Parts, beside: _Beside, kind: Kind, amount: int) -> None:
    """In one transaction with the claim's next revision and its entry; or, where there is no claim here, on condition
    that there is none."""
    case, now = beside.case, parts.now()
    one = beside.claim
    movement = Movement(
        fund=beside.fund,
        force=beside.force,
        reference=beside.reference,
        kind=kind,
        amount_pence=amount,
        revision=one.revision + 1 if one and not one.moved_to else _MENDED_FROM + beside.lines,
        at=now,
        before=beside.held,
        note=MENDED,
    )
    if case is None:
        not_there = NotThere(force=beside.force, reference=beside.reference)
        parts.records.commit([not_there, MoveMoney(movement=movement)])
        return
    revision = Revision(parts, case, now=now)
    revision.mends_ledger(movement)
    revision.records(MENDED, stage=case.submission.stage)
    revision.commit()


def _summed_by(lines: Sequence[Line], key: Callable[[Line], Key]) -> dict[Key, Held]:
    grouped: dict[Key, list[Line]] = defaultdict(list)
    for line in lines:
        grouped[key(line)].append(line)
    return {one: summed(some) for one, some in grouped.items()}
