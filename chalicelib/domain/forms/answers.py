"""Answers: made tidy, checked against a form, and walked once for everybody who shows them."""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.domain.errors import InvalidAnswers, Problem
from chalicelib.domain.forms.widgets import WIDGETS
from chalicelib.domain.forms.widgets.base import usual_form, usual_name
from chalicelib.domain.values import value

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

    from chalicelib.domain.forms.form import Form, Question

MAX_PROBLEMS = 200
"""An answer that lists more is longer than Lambda may send, at 64 KB of empty rows."""

MAX_MARKS = 30
"""More marks on one letter are in no language (Unicode Annex 15, D3), and normalising them takes their square."""

# The marks and overrides that make text read in another order than it is stored (Unicode TR 9).
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters by their category, but nothing to see: fillers of the Korean script.
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"
_BLANKS = " " + _BLANK_LETTERS
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode

DEFAULT_MESSAGES = {
    "required": "{label} is missing",
    "type": "{label} is of the wrong kind",
    "enum": "{label} must be one of the choices given",
    "const": "{label} must be confirmed",
    "minLength": "{label} must be {limit} characters or more",
    "maxLength": "{label} must be {limit} characters or fewer",
    "minimum": "{label} must be {limit} or more",
    "maximum": "{label} must be {limit} or less",
    "minItems": "{label}: give at least {limit}",
    "maxItems": "{label}: give no more than {limit}",
    "pattern": "{label} is not in the right format",
    "format": "{label} is not in the right format",
    "domain": "{label} must be a police address",
    "control-characters": "{label} holds a character that cannot be shown, such as a tab; take it out",
    "line-breaks": "{label} must be on one line",
    "additionalProperties": "This form has no such question",
}


@value
class Answer:
    """One question and its answer in words, or its rows for a repeated group; `figures` are the columns of numbers."""

    name: str
    heading: str
    value: str
    personal: bool
    rows: tuple[tuple[str, ...], ...] = ()
    row_headings: tuple[str, ...] = ()
    figures: tuple[bool, ...] = ()


def check_answers(form: Form, answers: Any, *, more_domains: Sequence[str] | None = None) -> dict[str, Any]:
    """The answers, tidied (NFC, line ends as LF), where every one is right. `more_domains` are domains that the address
    may be of besides those that the form names; None where the address was taken before and is not looked at again.

    Raises InvalidAnswers with all problems at once (of so many that no person made them, the first MAX_PROBLEMS), in
    the order of the form's questions.
    """
    if not isinstance(answers, dict):
        raise InvalidAnswers([Problem(pointer="", code="type", message="The answers must be a JSON object")])
    tidy: dict[str, Any] = _tidied(form, _within_reach(answers, form.schema))
    found: dict[str, Problem] = {}
    for problem in _all_problems(form, tidy, more_domains):
        # One problem for each answer: the first thing to put right, not all that follows from it.
        found.setdefault(problem.pointer, problem)
        if len(found) == MAX_PROBLEMS:
            break
    if found:
        raise InvalidAnswers(sorted(found.values(), key=lambda problem: _place(form, problem.pointer)))
    return tidy


def build_validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """A validator that also checks the formats that widgets name."""
    from jsonschema_rs import Draft202012Validator

    formats = {one.shape["format"]: one.fits for one in WIDGETS.values() if "format" in one.shape}
    return Draft202012Validator(dict(schema), validate_formats=True, formats=formats)


def total_pence(form: Form, answers: Mapping[str, Any]) -> int:
    """How much money is asked for, in pence: the sum of a column, which the form's file names. We add up; the
    submitter does not. 0 where the form asks for none."""
    if form.amount is None:
        return 0
    return sum(int(row[form.amount.column]) for row in answers.get(form.amount.group, ()))


def fingerprint(*parts: Any) -> str:
    """SHA-256 of the parts as canonical JSON (sorted names, no spaces): what was seen, or what was sent."""
    return hashlib.sha256(_canonical(parts).encode("utf-8")).hexdigest()


def answers_digest(
    reference: str,
    form: str,
    form_version: int,
    answers: Mapping[str, Any],
    personal: Mapping[str, Any],
    salt: str,
) -> str:
    """The digest of all answers. The personal ones are in it by their own digest, so that nobody can guess them from it
    once they and their salt are removed. Without a salt it is as earlier releases made it."""
    if not salt:
        return fingerprint(reference, form, form_version, {**answers, **personal})
    return fingerprint(reference, form, form_version, dict(answers), personal_digest(personal, salt))


def personal_digest(personal: Mapping[str, Any], salt: str) -> str:
    """HMAC-SHA-256 of the personal answers under their salt."""
    return hmac.new(salt.encode(), _canonical(dict(personal)).encode("utf-8"), hashlib.sha256).hexdigest()


