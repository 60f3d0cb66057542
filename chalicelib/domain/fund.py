"""The fund: what is left, for all and for each force, and the movements that change it. Integer pence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from chalicelib.domain.money import pounds


class Kind(str, Enum):
    """What a movement does with the money. `uncommit` takes an approval back, `cancel` gives up what was approved."""

    RESERVE = "reserve"
    COMMIT = "commit"
    RELEASE = "release"
    UNCOMMIT = "uncommit"
    CANCEL = "cancel"


@dataclass(frozen=True, kw_only=True)
class Held:
    """Pence that the fund holds for one claim."""

    reserved: int = 0
    committed: int = 0


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class Fund:
    """A fund, its balance, and each force's share."""

    id: str
    name: str
    balance: Balance
    forces: Mapping[str, Balance]


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One ledger line: money of `fund` moved for a claim of `force`, for which the fund holds `before`.

    `revision` is the claim's with which it moves; with the reference it names the line, so that a repeat of the
    same movement meets the first one.
    """

    fund: str
    force: str
    reference: str
    kind: Kind
    amount_pence: int
    revision: int
    at: datetime
    before: Held

    def __post_init__(self) -> None:
        # A negative amount would pass every condition and make money.
        if type(self.amount_pence) is not int or self.amount_pence < 1:
            raise ValueError("a movement moves a whole number of pence, one or more")
        if min(self.after.reserved, self.after.committed) < 0:
            raise ValueError("a movement takes no more than is held")

    @property
    def after(self) -> Held:
        """What the fund holds for the claim afterwards."""
        reserved, committed = _STEPS[self.kind]
        return Held(
            reserved=self.before.reserved + reserved * self.amount_pence,
            committed=self.before.committed + committed * self.amount_pence,
        )


_STEPS = {
    Kind.RESERVE: (1, 0),
    Kind.COMMIT: (-1, 1),
    Kind.RELEASE: (-1, 0),
    Kind.UNCOMMIT: (1, -1),
    Kind.CANCEL: (0, -1),
}
"""What a penny moved does to what is reserved and to what is committed."""


def between(before: Held, after: Held) -> tuple[Kind, int] | None:
    """The one movement that leads from `before` to `after`, None where they are the same. ValueError where it
    takes more than one."""
    if before == after:
        return None
    for kind, (reserved, committed) in _STEPS.items():
        amount = max(abs(after.reserved - before.reserved), abs(after.committed - before.committed))
        moved = Held(
            reserved=before.reserved + reserved * amount, committed=before.committed + committed * amount
        )
        if moved == after:
            return kind, amount
    raise ValueError("it takes more than one movement")


def shortfall(fund: Fund, force: str, amount_pence: int, *, is_more: bool = False) -> str | None:
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
    says = f"This claim needs {wanted} more, which does" if is_more else f"This claim of {wanted} does"
    return f"{says} not fit: {'; '.join(missing)}."
