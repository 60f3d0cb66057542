"""Lists that are packaged with the code, under `schemas/lists/`: they change with a release, as the code does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def entries(name: str) -> tuple[Mapping[str, Any], ...]:
    """The entries of a list, in its order: each has a `code` and a `name`. Read once for each process."""
    text = files("schemas").joinpath("lists").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text))
