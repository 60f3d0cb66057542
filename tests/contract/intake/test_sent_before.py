"""What tells a repeat and counts a mailbox, on either store: its conditions, what is told first, and many at once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.tables import MailboxItem
from chalicelib.domain.errors import LikelyDuplicate, StillRunning, TooMany, Unavailable
from chalicelib.services.changes import (
    AddDelivery,
    Change,
    ChangeRefused,
    KeepContent,
    KeepKey,
    KnownReference,
)
from chalicelib.services.intake import submitting
from chalicelib.services.ports import Parts
from chalicelib.services.repair import volumes
from tests import fakes
from tests.builders import (
    MONDAY,
    NINE,
    Story,
    a_content,
    a_count,
    a_delivery,
    a_key,
    claim_answers,
    submitted,
)
from tests.contract.crowd import THREADS, at_once
from tests.contract.lives import Life

LATER = MONDAY + timedelta(days=20)


@pytest.fixture
def race(dynamo_parts: Parts, stock: Callable[..., Parts]) -> Life:
    return Life(stock(dynamo_parts))


def mailbox_count(parts: Parts, digest: str = "m" * 64) -> int:
    """How many submissions were counted in Monday's hour."""
    if isinstance(parts.records, fakes.MemoryRecords):
        return int(parts.records.store.items.get(("mailbox", digest, NINE), 0))
    return MailboxItem.get(keys.mailbox(digest), keys.hour(NINE), consistent_read=True).counted


def refused(parts: Parts, *changes: Change) -> Change:
    """The change because of which nothing was stored."""
    with pytest.raises(ChangeRefused) as caught:
        parts.records.commit(changes)
    assert parts.outbox.get("mail.receipt.1") is None
    return caught.value.change


def test_what_was_sent_before_is_told_before_all_that_is_wrong_with_sending_it_now(parts: Parts) -> None:
    parts.records.commit([KeepKey(record=a_key()), KeepContent(record=a_content()), a_count()])
    key, content = KeepKey(record=a_key()), KeepContent(record=a_content())
    unknown, too_many = KnownReference(reference="DAY-1", field="innovation_day"), a_count(limit=1)
    for some in ((key, content, unknown, too_many), (content, unknown, too_many), (unknown, too_many)):
        for order in itertools.permutations(some):
            assert refused(parts, *order) is some[0]


def test_a_content_is_kept_until_it_expires_or_is_replaced_by_who_saw_it_or_means_it(parts: Parts) -> None:
    first = a_content()
    parts.records.commit([KeepContent(record=first)])
    assert parts.records.content(first.digest, now=first.expires_at - timedelta(microseconds=1)) == first
    assert parts.records.content(first.digest, now=first.expires_at) is None
    second = replace(first, reference="CLM-0000-0002", force="essex")
    for in_place_of in ("", "CLM-0000-0001"):
        change = KeepContent(record=second, in_place_of=in_place_of)
        assert refused(parts, change, AddDelivery(delivery=a_delivery())) == change
    parts.records.commit([KeepContent(record=second, in_place_of=first.reference)])
    assert parts.records.content(first.digest, now=MONDAY) == second
    parts.records.commit([KeepContent(record=first, anyway=True)])
    assert parts.records.content(first.digest, now=MONDAY) == first
    late = replace(second, submitted_at=first.expires_at - timedelta(microseconds=1))
    assert refused(parts, KeepContent(record=late))
    parts.records.commit([KeepContent(record=replace(late, submitted_at=first.expires_at, expires_at=LATER))])
    assert parts.records.content(first.digest, now=MONDAY) is not None


def test_a_mailbox_is_counted_up_to_its_limit_hour_by_hour(parts: Parts) -> None:
    for _ in range(3):
        parts.records.commit([a_count(limit=3)])
    assert refused(parts, a_count(limit=3), AddDelivery(delivery=a_delivery()))
    assert mailbox_count(parts) == 3
    parts.records.commit([replace(a_count(limit=3), hour=NINE + timedelta(hours=1))])
    parts.records.commit([a_count("n", limit=3)])
    parts.records.commit([a_count(limit=4)])
    assert refused(parts, a_count(limit=4))


