"""Answers: tidied, checked all at once, in the form's order and its words."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.dates import long_date
from chalicelib.domain.errors import InvalidAnswers, Problem
from chalicelib.domain.forms.answers import (
    MAX_PROBLEMS,
    check_answers,
    fingerprint,
    in_words,
    total_pence,
    unshowable,
    walk,
)
from chalicelib.domain.forms.form import Question
from chalicelib.domain.people.mailboxes import is_mailbox
from tests.builders import a_cost, a_form, claim_answers

FORM = a_form()
SPOTLESS = FORM.schema["properties"]


def problems(answers: Any) -> list[Problem]:
    """What is wrong with these answers, in the order it is reported."""
    try:
        check_answers(FORM, answers)
    except InvalidAnswers as refused:
        return list(refused.problems)
    return []


def only(answers: Any) -> Problem:
    """The one thing wrong."""
    (problem,) = problems(answers)
    return problem


def in_place(name: str, value: Any) -> dict[str, Any]:
    """Good answers but for one; a name such as `cost_lines/0/category` leads into a cost line."""
    if not name.startswith("cost_lines/0/"):
        answers = claim_answers()
        if value is None:
            answers.pop(name, None)
        else:
            answers[name] = value
        return answers
    return claim_answers(cost_lines=[a_cost(**{name.rpartition("/")[2]: value})])


def breaking(keyword: str, schema: dict[str, Any]) -> list[Any]:
    """Values that break one keyword of a field's schema, for every keyword our forms use."""
    limit = schema.get(keyword)
    return {
        "required": lambda: [None],
        "type": lambda: {"string": [5, True, ["x"]], "integer": ["12", True, 1.5], "array": ["x", {"0": {}}]}[
            schema["type"]
        ],
        "enum": lambda: ["nowhere", "KENT"],
        "const": lambda: [False, "true", 1],
        "minLength": lambda: ["", "x" * (limit - 1)] if limit > 1 else [""],
        "maxLength": lambda: ["1" * (limit + 1)],
        "minimum": lambda: [limit - 1, -1],
        "maximum": lambda: [limit + 1],
        "minItems": lambda: [[]],
        "maxItems": lambda: [[a_cost(1)] * (limit + 1)],
        "pattern": lambda: {"claimant_phone": ["phone me"], "venue_postcode": ["SW1", "12345"]}.get(
            schema["name"], ["DAX-2222-222M"] if "DAY" in str(limit) else [" "]
        ),
        "format": lambda: {
            "date": ["2027-02-29", "27/03/2027", "2027-3-7", "x"],
            "mailbox": ["nobody", "a@b", "a b@example.org"],
            "reference": ["DAY-2222-2222", "DAY-"],
        }[str(limit)],
    }[keyword]()


ELSEWHERE = ("unknown-reference", "domain")
"""What no schema says: the messages of these are tested where they are found."""


def worded() -> list[tuple[str, str, Question]]:
    """Every message of the form file: where, for which keyword, whose."""
    found = []
    for question in FORM.questions():
        for name, one in [
            (question.name, question),
            *((f"cost_lines/0/{c.name}", c) for c in question.columns),
        ]:
            found += [(name, keyword, one) for keyword in one.errors if keyword not in ELSEWHERE]
    return found


@pytest.mark.parametrize(("name", "keyword", "question"), worded(), ids=lambda value: str(value)[:30])
def test_every_message_of_the_form_file_is_said(name: str, keyword: str, question: Question) -> None:
    top, _, rest = name.partition("/")
    schema = dict(SPOTLESS[top])
    if rest:
        schema = dict(schema["items"]["properties"][rest.rpartition("/")[2]])
    schema["name"] = name
    if keyword not in schema and keyword != "required":
        pytest.fail(f"the form words {keyword} of {name}, which its schema does not have")
    limit = schema.get(keyword)
    expected = question.errors[keyword].format(limit=f"{limit:,}" if isinstance(limit, int) else limit)
    for value in breaking(keyword, schema):
        found = [problem for problem in problems(in_place(name, value)) if problem.pointer == "/" + name]
        assert found, value
        assert found[0].message in {
            expected,
            *(question.errors[k].format(limit="") for k in question.errors if k != keyword),
            *(question.errors[k].format(limit=schema.get(k)) for k in question.errors if k in schema),
        }
    messages = [p.message for value in breaking(keyword, schema) for p in problems(in_place(name, value))]
    assert expected in messages


