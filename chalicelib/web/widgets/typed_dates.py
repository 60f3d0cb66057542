"""Dates that pages ask for outside a form's questions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from chalicelib.domain.forms.widgets import DATE
from chalicelib.domain.forms.widgets.base import below, part


def typed_date(name: str, typed: Mapping[str, str]) -> date | None:
    """The day in the three inputs of this name; None where they hold none."""
    return DATE.day(below(name, typed))


def date_fields(name: str, day: date) -> dict[str, str]:
    """What would have been typed for this day."""
    return {part(name, one): text for one, text in DATE.typed_day(day).items()}


def wrong_parts(name: str, typed: Mapping[str, str]) -> tuple[str, ...]:
    """Which inputs of a refused date to mark: those left out, else those that cannot be, else all three."""
    return DATE.wrong(below(name, typed))
