"""Where each item stands: the keys of docs/data-model.md, made and read in one place."""

from __future__ import annotations

from datetime import date, datetime, timezone

from chalicelib.domain.people.people import Holding

SUBMISSION = "SUBMISSION"
AWAY = "AWAY"
LEAVING = "LEAVING"
PERSONAL = "PERSONAL"
TOKEN = "TOKEN"
ONLY = "-"
"""Sort key of items that are alone in their partition."""

DUE_DELIVERY = "DELIVERY"
SET_ASIDE = "SET-ASIDE"
"""Deliveries that failed too often, in the index `due`."""

DUE_SUBMISSION = "SUBMISSION"
DUE_LEAVING = "LEAVING"
DUE_UNCONFIRMED = "UNCONFIRMED"
"""Submissions whose submitter has not proven their mailbox, in the index `due`."""

PEOPLE = "PEOPLE"
"""Everybody registered, in the index `listed`."""

LEFT = "LEFT"
"""Everybody who has left, in the index `listed`."""


def people_at(place: str) -> str:
    """Everybody who holds a role at a place, in the index `listed`; with no place, everybody."""
    return f"{PEOPLE}#{place}" if place else PEOPLE


def left_at(place: str) -> str:
    """Everybody who held a role at a place when they left, in the index `listed`; with no place, everybody."""
    return f"{LEFT}#{place}" if place else LEFT


def at(place: str) -> str:
    """That somebody holds a role at a place, within the person."""
    return f"AT#{place}"


def was_at(place: str) -> str:
    """That somebody held a role at a place when they left, within the person."""
    return f"WAS-AT#{place}"


PUBLIC = "PUBLIC"
"""What everybody may read, in the index `public`."""


PUBLIC_COUNTED = "COUNTED"
"""How many ideas each force has published, as last counted; under PUBLIC."""


def value(key: str) -> str:
    """What a key such as `PERSON#id` or `SHARE#force` was made from: all that follows its first `#`."""
    return key.partition("#")[2]


def case(force: str, reference: str) -> str:
    """Everything of one submission. The force stands first: code built for one force cannot name another's."""
    return f"FORCE#{force}#{reference}"


def force_and_reference(pk: str) -> tuple[str, str]:
    """What `case` was made from."""
    _, force, reference = pk.split("#")
    return force, reference


def reference(reference: str) -> str:
    """The force of a reference."""
    return f"REFERENCE#{reference}"


TASKS = "TASK#"
"""How the keys of all tasks of a submission begin."""


def task(number: int) -> str:
    """A task, within its submission."""
    return f"{TASKS}{number:04d}"


def task_number(sk: str) -> int:
    """The number that `task` was made from."""
    return int(value(sk))


def version(number: int) -> str:
    """Answers that were replaced, within their submission."""
    return f"VERSION#{number:04d}"


def personal_version(number: int) -> str:
    """The personal answers of a version."""
    return f"PERSONAL#{number:04d}"


def listed(force: str, form: str) -> str:
    """The submissions of a form at a force, in the index `listed`."""
    return f"{force}#{form}"


def set_aside(force: str) -> str:
    """A force's deliveries that failed too often, in the index `listed`."""
    return f"{SET_ASIDE}#{force}"


def asked(person_id: str) -> str:
    """What waits for a person, in the index `listed`."""
    return f"ASKED#{person_id}"


def asked_in(force: str, person_id: str) -> str:
    """What waits for a person in one force, in the index `due`."""
    return f"ASKED#{force}#{person_id}"


def entry(sequence: int) -> str:
    """A timeline entry, within its submission."""
    return f"ENTRY#{sequence:06d}"


def text(sequence: int) -> str:
    """The text of a timeline entry."""
    return f"TEXT#{sequence:06d}"


def entries_of(at: datetime) -> str:
    """The timeline entries of a day (UTC), in the index `listed`."""
    return f"ENTRIES#{at.astimezone(timezone.utc).date().isoformat()}"


def delivery(delivery_id: str) -> str:
    """An outbox item."""
    return f"DELIVERY#{delivery_id}"


