"""Changes that a submitter makes because they were asked to: which questions are open, what became different, and
where the submission goes then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain.approvals.deadlines import Calendar
from chalicelib.domain.approvals.decisions import held, movement
from chalicelib.domain.approvals.moves import at_stage
from chalicelib.domain.errors import Difference, InvalidAnswers, Overtaken, Problem
from chalicelib.domain.forms.answers import check_answers, in_words, total_pence
from chalicelib.domain.forms.form import Form
from chalicelib.domain.money.fund import Held, Movement
from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.domain.people.people import Person
from chalicelib.domain.records.submissions import Case, Status, Submission, Version
from chalicelib.domain.records.withholding import kept_from_approver
from chalicelib.domain.values import value


@value
class Asked:
    """The changes that were asked for: by which role, with what comment, and what on which page of the form."""

    role: str
    stage: str
    at: datetime
    comment: str
    changes: Mapping[str, str]


@value
class Amended:
    """What new answers change. `from_the_start`: they concern every stage, so that the first one decides again."""

    submission: Submission
    personal: Mapping[str, Any]
    earlier: Version
    movement: Movement | None
    from_the_start: bool


def asked_for(case: Case, form: Form) -> Asked:
    """The changes that the submission waits for. Raises Overtaken where it waits for none."""
    if case.submission.status is not Status.CHANGES_REQUESTED:
        raise Overtaken(f"Nothing is to be changed in this {form.noun} now.")
    returns = {
        choice.value
        for stage in form.workflow.stages
        for choice in stage.choices
        if choice.outcome.asks_for_changes
    }
    entry = next(one for one in reversed(case.decisions) if one.details["decision"] in returns)
    text = case.texts.get(entry.sequence)
    pages = str(entry.details["changes"]).split(" ")
    return Asked(
        role=entry.role,
        stage=entry.stage,
        at=entry.at,
        comment=text.words if text else "",
        changes={page: text.parts.get(page, "") if text else "" for page in pages},
    )


def open_form(form: Form, changes: Mapping[str, str]) -> Form:
    """The form with only those pages that are to be changed."""
    return replace(form, pages=tuple(page for page in form.pages if page.id in changes))


def amend(
    case: Case,
    form: Form,
    given: Mapping[str, Any],
    *,
    changes: Mapping[str, str],
    calendar: Calendar,
    now: datetime,
) -> Amended:
    """What the answers `given` to the open pages change. Raises InvalidAnswers with all problems, also where
    nothing became different."""
    one = case.submission
    open_names = {question.name for question in open_form(form, changes).questions()}
    kept = {name: value for name, value in case.answers.items() if name not in open_names}
    answers = check_answers(form, {**kept, **{name: given[name] for name in given if name in open_names}})
    before, address = str(case.answers[form.email_field]), str(answers[form.email_field])
    if mailbox_of(address) != mailbox_of(before):
        message = "The address that you confirmed cannot be changed here. Reply to our last mail to change it"
        raise InvalidAnswers([Problem(pointer=f"/{form.email_field}", code="confirmed", message=message)])
    if answers == case.answers:
        message = "Nothing is different yet. Change what you were asked to change"
        raise InvalidAnswers([Problem(pointer="", code="unchanged", message=message)])
    amount = total_pence(form, answers)
    moved = replace(
        one,
        title=form.title_of(answers, one.reference),
        category=form.filed_under(answers),
        answers={name: value for name, value in answers.items() if name not in form.personal},
        amount_pence=amount,
        force=answers["force"],
        version=one.version + 1,
        revision=one.revision + 1,
        changed_at=now,
        undo=None,
    )
    from_the_start = any(
        answers.get(name) != case.answers.get(name) for name in form.workflow.amending.restart_if_changed
    )
    stage = form.workflow.first(amount) if from_the_start else form.workflow.stage(one.stage)
    moved = at_stage(moved, stage, calendar, now)
    # Another force has another share: what was set aside in the first one's is free again.
    reserved = min(one.reserved_pence, amount) if moved.force == one.force else 0
    moved = replace(moved, reserved_pence=reserved, approved_by={} if from_the_start else one.approved_by)
    if from_the_start:
        moved = replace(moved, published_at=None)
    return Amended(
        submission=moved,
        personal={name: value for name, value in answers.items() if name in form.personal},
        earlier=Version(
            number=one.version,
            answers=one.answers,
            personal=case.personal,
            amount_pence=one.amount_pence,
            at=now,
            salt=case.salt,
        ),
        movement=movement(
            one, Held(reserved=reserved, committed=held(one).committed), form.workflow.fund, now=now
        ),
        from_the_start=from_the_start,
    )


def differences(
    form: Form, before: Mapping[str, Any], after: Mapping[str, Any], *, force: str, reader: Person | None
) -> tuple[Difference, ...]:
    """Every answer that is not the same, in words, in the form's order. What this reader is not shown when they decide
    is left out; so is what only one of the two versions withholds."""
    hidden = kept_from_approver(reader, form, force, before, after)
    found = []
    for question in form.questions():
        if question.name in hidden or before.get(question.name) == after.get(question.name):
            continue
        found.append(
            Difference(
                heading=question.heading,
                before=in_words(question, before.get(question.name)),
                after=in_words(question, after.get(question.name)),
            )
        )
    return tuple(found)
