"""Exports: a form's submissions of a force, or of all, from one period, as files that are made once.

The files are named after their content, and the manifest names them: two who make the same export at once store
files that do not get in each other's way, and one manifest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chalicelib.domain import exports
from chalicelib.domain.errors import NotFound
from chalicelib.domain.exports import ALL, Cell, MadeFile, Manifest, Period
from chalicelib.domain.forms import Form
from chalicelib.domain.people import Person
from chalicelib.domain.submissions import Submission
from chalicelib.services.ports import Parts

MOST_FETCHED = 4 * 1024 * 1024
"""Bytes of a file that the pages hand out: with base64 it fits Lambda's answer of 6 MB."""

_MANIFEST = "manifest.json"
_MOST_MANIFEST = 64 * 1024


class NotOver(ValueError):
    """The period is not over: an export made now would not be what it is called."""


def export(parts: Parts, form_id: str, scope: str, period: Period) -> Manifest:
    """The export of this form, scope (a force's code, or `all`) and period; made where there is none yet.

    Raises NotOver, NotFound for a form or force that there is not, and ValueError beyond a sheet's rows.
    """
    if period.end > parts.now():
        raise NotOver("This period is not over yet.")
    if scope not in (ALL, *parts.forms.forces()):
        raise NotFound("There is no such force.")
    form = parts.forms.form(form_id)
    kept = _kept(parts, form.id, scope, period.key)
    if kept is not None:
        return kept
    return _make(parts, form, scope, period)


def fetch_manifest(parts: Parts, person: Person, form_id: str, scope: str, period_key: str) -> Manifest:
    """What an export holds, for somebody who may have it. Raises NotFound, also to whoever may not: whether there
    is one is not theirs to know."""
    if not exports.may_fetch(person, scope):
        raise NotFound("There is no such export, or it is not for you.")
    kept = _kept(parts, form_id, scope, period_key)
    if kept is None:
        raise NotFound("There is no such export, or it has been removed since.")
    return kept


def fetch_file(parts: Parts, manifest: Manifest, name: str) -> tuple[MadeFile, bytes]:
    """A file of an export. Raises NotFound, or TooLarge beyond MOST_FETCHED."""
    file = manifest.file(name)
    if file is None:
        raise NotFound("There is no such file.")
    return file, parts.files.get(file.key, most=MOST_FETCHED)


def as_told(one: Submission, parts: Parts) -> Submission:
    """The submission as others may know it: a decision that can still be undone has not happened."""
    if one.undo is not None and one.may_undo(parts.now()):
        return one.put_back(one.undo.before)
    return one


def forces_in(parts: Parts, scope: str) -> list[str]:
    """The forces of a scope."""
    return parts.forms.forces() if scope == ALL else [scope]


def _kept(parts: Parts, form_id: str, scope: str, period_key: str) -> Manifest | None:
    try:
        key = f"{exports.folder(form_id, scope, period_key)}/{_MANIFEST}"
        return Manifest.from_json(parts.files.get(key, most=_MOST_MANIFEST))
    except NotFound:
        return None


@dataclass
class _Rows:
    """The rows of an export, one at a time; counts what went by."""

    parts: Parts
    form: Form
    scope: str
    period: Period
    count: int = 0
    versions: set[int] = field(default_factory=set)

    def __iter__(self) -> Iterator[list[Cell]]:
        columns = exports.columns(self.form)
        labels = exports.labels_of(self.form)
        archive, period = self.parts.archive, self.period
        for force in forces_in(self.parts, self.scope):
            name = self.parts.forms.force_name(force)
            for one in archive.submitted(force, self.form.id, since=period.start, until=period.end):
                if one.moved_to:
                    continue  # it stands with the force that it was moved to
                self.count += 1
                self.versions.add(one.form_version)
                told = as_told(one, self.parts)
                yield exports.row(told, columns, force_name=name, labels=labels)


def _make(parts: Parts, form: Form, scope: str, period: Period) -> Manifest:
    now = parts.now()
    folder = exports.folder(form.id, scope, period.key)
    rows = _Rows(parts, form, scope, period)
    title = f"{form.title}, {period.words}"
    with parts.workbooks.written(exports.columns(form), rows, title=title, at=now) as files:
        made = []
        for file in files:
            key = f"{folder}/{file.sha256}.{file.name}"
            parts.files.put(key, file.content, media_type=file.media_type)
            made.append(
                MadeFile(
                    name=file.name,
                    key=key,
                    media_type=file.media_type,
                    sha256=file.sha256,
                    size=file.size,
                )
            )
    manifest = Manifest(
        form=form.id,
        form_versions=tuple(sorted(rows.versions)),
        scope=scope,
        period=period,
        number=parts.archive.next_number(form.id, scope),
        rows=rows.count,
        made_at=now,
        files=tuple(made),
    )
    content = manifest.to_json()
    if parts.files.put_if_absent(f"{folder}/{_MANIFEST}", content, media_type="application/json"):
        return manifest
    # Somebody else was quicker: theirs is the export.
    return _kept(parts, form.id, scope, period.key) or manifest