def test_good_answers_come_back() -> None:
    assert check_answers(FORM, claim_answers()) == claim_answers()
    least = claim_answers(claimant_phone=None)
    assert check_answers(FORM, least) == least


@pytest.mark.parametrize("body", [None, [], "answers", 5, True, [claim_answers()]])
def test_answers_must_be_an_object(body: Any) -> None:
    assert only(body) == Problem(pointer="", code="type", message="The answers must be a JSON object")


def test_all_that_is_missing_is_said_at_once_in_the_order_of_the_questions() -> None:
    required = [q.name for q in FORM.questions() if q.name in FORM.schema["required"]]
    found = problems({})
    assert [problem.pointer for problem in found] == [f"/{name}" for name in required]
    assert {problem.code for problem in found} == {"required"}


def test_problems_of_all_kinds_come_at_once_in_order() -> None:
    wrong = claim_answers(
        force="nowhere",
        event_title="a\tb",
        expected_attendance=0,
        cost_lines=[a_cost(0), a_cost(5, category="fun", extra=1), a_cost(None)],
        claimant_email="me",
        declaration=None,
        zeal=1,
    )
    found = [(problem.pointer, problem.code) for problem in problems(wrong)]
    assert found == [
        ("/force", "enum"),
        ("/event_title", "control-characters"),
        ("/expected_attendance", "minimum"),
        ("/cost_lines/0/amount_pence", "minimum"),
        ("/cost_lines/1/category", "enum"),
        ("/cost_lines/1/extra", "additionalProperties"),
        ("/cost_lines/2/amount_pence", "required"),
        ("/claimant_email", "format"),
        ("/declaration", "required"),
        ("/zeal", "additionalProperties"),
    ]


def test_lines_are_reported_in_the_order_of_their_numbers() -> None:
    found = problems(claim_answers(cost_lines=[a_cost(0)] * 12))
    assert [p.pointer for p in found] == [f"/cost_lines/{n}/amount_pence" for n in range(12)]


def test_each_answer_has_one_problem() -> None:
    found = problems(claim_answers(event_title="", venue_postcode="x" * 99, purpose=" "))
    assert [problem.pointer for problem in found] == ["/event_title", "/venue_postcode", "/purpose"]


@pytest.mark.parametrize(
    "name", ["x", "force ", "Force", "__proto__", "a/b", "a~b", "", "²", "0", "force/0", "é"]
)
def test_unknown_questions_are_named(name: str) -> None:
    problem = only({**claim_answers(), name: "anything"})
    assert problem.code == "additionalProperties"
    assert problem.pointer == "/" + name.replace("~", "~0").replace("/", "~1")
    assert problem.message == "This form has no such question"


@pytest.mark.parametrize("name", ["²", "0", "٣", "-1", "1.5", "①"])
def test_names_that_look_like_numbers_are_problems_not_failures(name: str) -> None:
    found = problems(claim_answers(cost_lines=[{**a_cost(5), name: 1}, {name: {"²": "a\tb"}}]))
    assert (f"/cost_lines/0/{name}", "additionalProperties") in {(p.pointer, p.code) for p in found}


@pytest.mark.parametrize(
    "day", ["0000-01-01", "0000-12-31", "2027-02-30", "2027-00-10", "2027-13-01", "99999-01-01"]
)
def test_a_date_that_python_cannot_read_is_refused(day: str) -> None:
    assert only(claim_answers(event_date=day)).pointer == "/event_date"


@pytest.mark.parametrize(
    "blank", ["\u200b", " \u200d ", "\u00ad", "\u3164", "\u2060\ufeff", " ", "\u00a0", ""]
)
@pytest.mark.parametrize("name", ["event_title", "claimant_name", "venue_name"])
def test_an_invisible_answer_is_no_answer(name: str, blank: str) -> None:
    assert only(claim_answers(**{name: blank})).pointer == f"/{name}"


@pytest.mark.parametrize(
    "text", ["Zoë’s “day”", "नमस्ते\u200dक्ष", "میـ\u200cخواهم", "👩\u200d🚒 day", "Siân Ŵ", "日本"]
)
def test_words_of_every_script_are_kept(text: str) -> None:
    assert check_answers(FORM, claim_answers(event_title=text))["event_title"] == unicodedata.normalize(
        "NFC", text
    )


