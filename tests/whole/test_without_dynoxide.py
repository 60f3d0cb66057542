"""The run on a machine for which there is no dynoxide: moto's DynamoDB, and the same journeys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import guidance
from infra.local.options import SEEDS
from tests.whole.visitor import (
    COORDINATOR,
    HOME_OFFICE,
    LEAD,
    NPCC,
    PROGRAMME,
    REVIEWER,
    Browser,
    Service,
    claim,
    decide,
    eventually,
    share,
    status_of,
    submit,
)

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("without-dynoxide")]
CLAIMANT = claim()["claimant_email"]


def few_people(folder: Path) -> Path:
    """The demonstration's seeds with Kent's people and the national ones: all 43 forces take seconds."""
    seeds = json.loads(SEEDS.read_text())
    seeds["people"] = [
        one for one in seeds["people"] if {"kent", "national"} & {role["at"] for role in one["roles"]}
    ]
    file = folder / "seeds.json"
    file.write_text(json.dumps(seeds))
    return file


def verified(service: Service, reference: str) -> bool:
    """Whether the timeline's entries still belong together."""
    return bool(service.staff(f"/api/v1/submissions/{reference}/timeline")["verified"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("without-dynoxide")
    running = Service(folder / "data", DYNOXIDE="none", SEEDS_FILE=str(few_people(folder)))
    yield running
    running.stop()
    assert running.process.returncode == 0
    assert not (folder / "data" / "dynamodb.sqlite").exists()


def test_it_says_what_is_not_kept(service: Service) -> None:
    assert guidance.WITHOUT_DYNOXIDE in service.said
    assert "kept when you stop" not in service.said
    status, health = Browser(service.address).get("/health")
    assert (status, health["parts"]["database"]) == (200, "ok")


def test_a_claim_is_approved_and_paid(service: Service) -> None:
    receipt = submit(service)
    reference = receipt["reference"]
    decide(service, LEAD, reference, "approve")
    assert decide(service, PROGRAMME, reference, "approve")["status"] == "approved"
    payments = Browser(service.address)
    payments.sign_in(service, "payments@example.org")
    status, _ = payments.press(f"/desk/submissions/{reference}/paid", payment="BACS 42")
    assert status == 303
    assert "BACS 42" in service.mail(CLAIMANT, f"mail.paid.{reference}")["text"]
    assert status_of(receipt)["status"] == "paid"
    assert verified(service, reference)


def test_an_idea_is_published_and_adopted(service: Service) -> None:
    receipt = share(service)
    reference = receipt["reference"]
    decide(service, COORDINATOR, reference, "publish", "A good one.")
    decide(service, REVIEWER, reference, "shortlist")
    decide(service, HOME_OFFICE, reference, "adopt", "At once.")
    assert decide(service, NPCC, reference, "adopt", "At once.")["status"] == "adopted"
    assert status_of(receipt)["status"] == "adopted"
    eventually(lambda: Browser(service.address).get(f"/ideas/{reference}")[0] == 200)
    assert verified(service, reference)
