"""Each port in memory and as it really is: DynamoDB is dynoxide where it is there, the rest moto."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from chalicelib.adapters.dynamodb import tables
from chalicelib.adapters.dynamodb.accounts import DynamoAccounts
from chalicelib.adapters.dynamodb.checks import DynamoChecks
from chalicelib.adapters.dynamodb.funds import DynamoFunds
from chalicelib.adapters.dynamodb.identity_items import DynamoIdentities
from chalicelib.adapters.dynamodb.leavings import DynamoLeavings
from chalicelib.adapters.dynamodb.outbox import DynamoOutbox
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.adapters.dynamodb.records import DynamoRecords
from chalicelib.adapters.dynamodb.timelines import DynamoTimelines
from chalicelib.adapters.dynamodb.tokens import DynamoTokens
from chalicelib.services.ports import Parts
from tests import fakes
from tests.builders import Story, the_people
from tests.table import create_table_without_stream

FORCES = ("kent", "essex")


@pytest.fixture(scope="session")
def table_name() -> str:
    return f"share-{uuid4().hex}"


@pytest.fixture
def dynamo_parts(dynamodb: str, table_name: str, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """The real adapters over an empty table; the state machines and the mail in memory."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
    if tables.Row.Meta.table_name != table_name:
        tables.connect(table_name)
        create_table_without_stream()
    with tables.Row.batch_write() as batch:  # a new table for each test would take ten times as long
        for row in tables.Row.scan():
            batch.delete(row)
    return fakes.parts(
        records=DynamoRecords(relay_grace=timedelta(seconds=60), macs=fakes.MACS),
        outbox=DynamoOutbox(relay_grace=timedelta(seconds=60)),
        funds=DynamoFunds(),
        checks=DynamoChecks(),
        people=DynamoPeople(),
        accounts=DynamoAccounts(),
        identities=DynamoIdentities(),
        tokens=DynamoTokens(),
        leavings=DynamoLeavings(),
        timelines=DynamoTimelines(),
    )


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK tries again at once."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture(params=["memory", "dynamo"])
def parts(request: pytest.FixtureRequest) -> Parts:
    """Every promise is kept by the fake and by DynamoDB."""
    found: Parts = fakes.parts() if request.param == "memory" else request.getfixturevalue("dynamo_parts")
    return found


@pytest.fixture
def stock() -> Callable[..., Parts]:
    """Registers people and opens the fund."""

    def fill(parts: Parts, *, total_pence: int = 2_000_000, cap_pence: int = 1_000_000) -> Parts:
        parts.people.register(the_people())  # type: ignore[attr-defined]
        caps = dict.fromkeys(FORCES, cap_pence)
        parts.funds.open_fund(  # type: ignore[attr-defined]
            "ptf", name="the Police Transformation Fund", total_pence=total_pence, caps=caps
        )
        return parts

    return fill


@pytest.fixture
def story(parts: Parts, stock: Callable[..., Parts]) -> Story:
    """Claims through all services, on either store."""
    return Story(stock(parts))