CONTROLS = [chr(n) for n in (*range(9), *range(11, 13), *range(14, 32), 127, 0x85, 0x9F)]
BIDI = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize("character", [*CONTROLS, *BIDI, "\u2028", "\u2029", "\ue000", "\uffff"], ids=ascii)
def test_characters_that_cannot_be_shown_are_refused_everywhere(character: str) -> None:
    text = f"before {character} and after it again"
    for answers in (
        claim_answers(event_title=text),
        claim_answers(purpose=text),
        claim_answers(cost_lines=[a_cost(5, description=text)]),
    ):
        assert only(answers).code == "control-characters"


def test_only_long_answers_may_have_several_lines() -> None:
    assert only(claim_answers(event_title="one\ntwo")).code == "line-breaks"
    assert only(claim_answers(venue_postcode="ME14 1XQ\n")).code == "line-breaks"
    assert (
        only(claim_answers(cost_lines=[a_cost(5, description="a\nb")])).pointer == "/cost_lines/0/description"
    )
    assert problems(claim_answers(purpose="Officers and staff\n\nwork out ideas")) == []


def test_line_ends_are_counted_and_kept_as_one_character() -> None:
    for line_end in ("\r\n", "\r", "\n"):
        purpose = ("x" * 99 + line_end) * 40
        assert check_answers(FORM, claim_answers(purpose=purpose))["purpose"] == ("x" * 99 + "\n") * 40
    assert only(claim_answers(purpose=("x" * 99 + "\r\n") * 40 + "x")).code == "maxLength"


def test_accents_typed_in_two_characters_count_as_one() -> None:
    assert check_answers(FORM, claim_answers(event_title="e\u0301" * 150))["event_title"] == "\u00e9" * 150
    assert only(claim_answers(event_title="e\u0301" * 151)).code == "maxLength"


def test_a_character_beyond_the_first_plane_counts_as_one() -> None:
    assert problems(claim_answers(event_title="😀" * 150)) == []
    assert only(claim_answers(event_title="😀" * 151)).code == "maxLength"


def test_names_of_fields_are_tidied_too() -> None:
    assert only({**claim_answers(), "e\u0301": 1}).pointer == "/\u00e9"


def test_true_is_no_number_and_one_is_no_declaration() -> None:
    assert only(claim_answers(expected_attendance=True)).code == "type"
    assert only(claim_answers(declaration=1)).code == "const"
    assert only(claim_answers(cost_lines=[a_cost(True)])).code == "type"


@pytest.mark.parametrize("amount", [0, -1, 10_000_001, 1.5, "600000", 1e300])
def test_an_amount_is_whole_pence_up_to_the_limit(amount: Any) -> None:
    assert only(claim_answers(cost_lines=[a_cost(amount)])).pointer == "/cost_lines/0/amount_pence"


@pytest.mark.parametrize(
    "address",
    [
        "a@example.org",
        "first.last@example.police.uk",
        "o'brien+claims@a-b.example.police.uk",
        "x_1!#$%&'*+/=?^{|}~@example.org",
        "a" * 64 + "@example.org",
        "1@2.org",
        "a@xn--bcher-kva.example",
    ],
)
def test_one_mailbox_is_one_mailbox(address: str) -> None:
    assert is_mailbox(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "a",
        "a@",
        "@example.org",
        "a@b",
        "a@@example.org",
        "a@example.org@example.org",
        "a@example.org,b@example.org",
        "a@example.org;b@example.org",
        "a@example.org b@example.org",
        "A Person <a@example.org>",
        "<a@example.org>",
        "a@example.org\n",
        "a@example.org\r\nBcc: b@example.org",
        " a@example.org",
        "a b@example.org",
        '"a b"@example.org',
        ".a@example.org",
        "a.@example.org",
        "a..b@example.org",
        "a@example..org",
        "a@.example.org",
        "a@example.org.",
        "a@-example.org",
        "a@example-.org",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@exämple.org",
        "ä@example.org",
        "a@example.org\u202e",
        "a(comment)@example.org",
        "a@exam ple.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 64 + ".org",
        "a@" + ".".join(["b" * 60] * 5) + ".org",
        "mailto:a@example.org",
        "a@example.org\x00",
        "ａ@example.org",
        "a@example.123",
    ],
)
def test_anything_else_is_none(address: str) -> None:
    assert not is_mailbox(address)
    assert only(claim_answers(claimant_email=address)).pointer == "/claimant_email"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
            | st.sampled_from(["amount_pence", "²"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*SPOTLESS, "other", "²"]), json_values, max_size=5))
