"""What is set from outside: environment variables, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from chalicelib.domain.values import value

if TYPE_CHECKING:
    from chalicelib.domain.people.issuers import Issuer


class MissingSetting(Exception):
    """A variable that has no default is not set."""


@value
class Settings:
    """The variable of each field is its name in capitals; docs/operations.md lists them."""

    base_url: str
    """Where people reach the service, such as `https://ideas.example.org`. All links begin with it."""

    table_name: str
    """The DynamoDB table."""

    state_machine_arn_prefix: str
    """ARN of the state machines up to their name."""

    mail_from: str
    """Sender of all mail, an identity that SES knows."""

    mail_reply_to: str
    """Where answers to our mail go: a person."""

    exports_bucket: str
    """The S3 bucket that keeps exports."""

    mac_keys: tuple[str, ...]
    """Keys of the timeline's MACs, newest first: the first makes, all verify. Each is `kms:` and an ARN, or `file:` and
    a path."""

    root_keys: tuple[str, ...]
    """Keys that roots are signed with, named as those of MACs are. The first signs, all verify."""

    roots_bucket: str
    """The S3 bucket that keeps roots, where nobody can remove or replace them."""

    signing_keys: tuple[str, ...] = ()
    """Secrets for status links, codes and cookies, newest first; at least 32 characters each. Older ones still verify.
    A deployed function that signs nothing has none."""

    sealed_since: datetime | None = None
    """When this service first ran a release that makes MACs (RFC 3339). Entries from before have none. Not set: it has
    made them from the beginning."""

    working_day_seconds: int = 0
    """Length of a working day, to watch deadlines pass. 0: real days."""

    relay_grace_seconds: int = 60
    """How long the stream has to carry a delivery before the sweeper does."""

    state_machine_alias: str = ""
    """Executions are started through this alias of the state machines, so that each names its version. Empty: none."""

    undo_seconds: int = 600
    """How long the maker of a decision may take it back; until then nobody else is told. 0: not at all."""

    mailbox_quota: int = 20
    """How many submissions one mailbox may send in an hour. 0: as many as it likes."""

    force_quota: int = 200
    """More submissions of one force in an hour ring an alarm; all are taken. 0: never."""

    form_seconds: int = 2
    """A page that is sent sooner after it was shown is shown again: nobody fills it in so fast. 0: never."""

    source_quota: int = 300
    """How often codes may be asked for from one network address in an hour. A force's officers share one: 300 is one
    ask every twelve seconds, all day. 0: as often as they like."""

    sign_in: str = "code"
    """How staff sign in: with a mailed `code`, with their organisation's OpenID provider (`oidc`), or with `both`."""

    oidc_issuers: tuple[Issuer, ...] = ()
    """The OpenID providers. Their client secrets are in OIDC_SECRETS."""

    probe_key: str = ""
    """What a monitor shows in the header `X-Probe` to see at `/health/deep` which part fails, and how. Empty: staff
    alone see it."""

    claim_domains: tuple[str, ...] = ()
    """Domains, such as `btp.police.uk`, that may send claims besides those that the form names."""

    unconfirmed_days: int = 7
    """How long a submission waits for the code that proves its mailbox. Then it lapses, and what was typed goes."""

    unproven_mail_quota: int = 2000
    """How many codes are mailed in an hour to those who send something without proof; more wait for the next hour.
    Twenty times a busy hour, and far below what SES lets us send. 0: no limit."""

    security_contact: str = ""
    """Where to report a fault, a `mailto:` or `https:` address. Empty: `mail_reply_to`."""

    security_policy: str = ""
    """The `https:` address of a page that says what reporters can expect, such as this project's SECURITY.md."""

    security_expires: str = "2027-11-30"
    """The day from which `/.well-known/security.txt` must not be relied on, at most a year ahead."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Raises MissingSetting naming every variable that is missing or not what it must be."""
        faults = [name for name in _REQUIRED if not env.get(name)]
        numbers = {name: _whole(env.get(name) or default) for name, default in _NUMBERS.items()}
        faults += [name for name, number in numbers.items() if number is None]
        keys = tuple(part.partition(":")[2] for part in env.get("SIGNING_KEYS", "").split(",") if part)
        if not all(len(key) >= 32 for key in keys):
            faults.append("SIGNING_KEYS (id:secret, of 32 characters or more)")
        mac_keys, root_keys = (_named_keys(env, name, faults) for name in ("MAC_KEYS", "ROOT_KEYS"))
        sealed_since = _moment(env.get("SEALED_SINCE", ""), faults)
        issuers = _issuers(env, faults)
        contact, policy = env.get("SECURITY_CONTACT", ""), env.get("SECURITY_POLICY", "")
        expires = env.get("SECURITY_EXPIRES") or cls.security_expires
        faults += _wrong_reporting(contact, policy, expires)
        if faults:
            raise MissingSetting("set these environment variables: " + ", ".join(faults))
        return cls(
            base_url=env["BASE_URL"].rstrip("/"),
            table_name=env["TABLE_NAME"],
            signing_keys=keys,
            state_machine_arn_prefix=env["STATE_MACHINE_ARN_PREFIX"],
            state_machine_alias=env.get("STATE_MACHINE_ALIAS", ""),
            mail_from=env["MAIL_FROM"],
            mail_reply_to=env["MAIL_REPLY_TO"],
            exports_bucket=env["EXPORTS_BUCKET"],
            mac_keys=mac_keys,
            root_keys=root_keys,
            roots_bucket=env["ROOTS_BUCKET"],
            sealed_since=sealed_since,
            working_day_seconds=numbers["WORKING_DAY_SECONDS"] or 0,
            relay_grace_seconds=numbers["RELAY_GRACE_SECONDS"] or 0,
            undo_seconds=numbers["UNDO_SECONDS"] or 0,
            mailbox_quota=numbers["MAILBOX_QUOTA"] or 0,
            force_quota=numbers["FORCE_QUOTA"] or 0,
            form_seconds=numbers["FORM_SECONDS"] or 0,
            source_quota=numbers["SOURCE_QUOTA"] or 0,
            sign_in=env.get("SIGN_IN") or "code",
            oidc_issuers=issuers,
            probe_key=env.get("PROBE_KEY", ""),
            claim_domains=tuple(env.get("CLAIM_DOMAINS", "").casefold().replace(",", " ").split()),
            unproven_mail_quota=numbers["UNPROVEN_MAIL_QUOTA"] or 0,
            unconfirmed_days=numbers["UNCONFIRMED_DAYS"] or 1,
            security_contact=contact,
            security_policy=policy,
            security_expires=expires,
        )


