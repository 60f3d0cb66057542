"""Proving a mailbox, and signing in with it: by the code or the link of the one pair that it has.

The pair is in `domain/people/pairs.py`.

Each ask and each guess reads the pair and stores the next one, on condition that nobody else changed it: guesses in
parallel count each, and a right one works once. The answers, and the calls that they take, are the same for
addresses that we do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.delivery import deliveries
from chalicelib.domain.delivery.deliveries import Delivery
from chalicelib.domain.errors import (
    Forbidden,
    Gone,
    InvalidAnswers,
    NotAskedHere,
    NotSignedIn,
    Problem,
    TooMany,
    Unavailable,
)
from chalicelib.domain.people import pairs
from chalicelib.domain.people.accounts import (
    NOTED_EVERY,
    SESSION_LIFE,
    Session,
    claimant_of,
    digest,
    holder_of,
    is_claimant,
    new_session,
    session_secret,
)
from chalicelib.domain.people.mailboxes import is_mailbox
from chalicelib.domain.people.pairs import Pair
from chalicelib.domain.people.people import Person
from chalicelib.domain.records.security import Event
from chalicelib.domain.records.submissions import Submission
from chalicelib.domain.values import value
from chalicelib.services.changes import (
    AddDelivery,
    AddSession,
    Change,
    ChangeRefused,
    CountSource,
    KeepPair,
    LinkIdentity,
    ProveSession,
)
from chalicelib.services.people import sign_in_log, sign_in_mails
from chalicelib.services.ports import Parts
from chalicelib.services.records.lookup import case_of

UNKNOWN = "unknown"
TRIES = 8
"""How often somebody else may be quicker with the same pair."""

_WRONG = "That is not the code in our newest email, or it is no longer valid. Check the email, or ask for another code"
BUSY = "Too many people are trying this at once. Try again in a minute."

Next = Callable[[Pair, datetime], "tuple[Pair, Sequence[Change]]"]
"""What becomes of a pair, and what is stored with it."""

Also = Callable[[Person, datetime], "Sequence[Change]"]
"""What is stored besides, when a person signs in."""


@value
class SignedIn:
    """Somebody who signed in: the session's secret, for the cookie, and the mailbox that they proved."""

    secret: str
    mailbox: str


@value
class Pressable:
    """What the page of a link shows in a browser that asked: whose mailbox it is."""

    mailbox: str
    address: str


# Asking


def ask_code(parts: Parts, address: str, *, source: str = "", known: Sequence[str] = ()) -> str:
    """Have the pair of an address mailed, if it is registered and it is time for a mail. Returns what stands for the
    mailbox, for the browser that asks. `known`: the mailboxes that this browser has proved before.

    Raises InvalidAnswers for what is no address at all, TooMany for too many asks from one `source`.
    """
    if not is_mailbox(address.strip()):
        message = "Enter your email address, like name@example.police.uk"
        raise InvalidAnswers([Problem(pointer="/address", code="format", message=message)])
    mailbox = pairs.mailbox_of(address)
    person = parts.people.by_address(address)
    if person is None:
        parts.people.person(UNKNOWN)  # as many calls as for somebody known: the time must not tell them apart
    elif pairs.mailbox_of(person.address) != mailbox:
        person = None  # another spelling may be somebody else's mailbox

    def asked(pair: Pair, now: datetime) -> tuple[Pair, Delivery | None]:
        if person is None:
            return pairs.looked_at(pair, now), None
        pair, is_mailed = pairs.asked(
            pair, now, nonce=parts.new_secret(), person_id=person.id, is_known=mailbox in known
        )
        return pair, sign_in_mails.code(parts, pair, person, now) if is_mailed else None

    ask_for_pair(parts, mailbox, asked, source)
    return mailbox


def ask_claimant_code(parts: Parts, force: str, reference: str, *, source: str = "") -> None:
    """Have the pair of the mailbox that a submission was made from mailed, if it is time for a mail. Its code then
    proves this submission. Raises NotFound, and TooMany as `ask_code`."""
    one, address = _claimant(parts, force, reference)

    def asked(pair: Pair, now: datetime) -> tuple[Pair, Delivery | None]:
        pair, is_mailed = pairs.asked(
            pair, now, nonce=parts.new_secret(), submission=pairs.submission_name(one.force, one.reference)
        )
        mail = sign_in_mails.claimant_code(parts, pair, address, one, now) if is_mailed else None
        return pair, mail

    ask_for_pair(parts, pairs.mailbox_of(address), asked, source)


def ask_for_pair(
    parts: Parts,
    mailbox: str,
    asked: Callable[[Pair, datetime], tuple[Pair, Delivery | None]],
    source: str,
) -> None:
    """One transaction, whether or not a mail goes out."""

    def next_one(pair: Pair, now: datetime) -> tuple[Pair, Sequence[Change]]:
        pair, mail = asked(pair, now)
        return pair, with_ask(parts, mail, source, now)

    change_pair(parts, mailbox, next_one)


