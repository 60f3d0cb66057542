"""What the benchmarks send and store is what the product accepts, and the same each time."""

from __future__ import annotations

import pytest

from bench.generate import BORDER_PENCE, CAP_PENCE, FORCES, answers
from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.forms.answers import check_answers, total_pence
from tests.builders import a_form

FORMS = ("funding-claim", "idea")


@pytest.mark.parametrize("form_id", FORMS)
def test_every_answer_is_accepted_as_it_is(form_id: str) -> None:
    form = a_form(form_id)
    for number in range(500):
        made = answers(form_id, number)
        assert check_answers(form, made) == made


@pytest.mark.parametrize("form_id", FORMS)
def test_the_same_number_and_seed_make_the_same_and_others_make_others(form_id: str) -> None:
    made = [answers(form_id, number, seed=7) for number in range(500)]
    email = a_form(form_id).email_field
    assert made == [answers(form_id, number, seed=7) for number in range(500)]
    assert made[3] != answers(form_id, 3, seed=8)
    assert len({one[email] for one in made}) == 500
    without_address = [{name: value for name, value in one.items() if name != email} for one in made]
    assert all(one not in without_address[:place] for place, one in enumerate(without_address))


@pytest.mark.parametrize(("form_id", "field"), [("funding-claim", "purpose"), ("idea", "improvement")])
def test_words_are_of_every_length(form_id: str, field: str) -> None:
    lengths = sorted(len(answers(form_id, number)[field]) for number in range(500))
    assert 50 <= lengths[0] < 60
    assert 3_500 < lengths[-1] <= 4_000
    assert 300 < lengths[250] < 700


def test_mail_goes_to_nobody() -> None:
    addresses = [answers(form, number)[a_form(form).email_field] for form in FORMS for number in range(500)]
    assert {address.partition("@")[2] for address in addresses} == {"example.police.uk", "example.org"}


def test_all_forces_are_known_and_the_large_send_more() -> None:
    assert sorted(FORCES) == sorted(FormFiles().forces())
    sent = [answers("idea", number)["force"] for number in range(2_000)]
    assert len(set(sent)) == 43
    assert sent.count("metropolitan") > 5 * sent.count("wiltshire")


def test_half_of_all_claims_ask_for_less_than_the_border_and_none_for_more_than_the_cap() -> None:
    amounts = [
        total_pence(FormFiles().form("funding-claim"), answers("funding-claim", number))
        for number in range(500)
    ]
    below = sum(amount < BORDER_PENCE for amount in amounts)
    assert 200 < below < 300
    assert max(amounts) <= CAP_PENCE
