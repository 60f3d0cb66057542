"""The composition root: builds every part once, on first use. Nothing else knows both sides."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from chalicelib.domain.intake.limits import Limits
from chalicelib.services.ports import Parts
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.domain.approvals.deadlines import Calendar
    from chalicelib.domain.people.issuers import SignIn
    from chalicelib.domain.records.security import Reporting
    from chalicelib.services.ports import (
        Accounts,
        Archive,
        Checks,
        EntryMacs,
        Files,
        Forms,
        Funds,
        Leavings,
        Links,
        Mailer,
        Outbox,
        People,
        Records,
        RootKeys,
        Seals,
        SecurityLog,
        Sources,
        Timelines,
        Tokens,
        Workbooks,
        Workflows,
    )
    from chalicelib.services.ports.identities import Identities, Providers

_parts: Parts | None = None


def parts() -> Parts:
    """All parts of this process."""
    global _parts
    if _parts is None:
        _parts = build(Settings.from_env(os.environ))
    return _parts


def use(replacement: Parts | None) -> None:
    """Put other parts in place, or none so that they are built anew. For tests."""
    global _parts
    _parts = replacement


def build(settings: Settings) -> Parts:
    """The real parts. Connects to nothing yet but names the table."""
    from chalicelib.adapters.dynamodb import tables

    tables.connect(settings.table_name)
    parts = object.__new__(_Late)
    parts.__dict__["settings"] = settings
    return parts


class _Late(Parts):
    """Parts of which each is built when it is first used: a request uses few of them. A copy that
    `dataclasses.replace` makes has them all."""

    def __getattr__(self, name: str) -> Any:
        if name == "security":  # shares the day's key with what counts asks for codes
            part = _security(self.sources)
        elif name in _BUILDERS:
            part = _BUILDERS[name](self.__dict__["settings"])
        else:
            raise AttributeError(name)
        self.__dict__[name] = part
        return part


def _records(settings: Settings) -> Records:
    from chalicelib.adapters.dynamodb.records import DynamoRecords

    return DynamoRecords(relay_grace=timedelta(seconds=settings.relay_grace_seconds), macs=_macs(settings))


def _outbox(settings: Settings) -> Outbox:
    from chalicelib.adapters.dynamodb.outbox import DynamoOutbox

    return DynamoOutbox(relay_grace=timedelta(seconds=settings.relay_grace_seconds))


def _funds(_settings: Settings) -> Funds:
    from chalicelib.adapters.dynamodb.funds import DynamoFunds

    return DynamoFunds()


def _checks(_settings: Settings) -> Checks:
    from chalicelib.adapters.dynamodb.checks import DynamoChecks

    return DynamoChecks()


def _people(_settings: Settings) -> People:
    from chalicelib.adapters.dynamodb.people import DynamoPeople

    return DynamoPeople()


def _accounts(_settings: Settings) -> Accounts:
    from chalicelib.adapters.dynamodb.accounts import DynamoAccounts

    return DynamoAccounts()


def _tokens(_settings: Settings) -> Tokens:
    from chalicelib.adapters.dynamodb.tokens import DynamoTokens

    return DynamoTokens()


def _leavings(_settings: Settings) -> Leavings:
    from chalicelib.adapters.dynamodb.leavings import DynamoLeavings

    return DynamoLeavings()


def _seals(settings: Settings) -> Seals:
    from chalicelib.adapters.signing.seals import KeyedSeals

    return KeyedSeals(settings.signing_keys)


def _macs(settings: Settings) -> EntryMacs:
    from chalicelib.adapters.aws.macs import KeyedMacs, key_of

    return KeyedMacs([key_of(key) for key in settings.mac_keys], since=settings.sealed_since)


def _timelines(_settings: Settings) -> Timelines:
    from chalicelib.adapters.dynamodb.timelines import DynamoTimelines

    return DynamoTimelines()


def _roots(settings: Settings) -> Files:
    from chalicelib.adapters.aws.bucket import S3Files

    return S3Files(settings.roots_bucket)


def _root_keys(settings: Settings) -> RootKeys:
    from chalicelib.adapters.aws.root_keys import RootKeys, key_of

    return RootKeys([key_of(key) for key in settings.root_keys])


def _sources(_settings: Settings) -> Sources:
    from chalicelib.adapters.dynamodb.sources import DailySources, DynamoDayKeys

    return DailySources(DynamoDayKeys(), now=now, new_secret=new_secret)


def _security(sources: Sources) -> SecurityLog:
    from chalicelib.adapters.aws.security_log import JsonLines

    return JsonLines(source_of=sources.of, now=now)


def _identities(_settings: Settings) -> Identities:
    from chalicelib.adapters.dynamodb.identity_items import DynamoIdentities

    return DynamoIdentities()


def _providers(_settings: Settings) -> Providers:
    from chalicelib.adapters.openid import OpenIdProviders

    return OpenIdProviders()


def _sign_in(settings: Settings) -> SignIn:
    from chalicelib.domain.people.issuers import SignIn

    ways = settings.sign_in
    return SignIn(codes=ways != "oidc", issuers=settings.oidc_issuers if ways != "code" else ())


def _workflows(settings: Settings) -> Workflows:
    from chalicelib.adapters.aws.step_functions import StepFunctions

    return StepFunctions(settings.state_machine_arn_prefix, alias=settings.state_machine_alias)


def _mailer(settings: Settings) -> Mailer:
    from chalicelib.adapters.aws.ses import SesMailer

    return SesMailer(sender=settings.mail_from, reply_to=settings.mail_reply_to)


def _links(settings: Settings) -> Links:
    from chalicelib.adapters.signing.links import SignedLinks

    return SignedLinks(settings.base_url, settings.signing_keys)


def _archive(_settings: Settings) -> Archive:
    from chalicelib.adapters.dynamodb.archive import DynamoArchive

    return DynamoArchive()


def _workbooks(_settings: Settings) -> Workbooks:
    from chalicelib.adapters.rendering import workbooks

    return workbooks.Workbooks()


def _forms(_settings: Settings) -> Forms:
    from chalicelib.adapters.files.form_files import FormFiles

    return FormFiles()


def _files(settings: Settings) -> Files:
    from chalicelib.adapters.aws.bucket import S3Files

    return S3Files(settings.exports_bucket)


def _calendar(settings: Settings) -> Calendar:
    from chalicelib.adapters.files import form_files

    return form_files.calendar(settings.working_day_seconds)


def _limits(settings: Settings) -> Limits:
    return Limits(
        mailbox_an_hour=settings.mailbox_quota,
        force_an_hour=settings.force_quota,
        form_wait=timedelta(seconds=settings.form_seconds),
        source_an_hour=settings.source_quota,
        more_domains=settings.claim_domains,
        unproven_mails_an_hour=settings.unproven_mail_quota,
        unconfirmed_for=timedelta(days=settings.unconfirmed_days),
    )


def _reporting(settings: Settings) -> Reporting:
    from chalicelib.domain.records.security import Reporting

    return Reporting(
        contact=settings.security_contact or f"mailto:{settings.mail_reply_to}",
        policy=settings.security_policy,
        expires=datetime.fromisoformat(settings.security_expires).replace(tzinfo=timezone.utc),
    )


def now() -> datetime:
    """The time in UTC, to the microsecond that DynamoDB's text form keeps."""
    return datetime.now(timezone.utc)


