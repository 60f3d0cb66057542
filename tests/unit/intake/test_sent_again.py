"""The same sent again: with its key, without one, by double click, on purpose; and too much from one mailbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.aws.ses import render
from chalicelib.domain.errors import (
    InvalidAnswers,
    KeyReused,
    LikelyDuplicate,
    StillRunning,
    TooMany,
    Unavailable,
)
from chalicelib.domain.intake.references import new_reference
from chalicelib.services.approvals import amending, ending
from chalicelib.services.changes import KeepContent
from chalicelib.services.intake import receipts
from chalicelib.services.repair import volumes
from tests import fakes
from tests.builders import PERSONAL, Story, a_cost, claim_answers, idea_answers, submitted
from tests.unit import scenes
from tests.unit.scenes import Scene

story = scenes.story
AGAIN = "mail.receipt.{}.again.2027-01-11T09"


def stored(story: Story) -> list[str]:
    return [one.reference for one in story.parts.records.store.of_kind("submission")]  # type: ignore[attr-defined]


def limited(story: Story, mailbox_an_hour: int) -> None:
    story.parts = replace(story.parts, limits=replace(fakes.LIMITS, mailbox_an_hour=mailbox_an_hour))


def again(story: Scene, **changes: Any) -> LikelyDuplicate:
    """The refusal of what was sent before, which stores nothing but a mail."""
    before = stored(story)
    with pytest.raises(LikelyDuplicate) as caught:
        story.send(**changes)
    assert stored(story) == before
    return caught.value


def test_the_same_from_the_same_address_is_refused_and_its_receipt_mailed_again(story: Scene) -> None:
    first = story.send()
    story.deliver()
    again(story)
    again(story, key="some-key")
    story.deliver()
    mails = story.sent
    assert [mail.template for mail in mails] == ["receipt", "receipt"]
    assert mails[1].notification_id == AGAIN.format(first.reference)
    assert (mails[1].to, mails[1].values) == (mails[0].to, mails[0].values)
    assert story.parts.outbox.reference_of(mails[1].notification_id) == first.reference


def test_the_refusal_says_nothing_that_only_the_first_submitter_may_know(story: Scene) -> None:
    first = story.send()
    said = str(again(story))
    assert first.reference not in said
    assert first.status_token not in said
    assert not [value for value in PERSONAL.values() if value in said]


def test_an_address_is_the_same_however_it_is_spelled_and_so_is_the_content(story: Scene) -> None:
    story.send(event_title="Caf\u00e9")
    for spelled in (
        "ZULEIKA.Quartermaine@Example.police.UK",
        "zuleika.quartermaine+claims@example.police.uk",
    ):
        again(story, event_title="Cafe\u0301", claimant_email=spelled)
    story.deliver()
    assert {mail.to for mail in story.sent} == {PERSONAL["claimant_email"]}, "never to the other spelling"


def test_another_address_form_or_answer_is_no_duplicate(story: Scene) -> None:
    story.send()
    story.send(claimant_email="somebody.else@example.police.uk")
    for changes in ({"expected_attendance": 121}, {"cost_lines": [a_cost(1)]}, {"claimant_phone": None}):
        story.send(**changes)
    assert len(stored(story)) == 5


def test_a_content_belongs_to_its_form() -> None:
    parts = fakes.parts()
    idea, claim = parts.forms.form("idea"), parts.forms.form("funding-claim")
    address = PERSONAL["claimant_email"]
    submitted(parts, claim, claim_answers(claimant_email=address))
    submitted(parts, idea, idea_answers(contact_email=address))
    for form, answers in ((idea, idea_answers()), (claim, claim_answers())):
        with pytest.raises(LikelyDuplicate, match=form.noun):
            submitted(parts, form, answers)


def test_a_receipt_is_mailed_again_once_an_hour_however_often_it_is_asked_for(story: Scene) -> None:
    reference = story.send().reference
    for _ in range(5):
        again(story)
        story.deliver()
    assert len(story.sent) == 2
    story.clock.pass_by(hours=1)
    again(story)
    story.deliver()
    assert [mail.notification_id for mail in story.sent[1:]] == [
        AGAIN.format(reference),
        f"mail.receipt.{reference}.again.2027-01-11T10",
    ]


def test_after_a_week_it_is_no_duplicate_any_more(story: Scene) -> None:
    story.send()
    story.clock.pass_by(days=7, microseconds=-1)
    again(story)
    story.clock.pass_by(microseconds=1)
    assert len({story.send().reference, *stored(story)}) == 2


def test_the_first_is_what_counts_not_the_last_attempt(story: Scene) -> None:
    story.send()
    story.clock.pass_by(days=4)
    again(story)
    story.clock.pass_by(days=3)
    story.send()


def test_who_means_it_sends_a_second_one(story: Scene) -> None:
    first = story.send()
    second = story.send(duplicate_ok=True)
    assert second.reference != first.reference
    again(story)
    story.deliver()
    assert story.sent[-1].notification_id == AGAIN.format(second.reference), "the last one counts"
    third = story.send(key="k", duplicate_ok=True)
    assert story.send(key="k", duplicate_ok=True).reference == third.reference
    assert story.send(key="k").reference == third.reference
    assert len(stored(story)) == 3


def test_duplicate_ok_changes_nothing_where_there_is_no_duplicate(story: Scene) -> None:
    story.send(duplicate_ok=True)
    again(story)


def test_a_repeat_with_its_key_gets_its_receipt_and_no_mail(story: Scene) -> None:
    first = story.send(key="key-1")
    assert story.send(key="key-1").reference == first.reference
    with pytest.raises(KeyReused):
        story.send(key="key-1", event_title="Another")
    story.deliver()
    assert len(story.sent) == 1


def test_a_key_that_is_over_leaves_the_content_to_tell_the_duplicate(story: Scene) -> None:
    story.send(key="key-1")
    story.clock.pass_by(hours=25)
    again(story, key="key-1")
    assert story.parts.records.key("funding-claim", "key-1", now=story.parts.now()) is None


@pytest.mark.parametrize("how", ["withdrawn", "lapsed"])
def test_what_its_submitter_gave_up_may_be_sent_again(story: Scene, how: str) -> None:
    first = story.send().reference
    if how == "withdrawn":
        story.withdraw(first)
    else:
        one = story.case(first).submission
        story.store.items[("submission", "kent", first)] = replace(one, status=scenes.Status.LAPSED)
        story.by_hand.add(first)
    commits = story.store.commits
    second = story.send()
    assert second.reference != first
    assert story.store.commits == commits + 1
    again(story)
    story.deliver()
    assert AGAIN.format(first) not in [mail.notification_id for mail in story.sent]
    assert story.sent[-1].notification_id == AGAIN.format(second.reference)


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_what_was_decided_is_still_a_duplicate(story: Scene, decision: str) -> None:
    first = story.send().reference
    story.ask(first)
    story.decide(first, decision, comment="Because")
    again(story)
    story.deliver()
    assert story.sent[-1].notification_id == AGAIN.format(first)


def test_what_was_changed_since_is_a_duplicate_of_what_was_sent_first(story: Scene) -> None:
    first = story.send().reference
    story.deliver()
    receipt = story.sent[0]
    story.ask(first)
    story.decide(first, "request-changes", comment="Less, please")
    given = {**story.case(first).answers, "cost_lines": [a_cost(1)], "claimant_name": "Somebody Else"}
    amending.amend(story.parts, "kent", first, given, version=1)
    again(story)
    story.deliver()
    (mail,) = [one for one in story.sent if one.notification_id == AGAIN.format(first)]
    assert (mail.to, mail.values) == (receipt.to, receipt.values)
    assert receipt.to == PERSONAL["claimant_email"]


def test_what_moved_to_another_force_is_found_there(story: Scene) -> None:
    first = story.send().reference
    story.ask(first)
    story.decide(first, "request-changes", comment="Essex?")
    given = {**story.case(first).answers, "force": "essex"}
    amending.amend(story.parts, "kent", first, given, version=1)
    again(story)
    ending.withdraw(story.parts, "essex", first, reason="Not this year")
    assert story.send().reference != first


@pytest.mark.parametrize("gone", ["personal", "submission"])
def test_what_has_been_removed_is_no_duplicate(story: Scene, gone: str) -> None:
    first = story.send().reference
    del story.store.items[(gone, "kent", first)]
    story.by_hand.add(first)
    assert story.send().reference != first


def test_what_was_given_up_and_sent_anew_by_somebody_quicker_is_a_duplicate_of_that(story: Scene) -> None:
    first = story.send().reference
    story.withdraw(first)
    records: Any = story.parts.records
    looked_up = records.content

    def then_somebody(digest: str, **more: Any) -> Any:
        found = looked_up(digest, **more)
        records.content = looked_up
        story.send()
        return found

    records.content = then_somebody
    with pytest.raises(LikelyDuplicate):
        story.send()
    assert len(stored(story)) == 2


def test_a_content_that_expires_between_two_looks_is_free(story: Scene) -> None:
    story.send()
    records: Any = story.parts.records
    records.content = lambda *_, **__: None
    with pytest.raises(Unavailable, match="Nothing was stored"):
        story.send()
    assert len(stored(story)) == 1


def test_a_receipt_that_cannot_be_queued_is_told_and_the_next_try_queues_it(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.send()

    def broken(*_: object) -> None:
        raise Unavailable("The service is busy.")

    with monkeypatch.context() as patch:
        patch.setattr(type(story.parts.outbox), "add", broken)
        with pytest.raises(Unavailable):
            story.send()
    again(story)
    story.deliver()
    assert len(story.sent) == 2


def test_a_key_that_is_taken_but_not_yet_to_be_read_is_still_running(
    story: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.send(key="key-1")
    monkeypatch.setattr(type(story.parts.records), "key", lambda *_, **__: None)
    with pytest.raises(StillRunning, match="in a moment"):
        story.send(key="key-1")


def test_the_same_answers_are_a_repeat_also_under_a_newer_version_of_the_form(story: Scene) -> None:
    first = story.send(key="key-1")
    story.form = replace(story.form, version=2)
    assert story.send(key="key-1").reference == first.reference
    with pytest.raises(KeyReused):
        story.send(key="key-1", event_title="Another")


def test_a_mailbox_sends_so_many_in_an_hour_and_is_told_when_to_go_on(story: Scene) -> None:
    limited(story, 3)
    story.clock.pass_by(minutes=15, seconds=0.5)
    first = story.send()
    for number in (2, 3):
        story.send(purpose=f"Officers and staff work, number {number}")
    for spelled in (PERSONAL["claimant_email"], "Zuleika.Quartermaine+x@example.police.uk"):
        with pytest.raises(TooMany, match="in 15 minutes") as caught:
            story.send(purpose="Officers and staff work, number 4", claimant_email=spelled)
        assert caught.value.retry_after == 15 * 60
    assert len(stored(story)) == 3
    again(story)
    assert story.submit(claimant_email="somebody.else@example.police.uk")
    story.clock.pass_by(seconds=caught.value.retry_after)
    story.send(purpose="Officers and staff work, number 4")
    assert first.reference in stored(story)


def test_what_was_sent_before_and_what_is_wrong_are_told_before_the_quota(story: Scene) -> None:
    limited(story, 1)
    first = story.send(key="key-1")
    assert story.send(key="key-1").reference == first.reference
    with pytest.raises(KeyReused):
        story.send(key="key-1", event_title="Another")
    again(story)
    day = new_reference("DAY", lambda characters, count: characters[3] * count)
    with pytest.raises(InvalidAnswers):
        story.send(innovation_day=day)
    with pytest.raises(TooMany):
        story.send(event_title="Another", duplicate_ok=True)


def test_a_day_that_does_not_exist_is_told_after_what_was_sent_before(story: Scene) -> None:
    day = new_reference("DAY", lambda characters, count: characters[3] * count)
    story.store.items[("reference", day)] = "kent"
    story.send(key="key-1", innovation_day=day)
    del story.store.items[("reference", day)]
    assert story.send(key="key-1", innovation_day=day).replayed
    again(story, innovation_day=day)


def test_what_is_refused_or_repeated_does_not_count(story: Scene) -> None:
    limited(story, 2)
    story.send(key="key-1")
    for _ in range(5):
        story.send(key="key-1")
        again(story)
    assert list(story.store.of_kind("mailbox")) == [1]


def test_no_quota_counts_nothing(story: Scene) -> None:
    limited(story, 0)
    for _ in range(3):
        story.submit()
    assert story.store.of_kind("mailbox") == []


def test_what_tells_duplicates_and_counts_mailboxes_names_nobody(story: Scene) -> None:
    story.send()
    kept = [(key, story.store.items[key]) for key in story.store.items if key[0] in ("content", "mailbox")]
    assert len(kept) == 2
    assert not [value for value in PERSONAL.values() if value in str(kept)]
    assert "quartermaine" not in str(kept).lower()


def test_a_submission_is_one_commit_and_no_read(story: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    with monkeypatch.context() as patch:
        for port in (story.parts.records, story.parts.outbox, story.parts.people, story.parts.funds):
            for name in vars(type(port)):
                if name.startswith("_") or name == "commit" or not callable(getattr(port, name)):
                    continue
                patch.setattr(type(port), name, lambda *_, name=name, **__: asked.append(name))
        story.send(key="key-1")
    assert (story.store.commits, asked) == (1, [])


def test_the_receipt_that_is_mailed_again_reads_as_the_first_did(story: Scene) -> None:
    first = story.send()
    case = story.case(first.reference)
    assert receipts.mail_receipt_again(story.parts, case, now=story.parts.now())
    queued = [
        story.parts.outbox.get(story.address(one))
        for one in (f"mail.receipt.{first.reference}", AGAIN.format(first.reference))
    ]
    texts = [render(one.payload["template"], one.payload["values"]).text for one in queued if one]
    assert len(texts) == 2
    assert texts[0] == texts[1]


def test_a_replaced_content_is_replaced_only_in_place_of_what_was_seen(story: Scene) -> None:
    seen: list[KeepContent] = []
    records: Any = story.parts.records
    commit = records.commit

    def noted(changes: Any) -> None:
        seen.extend(change for change in changes if isinstance(change, KeepContent))
        commit(changes)

    records.commit = noted
    first = story.send().reference
    story.withdraw(first)
    story.send()
    assert [(one.in_place_of, one.anyway) for one in seen] == [("", False), ("", False), (first, False)]


def test_a_force_that_sends_very_much_is_told_of_and_not_refused(
    story: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    story.parts = replace(story.parts, limits=replace(fakes.LIMITS, force_an_hour=2))
    story.submit(), story.submit()
    story.clock.pass_by(minutes=30)
    story.submit(), story.submit(force="essex")
    before = story.store.snapshot()
    found = volumes.watch(story.parts)
    assert (found.submitted, found.too_many) == (4, ("kent",))
    assert caplog.messages == ["too many submissions: 3 of kent in an hour"]
    story.clock.pass_by(minutes=30)
    assert volumes.watch(story.parts) == volumes.Watched(submitted=2, too_many=())
    assert story.store.snapshot() == before


def test_no_force_quota_is_never_too_many(story: Scene) -> None:
    story.parts = replace(story.parts, limits=replace(fakes.LIMITS, force_an_hour=0))
    story.submit()
    assert volumes.watch(story.parts).too_many == ()


def test_a_flood_is_seen_without_reading_all_of_it(story: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "_AT_ONCE", 2)
    monkeypatch.setattr(volumes, "_PAGES", 3)
    story.parts = replace(story.parts, limits=replace(fakes.LIMITS, force_an_hour=5))
    for _ in range(9):
        story.submit()
        story.clock.pass_by(seconds=1)
    assert volumes.watch(story.parts) == volumes.Watched(submitted=6, too_many=("kent",))
    story.clock.pass_by(seconds=(timedelta(hours=1) - timedelta(seconds=3)).total_seconds())
    assert volumes.watch(story.parts).submitted == 2
