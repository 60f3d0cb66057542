"""What happens by itself and what people do about it, on the real thing, in a minute: reminder, deputy, stuck list,
reassigned, approved; undo; changes; withdrawal; mail that comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.whole.visitor import (
    COORDINATOR,
    DEPUTY,
    LEAD,
    PROGRAMME,
    Browser,
    Service,
    asked,
    decide,
    eventually,
    share,
    status_of,
    submit,
    task_link,
    type_newest_code,
)

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("following-up")]
CLAIMANT = "claimant@example.police.uk"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A run whose decisions can be undone for a while."""
    running = Service(tmp_path_factory.mktemp("following-up") / "data", UNDO_SECONDS="4")
    yield running
    running.stop()


def actions(service: Service, reference: str) -> list[str]:
    timeline = service.staff(f"/api/v1/submissions/{reference}/timeline")
    assert timeline["verified"], timeline["faults"]
    return [entry["action"] for entry in timeline["entries"]]


def task_of(service: Service, address: str, reference: str, **more: Any) -> str:
    return task_link(service.mail(address, asked(reference), **more)["text"]).rpartition("/")[2]


def test_reminder_deputy_stuck_reassigned_approved_within_a_minute(tmp_path: Path) -> None:
    service = Service(tmp_path / "data", WORKING_DAY_SECONDS="2")
    began = time.monotonic()
    story: list[str] = []

    def happened(what: str) -> None:
        story.append(f"{time.monotonic() - began:5.1f} s  {what}")

    try:
        receipt = submit(service)
        reference = receipt["reference"]
        happened(f"submitted {reference}")
        assert service.mail(LEAD, asked(reference))
        happened("the innovation lead is asked")
        assert service.mail(LEAD, f"mail.reminder.kent.{reference}")
        happened("the innovation lead is reminded")
        assert service.mail(DEPUTY, asked(reference))
        happened("the deputy is asked")
        assert service.mail(DEPUTY, f"mail.reminder.kent.{reference}")
        happened("the deputy is reminded")
        assert service.mail(COORDINATOR, f"mail.stuck.{reference}")
        happened("the coordinators are told that it is stuck")
        coordinator = Browser(service.address)
        coordinator.sign_in(service, COORDINATOR)
        assert reference in coordinator.get("/desk/stuck")[1]
        path = f"/desk/submissions/{reference}/reassign"
        assert coordinator.press(path, to="lead-kent")[0] in (200, 303)
        happened("a coordinator has the innovation lead asked again")
        assert service.mail(LEAD, asked(reference), after=1)
        assert reference not in coordinator.get("/desk/stuck")[1]
        decide(service, LEAD, reference, "approve")
        happened("the innovation lead approves")
        assert decide(service, PROGRAMME, reference, "approve")["status"] == "approved"
        happened("the programme manager approves: approved")
        assert [one for one in actions(service, reference) if one != "restarted"][:8] == [
            "submitted", "confirmed", "asked", "reminded", "asked", "reminded", "stuck", "reassigned",
        ]  # fmt: skip
        assert time.monotonic() - began < 60
    finally:
        print("\n".join(story))
        service.stop()


def test_a_decision_is_undone_and_then_made_otherwise(service: Service) -> None:
    receipt = submit(service)
    reference = receipt["reference"]
    decide(service, LEAD, reference, "approve", "By mistake")
    lead = Browser(service.address)
    lead.sign_in(service, LEAD)
    task = task_of(service, LEAD, reference)
    assert status_of(receipt)["stage"] == "force-lead"
    assert lead.post_json(f"/api/v1/tasks/{task}/undo", {})[0] == 200
    seen = lead.get(f"/api/v1/tasks/{task}")[1]["seen"]
    answer = {"decision": "reject", "comment": "The day is too far away", "seen": seen}
    assert lead.post_json(f"/api/v1/tasks/{task}/decision", answer)[0] == 200
    eventually(lambda: status_of(receipt)["status"] == "rejected")
    assert service.mails(PROGRAMME, asked(reference)) == []
    assert actions(service, reference)[-3:] == ["decided", "undone", "decided"]


