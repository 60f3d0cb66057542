"""The composition root: builds every part once, on first use. Nothing else knows both sides."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import cached_property
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
        Now,
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
    return _OnFirstUse(settings)


class _OnFirstUse(Parts):
    """Parts of which each is built when it is first used: a request uses few of them."""

    _settings: Settings

    def __init__(self, settings: Settings | None = None, **built: Any) -> None:
        """From the settings; or `built` already, all of them, as `dataclasses.replace` makes a copy."""
        if settings:
            self.__dict__["_settings"] = settings
        self.__dict__.update(built)

    @cached_property
    def records(self) -> Records:
        from chalicelib.adapters.dynamodb.records import DynamoRecords

        return DynamoRecords(
            relay_grace=timedelta(seconds=self._settings.relay_grace_seconds), macs=self.macs
        )

    @cached_property
    def outbox(self) -> Outbox:
        from chalicelib.adapters.dynamodb.outbox import DynamoOutbox

        return DynamoOutbox(relay_grace=timedelta(seconds=self._settings.relay_grace_seconds))

    @cached_property
    def funds(self) -> Funds:
        from chalicelib.adapters.dynamodb.funds import DynamoFunds

        return DynamoFunds()

    @cached_property
    def checks(self) -> Checks:
        from chalicelib.adapters.dynamodb.checks import DynamoChecks

        return DynamoChecks()

    @cached_property
    def people(self) -> People:
        from chalicelib.adapters.dynamodb.people import DynamoPeople

        return DynamoPeople()

    @cached_property
    def accounts(self) -> Accounts:
        from chalicelib.adapters.dynamodb.accounts import DynamoAccounts

        return DynamoAccounts()

    @cached_property
    def tokens(self) -> Tokens:
        from chalicelib.adapters.dynamodb.tokens import DynamoTokens

        return DynamoTokens()

    @cached_property
    def leavings(self) -> Leavings:
        from chalicelib.adapters.dynamodb.leavings import DynamoLeavings

        return DynamoLeavings()

    @cached_property
    def seals(self) -> Seals:
        from chalicelib.adapters.signing.seals import KeyedSeals

        return KeyedSeals(self._settings.signing_keys)

    @cached_property
    def macs(self) -> EntryMacs:
        from chalicelib.adapters.aws.macs import KeyedMacs, key_of

        return KeyedMacs([key_of(key) for key in self._settings.mac_keys], since=self._settings.sealed_since)

    @cached_property
    def timelines(self) -> Timelines:
        from chalicelib.adapters.dynamodb.timelines import DynamoTimelines

        return DynamoTimelines()

    @cached_property
    def roots(self) -> Files:
        from chalicelib.adapters.aws.bucket import S3Files

        return S3Files(self._settings.roots_bucket)

    @cached_property
    def root_keys(self) -> RootKeys:
        from chalicelib.adapters.aws.root_keys import RootKeys, key_of

        return RootKeys([key_of(key) for key in self._settings.root_keys])

    @cached_property
    def sources(self) -> Sources:
        from chalicelib.adapters.dynamodb.sources import DailySources, DynamoDayKeys

        return DailySources(DynamoDayKeys(), now=now, new_secret=new_secret)

    @cached_property
    def security(self) -> SecurityLog:
        from chalicelib.adapters.aws.security_log import JsonLines

        return JsonLines(source_of=self.sources.of, now=now)

    @cached_property
    def identities(self) -> Identities:
        from chalicelib.adapters.dynamodb.identity_items import DynamoIdentities

        return DynamoIdentities()

    @cached_property
    def providers(self) -> Providers:
        from chalicelib.adapters.openid import OpenIdProviders

        return OpenIdProviders()

    @cached_property
    def sign_in(self) -> SignIn:
        from chalicelib.domain.people.issuers import SignIn

        ways = self._settings.sign_in
        return SignIn(codes=ways != "oidc", issuers=self._settings.oidc_issuers if ways != "code" else ())

    @cached_property
    def workflows(self) -> Workflows:
        from chalicelib.adapters.aws.step_functions import StepFunctions

        return StepFunctions(
            self._settings.state_machine_arn_prefix, alias=self._settings.state_machine_alias
        )

    @cached_property
    def mailer(self) -> Mailer:
        from chalicelib.adapters.aws.ses import SesMailer

        return SesMailer(sender=self._settings.mail_from, reply_to=self._settings.mail_reply_to)

    @cached_property
    def links(self) -> Links:
        from chalicelib.adapters.signing.links import SignedLinks

        return SignedLinks(self._settings.base_url, self._settings.signing_keys)

    @cached_property
    def archive(self) -> Archive:
        from chalicelib.adapters.dynamodb.archive import DynamoArchive

        return DynamoArchive()

    @cached_property
    def workbooks(self) -> Workbooks:
        from chalicelib.adapters.rendering import workbooks

        return workbooks.Workbooks()

    @cached_property
    def forms(self) -> Forms:
        from chalicelib.adapters.files.form_files import FormFiles

        return FormFiles()

    @cached_property
    def files(self) -> Files:
        from chalicelib.adapters.aws.bucket import S3Files

        return S3Files(self._settings.exports_bucket)

    @cached_property
    def calendar(self) -> Calendar:
        from chalicelib.adapters.files import form_files

        return form_files.calendar(self._settings.working_day_seconds)

    @cached_property
    def limits(self) -> Limits:
        return Limits(
            mailbox_an_hour=self._settings.mailbox_quota,
            force_an_hour=self._settings.force_quota,
            form_wait=timedelta(seconds=self._settings.form_seconds),
            source_an_hour=self._settings.source_quota,
            more_domains=self._settings.claim_domains,
            unproven_mails_an_hour=self._settings.unproven_mail_quota,
            unconfirmed_for=timedelta(days=self._settings.unconfirmed_days),
        )

    @cached_property
    def reporting(self) -> Reporting:
        from chalicelib.domain.records.security import Reporting

        return Reporting(
            contact=self._settings.security_contact or f"mailto:{self._settings.mail_reply_to}",
            policy=self._settings.security_policy,
            expires=datetime.fromisoformat(self._settings.security_expires).replace(tzinfo=timezone.utc),
        )

    @cached_property
    def now(self) -> Now:
        return now

    @cached_property
    def undo_for(self) -> timedelta:
        return timedelta(seconds=self._settings.undo_seconds)

    @cached_property
    def probe_key(self) -> str:
        return self._settings.probe_key

    @cached_property
    def draw(self) -> Callable[[str, int], str]:
        return draw

    @cached_property
    def new_secret(self) -> Callable[[], str]:
        return new_secret


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
