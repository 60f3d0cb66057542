"""Exports: a form's submissions of a force, or of all, from one period, as files that are made once.

The files are named after their content, and the manifest names them: two who make the same export at once store
files that do not get in each other's way, and one manifest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.cells import Cell
from chalicelib.domain.forms.form import Form
from chalicelib.domain.people.people import Person
from chalicelib.domain.reports import exports
from chalicelib.domain.reports.exports import ALL, MadeFile, Manifest, Period
from chalicelib.domain.values import value
from chalicelib.services.ports import Parts

MOST_FETCHED = 4 * 1024 * 1024
"""Bytes of a file that goes through the app: with base64 it fits Lambda's answer of 6 MB."""

ADDRESS_SECONDS = 60
"""How long the address of a larger one is good for."""

_MOST_MANIFEST = 64 * 1024


class NotOver(ValueError):
    """The period is not over: an export made now would not be what it is called."""


@value
class HandedOut:
    """A file for whoever asked for it: its content, or for a large one the address where they fetch it."""

    called: str
    media_type: str
    content: bytes = b""
    address: str = ""


@value
class Shelf:
    """The exports that there are of a form, newest first."""

    form: Form
    periods: tuple[Period, ...]


@value
class Shelves:
    """The exports of one scope, and the scopes that the person who asks may see."""

    scope: str
    scopes: tuple[str, ...]
    shelves: tuple[Shelf, ...]


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


def shelves(parts: Parts, person: Person, scope: str = "") -> Shelves:
    """The exports that somebody may have, of one scope: the widest of theirs where none is named. Raises NotFound
    for whoever may have none, or none of this scope."""
    scopes = exports.scopes(person, parts.forms.forces())
    if not scopes:
        raise NotFound("There are no exports for you. They are for chief constables and the national team.")
    if scope and scope not in scopes:
        raise NotFound("There are no such exports, or they are not for you.")
    scope = scope or scopes[0]
    return Shelves(
        scope=scope,
        scopes=tuple(scopes),
        shelves=tuple(_shelf(parts, form, scope) for form in parts.forms.all()),
    )


def _shelf(parts: Parts, form: Form, scope: str) -> Shelf:
    found = exports.newest(parts.files.keys(f"{exports.folder(form.id, scope)}/"))
    return Shelf(form=form, periods=tuple(found))


def fetch_manifest(parts: Parts, person: Person, form_id: str, scope: str, period_key: str) -> Manifest:
    """What an export holds, for somebody who may have it. Raises NotFound, also to whoever may not: whether there
    is one is not theirs to know."""
    if not exports.may_fetch(person, scope):
        raise NotFound("There is no such export, or it is not for you.")
    kept = _kept(parts, form_id, scope, period_key)
    if kept is None:
        raise NotFound("There is no such export, or it has been removed since.")
    return kept


def hand_out(parts: Parts, person: Person, form_id: str, scope: str, period_key: str, name: str) -> HandedOut:
    """A file of an export, for somebody who may have it. Raises NotFound as `fetch_manifest` does."""
    manifest = fetch_manifest(parts, person, form_id, scope, period_key)
    file = _file(manifest, name)
    called = f"{manifest.form}-{manifest.scope}-{manifest.period.key}.{file.name}"
    if file.size > MOST_FETCHED:
        address = parts.files.address(
            file.key, called=called, media_type=file.media_type, seconds=ADDRESS_SECONDS
        )
        return HandedOut(called=called, media_type=file.media_type, address=address)
    _, content = fetch_file(parts, manifest, name)
    return HandedOut(called=called, media_type=file.media_type, content=content)


def fetch_file(parts: Parts, manifest: Manifest, name: str) -> tuple[MadeFile, bytes]:
    """A file of an export. Raises NotFound, or TooLarge beyond MOST_FETCHED."""
    file = _file(manifest, name)
    return file, parts.files.get(file.key, most=MOST_FETCHED)


def _file(manifest: Manifest, name: str) -> MadeFile:
    file = manifest.file(name)
    if file is None:
        raise NotFound("There is no such file.")
    return file


def forces_in(parts: Parts, scope: str) -> list[str]:
    """The forces of a scope."""
    return parts.forms.forces() if scope == ALL else [scope]


def _kept(parts: Parts, form_id: str, scope: str, period_key: str) -> Manifest | None:
    try:
        key = f"{exports.folder(form_id, scope, period_key)}/{exports.MANIFEST}"
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
        questions = exports.questions_of(self.form)
        archive, period = self.parts.archive, self.period
        for force in forces_in(self.parts, self.scope):
            name = self.parts.forms.force_name(force)
            for one in archive.submitted(force, self.form.id, since=period.start, until=period.end):
                if one.moved_to:
                    continue  # it stands with the force that it was moved to
                self.count += 1
                self.versions.add(one.form_version)
                told = one.as_told(self.parts.now())
                yield exports.row(told, columns, force_name=name, questions=questions)


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
    if parts.files.put_if_absent(f"{folder}/{exports.MANIFEST}", content, media_type="application/json"):
        return manifest
    # Somebody else was quicker: theirs is the export.
    return _kept(parts, form.id, scope, period.key) or manifest
