"""Templates as the package has them: compiled. Elsewhere they are compiled from their files, when first used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import BaseLoader

COMPILED = Path(__file__).resolve().parents[2] / "compiled"
"""Made by `make package` (infra/packaging/templates.py), and nowhere else."""


def loader(kind: str, from_files: Callable[[], BaseLoader]) -> BaseLoader:
    """The compiled templates of a kind, where there are any; else its files."""
    from jinja2 import ModuleLoader

    compiled = COMPILED / kind
    return ModuleLoader(compiled) if compiled.is_dir() else from_files()
