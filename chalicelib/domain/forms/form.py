"""A form as its file says it: questions in order, the schema of its answers, and its workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.domain.forms.stages import Asked, Workflow
from chalicelib.domain.forms.widgets import Widget, widget_named
from chalicelib.domain.forms.workflow_file import read_workflow
from chalicelib.domain.values import value

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator


@value
class Option:
    """One of the answers that may be chosen."""

    value: str
    label: str


@value
class Question:
    """One question. `errors` maps a schema keyword to the sentence shown when it fails.

    A `group` question repeats its `columns`, each a question of its own.
    """

    name: str
    label: str
    widget: Widget
    hint: str = ""
    short: str = ""
    options: tuple[Option, ...] = ()
    columns: tuple[Question, ...] = ()
    errors: Mapping[str, str]
    width: int | None = None
    autocomplete: str = ""

    @property
    def heading(self) -> str:
        """How the question is named beside its answer, in mails, on pages and in exports."""
        return self.short or self.label

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """What stands beside each option, by its value."""
        return {option.value: option.label for option in self.options}


@value
class Page:
    """Questions that stand together under one heading."""

    id: str
    title: str
    questions: tuple[Question, ...]


@value
class Proof:
    """How a submitter shows who they are before anybody is asked: `by` a code to their `mailbox`. Addresses must be of
    one of the `domains`, or below one; of any, where none is named."""

    by: str = "mailbox"
    domains: tuple[str, ...] = ()

    def takes(self, address: str, more: Sequence[str] = ()) -> bool:
        """Whether submissions from this address are taken. `more` domains are taken besides those named."""
        domain = address.rpartition("@")[2].casefold()
        taken = (*self.domains, *more)
        return not self.domains or any(domain == one or domain.endswith(f".{one}") for one in taken)


@value
class Amount:
    """Where the money that is asked for stands: a column of a group's rows."""

    group: str
    column: str


@value
class Form:
    """One version of one form. `noun` is what its submissions are called in a sentence: `claim`.

    `title_field` and `email_field` name the answers that say what a submission is about and where to write.
    """

    id: str
    version: int
    title: str
    noun: str
    title_field: str
    email_field: str
    summary: str
    programme: str
    reference_prefix: str
    schema: Mapping[str, Any]
    pages: tuple[Page, ...]
    workflow: Workflow
    proof: Proof = field(default_factory=Proof)
    amount: Amount | None = None
    public_filter: str = ""
    """The field that the public list is filtered by; empty where the form's submissions are never published."""

    export: tuple[tuple[str, str], ...] = ()
    """Field and heading of each column of an export."""

    def questions(self) -> Iterator[Question]:
        """All questions, in the order they are asked."""
        for page in self.pages:
            yield from page.questions

    def question(self, name: str) -> Question | None:
        """The question of this name."""
        return next((question for question in self.questions() if question.name == name), None)

    @cached_property
    def personal(self) -> frozenset[str]:
        """Names of the fields that hold personal data (`x-personal` in the schema)."""
        fields = self.schema["properties"].items()
        return frozenset(name for name, field in fields if field.get("x-personal"))

    @cached_property
    def kept_from_approvers(self) -> frozenset[str]:
        """Personal fields that deciding does not take (those without `x-for-approvers`)."""
        fields = self.schema["properties"]
        return frozenset(name for name in self.personal if not fields[name].get("x-for-approvers"))

    def withheld(self, *versions: Mapping[str, Any]) -> frozenset[str]:
        """Fields that any of these versions of the answers withholds (`x-withheld-by` names the answer that says so).
        Who sees them all the same, `domain/records/withholding.py` decides."""
        fields = self.schema["properties"]
        wishes = {name: field["x-withheld-by"] for name, field in fields.items() if "x-withheld-by" in field}
        return frozenset(
            name for name, wish in wishes.items() if any(answers.get(wish) for answers in versions)
        )

    def seen_by(self, field: str) -> tuple[Asked, ...]:
        """The roles that see this field where it is withheld (`x-withheld-seen-by`); none unless the file says so."""
        named = self.schema["properties"][field].get("x-withheld-seen-by", ())
        return tuple(Asked(role=one["role"], at=one["at"]) for one in named)

    @cached_property
    def public(self) -> frozenset[str]:
        """Fields that may be published (`x-public`)."""
        fields = self.schema["properties"].items()
        return frozenset(name for name, field in fields if field.get("x-public")) - self.personal

    @cached_property
    def stored_references(self) -> tuple[str, ...]:
        """Fields whose reference must be that of a stored submission (`x-stored`)."""
        fields = self.schema["properties"].items()
        return tuple(name for name, field in fields if field.get("x-stored"))

    @property
    def is_published(self) -> bool:
        """Whether its submissions may be published. Of those that are not, titles are no leader's to read."""
        return bool(self.workflow.publishes_at)

    def filed_under(self, answers: Mapping[str, Any]) -> str:
        """The answer that the public list is filtered by; empty where there is none."""
        return str(answers.get(self.public_filter, "")) if self.public_filter else ""

    @property
    def submitter(self) -> str:
        """Who sent one of its submissions, in words: whoever asks for money claims it."""
        return "the claimant" if self.workflow.fund else f"the person who sent the {self.noun}"

    def title_of(self, answers: Mapping[str, Any], otherwise: str) -> str:
        """What a submission is about, in the submitter's words."""
        return str(answers.get(self.title_field, otherwise))

    @cached_property
    def validator(self) -> Draft202012Validator:
        """The schema's validator, built on first use: building costs more than checking."""
        from chalicelib.domain.forms.answers import build_validator

        return build_validator(self.schema)


