"""`kill -9` of everything while eight clients send claims in: each that was acknowledged is there, is asked, and can
be decided. `make prove` does it five times with up to 300 claims, `make test` once with a few."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.whole.visitor import LEAD, Browser, Service, asked, claim, confirm, eventually

pytestmark = [
    pytest.mark.needs_dynoxide("data that outlives a kill"),
    pytest.mark.whole,
    pytest.mark.xdist_group("crashes"),
]

CLIENTS = 8
ROUNDS, MOST = (5, 300) if os.environ.get("PROVE") else (1, 40)
MENDED_WITHIN = 240.0
"""Seconds. A mail that was claimed when everything was killed waits until its claim of 30 s ends, and then its turn."""
FORM = "/api/v1/forms/funding-claim/submissions"


@dataclass
class Load:
    """What eight clients sent, and what they heard. Numbers tell claims apart over all rounds."""

    service: Service
    accepted: dict[str, str] = field(default_factory=dict)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    unheard: list[int] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    def run(self) -> list[threading.Thread]:
        """All clients send until nobody answers."""
        clients = [threading.Thread(target=self._send) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        return clients

    def send_again(self) -> int:
        """What nobody heard of, under the same keys; how many there were."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        again, self.unheard = self.unheard, []
        for number in again:
            assert self._post(connection, number), "it can be sent again"
        connection.close()
        return len(again)

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        while self._post(connection, next(self.numbers)):
            pass
        connection.close()

    def _post(self, connection: http.client.HTTPConnection, number: int) -> bool:
        answers = claim(
            event_title=f"Day number {number}",
            claimant_email=f"claimant.{number}@example.police.uk",
            cost_lines=[{"description": "Hall", "category": "venue-hire", "amount_pence": 100}],
        )
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"load-{number}"}
        try:
            connection.request("POST", FORM, json.dumps(answers), headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.unheard.append(number)
            return False
        if answer.status != 201:  # what it needed was dead already
            assert answer.status == 503, body
            self.unheard.append(number)
            return False
        self.accepted[f"load-{number}"] = body["reference"]
        self.receipts[body["reference"]] = {**body, "to": answers["claimant_email"]}
        return True


def test_what_was_acknowledged_before_a_kill_is_there_is_asked_and_can_be_decided(tmp_path: Path) -> None:
    service = Service(tmp_path / "data")
    load = Load(service)
    lead = Browser(service.address)
    done: set[str] = set()
    at_random = random.Random(17)
    try:
        lead.sign_in(service, LEAD)
        for round_ in range(ROUNDS):
            began, before = time.monotonic(), len(load.accepted)
            enough = before + at_random.randrange(5, MOST)
            clients = load.run()
            eventually(lambda enough=enough: len(load.accepted) >= enough, within=60)
            service.kill_everything()
            for client in clients:
                client.join()
            killed = len(load.accepted) - before
            service.start()
            again = load.send_again()
            fresh = set(load.accepted.values()) - done
            assert len(fresh) == len(load.accepted) - len(done), "each key has a claim of its own"
            for reference in sorted(fresh):
                confirm(
                    service, load.receipts[reference], to=load.receipts[reference]["to"], within=MENDED_WITHIN
                )
            _all_asked(service, fresh)
            for reference in sorted(fresh):
                _decide(lead, reference)
            done |= fresh
            print(
                f"\nround {round_ + 1}: {killed} acknowledged before the kill, {again} sent again after it, "
                f"{len(fresh)} decided, {time.monotonic() - began:.0f} s"
            )
    finally:
        service.stop()


def _all_asked(service: Service, references: set[str]) -> None:
    """Each, though its execution may have to be started anew."""

    def waiting() -> set[str]:
        mailed = [mail["id"] for mail in service.mails(LEAD, "mail.asked.")]
        return {one for one in references if not any(asked(one) in mail for mail in mailed)}

    eventually(lambda: not waiting(), within=MENDED_WITHIN)


def _decide(lead: Browser, reference: str) -> None:
    task = f"/api/v1/tasks/kent.{reference}.1"
    status, shown = lead.get(task)
    assert status == 200, shown
    body = {"decision": "approve", "comment": "", "seen": shown["seen"]}
    status, outcome = lead.post_json(f"{task}/decision", body)
    assert status == 200, outcome
    assert outcome["status"] == "in-review"
