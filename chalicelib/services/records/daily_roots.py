"""The root of all timelines, once a day: those that moved are verified, and what they end with is signed and locked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.errors import NotFound, Unavailable
from chalicelib.domain.records import roots
from chalicelib.domain.records.roots import Line, Root, SignedRoot
from chalicelib.domain.records.submissions import Case
from chalicelib.domain.records.timeline import GENESIS
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts
from chalicelib.services.records import trail

OVERLAP = timedelta(hours=1)
"""An index may be behind, and clocks differ: what moved so long before the last root is looked at once more."""

FIRST_LOOKS_BACK = timedelta(days=8)
"""How far the first root looks for timelines that are in no list: of submissions that lapsed without proof."""

MOST_READ = 64 * 1024 * 1024
"""Bytes of a root: some 500,000 timelines."""

_AT_ONCE = 200
_log = logging.getLogger(__name__)


@value
class Rooted:
    """What a run did. `altered` are references of timelines that were not as they were written."""

    is_written: bool
    timelines: int = 0
    moved: int = 0
    altered: tuple[str, ...] = ()


def write_root(parts: Parts) -> Rooted:
    """Write the root of today, unless there is one. Again is harmless."""
    now = parts.now()
    last, _ = newest(parts)
    if last is not None and last.at.date() == now.date():
        return Rooted(is_written=False)
    lines = last.by_place if last else {}
    altered = []
    moved = sorted(set(_moved(parts, last, now)))
    for force, reference in moved:
        line, is_right = _line(parts, force, reference, lines.get((force, reference)))
        lines[line.place] = line
        if not is_right:
            altered.append(reference)
    root = Root(
        at=now,
        lines=tuple(lines[place] for place in sorted(lines)),
        previous=last.digest.hex() if last else GENESIS,
    )
    key, signature = parts.root_keys.sign(root.digest)
    signed = SignedRoot(root=root, key=key, signature=signature)
    is_new = parts.roots.put_if_absent(root.name, signed.written(), media_type="application/json")
    return Rooted(is_written=is_new, timelines=len(lines), moved=len(moved), altered=tuple(altered))


def newest(parts: Parts) -> tuple[Root | None, tuple[str, ...]]:
    """The newest root that we signed, and the names of newer ones that we did not."""
    false: list[str] = []
    for name in sorted(parts.roots.keys(roots.FOLDER), reverse=True):
        root = _ours(parts, name)
        if root is not None:
            return root, tuple(false)
        _log.warning("not as it was written: %s", name)
        false.append(name)
    return None, tuple(false)


def _ours(parts: Parts, name: str) -> Root | None:
    try:
        signed = roots.read(parts.roots.get(name, most=MOST_READ))
    except (ValueError, NotFound):
        return None
    is_right = parts.root_keys.is_right(signed.root.digest, key=signed.key, signature=signed.signature)
    return signed.root if is_right and signed.root.name == name else None


def _moved(parts: Parts, last: Root | None, now: datetime) -> Iterator[tuple[str, str]]:
    """Timelines that grew since the last root; before the first, all that there are."""
    if last is not None:
        yield from parts.timelines.moved(last.at - OVERLAP, now)
        return
    yield from parts.timelines.moved(now - FIRST_LOOKS_BACK, now)
    for form in parts.forms.all():
        place = None
        while page := parts.records.page(form.id, after=place, limit=_AT_ONCE):
            yield from ((one.force, one.reference) for one in page)
            place = page[-1].place


def _line(parts: Parts, force: str, reference: str, line: Line | None) -> tuple[Line, bool]:
    """What the timeline ends with now, where it is right; else the line that there was, so that every check finds the
    fault again."""
    kept = line or Line(force=force, reference=reference, length=0, head=GENESIS)
    try:
        read = parts.records.of(force).case(reference)
        case, faults = trail.read_again(parts, read, lambda one: faults_beside(parts, one, kept))
    except Unavailable:
        raise
    except Exception as error:  # it is missing, or spoiled so that it cannot be read: the rest gets its root
        _log.warning("not as it was written: %s of %s: %s", reference, force, type(error).__name__)
        return kept, False
    if faults:
        trail.tell(parts, case)
        return kept, False
    chain = case.submission.chain
    return Line(force=force, reference=reference, length=chain.length, head=chain.head), True


def faults_beside(parts: Parts, case: Case, line: Line) -> list[str]:
    """What is wrong with a case beside its line in a root. The MACs of all entries since are checked; where
    there are none, the last one's."""
    since = case.entries[line.length :] or case.entries[-1:]
    return line.faults(case.entries) or trail.faults_of(parts, case, since)
