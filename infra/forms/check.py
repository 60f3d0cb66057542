"""Every form and workflow file of a folder, checked: what cannot mean anything is named with its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs

from chalicelib.adapters.files.form_files import FormFiles
from chalicelib.domain.forms import checks
from infra.forms import form_rules, workflow_rules
from infra.forms.fault import Data, Fault, Found

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
META = SCHEMAS / "meta"


def check(folder: Path = SCHEMAS) -> list[Fault]:
    """The faults of all forms and workflows in a folder like `schemas/`, in the order of files."""
    return sorted(set(Checking(folder).faults()))


@dataclass
class Checking:
    """One look at a folder. Only workflows that are right are asked what they say."""

    folder: Path
    sound: dict[str, Data] = field(default_factory=dict)
    """Workflow files without a fault, by name and version."""

    def faults(self) -> Iterator[Fault]:
        """The faults of all files."""
        for file in self._files("workflows"):
            found = list(self._workflow(file))
            yield from found
        prefixes: dict[str, str] = {}
        for file in self._files("forms"):
            yield from self._form(file, prefixes)

    def _files(self, kind: str) -> list[Path]:
        return sorted((self.folder / kind).glob("*.json"))

    def _workflow(self, file: Path) -> Iterator[Fault]:
        data = self._read(file)
        found = self._in(file, _meta_faults(data, "workflow"))
        if not found and isinstance(data, dict):
            found = self._in(file, _name_faults(file, f"{data['name']}.v{data['version']}"))
            found += self._in(file, workflow_rules.faults(data))
        if not found and isinstance(data, dict):
            self.sound[file.stem] = data
        yield from found

    def _form(self, file: Path, prefixes: dict[str, str]) -> Iterator[Fault]:
        data = self._read(file)
        found = self._in(file, _meta_faults(data, "form"))
        if found or not isinstance(data, dict):
            yield from found
            return
        yield from self._in(file, _name_faults(file, f"{data['id']}.v{data['version']}"))
        other = prefixes.setdefault(data["reference_prefix"], data["id"])
        if other != data["id"]:
            yield self._fault(file, "reference_prefix", f"the form {other!r} has the same")
        found = self._in(file, form_rules.faults(data)) + self._in(file, self._lists_of(data))
        yield from found
        workflow = self.sound.get(data["workflow"])
        if workflow is None:
            is_there = (self.folder / "workflows" / f"{data['workflow']}.json").exists()
            said = "has faults" if is_there else "is not there"
            yield self._fault(file, "workflow", f"the workflow {data['workflow']!r} {said}")
            return
        yield from self._in(file, form_rules.faults_with(data, workflow))
        if not found and file.stem == f"{data['id']}.v{data['version']}":
            form = FormFiles(self.folder).form(data["id"], data["version"])
            yield from self._in(file, form_rules.export_faults(form))
            for problem in checks.problems(form):
                place, _, said = problem.partition(": ")
                yield self._fault(file, place, said)

    def _lists_of(self, form: Data) -> Found:
        named = [("schema", found) for found in _named_lists(form["schema"])]
        for place, name in named:
            if name not in self._lists:
                yield place, f"there is no list {name!r}"

    @cached_property
    def _lists(self) -> set[str]:
        return {file.stem for file in self._files("lists")}

    def _read(self, file: Path) -> Any:
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            return error

    def _in(self, file: Path, found: Found) -> list[Fault]:
        return [self._fault(file, place, message) for place, message in found]

    def _fault(self, file: Path, place: str, message: str) -> Fault:
        return Fault(f"schemas/{file.relative_to(self.folder).as_posix()}", place, message)


def _meta_faults(data: Any, kind: str) -> Found:
    """What the meta schema refuses, and for a form whether its own schema is one."""
    if isinstance(data, ValueError):
        yield "", f"it is not JSON: {data}"
        return
    for error in _meta(kind).iter_errors(data):
        yield _place(error), error.message
    if kind == "form" and isinstance(data, dict) and isinstance(data.get("schema"), dict):
        try:
            jsonschema_rs.meta.validate(data["schema"])
        except jsonschema_rs.ValidationError as error:
            yield f"schema/{_place(error)}", error.message


@cache
def _meta(kind: str) -> jsonschema_rs.Draft202012Validator:
    """The meta schema of forms or workflows."""
    return jsonschema_rs.Draft202012Validator(json.loads((META / f"{kind}.schema.json").read_text("utf-8")))


def _place(error: jsonschema_rs.ValidationError) -> str:
    return "/".join(str(step) for step in error.instance_path)


def _name_faults(file: Path, expected: str) -> Found:
    if file.stem != expected:
        yield "", f"the file must be called {expected}.json"


def _named_lists(schema: Any) -> Iterator[str]:
    """Every `x-list` in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("x-list"), str):
            yield schema["x-list"]
        for inner in schema.values():
            yield from _named_lists(inner)