def with_ask(parts: Parts, mail: Delivery | None, source: str, now: datetime) -> list[Change]:
    """What is stored with a pair that was asked for: as much with a mail as without."""
    mail = mail or deliveries.unsent(digest(parts.new_secret())[:32], now=now)
    return [AddDelivery(delivery=mail), *_counted(parts, source, now)]


def too_many_asks(now: datetime) -> TooMany:
    """The refusal of one more ask from a network."""
    left = 3600 - now.minute * 60 - now.second
    message = "Too many codes were asked for from your network. Try again in the next hour."
    return TooMany(message, retry_after=left)


def _counted(parts: Parts, source: str, now: datetime) -> list[Change]:
    if not source or not parts.limits.source_an_hour:
        return []
    hour = now.replace(minute=0, second=0, microsecond=0)
    of_the_day = parts.sources.of(source, now.date())
    return [CountSource(source=of_the_day, hour=hour, limit=parts.limits.source_an_hour)]


# Signing in


def enter_code(
    parts: Parts,
    mailbox: str,
    typed: str,
    *,
    browser: str = "",
    is_known: bool = False,
    also: Also | None = None,
) -> SignedIn:
    """Sign in with the mailed code, in a browser that asked for this mailbox. `browser` is what it is, in words;
    `is_known`: it has proved the mailbox before, so that its owner need not be told. `also` says what else is stored
    with the session; a refusal of it goes through.

    Raises InvalidAnswers (pointer `/code`) where the code is wrong, too old or used; of which, nobody is told.
    Raises Forbidden where staff do not sign in with codes, unless the code is for something else, too.
    """
    if also is None and not parts.sign_in.codes:
        raise Forbidden("You sign in with your organisation here. Start again from the sign-in page.")
    code = pairs.read_code(typed)
    secret = ""

    def guessed(pair: Pair, now: datetime) -> tuple[Pair, Sequence[Change]]:
        nonlocal secret
        secret = ""
        if not (parts.seals.is_code(pair, code) and pair.takes_codes(now)):
            return pairs.tried(pair, now, length=len(code)), []
        person = _holder(parts, pair)
        if person is None:
            return pairs.looked_at(pair, now), []
        secret = session_secret(parts.new_secret(), person.id)
        begins = _session_begins(parts, person, secret, browser, is_known, now)
        return pairs.used(pair, now), [*begins, *(also(person, now) if also else ())]

    pair = change_pair(parts, mailbox, guessed)
    if not secret:
        raise wrong_code(parts, pair.person_id)
    sign_in_log.signed_in(parts, pair.person_id, "by-code", is_known=is_known)
    return SignedIn(secret=secret, mailbox=mailbox)


def link_in(parts: Parts, token: str, asked: Sequence[str]) -> Pressable:
    """What a mailed link leads to in a browser that asked for these mailboxes. Changes nothing.

    Raises NotAskedHere where it is the link of none of them, or staff do not sign in with codes; Gone where it is and
    was used or is too old.
    """
    if not parts.sign_in.codes:
        raise NotAskedHere("Type the code from the email on the page where you asked for it.")
    pair = _pair_of(parts, token, asked)
    person = _holder(parts, pair) if pair.is_live(parts.now()) else None
    if person is None:
        raise Gone("This link was used already, or is too old. Ask for another email.")
    return Pressable(mailbox=pair.mailbox, address=person.address)


def press_link(
    parts: Parts, token: str, asked: Sequence[str], *, browser: str = "", known: Sequence[str] = ()
) -> SignedIn:
    """Sign in with the mailed link, in a browser that asked for these mailboxes. Raises as `link_in`."""
    pressable = link_in(parts, token, asked)
    is_known = pressable.mailbox in known
    secret = ""

    def pressed(pair: Pair, now: datetime) -> tuple[Pair, Sequence[Change]]:
        nonlocal secret
        person = _holder(parts, pair) if pair.is_live(now) and parts.seals.is_link(pair, token) else None
        if person is None:
            raise Gone("This link was used already, or is too old. Ask for another email.")
        secret = session_secret(parts.new_secret(), person.id)
        return pairs.used(pair, now), _session_begins(parts, person, secret, browser, is_known, now)

    pair = change_pair(parts, pressable.mailbox, pressed)
    sign_in_log.signed_in(parts, pair.person_id, "by-link", is_known=is_known)
    return SignedIn(secret=secret, mailbox=pressable.mailbox)


