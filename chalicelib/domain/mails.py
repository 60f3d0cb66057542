"""Every mail the service sends: who reads it, and what we call it when we write about it.

Add a line here for each new template. A guard (`tests/guards/test_mails.py`) fails while one is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from chalicelib.domain.values import value


class Reader(Enum):
    """Who a mail is for. This decides who is told when it does not arrive (`services/undelivered.py`)."""

    SUBMITTER = "submitter"
    ASKED = "asked"
    """Somebody who is asked to decide, while the answer is open."""

    DECIDER = "decider"
    """Somebody who has decided, or does not need to any more."""

    COORDINATOR = "coordinator"
    LEADER = "leader"
    STAFF = "staff"
    """Somebody who is registered and signs in."""


@value
class Mail:
    """A mail's reader, and its name within a sentence."""

    reader: Reader
    name: str


_BY_READER: Mapping[Reader, Mapping[str, str]] = {
    Reader.SUBMITTER: {
        "confirm": "request to confirm an email address",
        "receipt": "receipt",
        "moved-on": "approval by one stage",
        "approved": "approval",
        "rejected": "rejection",
        "answered": "answer",
        "paid": "payment",
        "changes-requested": "request for changes",
        "changes-reminder": "reminder to make changes",
        "amended": "receipt for changes",
        "withdrawn": "confirmation of withdrawal",
        "lapsed": "notice that it lapsed",
        "claimant-code": "security code",
        "new-link": "new link",
    },
    Reader.ASKED: {
        "asked": "request to decide",
        "reminder": "reminder to decide",
    },
    Reader.DECIDER: {
        "no-longer-needed": "notice that they do not need to decide",
        "decision-made": "record of a decision in their name",
    },
    Reader.COORDINATOR: {
        "role-empty": "notice that nobody holds a role",
        "stuck": "notice that nobody is deciding",
        "altered": "notice that stored data was changed",
        "undelivered": "notice that an email did not arrive",
        "staff-undelivered": "notice that an email to a colleague did not arrive",
    },
    Reader.LEADER: {"digest": "digest"},
    Reader.STAFF: {"sign-in-code": "sign-in code", "new-browser": "notice of a sign-in from a new browser"},
}
"""Each template and its name in words."""

MAILS: Mapping[str, Mail] = {
    template: Mail(reader=reader, name=name)
    for reader, names in _BY_READER.items()
    for template, name in names.items()
}
"""By the name of the template."""

_PARTS_BEFORE_PERSON = {"sign-in-code": 3, "new-browser": 3}
_USUAL_PARTS = 4


def name_of(template: str) -> str:
    """The mail's name in words, also of a template that an earlier release had."""
    return MAILS[template].name if template in MAILS else template.replace("-", " ")


def template_of(notification_id: str) -> str:
    """The template in a mail's id; empty for an id that is not a mail's."""
    kind, _, rest = notification_id.partition(".")
    return rest.partition(".")[0] if kind == "mail" else ""


def person_of(notification_id: str) -> str:
    """The id of the registered person in the id of a mail to a coordinator, to a leader, or to somebody who signs in;
    empty where it names nobody. Only for those: the ids of other mails end with other things."""
    before = _PARTS_BEFORE_PERSON.get(template_of(notification_id), _USUAL_PARTS)
    return "".join(notification_id.split(".", before)[before:])
