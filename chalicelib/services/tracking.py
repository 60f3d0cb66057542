"""Where a submission stands: for its submitter, without names, and for staff, whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain import timeline
from chalicelib.domain.approvals import DECIDED_WORDS
from chalicelib.domain.errors import Forbidden, NotFound
from chalicelib.domain.forms import Form
from chalicelib.domain.fund import Fund
from chalicelib.domain.people import NATIONAL, ROLE_NAMES, Person
from chalicelib.domain.references import read_reference
from chalicelib.domain.submissions import STATUS_WORDS, Case, Status
from chalicelib.domain.timeline import Entry
from chalicelib.services.ports import Parts


@dataclass(frozen=True, kw_only=True)
class HistoryLine:
    """One thing that happened, in words for the submitter. `comment` is what the approver wrote to them."""

    at: datetime
    words: str
    comment: str


@dataclass(frozen=True, kw_only=True)
class StatusView:
    """The submitter's view: roles, not names, and no personal data."""

    reference: str
    form: str
    form_title: str
    status: Status
    status_words: str
    stage: str
    stage_title: str
    waiting_for: str
    due: datetime | None
    submitted_at: datetime
    history: tuple[HistoryLine, ...]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A submission's timeline for staff. `faults` is empty where every entry is as it was written."""

    reference: str
    entries: tuple[Entry, ...]
    words: dict[int, str]
    faults: tuple[str, ...]


def status_of(parts: Parts, token: str) -> StatusView:
    """What a status link shows. Raises NotFound for a link that we did not sign."""
    force, reference = parts.links.read_status_token(token)
    case = parts.records.of(force).case(reference)
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    return StatusView(
        reference=one.reference,
        form=form.id,
        form_title=form.title,
        status=one.status,
        status_words=STATUS_WORDS[one.status],
        stage=one.stage if one.is_open else "",
        stage_title=form.workflow.stage(one.stage).title if one.is_open else "",
        waiting_for=ROLE_NAMES.get(one.waiting_for, one.waiting_for),
        due=one.due_at,
        submitted_at=one.submitted_at,
        history=tuple(line for entry in case.entries if (line := _line(case, form, entry))),
    )


def submission_for(parts: Parts, person: Person, reference: str) -> Case:
    """A submission, whole, for staff. Another force's is NotFound, as if it did not exist.

    Raises MistypedReference, NotFound, and Forbidden for people who are no staff.
    """
    asked = read_reference(reference)
    scope = person.staff_of()
    if not scope:
        raise Forbidden("This takes a coordinator or the fund holder.")
    if NATIONAL in scope:
        return parts.records.of(parts.records.force_of(asked)).case(asked)
    for force in sorted(scope):
        try:
            return parts.records.of(force).case(asked)
        except NotFound:
            continue
    raise NotFound("There is no submission with this reference.")


def timeline_for(parts: Parts, person: Person, reference: str) -> Timeline:
    """A submission's timeline, checked. Raises as `submission_for` does."""
    case = submission_for(parts, person, reference)
    return Timeline(
        reference=case.submission.reference,
        entries=case.entries,
        words={sequence: text.words for sequence, text in case.texts.items()},
        faults=tuple(timeline.faults(case.entries, case.submission.chain, case.texts)),
    )


def fund_for(parts: Parts, person: Person, fund_id: str) -> Fund:
    """A fund as this person may see it: the whole balance, and the shares of their own force or of all."""
    scope = person.staff_of()
    if not scope:
        raise Forbidden("This takes a coordinator or the fund holder.")
    fund = parts.funds.fund(fund_id)
    if NATIONAL in scope:
        return fund
    forces = {force: share for force, share in fund.forces.items() if force in scope}
    return Fund(id=fund.id, name=fund.name, balance=fund.balance, forces=forces)


def _line(case: Case, form: Form, entry: Entry) -> HistoryLine | None:
    """An entry in words for the submitter; None for what is of no use to them."""
    role = ROLE_NAMES.get(entry.role, entry.role)
    comment = ""
    if entry.action == "submitted":
        words = "We received your claim."
    elif entry.action == "asked":
        asked = str(entry.details["role"])
        words = f"The {ROLE_NAMES.get(asked, asked)} was asked to decide."
    elif entry.action == "stuck":
        words = "Nobody decided in time. The coordinators were told."
    elif entry.action == "decided":
        words = f"The {role} {DECIDED_WORDS[str(entry.details['decision'])]} it."
        comment = case.words(entry.sequence)
    else:
        return None
    return HistoryLine(at=entry.at, words=words, comment=comment)