Lists = Callable[[str], Mapping[str, str]]
"""Shared lists by name: each value with its label. KeyError where there is no such list."""


def read_form(data: Mapping[str, Any], *, workflow: Mapping[str, Any], lists: Lists) -> Form:
    """The form that a file's JSON describes. `workflow` is the JSON of the workflow that it names. `lists` fills
    `options_from` and `x-list`.

    The files were checked (`infra/forms`) before they were committed. Raises UnknownWidget.
    """
    return Form(
        id=data["id"],
        version=data["version"],
        title=data["title"],
        noun=data["noun"],
        title_field=data["title_field"],
        email_field=data["email_field"],
        summary=data["summary"],
        programme=data["programme"],
        reference_prefix=data["reference_prefix"],
        schema=_with_lists(data["schema"], lists),
        pages=tuple(
            Page(
                id=page["id"],
                title=page["title"],
                questions=tuple(read_question(question, lists) for question in page["questions"]),
            )
            for page in data["pages"]
        ),
        workflow=read_workflow(workflow, data, read_question=lambda said: read_question(said, lists)),
        amount=Amount(**data["amount"]) if "amount" in data else None,
        public_filter=data.get("publishes", {}).get("filter", ""),
        proof=Proof(by=data["proof"]["by"], domains=tuple(data["proof"].get("domains", ()))),
        export=tuple((column["field"], column["heading"]) for column in data["export"]["columns"]),
    )


def _with_lists(schema: Mapping[str, Any], lists: Lists) -> dict[str, Any]:
    """A schema in which every `x-list` has become the `enum` of the list's values."""
    filled: dict[str, Any] = {}
    for keyword, said in schema.items():
        if keyword == "x-list":
            filled["enum"] = list(lists(said))
        elif keyword == "properties":
            filled[keyword] = {name: _with_lists(field, lists) for name, field in said.items()}
        elif keyword == "items":
            filled[keyword] = _with_lists(said, lists)
        else:
            filled[keyword] = said
    return filled


def read_question(data: Mapping[str, Any], lists: Lists) -> Question:
    """The question that this JSON describes. Raises UnknownWidget."""
    if "options_from" in data:
        listed = lists(data["options_from"])
        options = tuple(Option(value=code, label=name) for code, name in listed.items())
    else:
        options = tuple(Option(**option) for option in data.get("options", ()))
    return Question(
        name=data["name"],
        label=data["label"],
        widget=widget_named(data["widget"], question=data["name"]),
        hint=data.get("hint", ""),
        short=data.get("short", ""),
        options=options,
        columns=tuple(read_question(column, lists) for column in data.get("columns", ())),
        errors=data.get("errors", {}),
        width=data.get("width"),
        autocomplete=data.get("autocomplete", ""),
    )
