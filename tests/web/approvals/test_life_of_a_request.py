"""A form that the code does not know, whole: put aside, asked anew, approved with a day and a room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from website import Website, form_fields, heading, words

from chalicelib.domain.approvals.deadlines import london_day
from chalicelib.domain.dates import long_date
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import following_up
from tests.builders import submitted
from tests.forms import WithEverything, all_answers, everything

COORDINATOR = "coordinator.kent@example.police.uk"


def decide(site: Website, path: str, decision: str, **typed: Any) -> str:
    """Fill in the task's page; returns what the next page says."""
    fields = {f"values.{decision}.{name.replace('__', '-')}": str(value) for name, value in typed.items()}
    answer = site.post(path, {**form_fields(site.get(path)), "decision": decision, **fields})
    assert answer.status == 303, words(answer)
    return words(site.get(path))


def test_a_request_is_put_aside_and_then_approved_for_a_day_and_a_room(website: Website) -> None:
    website.use(forms=WithEverything())
    receipt = submitted(website.parts, everything(), all_answers())
    status = f"/status/{receipt.status_token}"
    path = website.ask(receipt)
    website.sign_in()
    until = london_day(website.parts.now()) + timedelta(days=30)
    day = {"until__day": until.day, "until__month": until.month, "until__year": until.year}
    assert f"Put aside until {long_date(until)}" in decide(website, path, "defer", **day)
    assert f"Put aside until {until:%A} {long_date(until)}" in words(website.get(status))
    website.sign_in(COORDINATOR)
    desk = words(website.get(f"/desk/submissions/{receipt.reference}"))
    assert f"Put aside until {until:%A} {long_date(until)}" in desk

    due = website.case(receipt).submission.due_at
    assert due is not None
    website.use(now=lambda: due + timedelta(minutes=1))
    following_up.follow_up(website.parts)
    again = website.case(receipt).open_task
    assert again is not None
    website.sign_in()
    said = decide(
        website, f"/tasks/{again.id}", "approve", day__day=1, day__month=3, day__year=2028, room="hall"
    )
    assert "Day 1 March 2028" in said
    assert "Room The hall" in said
    website.use(now=lambda: due + timedelta(hours=1))
    told = words(website.get(status))
    assert "1 March 2028" in told
    assert "The hall" in told

    last = website.ask(receipt)
    website.sign_in("programme.manager@example.org")
    page = website.get(last)
    assert heading(page) == f"Decide request {receipt.reference}"
    assert "The hall" in words(page), "the next stage reads what the earlier one said"
    decided = decide(website, last, "approve")
    assert "The request is approved" in decided
    assert "money" not in decided
    assert website.case(receipt).submission.status == Status("approved")
