"""The run on a machine for which there is no dynoxide: moto's DynamoDB, and the same journeys."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local import guidance
from tests.whole.visitor import LEAD, PROGRAMME, Browser, Service, asked, decide, submit

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("without-dynoxide")]


def test_it_says_what_is_not_kept_takes_a_claim_to_its_first_approval_and_stops(tmp_path: Path) -> None:
    service = Service(tmp_path / "data", DYNOXIDE="none")
    try:
        assert guidance.WITHOUT_DYNOXIDE in service.said
        assert "kept when you stop" not in service.said
        assert Browser(service.address).get("/health") == (200, {"status": "ok"})
        reference = submit(service)["reference"]
        assert decide(service, LEAD, reference, "approve")["status"] == "in-review"
        assert service.mail(PROGRAMME, asked(reference))
    finally:
        service.stop()
    assert service.process.returncode == 0
    assert not (tmp_path / "data" / "dynamodb.sqlite").exists()
