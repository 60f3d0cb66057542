"""Signing in with an OpenID provider, and whose identity there is linked with whom here.

An identity is an issuer and a subject, and never an address: an address that a provider names may be somebody else's.
It is linked once, by a code mailed to the registered address, and signs its person in from then on.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.errors import Gone, InvalidAnswers, LinkedAlready, NotVouchedFor, Problem
from chalicelib.domain.people.accounts import digest, new_session, session_secret
from chalicelib.domain.people.browsers import ATTEMPT_LIFE
from chalicelib.domain.people.identities import Attempt, Identity, Link, Linking, identity_of
from chalicelib.domain.people.issuers import Issuer
from chalicelib.domain.people.people import Person
from chalicelib.domain.people.person_changes import PersonChange, What
from chalicelib.services.changes import (
    AddDelivery,
    AddPersonChange,
    AddSession,
    Change,
    ChangeRefused,
    LinkIdentity,
    UseState,
)
from chalicelib.services.people import sign_in_log, sign_in_mails, signing_in
from chalicelib.services.people.signing_in import SignedIn
from chalicelib.services.ports import Parts

BACK = "/sign-in/oidc"
"""The page that providers send people back to."""

_LONG_AGO = timedelta(days=1)
"""Where a provider does not say when somebody proved who they are, it was not recently."""

_NAME = 16
_OVER = "This sign-in was begun in another browser, took too long, or was used already."


def known_as(identity: Identity) -> str:
    """What stands for an identity among the mailboxes that a browser has proved (web/http/cookies.py)."""
    return identity.digest[:32]


def leave(parts: Parts, issuer_id: str, *, after: str = "/", is_recent: bool = False) -> tuple[str, Attempt]:
    """Where to sign in at a provider, and the attempt that the browser carries until it is back. Stores nothing.

    Raises NotFound for a provider that we do not have, Unavailable where it does not answer.
    """
    issuer = parts.sign_in.issuer(issuer_id)
    attempt = Attempt(
        issuer=issuer.id,
        state=parts.new_secret(),
        nonce=parts.new_secret(),
        verifier=parts.new_secret(),
        at=parts.now(),
        after=after,
        is_recent=is_recent,
    )
    return parts.providers.address(issuer, attempt, back=parts.links.page(BACK)), attempt


def come_back(
    parts: Parts,
    attempt: Attempt | None,
    returned: Mapping[str, str],
    *,
    browser: str = "",
    known: Sequence[str] = (),
) -> SignedIn | Identity:
    """What comes of an attempt: somebody is signed in, or, where nobody here has this identity, the identity.

    `returned` is what the provider sent the browser back with. Raises Gone where it is not of this browser's attempt,
    or the attempt was used; NotVouchedFor where the provider does not say, in a way that holds, who they are, or
    where they are no longer registered; Unavailable where it does not answer.
    """
    if attempt is None or not _is_same(attempt.state, returned.get("state", "")):
        raise Gone(_OVER)
    issuer = parts.sign_in.issuer(attempt.issuer)
    code = _code(parts, issuer, returned)
    now = parts.now()
    claims = parts.providers.claims(issuer, attempt, code, back=parts.links.page(BACK), now=now)
    identity = identity_of(issuer, claims, now, is_recent=attempt.is_recent)
    person_id = parts.identities.holder(identity.digest)
    if person_id is None:
        _commit(parts, [_used(attempt)])
        return identity
    person = parts.people.person(person_id)
    if person is None or not issuer.covers(person.address):
        raise NotVouchedFor(f"You are no longer registered here as somebody from {issuer.name}.")
    return _begin_session(parts, attempt, identity, person, browser, known)


def ask_code(parts: Parts, linking: Linking, address: str, *, source: str, known: Sequence[str] = ()) -> str:
    """Have the code mailed that links an identity. Returns what stands for the mailbox. Raises as
    `signing_in.ask_code`, and InvalidAnswers for an address that is not of this provider's."""
    issuer = parts.sign_in.issuer(linking.identity.issuer)
    if not issuer.covers(address):
        domains = " or ".join(issuer.domains)
        message = f"Enter your address at {domains}: it is the one you are registered with here"
        raise InvalidAnswers([Problem(pointer="/address", code="format", message=message)])
    return signing_in.ask_code(parts, address, source=source, known=known)


