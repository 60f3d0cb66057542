"""`kill -9` of everything, and deadlines that pass, on the real thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.whole.visitor import (
    DEPUTY,
    LEAD,
    PROGRAMME,
    Browser,
    Service,
    asked,
    decide,
    status_of,
    submit,
    task_link,
)

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("crashes")]


@pytest.mark.needs_dynoxide("data that outlives a kill")
def test_a_waiting_claim_survives_the_killing_of_everything(tmp_path: Path) -> None:
    service = Service(tmp_path / "data")
    try:
        receipt = submit(service)
        mail = service.mail(LEAD, asked(receipt["reference"]))
        service.kill_everything()
        service.start()
        assert status_of(receipt)["status"] == "in-review"
        decide(service, LEAD, receipt["reference"], "approve")
        assert decide(service, PROGRAMME, receipt["reference"], "approve")["status"] == "approved"
        assert service.mails(LEAD, asked(receipt["reference"])) == [mail], "asked once, not again"
        timeline = service.staff(f"/api/v1/submissions/{receipt['reference']}/timeline")
        assert timeline["verified"]
        assert "restarted" in [entry["action"] for entry in timeline["entries"]]
    finally:
        service.stop()


def test_after_the_approver_the_deputy_is_asked_and_then_the_coordinators_are_told(tmp_path: Path) -> None:
    service = Service(tmp_path / "data", WORKING_DAY_SECONDS="1")
    try:
        receipt = submit(service)
        reference = receipt["reference"]
        first = task_link(service.mail(LEAD, asked(reference))["text"])
        second = task_link(service.mail(DEPUTY, asked(reference))["text"])
        assert first != second
        lead = Browser(service.address)
        lead.sign_in(service, LEAD)
        status, refusal = lead.get("/api/v1/tasks/" + first.rpartition("/")[2])
        assert (status, refusal["code"]) == (410, "expired")
        for coordinator in ("coordinator.kent@example.police.uk", "coordinator@example.org"):
            assert service.mail(coordinator, f"mail.stuck.{reference}")
        assert status_of(receipt)["waiting_for"] == "coordinator"
        # late is better than nobody: the deputy still can
        assert decide(service, DEPUTY, reference, "approve")["status"] == "in-review"
    finally:
        service.stop()
