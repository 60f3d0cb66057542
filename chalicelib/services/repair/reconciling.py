"""The reconciler: every hour it compares what should agree, mends what does not, and keeps a report of it.

Each part looks for itself: one that fails keeps no other from being looked at. Repeating a run, or running two at
once, mends nothing twice. What it may mend, and what is for people, is in docs/adr/0015.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from chalicelib.domain.repair.checks import MOST_KEPT, Finding, Found, Looked, Run
from chalicelib.domain.values import value
from chalicelib.services.delivery import delivering
from chalicelib.services.ports import Parts
from chalicelib.services.records import verifying
from chalicelib.services.repair import balancing, restarting
from chalicelib.services.repair.restarting import could_not

OVERDUE_AFTER = timedelta(minutes=10)
"""How long a delivery may be due: the sweeper comes every two minutes."""

MOST_DELIVERED = 200

TOLD = {
    "restarted": "restarted %d workflows",
    "stopped": "stopped %d workflows that nothing waited for",
    "delivered": "delivered %d that were overdue",
    "released": "released what was still held for %d claims",
    "recomputed": "worked out %d sums of money anew",
    "not_held": "found %d claims whose money is not held",
    "not_as_written": "found %d that are not as they were written",
    "no_root": "found %d roots missing",
}
"""The log's line of each kind, which a metric and an alarm wait for (infra/resources.yaml)."""

_log = logging.getLogger(__name__)


@value
class Reconciled:
    """A run, with all that it found."""

    run: Run
    findings: tuple[Finding, ...]

    @property
    def looked_at(self) -> int:
        """How many open submissions were looked at."""
        return self.run.looked_at.get("submissions", 0)

    @property
    def restarted(self) -> tuple[str, ...]:
        """Whose workflow was started anew."""
        return tuple(
            one.reference for one in self.findings if one.found in (Found.LOST, Found.WAITS_FOR_NOTHING)
        )

    @property
    def failed(self) -> int:
        """How many could not be looked at."""
        return self.count(Found.COULD_NOT)

    def count(self, *kinds: Found) -> int:
        """How many were found of these kinds."""
        return sum(one.found in kinds for one in self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """All of it in numbers."""
        return {
            "looked_at": self.looked_at,
            "restarted": len(self.restarted),
            "stopped": self.count(Found.NOT_NEEDED),
            "delivered": self.count(Found.UNDELIVERED),
            "released": self.count(Found.STILL_HELD),
            "recomputed": self.count(Found.WRONG_HELD, Found.WRONG_BALANCE),
            "not_held": self.count(Found.NOT_HELD),
            "not_as_written": self.count(Found.ALTERED, Found.MISSING, Found.FALSE_ROOT),
            "no_root": self.count(Found.NO_ROOT),
            "failed": self.failed,
        }


def reconcile(parts: Parts) -> Reconciled:
    """Look at everything once. Raises, when all is done and kept, what a whole part failed with: a schedule that fails
    is seen."""
    began = parts.now()
    looked: list[Looked] = []
    errors: list[Exception] = []
    for name, look in _parts_of_a_run(parts):
        try:
            looked.append(look())
        except Exception as error:  # the others are looked at all the same
            errors.append(error)
            looked.append(Looked(at={}, findings=(could_not(error, reference=name),)))
    findings = tuple(one for part in looked for one in part.findings)
    run = Run(
        at=began,
        looked_at={name: number for part in looked for name, number in part.at.items()},
        findings=findings[:MOST_KEPT],
        more=max(0, len(findings) - MOST_KEPT),
    )
    done = Reconciled(run=run, findings=findings)
    _log_findings(done)
    parts.checks.keep(run)
    if errors:
        raise errors[0]
    return done


def _parts_of_a_run(parts: Parts) -> Iterable[tuple[str, Callable[[], Looked]]]:
    yield "workflows", partial(restarting.look, parts)
    yield "outbox", partial(_overdue, parts)
    yield "timelines", partial(verifying.look, parts)
    for fund in sorted({form.workflow.fund for form in parts.forms.all() if form.workflow.fund}):
        yield fund, partial(balancing.look, parts, fund)


def _overdue(parts: Parts) -> Looked:
    """Deliver what relay and sweeper have left. What was put off after a failure, or held back, is not due."""
    ids = parts.outbox.due(parts.now() - OVERDUE_AFTER, limit=MOST_DELIVERED)
    swept = delivering.deliver(parts, ids, sets_aside=False)
    findings = tuple(
        Finding(found=Found.UNDELIVERED, force=one.force, reference=one.reference) for one in swept.done
    )
    return Looked(at={"overdue deliveries": len(ids)}, findings=findings)


def _log_findings(done: Reconciled) -> None:
    counts = done.counts
    for name, words in TOLD.items():
        if counts[name]:
            _log.warning(words, counts[name])
