"""Loaded by schemathesis in its own process (SCHEMATHESIS_HOOKS): real ids among the made-up ones, and the formats
that our forms add to JSON Schema. Else nearly every request would end at the first check."""

from __future__ import annotations

import json
import os
from itertools import cycle
from typing import Any

import schemathesis
from hypothesis import strategies as st

KNOWN: dict[str, list[str]] = json.loads(os.environ["HOSTILE_KNOWN"])
"""By the name of a path's parameter: what there is."""

_caller = cycle(json.loads(os.environ["HOSTILE_CALLERS"]))
"""The headers of each caller in turn."""

schemathesis.openapi.format(
    "mailbox", st.from_regex(r"\A[a-z0-9]{1,20}(\+[a-z]{1,5})?@[a-z]{2,12}\.example\Z").map(str)
)
schemathesis.openapi.format("reference", st.sampled_from(["DAY-7K3F-9QXY", "CLM-7K3F-9QXN", "DAY-0000-0000"]))


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Three times in four, one that there is instead of one that was made up."""
    if not path_parameters:
        return path_parameters
    return {name: _known(name, value) for name, value in path_parameters.items()}


def _known(name: str, value: Any) -> Any:
    known = KNOWN.get(name, [])
    number = sum(str(value).encode("utf-8", "replace"))
    return known[number % len(known)] if known and number % 4 else value


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """A decision about what is really there."""
    if isinstance(body, dict) and isinstance(body.get("seen"), str) and len(body["seen"]) % 2:
        return {**body, "seen": KNOWN["seen"][0]}
    return body


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """As whoever's turn it is."""
    case.headers = {**(case.headers or {}), **next(_caller)}