def test_whatever_is_sent_is_accepted_or_refused_but_never_fails(changes: dict[str, Any]) -> None:
    answers = {**claim_answers(), **changes}
    found = problems(answers)
    if not found:
        tidy = check_answers(FORM, answers)
        assert check_answers(FORM, tidy) == tidy
        assert list(walk(FORM, tidy))
        assert total_pence(FORM, tidy) > 0
    assert len({problem.pointer for problem in found}) == len(found)
    assert all(problem.message and "{" not in problem.message for problem in found)


def test_the_walk_shows_every_answer_in_words_and_order() -> None:
    shown = list(walk(FORM, claim_answers(cost_lines=[a_cost(123_456), a_cost(5, category="av-equipment")])))
    assert [answer.name for answer in shown] == [
        q.name for q in FORM.questions() if q.name in claim_answers()
    ]
    by_name = {answer.name: answer for answer in shown}
    assert by_name["force"].value == "Kent Police"
    assert by_name["event_date"].value == "27 March 2027"
    assert by_name["expected_attendance"].value == "120"
    assert by_name["declaration"].value == "Confirmed"
    assert by_name["cost_lines"].row_headings == ("Cost", "Kind", "Amount")
    assert by_name["cost_lines"].rows == (
        ("Hire of the hall", "Venue hire", "£1,234.56"),
        ("Hire of the hall", "Audio-visual equipment", "£0.05"),
    )
    assert {answer.name for answer in shown if answer.personal} == FORM.personal


def test_an_answer_that_is_not_given_has_no_words() -> None:
    question = FORM.question("claimant_phone")
    assert question is not None
    assert in_words(question, None) == ""
    assert [a.name for a in walk(FORM, {"force": "kent"})] == ["force"]


def test_a_day_is_written_without_a_leading_zero() -> None:
    from datetime import date

    assert long_date(date(2027, 1, 4)) == "4 January 2027"


def test_we_add_up() -> None:
    assert (
        total_pence(FORM, claim_answers(cost_lines=[a_cost(1), a_cost(2), a_cost(10_000_000)])) == 10_000_003
    )
    assert total_pence(FORM, {}) == 0


def test_a_fingerprint_tells_contents_apart_and_not_their_order() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    different = [{"a": 1}, {"a": "1"}, {"a": True}, {"a": None}, {}, {"a": [1]}, {"a": {"b": 1}}, {"b": 1}]
    assert len({fingerprint(one) for one in different}) == len(different)
    assert fingerprint("a", "b") != fingerprint("ab")


@pytest.mark.parametrize("row", [{}, 1, "\x01", {"x": 1}])
def test_a_list_of_thousands_is_too_long_and_not_thousands_of_problems(row: Any) -> None:
    found = {problem.pointer: problem.code for problem in problems(claim_answers(cost_lines=[row] * 20_000))}
    assert found["/cost_lines"] == "maxItems"
    assert len(found) < 100


def test_of_problems_that_no_person_made_the_first_are_told() -> None:
    found = problems({**claim_answers(force="nowhere"), **{f"name{number}": 1 for number in range(9000)}})
    assert len(found) == MAX_PROBLEMS
    assert found[0].pointer == "/force"


def as_the_rule_says(text: str, *, multiline: bool) -> str:
    """The rule of `unshowable`, character by character."""
    for character in text:
        if character == "\n" and not multiline:
            return "line-breaks"
        if character != "\n" and (
            character in BIDI or unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
        ):
            return "control-characters"
    seen = [one for one in text if unicodedata.category(one) not in ("Cf", "Zs", "Cc") and one not in FILLERS]
    return "pattern" if text and not seen else ""


BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
FILLERS = "\u115f\u1160\u3164\uffa0"
ODD = st.sampled_from(f" \n\t\u00a0\u200b\u200d\ufeff\ud800\ue000\u0378\u2028{BIDI}{FILLERS}")


@given(st.text(ODD | st.characters(), max_size=12), st.booleans())
def test_texts_that_need_no_close_look_get_the_answer_of_one(text: str, multiline: bool) -> None:
    assert unshowable(text, multiline=multiline) == as_the_rule_says(text, multiline=multiline)


def test_each_character_alone_is_shown_or_refused_as_the_rule_says() -> None:
    for number in range(sys.maxunicode + 1):
        one = chr(number)
        assert unshowable(one, multiline=False) == as_the_rule_says(one, multiline=False), hex(number)
