"""The table's stream, handed to the relay functions as Lambda's event source mappings do."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.short_way import ShortWay, code_of

log = logging.getLogger(__name__)

Record = dict[str, Any]
Handler = Callable[[dict[str, Any]], Any]

FILTERS: dict[str, dict[str, Any]] = {
    "relay_workflow": {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"lane": {"S": ["workflow", "both"]}}},
    },
    "relay_mail": {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"lane": {"S": ["mail", "both"]}}}},
}
"""Which function gets which records: the FilterCriteria of each mapping. Two lanes, since behind a burst of
workflow starts mail would wait."""

BATCH = 25
IDLE = 0.04
RETRY_AFTER = (0.1, 0.4, 1.0)


class Unread(Exception):
    """The stream did not answer, or refused; the message is its error's name."""


class Stream:
    """A place in a table's stream. Begins with what is written after it was made."""

    def __init__(self, table: str) -> None:
        # dynoxide's shard ids are shorter than AWS's, which botocore would not send.
        unchecked = Config(parameter_validation=False)
        self._client: Any = boto3.client("dynamodbstreams", config=unchecked)
        self._arn = boto3.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
        self._iterator = self._latest()
        self._way = ShortWay(self._client.meta.endpoint_url, seconds=10.0)

    def read(self) -> list[Record]:
        """What came since the last reading, oldest first. Raises Unread."""
        try:
            answer = self._get_records()
        except Unread as error:
            if str(error) != "TrimmedDataAccessException":
                raise
            self._iterator = self._latest()  # what we missed, the sweeper finds
            return []
        self._iterator = answer["NextShardIterator"]
        return [as_lambda_gets_it(record) for record in answer["Records"]]

    def close(self) -> None:
        """End the connection."""
        self._way.close()

    def _get_records(self) -> dict[str, Any]:
        """Without botocore, which takes each value of each image apart: behind a burst, longer than all else. What
        dynoxide sends is already what Lambda gets."""
        request = json.dumps({"ShardIterator": self._iterator, "Limit": 1000})
        try:
            status, answer = self._way.post(request.encode(), _GET_RECORDS)
        except (OSError, ValueError) as error:
            raise Unread(type(error).__name__) from error
        if status != 200:
            raise Unread(code_of(answer) or str(status))
        return answer

    def _latest(self) -> str:
        # One shard, always; and describing takes long enough not to do it at each reading.
        shard = self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"][-1]
        iterator: str = self._client.get_shard_iterator(
            StreamArn=self._arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
        )["ShardIterator"]
        return iterator


_GET_RECORDS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDBStreams_20120810.GetRecords",
}


def as_lambda_gets_it(record: Mapping[str, Any]) -> Record:
    """One record of a Lambda event: what is in it of what the stream's API gives."""
    change = record["dynamodb"]
    kept = ("Keys", "NewImage", "OldImage", "SequenceNumber")
    return {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventSource": "aws:dynamodb",
        "dynamodb": {name: change[name] for name in kept if name in change},
    }


def matches(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a filter takes this record. Of the pattern language only lists of possible values."""
    for name, expected in pattern.items():
        actual = record.get(name)
        if isinstance(expected, dict):
            if not isinstance(actual, dict) or not matches(expected, actual):
                return False
        elif actual not in expected:
            return False
    return True


class Pace:
    """Whether submissions come faster than they can be asked about. One database takes the writes of both, one after
    the other: then the relays leave it to the taking in, but for a few, and catch up afterwards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._starts = 0
        self._rate = 0.0

    def note(self, records: list[Record]) -> None:
        """Count what came. To be called at each reading, also where nothing did."""
        self._starts += sum(matches(_START, record) for record in records)
        took = self._clock() - self._since
        if took >= _WINDOW:
            self._rate, self._starts, self._since = self._starts / took, 0, self._clock()

    @property
    def is_burst(self) -> bool:
        """Within the last half second or so."""
        return self._rate > BURST


BURST = 50.0
"""Submissions a second. Claims that go their whole way do not come so fast."""

TRICKLE = 0.25
"""Seconds between two deliveries of a lane during a burst."""

_WINDOW = 0.5
_START = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"what": {"S": ["start"]}}}}


class Lane:
    """One function's records, in order, a batch at a time, in a thread of its own."""

    def __init__(self, name: str, handler: Handler, pace: Pace) -> None:
        self._name = name
        self._handler = handler
        self._pace = pace
        self._waiting: queue.SimpleQueue[Record] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def put(self, record: Record) -> None:
        self._waiting.put(record)

    def _run(self) -> None:
        while True:
            self._deliver(self._next_batch())
            if self._pace.is_burst:
                time.sleep(TRICKLE)

    def _next_batch(self) -> list[Record]:
        batch = [self._waiting.get()]
        while len(batch) < BATCH and not self._waiting.empty() and not self._pace.is_burst:
            batch.append(self._waiting.get())
        return batch

    def _deliver(self, batch: list[Record]) -> None:
        for pause in (*RETRY_AFTER, None):
            batch = self._failed_of(batch)
            if not batch or pause is None:
                break
            time.sleep(pause)
        if batch:
            log.warning("%s left %d to the sweeper", self._name, len(batch))

    def _failed_of(self, batch: list[Record]) -> list[Record]:
        try:
            answer = self._handler({"Records": batch}) or {}
            again = {failure["itemIdentifier"] for failure in answer.get("batchItemFailures", [])}
        except Exception:
            log.exception("%s failed", self._name)
            return batch
        return [record for record in batch if record["dynamodb"]["SequenceNumber"] in again]


def deliver(stream: Stream, handlers: Mapping[str, Handler], *, stop: threading.Event) -> None:
    """Read until told to stop, and put each record into the lanes whose filter takes it."""
    pace = Pace()
    lanes = {name: Lane(name, handler, pace) for name, handler in handlers.items()}
    while not stop.is_set():
        try:
            records = stream.read()
        except (Unread, BotoCoreError, ClientError):
            log.exception("the stream could not be read")
            stop.wait(1)
            continue
        pace.note(records)
        for record in records:
            for name, lane in lanes.items():
                if matches(FILTERS[name], record):
                    lane.put(record)
        if not records:
            stop.wait(IDLE)
    stream.close()
