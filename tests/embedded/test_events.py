"""The stream reaches the relay functions, each its own records, and what failed again."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local import dynoxide, environment, events
from infra.local.database import running_database
from tests.embedded.running import eventually

TABLE = "stream-test"


def create_table() -> None:
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


def put(pk: str, **item: Any) -> None:
    boto3.client("dynamodb").put_item(TableName=TABLE, Item={"pk": {"S": pk}, **item})


def keys(event: dict[str, Any]) -> list[str]:
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    with running_database(tmp_path / "db.sqlite") as url:
        settings = environment.for_children(
            os.environ,
            base_url="",
            signing_keys="",
            timeline_keys={},
            dynamodb=url,
            cloud="http://127.0.0.1:1",
        )
        for name, value in settings.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        create_table()
        yield tmp_path / "db.sqlite"


@pytest.fixture
def deliver(database: Path) -> Iterator[Any]:
    """Delivers from now on, to the handlers given."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def begin(**handlers: events.Handler) -> None:
        arguments = (events.Stream(TABLE), handlers)
        threads.append(threading.Thread(target=events.deliver, args=arguments, kwargs={"stop": stop}))
        threads[-1].start()

    yield begin
    stop.set()
    for thread in threads:
        thread.join(5)


def test_each_lane_gets_what_was_inserted_into_it(deliver: Any) -> None:
    put("before", lane={"S": "mail"})
    mails: list[str] = []
    starts: list[str] = []
    deliver(
        relay_mail=lambda event: mails.extend(keys(event)),
        relay_workflow=lambda event: starts.extend(keys(event)),
    )
    put("m1", lane={"S": "mail"})
    put("other")
    put("w1", lane={"S": "workflow"})
    put("m1", lane={"S": "mail"}, changed={"BOOL": True})
    put("m2", lane={"S": "mail"})
    eventually(lambda: mails == ["m1", "m2"] and starts == ["w1"])


def test_a_slow_lane_does_not_hold_up_the_other(deliver: Any) -> None:
    free, mails = threading.Event(), []

    def wait(event: dict[str, Any]) -> None:
        free.wait(10)

    deliver(relay_workflow=wait, relay_mail=lambda event: mails.extend(keys(event)))
    put("w1", lane={"S": "workflow"})
    put("m1", lane={"S": "mail"})
    eventually(lambda: mails == ["m1"])
    free.set()


def test_only_what_failed_comes_again(deliver: Any) -> None:
    calls: list[list[str]] = []

    def relay(event: dict[str, Any]) -> dict[str, Any]:
        calls.append(keys(event))
        failed = [
            r["dynamodb"]["SequenceNumber"] for r in event["Records"] if keys({"Records": [r]}) == ["bad"]
        ]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in failed if len(calls) < 4]}

    deliver(relay_mail=relay)
    put("bad", lane={"S": "mail"})
    put("good", lane={"S": "mail"})
    eventually(lambda: sum(call.count("bad") for call in calls) >= 2)
    eventually(lambda: sum(call.count("good") for call in calls) == 1)


def test_a_lane_outlives_a_handler_that_raises(deliver: Any) -> None:
    calls: list[list[str]] = []

    def relay(event: dict[str, Any]) -> None:
        calls.append(keys(event))
        if len(calls) == 1:
            raise RuntimeError("first time")

    deliver(relay_mail=relay)
    put("m1", lane={"S": "mail"})
    eventually(lambda: calls == [["m1"], ["m1"]])


def test_a_burst_is_many_starts_a_second_until_it_is_over() -> None:
    at = 0.0
    pace = events.Pace(lambda: at)
    start = {"eventName": "INSERT", "dynamodb": {"NewImage": {"what": {"S": "start"}}}}
    mail = {"eventName": "INSERT", "dynamodb": {"NewImage": {"what": {"S": "mail"}}}}
    done = {**start, "eventName": "MODIFY"}

    def half_a_second_of(records: list[events.Record]) -> bool:
        nonlocal at
        for _ in range(4):
            at += 0.125
            pace.note(records)
        return pace.is_burst

    assert not half_a_second_of([start] * 5)
    assert half_a_second_of([start] * 7)
    assert not half_a_second_of([mail, done] * 50)
    assert half_a_second_of([start] * 100)
    assert not half_a_second_of([])


def test_during_a_burst_a_lane_delivers_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "TRICKLE", 0.001)
    monkeypatch.setattr(events.Pace, "is_burst", True)
    calls: list[list[str]] = []
    lane = events.Lane("relay_mail", lambda event: calls.append(keys(event)), events.Pace())
    for pk in "abc":
        lane.put({"dynamodb": {"Keys": {"pk": {"S": pk}}, "SequenceNumber": pk}})
    eventually(lambda: calls == [["a"], ["b"], ["c"]])


def test_a_record_is_json_as_lambda_gets_it() -> None:
    record = {
        "eventID": "1",
        "eventName": "INSERT",
        "awsRegion": "dynoxide",
        "dynamodb": {"Keys": {"pk": {"S": "a"}}, "NewImage": {"b": {"B": "AA=="}}, "SequenceNumber": "7"},
    }
    assert events.as_lambda_gets_it(record) == {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": {"pk": {"S": "a"}}, "NewImage": {"b": {"B": "AA=="}}, "SequenceNumber": "7"},
    }


@pytest.mark.needs_dynoxide("its SQLite file")
def test_the_stream_goes_on_after_its_records_were_trimmed(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynoxide, "_KEPT_RECORDS", 5)
    for number in range(20):
        put(str(number))
    dynoxide.tend_stream_records(database)
    stream = events.Stream(TABLE)
    put("after")
    assert [keys({"Records": [record]}) for record in stream.read()] == [["after"]]
    stream.close()
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT count(*) FROM _stream_records").fetchone()[0]
        indexes = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        ]
    connection.close()
    assert rows == 7
    assert "our_stream_seq" in indexes
