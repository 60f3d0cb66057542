"""What is decided on is what was written: whoever can write to the table, and cannot use the key, is found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.aws.macs import KeyedMacs, key_of
from chalicelib.domain.errors import NotAsWritten
from chalicelib.domain.forms.answers import fingerprint
from chalicelib.domain.records import trail
from chalicelib.domain.records.submissions import Case, Status, TaskState
from chalicelib.domain.records.timeline import GENESIS, REMOVED, Chain
from chalicelib.services.approvals import deciding, task_view
from chalicelib.services.desk import staff_actions
from chalicelib.services.money import paying
from chalicelib.services.records import daily_roots, status_view, verifying
from chalicelib.services.records import trail as service
from chalicelib.services.revision import with_entry
from tests import fakes
from tests.builders import MAC_KEY, a_cost, a_person
from tests.security import security_lines
from tests.unit.scenes import SMALL, Scene, a_scene

Attack = Callable[[Scene, str], None]


def item(story: Scene, kind: str, reference: str, *number: int) -> Any:
    return story.store.items[(kind, "kent", reference, *number)]


def put(story: Scene, kind: str, reference: str, value: Any, *number: int) -> None:
    story.store.items[(kind, "kent", reference, *number)] = value


def other_answers(story: Scene, reference: str) -> None:
    one = item(story, "submission", reference)
    put(story, "submission", reference, replace(one, answers={**one.answers, "purpose": "Something else"}))


def another_claimant(story: Scene, reference: str) -> None:
    personal = item(story, "personal", reference)
    put(story, "personal", reference, {**personal, "claimant_name": "Somebody Else"})


def another_amount(story: Scene, reference: str) -> None:
    one = item(story, "submission", reference)
    put(story, "submission", reference, replace(one, amount_pence=one.amount_pence * 10))


def approved_by_another(story: Scene, reference: str) -> None:
    one = item(story, "submission", reference)
    put(story, "submission", reference, replace(one, approved_by={"force-lead": ("deputy-kent",)}))


def another_claimants_id(story: Scene, reference: str) -> None:
    put(story, "submission", reference, replace(item(story, "submission", reference), claimant_id="finance"))


def another_persons_task(story: Scene, reference: str) -> None:
    task = item(story, "task", reference, 1)
    put(story, "task", reference, replace(task, person_id="deputy-kent"), 1)


def a_decision_turned_round(story: Scene, reference: str) -> None:
    task = item(story, "task", reference, 1)
    assert task.state is TaskState.DECIDED
    put(story, "task", reference, replace(task, decision="reject"), 1)


def a_comment_removed(story: Scene, reference: str) -> None:
    del story.store.items[("text", "kent", reference, 2)]


def all_written_anew(story: Scene, reference: str) -> None:
    """With every hash right, as somebody does who cannot use the key."""
    case = story.case(reference)
    one = replace(case.submission, answers={**case.submission.answers, "purpose": "Something else"})
    seen = replace(case, submission=one).seen
    chain = replace(case.submission.chain, length=0, head="0" * 64)
    for entry in case.entries:
        details = {**entry.details, **{name: seen for name in ("answers", "seen") if name in entry.details}}
        chain, written = chain.append(replace(entry, details=details), case.texts.get(entry.sequence))
        put(story, "entry", reference, written, entry.sequence)
    put(story, "submission", reference, replace(one, chain=chain))
    task = item(story, "task", reference, 1)
    put(story, "task", reference, replace(task, seen=seen), 1)


ATTACKS: tuple[Attack, ...] = (
    other_answers,
    another_claimant,
    another_amount,
    approved_by_another,
    another_claimants_id,
    another_persons_task,
    a_decision_turned_round,
    a_comment_removed,
    all_written_anew,
)


@pytest.fixture
def story() -> Scene:
    """What is done here does not leave timelines that verify."""
    return a_scene()


@pytest.fixture
def second_stage(story: Scene) -> str:
    """A claim that the lead has approved, with a comment, and the programme is asked about."""
    reference = story.asked()
    story.vote(reference, "lead-kent", comment="Two quotes were compared")
    story.let_go(reference)
    story.ask(reference)
    return reference


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_in_the_table_is_not_shown_for_a_decision(
    story: Scene, second_stage: str, attack: Attack
) -> None:
    task = story.task_of(second_stage, "programme")
    task_view.task_view(story.parts, "programme", task.id)
    attack(story, second_stage)
    with pytest.raises(NotAsWritten):
        task_view.task_view(story.parts, "programme", task.id)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_in_the_table_is_not_decided_on(
    story: Scene, second_stage: str, attack: Attack
) -> None:
    attack(story, second_stage)
    entries = story.case(second_stage).entries
    with pytest.raises(NotAsWritten):
        story.vote(second_stage, "programme")
    assert story.case(second_stage).entries == entries


@pytest.mark.parametrize("attack", ATTACKS)
def test_staff_read_in_the_timeline_that_it_is_not_as_it_was_written(
    story: Scene, second_stage: str, attack: Attack
) -> None:
    coordinator = story.people.person("coordinator-kent")
    assert coordinator is not None
    assert status_view.timeline_for(story.parts, coordinator, second_stage).faults == ()
    attack(story, second_stage)
    assert status_view.timeline_for(story.parts, coordinator, second_stage).faults


def mails(story: Scene) -> list[tuple[str, str]]:
    return [(mail.to, mail.template) for mail in story.mails() if mail.template == "altered"]


def test_coordinators_and_the_log_are_told_once_of_what_was_changed(
    story: Scene, second_stage: str, caplog: pytest.LogCaptureFixture
) -> None:
    other_answers(story, second_stage)
    task = story.task_of(second_stage, "programme")
    with security_lines() as lines:
        for _ in range(2):
            with pytest.raises(NotAsWritten):
                task_view.task_view(story.parts, "programme", task.id)
    assert lines.events == [("verification-failed", "coordinators-told", "")] * 2
    told = {"coordinator.kent@example.police.uk", "national.coordinator@example.police.uk"}
    assert len(mails(story)) == len(set(mails(story))) == len(told & {to for to, _ in mails(story)})
    assert f"not as it was written: {second_stage} of kent" in caplog.text
    assert "Something else" not in caplog.text
    assert "zuleika" not in caplog.text.lower()


def test_the_digest_is_the_same_for_everybody_and_nothing_can_be_guessed_once_the_salt_is_gone(
    story: Scene, second_stage: str
) -> None:
    case = story.case(second_stage)
    entry = case.entries[0]
    assert case.salt
    assert case.seen == entry.details["answers"]
    guessed = replace(case, salt="")
    assert guessed.seen != entry.details["answers"], "whoever knows all the answers cannot show that they do"


def test_personal_answers_that_an_entry_says_were_removed_are_no_fault(
    story: Scene, second_stage: str
) -> None:
    case = story.case(second_stage)
    one, entry = with_entry(case.submission, at=story.clock.at, action=REMOVED, details={"personal": "yes"})
    gone = replace(case, submission=one, personal={}, salt="", entries=(*case.entries, entry.entry))
    assert trail.faults_of(gone) == []
    unsaid = replace(case, personal={}, salt="")
    assert trail.faults_of(unsaid) == ["the answers are not as they were written"]
    others = {**one.answers, "purpose": "Something else"}
    changed = replace(gone, submission=replace(one, answers=others))
    assert trail.faults_of(changed) == ["the answers are not as they were written"]


def test_a_claim_of_an_earlier_release_is_decided_as_before(story: Scene) -> None:
    """Its digests have no salt, and its entries no MAC; what an approver was shown then still counts."""
    reference = story.asked()
    case = story.case(reference)
    one = case.submission
    seen = fingerprint(one.reference, one.form, one.form_version, case.answers)
    chain, previous = Chain(), GENESIS
    for entry in case.entries:
        details = {name: told for name, told in entry.details.items() if name != "personal"}
        details |= {"answers": seen} if "answers" in details else {}
        chain, written = chain.append(replace(entry, details=details))
        written = replace(written, before="", state="", previous=previous, mac="", mac_key="")
        written = replace(written, hash=written.computed_hash())
        previous = written.hash
        put(story, "entry", reference, written, entry.sequence)
    put(story, "submission", reference, replace(one, chain=replace(chain, head=previous)))
    put(story, "salt", reference, "")
    with pytest.raises(NotAsWritten):
        story.vote(reference, "lead-kent", seen=seen)
    since = story.clock.at + timedelta(hours=1)
    story.parts = replace(story.parts, macs=KeyedMacs([key_of(MAC_KEY)], since=since))
    story.clock.at = since
    story.vote(reference, "lead-kent", seen=seen)
    assert service.faults_of(story.parts, story.case(reference)) == []
    task = item(story, "task", reference, 1)
    put(story, "task", reference, replace(task, seen="another"), 1)
    assert service.faults_of(story.parts, story.case(reference)) == ["task 1 is not as it was decided"]


def test_what_an_undo_would_put_back_is_checked_before_it_is(story: Scene) -> None:
    story.use_undo()
    reference = story.asked()
    story.vote(reference, "lead-kent")
    assert service.faults_of(story.parts, story.case(reference)) == []
    one = item(story, "submission", reference)
    assert one.undo
    forged = replace(one.undo.before, status=Status("approved"), committed_pence=600_000)
    put(story, "submission", reference, replace(one, undo=replace(one.undo, before=forged)))
    with pytest.raises(NotAsWritten):
        story.undo(reference, "lead-kent")


def test_nothing_is_paid_for_a_claim_that_was_changed(story: Scene) -> None:
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    story.vote(reference, "programme")
    story.let_go(reference)
    story.clock.pass_by(hours=1)
    one = item(story, "submission", reference)
    assert one.status is Status("approved")
    another_claimant(story, reference)
    payer = a_person("payer", "fund-holder@national")
    with pytest.raises(NotAsWritten):
        paying.pay(story.parts, payer, reference, payment="BACS 42")


def test_what_was_read_while_it_changed_is_read_again_and_called_forged_by_nobody(
    story: Scene, second_stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query sees one item before, another after a change that is being stored."""
    before = story.case(second_stage)
    task = story.task_of(second_stage, "programme")
    coordinator = story.person("coordinator-kent")
    staff_actions.note(story.parts, coordinator, second_stage, "Looked at")
    after = story.case(second_stage)
    halves = [replace(after, submission=before.submission), replace(after, entries=before.entries, texts={})]
    read = fakes.MemoryForceRecords.case

    def torn(records: fakes.MemoryForceRecords, reference: str) -> Case:
        return left.pop() if left else read(records, reference)

    monkeypatch.setattr(fakes.MemoryForceRecords, "case", torn)
    for half in halves:
        left = [half]
        view = task_view.task_view(story.parts, "programme", task.id)
        assert view.submission == after.submission
        left = [half]
        assert status_view.timeline_for(story.parts, coordinator, second_stage).faults == ()
        left = [half]
        assert daily_roots.write_root(story.parts).altered == ()
        story.clock.pass_by(days=1)
        left = [half]
        assert verifying.look(story.parts).findings == ()
    left = [halves[0]]
    deciding.decide(story.parts, "programme", task.id, decision="reject", comment="No", seen=after.seen)
    assert mails(story) == []
