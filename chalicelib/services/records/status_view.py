"""Where a submission stands: for its submitter, without names, and for staff, whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from typing import Any

from chalicelib.domain.approvals import asked_values, who_decides
from chalicelib.domain.errors import LinkOver, NotFound
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.forms.verdicts import verdicts
from chalicelib.domain.ideas import publication
from chalicelib.domain.intake.references import read_reference
from chalicelib.domain.intake.status_links import check_link
from chalicelib.domain.money.fund import Fund
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.people.people import NATIONAL, Person, check_staff, role_words
from chalicelib.domain.records.security import Event
from chalicelib.domain.records.submissions import STATUS_WORDS, Case, Status
from chalicelib.domain.records.timeline import Entry
from chalicelib.domain.records.withholding import withheld_from
from chalicelib.domain.sentences import mid_sentence
from chalicelib.domain.values import value
from chalicelib.services.approvals.ending import may_withdraw
from chalicelib.services.ports import Parts
from chalicelib.services.records import trail
from chalicelib.services.records.lookup import case_of


@value
class HistoryLine:
    """One thing that happened, in words for the submitter. `comment` is what the approver wrote to them, `values` are
    what their choice asked for."""

    at: datetime
    words: str
    comment: str
    values: tuple[tuple[str, str], ...] = ()


@value
class StatusView:
    """The submitter's view: roles, not names, and no personal data. `token` is of where the submission is now,
    `link` the number of the link that works."""

    token: str
    link: int
    reference: str
    form: str
    form_title: str
    noun: str
    status: Status
    status_words: str
    stage: str
    stage_title: str
    waiting_for: str
    due: datetime | None
    submitted_at: datetime
    history: tuple[HistoryLine, ...]
    may_amend: bool
    may_withdraw: bool
    is_unconfirmed: bool
    is_public: bool
    has_fund: bool
    is_put_aside: bool


@value
class Stuck:
    """A submission that the coordinators are to see to. `may_hand_on`: the person who looks may ask somebody else."""

    reference: str
    title: str
    force_name: str
    stage_title: str
    amount_pence: int
    since: datetime
    asked_name: str
    may_hand_on: bool


@value
class Timeline:
    """A submission's timeline for staff. `faults` is empty where every entry is as it was written."""

    reference: str
    entries: tuple[Entry, ...]
    words: dict[int, str]
    faults: tuple[str, ...]


def status_of(parts: Parts, token: str, *, may_be_over: bool = False) -> StatusView:
    """What a status link shows. Raises NotFound for a link that we did not sign, LinkReplaced or LinkEnded for one that
    no longer works. With `may_be_over` such a link is shown as well, to whoever is about to prove the mailbox: nobody
    gets the newer link that way."""
    stored = case_of(parts, *parts.links.read_status_token(token))
    case = stored.as_told(parts.now())
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    current = parts.links.status_token(one.force, one.reference, one.link)
    try:
        check_link(stored, parts.links.link_number(token), noun=form.noun, now=parts.now())
    except LinkOver:
        if not may_be_over:
            raise
        current = token
    return StatusView(
        token=current,
        link=one.link,
        reference=one.reference,
        form=form.id,
        form_title=form.title,
        noun=form.noun,
        status=one.status,
        status_words=_UNPROVEN[one.status] if one.is_unproven else STATUS_WORDS[one.status],
        stage=one.stage if one.is_open else "",
        stage_title=form.workflow.stage(one.stage).title if one.is_open else "",
        waiting_for=role_words(one.waiting_for),
        due=one.due_at,
        submitted_at=one.submitted_at,
        history=_history(case, form),
        may_amend=one.status is Status.CHANGES_REQUESTED,
        may_withdraw=may_withdraw(one),
        is_unconfirmed=one.status is Status.UNCONFIRMED,
        is_public=publication.is_public(one),
        has_fund=bool(form.workflow.fund),
        is_put_aside=one.is_open and one.asked_as is AskedAs.LATER,
    )


def stuck_for(parts: Parts, person: Person, *, limit: int = 100) -> list[Stuck]:
    """What the coordinators are to see to, in this person's force or anywhere, the oldest date first."""
    found = []
    for force, reference in _for_coordinators(parts, person.staff_of()):
        case = parts.records.of(force).case(reference)
        if case.submission.is_open and case.submission.asked_as is AskedAs.COORDINATORS:
            found.append(_stuck(parts, person, case))
        if len(found) == limit:
            break
    return found


