"""Money is integer pence; here it meets people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.money.fund import Balance, Fund, shortfall
from chalicelib.domain.money.pence import pence_from_typed, pounds


@pytest.mark.parametrize(
    ("pence", "words"),
    [
        (0, "£0"),
        (1, "£0.01"),
        (10, "£0.10"),
        (100, "£1"),
        (123_450, "£1,234.50"),
        (500_000, "£5,000"),
        (499_999, "£4,999.99"),
        (200_000_000, "£2,000,000"),
        (-1, "-£0.01"),
        (-123_456, "-£1,234.56"),
    ],
)
def test_pence_are_read_as_pounds(pence: int, words: str) -> None:
    assert pounds(pence) == words


@pytest.mark.parametrize(
    ("typed", "pence"),
    [
        ("1", 100),
        ("0.01", 1),
        ("1.5", 150),
        ("1,234.56", 123_456),
        ("£1234", 123_400),
        ("£ 1,234", 123_400),
        (" 12 ", 1_200),
        ("1,000,000", 100_000_000),
        ("007", 700),
    ],
)
def test_pounds_are_taken_as_people_type_them(typed: str, pence: int) -> None:
    assert pence_from_typed(typed) == pence


@pytest.mark.parametrize(
    "typed",
    ["", " ", "£", "-5", "+5", "1.", ".5", "1.234", "1,23", "12,34,567", "1234,567", "1 234", "1e3", "5p", "$5", "€5",
     "1.2.3", "ten", "١٢", "1\n2", "NaN", "0x10", "1,234,56", "£5 each", "9" * 21, "1_000"],
)  # fmt: skip
def test_what_is_no_amount_is_none(typed: str) -> None:
    assert pence_from_typed(typed) is None


@given(st.integers(0, 10**12))
def test_what_we_write_we_can_read(pence: int) -> None:
    assert pence_from_typed(pounds(pence)) == pence


def test_available_is_the_total_less_all_that_is_promised_plus_what_came_back() -> None:
    balance = Balance(total=1_000, reserved=100, committed=20, spent=3, returned=5)
    assert balance.available == 882


def fund(force_left: int, fund_left: int) -> Fund:
    return Fund(
        id="ptf",
        name="the fund",
        balance=Balance(total=fund_left),
        forces={"kent": Balance(total=force_left)},
    )


@pytest.mark.parametrize(
    ("force_left", "fund_left", "said"),
    [
        (500, 500, []),
        (499, 500, ["the force has £4.99 left of its £4.99, £0.01 too little"]),
        (500, 400, ["the fund has £4 left, £1 too little"]),
        (0, 0, ["the force has £0 left of its £0, £5 too little", "the fund has £0 left, £5 too little"]),
    ],
)
def test_a_shortfall_says_by_how_much(force_left: int, fund_left: int, said: list[str]) -> None:
    sentence = shortfall(fund(force_left, fund_left), "kent", 500, noun="claim")
    assert bool(sentence) == bool(said)
    assert all(part in (sentence or "") for part in said)


def test_a_shortfall_of_what_is_needed_on_top_says_so() -> None:
    assert shortfall(fund(500, 500), "kent", 500, noun="claim", is_more=True) is None
    sentence = shortfall(fund(400, 500), "kent", 500, noun="claim", is_more=True)
    assert sentence == (
        "This claim needs £5 more, which does not fit: the force has £4 left of its £4, £1 too little."
    )


def test_a_force_without_a_share_is_told_so() -> None:
    assert shortfall(fund(1, 1), "essex", 1, noun="claim") == "The force has no share of the fund."
