"""A form as its file says it: questions in order, the schema of its answers, and the stages of its workflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator


@dataclass(frozen=True, kw_only=True)
class Option:
    """One of the answers that may be chosen."""

    value: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question. `errors` maps a schema keyword to the sentence shown when it fails.

    A `group` question repeats its `columns`, each a question of its own.
    """

    name: str
    label: str
    widget: str
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


@dataclass(frozen=True, kw_only=True)
class Page:
    """Questions that stand together under one heading."""

    id: str
    title: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A role, held at the submission's force (`at` is `force`) or nationally (`national`)."""

    role: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of an approval: who is asked, for how many working days, and who is asked after them.

    The stage applies only to amounts of `from_pence` and more.
    """

    name: str
    title: str
    asks: Asked
    deputy: Asked
    working_days: int
    deputy_working_days: int
    from_pence: int = 0


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """The state machine that runs a form's submissions and the stages it goes through, in order."""

    name: str
    stages: tuple[Stage, ...]
    fund: str
    reserve_at: str

    def stage(self, name: str) -> Stage:
        """The stage of this name; KeyError where the form has none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    def first(self, amount_pence: int) -> Stage:
        """The stage that a new submission starts at."""
        return next(stage for stage in self.stages if amount_pence >= stage.from_pence)

    def after(self, name: str, amount_pence: int) -> Stage | None:
        """The stage that follows `name` for this amount, or None where `name` was the last."""
        names = [stage.name for stage in self.stages]
        later = self.stages[names.index(name) + 1 :]
        return next((stage for stage in later if amount_pence >= stage.from_pence), None)


@dataclass(frozen=True, kw_only=True)
class Form:
    """One version of one form."""

    id: str
    version: int
    title: str
    summary: str
    programme: str
    reference_prefix: str
    schema: Mapping[str, Any]
    pages: tuple[Page, ...]
    workflow: Workflow

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

    @cached_property
    def validator(self) -> Draft202012Validator:
        """The schema's validator, built on first use: building costs more than checking."""
        from chalicelib.domain.answers import build_validator

        return build_validator(self.schema)


def read_form(data: Mapping[str, Any], *, forces: Mapping[str, str]) -> Form:
    """The form that a file's JSON describes. `forces` (code → name) fills `options_from: forces`.

    The file was checked against `schemas/meta/form.schema.json` before it was committed.
    """
    workflow = data["workflow"]
    return Form(
        id=data["id"],
        version=data["version"],
        title=data["title"],
        summary=data["summary"],
        programme=data["programme"],
        reference_prefix=data["reference_prefix"],
        schema=data["schema"],
        pages=tuple(
            Page(
                id=page["id"],
                title=page["title"],
                questions=tuple(_question(question, forces) for question in page["questions"]),
            )
            for page in data["pages"]
        ),
        workflow=Workflow(
            name=workflow["name"],
            fund=workflow["fund"],
            reserve_at=workflow["reserve_at"],
            stages=tuple(_stage(stage) for stage in workflow["stages"]),
        ),
    )


def _question(data: Mapping[str, Any], forces: Mapping[str, str]) -> Question:
    if data.get("options_from") == "forces":
        options = tuple(Option(value=code, label=name) for code, name in forces.items())
    else:
        options = tuple(Option(**option) for option in data.get("options", ()))
    return Question(
        name=data["name"],
        label=data["label"],
        widget=data["widget"],
        hint=data.get("hint", ""),
        short=data.get("short", ""),
        options=options,
        columns=tuple(_question(column, forces) for column in data.get("columns", ())),
        errors=data.get("errors", {}),
        width=data.get("width"),
        autocomplete=data.get("autocomplete", ""),
    )


def _stage(data: Mapping[str, Any]) -> Stage:
    return Stage(
        name=data["name"],
        title=data["title"],
        asks=Asked(**data["asks"]),
        deputy=Asked(**data["deputy"]),
        working_days=data["working_days"],
        deputy_working_days=data["deputy_working_days"],
        from_pence=data.get("from_pence", 0),
    )
