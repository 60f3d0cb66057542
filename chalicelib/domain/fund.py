"""The fund: what is left, for all and for each force, and the movements that change it. Integer pence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from chalicelib.domain.money import pounds


class Kind(str, Enum):
    """What a movement does with the money."""

    RESERVE = "reserve"
    COMMIT = "commit"
    RELEASE = "release"


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
    """One ledger line: money of `fund` reserved, committed or released for a claim of `force`.

    `sequence` is the timeline entry it belongs to; with the reference it names the line, so that a repeat of
    the same movement meets the first one.
    """

    fund: str
    force: str
    reference: str
    kind: Kind
    amount_pence: int
    sequence: int
    at: datetime

    def __post_init__(self) -> None:
        # A negative amount would pass every condition and make money.
        if type(self.amount_pence) is not int or self.amount_pence < 1:
            raise ValueError("a movement moves a whole number of pence, one or more")


def shortfall(fund: Fund, force: str, amount_pence: int) -> str | None:
    """Why an amount does not fit, and by how much, in a sentence; None where it fits."""
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
    return f"This claim of {pounds(amount_pence)} does not fit: " + "; ".join(missing) + "."
