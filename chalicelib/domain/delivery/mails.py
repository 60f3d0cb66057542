"""Every mail the service sends: its template, who reads it, what we call it, and the values that the template needs.

A new mail is a line here and a template of its name (`adapters/rendering/mail_texts`). Where its values change, its
version goes up and an upgrade is added: mail that an earlier release queued is still to be sent. Guards
(`tests/guards`) fail where the two do not match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

VERSION = "version"
"""The value that says for which version of a mail the others were made. Mail of version 1 has none."""

Upgrade = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""The values of one version of a mail as the next version has them."""


class Bounce(Enum):
    """What it means that a mail did not arrive (`services/delivery/undelivered.py`)."""

    UNREACHED = "The submitter does not know. The coordinators of the submission's force are told."
    UNASKED = "Nobody may be deciding. The coordinators are told, while the answer is still open."
    COLLEAGUE = "A colleague's address may be wrong. Those who coordinate where the colleague works are told."


class Reader(Enum):
    """Who a mail is for."""

    SUBMITTER = "submitter"
    ASKED = "asked"
    """Somebody who is asked to decide, while the answer is open."""

    DECIDER = "decider"
    """Somebody who has decided, or does not need to any more."""

    COORDINATOR = "coordinator"
    LEADER = "leader"
    STAFF = "staff"
    """Somebody who is registered and signs in."""

    @property
    def if_bounced(self) -> Bounce:
        """What it means where a mail to them does not arrive."""
        return {Reader.SUBMITTER: Bounce.UNREACHED, Reader.ASKED: Bounce.UNASKED}.get(self, Bounce.COLLEAGUE)


class Mail(NamedTuple):
    """One mail. `name` is what we call it within a sentence, `values` are what the template is given.

    `upgrades` lead from version 1 to the present one. `before_person` counts the parts of the mail's id before the
    reader's. Of a mail that `anybody_asks` for, one failure a day is told. `warns_of_mail`: its own failing for good
    is not told, or a mail system that is down would have us write for ever.
    """

    template: str
    reader: Reader
    name: str
    values: frozenset[str]
    upgrades: Sequence[Upgrade] = ()
    before_person: int = 4
    anybody_asks: bool = False
    warns_of_mail: bool = False

    @property
    def version(self) -> int:
        """The version of the values."""
        return 1 + len(self.upgrades)


class ValuesForgotten(AssertionError):
    """A fault in our code: a mail was made with other values than its template needs."""


def _needs(*names: str | Iterable[str]) -> frozenset[str]:
    """Names, and sets of names."""
    found = (one.split() if isinstance(one, str) else one for one in names)
    return frozenset(name for some in found for name in some)


