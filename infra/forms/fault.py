"""A fault in a form or workflow file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Found = Iterator[tuple[str, str]]
"""Faults of one file: the place in it, as `pages/1/questions/0`, and what is wrong there."""

Data = dict[str, Any]


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong, in which file and where in it. Files are named from the project: `schemas/forms/idea.v1.json`."""

    file: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place}: {self.message}" if self.place else f"{self.file}: {self.message}"
