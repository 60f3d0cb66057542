"""Forms, forces and bank holidays, read from the files that are packaged with the code."""

from __future__ import annotations

import json
import re
from datetime import date
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from chalicelib.domain.approvals.deadlines import Calendar
from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.form import Form, read_form
from chalicelib.domain.people.forces import Force

if TYPE_CHECKING:
    from importlib.abc import Traversable

_FILE_NAME = re.compile(r"([a-z-]+)\.v([0-9]+)\.json")


class FormFiles:
    """The forms in a folder like `schemas/`, by default that one. Each file is read when first asked for."""

    def __init__(self, folder: Traversable | None = None) -> None:
        self._folder = folder or files("schemas")

    def form(self, form_id: str, version: int | None = None) -> Form:
        """A form, the newest version unless one is named."""
        versions = self._versions.get(form_id)
        if versions is None:
            raise NotFound("There is no such form.")
        number = max(versions) if version is None else version
        if number not in versions:
            raise NotFound(f"This form has no version {number}. The newest is version {max(versions)}.")
        return self._read(form_id, number)

    def all(self) -> list[Form]:
        """The newest version of every form, by id."""
        return [self.form(form_id) for form_id in sorted(self._versions)]

    def force_name(self, code: str) -> str:
        """A force's name; the code itself where it is not known."""
        return self._forces.get(code, code)

    def forces(self) -> list[str]:
        """The codes of all forces, as their file has them."""
        return list(self._forces)

    def map_of_forces(self) -> list[Force]:
        """All forces, with where each stands on a map."""
        return [
            Force(
                code=force["code"],
                name=force["name"],
                short=force["short"],
                headquarters=tuple(force["headquarters"]),
                tile=tuple(force["tile"]),
            )
            for force in self._json("lists", "forces.json")
        ]

    @cached_property
    def _forces(self) -> dict[str, str]:
        return self.shared_list("forces")

    def shared_list(self, name: str) -> dict[str, str]:
        """A shared list: the name of each code, in the file's order."""
        try:
            return {entry["code"]: entry["name"] for entry in self._json("lists", f"{name}.json")}
        except FileNotFoundError:
            raise KeyError(name) from None

    @cached_property
    def _versions(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for entry in self._folder.joinpath("forms").iterdir():
            match = _FILE_NAME.fullmatch(entry.name)
            if match:
                found.setdefault(match[1], set()).add(int(match[2]))
        return found

    @lru_cache(maxsize=64)  # noqa: B019 - one instance lives as long as the process
    def _read(self, form_id: str, version: int) -> Form:
        data = self._json("forms", f"{form_id}.v{version}.json")
        workflow = self._json("workflows", f"{data['workflow']}.json")
        return read_form(data, workflow=workflow, lists=self.shared_list)

    def _json(self, *path: str) -> Any:
        return json.loads(self._folder.joinpath(*path).read_text(encoding="utf-8"))


def calendar(day_seconds: int = 0) -> Calendar:
    """The working days of England and Wales. The package's own module is passed by: it imports an HTTP client
    to ask GOV.UK, and we only want the list that it ships."""
    text = files("govuk_bank_holidays").joinpath("bank-holidays.json").read_text(encoding="utf-8")
    events = json.loads(text)["england-and-wales"]["events"]
    holidays = frozenset(date.fromisoformat(event["date"]) for event in events)
    return Calendar(holidays=holidays, day_seconds=day_seconds)
