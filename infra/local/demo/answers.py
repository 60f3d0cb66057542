"""From how the files of the story write a claim or an idea to the answers that a form takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.approvals.deadlines import london_day


def claim(told: Mapping[str, Any], sent_at: datetime) -> dict[str, Any]:
    """The answers of a claim: all of `told` that is an answer, with who sends it."""
    name, role = told["by"]
    return {
        **written({name: told[name] for name in _CLAIM if name in told}, sent_at),
        **_person("claimant", name, told),
        "claimant_role": role,
        "declaration": True,
    }


def idea(told: Mapping[str, Any], sent_at: datetime) -> dict[str, Any]:
    """The answers of an idea."""
    return {**{name: told[name] for name in _IDEA if name in told}, **_person("contact", told["by"], told)}


def written(told: Mapping[str, Any], sent_at: datetime) -> dict[str, Any]:
    """Answers to some questions of a claim. A day is written as days after sending, a venue as name and postcode, a
    cost as what it is for, its kind, and pounds."""
    found = dict(told)
    if "event_date" in found:
        found["event_date"] = _weekday(sent_at, found["event_date"])
    if "venue" in found:
        found["venue_name"], found["venue_postcode"] = found.pop("venue")
    if "costs" in found:
        found["cost_lines"] = [
            {"description": words, "category": kind, "amount_pence": pence(pounds)}
            for words, kind, pounds in found.pop("costs")
        ]
    return found


def pence(pounds: float) -> int:
    """Pounds in pence."""
    return round(pounds * 100)


def address(name: str, domain: str = "example.police.uk") -> str:
    """The mailbox of somebody of this name."""
    return f"{name.lower().replace(' ', '.')}@{domain}"


def _person(called: str, name: str, told: Mapping[str, Any]) -> dict[str, str]:
    return {f"{called}_name": name, f"{called}_email": told.get("address", address(name))}


def _weekday(sent_at: datetime, days: int) -> str:
    day = london_day(sent_at) + timedelta(days=days)
    if day.weekday() > 4:
        day -= timedelta(days=day.weekday() - 4)
    return day.isoformat()


_CLAIM = (
    "force",
    "event_title",
    "event_date",
    "venue",
    "expected_attendance",
    "costs",
    "purpose",
    "claimant_phone",
)
_IDEA = ("title", "improvement", "category", "force", "role", "scale", "tried", "withhold_name")
