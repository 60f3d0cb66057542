"""What every widget promises, alone and as a column of a group."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidAnswers
from chalicelib.domain.forms.answers import DEFAULT_MESSAGES, build_validator, check_answers
from chalicelib.domain.forms.cells import ColumnKind
from chalicelib.domain.forms.form import Question
from chalicelib.domain.forms.widgets import DATE, GROUP, WIDGETS
from chalicelib.domain.forms.widgets.base import below, part
from chalicelib.domain.intake.references import new_reference
from chalicelib.domain.values import value
from chalicelib.web.widgets.html_forms import read_fields, typed_fields
from tests.builders import drawing
from tests.forms import all_answers, everything

FORM = everything()
_LETTERS = st.characters(categories=("L", "N", "P", "S"))
WORDS = st.text(_LETTERS, min_size=1, max_size=40)
LINES = st.lists(WORDS, min_size=1, max_size=3).map("\n".join)
TYPED = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30) | st.sampled_from(
    ["", " ", "true", "12", "1,200", "£1,234.50", "-5", "31", "feb", "2027", "0", "wrk 2222 2222", "hall"]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("e\u0301\r\n\r"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@value
class Asked:
    """A question, what the schema says of its answer, and the group that it is in."""

    question: Question
    field: Mapping[str, Any]
    group: str = ""

    def alone(self, answer: Any) -> dict[str, Any]:
        """Answers to the whole form, with this one in them."""
        if not self.group:
            return all_answers(**{self.question.name: answer})
        rows = all_answers()[self.group]
        return all_answers(**{self.group: [{**rows[0], self.question.name: answer}, *rows[1:]]})

    @property
    def pointer(self) -> str:
        """Where a problem with it stands."""
        return f"/{self.group}/0/{self.question.name}" if self.group else f"/{self.question.name}"


def _all() -> list[Asked]:
    found = []
    for question in FORM.questions():
        field = FORM.schema["properties"][question.name]
        found.append(Asked(question=question, field=field))
        for column in question.columns:
            field_of_it = field["items"]["properties"][column.name]
            found.append(Asked(question=column, field=field_of_it, group=question.name))
    return found


ALL = _all()
each_question = pytest.mark.parametrize(
    "asked", ALL, ids=lambda one: f"{one.question.widget.word}{one.pointer}"
)
few = settings(max_examples=25)  # for each of 27 questions
each_widget = pytest.mark.parametrize("word", WIDGETS)


def answers_to(asked: Asked) -> st.SearchStrategy[Any]:
    """Answers as a page sends them."""
    field, question = asked.field, asked.question
    known: Mapping[str, Callable[[], st.SearchStrategy[Any]]] = {
        "text": lambda: WORDS,
        "textarea": lambda: LINES,
        "email": lambda: WORDS.map(lambda word: f"{word}@example.org"),
        "tel": lambda: WORDS,
        "reference": lambda: st.integers().map(
            lambda seed: new_reference("WRK", drawing(random.Random(seed)))
        ),
        "number": lambda: st.integers(field["minimum"], field["maximum"]),
        "money": lambda: st.integers(field["minimum"], field["maximum"]),
        "date": lambda: st.dates().map(date.isoformat),
        "select": lambda: st.sampled_from(field["enum"]),
        "declaration": lambda: st.just(True),
        "group": lambda: st.lists(_rows(asked), min_size=1, max_size=field["maxItems"]),
    }
    return known[question.widget.word]()


def _rows(group: Asked) -> st.SearchStrategy[dict[str, Any]]:
    columns = [one for one in ALL if one.group == group.question.name]
    must = group.field["items"]["required"]
    return st.fixed_dictionaries(
        {one.question.name: answers_to(one) for one in columns if one.question.name in must},
        optional={one.question.name: answers_to(one) for one in columns if one.question.name not in must},
    )


def test_the_form_has_every_widget_and_its_groups_have_all_but_groups() -> None:
    assert {one.question.widget.word for one in ALL if not one.group} == set(WIDGETS)
    assert {one.question.widget.word for one in ALL if one.group} == set(WIDGETS) - {"group"}


@each_question
@few
@given(st.data())
def test_what_is_typed_for_an_answer_is_read_as_that_answer(asked: Asked, data: st.DataObject) -> None:
    answer = data.draw(answers_to(asked))
    widget = asked.question.widget
    assert widget.read(asked.question, widget.typed(asked.question, answer)) == answer


@given(
    st.fixed_dictionaries({}, optional={one.question.name: answers_to(one) for one in ALL if not one.group})
)
def test_a_page_filled_in_with_answers_sends_those_answers(answers: dict[str, Any]) -> None:
    assert read_fields(FORM, typed_fields(FORM, answers)).answers == answers


@pytest.mark.slow
@each_widget
@given(JSON)
def test_an_answer_tidied_twice_is_as_tidied_once(word: str, sent: Any) -> None:
    question = next(one.question for one in ALL if one.question.widget.word == word)
    once = question.widget.tidy(question, sent)
    assert question.widget.tidy(question, once) == once


@given(JSON)
def test_a_row_tidied_twice_is_as_tidied_once(sent: Any) -> None:
    group = FORM.question("sessions")
    assert group is not None
    rows = [{column.name: sent for column in group.columns}, sent]
    once = GROUP.tidy(group, rows)
    assert GROUP.tidy(group, once) == once


@each_question
@few
@given(st.data())
def test_whatever_is_typed_is_refused_or_read_for_good(asked: Asked, data: st.DataObject) -> None:
    widget, question = asked.question.widget, asked.question
    names = widget.inputs or [
        part("0", column.name, name) for column in question.columns for name in column.widget.inputs
    ]
    typed = {name: data.draw(TYPED) for name in names}
    answer = widget.read(question, typed)
    if answer is None:
        assert not any(text.strip() for text in typed.values())
    elif build_validator(asked.field).is_valid(answer):
        assert widget.read(question, widget.typed(question, answer)) == answer
    assert set(widget.wrong(typed)) <= set(widget.inputs)
    assert set(widget.unfinished(typed)) < set(widget.inputs) | {"any"}


UNREADABLE = {
    "number": {"": "lots"},
    "money": {"": "12 pounds"},
    "date": {"day": "31", "month": "2", "year": "2027"},
    "select": {"": "cellar"},
    "declaration": {"": "yes"},
    "email": {"": "nobody"},
    "reference": {"": "WRK-1"},
    "tel": {"": "phone me"},
}


@pytest.mark.parametrize(
    "asked", [one for one in ALL if one.question.widget.word in UNREADABLE], ids=lambda one: str(one.pointer)
)
def test_what_cannot_be_read_is_refused_at_its_place(asked: Asked) -> None:
    typed = UNREADABLE[asked.question.widget.word]
    answer = asked.question.widget.read(asked.question, typed)
    with pytest.raises(InvalidAnswers) as refused:
        check_answers(FORM, asked.alone(answer))
    assert [problem.pointer for problem in refused.value.problems] == [asked.pointer]


def broken(keyword: str, asked: Asked) -> Any:
    """An answer that breaks one keyword of the schema."""
    limit = asked.field.get(keyword)
    wrong: Mapping[str, Callable[[], Any]] = {
        "type": lambda: {} if limit != "object" else [],
        "const": lambda: False,
        "enum": lambda: "nowhere",
        "minLength": lambda: "x" * (limit - 1),
        "maxLength": lambda: "x" * (limit + 1),
        "minimum": lambda: limit - 1,
        "maximum": lambda: limit + 1,
        "minItems": lambda: [],
        "maxItems": lambda: all_answers()[asked.question.name][:1] * (limit + 1),
        "pattern": lambda: "¶" if limit != "^ *[^ ]" else " ",
        "format": lambda: "/",
        "items": lambda: [5],
    }
    return wrong[keyword]()


RULES = [
    (one, keyword)
    for one in ALL
    for keyword in sorted(one.field)
    if not keyword.startswith("x-") and (keyword != "pattern" or "[^ \\n]" not in one.field[keyword])
]


@pytest.mark.parametrize(("asked", "keyword"), RULES, ids=lambda one: getattr(one, "pointer", one))
def test_every_rule_that_is_broken_has_a_message_at_its_place(asked: Asked, keyword: str) -> None:
    with pytest.raises(InvalidAnswers) as refused:
        check_answers(FORM, asked.alone(broken(keyword, asked)))
    problems = [problem for problem in refused.value.problems if problem.pointer.startswith(asked.pointer)]
    assert problems
    assert all(problem.message and "{" not in problem.message for problem in problems)


@each_widget
def test_every_rule_of_a_widget_has_a_message_of_its_own_where_a_form_gives_none(word: str) -> None:
    widget = WIDGETS[word]
    rules = {*widget.shape, *widget.keywords, "required"} - {"x-multiline", "items"}
    assert rules <= set(DEFAULT_MESSAGES)


@each_question
@few
@given(st.data())
def test_every_answer_has_words_and_a_cell_of_its_columns_kind(asked: Asked, data: st.DataObject) -> None:
    answer = data.draw(answers_to(asked))
    question, widget = asked.question, asked.question.widget
    assert widget.said(question, answer).strip()
    kinds = {ColumnKind.TEXT: str, ColumnKind.WHOLE: int, ColumnKind.MONEY: int, ColumnKind.DAY: date}
    cell = widget.cell(question, answer)
    assert isinstance(cell, kinds[widget.column]) and not isinstance(cell, (bool, datetime))


def test_words_are_those_that_people_read() -> None:
    said = {
        name: one.widget.said(one, answer)
        for name, answer in all_answers().items()
        if (one := _question(name))
    }
    assert (said["first_day"], said["estimate"], said["people"]) == ("27 March 2027", "£1,234.50", "1200")
    assert (said["kind"], said["updates"]) == ("Workshop", "Confirmed")
    assert said["sessions"] == (
        "27 March 2027, 40, Hall, £50, Bring a pen. And paper., Confirmed\n28 March 2027, 12"
    )


def _question(name: str) -> Question:
    question = FORM.question(name)
    assert question is not None
    return question


def test_a_date_that_is_not_finished_says_what_is_left_out() -> None:
    assert DATE.unfinished({"day": "3", "year": "2027"}) == ("month",)
    assert DATE.unfinished({}) == ()


def test_what_was_typed_below_a_name_does_not_take_in_longer_names() -> None:
    assert below("day", {"day": "a", "day-month": "b", "days": "c", "day_two-month": "d"}) == {
        "": "a",
        "month": "b",
    }
