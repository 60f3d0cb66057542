"""What the reconciler looks for, and what a run of it found. Ids, codes and pence alone: a report holds no words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import Enum

from chalicelib.domain.values import value

MOST_KEPT = 50
"""Findings that a report keeps; of more it has the number."""

OVERDUE_AFTER = timedelta(hours=2)
"""The reconciler runs every hour: after this long it has not."""


class Found(str, Enum):
    """What was found. Those up to WRONG_BALANCE are mended."""

    LOST = "lost"
    """An open submission whose execution does not run: it was started anew."""

    WAITS_FOR_NOTHING = "waits-for-nothing"
    """An execution that runs without waiting for what the data waits for: it was started anew."""

    NOT_NEEDED = "not-needed"
    """An execution that nothing waits for: it was stopped."""

    UNDELIVERED = "undelivered"
    """A delivery that relay and sweeper had left: it was delivered."""

    STILL_HELD = "still-held"
    """Money held for a claim that has no use for it: it was released."""

    WRONG_HELD = "wrong-held"
    """What is held for a claim was not the sum of its ledger lines: it was worked out anew."""

    WRONG_BALANCE = "wrong-balance"
    """A balance was not the sum of its ledger lines: it was worked out anew."""

    NOT_HELD = "not-held"
    """A claim says that money is held for it, and the ledger does not: for a person to look at."""

    ALTERED = "altered"
    """What is stored is not what its timeline says, or the timeline is not as it was written: for a person."""

    MISSING = "missing"
    """A submission that a root vouches for is not there: for a person."""

    FALSE_ROOT = "false-root"
    """A root that we did not sign stands where ours do: for a person. `reference` is its name."""

    NO_ROOT = "no-root"
    """No root was written for two days: for a person."""

    COULD_NOT = "could-not"
    """It could not be looked at: it is tried again at the next run."""


@value
class Finding:
    """One thing found. `force` is empty where it concerns all of them, `reference` where it is about no submission.
    `was` and `now` are pence by what they are (`reserved`, …), where money is what it is about."""

    found: Found
    force: str = ""
    reference: str = ""
    was: Mapping[str, int] = field(default_factory=dict)
    now: Mapping[str, int] = field(default_factory=dict)


@value
class Looked:
    """What was looked at, and what was found there."""

    at: Mapping[str, int]
    findings: tuple[Finding, ...] = ()


@value
class Run:
    """One run, which began `at` (UTC). `looked_at` says how many of what; `more` findings are not kept."""

    at: datetime
    looked_at: Mapping[str, int]
    findings: tuple[Finding, ...] = ()
    more: int = 0

    def of(self, forces: frozenset[str]) -> Run:
        """The run as far as it concerns these forces."""
        mine = tuple(one for one in self.findings if one.force in forces)
        return replace(self, looked_at={}, findings=mine, more=0)
