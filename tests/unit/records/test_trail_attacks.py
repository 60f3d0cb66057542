"""Somebody who can write to the table, and perhaps use the key of the MACs, changes what is stored: what is found, and
from when on.

    found at once                      by whoever shows it for a decision, decides, or verifies
    found from the next root on        what was done with the key, or set back, before a root held it
    found from the last root on        the same, once a root holds it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.records import roots
from chalicelib.domain.records.roots import Line, Root, SignedRoot
from chalicelib.domain.records.timeline import Chain
from chalicelib.domain.repair.checks import Found
from chalicelib.services.changes import AddEntry
from chalicelib.services.records import daily_roots, trail, verifying
from tests import fakes
from tests.unit.scenes import Scene, a_scene

Attack = Callable[[Scene, str], None]


@pytest.fixture
def story() -> Scene:
    """What is done here does not leave timelines that verify."""
    return a_scene()


@pytest.fixture
def rooted(story: Scene) -> str:
    """A claim that was changed as it was asked to, and approved by the lead; and the day's root."""
    reference = story.asked()
    story.ask_for_changes(reference, costs="Two quotes, please.")
    story.let_go(reference)
    story.ask(reference)
    story.amend(reference, purpose="Another purpose, and a better one.", claimant_name="Zuleika Q")
    story.ask(reference)
    story.vote(reference, "lead-kent", comment="Two quotes were compared")
    story.let_go(reference)
    story.ask(reference)
    next_day(story)
    return reference


def next_day(story: Scene) -> daily_roots.Rooted:
    """The root of the next day is written."""
    story.clock.pass_by(days=1)
    return daily_roots.write_root(story.parts)


def found(story: Scene) -> list[tuple[Found, str]]:
    """What the reconciler finds of the timelines."""
    return [(one.found, one.reference) for one in verifying.look(story.parts).findings]


def items_of(story: Scene, reference: str) -> dict[tuple[Any, ...], Any]:
    return {key: one for key, one in story.store.items.items() if key[1:3] == ("kent", reference)}


def change(story: Scene, kind: str, reference: str, *number: int, **changes: Any) -> None:
    key = (kind, "kent", reference, *number)
    one = story.store.items[key]
    story.store.items[key] = {**one, **changes} if isinstance(one, dict) else replace(one, **changes)


def answers(story: Scene, reference: str) -> None:
    one = story.case(reference).submission
    change(story, "submission", reference, answers={**one.answers, "purpose": "Something else"})


def personal_part(story: Scene, reference: str) -> None:
    change(story, "personal", reference, claimant_email="somebody.else@example.police.uk")


def personal_part_removed(story: Scene, reference: str) -> None:
    del story.store.items[("personal", "kent", reference)]


def salt(story: Scene, reference: str) -> None:
    story.store.items[("salt", "kent", reference)] = "another"


def version(story: Scene, reference: str) -> None:
    (earlier,) = story.case(reference).versions
    change(story, "version", reference, 1, answers={**earlier.answers, "purpose": "Something else"})


def personal_part_of_a_version(story: Scene, reference: str) -> None:
    (earlier,) = story.case(reference).versions
    change(story, "version", reference, 1, personal={**earlier.personal, "claimant_name": "Somebody"})


def version_removed(story: Scene, reference: str) -> None:
    del story.store.items[("version", "kent", reference, 1)]


def comment_removed(story: Scene, reference: str) -> None:
    last = story.case(reference).decisions[-1].sequence
    del story.store.items[("text", "kent", reference, last)]


def comment(story: Scene, reference: str) -> None:
    change(story, "text", reference, story.case(reference).decisions[-1].sequence, words="No quotes at all")


def entry_removed(story: Scene, reference: str) -> None:
    del story.store.items[("entry", "kent", reference, 3)]


def status(story: Scene, reference: str) -> None:
    one = story.case(reference).submission
    change(story, "submission", reference, status=type(one.status)("approved"))


def approvers(story: Scene, reference: str) -> None:
    change(story, "submission", reference, approved_by={"force-lead": ("deputy-kent",)})


def money_held(story: Scene, reference: str) -> None:
    change(story, "submission", reference, reserved_pence=1)


def asked_person(story: Scene, reference: str) -> None:
    change(story, "task", reference, story.case(reference).tasks[-1].number, person_id="finance")


def task_removed(story: Scene, reference: str) -> None:
    del story.store.items[("task", "kent", reference, 1)]


def task_added(story: Scene, reference: str) -> None:
    last = story.case(reference).tasks[-1]
    more = replace(last, number=last.number + 1, person_id="finance")
    story.store.items[("task", "kent", reference, more.number)] = more


