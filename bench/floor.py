"""The floor under a submission: the bare transaction of the same items, sent by boto3 to the same DynamoDB.

One real submission is made through the product's own parts, and the TransactWriteItems that it sends is recorded.
Copies with fresh keys, so that the same conditions hold, are then sent by threads that do nothing else, in a process of
its own (`python -m bench.floor`), as the web process has threads for its clients.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from infra.local.options import ROOT

Operation = dict[str, Any]

_REFERENCE = re.compile(r"\b[A-Z]{3}-[0-9A-Z]{4}-[0-9A-Z]{4}\b")
_ALPHABET = "234679CDFGHJKMNPQRTVWXY"


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What the bare transactions came to."""

    transactions: int
    failed: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Transactions that were stored."""
        return self.transactions / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Of the client, for each transaction."""
        return self.cpu_seconds / self.transactions * 1e3


def recorded(form: str, answers: Mapping[str, Any], key: str) -> Operation:
    """What one submission writes, once it has read its mailbox. Stored as any other."""
    from chalicelib import wiring
    from chalicelib.services.intake import submitting

    parts = wiring.parts()
    with _recording() as calls:
        submitting.submit(parts, parts.forms.form(form), dict(answers), key=key)
    name, sent = calls[-1]
    assert name == "TransactWriteItems", name
    return {"TransactItems": sent["TransactItems"]}


@contextmanager
def _recording() -> Iterator[list[tuple[str, Any]]]:
    """Every call to AWS that is made within, by whichever client."""
    from botocore.client import BaseClient

    calls: list[tuple[str, Any]] = []
    call = BaseClient._make_api_call

    def record(client: Any, name: str, sent: Any) -> Any:
        calls.append((name, json.loads(json.dumps(sent))))
        return call(client, name, sent)

    BaseClient._make_api_call = record
    try:
        yield calls
    finally:
        BaseClient._make_api_call = call


def copies(operation: Operation, count: int, *, seed: int) -> list[Operation]:
    """The same operation with other keys of the same length: reference, idempotency key, content and mailbox."""
    text = json.dumps(operation)
    chance = random.Random(seed)
    places = sorted({*_REFERENCE.findall(text), *_own_keys(operation)}, key=len, reverse=True)
    found = re.compile("|".join(map(re.escape, places)))
    made = []
    for _ in range(count):
        fresh = {old: _another(old, chance) for old in places}
        made.append(json.loads(_replaced(found, fresh, text)))
    return made


def _replaced(found: re.Pattern[str], fresh: Mapping[str, str], text: str) -> str:
    return found.sub(lambda match: fresh[match[0]], text)


def _own_keys(operation: Operation) -> set[str]:
    """What follows the first `#` in the partition keys that no reference makes."""
    keys = {key["pk"]["S"] for one in operation["TransactItems"] for key in _keys_of(one)}
    own = {key.partition("#")[2] for key in keys if not _REFERENCE.search(key)}
    return {key for key in own if key}


def _keys_of(one: Mapping[str, Any]) -> Iterator[Any]:
    for action in one.values():
        yield action.get("Item") or action["Key"]


def _another(old: str, chance: random.Random) -> str:
    """Of the same length: a reference for a reference, hexadecimal digits at the end of anything else."""
    if _REFERENCE.fullmatch(old):
        body = "".join(chance.choices(_ALPHABET, k=8))
        return f"{old[:4]}{body[:4]}-{body[4:]}"
    digits = min(len(old), 16)
    return old[: len(old) - digits] + f"{chance.getrandbits(4 * digits):0{digits}x}"


def replayed(operations: Sequence[Operation], *, threads: int, seconds: float) -> Floor:
    """Send them until the time is over, or there are no more."""
    import boto3
    from botocore.config import Config

    client = boto3.client("dynamodb", config=Config(max_pool_connections=threads))
    left = iter(operations)
    lock = threading.Lock()
    stored, failed = [0] * threads, [0] * threads
    began = ends = 0.0

    def send(number: int) -> None:
        while time.perf_counter() < ends:
            with lock:
                operation = next(left, None)
            if operation is None:
                return
            try:
                client.transact_write_items(**operation)
            except client.exceptions.ClientError:
                failed[number] += 1
            else:
                stored[number] += 1

    client.transact_write_items(**next(left))  # connects, and loads what the first call loads
    used, began = time.process_time(), time.perf_counter()
    ends = began + seconds
    workers = [threading.Thread(target=send, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return Floor(
        transactions=sum(stored),
        failed=sum(failed),
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - used,
    )


def measured(
    environment: Mapping[str, str],
    form: str,
    answers: Mapping[str, Any],
    *,
    threads: int,
    seconds: float,
    most: int,
) -> Floor:
    """In a process of its own, with the settings of the run whose DynamoDB it uses."""
    job = {"form": form, "answers": answers, "threads": threads, "seconds": seconds, "most": most}
    done = subprocess.run(
        [sys.executable, "-m", "bench.floor"],
        cwd=ROOT,
        env=dict(environment),
        input=json.dumps(job).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return Floor(**json.loads(done.stdout))


def main() -> None:
    """Read the job, do it, say what it came to."""
    job = json.load(sys.stdin)
    operation = recorded(job["form"], job["answers"], f"floor-{os.getpid()}")
    operations = copies(operation, job["most"], seed=os.getpid())
    json.dump(asdict(replayed(operations, threads=job["threads"], seconds=job["seconds"])), sys.stdout)


if __name__ == "__main__":
    main()
