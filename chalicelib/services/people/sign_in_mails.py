"""The mails about signing in."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.people.accounts import Session, digest
from chalicelib.domain.people.pairs import Pair
from chalicelib.domain.people.people import Person
from chalicelib.domain.records.submissions import Submission
from chalicelib.services.ports import Parts


def code(parts: Parts, pair: Pair, person: Person, now: datetime) -> Delivery:
    """The mail with the code and the link of a pair, for somebody registered."""
    values = {
        "code": parts.seals.code(pair),
        "minutes": minutes_left(pair, now),
        "sign_in_url": parts.links.page(f"/sign-in/{parts.seals.link(pair)}"),
    }
    named = f"{about(pair)}.{person.id}"  # how we know who was not reached, once the address is removed
    return deliveries.mail(
        "sign-in-code", to=person.address, about=named, reference="", values=values, now=now
    )


def claimant_code(parts: Parts, pair: Pair, address: str, one: Submission, now: datetime) -> Delivery:
    """The mail with the code that proves a submission on its status page."""
    values = {"code": parts.seals.code(pair), "minutes": minutes_left(pair, now), "reference": one.reference}
    return deliveries.mail(
        "claimant-code",
        to=address,
        about=about(pair),
        reference=one.reference,
        force=one.force,
        values=values,
        now=now,
    )


def new_browser(parts: Parts, person: Person, session: Session) -> Delivery:
    """What somebody is told when they sign in from a browser that did not prove who they are before."""
    from chalicelib.domain.approvals.deadlines import spoken_time

    values = {
        "browser": session.browser or "an unknown browser",
        "at": spoken_time(session.started_at),
        "account_url": parts.links.page("/account"),
    }
    named = f"{session.digest[:32]}.{person.id}"
    return deliveries.mail(
        "new-browser", to=person.address, about=named, reference="", values=values, now=session.started_at
    )


def about(pair: Pair) -> str:
    """The same for the same mail of a pair, and told from all other mails."""
    return digest(f"{pair.nonce} {pair.version}")[:32]


def minutes_left(pair: Pair, now: datetime) -> int:
    """How long the pair still lives."""
    return int(((pair.lives_until or now) - now).total_seconds()) // 60
