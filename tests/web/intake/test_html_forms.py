"""From what people type to answers, and back to the page."""

from __future__ import annotations

from typing import Any

import pytest
from website import a_claim, a_filled_form

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.errors import InvalidAnswers, Problem
from chalicelib.domain.forms.answers import check_answers
from chalicelib.domain.forms.form import Form, Question
from chalicelib.web.pages.intake import form_view
from chalicelib.web.pages.intake.form_view import ErrorLink, Field, FormView
from chalicelib.web.widgets import html_forms
from chalicelib.web.widgets.html_forms import read_fields


@pytest.fixture(scope="module")
def form() -> Form:
    return FormFiles().form("funding-claim")


def costs(form: Form) -> Question:
    question = form.question("cost_lines")
    assert question is not None
    return question


def answers_in(form: Form, fields: dict[str, str]) -> dict[str, Any]:
    return read_fields(form, fields).answers


def view_after(form: Form, fields: dict[str, str]) -> FormView:
    """The page that comes back when these fields are posted and some are wrong."""
    posted = read_fields(form, fields)
    with pytest.raises(InvalidAnswers) as refused:
        check_answers(form, posted.answers)
    return form_view.form_view(form, posted, refused.value.problems)


def field_of(view: FormView, name: str) -> Field:
    fields = [one for section in view.sections for one in section.fields]
    inner = [one for outer in fields for row in outer.rows for one in row.fields]
    return next(one for one in fields + inner if one.name == name)


def test_what_a_person_types_becomes_the_answers_that_a_script_would_send(form: Form) -> None:
    answers = answers_in(form, a_filled_form())
    assert check_answers(form, answers) == a_claim()


@pytest.mark.parametrize(
    ("day", "month", "year", "iso"),
    [
        ("27", "3", "2027", "2027-03-27"),
        ("7", "03", "2027", "2027-03-07"),
        (" 07 ", "mar", " 2027 ", "2027-03-07"),
        ("1", "January", "2027", "2027-01-01"),
        ("1", "SEPT.", "2027", "2027-09-01"),
        ("29", "2", "2028", "2028-02-29"),
    ],
)
def test_dates_are_read_as_people_type_them(form: Form, day: str, month: str, year: str, iso: str) -> None:
    fields = {"event_date-day": day, "event_date-month": month, "event_date-year": year}
    assert answers_in(form, fields) == {"event_date": iso}


@pytest.mark.parametrize(
    ("day", "month", "year", "message", "wrong"),
    [
        ("", "3", "2027", "Date must include a day", ["day"]),
        ("27", "", "", "Date must include a month and year", ["month", "year"]),
        ("31", "2", "2027", "The date must be a real date, such as 27 3 2027", ["day", "month", "year"]),
        ("27", "13", "2027", "The date must be a real date, such as 27 3 2027", ["month"]),
        ("27", "3", "27", "The date must be a real date, such as 27 3 2027", ["year"]),
        ("2027-01-14", "3", "2027", "The date must be a real date, such as 27 3 2027", ["day"]),
        ("٣", "3", "2027", "The date must be a real date, such as 27 3 2027", ["day"]),
        ("0", "0", "0000", "The date must be a real date, such as 27 3 2027", ["day", "month", "year"]),
    ],
)
def test_a_date_that_is_none_says_which_part_is_wrong(
    form: Form, day: str, month: str, year: str, message: str, wrong: list[str]
) -> None:
    typed = {"event_date-day": day, "event_date-month": month, "event_date-year": year}
    view = view_after(form, {**a_filled_form(), **typed})
    assert view.errors == (ErrorLink(text=message, href=f"#event_date-{wrong[0]}"),)
    parts = field_of(view, "event_date").parts
    assert [part.label.lower() for part in parts if part.wrong] == wrong
    assert [part.typed for part in parts] == [day, month, year]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("120", 120),
        ("1,200", 1200),
        (" 7 ", 7),
        ("-5", -5),
        ("12.5", "12.5"),
        ("lots", "lots"),
        ("1,20", "1,20"),
    ],
)
def test_whole_numbers(form: Form, typed: str, answer: object) -> None:
    assert answers_in(form, {"expected_attendance": typed}) == {"expected_attendance": answer}


@pytest.mark.parametrize(
    ("typed", "answer"), [("1,234.56", 123456), ("£1234.5", 123450), ("12 pounds", "12 pounds"), ("-1", "-1")]
)
def test_money_is_typed_in_pounds_and_kept_in_pence(form: Form, typed: str, answer: object) -> None:
    answers = answers_in(form, {"cost_lines-0-amount_pence": typed})
    assert answers == {"cost_lines": [{"amount_pence": answer}]}


def test_what_is_left_empty_is_no_answer(form: Form) -> None:
    empty = dict.fromkeys(a_filled_form(), "  ")
    assert answers_in(form, empty) == {}


def test_an_unticked_declaration_is_missing_and_a_forged_one_is_wrong(form: Form) -> None:
    assert answers_in(form, {"declaration": "true"}) == {"declaration": True}
    assert answers_in(form, {"declaration": "yes"}) == {"declaration": "yes"}


