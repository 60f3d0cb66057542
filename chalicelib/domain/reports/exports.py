"""Exports: which submissions, which columns, and what stands in each cell. No personal answer can be a column."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.forms.cells import Cell, ColumnKind
from chalicelib.domain.forms.form import Form, Question
from chalicelib.domain.people.people import ADMIN, COORDINATOR, FINANCE, NATIONAL, Person, roles_that_may
from chalicelib.domain.records.submissions import Submission
from chalicelib.domain.values import value

LONDON = ZoneInfo("Europe/London")
ALL = "all"
"""The scope that is every force."""

(CHIEF,) = roles_that_may("read-force-digest")
LEADERS = roles_that_may("read-national-digest")
MOST_LISTED = 12
"""How many periods of a form the page of exports lists."""

MANIFEST = "manifest.json"
LONGEST_CELL = 32_767
"""Characters that a spreadsheet keeps in one cell."""

_STAMP = "%Y%m%dT%H%M%Sz"

Questions = Mapping[str, Question]
"""The questions of a form, by name."""


@value
class Column:
    """One column: a field of the answers, or one that every submission has."""

    field: str
    heading: str
    kind: ColumnKind


class NotExportable(ValueError):
    """A form's file names a column that cannot be exported."""


@value
class Period:
    """From `start` to just before `end`, both in UTC to the second."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError("a period ends after it begins")

    @property
    def key(self) -> str:
        """`2027-01-04-to-2027-01-10`; where it is not whole days in London, the moments in UTC."""
        first, last = self.start.astimezone(LONDON), self.end.astimezone(LONDON)
        if _is_midnight(first) and _is_midnight(last):
            return f"{first:%Y-%m-%d}-to-{last - timedelta(days=1):%Y-%m-%d}"
        return f"{_stamp(self.start)}-to-{_stamp(self.end)}"

    @classmethod
    def from_key(cls, key: str) -> Period:
        """The period of this name. Raises ValueError for what names none."""
        first, _, last = key.partition("-to-")
        if "T" in key:
            return cls(start=_read_stamp(first), end=_read_stamp(last))
        after = date.fromisoformat(last) + timedelta(days=1)
        return cls(start=midnight(date.fromisoformat(first)), end=midnight(after))

    @property
    def words(self) -> str:
        """`Monday 4 to Sunday 10 January 2027`; with the time where it ends within a day."""
        first, last = self.start.astimezone(LONDON), self.end.astimezone(LONDON)
        if _is_midnight(last):
            last = last - timedelta(days=1)
            return f"{_day(first, last)} to {_day(last)}"
        if first.date() == last.date():
            return f"{_day(last)}, up to {last:%H:%M}"
        return f"{_day(first, last)} to {_day(last)}, {last:%H:%M}"


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 0)


def midnight(day: date) -> datetime:
    """When a day begins in London, in UTC."""
    return datetime.combine(day, time(), LONDON).astimezone(timezone.utc)


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):{_STAMP}}"


def _read_stamp(words: str) -> datetime:
    return datetime.strptime(words, _STAMP).replace(tzinfo=timezone.utc)


def _day(moment: datetime, last: datetime | None = None) -> str:
    """A day; what it has in common with `last` is left to that one."""
    month = "" if last and (last.year, last.month) == (moment.year, moment.month) else f" {moment:%B}"
    year = "" if last and last.year == moment.year else f" {moment:%Y}"
    return f"{moment:%A} {moment.day}{month}{year}"


@value
class MadeFile:
    """A stored file. `sha256` is in hexadecimal digits, `size` in bytes."""

    name: str
    key: str
    media_type: str
    sha256: str
    size: int


@value
class Manifest:
    """What an export is: the same for whoever asks for the same form, scope and period.

    `number` rises with each export of this form and scope; one that is missing belongs to an export that was not
    finished, or to one that lost against another made at the same time.
    """

    form: str
    form_versions: tuple[int, ...]
    scope: str
    period: Period
    number: int
    rows: int
    made_at: datetime
    files: tuple[MadeFile, ...]

    def to_json(self) -> bytes:
        """The manifest as it is stored."""
        data = {**asdict(self), "period": {"key": self.period.key, **_ends(self.period)}}
        data["made_at"] = self.made_at.isoformat()
        return json.dumps(data, indent=2, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Manifest:
        """What `to_json` made."""
        data = json.loads(content)
        ends = {end: datetime.fromisoformat(data["period"][end]) for end in ("start", "end")}
        return cls(
            form=data["form"],
            form_versions=tuple(data["form_versions"]),
            scope=data["scope"],
            period=Period(**ends),
            number=data["number"],
            rows=data["rows"],
            made_at=datetime.fromisoformat(data["made_at"]),
            files=tuple(MadeFile(**one) for one in data["files"]),
        )

    def file(self, name: str) -> MadeFile | None:
        """The file of this name."""
        return next((one for one in self.files if one.name == name), None)


def _ends(period: Period) -> dict[str, str]:
    return {"start": period.start.isoformat(), "end": period.end.isoformat()}


def folder(form: str, scope: str, period_key: str = "") -> str:
    """Where an export is stored; without a period, where all of the form and scope are."""
    return "/".join(filter(None, ("exports", form, scope, period_key)))


def newest(keys: Iterable[str]) -> list[Period]:
    """The periods of the exports among these files, the newest first and so many as are listed. One without its
    manifest is not finished."""
    found = (key.split("/")[-2] for key in keys if key.endswith(f"/{MANIFEST}"))
    return sorted(map(Period.from_key, found), key=lambda one: (one.end, one.start), reverse=True)[
        :MOST_LISTED
    ]


def scopes(person: Person, forces: Sequence[str]) -> list[str]:
    """The scopes whose exports somebody may have, that of all forces first."""
    return [scope for scope in (ALL, *forces) if may_fetch(person, scope)]


def may_fetch(person: Person, scope: str) -> bool:
    """Whether somebody may have an export: a chief constable that of their own force; the national leaders and
    the national staff every one."""
    national = (*LEADERS, COORDINATOR, FINANCE, ADMIN)
    if any(person.holds(role, at=NATIONAL) for role in national):
        return True
    return scope not in (ALL, NATIONAL) and person.holds(CHIEF, at=scope)


_ALWAYS = {
    "reference": ColumnKind.TEXT,
    "force": ColumnKind.TEXT,
    "status": ColumnKind.TEXT,
    "amount_pence": ColumnKind.MONEY,
    "submitted_at": ColumnKind.MOMENT,
}
"""What every submission has."""


def columns(form: Form) -> tuple[Column, ...]:
    """The columns of a form's exports. Raises NotExportable for a personal field, or one that the form does not ask;
    and where there is no column at all."""
    if not form.export:
        raise NotExportable(f"{form.id}: there are no columns")
    return tuple(
        Column(field=field, heading=heading, kind=_kind(form, field)) for field, heading in form.export
    )


def _kind(form: Form, field: str) -> ColumnKind:
    schema = form.schema["properties"].get(field)
    if field in form.personal or (schema and "x-personal" in json.dumps(schema)):
        raise NotExportable(f"{form.id}: {field} is personal")
    if field in _ALWAYS:
        return _ALWAYS[field]
    question = form.question(field)
    if question is None:
        raise NotExportable(f"{form.id}: there is no {field}")
    return question.widget.column


def row(
    one: Submission, form_columns: Sequence[Column], *, force_name: str, questions: Questions
) -> list[Cell]:
    """The cells of a submission, as the columns want them; None where there is no answer."""
    return [_cell(one, column, force_name, questions) for column in form_columns]


def questions_of(form: Form) -> Questions:
    """The questions of a form, by name."""
    return {question.name: question for question in form.questions()}


def _cell(one: Submission, column: Column, force_name: str, questions: Questions) -> Cell:
    if column.field == "force":
        return force_name
    if column.field == "status":
        return one.status.value.replace("-", " ").capitalize()
    if column.field in _ALWAYS:
        always: Cell = getattr(one, column.field)
        return always
    answer: Any = one.answers.get(column.field)
    if answer is None:
        return None
    question = questions[column.field]
    cell = question.widget.cell(question, answer)
    return plain(cell) if isinstance(cell, str) else cell


def plain(text: str) -> str:
    """Text without control characters and marks that turn its direction; line breaks become spaces."""
    if text.isprintable():  # nearly all of it is, and looking at each letter is a tenth of an export
        return text[:LONGEST_CELL]
    spaced = " ".join(text.splitlines())
    return "".join(char for char in spaced if not _is_dropped(char))[:LONGEST_CELL]


def _is_dropped(char: str) -> bool:
    """Controls, format characters and halves of pairs; and what is no character at all, which XML refuses."""
    return unicodedata.category(char) in ("Cc", "Cf", "Cs") or ord(char) & 0xFFFE == 0xFFFE


def harmless(text: str) -> str:
    """Text as it may stand in a CSV: what a spreadsheet would calculate gets an apostrophe before it."""
    return "'" + text if text.lstrip().startswith(_CALCULATED) or text.startswith(("\t", "\r")) else text


_CALCULATED = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with; the wide forms count where Chinese or Japanese is set."""
