"""Recording payments and what came back, from the desk."""

from __future__ import annotations

import pytest
from page_checks import error_links
from website import Answer, Website, form_fields, heading, words

from chalicelib.domain.records.submissions import Status

KENT = "coordinator.kent@example.police.uk"
FINANCE = "finance@example.org"
PAYMENTS = "payments@example.org"


def links(answer: Answer) -> set[str]:
    return {(one.get("href") or "").rpartition("/")[2] for one in answer.page.iter("a")}


@pytest.fixture
def path(website: Website) -> str:
    """The desk's page of a claim of £1,834.50 that is approved; whoever pays is signed in."""
    receipt = website.submit()
    for _ in range(2):
        website.ask(receipt)
        website.decide(receipt)
    assert website.case(receipt).submission.status is Status("approved")
    website.sign_in(PAYMENTS)
    return f"/desk/submissions/{receipt.reference}"


def paid(website: Website, path: str) -> None:
    page = website.get(f"{path}/paid")
    assert website.post(f"{path}/paid", {**form_fields(page), "payment": "BACS 42"}).status == 303


def test_a_payment_is_recorded_with_its_reference(website: Website, path: str) -> None:
    assert "paid" in links(website.get(path))
    page = website.get(f"{path}/paid")
    assert heading(page) == f"Record the payment of claim {path.rpartition('/')[2]}"
    assert "To pay £1,834.50" in words(page)
    wrong = website.post(f"{path}/paid", form_fields(page))
    assert (wrong.status, error_links(wrong.page)) == (
        422,
        [("Write the reference of the payment", "#payment")],
    )
    fields = {**form_fields(page), "payment": "bacs-2027/0042"}
    for _ in range(2):
        answer = website.post(f"{path}/paid", fields)
        assert (answer.status, answer.headers["Location"]) == (303, f"{path}?done=paid")
    page = website.get(answer.headers["Location"])
    said = words(page)
    assert "The payment is recorded." in said
    assert "Status Paid" in said
    assert (
        "Fund holder for payments recorded that £1,834.50 was paid, under the reference BACS-2027/0042"
        in said
    )
    assert "Paid The claimant" in said
    assert {"paid", "withdraw"} & links(page) == set()
    assert website.get(f"{path}/paid").status == 410
    assert len(website.mails("paid")) == 1
    assert '"spent":183450' in website.get("/api/v1/funds/ptf").text


def test_what_came_back_is_recorded_with_why(website: Website, path: str) -> None:
    assert website.get(f"{path}/returned").status == 410
    paid(website, path)
    page = website.get(f"{path}/returned")
    assert "Could still come back £1,834.50" in words(page)
    fields = form_fields(page)
    for amount, reason, said in (
        ("", "Cheaper", ("Write how much came back", "#amount")),
        ("a lot", "Cheaper", ("Write the amount in pounds, such as 120.50", "#amount")),
        ("1834.51", "Cheaper", ("The amount must be £1,834.50 or less, and more than nothing", "#amount")),
        ("0", "Cheaper", ("The amount must be £1,834.50 or less, and more than nothing", "#amount")),
        ("5", "", ("Write why it came back", "#reason")),
    ):
        wrong = website.post(f"{path}/returned", {**fields, "amount": amount, "reason": reason})
        assert (wrong.status, error_links(wrong.page)) == (422, [said])
        again = form_fields(wrong)
        assert (again["amount"], again["reason"]) == (amount, reason)
    fields |= {"amount": "£34.50", "reason": "The hall was cheaper"}
    for _ in range(2):
        answer = website.post(f"{path}/returned", fields)
        assert (answer.status, answer.headers["Location"]) == (303, f"{path}?done=returned")
    said = words(website.get(answer.headers["Location"]))
    assert "Paid £1,834.50 Came back £34.50" in said
    assert "Fund holder for payments recorded that £34.50 came back" in said
    assert "The hall was cheaper" in said
    for seen_before in ("0", "", "none", "9" * 5000):
        late = website.post(f"{path}/returned", {**fields, "amount": "10", "returned_before": seen_before})
        assert late.status == 409


@pytest.mark.parametrize("action", ["paid", "returned"])
def test_coordinators_and_whoever_approved_it_are_refused(website: Website, path: str, action: str) -> None:
    reference = path.rpartition("/")[2]
    for address in (KENT, "coordinator@example.org"):
        website.sign_in(address)
        assert "paid" not in links(website.get(path))
        assert website.get(f"{path}/{action}").status == 403
    website.sign_in("coordinator.essex@example.police.uk")
    assert website.get(f"{path}/{action}").status == 404
    website.sign_in(PAYMENTS)
    for csrf in ({}, {"csrf": "guessed"}):
        answer = website.post(
            f"{path}/{action}", {"payment": "BACS 42", "amount": "5", "reason": "x", **csrf}
        )
        assert answer.status == 403
    one = website.parts.records.of("kent").case(reference).submission
    assert (one.status, one.paid_pence) == (Status("approved"), 0)


def test_whoever_holds_the_fund_and_did_not_decide_may_pay(website: Website, path: str) -> None:
    website.sign_in(FINANCE)
    paid(website, path)
    token = website.parts.links.status_token("kent", path.rpartition("/")[2])
    said = words(website.get(f"/status/{token}"))
    assert "£1,834.50 was paid. The payment reference is BACS 42." in said
    assert "Withdraw" not in said