def all_written_anew(story: Scene, reference: str, *, macs: Any = None) -> None:
    """The purpose, and every entry so that all of it agrees; with MACs where somebody can make them."""
    case = story.case(reference)
    one = replace(case.submission, answers={**case.submission.answers, "purpose": "Something else"})
    seen, before = replace(case, submission=one).seen, case.seen
    chain = Chain()
    for entry in case.entries:
        details = {name: seen if told == before else told for name, told in entry.details.items()}
        text = case.texts.get(entry.sequence)
        chain, written = chain.append(replace(entry, details=details), text, state=entry.state)
        if macs is not None:
            written = macs.sealed(AddEntry(submission=one, entry=written))
        story.store.items[("entry", "kent", reference, entry.sequence)] = written
    story.store.items[("submission", "kent", reference)] = replace(one, chain=chain)
    for task in case.tasks:
        if task.seen == before:
            change(story, "task", reference, task.number, seen=seen)


def all_written_anew_without_macs(story: Scene, reference: str) -> None:
    """As if an earlier release had written it."""
    all_written_anew(story, reference)
    for entry in story.case(reference).entries:
        change(story, "entry", reference, entry.sequence, mac="", mac_key="")


AT_ONCE: tuple[Attack, ...] = (
    answers,
    personal_part,
    personal_part_removed,
    salt,
    version,
    personal_part_of_a_version,
    version_removed,
    comment_removed,
    comment,
    entry_removed,
    status,
    approvers,
    money_held,
    asked_person,
    task_removed,
    task_added,
    all_written_anew,
    all_written_anew_without_macs,
)


@pytest.mark.parametrize("attack", AT_ONCE)
def test_what_is_changed_without_the_key_is_found_at_once(story: Scene, rooted: str, attack: Attack) -> None:
    assert found(story) == []
    assert trail.faults_of(story.parts, story.case(rooted)) == []
    attack(story, rooted)
    assert trail.faults_of(story.parts, story.case(rooted))
    assert found(story) == [(Found.ALTERED, rooted)]


@pytest.mark.parametrize("attack", AT_ONCE)
def test_what_was_changed_without_the_key_is_not_in_a_root(story: Scene, rooted: str, attack: Attack) -> None:
    """It grows by another entry, and stays found: the root keeps what it held before."""
    before, _ = daily_roots.newest(story.parts)
    attack(story, rooted)
    moved = replace(story.case(rooted).submission, revision=99)
    chain, entry = moved.chain.append(story.case(rooted).entries[-1], state=moved.state)
    entry = replace(entry, at=story.clock.at, action="noted", details={})
    sealed = fakes.MACS.sealed(AddEntry(submission=moved, entry=entry))
    story.store.items[("entry", "kent", rooted, entry.sequence)] = sealed
    story.store.items[("submission", "kent", rooted)] = replace(moved, chain=chain)
    assert next_day(story).altered == (rooted,)
    after, _ = daily_roots.newest(story.parts)
    assert before
    assert after
    assert after.by_place[("kent", rooted)] == before.by_place[("kent", rooted)]
    assert found(story) == [(Found.ALTERED, rooted)]


def with_the_key(story: Scene, reference: str) -> None:
    all_written_anew(story, reference, macs=fakes.MACS)


def test_what_is_rewritten_with_the_key_is_found_from_the_last_root_on(story: Scene, rooted: str) -> None:
    with_the_key(story, rooted)
    assert trail.faults_of(story.parts, story.case(rooted)) == [], "nothing but a root tells"
    assert found(story) == [(Found.ALTERED, rooted)]


def test_what_is_rewritten_with_the_key_before_a_root_held_it_is_not_found(story: Scene) -> None:
    """The limit of the proof, so that nobody takes it for more than it is."""
    reference = story.asked()
    with_the_key(story, reference)
    assert next_day(story).altered == ()
    assert found(story) == []


def test_what_is_set_back_to_an_older_state_is_found_from_the_last_root_on(story: Scene, rooted: str) -> None:
    older = items_of(story, rooted)
    story.vote(rooted, "programme")
    story.let_go(rooted)
    assert next_day(story).altered == ()
    assert found(story) == []
    for key in items_of(story, rooted):
        del story.store.items[key]
    story.store.items.update(older)
    assert trail.faults_of(story.parts, story.case(rooted)) == [], "nothing but a root tells"
    assert found(story) == [(Found.ALTERED, rooted)]


def test_what_is_set_back_before_a_root_held_it_is_not_found(story: Scene, rooted: str) -> None:
    older = items_of(story, rooted)
    story.vote(rooted, "programme")
    story.let_go(rooted)
    for key in items_of(story, rooted):
        del story.store.items[key]
    story.store.items.update(older)
    assert next_day(story).altered == ()


