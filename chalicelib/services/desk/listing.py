"""Lists of submissions for staff: newest first, page by page, each person within the forces that are theirs.

The force is in the key of what is read, so no filter and no cursor leads to another force's submissions.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from chalicelib.domain.errors import MistypedReference, NotFound
from chalicelib.domain.intake.references import read_reference
from chalicelib.domain.people.people import NATIONAL, Person, check_staff
from chalicelib.domain.records.submissions import Submission
from chalicelib.domain.values import value
from chalicelib.services.desk import paging
from chalicelib.services.ports import AskedTask, Listed, Parts, Place
from chalicelib.services.records.status_view import submission_for

MOST_LOOKED_AT = 200
"""How many submissions a page's filters look at: a page may be short, and its cursor goes on from there."""

MOST_TASKS = 200


@value
class Wanted:
    """What a list is narrowed to; what is empty narrows nothing. `assignee` is the id of a person who is asked now,
    `q` a reference, or words of the title."""

    form: str = ""
    status: str = ""
    stage: str = ""
    force: str = ""
    assignee: str = ""
    overdue: bool = False
    q: str = ""


@value
class Page:
    """One page of a list. `next` is the cursor of the one after it, empty at the end. `now` is when it was read."""

    lines: tuple[Listed, ...]
    next: str
    now: datetime


def submissions(parts: Parts, person: Person, wanted: Wanted, *, limit: int, cursor: str = "") -> Page:
    """A page of the submissions that this person may see as staff. Raises Forbidden for people who are no staff,
    and Unreadable for a cursor that is not ours or belongs to another list."""
    forces = _forces(person, wanted.force)
    name = _name_of_list(forces, wanted)
    after = paging.read_cursor(parts.links, name, cursor)
    matches = _matcher(parts, wanted, forces)
    reference = _reference(wanted.q)
    if reference:
        found = _one(parts, person, reference)
        lines = tuple(one for one in found if matches(one) and (forces is None or one.force in forces))
        return Page(lines=lines, next="", now=parts.now())
    is_filtered = wanted != Wanted(force=wanted.force, form=wanted.form)  # these two are in the key
    count = MOST_LOOKED_AT if is_filtered else limit + 1
    forms = [form.id for form in parts.forms.all() if wanted.form in ("", form.id)]
    read = _newest(parts, forces, forms, after, count)
    kept: list[Listed] = []
    looked = 0
    for line in read:
        if len(kept) == limit:
            break
        looked += 1
        if matches(line):
            kept.append(line)
    goes_on = looked < len(read) or len(read) == count
    following = paging.cursor(parts.links, name, read[looked - 1].place) if goes_on else ""
    return Page(lines=tuple(kept), next=following, now=parts.now())


def listed(one: Submission) -> Listed:
    """A submission as a list has it."""
    return Listed(
        reference=one.reference,
        form=one.form,
        title=one.title,
        force=one.force,
        status=one.status,
        stage=one.stage,
        turn=one.asked_as,
        waiting_for=one.waiting_for,
        due_at=one.due_at,
        amount_pence=one.amount_pence,
        submitted_at=one.submitted_at,
    )


def _forces(person: Person, wanted: str) -> tuple[str, ...] | None:
    """The forces whose lists are read: None for all of them, empty where what is wanted is not this person's."""
    check_staff(person)
    scope = person.staff_of()
    if NATIONAL in scope:
        return (wanted,) if wanted else None
    return tuple(sorted(scope & {wanted} if wanted else scope))


def _newest(
    parts: Parts, forces: tuple[str, ...] | None, forms: Sequence[str], after: Place | None, count: int
) -> list[Listed]:
    """The newest of all that this person may see: one query for each form, and for each force that is theirs."""
    places = [parts.records] if forces is None else [parts.records.of(force) for force in forces]
    lists = [place.page(form, after=after, limit=count) for place in places for form in forms]
    if len(lists) == 1:
        return lists[0]
    merged = [line for lines in lists for line in lines]
    merged.sort(key=lambda line: (line.submitted_at, line.force, line.reference), reverse=True)
    return merged[:count]


def _one(parts: Parts, person: Person, reference: str) -> list[Listed]:
    try:
        return [listed(submission_for(parts, person, reference).submission)]
    except NotFound:
        return []


def name_of_asked(parts: Parts, person: Person, asked_id: str) -> str:
    """The name of somebody by whom a list is filtered; empty for whoever is not this person's to know: neither holds a
    role in their forces nor is asked about a submission there. Nor is it said whether there is anybody of that id."""
    asked = parts.people.person(asked_id)
    if asked is None:
        return ""
    scope = person.staff_of()
    if NATIONAL in scope or any(held.at in scope for held in asked.roles):
        return asked.name
    is_asked = any(parts.records.of(force).asked_of(asked_id, limit=1) for force in sorted(scope))
    return asked.name if is_asked else ""


def _asked_of(parts: Parts, person_id: str, forces: tuple[str, ...] | None) -> Iterator[AskedTask]:
    """What waits for somebody, as far as it is in these forces."""
    places = [parts.records] if forces is None else [parts.records.of(force) for force in forces]
    for place in places:
        yield from place.asked_of(person_id, limit=MOST_TASKS)


def _matcher(parts: Parts, wanted: Wanted, forces: tuple[str, ...] | None) -> Callable[[Listed], bool]:
    now = parts.now()
    words = _plain(wanted.q).split()
    theirs = None
    if wanted.assignee:
        tasks = _asked_of(parts, wanted.assignee, forces)
        theirs = {(task.force, task.reference) for task in tasks}
    is_reference = bool(_reference(wanted.q))

    def matches(line: Listed) -> bool:
        text = _plain(f"{line.title} {line.reference}")
        return (
            wanted.form in ("", line.form)
            and wanted.status in ("", line.status.value)
            and (not wanted.stage or (line.is_open and line.stage == wanted.stage))
            and (not wanted.overdue or line.is_overdue(now))
            and (theirs is None or (line.force, line.reference) in theirs)
            and (is_reference or all(word in text for word in words))
        )

    return matches


def _reference(typed: str) -> str:
    """The reference that was typed; empty where it is none."""
    try:
        return read_reference(typed)
    except MistypedReference:
        return ""


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _name_of_list(forces: tuple[str, ...] | None, wanted: Wanted) -> str:
    """What tells one list from another: a cursor is of use in its own list alone."""
    told = json.dumps([forces, asdict(wanted)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
