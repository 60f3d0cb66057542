"""The page of the checks: what was stuck, what was set aside, and the button that has it tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from page_checks import fields_of
from website import LEAD, Answer, Website, form_fields, heading, words

from chalicelib.domain.delivery.deliveries import SetAside
from chalicelib.domain.records.roots import Verified
from chalicelib.domain.repair.checks import Finding, Found, Run
from chalicelib.services.intake.submitting import Receipt
from chalicelib.services.repair.reconciling import reconcile
from chalicelib.web.pages.repair import checks

KENT = "coordinator.kent@example.police.uk"
ESSEX = "coordinator.essex@example.police.uk"
NATIONAL = "coordinator@example.org"
FINANCE = "finance@example.org"
PATH = "/desk/checks"


def put_aside(site: Website) -> tuple[Receipt, str]:
    """A receipt of Kent's that failed too often."""
    receipt = site.submit()
    address = f"parcel.start.{receipt.reference}-r1/mail.receipt.{receipt.reference}"
    delivery = site.parts.outbox.get(address)
    assert delivery is not None
    assert site.parts.outbox.set_aside(delivery, error="ConnectionError", at=site.parts.now())
    return receipt, delivery.id


def keep(site: Website, *findings: Finding, more: int = 0) -> None:
    looked_at = {"submissions": 1, "executions": 2, "overdue deliveries": 0, "lines": 1234, "balances": 3}
    run = Run(at=site.parts.now(), looked_at=looked_at, findings=findings, more=more)
    site.parts.checks.keep(run)


LOST = Finding(found=Found.LOST, force="kent", reference="CLM-2222-222M")
BALANCE = Finding(
    found=Found.WRONG_BALANCE,
    reference="ptf",
    was={"reserved": 70_000, "committed": 3, "available": 5},
    now={"reserved": 69_300, "committed": 3, "available": 705},
)


def test_that_nothing_was_stuck_is_an_answer_with_when_and_what(website: Website) -> None:
    website.sign_in(NATIONAL)
    keep(website)
    page = website.get(PATH)
    assert heading(page) == "Checks"
    said = words(page)
    assert "Nothing was stuck, and the money adds up." in said
    assert (
        "1 open submission, 2 workflows, 0 overdue deliveries, 1,234 lines of the ledger, 3 balances" in said
    )
    assert "overdue:" not in said
    assert "Nothing is set aside." in said


def test_the_desk_leads_there(website: Website) -> None:
    website.sign_in(KENT)
    assert PATH in [link.get("href") for link in website.get("/desk").page.iter("a")]


@pytest.mark.parametrize("hours", [None, 2.1])
def test_a_check_that_was_not_made_is_said(website: Website, hours: float | None) -> None:
    if hours:
        keep(website)
        now = website.parts.now() + timedelta(hours=hours)
        website.use(now=lambda: now)
    website.sign_in(KENT)
    said = words(website.get(PATH))
    assert "The check is overdue" in said
    assert ("there has been none in the last 2 hours" in said) == bool(hours)


def test_the_national_team_sees_all_of_it_with_money(website: Website) -> None:
    website.sign_in(NATIONAL)
    keep(website, LOST, BALANCE, more=7)
    keep(website)
    page = website.get(PATH)
    said = words(page)
    assert "The check before this one found something." in said
    assert "CLM-2222-222M Kent Police Its workflow had been lost. It was started anew. None" in said
    assert "Set aside: £700, now £693" in said
    assert "Left: £0.05, now £7.05" in said
    assert "Promised" not in said, "what is as it was is not said"
    assert "And 7 more: see the log." in said


def test_earlier_checks_are_counted_in_words(website: Website) -> None:
    website.sign_in(NATIONAL)

    def said_after(*found: Finding) -> str:
        keep(website, *found)
        return words(website.get(PATH)).partition("Earlier checks ")[2]

    assert said_after().startswith("There are no earlier checks.")
    assert said_after().startswith("Nothing was found in the check before this one.")
    assert said_after(LOST).startswith("Nothing was found in the 2 checks before this one.")
    assert said_after().startswith("Of the 3 checks before this one, 1 found something.")


def test_a_forces_coordinator_sees_what_concerns_the_force(website: Website) -> None:
    keep(website, LOST, BALANCE)
    website.sign_in(KENT)
    said = words(website.get(PATH))
    assert "CLM-2222-222M" in said
    assert "The fund" not in said
    assert "1,234" not in said
    website.sign_in(ESSEX)
    said = words(website.get(PATH))
    assert "Nothing of your force was stuck." in said
    assert "CLM-2222-222M" not in said