def test_the_next_is_asked_when_the_window_closes_and_then_nothing_can_be_undone(service: Service) -> None:
    receipt = submit(service)
    reference = receipt["reference"]
    decide(service, LEAD, reference, "approve")
    assert service.mails(PROGRAMME, asked(reference)) == []
    assert service.mail(PROGRAMME, asked(reference))
    lead = Browser(service.address)
    lead.sign_in(service, LEAD)
    status, problem = lead.post_json(f"/api/v1/tasks/{task_of(service, LEAD, reference)}/undo", {})
    assert (status, problem["code"]) == (409, "no-longer-undoable")


def claimant_signed_in(service: Service, token: str, action: str) -> Browser:
    browser = Browser(service.address)
    assert browser.get(f"/status/{token}/{action}")[0] == 303
    page = f"/status/{token}/code?next={action}"
    assert browser.press(page)[0] == 303
    type_newest_code(service, CLAIMANT, lambda code: browser.press(page, code=code)[0] == 303)
    return browser


def test_changes_are_asked_for_made_and_seen(service: Service) -> None:
    receipt = submit(service)
    reference = receipt["reference"]
    token = receipt["status_url"].rpartition("/")[2]
    lead = Browser(service.address)
    task = task_of(service, LEAD, reference)
    lead.sign_in(service, LEAD)
    seen = lead.get(f"/api/v1/tasks/{task}")[1]["seen"]
    asks = {"decision": "request-changes", "seen": seen, "changes": {"the-day": "Which village hall?"}}
    assert lead.post_json(f"/api/v1/tasks/{task}/decision", asks)[0] == 200
    mail = service.mail(CLAIMANT, f"mail.changes-requested.kent.{reference}")
    assert "Which village hall?" in mail["text"]
    assert f"/status/{token}/amend" in mail["text"]
    claimant = claimant_signed_in(service, token, "amend")
    page = claimant.get(f"/status/{token}/amend")[1]
    assert "Which village hall?" in page
    assert 'name="purpose"' not in page, "only what was asked for is open"
    given = {
        "force": "kent",
        "event_title": "Kent innovation day",
        "event_date-day": "27",
        "event_date-month": "3",
        "event_date-year": "2027",
        "venue_name": "Bearsted village hall",
        "venue_postcode": "ME14 1XX",
        "expected_attendance": "120",
        "action": "send",
    }
    assert claimant.press(f"/status/{token}/amend", **given)[0] == 303
    again = task_of(service, LEAD, reference, after=1)
    assert again != task
    shown = lead.get(f"/api/v1/tasks/{again}")[1]
    assert shown["differences"] == [
        {"question": "Venue", "before": "Village hall", "after": "Bearsted village hall"}
    ]


def test_a_claimant_withdraws_and_the_money_is_free_again(service: Service) -> None:
    receipt = submit(service)
    reference = receipt["reference"]
    token = receipt["status_url"].rpartition("/")[2]
    before = service.staff("/api/v1/funds/ptf")["forces"]["kent"]
    decide(service, LEAD, reference, "approve")
    assert service.mail(PROGRAMME, asked(reference))
    claimant = claimant_signed_in(service, token, "withdraw")
    status, answer = claimant.press(f"/status/{token}/withdraw", confirm="yes")
    assert status == 303, answer
    assert status_of(receipt)["status"] == "withdrawn"
    assert service.staff("/api/v1/funds/ptf")["forces"]["kent"] == before
    assert service.mail(PROGRAMME, f"mail.no-longer-needed.kent.{reference}")


def test_mail_that_comes_back_is_told_to_the_coordinators(service: Service) -> None:
    receipt = share(service, contact_email="bounce@simulator.amazonses.com")
    mail = service.mail(COORDINATOR, f"mail.undelivered.{receipt['reference']}")
    assert "our email to them bounced" in mail["text"]


def test_an_answer_to_an_idea_that_bounces_is_told_to_the_coordinators(service: Service) -> None:
    """The receipt bounced before it, and was told of, too."""
    receipt = share(service, contact_email="bounce@simulator.amazonses.com", title="Another template for all")
    about = f"mail.undelivered.{receipt['reference']}"
    service.mail(COORDINATOR, about)
    decide(service, COORDINATOR, receipt["reference"], "decline", "We have had it since May.")
    mail = service.mail(COORDINATOR, about, after=1)
    assert "The person who sent this idea may not know what has happened to it" in mail["text"]
