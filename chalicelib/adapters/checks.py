"""What the reconciler found, in DynamoDB: thirty places, of which each run takes the oldest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pynamodb.attributes import JSONAttribute, UTCDateTimeAttribute
from pynamodb.expressions.update import Action

from chalicelib.adapters import items, keys
from chalicelib.adapters.failures import in_our_words
from chalicelib.adapters.tables import IntegerAttribute, Row, RunItem, RunsItem
from chalicelib.domain.checks import Finding, Found, Run
from chalicelib.domain.roots import Verified

PLACES = 30
KEPT = timedelta(days=30)


class VerifiedItem(Row, discriminator="verified"):
    """How far the reconciler has verified the timelines."""

    began = UTCDateTimeAttribute()
    place = JSONAttribute()
    so_far = IntegerAttribute()
    last_began = UTCDateTimeAttribute(null=True)
    last_ended = UTCDateTimeAttribute(null=True)
    in_all = IntegerAttribute()


class DynamoChecks:
    """The last runs. Two at once are given two places."""

    def keep(self, run: Run) -> None:
        """One update counts the run, one put keeps it in the place that the count makes."""
        counter = RunsItem(keys.CHECKS, keys.COUNTED)
        actions: list[Action] = [RunsItem.number.add(1), Row.kind.set(RunsItem)]
        with in_our_words():
            counter.update(actions=actions)
            RunItem(
                keys.CHECKS,
                keys.run(counter.number % PLACES),
                at=run.at,
                report=_report(run),
                ttl=items.seconds(run.at + KEPT),
            ).save()

    def last(self, *, limit: int) -> list[Run]:
        """One query; consistent, so that nobody is told of a run twice."""
        with in_our_words():
            rows = [row for row in Row.query(keys.CHECKS, consistent_read=True) if isinstance(row, RunItem)]
        return sorted(map(_run, rows), key=lambda run: run.at, reverse=True)[:limit]

    def keep_verified(self, verified: Verified) -> None:
        """One put."""
        kept = {name: getattr(verified, name) for name in _VERIFIED}
        with in_our_words():
            VerifiedItem(keys.CHECKS, keys.VERIFIED, place=list(verified.place), **kept).save()

    def verified(self) -> Verified | None:
        """One get."""
        with in_our_words():
            try:
                item = VerifiedItem.get(keys.CHECKS, keys.VERIFIED, consistent_read=True)
            except VerifiedItem.DoesNotExist:
                return None
        force, reference = item.place
        kept = {name: getattr(item, name) for name in _VERIFIED}
        return Verified(place=(force, reference), **kept)


_VERIFIED = ("began", "so_far", "last_began", "last_ended", "in_all")


def _report(run: Run) -> dict[str, Any]:
    findings = [
        {
            "found": one.found.value,
            "force": one.force,
            "reference": one.reference,
            "was": dict(one.was),
            "now": dict(one.now),
        }
        for one in run.findings
    ]
    return {"looked_at": dict(run.looked_at), "findings": findings, "more": run.more}


def _run(item: RunItem) -> Run:
    stored = item.report
    findings = tuple(Finding(**{**one, "found": Found(one["found"])}) for one in stored["findings"])
    return Run(at=item.at, looked_at=stored["looked_at"], findings=findings, more=stored["more"])
