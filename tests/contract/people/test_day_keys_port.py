"""The key that networks are hashed with: one a day for all processes, and gone 30 days after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

import pytest

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.sources import KEPT_FOR, DailySources, DayKeyItem, DayKeys, DynamoDayKeys
from chalicelib.adapters.dynamodb.tables import shared_connection
from chalicelib.domain.errors import Unavailable
from chalicelib.services.ports import Parts
from tests.contract.broken_line import after, before
from tests.contract.crowd import THREADS, at_once
from tests.fakes import Clock, MemoryDayKeys, Secrets

TODAY = date(2027, 1, 11)
TOMORROW = TODAY + timedelta(days=1)
GONE = datetime(2027, 2, 11, tzinfo=timezone.utc)
NETWORK = "203.0.113.77"


class Counted:
    """How often the store is asked."""

    def __init__(self, kept: DayKeys) -> None:
        self._kept, self.asked = kept, 0

    def key(self, day: date, *, new: str) -> str:
        self.asked += 1
        return self._kept.key(day, new=new)


def sources(kept: DayKeys, clock: Clock | None = None) -> DailySources:
    """Those of a new process."""
    return DailySources(kept, now=clock or Clock(), new_secret=Secrets())


@pytest.fixture(params=["memory", "dynamo"])
def day_keys(request: pytest.FixtureRequest) -> DayKeys:
    if request.param == "memory":
        return MemoryDayKeys()
    request.getfixturevalue("dynamo_parts")
    return DynamoDayKeys()


def test_the_first_key_of_a_day_stays_and_each_day_has_its_own(day_keys: DayKeys) -> None:
    assert day_keys.key(TODAY, new="first") == "first"
    assert day_keys.key(TODAY, new="second") == "first"
    assert day_keys.key(TOMORROW, new="third") == "third"
    assert day_keys.key(TODAY, new="fourth") == "first"


def test_processes_that_need_the_first_key_at_once_get_the_same(day_keys: DayKeys) -> None:
    def ask(number: int) -> Callable[[], object]:
        return lambda: day_keys.key(TODAY, new=f"new-{number}")

    assert len(set(at_once(*(ask(number) for number in range(THREADS))))) == 1


def test_a_process_asks_the_store_once_a_day(day_keys: DayKeys) -> None:
    counted = Counted(day_keys)
    process = sources(counted)
    assert len({process.of(NETWORK, TODAY) for _ in range(5)}) == 1
    assert counted.asked == 1
    process.of(NETWORK, TOMORROW)
    assert counted.asked == 2


def test_a_hash_is_the_same_in_all_processes_and_another_one_the_next_day(day_keys: DayKeys) -> None:
    one, other = sources(day_keys), sources(day_keys)
    found = one.of(NETWORK, TODAY)
    assert found == other.of(NETWORK, TODAY)
    assert len({found, one.of(NETWORK, TOMORROW), one.of("203.0.113.78", TODAY)}) == 3
    assert len(found) == 32
    assert NETWORK not in found


def test_a_key_is_not_used_from_30_days_after_its_day_on_removed_or_not(day_keys: DayKeys) -> None:
    clock = Clock(GONE - timedelta(microseconds=1))
    process = sources(day_keys, clock)
    process.of(NETWORK, TODAY)
    clock.pass_by(microseconds=1)
    for one in (process, sources(day_keys, clock)):
        with pytest.raises(LookupError, match="2027-01-11"):
            one.of(NETWORK, TODAY)


def test_the_item_has_a_ttl_of_30_days_after_its_day(dynamo_parts: Parts) -> None:
    DynamoDayKeys().key(TODAY, new="first")
    item = DayKeyItem.get(keys.day_key(TODAY), keys.ONLY)
    assert timedelta(days=30) == KEPT_FOR
    assert item.ttl == int(GONE.timestamp())


def test_the_first_of_a_day_reads_and_puts_and_every_other_process_reads(dynamo_parts: Parts) -> None:
    made: list[str] = []
    events = shared_connection().client.meta.events

    def note(model: object, **_: object) -> None:
        made.append(model.name)  # type: ignore[attr-defined]

    events.register("before-call.dynamodb", note)
    try:
        for _ in range(2):
            process = sources(DynamoDayKeys())
            for _ in range(3):
                process.of(NETWORK, TODAY)
    finally:
        events.unregister("before-call.dynamodb", note)
    assert made == ["GetItem", "PutItem", "GetItem"]


def test_a_put_whose_answer_was_lost_is_asked_again_and_its_key_is_the_key(
    dynamo_parts: Parts, no_pauses: None
) -> None:
    events = shared_connection().client.meta.events
    lost: list[object] = []

    def lose(request: object, **_: object) -> None:
        if not lost:
            lost.append(request)
            after(request)

    events.register("before-send.dynamodb.PutItem", lose)
    try:
        assert DynamoDayKeys().key(TODAY, new="mine") == "mine"
    finally:
        events.unregister("before-send.dynamodb.PutItem", lose)
    assert lost
    assert DynamoDayKeys().key(TODAY, new="another") == "mine"


def test_without_an_answer_there_is_no_hash_and_with_the_next_there_is(
    dynamo_parts: Parts, no_pauses: None
) -> None:
    events = shared_connection().client.meta.events

    def fail(request: object, **_: object) -> None:
        before(request)

    process = sources(DynamoDayKeys())
    events.register("before-send.dynamodb", fail)
    try:
        with pytest.raises(Unavailable):
            process.of(NETWORK, TODAY)
    finally:
        events.unregister("before-send.dynamodb", fail)
    assert process.of(NETWORK, TODAY)
