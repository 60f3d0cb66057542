"""Executions and open submissions, each checked against the other: what waits for nobody is started anew, and what
runs for nothing is stopped. The data decides what is right."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from chalicelib.domain.delivery import deliveries
from chalicelib.domain.errors import NotFound
from chalicelib.domain.records.submissions import Case, Submission
from chalicelib.domain.repair.checks import Finding, Found, Looked
from chalicelib.services.changes import ChangeRefused
from chalicelib.services.ports import Parts, Waiting
from chalicelib.services.revision import Revision

SETTLING = timedelta(seconds=5)
"""How long after its last change a submission is left alone: its start or answer is just on the way."""

LONG_SETTLING = timedelta(minutes=10)
"""The same where its execution does run: long enough for the relay, several sweeps and a step's retries."""

MOST_STOPPED = 200
"""Executions of a workflow that are looked at in one run, of those that no open submission names."""

MOST_ANSWERS = 5
"""Of a submission's last changes, so many are looked at for an answer that is still to be delivered."""

_log = logging.getLogger(__name__)


def look(parts: Parts) -> Looked:
    """Look at all open submissions and all executions."""
    # Executions first: one that is started after its submission was read would look as if nothing waited for it.
    workflows = dict.fromkeys(form.workflow.name for form in parts.forms.all())
    running = {workflow: parts.workflows.running(workflow) for workflow in workflows}
    all_running = frozenset().union(*running.values())
    open_ones = {deliveries.execution_name(one.reference, one.round): one for one in parts.records.waiting()}
    findings = [
        *_lost(parts, [one for name, one in open_ones.items() if name not in all_running]),
        *_waiting_for_nothing(parts, [one for name, one in open_ones.items() if name in all_running]),
    ]
    for workflow, executions in running.items():
        findings += _not_needed(parts, workflow, sorted(executions - open_ones.keys()))
    executions_looked_at = sum(map(len, running.values()))
    return Looked(
        at={"submissions": len(open_ones), "executions": executions_looked_at}, findings=tuple(findings)
    )


def _lost(parts: Parts, open_ones: Iterable[Waiting]) -> Iterator[Finding]:
    """Open submissions whose execution does not run."""
    for one in open_ones:
        try:
            if _restart_if_lost(parts, one.force, one.reference):
                yield Finding(found=Found.LOST, force=one.force, reference=one.reference)
        except Exception as error:  # one that fails must not keep the rest from being looked at
            yield could_not(error, force=one.force, reference=one.reference)


def _restart_if_lost(parts: Parts, force: str, reference: str) -> bool:
    try:
        case = parts.records.of(force).case(reference)
    except NotFound:
        return False
    one = case.submission
    if not one.is_open or one.may_undo(parts.now()) or parts.now() - one.changed_at < SETTLING:
        return False
    if _is_start_due(parts, one) or parts.workflows.is_running(_workflow(parts, one), _name(one)):
        return False
    return _restart(parts, case)


def _waiting_for_nothing(parts: Parts, open_ones: Iterable[Waiting]) -> Iterator[Finding]:
    """Open submissions whose execution runs, but did not come for what they wait for now: it waits for an answer that
    it was given before, and nobody will give it another."""
    for case in parts.records.some([(one.force, one.reference) for one in open_ones]):
        one = case.submission
        try:
            if _is_stuck(parts, case) and _restart(parts, case):
                parts.workflows.stop(_workflow(parts, one), _name(one))
                yield Finding(found=Found.WAITS_FOR_NOTHING, force=one.force, reference=one.reference)
        except Exception as error:  # as above; what was not stopped, the next run finds
            yield could_not(error, force=one.force, reference=one.reference)


def _is_stuck(parts: Parts, case: Case) -> bool:
    one = case.submission
    if not one.is_open or case.is_waited_for or not _is_settled(one, parts.now()):
        return False
    return not (_is_start_due(parts, one) or _is_answer_due(parts, case))


def _not_needed(parts: Parts, workflow: str, names: Iterable[str]) -> Iterator[Finding]:
    """Executions that no open submission names in the round that it is in."""
    for name in islice(names, MOST_STOPPED):
        read = deliveries.read_execution_name(name)
        if read is None:
            continue  # somebody else's, by hand
        reference, round_ = read
        force = ""
        try:
            try:
                force = parts.records.force_of(reference)
                one = parts.records.of(force).case(reference).submission
            except NotFound:
                pass  # it was removed, or is not in what was restored
            else:
                if (one.is_open and one.round == round_) or not _is_settled(one, parts.now()):
                    continue
            parts.workflows.stop(workflow, name)
            yield Finding(found=Found.NOT_NEEDED, force=force, reference=reference)
        except Exception as error:  # as above
            yield could_not(error, force=force, reference=reference)


def _restart(parts: Parts, case: Case) -> bool:
    """Under the next round's name. The old execution, should it turn up, is told that its round is over."""
    one = case.submission
    revision = Revision(parts, case, now=parts.now())
    revision.becomes(replace(one, round=one.round + 1))
    revision.records("restarted", stage=one.stage, details={"round": one.round + 1})
    revision.starts_workflow(parts.forms.form(one.form, one.form_version))
    try:
        revision.commit()
    except ChangeRefused:
        return False  # somebody changed it at this moment: it is not lost, or the next run will find it
    return True


def _is_settled(one: Submission, now: datetime) -> bool:
    """Whether what its last change caused, and what was held back for an undo, has had its time."""
    since = max(one.changed_at, one.undo.until) if one.undo else one.changed_at
    return now - since >= LONG_SETTLING


def _is_start_due(parts: Parts, one: Submission) -> bool:
    """Whether its start is still to be delivered: that is the sweeper's work."""
    return parts.outbox.get(deliveries.start_id(one.reference, one.round)) is not None


def _is_answer_due(parts: Parts, case: Case) -> bool:
    """Whether an answer to the wait that was kept is still to be delivered."""
    if case.token_for is None:
        return False
    reference, last = case.submission.reference, case.submission.revision
    before = max(case.token_for.revision, last - MOST_ANSWERS)
    ids = (deliveries.answer_id(reference, revision) for revision in range(last, before, -1))
    return any(parts.outbox.get(one) is not None for one in ids)


def _name(one: Submission) -> str:
    return deliveries.execution_name(one.reference, one.round)


def _workflow(parts: Parts, one: Submission) -> str:
    return parts.forms.form(one.form, one.form_version).workflow.name


def could_not(error: Exception, *, force: str = "", reference: str) -> Finding:
    """Something that could not be looked at, or not be mended; the next run tries again."""
    _log.warning("could not reconcile %s: %s", reference, type(error).__name__)
    return Finding(found=Found.COULD_NOT, force=force, reference=reference)
