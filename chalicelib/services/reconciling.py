"""The reconciler: finds submissions that wait without an execution, and starts one where the data says they are."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.domain import deliveries
from chalicelib.domain.errors import NotFound
from chalicelib.services.changes import AddDelivery, ChangeRefused, ChangeSubmission
from chalicelib.services.changing import next_revision, with_entry
from chalicelib.services.ports import Parts

SETTLING = timedelta(seconds=5)
"""How long after its last change a submission is left alone: its start or answer is just on the way."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """How many open submissions were looked at, and which got a new execution."""

    looked_at: int
    restarted: tuple[str, ...]
    failed: int = 0


def reconcile(parts: Parts) -> Reconciled:
    """Start anew what waits for nobody. Repeating it, or running two at once, starts nothing twice."""
    looked_at = failed = 0
    restarted = []
    running = _running(parts)
    for waiting in parts.records.waiting():
        looked_at += 1
        if deliveries.execution_name(waiting.reference, waiting.round) in running:
            continue
        try:
            if _restart_if_lost(parts, waiting.force, waiting.reference):
                restarted.append(waiting.reference)
        except Exception as error:  # one that fails must not keep the rest from being looked at
            failed += 1
            _log.warning("could not reconcile %s: %s", waiting.reference, type(error).__name__)
    if restarted:
        _log.warning("restarted %d workflows", len(restarted))
    return Reconciled(looked_at=looked_at, restarted=tuple(restarted), failed=failed)


def _running(parts: Parts) -> frozenset[str]:
    """All executions under way: one call for a thousand of them, instead of one for each."""
    workflows = {form.workflow.name for form in parts.forms.all()}
    return frozenset().union(*(parts.workflows.running(name) for name in workflows))


def _restart_if_lost(parts: Parts, force: str, reference: str) -> bool:
    """Under the next round's name. The old execution, should it turn up, is told that its round is over."""
    try:
        one = parts.records.of(force).case(reference).submission
    except NotFound:
        return False
    now = parts.now()
    if not one.is_open or one.may_undo(now) or now - one.changed_at < SETTLING:
        return False
    form = parts.forms.form(one.form, one.form_version)
    if parts.outbox.get(deliveries.start(one, form, parts.calendar, now=now).id) is not None:
        return False  # its start is still to be delivered: the sweeper's work
    if parts.workflows.is_running(form.workflow.name, deliveries.execution_name(one.reference, one.round)):
        return False
    moved = replace(next_revision(one, now=now), round=one.round + 1)
    moved, entry = with_entry(
        moved, at=now, action="restarted", stage=one.stage, details={"round": moved.round}
    )
    start = deliveries.start(moved, form, parts.calendar, now=now)
    try:
        parts.records.commit([ChangeSubmission(submission=moved), entry, AddDelivery(delivery=start)])
    except ChangeRefused:
        return False  # somebody changed it at this moment: it is not lost, or the next run will find it
    return True