def _for_coordinators(parts: Parts, scope: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Force and reference of what is the coordinators' turn, the oldest date first. Of forces, their own rows alone are
    read."""
    if NATIONAL in scope:
        everywhere = parts.records.waiting()
        yield from ((one.force, one.reference) for one in everywhere if one.turn is AskedAs.COORDINATORS)
        return
    lists = [parts.records.of(force).waiting() for force in sorted(scope)]
    by_date = merge(*lists, key=lambda line: line.due_at or line.submitted_at)
    yield from ((one.force, one.reference) for one in by_date if one.turn is AskedAs.COORDINATORS)


def _stuck(parts: Parts, person: Person, case: Case) -> Stuck:
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    asked = parts.people.person(case.open_task.person_id) if case.open_task else None
    stage = form.workflow.stage(one.stage)
    return Stuck(
        reference=one.reference,
        title=one.title,
        force_name=parts.forms.force_name(one.force),
        stage_title=stage.title,
        amount_pence=one.amount_pence,
        since=_stuck_since(case),
        asked_name=asked.name if asked else "",
        may_hand_on=who_decides.may_hand_on(person, stage, case.open_task, one.force),
    )


def _stuck_since(case: Case) -> datetime:
    """When the coordinators were first told since somebody was last asked."""
    since = case.submission.changed_at
    for entry in reversed(case.entries):
        if entry.action in ("asked", "reassigned", "decided"):
            break
        if entry.action == "stuck":
            since = entry.at
    return since


def submission_for(parts: Parts, person: Person, reference: str) -> Case:
    """A submission, whole, for staff. Another force's is NotFound, as if it did not exist.

    Raises MistypedReference, NotFound, and Forbidden for people who are no staff.
    """
    asked = read_reference(reference)
    check_staff(person)
    scope = person.staff_of()
    forces = [parts.records.force_of(asked)] if NATIONAL in scope else sorted(scope)
    for force in forces:
        try:
            case = parts.records.of(force).case(asked)
        except NotFound:
            continue
        if not case.submission.is_unproven:
            return case
    raise NotFound("There is no submission with this reference.")


def answers_for(parts: Parts, person: Person, case: Case) -> dict[str, Any]:
    """The answers as this person may read them, as staff: all but what is withheld from them."""
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    hidden = withheld_from(person, form, one.force, case.answers)
    return {name: answer for name, answer in case.answers.items() if name not in hidden}


def timeline_for(parts: Parts, person: Person, reference: str) -> Timeline:
    """A submission's timeline, checked. Raises as `submission_for` does."""
    case = submission_for(parts, person, reference)
    case, faults = trail.read_again(parts, case, lambda read: trail.faults_of(parts, read))
    if faults:
        parts.security.note(Event.VERIFICATION_FAILED, "on-showing", person=person.id)
    return Timeline(
        reference=case.submission.reference,
        entries=case.entries,
        words={sequence: text.words for sequence, text in case.texts.items()},
        faults=tuple(faults),
    )


def fund_for(parts: Parts, person: Person, fund_id: str) -> Fund:
    """A fund as this person may see it: the whole balance, and the shares of their own force or of all."""
    check_staff(person)
    scope = person.staff_of()
    fund = parts.funds.fund(fund_id)
    if NATIONAL in scope:
        return fund
    forces = {force: share for force, share in fund.forces.items() if force in scope}
    return Fund(id=fund.id, name=fund.name, balance=fund.balance, forces=forces)


def _history(case: Case, form: Form) -> tuple[HistoryLine, ...]:
    """What has happened; where several people were asked, each answer and then what they came to."""
    ended = {one.sequence: one for one in verdicts(case, form) if one.stage.asks_several}
    lines = []
    for entry in case.entries:
        if line := _line(case, form, entry):
            lines.append(line)
        if one := ended.get(entry.sequence):
            words = f"With that, the {role_words(one.role)} {one.choice.done} it."
            lines.append(HistoryLine(at=one.at, words=words, comment=""))
    return tuple(lines)


def _line(case: Case, form: Form, entry: Entry) -> HistoryLine | None:
    """An entry in words for the submitter; None for what is of no use to them."""
    words = _SAID.get(entry.action, "").format(noun=form.noun)
    comment = ""
    if entry.action in ("asked", "reassigned"):
        words = f"The {role_words(str(entry.details['role']))} was asked to decide."
    elif entry.action == "decided":
        if entry not in case.decisions:
            return None
        choice = form.workflow.choice(str(entry.details["decision"]))
        words = f"The {role_words(entry.role)} {choice.done} it."
        if form.workflow.stage(entry.stage).asks_several:
            words = f"The {role_words(entry.role)} answered: {mid_sentence(choice.label)}."
        comment = case.words(entry.sequence)
        values = asked_values.given_at(case, form, entry)
        return HistoryLine(at=entry.at, words=words, comment=comment, values=values)
    elif entry.action == "lapsed" and case.submission.is_unproven:
        words = "The email address was not confirmed in time. What was sent has been removed."
    elif entry.action in _MOVED:
        kind, said = _MOVED[entry.action]
        amount = pounds(int(entry.details[kind]))
        words = said.format(amount=amount, payment=entry.details.get("payment", ""))
    return HistoryLine(at=entry.at, words=words, comment=comment) if words else None


_MOVED = {
    "paid": ("fund-pay", "{amount} was paid. The payment reference is {payment}."),
    "returned": ("fund-return", "{amount} of it came back to the fund."),
}

_UNPROVEN = {
    Status.UNCONFIRMED: STATUS_WORDS[Status.UNCONFIRMED],
    Status.LAPSED: "Not confirmed in time",
    Status.WITHDRAWN: "Not confirmed",
}

_SAID = {
    "submitted": "We received your {noun}.",
    "stuck": "It has waited longer than it should. The coordinators were told.",
    "amended": "You sent the changes.",
    "moved-here": "You sent the changes. Your {noun} went to the force that you named.",
    "address-mended": "You put your email address right.",
    "confirmed": "You confirmed your email address, and we sent the {noun} on.",
    "disowned": "Whoever reads the mailbox said that they did not send it. What was sent has been removed.",
    "withdrawn": "The {noun} was withdrawn.",
    "lapsed": "The {noun} lapsed: the changes did not come in time.",
    "link-renewed": "You had a new link sent. The one before no longer works.",
}