def test_a_whole_submission_that_is_removed_is_found_from_the_last_root_on(story: Scene, rooted: str) -> None:
    for key in items_of(story, rooted):
        del story.store.items[key]
    assert found(story) == [(Found.MISSING, rooted)]
    next_day(story)
    assert found(story) == [(Found.MISSING, rooted)]


def test_a_submission_that_is_spoiled_does_not_keep_the_others_from_being_verified(
    story: Scene, rooted: str
) -> None:
    other = story.asked()
    assert next_day(story).altered == ()
    change(story, "submission", rooted, answers=None)
    answers_of_the_other = story.case(other).submission.answers
    change(story, "submission", other, answers={**answers_of_the_other, "purpose": "Something else"})
    assert sorted(kind.value for kind, _ in found(story)) == ["altered", "could-not"]
    for reference in (rooted, other):
        story.store.items[("entry", "kent", reference, 1)] = replace(
            story.store.items[("entry", "kent", reference, 1)], at=story.clock.at
        )
    assert set(next_day(story).altered) == {rooted, other}


def test_a_submission_that_is_put_in_anothers_place_is_found_at_once(story: Scene, rooted: str) -> None:
    other = story.asked()
    for key, one in items_of(story, rooted).items():
        story.store.items[(key[0], "kent", other, *key[3:])] = one
    key = ("submission", "kent", other)
    story.store.items[key] = replace(story.store.items[key], reference=other)
    assert trail.faults_of(story.parts, story.case(other))


def test_what_was_laundered_by_a_later_entry_is_found_by_the_next_root(story: Scene) -> None:
    """Rewritten without the key, and then the service itself adds an entry that it seals."""
    reference = story.asked()
    all_written_anew(story, reference)
    one = story.case(reference).submission
    chain, entry = one.chain.append(story.case(reference).entries[-1], state=one.state)
    sealed = fakes.MACS.sealed(AddEntry(submission=one, entry=entry))
    story.store.items[("entry", "kent", reference, entry.sequence)] = sealed
    story.store.items[("submission", "kent", reference)] = replace(one, chain=chain)
    assert trail.wrong_macs(story.parts, story.case(reference), [sealed]) == []
    assert next_day(story).altered == (reference,)


def put_root(story: Scene, root: Root, **changes: Any) -> None:
    """A root that somebody made who cannot sign, under its name, whatever is there."""
    signed = SignedRoot(root=root, key="root-key", signature=b"no signature")
    files: Any = story.parts.roots
    files.kept[root.name] = ("application/json", replace(signed, **changes).written())


def test_a_root_that_is_replaced_is_found_at_once(story: Scene, rooted: str) -> None:
    root, _ = daily_roots.newest(story.parts)
    assert root
    with_the_key(story, rooted)
    chain = story.case(rooted).submission.chain
    line = Line(force="kent", reference=rooted, length=chain.length, head=chain.head)
    forged = replace(root, lines=(line,))
    key, signature = story.parts.root_keys.sign(root.digest)
    for changes in ({}, {"key": "another"}, {"key": key, "signature": signature}):
        put_root(story, forged, **changes)
        assert (Found.FALSE_ROOT, root.name) in found(story)
    files: Any = story.parts.roots
    files.kept[root.name] = ("application/json", b"{}")
    assert (Found.FALSE_ROOT, root.name) in found(story)


def test_an_older_root_under_a_newer_name_is_found_at_once(story: Scene, rooted: str) -> None:
    root, _ = daily_roots.newest(story.parts)
    assert root
    files: Any = story.parts.roots
    files.kept["roots/2099-01-01.json"] = files.kept[root.name]
    assert found(story) == [(Found.FALSE_ROOT, "roots/2099-01-01.json")]
    assert daily_roots.newest(story.parts)[0] == root


def test_all_roots_that_are_removed_are_missed_at_once(story: Scene, rooted: str) -> None:
    assert found(story) == []
    files: Any = story.parts.roots
    files.kept.clear()
    assert found(story) == [(Found.NO_ROOT, "")]


def test_the_newest_root_that_is_removed_is_missed_once_it_is_overdue(story: Scene, rooted: str) -> None:
    next_day(story)
    root, _ = daily_roots.newest(story.parts)
    assert root
    files: Any = story.parts.roots
    del files.kept[root.name]
    story.clock.at = root.at - timedelta(days=1) + roots.OVERDUE_AFTER + timedelta(minutes=1)
    assert found(story) == [(Found.NO_ROOT, "")]