def test_a_reference_typed_another_way_is_written_as_we_write_it(form: Form) -> None:
    assert answers_in(form, {"innovation_day": "nonsense"}) == {"innovation_day": "nonsense"}
    from chalicelib.domain.intake.references import new_reference

    reference = new_reference("DAY", lambda characters, count: characters[0] * count)
    typed = reference.lower().replace("-", " ")
    assert answers_in(form, {"innovation_day": typed}) == {"innovation_day": reference}


def test_fields_that_the_form_does_not_have_are_ignored(form: Form) -> None:
    fields = {"admin": "true", "cost_lines-0-approved": "yes", "cost_lines-00-description": "x", "key": "k"}
    assert read_fields(form, fields).typed == {}


def test_empty_lines_are_dropped_and_errors_still_point_at_the_line_on_the_page(form: Form) -> None:
    fields = {
        **a_filled_form(),
        "cost_lines-0-description": "",
        "cost_lines-0-category": "",
        "cost_lines-0-amount_pence": " ",
        "cost_lines-1-amount_pence": "a lot",
    }
    assert len(answers_in(form, fields)["cost_lines"]) == 1
    view = view_after(form, fields)
    message = "Line 2: The amount must be in pounds and pence, such as 1,234.56"
    assert view.errors == (ErrorLink(text=message, href="#cost_lines-1-amount_pence"),)
    assert field_of(view, "cost_lines-1-amount_pence").error == message
    assert field_of(view, "cost_lines-1-amount_pence").typed == "a lot"
    assert field_of(view, "cost_lines-0-amount_pence").error == ""


def test_no_cost_at_all_is_one_problem_of_the_whole_group(form: Form) -> None:
    fields = {name: value for name, value in a_filled_form().items() if not name.startswith("cost_lines-")}
    view = view_after(form, fields)
    assert view.errors == (ErrorLink(text="Enter at least one cost", href="#cost_lines-0-description"),)
    assert field_of(view, "cost_lines").error == "Enter at least one cost"
    assert len(field_of(view, "cost_lines").rows) == 1


def test_the_summary_follows_the_page(form: Form) -> None:
    view = view_after(form, {"cost_lines-0-description": "Hall", "force": "atlantis"})
    order = [link.href.removeprefix("#") for link in view.errors]
    assert order[:3] == ["force", "event_title", "event_date-day"]
    line = order.index("cost_lines-0-category")
    assert order[line : line + 2] == ["cost_lines-0-category", "cost_lines-0-amount_pence"]
    assert order[-1] == "declaration"


def test_a_problem_of_no_question_is_told_without_a_link(form: Form) -> None:
    problems = [
        Problem(pointer="", code="x", message="All is wrong"),
        Problem(pointer="/no", code="x", message="Odd"),
    ]
    view = form_view.form_view(form, read_fields(form, {}), problems)
    assert view.errors == (ErrorLink(text="All is wrong"), ErrorLink(text="Odd"))


def test_what_was_typed_comes_back_exactly(form: Form) -> None:
    view = view_after(form, {**a_filled_form(), "event_title": "  <b>Día</b>  ", "force": ""})
    assert field_of(view, "event_title").typed == "  <b>Día</b>  "


def test_adding_a_line_keeps_what_was_typed(form: Form) -> None:
    typed = html_forms.with_line_added(form, {"cost_lines-7-description": "Hall"}, costs(form))
    assert typed == {"cost_lines-0-description": "Hall", "cost_lines-1-description": ""}
    view = form_view.form_view(form, read_fields(form, typed))
    assert [row.number for row in field_of(view, "cost_lines").rows] == [1, 2]
    assert view.errors == ()


def test_lines_stop_at_the_most_that_the_form_takes(form: Form) -> None:
    typed: dict[str, str] = {}
    for _ in range(30):
        typed = html_forms.with_line_added(form, typed, costs(form))
    view = form_view.form_view(form, read_fields(form, typed))
    assert len(field_of(view, "cost_lines").rows) == field_of(view, "cost_lines").most_rows == 20


def test_removing_a_line_moves_the_others_up(form: Form) -> None:
    typed = {f"cost_lines-{place}-description": name for place, name in enumerate("abc")}
    left = html_forms.with_line_removed(form, typed, costs(form), 1)
    assert left == {"cost_lines-0-description": "a", "cost_lines-1-description": "c"}
    assert html_forms.with_line_removed(form, left, costs(form), 9) == left


def test_widths_are_those_of_the_design_system(form: Form) -> None:
    view = form_view.form_view(form)
    assert field_of(view, "venue_postcode").width == 10
    assert field_of(view, "expected_attendance").width == 5
    assert field_of(view, "event_title").width is None
    assert field_of(view, "purpose").limit == 4000


def test_rows_by_the_hundred_are_not_all_shown_again(form: Form) -> None:
    rows = {f"cost_lines-{number}-description": "x" for number in range(290)}
    view = view_after(form, {**a_filled_form(), **rows})
    assert len(field_of(view, "cost_lines").rows) == 21
    assert "Give no more than 20 costs; put small ones together" in [error.text for error in view.errors]
