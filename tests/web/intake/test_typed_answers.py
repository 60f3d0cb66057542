"""Answers to what was typed, and back: nothing is lost on the way."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from website import a_claim, a_filled_form

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.approvals.amendments import open_form
from chalicelib.domain.forms.form import Form
from chalicelib.domain.intake.references import new_reference
from chalicelib.web.widgets.html_forms import read_fields, typed_fields
from tests.builders import drawing

FORM = FormFiles().form("funding-claim")
LINES = st.characters(categories=("L", "N", "P", "S", "Zs"), include_characters="\n\u0301")
TEXTS = st.text(LINES, min_size=1).map(str.strip).filter(bool)
WORDS = TEXTS.map(lambda text: text.replace("\n", " ").strip()).filter(bool)
MONEY = st.integers(min_value=0, max_value=10_000_000)
FORCES = st.sampled_from([option.value for option in FORM.questions().__next__().options])
LINE = st.fixed_dictionaries(
    {"description": WORDS, "category": st.sampled_from(["catering", "other"]), "amount_pence": MONEY}
)
DAYS = st.dates(min_value=date(1, 1, 1)).map(date.isoformat)
REFERENCES = st.integers().map(lambda seed: new_reference("DAY", drawing(random.Random(seed))))
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "force": FORCES,
        "event_title": WORDS,
        "event_date": DAYS,
        "venue_name": WORDS,
        "venue_postcode": WORDS,
        "expected_attendance": st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1),
        "innovation_day": REFERENCES,
        "cost_lines": st.lists(LINE, min_size=1, max_size=20),
        "purpose": TEXTS,
        "claimant_name": WORDS,
        "claimant_email": WORDS,
        "claimant_role": WORDS,
        "claimant_phone": WORDS,
        "declaration": st.just(True),
    },
)


@given(ANSWERS)
def test_typed_and_read_again_answers_are_the_same(answers: dict[str, Any]) -> None:
    assert read_fields(FORM, typed_fields(FORM, answers)).answers == answers


def test_a_claim_looks_as_somebody_would_have_typed_it() -> None:
    typed = typed_fields(FORM, a_claim())
    assert typed["cost_lines-0-amount_pence"] == "1,234.50"
    assert typed["event_date-month"] == "3"
    assert typed["declaration"] == "true"
    assert typed.keys() <= a_filled_form().keys()


def test_only_the_forms_own_questions_are_filled_in() -> None:
    costs: Form = open_form(FORM, {"costs": "Too dear"})
    assert {name.partition("-")[0] for name in typed_fields(costs, a_claim())} == {"cost_lines", "purpose"}


@pytest.mark.parametrize("odd", [{"event_date": "soon"}, {"declaration": False}, {"unknown": "x"}])
def test_odd_answers_are_no_reason_to_fail(odd: dict[str, Any]) -> None:
    typed_fields(FORM, odd)


def test_an_answer_that_a_line_lacks_is_an_empty_input() -> None:
    typed = typed_fields(FORM, {"cost_lines": [{"description": "Hall"}]})
    assert typed["cost_lines-0-amount_pence"] == ""
