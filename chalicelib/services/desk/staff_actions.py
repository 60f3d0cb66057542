"""What staff do about a submission besides saying who decides: note something, chase, withdraw it for its submitter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chalicelib.domain.approvals.decisions import needed_words
from chalicelib.domain.errors import Overtaken, TooMany
from chalicelib.domain.people.people import ADMIN, COORDINATOR, FINANCE, Person, check_coordinator
from chalicelib.domain.records.submissions import Case, Status, Submission
from chalicelib.services.approvals import ending
from chalicelib.services.ports import Parts
from chalicelib.services.records.status_view import submission_for
from chalicelib.services.revision import Revision, again_if_overtaken

CHASED, NOTED = "chased", "noted"
BETWEEN_CHASES = timedelta(hours=1)


def note(parts: Parts, person: Person, reference: str, words: str) -> None:
    """Keep a note that staff alone read. Raises InvalidAnswers, and as `tracking.submission_for`."""
    words = needed_words("/note", "the note", words)

    def attempt() -> None:
        case = submission_for(parts, person, reference)
        one = case.submission
        revision = Revision(parts, case, now=parts.now())
        revision.records(NOTED, stage=one.stage, by=person.id, role=_role(person, one), words=words)
        revision.commit()

    again_if_overtaken(attempt)


def chase(parts: Parts, person: Person, reference: str) -> None:
    """Remind at once whoever it waits for, at most once an hour. Raises TooMany before the hour is over, Overtaken
    where nobody is asked, and Forbidden for staff who are no coordinators."""
    again_if_overtaken(lambda: _chase(parts, person, reference))


def withdraw(parts: Parts, person: Person, reference: str, reason: str) -> None:
    """Withdraw it on its submitter's behalf, who is told. Raises InvalidAnswers without a reason, Overtaken where
    it has ended, and Forbidden for staff who are no coordinators."""
    one = submission_for(parts, person, reference).submission
    check_coordinator(person, one.force)
    reason = needed_words("/reason", "why it is withdrawn", reason)
    ending.withdraw(parts, one.force, one.reference, reason=reason, by=person)


def may_chase(parts: Parts, person: Person, case: Case) -> bool:
    """Whether the page offers it: somebody is asked, and nobody was reminded within the hour."""
    one = case.submission
    is_waiting = one.status is Status.CHANGES_REQUESTED or bool(case.open_tasks)
    return (
        person.holds_for(COORDINATOR, force=one.force)
        and is_waiting
        and not one.may_undo(parts.now())
        and _seconds_left(parts, case) <= 0
    )


def may_withdraw(person: Person, one: Submission) -> bool:
    """Whether the page offers it."""
    return person.holds_for(COORDINATOR, force=one.force) and ending.may_withdraw(one)


def _chase(parts: Parts, person: Person, reference: str) -> None:
    case = submission_for(parts, person, reference)
    before, now = case.submission, parts.now()
    check_coordinator(person, before.force)
    form = parts.forms.form(before.form, before.form_version)
    is_claimants = before.status is Status.CHANGES_REQUESTED
    if before.may_undo(now) or not (is_claimants or case.open_tasks):
        raise Overtaken(f"Nobody is asked about this {form.noun} now, so there is nobody to remind.")
    seconds = _seconds_left(parts, case)
    if seconds > 0:
        raise TooMany(
            "A reminder went out within the hour. Give it time, or ask somebody else to decide.",
            retry_after=seconds,
        )
    # The count makes the mails' ids unique: the reminders that come by themselves go on counting from here.
    one = replace(before, reminded=before.reminded + 1)
    revision = Revision(parts, case, now=now)
    revision.becomes(one)
    revision.records(
        CHASED,
        stage=one.stage,
        by=person.id,
        role=COORDINATOR,
        details={"role": one.waiting_for, "time": one.reminded},
    )
    revision.tells(revision.letters(form).reminders())
    revision.commit()


def _seconds_left(parts: Parts, case: Case) -> int:
    """Until the next chase: a reminder that went by itself counts, too."""
    told = [entry.at for entry in case.entries if entry.action in (CHASED, "reminded")]
    if not told:
        return 0
    return int((max(told) + BETWEEN_CHASES - parts.now()).total_seconds())


def _role(person: Person, one: Submission) -> str:
    """In which role somebody acts as staff: a coordinator above all."""
    held = (COORDINATOR, FINANCE, ADMIN)
    return next(role for role in held if person.holds_for(role, force=one.force))
