"""What every widget says of itself.

A widget knows nothing of pages, addresses or storage. `typed` maps the names of its inputs, below the question's own
name, to what somebody typed there: `{"day": "27", …}`, or `{"": "…"}` for a widget of one input.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from chalicelib.domain.forms.cells import Cell, ColumnKind

if TYPE_CHECKING:
    from chalicelib.domain.forms.form import Question

Typed = Mapping[str, str]

_BOUNDS = (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems"))
_ANY_FAILURE = frozenset(
    {"required", "type", "domain", "unknown-reference", "control-characters", "line-breaks"}
)
ONLY_QUESTIONS = frozenset(
    {"x-personal", "x-for-approvers", "x-public", "x-stored", "x-withheld-by", "x-withheld-seen-by"}
)
"""What a schema may say of a question's answer, and not of one column of a group."""


class Widget:
    """One line of text, unless a widget says otherwise."""

    word: ClassVar[str]
    """What a form file calls it."""

    inputs: ClassVar[tuple[str, ...]] = ("",)
    """The names of its inputs on a page, below the question's own."""

    part_widths: ClassVar[Mapping[str, int]] = {}
    """How many characters wide each of several inputs is."""

    template: ClassVar[str] = "input"
    """Which macro of `web/templates/macros/fields.html` draws it; the next four are for `input`."""

    input_type: ClassVar[str] = "text"
    inputmode: ClassVar[str | None] = None
    spellcheck: ClassVar[bool | None] = None
    prefix: ClassVar[str] = ""

    shape: ClassVar[Mapping[str, Any]] = {"type": "string"}
    """What the schema must say of its answers."""

    keywords: ClassVar[frozenset[str]] = frozenset({"minLength", "maxLength", "pattern"})
    """What else the schema may say of them."""

    members: ClassVar[frozenset[str]] = frozenset({"width", "autocomplete"})
    """Which members a question may have, besides those that every question has."""

    is_sent_empty: ClassVar[bool] = True
    """Whether a page sends its inputs where they were left as they are."""

    column: ClassVar[ColumnKind] = ColumnKind.TEXT
    """How its answers stand in an export."""

    is_figure: ClassVar[bool] = False
    """Whether a table aligns its answers as figures."""

    def read(self, question: Question, typed: Typed) -> Any:
        """The answer in what was typed; None where all was left empty.

        What cannot be read stays a text that the schema refuses, so that pages and the API say the same of it.
        """
        text = typed.get("", "").strip()
        return self.read_text(text) if text else None

    def read_text(self, text: str) -> Any:
        """The answer in the text of its one input."""
        return text

    def typed(self, question: Question, answer: Any) -> dict[str, str]:
        """What somebody would have typed for this answer: the other way round from `read`."""
        return {"": str(answer)}

    def wrong(self, typed: Typed) -> tuple[str, ...]:
        """The inputs to mark where the answer is refused."""
        return self.inputs

    def first_wrong(self, question: Question, typed: Typed) -> str:
        """The input to which a link from the summary of errors leads."""
        return self.wrong(typed)[0]

    def unfinished(self, typed: Typed) -> tuple[str, ...]:
        """The inputs that were left empty while others were filled in."""
        return ()

    def tidy(self, question: Question, answer: Any) -> Any:
        """The answer in its usual form, whatever a program sent. Doing it again changes nothing."""
        return usual_form(answer)

    def said(self, question: Question, answer: Any) -> str:
        """The answer in words, for pages, mails and differences."""
        return str(answer)

    def lines(self, question: Question, answer: Any) -> tuple[tuple[str, ...], ...]:
        """The rows of a repeated answer, in words; none for any other."""
        return ()

    def cell(self, question: Question, answer: Any) -> Cell:
        """The answer as a cell of an export."""
        return self.said(question, answer)

    def fits(self, text: str) -> bool:
        """Whether a text is of the format that `shape` names, for widgets that name one."""
        return True

    def count_inputs(self, question: Question, field: Mapping[str, Any]) -> int:
        """How many fields a page sends for it at most."""
        return len(self.inputs)

    def rules(self, question: Question, field: Mapping[str, Any], *, is_required: bool) -> Iterator[str]:
        """What is wrong with what a form file says of a question and of its answers in the schema (`field`): what
        this widget cannot mean, and what no page could send."""
        for keyword, wanted in self.shape.items():
            if field.get(keyword) != wanted:
                yield f'the widget {self.word} needs "{keyword}": {json.dumps(wanted)} in the schema'
        allowed = {*self.shape, *self.keywords, *ONLY_QUESTIONS, "$comment"}
        for keyword in sorted(set(field) - allowed):
            yield f"the widget {self.word} cannot have {keyword} in the schema"
        for low, high in _BOUNDS:
            if low in field and high in field and field[low] > field[high]:
                yield f"no answer fits: {low} is more than {high}"
        for member, given in (
            ("options", question.options),
            ("columns", question.columns),
            ("width", question.width),
            ("autocomplete", question.autocomplete),
        ):
            if given and member not in self.members:
                yield f"the widget {self.word} cannot have {member}"
        for failure in sorted(set(question.errors) - set(field) - _ANY_FAILURE):
            yield f"there is a message for {failure}, which never fails"


def part(name: str, *below: str) -> str:
    """The name of an input on a page: the question's, and what stands below it."""
    return "-".join(one for one in (name, *below) if one)


def below(name: str, typed: Typed) -> dict[str, str]:
    """What was typed in the inputs of this name, by their names below it."""
    start = f"{name}-"
    found = {key.removeprefix(start): text for key, text in typed.items() if key.startswith(start)}
    return {**found, "": typed[name]} if name in typed else found


def usual_form(value: Any) -> Any:
    """Text in NFC with its line ends as LF, wherever it stands in a value."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, list):
        return [usual_form(item) for item in value]
    if isinstance(value, dict):
        return {usual_name(name): usual_form(item) for name, item in value.items()}
    return value


def usual_name(name: str) -> str:
    """The name of a field in NFC."""
    return unicodedata.normalize("NFC", name)
