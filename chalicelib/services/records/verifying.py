"""A share of all timelines, verified with each run of the reconciler: all of them within a week."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chalicelib.domain.errors import NotFound, Unavailable
from chalicelib.domain.records import roots
from chalicelib.domain.records.roots import Line, Root, Verified
from chalicelib.domain.records.submissions import Case
from chalicelib.domain.repair.checks import Finding, Found, Looked
from chalicelib.services.ports import Parts
from chalicelib.services.records import daily_roots, trail
from chalicelib.services.repair.restarting import could_not

RUNS = 150
"""Runs in which all timelines are verified. A week has 168: some may fail."""

AT_LEAST = 20
"""Timelines that a run verifies where there are few."""


def look(parts: Parts) -> Looked:
    """Verify the next share. What is not as it was written is found again with every pass."""
    root, false = daily_roots.newest(parts)
    findings = [Finding(found=Found.FALSE_ROOT, reference=name) for name in false]
    so_far = parts.checks.verified() or Verified(began=parts.now())
    if _is_root_missing(parts, root, so_far):
        findings.append(Finding(found=Found.NO_ROOT))
    if root is None:
        parts.checks.keep_verified(so_far)
        return Looked(at={"timelines": 0}, findings=tuple(findings))
    share = _share(root, so_far)
    for line in share:
        findings += _findings(parts, line)
    parts.checks.keep_verified(_after(parts, root, so_far, share))
    return Looked(at={"timelines": len(share)}, findings=tuple(findings))


def _is_root_missing(parts: Parts, root: Root | None, so_far: Verified) -> bool:
    """A new service has none for a day; where timelines were verified by one before, one was there."""
    if root is None and so_far.last_ended is not None:
        return True
    return parts.now() - (root.at if root else so_far.began) > roots.OVERDUE_AFTER


def _share(root: Root, so_far: Verified) -> list[Line]:
    count = max(AT_LEAST, -(-len(root.lines) // RUNS))
    return [line for line in root.lines if line.place > so_far.place][:count]


def _after(parts: Parts, root: Root, so_far: Verified, share: list[Line]) -> Verified:
    """Where the next run goes on; at the end, from the beginning."""
    now, count = parts.now(), so_far.so_far + len(share)
    last = share[-1].place if share else so_far.place
    if any(line.place > last for line in root.lines):
        return replace(so_far, place=last, so_far=count)
    return Verified(began=now, last_began=so_far.began, last_ended=now, in_all=count)


def _findings(parts: Parts, line: Line) -> Iterator[Finding]:
    force, reference = line.place
    try:
        is_altered = _is_altered(parts, line)
    except NotFound:
        yield Finding(found=Found.MISSING, force=force, reference=reference)
    except Unavailable:
        raise
    except Exception as error:  # one that cannot be read must not keep the rest from being verified
        yield could_not(error, force=force, reference=reference)
    else:
        if is_altered:
            yield Finding(found=Found.ALTERED, force=force, reference=reference)


def _is_altered(parts: Parts, line: Line) -> bool:
    read = parts.records.of(line.force).case(line.reference)
    case, faults = trail.read_again(parts, read, lambda one: _faults(parts, one, line))
    if faults:
        trail.tell(parts, case)
    return bool(faults)


def _faults(parts: Parts, case: Case, line: Line) -> list[str]:
    """The MACs of entries before the root were checked when it was written, where it vouches for the timeline."""
    if not line.length:
        return daily_roots.faults_beside(parts, case, line)
    return line.faults(case.entries) or trail.faults_of(parts, case) or _goes_on_wrongly(parts, case)


def _goes_on_wrongly(parts: Parts, case: Case) -> list[str]:
    """What came from another force goes on from what it was there."""
    before = [entry for entry in case.entries if "goes-on-from" in entry.details]
    for entry in before:
        try:
            left = parts.records.of(str(entry.details["from"])).case(case.submission.reference)
        except NotFound:
            return ["the timeline that it goes on from is missing"]
        if entry.details["goes-on-from"] not in {one.hash for one in left.entries}:
            return ["the timeline that it goes on from is another"]
    return []