def prove_claimant(parts: Parts, force: str, reference: str, typed: str) -> str:
    """Type the code on the status page of the submission that it was asked for. It proves this one, once, and signs
    nobody in as staff. Returns the secret of the submitter's session. Raises NotFound, and as `enter_code`."""
    code = pairs.read_code(typed)
    one, address = _claimant(parts, force, reference)
    claimant = claimant_of(one.force, one.reference)
    secret = ""

    def guessed(pair: Pair, now: datetime) -> tuple[Pair, Sequence[Change]]:
        nonlocal secret
        secret = ""
        if not (parts.seals.is_code(pair, code) and pair.takes_codes(now)):
            return pairs.tried(pair, now, length=len(code)), []
        if pairs.submission_name(one.force, one.reference) not in pair.asked_for:
            return pairs.looked_at(pair, now), []
        secret = session_secret(parts.new_secret(), claimant)
        session = new_session(secret, claimant, csrf=parts.new_secret(), now=now)
        return pairs.proving(pair, now, pairs.submission_name(one.force, one.reference)), [
            AddSession(session=session)
        ]

    pair = change_pair(parts, pairs.mailbox_of(address), guessed)
    if not secret:
        raise wrong_code(parts, pair.person_id)
    parts.security.note(Event.SIGNED_IN, "as-submitter")
    return secret


# Sessions


def open_session(parts: Parts, person_id: str, *, life: timedelta = SESSION_LIFE, browser: str = "") -> str:
    """Begin a session of somebody who has proved who they are. Returns its secret, for the cookie.

    This asks for no proof itself. No route may call it.
    """
    secret = session_secret(parts.new_secret(), person_id)
    parts.accounts.add_session(
        new_session(secret, person_id, csrf=parts.new_secret(), now=parts.now(), life=life, browser=browser)
    )
    return secret


def session(parts: Parts, secret: str) -> Session | None:
    """The session of a cookie's value."""
    return signed_in(parts, secret)[0]


def signed_in(parts: Parts, secret: str) -> tuple[Session | None, Person | None]:
    """The session of a cookie's value, and whose it is, read at once. That it is used is noted now and then."""
    holder = holder_of(secret)
    if not holder:
        return None, None
    now = parts.now()
    found, person = parts.accounts.session_and_holder(digest(secret), holder, now=now)
    if found is None:
        return None, None
    if now - found.used_at >= NOTED_EVERY and not is_claimant(holder):
        _note_use(parts, found, now)
        found = replace(found, used_at=now)
    return found, person


def _note_use(parts: Parts, session: Session, now: datetime) -> None:
    with suppress(Unavailable):  # the next request notes it; this one is not to fail for it
        parts.accounts.note_use(session, at=now)


def sign_out(parts: Parts, secret: str) -> None:
    """End the session."""
    if not holder_of(secret):
        return
    parts.accounts.end_session(holder_of(secret), digest(secret))


# What they share


def change_pair(parts: Parts, mailbox: str, next_one: Next) -> Pair:
    """Store what becomes of a pair; where somebody else was quicker, of what it is then. Returns the pair as it is
    stored. Raises TooMany where its source asked too often, NotSignedIn where the session that it proves is over."""
    for _ in range(TRIES):
        (pair,) = parts.accounts.pairs([mailbox])
        now = parts.now()
        changed, more = next_one(pair, now)
        try:
            parts.records.commit([KeepPair(pair=changed), *more])
            sign_in_log.guessed(parts, pair, changed, now)
            return changed
        except ChangeRefused as refused:
            if isinstance(refused.change, CountSource):
                raise too_many_asks(now) from refused
            if isinstance(refused.change, ProveSession):
                raise NotSignedIn("You were signed out. Sign in again.") from refused
            if isinstance(refused.change, LinkIdentity):
                raise
    raise Unavailable(BUSY)


def _pair_of(parts: Parts, token: str, asked: Sequence[str]) -> Pair:
    for pair in parts.accounts.pairs(asked) if asked else []:
        if parts.seals.is_link(pair, token):
            return pair
    raise NotAskedHere("Type the code from the email on the page where you asked for it.")


def _holder(parts: Parts, pair: Pair) -> Person | None:
    """Whom the pair signs in, where it is still their mailbox."""
    person = parts.people.person(pair.person_id) if pair.person_id else None
    return person if person and pairs.mailbox_of(person.address) == pair.mailbox else None


def _claimant(parts: Parts, force: str, reference: str) -> tuple[Submission, str]:
    """A submission where it is now, and the address in it."""
    case = case_of(parts, force, reference)
    one = case.submission
    address = case.personal.get(parts.forms.form(one.form, one.form_version).email_field)
    if address is None:
        raise Gone("We no longer hold the address that this was sent from.")
    return one, str(address)


def _session_begins(
    parts: Parts, person: Person, secret: str, browser: str, is_known: bool, now: datetime
) -> list[Change]:
    session = new_session(secret, person.id, csrf=parts.new_secret(), now=now, browser=browser)
    begins: list[Change] = [AddSession(session=session)]
    if not is_known:
        begins.append(AddDelivery(delivery=sign_in_mails.new_browser(parts, person, session)))
    return begins


def wrong_code(parts: Parts, person_id: str = "") -> InvalidAnswers:
    """What every code is answered that signs nobody in. It is recorded, with whose mailbox it was for, if known."""
    parts.security.note(Event.WRONG_CODE, "refused", person=person_id)
    return InvalidAnswers([Problem(pointer="/code", code="wrong", message=_WRONG)])