def walk(form: Form, answers: Mapping[str, Any]) -> Iterator[Answer]:
    """Each answered question in order, in words. The one walk that pages, mails and exports share."""
    for question in form.questions():
        if question.name not in answers:
            continue
        answer = answers[question.name]
        rows = question.widget.lines(question, answer)
        yield Answer(
            name=question.name,
            heading=question.heading,
            value="" if rows else in_words(question, answer),
            personal=question.name in form.personal,
            rows=rows,
            row_headings=tuple(column.heading for column in question.columns),
            figures=tuple(column.widget.is_figure for column in question.columns),
        )


def in_words(question: Question, value: Any) -> str:
    """One answer as people read it."""
    return "" if value is None else question.widget.said(question, value)


def has_mark_flood(text: str) -> bool:
    """Whether more marks stand on one letter than MAX_MARKS."""
    if text.isascii():
        return False
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > MAX_MARKS:
            return True
    return False


def _tidied(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Each answer as its widget writes it; what the form does not ask, in its usual form, too."""
    questions = {question.name: question for question in form.questions()}
    tidied = {}
    for name, answer in answers.items():
        question = questions.get(usual_name(name))
        tidied[usual_name(name)] = question.widget.tidy(question, answer) if question else usual_form(answer)
    return tidied


def _within_reach(value: Any, schema: Mapping[str, Any]) -> Any:
    """The answers, no list longer than it takes to see, and to say, that it is too long: 64 KB hold 20,000 rows."""
    if isinstance(value, list):
        most = schema.get("maxItems", len(value)) + 1
        return [_within_reach(item, schema.get("items", {})) for item in value[:most]]
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: _within_reach(item, properties.get(name, {})) for name, item in value.items()}
    return value


def _all_problems(
    form: Form, answers: Mapping[str, Any], more_domains: Sequence[str] | None
) -> Iterator[Problem]:
    yield from _unshowable(form, answers, form.schema, ())
    for error in form.validator.iter_errors(answers):
        yield from _problems(form, error)
    address = answers.get(form.email_field)
    if more_domains is not None and isinstance(address, str) and not form.proof.takes(address, more_domains):
        yield _problem(form, (form.email_field,), "domain")


def _unshowable(
    form: Form, value: Any, schema: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[Problem]:
    """Problems with control characters and line breaks, wherever a string stands."""
    if isinstance(value, str):
        code = unshowable(value, multiline=bool(schema.get("x-multiline")))
        if code:
            yield _problem(form, path, code)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unshowable(form, item, schema.get("items", {}), (*path, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _unshowable(form, item, schema.get("properties", {}).get(name, {}), (*path, name))


def unshowable(text: str, *, multiline: bool) -> str:
    """The code of what cannot be shown in a text, or nothing: controls, line breaks, or nothing to see at all."""
    if text.isprintable():  # all but Unicode's "other" and "separator": no need to look at each character
        return "" if not text or text.strip(_BLANKS) else "pattern"
    for character in text:
        if character == "\n":
            if not multiline:
                return "line-breaks"
        elif character in _BIDI_CONTROLS or unicodedata.category(character) in (
            "Cc",
            "Cs",
            "Co",
            "Cn",
            "Zl",
            "Zp",
        ):
            return "control-characters"
    return "" if any(_is_visible(character) for character in text) else "pattern"


def has_controls(name: str) -> bool:
    """Whether the name of a field holds what no name of ours does, and what would not be seen in a message."""
    return unshowable(name, multiline=False) in ("control-characters", "line-breaks")


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cf", "Zs", "Cc") and character not in _BLANK_LETTERS


def _problems(form: Form, error: ValidationError) -> Iterator[Problem]:
    """One schema error as problems: a missing or unknown field is a problem of that field."""
    path = tuple(error.instance_path)
    keyword = error.kind.name
    if keyword == "required":
        yield _problem(form, (*path, str(error.kind.as_dict()["property"])), keyword)
    elif keyword == "additionalProperties":
        for name in error.kind.as_dict()["unexpected"]:
            yield _problem(form, (*path, str(name)), keyword)
    else:
        limit = error.kind.as_dict().get("limit", "")
        yield _problem(form, path, keyword, limit=limit)


def _problem(form: Form, path: Sequence[str | int], code: str, *, limit: Any = "") -> Problem:
    question = _question_at(form, path)
    label = question.heading if question else "The answer"
    wording = (question.errors.get(code) if question else None) or DEFAULT_MESSAGES.get(
        code, "{label} is not in the right format"
    )
    shown_limit = f"{limit:,}" if isinstance(limit, int) else limit
    message = wording.format(label=label, limit=shown_limit)
    return Problem(pointer=_pointer(path), code=code, message=message)


def _question_at(form: Form, path: Sequence[str | int]) -> Question | None:
    if not path or not isinstance(path[0], str):
        return None
    question = form.question(path[0])
    if question is not None and len(path) >= 3:
        return next((column for column in question.columns if column.name == path[2]), None)
    return question


def _pointer(path: Sequence[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _place(form: Form, pointer: str) -> tuple[int, list[tuple[int, str]]]:
    names = [question.name for question in form.questions()]
    first, *rest = pointer.split("/")[1:] or [""]
    place = names.index(first) if first in names else len(names)
    return place, [(int(part), "") if part.isdecimal() and part.isascii() else (-1, part) for part in rest]
