"""The fund: what is left, for all and for each force, and the movements that change it. Integer pence.

The ledger's lines are the record. A balance and what is held for a claim are their sums, kept beside them so that a
condition can be put on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum

from chalicelib.domain.money.pence import pounds
from chalicelib.domain.values import value


class Kind(str, Enum):
    """What a movement does with the money. `uncommit` takes an approval back, `cancel` gives up what was approved;
    `pay` is what leaves the fund, `return` what of that comes back."""

    RESERVE = "reserve"
    COMMIT = "commit"
    RELEASE = "release"
    UNCOMMIT = "uncommit"
    CANCEL = "cancel"
    PAY = "pay"
    RETURN = "return"


MENDED = "mended"
"""The note of a line that the reconciler wrote."""


@value
class Held:
    """Pence that the fund holds for one claim, has paid for it, and got back of that."""

    reserved: int = 0
    committed: int = 0
    spent: int = 0
    returned: int = 0

    def moved(self, kind: Kind, amount_pence: int) -> Held:
        """The same after a movement."""
        reserved, committed, spent, returned = _STEPS[kind]
        return Held(
            reserved=self.reserved + reserved * amount_pence,
            committed=self.committed + committed * amount_pence,
            spent=self.spent + spent * amount_pence,
            returned=self.returned + returned * amount_pence,
        )


@value
class Balance:
    """Pence of a fund, or of one force's share of it. For a force, `total` is its cap."""

    total: int
    reserved: int = 0
    committed: int = 0
    spent: int = 0
    returned: int = 0

    @property
    def available(self) -> int:
        """What may still be promised."""
        return self.total - self.reserved - self.committed - self.spent + self.returned


@value
class Fund:
    """A fund, its balance, and each force's share."""

    id: str
    name: str
    balance: Balance
    forces: Mapping[str, Balance]


@value
class Movement:
    """One ledger line: money of `fund` moved for a claim of `force`, for which the fund holds `before`.

    `revision` is the claim's with which it moves; with the reference it names the line, so that a repeat of the
    same movement meets the first one. `note` is the reference of a payment, or MENDED.
    """

    fund: str
    force: str
    reference: str
    kind: Kind
    amount_pence: int
    revision: int
    at: datetime
    before: Held
    note: str = ""

    def __post_init__(self) -> None:
        # A negative amount would pass every condition and make money.
        if type(self.amount_pence) is not int or self.amount_pence < 1:
            raise ValueError("a movement moves a whole number of pence, one or more")
        after = self.after
        if min(after.reserved, after.committed, after.spent - after.returned) < 0:
            raise ValueError("a movement takes no more than is held")

    @property
    def after(self) -> Held:
        """What the fund holds for the claim afterwards."""
        return self.before.moved(self.kind, self.amount_pence)

    @property
    def details(self) -> dict[str, int]:
        """What the timeline says of it."""
        return {f"fund-{self.kind.value}": self.amount_pence}


_STEPS = {
    Kind.RESERVE: (1, 0, 0, 0),
    Kind.COMMIT: (-1, 1, 0, 0),
    Kind.RELEASE: (-1, 0, 0, 0),
    Kind.UNCOMMIT: (1, -1, 0, 0),
    Kind.CANCEL: (0, -1, 0, 0),
    Kind.PAY: (0, -1, 1, 0),
    Kind.RETURN: (0, 0, 0, 1),
}
"""What a penny moved does to what is reserved, committed, spent and returned."""


@value
class Line:
    """A stored ledger line."""

    force: str
    reference: str
    revision: int
    kind: Kind
    amount_pence: int


@value
class Ledger:
    """All lines of a fund, and what is kept for each claim beside them."""

    lines: tuple[Line, ...]
    kept: Mapping[str, Held]


@value
class Kept:
    """A balance as it is stored. `available` is what conditions are put on: it may be wrong, as may the rest. `force`
    is empty for the fund's own."""

    force: str
    balance: Balance
    available: int

    @property
    def adds_up(self) -> bool:
        """Whether what is kept as available is what the rest of it makes."""
        return self.available == self.balance.available


def summed(lines: Iterable[Line]) -> Held:
    """What the lines make together."""
    total = Held()
    for line in lines:
        total = total.moved(line.kind, line.amount_pence)
    return total


def as_lines_say(balance: Balance, lines: Iterable[Line]) -> Balance:
    """The balance that follows from the lines. What the fund was opened with is no line: it stays."""
    held = summed(lines)
    return replace(
        balance,
        reserved=held.reserved,
        committed=held.committed,
        spent=held.spent,
        returned=held.returned,
    )


def between(before: Held, after: Held) -> tuple[Kind, int] | None:
    """The one movement that leads from `before` to `after`, None where they are the same. ValueError where it
    takes more than one."""
    if before == after:
        return None
    changed = (
        after.reserved - before.reserved,
        after.committed - before.committed,
        after.spent - before.spent,
        after.returned - before.returned,
    )
    amount = max(map(abs, changed))
    for kind in _STEPS:
        if before.moved(kind, amount) == after:
            return kind, amount
    raise ValueError("it takes more than one movement")


def shortfall(fund: Fund, force: str, amount_pence: int, *, noun: str, is_more: bool = False) -> str | None:
    """Why an amount does not fit, and by how much, in a sentence; None where it fits. `is_more`: it is wanted on
    top of what is held for the claim already."""
    share = fund.forces.get(force)
    if share is None:
        return f"The force has no share of {fund.name}."
    missing = []
    if amount_pence > share.available:
        missing.append(
            f"the force has {pounds(share.available)} left of its {pounds(share.total)}, "
            f"{pounds(amount_pence - share.available)} too little"
        )
    if amount_pence > fund.balance.available:
        missing.append(
            f"{fund.name} has {pounds(fund.balance.available)} left, "
            f"{pounds(amount_pence - fund.balance.available)} too little"
        )
    if not missing:
        return None
    wanted = pounds(amount_pence)
    says = f"This {noun} needs {wanted} more, which does" if is_more else f"This {noun} of {wanted} does"
    return f"{says} not fit: {'; '.join(missing)}."