def test_the_last_hour_is_counted_from_the_index_page_by_page(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "_AT_ONCE", 2)
    story.parts = replace(story.parts, limits=replace(story.parts.limits, force_an_hour=3))
    story.submit(force="essex")
    story.parts.now.pass_by(hours=1)  # type: ignore[attr-defined]
    for force in ("kent", "essex", "kent", "kent", "kent"):
        story.submit(force=force)
    assert volumes.watch(story.parts) == volumes.Watched(submitted=5, too_many=("kent",))


def test_of_64_posts_with_one_key_one_is_stored(race: Life) -> None:
    def post() -> submitting.Receipt:
        return submitted(race.parts, race.form, claim_answers(), key="key-1")

    results = at_once(*[post] * (2 * THREADS))
    receipts = [one for one in results if isinstance(one, submitting.Receipt)]
    assert len({one.reference for one in receipts}) == 1
    assert len([one for one in receipts if not one.replayed]) <= 1
    assert all(isinstance(one, (submitting.Receipt, StillRunning, Unavailable)) for one in results), results
    assert post().reference == receipts[0].reference, "who heard nothing asks again"
    assert [one.reference for one in race.parts.records.waiting()] == [receipts[0].reference]


def test_of_many_posts_of_one_content_without_a_key_one_is_stored_and_the_others_are_told(race: Life) -> None:
    results = at_once(*[race.send] * 8)
    told = Counter(type(result) for result in results)
    assert told[submitting.Receipt] <= 1
    assert told[LikelyDuplicate] > 0
    assert set(told) <= {submitting.Receipt, LikelyDuplicate, Unavailable}, results
    (stored,) = race.parts.records.waiting()
    race.deliver()
    mailed = [mail.notification_id for mail in race.parts.mailer.sent]  # type: ignore[attr-defined]
    first = f"mail.receipt.{stored.reference}"
    assert sorted(mailed) == [first, f"{first}.again.2027-01-11T09"], "and the receipt again once"


def test_of_many_posts_of_one_content_with_keys_of_their_own_one_is_stored(race: Life) -> None:
    results = at_once(*(lambda n=n: race.send(key=f"key-{n}") for n in range(8)))  # type: ignore[misc]
    assert sum(isinstance(result, submitting.Receipt) for result in results) <= 1
    assert len(list(race.parts.records.waiting())) == 1


def test_of_many_who_replace_what_was_withdrawn_one_is_stored(race: Life) -> None:
    first = race.send().reference
    race.withdraw(first)
    results = at_once(*[race.send] * 6)
    assert sum(isinstance(result, submitting.Receipt) for result in results) <= 1
    assert all(isinstance(r, (submitting.Receipt, LikelyDuplicate, Unavailable)) for r in results), results
    (stored,) = race.parts.records.waiting()
    assert stored.reference != first


def test_a_mailbox_is_counted_right_when_all_comes_at_once(race: Life) -> None:
    race.parts = replace(race.parts, limits=replace(race.parts.limits, mailbox_an_hour=20))
    left = list(range(THREADS))
    receipts: list[submitting.Receipt] = []
    rounds = 0
    while left:  # whoever was told to try again does, with the same key
        rounds += 1
        tries = [
            lambda n=n: race.send(key=f"key-{n}", purpose=f"Officers and staff work, number {n}")  # type: ignore[misc]
            for n in left
        ]
        results = dict(zip(left, at_once(*tries)))
        receipts += [one for one in results.values() if isinstance(one, submitting.Receipt)]
        assert all(
            isinstance(one, (submitting.Receipt, TooMany, StillRunning, Unavailable))
            for one in results.values()
        )
        left = [n for n, one in results.items() if isinstance(one, (StillRunning, Unavailable))]
    stored = {one.reference for one in race.parts.records.waiting()}
    assert len(stored) == 20
    assert {one.reference for one in receipts} == stored
    assert rounds < 10


def test_of_two_bodies_with_one_key_one_is_stored(race: Life) -> None:
    def post(title: str) -> Callable[[], object]:
        return lambda: submitted(race.parts, race.form, claim_answers(event_title=title), key="key-1")

    results = at_once(*(post(f"Title {n % 2}") for n in range(16)))
    assert len(list(race.parts.records.waiting())) == 1
    assert len({one.reference for one in results if isinstance(one, submitting.Receipt)}) == 1
