"""Amending: the submitter makes the changes that were asked for. The old answers are kept as a version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain.approvals import amendments
from chalicelib.domain.approvals.amendments import Amended
from chalicelib.domain.approvals.moves import closed
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.errors import ClaimChanged, InvalidAnswers, Problem
from chalicelib.domain.forms.answers import Answer, check_answers, walk
from chalicelib.domain.forms.form import Form
from chalicelib.domain.intake.status_links import check_link
from chalicelib.domain.records.submissions import Case, Status, Submission
from chalicelib.domain.records.timeline import CLAIMANT, Chain
from chalicelib.domain.values import value
from chalicelib.services.changes import (
    Change,
    ChangeRefused,
    KeepPersonal,
    KeepVersion,
    KnownReference,
    MoveSubmission,
)
from chalicelib.services.intake.submitting import known_references, unknown_reference
from chalicelib.services.ports import Parts
from chalicelib.services.records.lookup import case_of
from chalicelib.services.revision import (
    MovedSubmission,
    Revision,
    again_if_overtaken,
    answers_details,
    commit,
)


@value
class AmendView:
    """What the submitter is to change: `open_form` has those pages alone, `asked` says what and by whom it was
    asked. `fixed` are the other answers, to read. `version` is of the answers that are shown."""

    submission: Submission
    form: Form
    open_form: Form
    asked: amendments.Asked
    answers: Mapping[str, Any]
    fixed: tuple[Answer, ...]
    version: int
    due: datetime | None


@value
class AmendedTo:
    """Where the submission is to be found after its changes."""

    force: str
    reference: str
    link: int = 1


def amend_view(parts: Parts, force: str, reference: str, *, link: int | None = None) -> AmendView:
    """What is to be changed, for whoever came by the status link of this number, if any. Raises NotFound, Overtaken
    where nothing is, and LinkReplaced for a link that no longer works."""
    case = case_of(parts, force, reference).as_told(parts.now())
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    if link is not None:
        check_link(case, link, noun=form.noun, now=parts.now())
    asked = amendments.asked_for(case, form)
    open_form = amendments.open_form(form, asked.changes)
    names = {question.name for question in open_form.questions()}
    return AmendView(
        submission=one,
        form=form,
        open_form=open_form,
        asked=asked,
        answers=case.answers,
        fixed=tuple(answer for answer in walk(form, case.answers) if answer.name not in names),
        version=one.version,
        due=one.due_at,
    )


def amend(parts: Parts, force: str, reference: str, given: Mapping[str, Any], *, version: int) -> AmendedTo:
    """Store the changed answers to the pages that are open. Sending the same changes twice makes them once.

    `version` is of the answers that were shown. Raises InvalidAnswers with all problems, NotFound, Overtaken where
    nothing is to be changed (any more), and ClaimChanged where other changes to the same answers came in before.
    """
    return again_if_overtaken(lambda: _amend(parts, force, reference, given, version))


def _amend(parts: Parts, force: str, reference: str, given: Mapping[str, Any], version: int) -> AmendedTo:
    now = parts.now()
    case = case_of(parts, force, reference).as_told(now)
    one = case.submission
    form = parts.forms.form(one.form, one.form_version)
    if one.version > version:
        _check_same(case, form, given)
        return AmendedTo(force=one.force, reference=one.reference, link=one.link)  # a double click
    asked = amendments.asked_for(case, form)
    amended = amendments.amend(case, form, given, changes=asked.changes, calendar=parts.calendar, now=now)
    sections = [page.title for page in form.pages if page.id in asked.changes]
    if amended.submission.force == one.force:
        revisions = [_amended(parts, case, form, amended, sections)]
    else:
        revisions = _moved(parts, case, form, amended, sections)
    try:
        commit(parts, *revisions)
    except ChangeRefused as refused:
        if isinstance(refused.change, KnownReference):
            raise InvalidAnswers([unknown_reference(form, refused.change.field)]) from refused
        if isinstance(refused.change, MoveSubmission):
            raise InvalidAnswers([_was_there_before(form)]) from refused
        raise
    return AmendedTo(force=amended.submission.force, reference=one.reference, link=one.link)


def _check_same(case: Case, form: Form, given: Mapping[str, Any]) -> None:
    """Raise ClaimChanged unless the changes are those that were made already: nothing that was typed is dropped
    without a word."""
    last = next(one for one in reversed(case.entries) if one.action in ("amended", "moved-here"))
    pages = dict.fromkeys(str(last.details["changes"]).split(" "), "")
    names = {question.name for question in amendments.open_form(form, pages).questions()}
    kept = {name: value for name, value in case.answers.items() if name not in names}
    sent = {name: value for name, value in given.items() if name in names}
    try:
        same = check_answers(form, {**kept, **sent}) == case.answers
    except InvalidAnswers:
        same = False
    if not same:
        raise ClaimChanged(
            f"Changes to this {form.noun} were sent already, and these are others. They were not stored. "
            "See where it stands; if something is still wrong, reply to our last mail."
        )


def _was_there_before(form: Form) -> Problem:
    message = (
        f"The {form.noun} was with this force before and cannot go back to it. "
        "Withdraw it and make a new one there"
    )
    return Problem(pointer="/force", code="moved-before", message=message)


def _entry_details(case: Case, form: Form, amended: Amended, salt: str) -> dict[str, str | int]:
    one = amended.submission
    details: dict[str, str | int] = {
        "version": one.version,
        "amount_pence": one.amount_pence,
        **answers_details(one, amended.personal, salt),
        "earlier": case.seen,
        "changes": " ".join(amendments.asked_for(case, form).changes),
    }
    return details


def _amended(parts: Parts, case: Case, form: Form, amended: Amended, sections: list[str]) -> Revision:
    salt = parts.new_secret()
    revision = Revision(parts, case, now=amended.submission.changed_at)
    revision.becomes(amended.submission)
    revision.moves(amended.movement)
    revision.records(
        "amended",
        stage=case.submission.stage,
        by=CLAIMANT,
        role=CLAIMANT,
        details=_entry_details(case, form, amended, salt),
    )
    revision.adds(_answers(form, revision.submission, amended, salt))
    revision.tells([_receipt(revision, case, form, amended, sections)])
    revision.tells_workflow(form)
    return revision


def _moved(parts: Parts, case: Case, form: Form, amended: Amended, sections: list[str]) -> list[Revision]:
    """It goes on at the force that the answers name now, with a timeline of its own there: neither force reads
    what was written in the other. The reference stays."""
    old, new = case.submission, amended.submission
    now, salt = new.changed_at, parts.new_secret()
    left = Revision(parts, case, now=now)
    left.becomes(replace(closed(old, Status.WITHDRAWN), undo=None, moved_to=new.force))
    left.records("moved", by=CLAIMANT, role=CLAIMANT, details={"to": new.force})
    left.moves(amended.movement)  # after the entry: the one at the new force says what was set free
    left.tells_nobody()  # the mail is about the submission at its new force
    left.ends_workflow()
    here = MovedSubmission(parts, replace(new, chain=Chain(), tasks=0, round=old.round + 1), was_at=old.force)
    origin = {"from": old.force, "goes-on-from": left.submission.chain.head}
    freed = amended.movement.details if amended.movement else {}
    details = {**_entry_details(case, form, amended, salt), **freed, **origin}
    here.records("moved-here", by=CLAIMANT, role=CLAIMANT, details=details)
    here.adds(_answers(form, here.submission, amended, salt))
    here.tells([_receipt(here, case, form, amended, sections)])
    here.starts_workflow(form)
    return [left, here]


def _answers(form: Form, one: Submission, amended: Amended, salt: str) -> list[Change]:
    """The new answers, the earlier ones, and what must be true of the new ones."""
    changes: list[Change] = [
        KeepPersonal(submission=one, personal=amended.personal, salt=salt),
        KeepVersion(submission=one, version=amended.earlier),
    ]
    return [*changes, *known_references(form, one)]


def _receipt(revision: Revision, case: Case, form: Form, amended: Amended, sections: list[str]) -> Delivery:
    as_amended = replace(case, submission=revision.submission, personal=amended.personal)
    return replace(revision.letters(form), case=as_amended).amended(sections)
