"""The run on a machine for which there is no dynoxide: moto's DynamoDB, and the same journeys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.local import guidance
from infra.local.options import SEEDS
from tests.whole.visitor import LEAD, PROGRAMME, Browser, Service, asked, decide, submit

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("without-dynoxide")]


def few_people(folder: Path) -> Path:
    """The demonstration's seeds with Kent's people and the national ones: all 43 forces take seconds."""
    seeds = json.loads(SEEDS.read_text())
    seeds["people"] = [
        one for one in seeds["people"] if {"kent", "national"} & {role["at"] for role in one["roles"]}
    ]
    file = folder / "seeds.json"
    file.write_text(json.dumps(seeds))
    return file


def test_it_says_what_is_not_kept_takes_a_claim_to_its_first_approval_and_stops(tmp_path: Path) -> None:
    service = Service(tmp_path / "data", DYNOXIDE="none", SEEDS_FILE=str(few_people(tmp_path)))
    try:
        assert guidance.WITHOUT_DYNOXIDE in service.said
        assert "kept when you stop" not in service.said
        status, health = Browser(service.address).get("/health")
        assert (status, health["parts"]["database"]) == (200, "ok")
        reference = submit(service)["reference"]
        assert decide(service, LEAD, reference, "approve")["status"] == "in-review"
        assert service.mail(PROGRAMME, asked(reference))
    finally:
        service.stop()
    assert service.process.returncode == 0
    assert not (tmp_path / "data" / "dynamodb.sqlite").exists()
