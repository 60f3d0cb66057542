"""A revision: all that belongs to a change is stored at once, and what was forgotten is an error before that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.approvals import decisions
from chalicelib.domain.money.fund import Held
from chalicelib.domain.records.submissions import Case, Status, Submission
from chalicelib.services import changes
from chalicelib.services.changes import AddDelivery, ChangeRefused, ChangeSubmission, MoveMoney
from chalicelib.services.ports import Parts
from chalicelib.services.revision import (
    EntryForgotten,
    Forgotten,
    MailForgotten,
    MoneyForgotten,
    MovedSubmission,
    NewSubmission,
    Revision,
    WorkflowForgotten,
    again_if_overtaken,
    commit,
)
from tests.builders import MONDAY, Story, a_form, a_submission

NOW = MONDAY + timedelta(hours=1)
FORM = a_form()


@pytest.fixture
def asked(story: Story) -> Case:
    """A claim that an approver is asked about; its workflow waits."""
    reference = story.submit().reference
    story.ask(reference)
    return story.case(reference)


@pytest.fixture
def approved(story: Story, asked: Case) -> Case:
    """A claim with money set aside for it."""
    reference = asked.submission.reference
    story.decide(reference, "approve")
    case = story.case(reference)
    assert case.submission.reserved_pence
    return case


def stored(parts: Parts, case: Case) -> Case:
    return parts.records.of(case.submission.force).case(case.submission.reference)


def withdrawn(parts: Parts, case: Case) -> Revision:
    """The claim ends; what goes with that is not said yet."""
    revision = Revision(parts, case, now=NOW)
    revision.becomes(replace(decisions.closed(case.submission, Status.WITHDRAWN), undo=None))
    return revision


def money(revision: Revision) -> None:
    one = revision.before
    movement = decisions.movement(one, decisions.held(revision.submission), FORM.workflow.fund, now=NOW)
    revision.moves(movement)


def entry(revision: Revision) -> None:
    revision.records("withdrawn", by="claimant", role="claimant")


def workflow(revision: Revision) -> None:
    revision.tells_workflow(FORM)


def mail(revision: Revision) -> None:
    revision.tells([revision.letters(FORM).ended("withdrawn")])


ALL: dict[type[Forgotten], Callable[[Revision], None]] = {
    MoneyForgotten: money,
    EntryForgotten: entry,
    WorkflowForgotten: workflow,
    MailForgotten: mail,
}


def test_everything_that_belongs_to_a_change_is_stored_at_once(story: Story, approved: Case) -> None:
    revision = withdrawn(story.parts, approved)
    for say in ALL.values():
        say(revision)
    revision.commit()
    case = stored(story.parts, approved)
    assert case.submission == revision.submission
    assert case.submission.revision == approved.submission.revision + 1
    assert case.submission.changed_at == NOW
    assert case.entries[-1].action == "withdrawn"
    assert case.entries[-1].details == {"fund-release": approved.submission.reserved_pence}
    fund = story.parts.funds.fund(FORM.workflow.fund, force="kent")
    assert fund.balance.reserved == 0
    told = [one.delivery.kind.value for one in revision.all_changes() if isinstance(one, AddDelivery)]
    assert sorted(told) == ["answer", "mail"]


@pytest.mark.parametrize("forgotten", ALL, ids=lambda one: one.__name__)
def test_a_part_that_was_forgotten_is_an_error_and_nothing_is_stored(
    story: Story, approved: Case, forgotten: type[Forgotten]
) -> None:
    revision = withdrawn(story.parts, approved)
    for kind, say in ALL.items():
        if kind is not forgotten:
            say(revision)
    with pytest.raises(forgotten):
        revision.commit()
    assert stored(story.parts, approved) == approved


def test_money_that_stays_is_said_too(story: Story, approved: Case) -> None:
    """Somebody who changes where a claim stands has thought of the money that is set aside for it."""
    revision = Revision(story.parts, approved, now=NOW)
    revision.becomes(replace(approved.submission, stage="finance"))
    revision.records("moved-on")
    with pytest.raises(MoneyForgotten):
        revision.commit()
    revision.moves_nothing()
    revision.commit()


def test_no_money_moves_that_the_next_state_does_not_say(story: Story, approved: Case) -> None:
    for fault in ("nothing moves", "the state says nothing"):
        revision = withdrawn(story.parts, approved)
        if fault == "nothing moves":
            revision.moves_nothing()
        else:
            money(revision)
            revision.becomes(replace(revision.submission, reserved_pence=1))
        entry(revision), workflow(revision), mail(revision)
        with pytest.raises(MoneyForgotten):
            revision.commit()


def test_a_note_needs_neither_money_nor_mail(story: Story, approved: Case) -> None:
    revision = Revision(story.parts, approved, now=NOW)
    revision.records("noted", by="lead-kent", role="coordinator", words="They rang.")
    revision.commit()
    case = stored(story.parts, approved)
    assert case.words(case.entries[-1].sequence) == "They rang."


def test_where_no_workflow_waits_none_is_told(story: Story, approved: Case) -> None:
    revision = withdrawn(story.parts, replace(approved, token=""))
    money(revision), entry(revision), mail(revision)
    revision.commit()
    assert not [
        one
        for one in revision.all_changes()
        if isinstance(one, AddDelivery) and one.delivery.kind.value == "answer"
    ]


def test_a_revision_keeps_its_number_and_timeline_whatever_state_it_is_given(
    story: Story, asked: Case
) -> None:
    revision = Revision(story.parts, asked, now=NOW)
    revision.records("noted")
    revision.becomes(replace(asked.submission, reminded=1, revision=40))
    assert revision.submission.revision == asked.submission.revision + 1
    assert revision.submission.chain.length == asked.submission.chain.length + 1
    revision.commit()
    assert stored(story.parts, asked).submission.reminded == 1


@pytest.mark.parametrize("name", changes.FIXED)
def test_what_a_submission_never_changes_is_refused(story: Story, asked: Case, name: str) -> None:
    revision = Revision(story.parts, asked, now=NOW)
    revision.becomes(replace(asked.submission, **{name: 9 if name == "form_version" else "other"}))
    revision.records("noted")
    with pytest.raises(Forgotten, match="MovedSubmission"):
        revision.commit()


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        ({"answers": {"force": "kent"}}, (True, False)),
        ({"title": "Another"}, (True, False)),
        ({"amount_pence": 1}, (True, False)),
        ({"version": 2}, (True, False)),
        ({"is_unproven": True}, (False, True)),
        ({"submitted_at": NOW}, (False, True)),
        ({"reminded": 1}, (False, False)),
    ],
)
def test_what_is_rewritten_follows_from_what_is_different(
    story: Story, asked: Case, change: dict[str, object], flags: tuple[bool, bool]
) -> None:
    revision = Revision(story.parts, asked, now=NOW)
    revision.becomes(replace(asked.submission, **change))  # type: ignore[arg-type]
    revision.records("noted")
    first = revision.all_changes()[0]
    assert isinstance(first, ChangeSubmission)
    assert (first.amended, first.confirmed) == flags


def test_a_change_by_somebody_quicker_is_named_and_tried_again(story: Story, asked: Case) -> None:
    read = [asked]

    def attempt() -> Submission:
        revision = Revision(story.parts, read.pop() if read else stored(story.parts, asked), now=NOW)
        revision.records("noted")
        revision.commit()
        return revision.submission

    quicker = Revision(story.parts, asked, now=NOW)
    quicker.records("noted")
    quicker.commit()
    slower = Revision(story.parts, asked, now=NOW)
    slower.records("noted")
    with pytest.raises(ChangeRefused) as refused:
        slower.commit()
    assert refused.value.change == slower.all_changes()[0]
    assert again_if_overtaken(attempt).revision == asked.submission.revision + 2


def first_revisions(parts: Parts, **changes: object) -> list[Revision]:
    """A new submission, and one that moves from another force."""
    one = replace(a_submission(), **changes)  # type: ignore[arg-type]
    return [NewSubmission(parts, one, {}, "salt"), MovedSubmission(parts, one, was_at="essex")]


def test_what_begins_has_an_entry_and_a_workflow_and_no_money(story: Story) -> None:
    for revision in first_revisions(story.parts):
        with pytest.raises(EntryForgotten):
            revision.all_changes()
        revision.records("submitted")
        with pytest.raises(WorkflowForgotten):
            revision.all_changes()
        revision.starts_workflow(FORM)
        assert revision.all_changes()
    for revision in first_revisions(story.parts, reserved_pence=1):
        revision.records("submitted")
        with pytest.raises(MoneyForgotten):
            revision.all_changes()


def test_what_is_to_be_decided_from_now_on_needs_a_workflow(story: Story) -> None:
    closed = decisions.closed(a_submission(), Status.UNCONFIRMED)
    revision = Revision(story.parts, Case(submission=closed, personal={}), now=NOW)
    revision.becomes(a_submission())
    revision.records("confirmed")
    revision.tells_nobody()
    with pytest.raises(WorkflowForgotten):
        revision.all_changes()


def test_a_ledger_line_that_mends_moves_none_of_the_claims_money(story: Story, approved: Case) -> None:
    one = approved.submission
    movement = decisions.movement(one, Held(), FORM.workflow.fund, now=NOW)
    assert movement is not None
    revision = Revision(story.parts, approved, now=NOW)
    revision.mends_ledger(movement)
    revision.records("mended")
    assert MoveMoney(movement=movement) in revision.all_changes()
    assert decisions.held(revision.submission) == decisions.held(one)


def test_several_submissions_change_together_or_not_at_all(story: Story, asked: Case) -> None:
    other = story.case(story.submit().reference)
    revisions = [Revision(story.parts, case, now=NOW) for case in (asked, other)]
    for revision in revisions:
        revision.records("noted")
    commit(story.parts, *revisions)
    with pytest.raises(ChangeRefused):
        commit(story.parts, *revisions)
    for case in (asked, other):
        assert stored(story.parts, case).submission.revision == case.submission.revision + 1
