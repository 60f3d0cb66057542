"""Signing in by a code that is mailed to the registered address, and typed by a person.

The answers are the same for addresses that we do not know, so that nobody learns who is registered.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta, timezone
from typing import Any

from chalicelib.domain import deliveries
from chalicelib.domain.accounts import (
    CODE_LIFE,
    CODES_AN_HOUR,
    SESSION_LIFE,
    Session,
    SignIn,
    claimant_of,
    digest,
    holder_of,
    longest_session,
    session_secret,
)
from chalicelib.domain.answers import is_mailbox
from chalicelib.domain.errors import Gone, InvalidAnswers, Problem
from chalicelib.domain.people import Person, normalised
from chalicelib.services.finding import case_of
from chalicelib.services.ports import Parts

_DIGITS = "0123456789"
UNKNOWN = "unknown"


def ask_code(parts: Parts, address: str) -> str:
    """Mail a code to a registered address. Returns the id that binds the code to this browser.

    Raises InvalidAnswers for what is no address at all.
    """
    if not is_mailbox(address.strip()):
        message = "Enter your email address, like name@example.police.uk"
        raise InvalidAnswers([Problem(pointer="/address", code="format", message=message)])
    now = parts.now()
    person = parts.people.by_address(address)
    if person is None:
        parts.people.person(UNKNOWN)  # as many calls as for somebody known: the time must not tell them apart
    sign_in_id, code = _new_sign_in(parts, person.id if person else "", now)
    counted_for = person.id if person else f"{UNKNOWN}-{digest(normalised(address))[:32]}"
    within_limit = _count(parts, counted_for, now)
    if person and within_limit:
        parts.outbox.add(
            _code_mail(parts, "sign-in-code", person.address, sign_in_id, code, person_id=person.id)
        )
    elif within_limit:
        parts.outbox.get(UNKNOWN)
    return sign_in_id


def ask_claimant_code(parts: Parts, force: str, reference: str) -> str:
    """Mail a code to the address that a submission was made from. Returns the id that binds it to this browser.

    Raises NotFound. After too many in an hour nothing is mailed.
    """
    case = case_of(parts, force, reference)
    one, now = case.submission, parts.now()
    claimant = claimant_of(one.force, one.reference)
    sign_in_id, code = _new_sign_in(parts, claimant, now)
    if _count(parts, claimant, now):
        address = str(case.personal[parts.forms.form(one.form, one.form_version).email_field])
        parts.outbox.add(
            _code_mail(
                parts, "claimant-code", address, sign_in_id, code, reference=one.reference, force=one.force
            )
        )
    return sign_in_id


def _new_sign_in(parts: Parts, person_id: str, now: datetime) -> tuple[str, str]:
    sign_in_id = parts.new_secret()
    code = parts.draw(_DIGITS, 6)
    parts.accounts.add_sign_in(
        SignIn(
            id=digest(sign_in_id),
            person_id=person_id,
            code_digest=digest(code, salt=sign_in_id),
            expires_at=now + CODE_LIFE,
        )
    )
    return sign_in_id, code


def _count(parts: Parts, person_id: str, now: datetime) -> bool:
    hour = now.astimezone(timezone.utc).strftime("%Y-%m-%dT%H")
    return parts.accounts.count_code(person_id, hour=hour, limit=CODES_AN_HOUR)


def enter_code(parts: Parts, sign_in_id: str, code: str, *, life: timedelta = SESSION_LIFE) -> str:
    """Sign in with the mailed code. Returns the session's secret, for the cookie.

    Raises InvalidAnswers (pointer `/code`) where the code is wrong, Gone where the tries or the time are used up.
    """
    now = parts.now()
    typed = "".join(character for character in code if not character.isspace())
    if len(typed) != 6 or not typed.isascii() or not typed.isdigit():
        raise InvalidAnswers([_wrong("Enter the 6 digits from the mail we sent you")])
    sign_in = parts.accounts.use_try(digest(sign_in_id), now=now)
    if sign_in is None:
        raise Gone("This code has expired, or was tried too often. Ask for a new one.")
    right = hmac.compare_digest(digest(typed, salt=sign_in_id), sign_in.code_digest)
    if not right or not sign_in.person_id:
        raise InvalidAnswers([_wrong("That is not the code we sent you. Use the newest mail")])
    if not parts.accounts.end_sign_in(sign_in.id):
        raise Gone("This code was used already. Ask for a new one.")
    return open_session(parts, sign_in.person_id, life=life)


def open_session(parts: Parts, person_id: str, *, life: timedelta = SESSION_LIFE) -> str:
    """Sign in somebody who has proved who they are. Returns the session's secret, for the cookie.

    This asks for no proof itself. No route may call it: in the app, `enter_code` alone does.
    """
    secret = session_secret(parts.new_secret(), person_id)
    parts.accounts.add_session(
        Session(
            digest=digest(secret),
            person_id=person_id,
            csrf=parts.new_secret(),
            expires_at=parts.now() + min(life, longest_session(person_id)),
        )
    )
    return secret


def session(parts: Parts, secret: str) -> Session | None:
    """The session of a cookie's value."""
    return parts.accounts.session(digest(secret), now=parts.now())


def signed_in(parts: Parts, secret: str) -> tuple[Session | None, Person | None]:
    """The session of a cookie's value, and whose it is where one call can read both."""
    holder = holder_of(secret)
    if not holder:
        return session(parts, secret), None
    found, person = parts.accounts.session_and_holder(digest(secret), holder, now=parts.now())
    return found, person if found is not None and found.person_id == holder else None


def sign_out(parts: Parts, secret: str) -> None:
    """End the session."""
    parts.accounts.end_session(digest(secret))


def _code_mail(
    parts: Parts,
    template: str,
    address: str,
    sign_in_id: str,
    code: str,
    *,
    person_id: str = "",
    reference: str = "",
    force: str = "",
) -> deliveries.Delivery:
    """`person_id` ends the mail's id: it is how we know who was not reached, once the address is removed."""
    values: dict[str, Any] = {"code": code, "minutes": int(CODE_LIFE.total_seconds() // 60)}
    if reference:
        values["reference"] = reference
    about = digest(sign_in_id)[:32]
    return deliveries.mail(
        template,
        to=address,
        about=f"{about}.{person_id}" if person_id else about,
        reference=reference,
        force=force,
        values=values,
        now=parts.now(),
    )


def _wrong(message: str) -> Problem:
    return Problem(pointer="/code", code="wrong", message=message)
