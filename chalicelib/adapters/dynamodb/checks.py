"""What the reconciler found, in DynamoDB: thirty places, of which each run takes the oldest."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pynamodb.attributes import JSONAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb import items, keys
from chalicelib.adapters.dynamodb.failures import in_our_words, is_condition
from chalicelib.adapters.dynamodb.tables import IntegerAttribute, Row
from chalicelib.domain.records.roots import Verified
from chalicelib.domain.repair.checks import Finding, Found, Run

PLACES = 30
KEPT = timedelta(days=30)


class RunsItem(Row, discriminator="runs"):
    """How many runs of the reconciler have been counted; which was kept last, and when it began."""

    number = IntegerAttribute()
    kept = IntegerAttribute(null=True)
    kept_at = UTCDateTimeAttribute(null=True)


class RunItem(Row, discriminator="run"):
    """What one run of the reconciler looked at and found, or what it found in one force. The next but 29 takes its
    place. `run` is its number; an earlier release did not say."""

    at = UTCDateTimeAttribute()
    run = IntegerAttribute(null=True)
    report = JSONAttribute()


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
        """One update counts the run; a put for each force where something was found, and one for all of it, keep it in
        the place that the count makes. The last update says that it is kept: a force is not told of half a run."""
        counter = RunsItem(keys.CHECKS, keys.COUNTED)
        actions: list[Action] = [RunsItem.number.add(1), Row.kind.set(RunsItem)]
        with in_our_words():
            counter.update(actions=actions)
            for item in [*force_items(run, counter.number), run_item(keys.CHECKS, run, counter.number)]:
                item.save()
            say_kept(run, counter.number)

    def last(self, *, limit: int) -> list[Run]:
        """One query; consistent, so that nobody is told of a run twice."""
        with in_our_words():
            rows = [row for row in Row.query(keys.CHECKS, consistent_read=True) if isinstance(row, RunItem)]
        return sorted(map(run_from, rows), key=lambda run: run.at, reverse=True)[:limit]

    def last_of(self, forces: Collection[str], *, limit: int) -> tuple[list[Run], int]:
        """One get, and one query for each force."""
        with in_our_words():
            try:
                made = RunsItem.get(keys.CHECKS, keys.COUNTED, consistent_read=True)
            except RunsItem.DoesNotExist:
                return [], 0
            if made.kept is None:
                return [], 0
            rows = [
                row
                for force in sorted(forces)
                for row in Row.query(keys.checks_of(force), consistent_read=True)
                if isinstance(row, RunItem) and row.run is not None and 0 <= made.kept - row.run < limit
            ]
        found = {made.kept: Run(at=made.kept_at, looked_at={})}
        for row in rows:
            before = found.get(row.run, Run(at=row.at, looked_at={}))
            found[row.run] = replace(before, findings=before.findings + run_from(row).findings)
        return [found[number] for number in sorted(found, reverse=True)], min(made.kept, limit)

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


def force_items(run: Run, number: int) -> list[RunItem]:
    """One for each force in which a run found something."""
    forces = sorted({one.force for one in run.findings if one.force})
    return [run_item(keys.checks_of(force), run.of(frozenset({force})), number) for force in forces]


def say_kept(run: Run, number: int) -> None:
    """That this run is kept, unless a later one says so already."""
    actions: list[Action] = [RunsItem.kept.set(number), RunsItem.kept_at.set(run.at)]
    is_newer = RunsItem.kept.does_not_exist() | (RunsItem.kept < number)
    try:
        RunsItem(keys.CHECKS, keys.COUNTED).update(actions=actions, condition=is_newer)
    except UpdateError as error:
        if not is_condition(error):
            raise


def run_from(item: RunItem) -> Run:
    """A run as it was kept."""
    stored = item.report
    findings = tuple(Finding(**{**one, "found": Found(one["found"])}) for one in stored["findings"])
    return Run(at=item.at, looked_at=stored["looked_at"], findings=findings, more=stored["more"])


def run_item(pk: str, run: Run, number: int) -> RunItem:
    """A run, or what it found in one force, as it is kept."""
    return RunItem(
        pk,
        keys.run(number % PLACES),
        at=run.at,
        run=number,
        report=_report(run),
        ttl=items.seconds(run.at + KEPT),
    )


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
