"""The composition root: builds every part once, on first use. Nothing else knows both sides."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from chalicelib.domain.limits import Limits
from chalicelib.services.ports import Parts
from chalicelib.settings import Settings

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
    from chalicelib.adapters import form_files, tables
    from chalicelib.adapters.accounts import DynamoAccounts
    from chalicelib.adapters.archive import DynamoArchive
    from chalicelib.adapters.checks import DynamoChecks
    from chalicelib.adapters.files import S3Files
    from chalicelib.adapters.funds import DynamoFunds
    from chalicelib.adapters.links import SignedLinks
    from chalicelib.adapters.mail import SesMailer
    from chalicelib.adapters.outbox import DynamoOutbox
    from chalicelib.adapters.people import DynamoPeople
    from chalicelib.adapters.records import DynamoRecords
    from chalicelib.adapters.workbooks import Workbooks
    from chalicelib.adapters.workflows import StepFunctions

    tables.connect(settings.table_name)
    relay_grace = timedelta(seconds=settings.relay_grace_seconds)
    return Parts(
        records=DynamoRecords(relay_grace=relay_grace),
        outbox=DynamoOutbox(relay_grace=relay_grace),
        funds=DynamoFunds(),
        checks=DynamoChecks(),
        people=DynamoPeople(),
        accounts=DynamoAccounts(),
        workflows=StepFunctions(settings.state_machine_arn_prefix, alias=settings.state_machine_alias),
        mailer=SesMailer(sender=settings.mail_from, reply_to=settings.mail_reply_to),
        links=SignedLinks(settings.base_url, settings.signing_keys),
        forms=form_files.FormFiles(),
        archive=DynamoArchive(),
        workbooks=Workbooks(),
        files=S3Files(settings.exports_bucket),
        calendar=form_files.calendar(settings.working_day_seconds),
        now=now,
        undo_for=timedelta(seconds=settings.undo_seconds),
        limits=Limits(
            mailbox_an_hour=settings.mailbox_quota,
            force_an_hour=settings.force_quota,
            form_wait=timedelta(seconds=settings.form_seconds),
        ),
        choose=choose,
        new_secret=new_secret,
    )


def now() -> datetime:
    """The time in UTC, to the microsecond that DynamoDB's text form keeps."""
    return datetime.now(timezone.utc)


def choose(options: Sequence[str]) -> str:
    """One of the options, unpredictably."""
    return secrets.choice(options)


def new_secret() -> str:
    """256 bits that nobody can guess, URL-safe."""
    return secrets.token_urlsafe(32)
