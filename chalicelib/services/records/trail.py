"""Whether what is stored is what was written: before it is shown for a decision, when it is decided, undone or paid,
and week by week. Coordinators are told where it is not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.errors import NotAsWritten
from chalicelib.domain.people.people import NATIONAL
from chalicelib.domain.records import timeline, trail
from chalicelib.domain.records.security import Event
from chalicelib.domain.records.submissions import Case
from chalicelib.domain.records.timeline import Entry
from chalicelib.services.ports import Parts
from chalicelib.services.records import lookup

_log = logging.getLogger(__name__)

READS = 3
"""A query may see half of a change that is being stored at that moment: what looks wrong is read again."""


def check_as_written(parts: Parts, case: Case) -> Case:
    """The case, read again where it was read while it changed. Raises NotAsWritten, once the coordinators are told,
    unless it is as it was written, as far as a decision or a payment rests on that. Raises Unavailable where the key
    does not answer."""
    case, faults = read_again(parts, case, lambda read: faults_of(parts, read, trail.rests_on(read)))
    if faults:
        tell(parts, case)
        noun = parts.forms.form(case.submission.form, case.submission.form_version).noun
        raise NotAsWritten(
            f"What is stored about this {noun} is not what was written. Nobody can decide it, or record a "
            "payment, until that is looked into. The coordinators have been told; nothing that you do here changes it."
        )
    return case


def read_again(parts: Parts, case: Case, check: Callable[[Case], list[str]]) -> tuple[Case, list[str]]:
    """What `check` finds wrong with a case that stays wrong, and the case as it was read last."""
    one = case.submission
    faults = check(case)
    for _ in range(READS - 1):
        if not faults:
            break
        case = parts.records.of(one.force).case(one.reference)
        faults = check(case)
    return case, faults


def faults_of(parts: Parts, case: Case, sealed: Iterable[Entry] | None = None) -> list[str]:
    """What is not as it was written. Of these entries the MACs are checked; of the last one where none are named, to
    which the hashes of all others lead."""
    found = [*trail.faults_of(case), *timeline.unsealed(case.entries, parts.macs.since)]
    return found or wrong_macs(parts, case, case.entries[-1:] if sealed is None else sealed)


def wrong_macs(parts: Parts, case: Case, entries: Iterable[Entry]) -> list[str]:
    """Those of these entries whose MAC is not ours."""
    one = case.submission
    return [
        f"entry {entry.sequence} was not sealed by us"
        for entry in entries
        if entry.mac and not parts.macs.is_right(entry, force=one.force, reference=one.reference)
    ]


def tell(parts: Parts, case: Case) -> None:
    """Tell the coordinators of the force and the national ones, once for each entry that the timeline grew by; and the
    log, which an alarm waits for."""
    one = case.submission
    _log.warning("not as it was written: %s of %s", one.reference, one.force)
    parts.security.note(Event.VERIFICATION_FAILED, "coordinators-told")
    for delivery in _mails(parts, case):
        parts.outbox.add(delivery)


def _mails(parts: Parts, case: Case) -> list[Delivery]:
    """Nothing that is stored about it is in them: it may be forged."""
    one = case.submission
    return [
        deliveries.mail(
            "altered",
            to=person.address,
            about=f"{one.reference}.{one.chain.length}.{person.id}",
            reference=one.reference,
            force=one.force,
            values={
                "reference": one.reference,
                "force": parts.forms.force_name(one.force),
                "noun": parts.forms.form(one.form, one.form_version).noun,
                "desk_url": parts.links.page(f"/desk/submissions/{one.reference}"),
            },
            now=parts.now(),
        )
        for person in lookup.coordinators(parts, (one.force, NATIONAL))
    ]