def _may_hand_on_since(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """At first, every coordinator could ask somebody else."""
    return {"may_hand_on": True, **values}


def _groups_since(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """At first, of the groups of answers only the costs were in the mail."""
    return {"groups": [], **values}


def _values_since(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """At first, no choice asked for values."""
    return {"values": [], **values}


_ABOUT = _needs("reference title noun total")
_STATUS = _needs(_ABOUT, "status_url")
_OUTCOME = _needs(_STATUS, "role comment next_stage values")
_CHANGES = _needs(_STATUS, "changes change_by amend_url")
_ASKED = _needs(
    _ABOUT,
    "force answers costs groups fund fund_left force_left as_deputy stands_in decide_by is_reserved reserved",
    "differences earlier task_url",
)
_CODE = _needs("code minutes sign_in_url")
_CONFIRM = _needs(_CODE, "reference noun status_url others is_reminder signs_in days")
_RECEIPT = _needs("reference noun form_title answers costs groups total stage_title status_url")
_MADE = _needs(_ABOUT, "made comment undo_until task_url")
_STUCK = _needs(_ABOUT, "force stage_title reason has_task may_hand_on again_on desk_url")
_UNDELIVERED = _needs(_ABOUT, "force reason desk_url")
_ALTERED = _needs("reference force noun desk_url")
_NOTICE = _needs("name roles email happened reference desk_url")
_DIGEST = _needs("what where for_leaders period is_first forms chart all_exports_url")

_SUBMITTER, _STAFF, _COORDINATOR = Reader.SUBMITTER, Reader.STAFF, Reader.COORDINATOR

_ALL = (
    Mail("confirm", _SUBMITTER, "request to confirm an email address", _CONFIRM),
    Mail("receipt", _SUBMITTER, "receipt", _RECEIPT, (_groups_since,)),
    Mail("moved-on", _SUBMITTER, "approval by one stage", _OUTCOME, (_values_since,)),
    Mail("approved", _SUBMITTER, "approval", _OUTCOME, (_values_since,)),
    Mail("rejected", _SUBMITTER, "rejection", _OUTCOME, (_values_since,)),
    Mail("answered", _SUBMITTER, "answer", _needs(_OUTCOME, "done"), (_values_since,)),
    Mail(
        "deferred", _SUBMITTER, "notice that it was put aside", _needs(_STATUS, "role comment until values")
    ),
    Mail("paid", _SUBMITTER, "payment", _needs(_STATUS, "paid payment")),
    Mail("changes-requested", _SUBMITTER, "request for changes", _needs(_CHANGES, "role comment")),
    Mail("changes-reminder", _SUBMITTER, "reminder to make changes", _CHANGES),
    Mail("amended", _SUBMITTER, "receipt for changes", _needs(_STATUS, "sections next_stage")),
    Mail("withdrawn", _SUBMITTER, "confirmation of withdrawal", _STATUS),
    Mail("lapsed", _SUBMITTER, "notice that it lapsed", _STATUS),
    Mail("claimant-code", _SUBMITTER, "security code", _needs("code minutes reference"), anybody_asks=True),
    Mail("new-link", _SUBMITTER, "new link", _STATUS),
    Mail("asked", Reader.ASKED, "request to decide", _ASKED, (_groups_since,)),
    Mail("reminder", Reader.ASKED, "reminder to decide", _ASKED, (_groups_since,)),
    Mail(
        "no-longer-needed", Reader.DECIDER, "notice that they do not need to decide", _needs(_ABOUT, "reason")
    ),
    Mail("decision-made", Reader.DECIDER, "record of a decision in their name", _MADE),
    Mail(
        "role-empty",
        _COORDINATOR,
        "notice that nobody holds a role",
        _needs("name last_day roles people_url"),
    ),
    Mail("stuck", _COORDINATOR, "notice that nobody is deciding", _STUCK, (_may_hand_on_since,)),
    Mail("altered", _COORDINATOR, "notice that stored data was changed", _ALTERED),
    Mail("undelivered", _COORDINATOR, "notice that an email did not arrive", _UNDELIVERED),
    Mail(
        "staff-undelivered",
        _COORDINATOR,
        "notice that an email to a colleague did not arrive",
        _NOTICE,
        warns_of_mail=True,
    ),
    Mail("digest", Reader.LEADER, "digest", _DIGEST),
    Mail("sign-in-code", _STAFF, "sign-in code", _CODE, before_person=3),
    Mail(
        "new-browser",
        _STAFF,
        "notice of a sign-in from a new browser",
        _needs("browser at account_url"),
        before_person=3,
    ),
)

MAILS: Mapping[str, Mail] = {mail.template: mail for mail in _ALL}
"""By the name of the template."""


def to_queue(template: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the outbox keeps them: with their version, where it is not the first. Raises ValuesForgotten where
    they are not those that the mail needs."""
    mail = MAILS[template]
    wrong = mail.values ^ values.keys()
    if wrong:
        raise ValuesForgotten(f"{template}: missing or not known: {', '.join(sorted(wrong))}")
    return {**values, VERSION: mail.version} if mail.version > 1 else dict(values)


def as_now(template: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were queued by this release or an earlier one, as the template needs them now."""
    mail = MAILS.get(template)
    now = {name: value for name, value in values.items() if name != VERSION}
    for upgrade in mail.upgrades[values.get(VERSION, 1) - 1 :] if mail else ():
        now = dict(upgrade(now))
    return now


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
    mail = MAILS.get(template_of(notification_id))
    before = mail.before_person if mail else 4
    return "".join(notification_id.split(".", before)[before:])