@pytest.mark.parametrize("address", [LEAD, "chief.kent@example.police.uk"])
def test_nobody_else_sees_it(website: Website, address: str) -> None:
    website.sign_in(address)
    assert website.get(PATH).status == 403


def again(answer: Answer) -> dict[str, str]:
    (form,) = [one for one in answer.page.iter("form") if one.get("action") == f"{PATH}/again"]
    return fields_of(form)


def test_a_coordinator_has_it_tried_again_and_a_second_press_is_harmless(website: Website) -> None:
    receipt, delivery = put_aside(website)
    website.sign_in(KENT)
    page = website.get(PATH)
    said = words(page)
    assert f"The email “receipt” about {receipt.reference}" in said
    assert "Kent Police. Failed once, last with ConnectionError, and was set aside on" in said
    assert "sam.okafor" not in page.text
    fields = again(page)
    for where, told in (("again", "It is tried again"), ("before", "Nothing to do")):
        answer = website.post(f"{PATH}/again", fields)
        assert (answer.status, answer.headers["Location"]) == (303, f"{PATH}?done={where}")
        assert told in words(website.get(answer.headers["Location"]))
    assert delivery in website.parts.outbox.due(website.parts.now(), limit=99)
    assert "Nothing is set aside." in words(website.get(PATH))


def test_another_forces_coordinator_and_the_fund_holder_do_not(website: Website) -> None:
    receipt, delivery = put_aside(website)
    website.sign_in(KENT)
    fields = again(website.get(PATH))
    website.sign_in(ESSEX)
    page = website.get(PATH)
    assert receipt.reference not in page.text
    csrf = form_fields(website.get("/away"))["csrf"]
    assert website.post(f"{PATH}/again", {**fields, "csrf": csrf}).status == 404
    website.sign_in(FINANCE)
    page = website.get(PATH)
    assert receipt.reference in page.text
    assert not [one for one in page.page.iter("form") if (one.get("action") or "").endswith("again")]
    csrf = form_fields(website.get("/away"))["csrf"]
    assert website.post(f"{PATH}/again", {**fields, "csrf": csrf}).status == 403
    assert len(website.parts.outbox.all_set_aside(limit=9)) == 1


def test_what_is_posted_carries_the_token_of_the_session(website: Website) -> None:
    _, delivery = put_aside(website)
    website.sign_in(KENT)
    for csrf in ({}, {"csrf": "guessed"}):
        assert website.post(f"{PATH}/again", {"delivery": delivery, **csrf}).status == 403
    assert website.get(f"{PATH}/again").status == 303
    assert len(website.parts.outbox.all_set_aside(limit=9)) == 1


def test_every_finding_and_every_delivery_has_its_words(website: Website) -> None:
    assert set(checks._SAID) == set(Found)
    findings = [Finding(found=found, force="kent", reference="CLM-2222-222M") for found in Found]
    keep(website, *findings)
    website.sign_in(NATIONAL)
    assert website.get(PATH).status == 200
    receipt = website.submit()
    start = website.parts.outbox.get(f"start.{receipt.reference}-r1")
    assert start is not None
    website.parts.outbox.set_aside(start, error="ConnectionError", at=website.parts.now())
    assert f"The start of a workflow about {receipt.reference}" in words(website.get(PATH))
    assert isinstance(website.parts.outbox.all_set_aside(limit=1)[0], SetAside)


def test_how_far_timelines_are_verified_is_shown_to_national_staff(website: Website) -> None:
    website.sign_in(NATIONAL)
    assert "Not all timelines have been compared with what was written yet." in words(website.get(PATH))
    now = website.parts.now()
    verified = Verified(began=now, last_began=now - timedelta(days=6), last_ended=now, in_all=1_234)
    website.parts.checks.keep_verified(verified)
    text = words(website.get(PATH))
    assert "We compared all 1,234 timelines with what was written between" in text
    assert "Timelines should be compared" not in text
    late = replace(verified, last_ended=now - timedelta(days=9))
    website.parts.checks.keep_verified(late)
    assert "Timelines should be compared with what was written every week" in words(website.get(PATH))
    website.cookies.clear()
    website.sign_in(KENT)
    assert "timelines" not in words(website.get(PATH))


def test_a_real_run_is_shown(website: Website) -> None:
    location: Any = {"LocationConstraint": "eu-west-2"}
    boto3.client("s3").create_bucket(Bucket="web-tests-roots", CreateBucketConfiguration=location)
    website.submit()
    reconcile(website.parts)
    website.sign_in(NATIONAL)
    assert "1 open submission" in words(website.get(PATH))
