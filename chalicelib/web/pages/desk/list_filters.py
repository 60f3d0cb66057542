"""What a list's address holds: how it is narrowed, how long a page is, and where it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from urllib.parse import urlencode

from chalicelib.domain.errors import Unreadable
from chalicelib.domain.forms.form import Form
from chalicelib.domain.records.submissions import STATUSES
from chalicelib.services.desk.listing import Wanted

DEFAULT_LIMIT = 25
MOST = 100
MOST_TYPED = 100

NAMES = tuple(one.name for one in fields(Wanted))


def read_wanted(query: Mapping[str, str], forms: Sequence[Form]) -> Wanted:
    """How the list is narrowed. What is left empty narrows nothing. Raises Unreadable for what is no filter's value."""
    given = {name: query.get(name, "").strip() for name in NAMES}
    if max(map(len, given.values())) > MOST_TYPED:
        raise Unreadable(f"A filter has {MOST_TYPED} characters at most.")
    _check("form", given["form"], [form.id for form in forms])
    _check("status", given["status"], [status.value for status in STATUSES])
    _check("overdue", given["overdue"], ["true"])
    if any("#" in given[name] for name in ("force", "assignee")):
        raise Unreadable("A force or a person is named by its code.")
    return Wanted(**{**given, "overdue": given["overdue"] == "true"})  # type: ignore[arg-type]


def read_limit(query: Mapping[str, str]) -> int:
    """How many a page holds at most. Raises Unreadable for what is not 1 to 100."""
    typed = query.get("limit", "") or str(DEFAULT_LIMIT)
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 3 and 1 <= int(typed) <= MOST):
        raise Unreadable(f"The limit must be a whole number from 1 to {MOST}.")
    return int(typed)


def address(path: str, wanted: Wanted, *, cursor: str = "") -> str:
    """The address that holds all of it."""
    given = {name: getattr(wanted, name) for name in NAMES}
    given["overdue"] = "true" if wanted.overdue else ""
    pairs = [(name, value) for name, value in {**given, "cursor": cursor}.items() if value]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _check(name: str, value: str, known: Sequence[str]) -> None:
    if value and value not in known:
        raise Unreadable(f"The filter {name} must be one of: {', '.join(known)}.")