def link(
    parts: Parts, linking: Linking, mailbox: str, typed: str, *, browser: str = "", is_known: bool = False
) -> SignedIn:
    """Type the mailed code: it links the identity with the person whose mailbox it is, and signs them in.

    Raises as `signing_in.enter_code`, and LinkedAlready where the identity was linked meanwhile.
    """
    issuer, identity = parts.sign_in.issuer(linking.identity.issuer), linking.identity

    def linked(person: Person, now: datetime) -> list[Change]:
        if not issuer.covers(person.address):
            raise NotVouchedFor(f"You are not registered here as somebody from {issuer.name}.")
        one = Link(digest=identity.digest, issuer=issuer.id, person_id=person.id, linked_at=now)
        return [LinkIdentity(link=one), AddPersonChange(change=_change(parts, one, What.LINKED))]

    try:
        return signing_in.enter_code(parts, mailbox, typed, browser=browser, is_known=is_known, also=linked)
    except ChangeRefused as refused:
        raise LinkedAlready(f"This account at {issuer.name} is linked already. Start again.") from refused


def links(parts: Parts, person_id: str) -> list[Link]:
    """The identities that sign this person in, the oldest first."""
    return parts.identities.of_person(person_id)


def name_of(link: Link) -> str:
    """What a page calls a link: enough to tell a person's few apart."""
    return link.digest[:_NAME]


def unlink(parts: Parts, person_id: str, name: str) -> None:
    """Remove the link of this person that a page calls so: it signs nobody in any more. One that is gone is no error.
    Sessions go on; they are ended apart."""
    for one in links(parts, person_id):
        if name_of(one) == name:
            parts.identities.unlink(one, _change(parts, one, What.UNLINKED))


def _change(parts: Parts, link: Link, what: What) -> PersonChange:
    """What happened to a link, as its person's audit trail has it: they do it themselves."""
    names = {issuer.id: issuer.name for issuer in parts.sign_in.issuers}
    return PersonChange(
        id=parts.draw("0123456789abcdef", 16),
        person_id=link.person_id,
        at=parts.now(),
        actor=link.person_id,
        what=what,
        about=names.get(link.issuer, link.issuer),
    )


def _code(parts: Parts, issuer: Issuer, returned: Mapping[str, str]) -> str:
    """The code that the provider sent back. Some providers also say who they are: then they must say it."""
    named = returned.get("iss")
    if named is None and parts.providers.names_itself(issuer):
        raise NotVouchedFor(f"This did not come from {issuer.name}.")
    if named is not None and named != issuer.url:
        raise NotVouchedFor(f"This did not come from {issuer.name}.")
    code = returned.get("code", "")
    if returned.get("error") or not code:
        raise NotVouchedFor(f"{issuer.name} did not sign you in.")
    return code


def _begin_session(
    parts: Parts, attempt: Attempt, identity: Identity, person: Person, browser: str, known: Sequence[str]
) -> SignedIn:
    now = parts.now()
    secret = session_secret(parts.new_secret(), person.id)
    session = new_session(secret, person.id, csrf=parts.new_secret(), now=now, browser=browser)
    session = replace(session, proved_at=identity.proved_at or now - _LONG_AGO)
    changes: list[Change] = [_used(attempt), AddSession(session=session)]
    if known_as(identity) not in known:
        changes.append(AddDelivery(delivery=sign_in_mails.new_browser(parts, person, session)))
    _commit(parts, changes)
    sign_in_log.signed_in(parts, person.id, "by-provider", is_known=known_as(identity) in known)
    return SignedIn(secret=secret, mailbox=known_as(identity))


def _commit(parts: Parts, changes: Sequence[Change]) -> None:
    try:
        parts.records.commit(changes)
    except ChangeRefused as refused:
        if isinstance(refused.change, UseState):
            raise Gone(_OVER) from refused
        raise


def _used(attempt: Attempt) -> UseState:
    return UseState(digest=digest(attempt.state), expires_at=attempt.at + ATTEMPT_LIFE)


def _is_same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "replace"))