_URI = re.compile(r"(mailto:[!-~]+@[!-~]+|https://[!-~]+)")
_REQUIRED = (
    "BASE_URL",
    "TABLE_NAME",
    "STATE_MACHINE_ARN_PREFIX",
    "MAIL_FROM",
    "MAIL_REPLY_TO",
    "EXPORTS_BUCKET",
    "MAC_KEYS",
    "ROOT_KEYS",
    "ROOTS_BUCKET",
)


_NUMBERS = {
    "WORKING_DAY_SECONDS": "0",
    "RELAY_GRACE_SECONDS": "60",
    "UNDO_SECONDS": "600",
    "MAILBOX_QUOTA": "20",
    "FORCE_QUOTA": "200",
    "FORM_SECONDS": "2",
    "SOURCE_QUOTA": "300",
    "UNCONFIRMED_DAYS": "7",
    "UNPROVEN_MAIL_QUOTA": "2000",
}


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _named_keys(env: Mapping[str, str], name: str, faults: list[str]) -> tuple[str, ...]:
    keys = tuple(key for key in env.get(name, "").split(",") if key)
    if not all(key.startswith(("kms:", "file:")) for key in keys):
        faults.append(f"{name} (kms:ARN or file:PATH)")
    return keys


def _moment(text: str, faults: list[str]) -> datetime | None:
    """SEALED_SINCE; what is wrong with it goes to `faults`."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        faults.append("SEALED_SINCE (such as 2026-12-01T09:00:00Z)")
    return moment


def _wrong_reporting(contact: str, policy: str, expires: str) -> list[str]:
    """What is wrong with the lines of security.txt. A line break would begin a line of somebody else's."""
    faults = []
    if contact and not _URI.fullmatch(contact):
        faults.append("SECURITY_CONTACT (mailto:… or https://…)")
    if policy and not (_URI.fullmatch(policy) and policy.startswith("https:")):
        faults.append("SECURITY_POLICY (https://…)")
    try:
        date.fromisoformat(expires)
    except ValueError:
        faults.append("SECURITY_EXPIRES (YYYY-MM-DD)")
    return faults


def _issuers(env: Mapping[str, str], faults: list[str]) -> tuple[Issuer, ...]:
    """The OpenID providers; what is wrong with them, or with SIGN_IN, goes to `faults`."""
    ways, text = env.get("SIGN_IN") or "code", env.get("OIDC_ISSUERS", "")
    if ways not in ("code", "oidc", "both"):
        faults.append("SIGN_IN (code, oidc or both)")
    if not text:
        faults += [f"OIDC_ISSUERS (SIGN_IN is {ways})"] if ways in ("oidc", "both") else []
        return ()
    from chalicelib.domain.people.issuers import WrongIssuers, read_issuers  # most services have none

    try:
        return read_issuers(text, env.get("OIDC_SECRETS", ""))
    except WrongIssuers as error:
        faults.append(str(error))
        return ()
