"""An idea from form to decided on the real thing: HTTP, mails, state machine, the public pages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.whole.visitor import (
    COLLEGE,
    COORDINATOR,
    HOME_OFFICE,
    IDEA_FROM,
    NPCC,
    REVIEWER,
    Browser,
    Service,
    decide,
    eventually,
    share,
    status_of,
)

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("life")]


def public(service: Service) -> list[str]:
    """The references of the published ideas."""
    status, found = Browser(service.address).get("/api/v1/ideas")
    assert status == 200
    return [idea["reference"] for idea in found["ideas"]]


def told(service: Service, receipt: dict[str, Any], answers: int) -> str:
    """What the person who had the idea was mailed last, once there are so many answers."""
    about = f"{receipt['reference']}: an answer to your idea"
    return service.mail(IDEA_FROM, about, after=answers - 1)["text"]


def test_an_idea_goes_to_the_leaders_and_the_casting_vote_pilots_it(service: Service) -> None:
    receipt = share(service, withhold_name=True)
    reference = receipt["reference"]
    assert "We have received your idea" in service.mail(IDEA_FROM, f"{reference}: we have")["text"]
    mail = service.mail(COORDINATOR, f"mail.asked.kent.{reference}")
    assert "Zuleika" not in mail["text"], "the name is withheld in the force"
    assert public(service) == []

    assert decide(service, COORDINATOR, reference, "publish", "A good one.")["status"] == "published"
    assert "The coordinator published your idea" in told(service, receipt, 1)
    eventually(lambda: public(service) == [reference])

    assert "Zuleika" in service.mail(REVIEWER, f"mail.asked.kent.{reference}")["text"]
    assert decide(service, REVIEWER, reference, "shortlist")["status"] == "shortlisted"
    assert "shortlisted your idea" in told(service, receipt, 2)

    decide(service, HOME_OFFICE, reference, "adopt", "At once.")
    decide(service, NPCC, reference, "pilot", "Try it first.")
    assert decide(service, COLLEGE, reference, "decline", "It exists.")["status"] == "shortlisted"
    assert "The leaders' panel found no majority on your idea" in told(service, receipt, 3)

    eventually(lambda: len(service.mails(COLLEGE, f"mail.asked.kent.{reference}")) == 2)
    assert decide(service, COLLEGE, reference, "pilot", "We start in three forces.")["status"] == "piloted"
    assert "We start in three forces." in told(service, receipt, 4)
    assert status_of(receipt)["status"] == "piloted"
    timeline = service.staff(f"/api/v1/submissions/{reference}/timeline")
    assert timeline["verified"], timeline["faults"]

    status, page = Browser(service.address).get(f"/ideas/{reference}")
    assert status == 200
    assert "We start in three forces." in page
    assert "Zuleika" not in page
    status, page = Browser(service.address).get("/map")
    assert re.search(r'aria-label="Kent 1 idea, Kent Police"', page)


def test_an_idea_that_is_declined_is_public_nowhere(service: Service) -> None:
    before = public(service)
    receipt = share(service, title="Something that exists already")
    decide(service, COORDINATOR, receipt["reference"], "decline", "We have it since May.")
    assert "We have it since May." in told(service, receipt, 1)
    assert status_of(receipt)["status"] == "declined"
    assert public(service) == before
    assert Browser(service.address).get(f"/ideas/{receipt['reference']}")[0] == 404
