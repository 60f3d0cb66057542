"""SES's mailbox simulator on the embedded run: mail that comes back, as SNS tells of it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from chalicelib.web.background import _undelivered
from infra.local import feedback


def mail(to: str) -> dict[str, Any]:
    return {"id": "mail.asked.kent.CLM-7K3F-9QXN.1", "to": to, "sent_at": "2027-01-14T17:00:00.000Z"}


def test_mail_to_anybody_else_does_not_come_back() -> None:
    assert feedback.event(mail("somebody@example.org")) is None
    assert feedback.event(mail("bounce@example.org")) is None


@pytest.mark.parametrize("what", ["bounce", "complaint"])
def test_the_simulators_addresses_come_back_under_the_notification_id_of_the_mail(what: str) -> None:
    found = feedback.event(mail(f"{what.upper()}@simulator.amazonses.com"))
    assert found is not None
    message = json.loads(found["Records"][0]["Sns"]["Message"])
    assert _undelivered(message) == [("mail.asked.kent.CLM-7K3F-9QXN.1", what)]


def test_the_handler_is_told_in_a_moment_and_its_failure_harms_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feedback, "SECONDS", 0)
    told: list[dict[str, Any]] = []
    done = threading.Event()

    def handler(event: dict[str, Any]) -> None:
        told.append(event)
        done.set()
        raise RuntimeError("the app failed")

    feedback.simulate(handler, mail("bounce@simulator.amazonses.com"))
    assert done.wait(5)
    feedback.simulate(handler, mail("somebody@example.org"))
    assert len(told) == 1
