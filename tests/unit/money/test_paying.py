"""Payments and returns: by a fund holder who had no part in the claim, once each, and never a penny more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import (
    Conflict,
    Forbidden,
    InvalidAnswers,
    NotFound,
    Overtaken,
    OwnSubmission,
    Refused,
)
from chalicelib.domain.money.fund import Kind
from chalicelib.domain.records.submissions import Status
from chalicelib.services.approvals import ending
from chalicelib.services.money import paying
from chalicelib.services.records import status_view
from tests.builders import PERSONAL, a_cost, a_person
from tests.unit import scenes
from tests.unit.scenes import SMALL, Scene

story = scenes.story

PAYER = "payments"


@pytest.fixture
def approved(story: Scene) -> str:
    """A claim of £6,000 that the fund holder approved last."""
    story.people.register([a_person(PAYER, "fund-holder@national")])
    reference = story.asked()
    story.approve_up_to(reference, "none")
    assert story.status(reference) is Status("approved")
    return reference


def pay(story: Scene, reference: str, payment: str = "BACS 42", by: str = PAYER) -> None:
    paying.pay(story.parts, story.person(by), reference, payment)


def give_back(story: Scene, reference: str, pence: int, before: int = 0, by: str = PAYER) -> None:
    paying.give_back(
        story.parts,
        story.person(by),
        reference,
        amount_pence=pence,
        reason="It was cheaper",
        returned_before=before,
    )


def balance(story: Scene) -> tuple[int, int, int, int]:
    """Left, promised, paid, came back."""
    one = story.parts.funds.fund("ptf").balance
    return one.available, one.committed, one.spent, one.returned


def test_what_is_committed_is_paid_in_one_transaction(story: Scene, approved: str) -> None:
    commits = story.store.commits
    pay(story, approved, " bacs  42/7 ")
    assert story.store.commits == commits + 1
    one = story.case(approved).submission
    assert (one.status, one.committed_pence, one.paid_pence) == (Status.PAID, 0, 600_000)
    assert balance(story) == (1_400_000, 0, 600_000, 0)
    entry = story.case(approved).entries[-1]
    assert (entry.action, entry.actor, entry.role) == ("paid", PAYER, "fund-holder")
    assert dict(entry.details) == {"payment": "BACS 42/7", "fund-pay": 600_000}
    line = story.store.items[("line", "ptf", approved, one.revision)]
    assert (line.kind, line.amount_pence, line.note) == (Kind.PAY, 600_000, "BACS 42/7")


def test_the_claimant_is_told_and_sees_it(story: Scene, approved: str) -> None:
    pay(story, approved)
    (mail,) = story.mails("paid")
    assert (mail.to, mail.values["paid"], mail.values["payment"]) == (
        PERSONAL["claimant_email"],
        "£6,000",
        "BACS 42",
    )
    token = story.parts.links.status_token("kent", approved)
    give_back(story, approved, 5_050)
    status = status_view.status_of(story.parts, token)
    assert (status.status_words, status.may_withdraw, status.may_amend) == ("Paid", False, False)
    assert [line.words for line in status.history][-2:] == [
        "£6,000 was paid. The payment reference is BACS 42.",
        "£50.50 of it came back to the fund.",
    ]
    assert "cheaper" not in str(status), "why it came back is for staff"


def test_the_same_payment_again_is_harmless(story: Scene, approved: str) -> None:
    pay(story, approved)
    before = story.store.snapshot()
    for typed in ("BACS 42", "bacs  42"):
        pay(story, approved, typed)
    assert story.store.snapshot() == before


def test_it_is_not_paid_again_under_another_reference(story: Scene, approved: str) -> None:
    pay(story, approved)
    before = story.store.snapshot()
    with pytest.raises(Overtaken, match="paid already"):
        pay(story, approved, "BACS 43")
    assert story.store.snapshot() == before


def test_of_two_payments_at_one_moment_one_is_recorded(story: Scene, approved: str) -> None:
    story.people.register([a_person("payments-2", "fund-holder@national")])
    story.first(lambda: pay(story, approved, "FIRST", by="payments-2"))
    with pytest.raises(Overtaken):
        pay(story, approved, "SECOND")
    assert balance(story) == (1_400_000, 0, 600_000, 0)


def test_a_payment_whose_answer_was_lost_is_recorded_once(story: Scene, approved: str) -> None:
    story.first(lambda: pay(story, approved))
    pay(story, approved)
    assert len(story.actions(approved, "paid")) == 1
    assert len(story.mails("paid")) == 1


def test_a_paid_claim_cannot_be_withdrawn(story: Scene, approved: str) -> None:
    pay(story, approved)
    for by in (None, story.person("national-coordinator")):
        with pytest.raises(Overtaken):
            ending.withdraw(story.parts, "kent", approved, by=by)
    assert balance(story) == (1_400_000, 0, 600_000, 0)


def test_a_claim_that_is_withdrawn_at_that_moment_is_not_paid(story: Scene, approved: str) -> None:
    story.first(lambda: story.withdraw(approved))
    with pytest.raises(Overtaken):
        pay(story, approved)
    assert balance(story) == (2_000_000, 0, 0, 0)


def test_what_is_not_approved_or_may_still_be_undone_is_not_paid(story: Scene) -> None:
    story.people.register([a_person(PAYER, "fund-holder@national")])
    story.use_undo()
    reference = story.at_programme(cost_lines=[a_cost(SMALL)])
    with pytest.raises(Overtaken):
        pay(story, reference)
    story.decide(reference)
    with pytest.raises(Overtaken, match="being decided"):
        pay(story, reference)
    story.let_go(reference)
    pay(story, reference)
    assert story.status(reference) is Status.PAID


@pytest.mark.parametrize("status", ["reject", "withdraw"])
def test_what_ended_otherwise_is_not_paid(story: Scene, status: str) -> None:
    story.people.register([a_person(PAYER, "fund-holder@national")])
    reference = story.asked()
    if status == "reject":
        story.decide(reference, "reject", comment="No")
    else:
        story.withdraw(reference)
    with pytest.raises(Overtaken):
        pay(story, reference)


# Who


@pytest.mark.parametrize(
    "person",
    ["lead-kent", "coordinator-kent", "coordinator-essex", "national-coordinator", "programme", "finance"],
)
def test_nobody_but_a_fund_holder_without_a_part_in_it_records_money(
    story: Scene, approved: str, person: str
) -> None:
    before = story.store.snapshot()
    with pytest.raises((Forbidden, NotFound)):
        pay(story, approved, by=person)
    assert story.store.snapshot() == before
    pay(story, approved)
    before = story.store.snapshot()
    with pytest.raises((Forbidden, NotFound)):
        give_back(story, approved, 1, by=person)
    assert story.store.snapshot() == before


def test_whoever_approved_it_does_not_pay_it(story: Scene, approved: str) -> None:
    with pytest.raises(paying.ApprovedIt, match="another fund holder"):
        pay(story, approved, by="finance")


def test_a_small_claim_that_the_fund_holder_did_not_decide_is_paid_by_them(story: Scene) -> None:
    reference = story.asked(cost_lines=[a_cost(SMALL)])
    story.approve_up_to(reference, "none")
    pay(story, reference, by="finance")
    assert story.status(reference) is Status.PAID


def test_nobody_pays_their_own_claim_whichever_way_they_spell_their_address(
    story: Scene, approved: str
) -> None:
    local, _, domain = PERSONAL["claimant_email"].partition("@")
    story.people.register([a_person(PAYER, "fund-holder@national", address=f"{local.upper()}+x@{domain}")])
    with pytest.raises(OwnSubmission):
        pay(story, approved)


def test_a_fund_holder_of_a_force_is_not_the_national_one(story: Scene, approved: str) -> None:
    story.people.register([a_person("kents", "fund-holder@kent")])
    with pytest.raises(Forbidden):
        pay(story, approved, by="kents")


# What is typed


@pytest.mark.parametrize(
    "typed", ["", "  ", None, 7, "x" * 36, "a\x07b", "£1", "<b>", "-a", "a\u202eb", "a#b"]
)
def test_a_reference_that_no_bank_gives_is_refused(story: Scene, approved: str, typed: object) -> None:
    with pytest.raises(InvalidAnswers):
        paying.pay(story.parts, story.person(PAYER), approved, typed)
    assert story.status(approved) is Status("approved")


@pytest.mark.parametrize("pence", [0, -1, 600_001, 1.0, True])
def test_no_more_comes_back_than_was_paid_and_only_whole_pence(
    story: Scene, approved: str, pence: object
) -> None:
    pay(story, approved)
    with pytest.raises(InvalidAnswers):
        give_back(story, approved, pence)  # type: ignore[arg-type]
    assert balance(story) == (1_400_000, 0, 600_000, 0)


def test_why_it_came_back_must_be_said(story: Scene, approved: str) -> None:
    pay(story, approved)
    for reason in ("", " ", "x" * 2001, "a\tb", None):
        with pytest.raises(InvalidAnswers):
            paying.give_back(
                story.parts, story.person(PAYER), approved, amount_pence=1, reason=reason, returned_before=0
            )


# What comes back


def test_what_comes_back_may_be_promised_again(story: Scene, approved: str) -> None:
    pay(story, approved)
    give_back(story, approved, 100_000)
    give_back(story, approved, 500_000, before=100_000)
    assert balance(story) == (2_000_000, 0, 600_000, 600_000)
    one = story.case(approved).submission
    assert (one.status, one.paid_pence, one.returned_pence) == (Status.PAID, 600_000, 600_000)
    entry = story.case(approved).entries[-1]
    assert dict(entry.details) == {"fund-return": 500_000}
    assert story.case(approved).words(entry.sequence) == "It was cheaper"
    with pytest.raises(Overtaken):
        give_back(story, approved, 1, before=600_000)


def test_the_same_return_again_is_harmless_and_another_by_the_same_form_is_refused(
    story: Scene, approved: str
) -> None:
    pay(story, approved)
    give_back(story, approved, 100_000)
    before = story.store.snapshot()
    give_back(story, approved, 100_000)
    with pytest.raises(Conflict):
        give_back(story, approved, 200_000)
    assert story.store.snapshot() == before


def test_of_two_returns_at_one_moment_one_is_recorded(story: Scene, approved: str) -> None:
    story.people.register([a_person("payments-2", "fund-holder@national")])
    pay(story, approved)
    story.first(lambda: give_back(story, approved, 100_000, by="payments-2"))
    with pytest.raises(Conflict):
        give_back(story, approved, 100_000)
    assert balance(story)[3] == 100_000


def test_nothing_comes_back_of_what_was_not_paid(story: Scene, approved: str) -> None:
    with pytest.raises(Refused):
        give_back(story, approved, 1)
    assert balance(story) == (1_400_000, 600_000, 0, 0)


def test_the_pages_offer_it_only_where_it_can_be_done(story: Scene, approved: str) -> None:
    one, now = story.case(approved).submission, story.parts.now()
    assert (paying.may_pay(one, now), paying.may_return(one)) == (True, False)
    pay(story, approved)
    one = story.case(approved).submission
    assert (paying.may_pay(one, now), paying.may_return(one)) == (False, True)
    whole = replace(one, returned_pence=one.paid_pence)
    assert not paying.may_return(whole)