def fund(fund_id: str) -> str:
    """A fund: its balance and each force's share."""
    return f"FUND#{fund_id}"


def ledger(fund_id: str) -> str:
    """A fund's ledger lines and reservations."""
    return f"LEDGER#{fund_id}"


FUND_BALANCE = "BALANCE"


def share(force: str) -> str:
    """A force's share of a fund."""
    return f"SHARE#{force}"


def line(reference: str, revision: int) -> str:
    """A ledger line."""
    return f"LINE#{reference}#{revision:06d}"


def reference_and_revision(line: str) -> tuple[str, int]:
    """What `line` was made from."""
    _, reference, revision = line.split("#")
    return reference, int(revision)


def reservation(reference: str) -> str:
    """What the fund holds for a claim."""
    return f"RESERVATION#{reference}"


CHECKS = "CHECKS"
"""The runs of the reconciler, and how many have been counted."""

COUNTED = "COUNTED"


VERIFIED = "VERIFIED"
"""How far the reconciler has verified the timelines; under CHECKS."""


def checks_of(force: str) -> str:
    """What the runs of the reconciler found in one force."""
    return f"{CHECKS}#{force}"


def run(slot: int) -> str:
    """The place of a run."""
    return f"RUN#{slot:02d}"


def exports(form: str, scope: str) -> str:
    """How many exports were made of a form for a scope: a force, or everything."""
    return f"EXPORT#{form}#{scope}"


def idempotency(form: str, key: str) -> str:
    """A used Idempotency-Key."""
    return f"KEY#{form}#{key}"


def idempotency_key(pk: str) -> str:
    """The Idempotency-Key that `idempotency` was made from. It may hold any character; a form's id holds no `#`."""
    return pk.split("#", 2)[2]


def content(digest: str) -> str:
    """A content that came from an address."""
    return f"CONTENT#{digest}"


def mailbox(digest: str) -> str:
    """What came from a mailbox, hour by hour."""
    return f"MAILBOX#{digest}"


def hour(begins: datetime) -> str:
    """An hour, within whatever is counted by it: `2027-01-11T09`, in UTC."""
    return begins.astimezone(timezone.utc).strftime("%Y-%m-%dT%H")


def person(person_id: str) -> str:
    """Somebody registered."""
    return f"PERSON#{person_id}"


def address(normalised: str) -> str:
    """Whose mailbox this is."""
    return f"ADDRESS#{normalised}"


def holding(held: Holding) -> str:
    """Everybody who holds a role at a place."""
    return f"ROLE#{held.role}#{held.at}"


def pair(mailbox: str) -> str:
    """The code and link of a mailbox."""
    return f"PAIR#{mailbox}"


def source(digest: str) -> str:
    """Who asks for codes from one network address, hour by hour."""
    return f"SOURCE#{digest}"


def day_key(day: date) -> str:
    """The key that networks are hashed with on a day."""
    return f"DAYKEY#{day.isoformat()}"


SESSIONS = "SESSION#"
"""What the sessions of a person begin with, within the person."""


def session(digest: str) -> str:
    """Somebody signed in, within the person."""
    return f"{SESSIONS}{digest}"


BEARERS = "BEARER#"
"""How the tokens of a person begin, within the person."""


def bearer(digest: str) -> str:
    """A bearer token, within its person."""
    return f"{BEARERS}{digest}"


PERSON_CHANGES = "CHANGE#"
"""How the changes of a person begin, within the person."""


def person_change(at: datetime, change_id: str) -> str:
    """A change of a person, within the person, in the order of time."""
    return f"{PERSON_CHANGES}{at.astimezone(timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%f')}#{change_id}"


def person_change_id(sk: str) -> str:
    """The id that `person_change` was made from."""
    return sk.rpartition("#")[2]


def identity(digest: str) -> str:
    """Whom somebody is here that an OpenID provider knows."""
    return f"IDENTITY#{digest}"


IDENTITIES = "IDENTITY#"
"""What the identities of a person begin with, within the person."""


def state(digest: str) -> str:
    """A state that was used."""
    return f"STATE#{digest}"
