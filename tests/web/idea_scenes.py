"""Ideas brought to where a page is worth looking at, for the tests of pages and for those in Chromium."""

from __future__ import annotations

from typing import Any

from website import Website

from chalicelib.services.approvals import deciding
from chalicelib.services.intake.submitting import Receipt
from tests.builders import submitted, told_apart

COORDINATOR = "coordinator.kent@example.police.uk"
PANEL = ("home-office-leader", "npcc-leader", "college-leader")

IDEAS = [
    ("One template for all handovers", "processes", "kent"),
    ("Charging points for electric vehicles at every station", "vehicles", "essex"),
    ("A quiet room for people in crisis who wait in custody", "custody", "kent"),
]


def an_idea(**changes: Any) -> dict[str, Any]:
    """Answers that are right in every way."""
    return {
        "title": "One template for all handovers",
        "improvement": "Each shift writes its handover in a way of its own.\n"
        "One template would save half an hour a day, and nothing would be forgotten.",
        "category": "processes",
        "force": "kent",
        "role": "officer",
        "scale": "national",
        "tried": "At Maidstone, for a month: nobody wanted to go back.",
        "contact_name": "Sam Okafor",
        "contact_email": "sam.okafor@example.police.uk",
        **changes,
    }


def submit(site: Website, **changes: Any) -> Receipt:
    """An idea of Kent's, stored."""
    improvement = told_apart(an_idea(), "improvement", next(site.sent))
    return submitted(
        site.parts, site.parts.forms.form("idea"), an_idea(**{"improvement": improvement, **changes})
    )


def published(site: Website, *, comment: str = "A good one.", **changes: Any) -> Receipt:
    """An idea that its force's coordinator published."""
    receipt = submit(site, **changes)
    force = changes.get("force", "kent")
    site.ask(receipt, force)
    site.decide(receipt, "publish", force=force, comment=comment)
    return receipt


def before_the_leaders(site: Website, **changes: Any) -> Receipt:
    """An idea on which the panel is asked."""
    receipt = published(site, **changes)
    force = changes.get("force", "kent")
    site.ask(receipt, force)
    site.decide(receipt, "shortlist", force=force, comment="Others have asked for it, too.")
    site.ask(receipt, force)
    return receipt


def decided(site: Website, *decisions: str, **changes: Any) -> Receipt:
    """An idea that the panel has answered so, each member in turn."""
    receipt = before_the_leaders(site, **changes)
    case = site.case(receipt, changes.get("force", "kent"))
    for task, decision in zip(case.open_tasks, decisions):
        comment = f"We {decision} it: it is simple and helps everybody."
        deciding.decide(
            site.parts, task.person_id, task.id, decision=decision, comment=comment, seen=case.seen
        )
    return receipt


def several(site: Website) -> list[Receipt]:
    """A few published ideas of two forces."""
    return [published(site, title=title, category=of, force=force) for title, of, force in IDEAS]
