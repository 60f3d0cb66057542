"""The root of the day, and the share of timelines that each run of the reconciler verifies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.records import roots
from chalicelib.domain.records.roots import Line, Root, SignedRoot, Verified
from chalicelib.domain.records.timeline import GENESIS
from chalicelib.domain.repair.checks import Found
from chalicelib.services.records import daily_roots, verifying
from chalicelib.services.repair import reconciling
from chalicelib.services.repair.findings import VERIFIED_WITHIN, checks_for
from tests.unit.scenes import Scene


def kept(story: Scene) -> dict[str, Any]:
    files: Any = story.parts.roots
    return dict(files.kept)


def newest(story: Scene) -> Root:
    root, false = daily_roots.newest(story.parts)
    assert false == ()
    assert root is not None
    return root


def next_day(story: Scene) -> daily_roots.Rooted:
    story.clock.pass_by(days=1)
    return daily_roots.write_root(story.parts)


def test_a_root_holds_what_every_timeline_ends_with_and_follows_the_one_before(story: Scene) -> None:
    first, second = story.asked(), story.submit().reference
    story.clock.pass_by(hours=2)
    done = daily_roots.write_root(story.parts)
    assert (done.is_written, done.timelines, done.moved, done.altered) == (True, 2, 2, ())
    one = newest(story)
    assert one.previous == GENESIS
    assert {line.reference for line in one.lines} == {first, second}
    for line in one.lines:
        chain = story.case(line.reference).submission.chain
        assert (line.length, line.head) == (chain.length, chain.head)
    story.vote(first, "lead-kent")
    story.let_go(first)
    done = next_day(story)
    assert (done.timelines, done.moved) == (2, 1), "what did not grow is not read again"
    assert newest(story).previous == one.digest.hex()
    assert newest(story).by_place[("kent", first)].length == story.case(first).submission.chain.length


def test_a_second_run_on_the_same_day_writes_nothing(story: Scene) -> None:
    story.submit()
    assert daily_roots.write_root(story.parts).is_written
    before = kept(story)
    story.clock.pass_by(hours=2)
    assert not daily_roots.write_root(story.parts).is_written
    assert kept(story) == before


def test_the_first_root_has_also_what_grew_long_ago(story: Scene) -> None:
    """As after an upgrade: entries of earlier releases are in no list of days, their submissions in those of forms."""
    references = {story.submit().reference for _ in range(3)}
    story.clock.pass_by(days=30)
    daily_roots.write_root(story.parts)
    assert {line.reference for line in newest(story).lines} == references


def test_what_fails_before_or_after_the_root_is_stored_is_made_up_for(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.submit()
    keys, files = story.parts.root_keys, story.parts.roots

    def fails(*_: object, **__: object) -> None:
        raise Unavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(keys, "sign", fails)
        with pytest.raises(Unavailable):
            daily_roots.write_root(story.parts)
    assert kept(story) == {}
    put = files.put_if_absent

    def loses_the_answer(*given: Any, **more: Any) -> None:
        put(*given, **more)
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(files, "put_if_absent", loses_the_answer)
        with pytest.raises(ConnectionError):
            daily_roots.write_root(story.parts)
    assert not daily_roots.write_root(story.parts).is_written
    assert len(newest(story).lines) == 1


def test_a_key_that_does_not_answer_is_no_forgery(story: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    story.submit()

    def fails(*_: object, **__: object) -> None:
        raise Unavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(type(story.parts.macs), "is_right", fails)
        with pytest.raises(Unavailable):
            daily_roots.write_root(story.parts)
    daily_roots.write_root(story.parts)
    with monkeypatch.context() as patch:
        patch.setattr(type(story.parts.macs), "is_right", fails)
        with pytest.raises(Unavailable):
            verifying.look(story.parts)
    assert story.parts.checks.verified() is None, "the next run goes on where this one failed"


def test_every_timeline_is_verified_within_a_week_and_only_once(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "AT_LEAST", 1)
    monkeypatch.setattr(verifying, "RUNS", 4)
    for _ in range(10):
        story.submit()
    daily_roots.write_root(story.parts)
    began = story.clock.at
    looked = []
    for _ in range(4):
        story.clock.pass_by(hours=1)
        looked.append(verifying.look(story.parts).at["timelines"])
    assert looked == [3, 3, 3, 1]
    verified = story.parts.checks.verified()
    assert verified is not None
    assert (verified.last_began, verified.last_ended) == (began + timedelta(hours=1), story.clock.at)
    assert (verified.in_all, verified.so_far, verified.place) == (10, 0, ("", ""))
    assert verifying.RUNS * timedelta(hours=1) < timedelta(days=7)


def test_staff_are_told_when_a_pass_takes_longer_than_a_week(story: Scene) -> None:
    person = story.people.person("national-coordinator") or story.people.person("coordinator-kent")
    assert person is not None
    assert not checks_for(story.parts, person).is_verified_late
    story.parts.checks.keep_verified(Verified(began=story.clock.at))
    assert not checks_for(story.parts, person).is_verified_late
    story.clock.at += VERIFIED_WITHIN + timedelta(minutes=1)
    assert checks_for(story.parts, person).is_verified_late


def test_a_new_service_misses_no_root_before_two_days_are_over(story: Scene) -> None:
    assert verifying.look(story.parts).findings == ()
    story.clock.at += roots.OVERDUE_AFTER
    assert verifying.look(story.parts).findings == ()
    story.clock.pass_by(minutes=1)
    assert [one.found for one in verifying.look(story.parts).findings] == [Found.NO_ROOT]


def test_what_is_found_is_in_the_run_and_the_log(story: Scene, caplog: pytest.LogCaptureFixture) -> None:
    reference = story.asked()
    story.by_hand.add(reference)
    daily_roots.write_root(story.parts)
    assert reconciling.reconcile(story.parts).counts["not_as_written"] == 0
    key = ("submission", "kent", reference)
    before = story.store.items[key]
    story.store.items[key] = replace(before, amount_pence=1)
    assert reconciling.reconcile(story.parts).counts["not_as_written"] == 1
    assert "found 1 that are not as they were written" in caplog.text
    assert reconciling.reconcile(story.parts).counts["not_as_written"] == 1, "found again with each pass"
    story.store.items[key] = before


def test_a_claim_that_moved_goes_on_from_what_it_was(story: Scene) -> None:
    reference = story.asked()
    story.ask_for_changes(reference)
    story.let_go(reference)
    story.ask(reference)
    story.amend(reference, force="essex")
    left, here = story.case(reference, "kent"), story.case(reference, "essex")
    assert here.entries[0].details["goes-on-from"] == left.entries[-1].hash
    daily_roots.write_root(story.parts)
    assert verifying.look(story.parts).findings == ()
    before = story.store.snapshot()
    for key in [key for key in story.store.items if key[1:3] == ("kent", reference)]:
        del story.store.items[key]
    found = {(one.found, one.force) for one in verifying.look(story.parts).findings}
    assert found == {(Found.MISSING, "kent"), (Found.ALTERED, "essex")}
    story.store.items.update(before)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b'{"at": 1}', b'{"lines": [[1]], "at": "x"}', b"\xff"]
)
def test_what_is_no_root_is_read_as_none(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        roots.read(content)


def test_a_root_is_read_as_it_was_written(story: Scene) -> None:
    line = Line(force="kent", reference="CLM-2222-222D", length=3, head="ab" * 32)
    signed = SignedRoot(root=Root(at=story.clock.at, lines=(line,)), key="k", signature=b"\x00\xff")
    assert roots.read(signed.written()) == signed