def draw(characters: str, count: int) -> str:
    """So many of these characters, each unpredictably, and each as likely as the others at every place.

    One number is drawn for all of them: every call to the system lets go of the interpreter, which eight busy
    threads then have to win back.
    """
    number = secrets.randbelow(len(characters) ** count)
    drawn = []
    for _ in range(count):
        number, place = divmod(number, len(characters))
        drawn.append(characters[place])
    return "".join(drawn)


def new_secret() -> str:
    """256 bits that nobody can guess, URL-safe."""
    return secrets.token_urlsafe(32)


_BUILDERS: Mapping[str, Callable[[Settings], Any]] = {
    "records": _records,
    "outbox": _outbox,
    "funds": _funds,
    "checks": _checks,
    "people": _people,
    "accounts": _accounts,
    "tokens": _tokens,
    "leavings": _leavings,
    "seals": _seals,
    "sources": _sources,
    "macs": _macs,
    "timelines": _timelines,
    "roots": _roots,
    "root_keys": _root_keys,
    "identities": _identities,
    "providers": _providers,
    "sign_in": _sign_in,
    "workflows": _workflows,
    "mailer": _mailer,
    "links": _links,
    "forms": _forms,
    "archive": _archive,
    "workbooks": _workbooks,
    "files": _files,
    "calendar": _calendar,
    "now": lambda _: now,
    "undo_for": lambda settings: timedelta(seconds=settings.undo_seconds),
    "limits": _limits,
    "probe_key": lambda settings: settings.probe_key,
    "reporting": _reporting,
    "draw": lambda _: draw,
    "new_secret": lambda _: new_secret,
}
