"""The package starts, and calls every AWS service that we use, with no other package installed."""

from __future__ import annotations

import base64
import os
import re
from email import message_from_bytes
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.packaging.bundle import BUILT
from tests.guards.packaged import SERVICES_CALLED, builds_once, functions
from tests.package.conftest import Start
from tests.package.processes import REGION, SCRIPT, LambdaProcess
from tests.package.sink import Sink

pytestmark = builds_once

ADAPTERS = Path(__file__).resolve().parents[2] / "chalicelib" / "adapters"
HOSTS = {
    "eu-west-2": "exports.s3.eu-west-2.amazonaws.com",
    "eu-west-1": "exports.s3.eu-west-1.amazonaws.com",
    "us-east-1": "exports.s3.amazonaws.com",
}
"""Where a file of each region is fetched."""
SIGNED_AS = {"dynamodb": "dynamodb", "kms": "kms", "s3": "s3", "ses": "ses", "stepfunctions": "states"}
"""The name of each service in signatures."""

CALLS = {
    "dynamodb": """
from chalicelib.adapters.dynamodb import tables
tables.create_table()
result = [parts.people.by_address("nobody@example.org"), parts.outbox.due(parts.now(), limit=1)]
""",
    "s3": """
import io
parts.files.put("week/claims.csv", io.BytesIO(b"a,b"), media_type="text/csv")
result = [
    parts.files.put_if_absent("week/claims.csv", b"c", media_type="text/csv"),
    parts.files.get("week/claims.csv", most=10).decode(),
    list(parts.files.keys("week/")),
]
""",
    "kms": """
from datetime import datetime, timezone
from dataclasses import replace
from types import SimpleNamespace
from chalicelib.domain.records.timeline import Entry
from chalicelib.services.changes import AddEntry
one = SimpleNamespace(force="kent", reference="CLM-1")  # what a MAC covers of a submission
entry = Entry(sequence=0, at=datetime.now(timezone.utc), actor="a", role="r", action="submitted", hash="00")
entry = parts.macs.sealed(AddEntry(submission=one, entry=entry))
forged = replace(entry, hash="01")
key, signature = parts.root_keys.sign(b"d" * 32)
result = [
    *(parts.macs.is_right(it, force="kent", reference="CLM-1") for it in (entry, forged)),
    *(parts.root_keys.is_right(it * 32, key=key, signature=signature) for it in (b"d", b"e")),
]
""",
    "ses": """
parts.mailer.check()
values = {"code": "123456", "minutes": 10, "sign_in_url": "https://ideas.example.org/sign-in/token"}
parts.mailer.send(notification_id="mail.1", to="sam@example.org", template="sign-in-code", values=values)
""",
    "stepfunctions": """
parts.workflows.start("funding-claim", "CLM-1-r1", {"stage": "force-lead"})
parts.workflows.answer("token", {"stage": "programme"})
result = [
    sorted(parts.workflows.running("funding-claim")),
    parts.workflows.is_running("funding-claim", "CLM-1-r1"),
    parts.workflows.stop("funding-claim", "CLM-1-r1"),
]
""",
}
"""Through our own adapters. Between them they make every call that an adapter makes of S3, SES and Step Functions."""

RESULTS = {
    "dynamodb": [None, []],
    "s3": [False, "a,b", ["week/claims.csv"]],
    "kms": [True, False, True, False],
    "ses": None,
    "stepfunctions": [[], True, None],
}
"""What our adapters made of the answers."""

LINK = """
result = parts.files.address("week/claims.csv", called="claims.csv", media_type="text/csv", seconds=60)
"""

READ = f"""
from chalicelib.adapters.aws import ses
from chalicelib.adapters.files import form_files
from chalicelib.web.http import static_files
from chalicelib.web.pages import render
for form in parts.forms.all():
    parts.forms.form(form.id)
form_files.calendar()
for kind in ses.KINDS:
    for name in ("receipt.j2", kind + "/layout.j2", kind + "/parts.j2"):
        ses.environment(kind).get_template(name)
environments = [render.environment(), *map(ses.environment, ses.KINDS)]
result = [
    sorted({{type(one.loader).__name__ for one in environments}}),
    [len(static_files.static_file(name).text) > 10_000 for name in {BUILT!r}],
]
"""


def operations(service: str) -> set[str]:
    """The operations that our adapters name, as AWS writes them; of DynamoDB, whose calls PynamoDB makes, some."""
    if service == "dynamodb":
        return {"GetItem", "Query"}
    files = [file.read_text(encoding="utf-8") for file in ADAPTERS.rglob("*.py")]
    called = rf'client\("{service}"\)\.(?:get_paginator\("(\w+)"\)|(\w+)\()'
    names = {paged or plain for text in files for paged, plain in re.findall(called, text)}
    names -= {"generate_presigned_url"}  # calls nobody
    return {"".join(part.capitalize() for part in name.split("_")) for name in names}


def test_nothing_is_there_but_python_and_the_package(start: Start, places: list[Path]) -> None:
    """Otherwise the tests would use what is installed here where the package lacks it, and pass."""
    process = start()
    packaged = ["botocore", "pynamodb", "chalice.app", "jsonschema_rs"]
    others = ["boto3", "moto", "chalice.cli", "pip", "pytest", "yaml", "infra"]
    assert process.do("found", names=[*packaged, *others]) == packaged
    for name in ("app.app", "chalicelib.web.api.routes.routes"):
        process.do("import", handler=name)
    known = (*places, Path(os.__file__).parent, SCRIPT)
    files = [Path(file) for file in process.do("loaded_from")]
    assert [file for file in files if not any(file.is_relative_to(place) for place in known)] == []


def test_every_handler_that_the_template_names_is_there(process: LambdaProcess) -> None:
    for function in functions().values():
        assert process.do("import", handler=function["Properties"]["Handler"])


def test_a_call_of_every_service_is_tried() -> None:
    assert CALLS.keys() == RESULTS.keys() == SIGNED_AS.keys() == SERVICES_CALLED


@pytest.mark.parametrize("service", CALLS)
def test_a_service_is_called_in_its_region(process: LambdaProcess, sink: Sink, service: str) -> None:
    sink.calls.clear()
    assert process.do("run", code=CALLS[service]) == RESULTS[service]
    assert {(call.service, call.region) for call in sink.calls} == {(SIGNED_AS[service], REGION)}
    assert {call.operation for call in sink.calls} >= operations(service)


def test_the_mail_that_arrives_is_the_one_that_was_sent(process: LambdaProcess, sink: Sink) -> None:
    sink.calls.clear()
    process.do("run", code=CALLS["ses"])
    (sent,) = [parse_qs(call.body.decode()) for call in sink.calls if call.operation == "SendRawEmail"]
    assert sent["Destinations.member.1"] == ["sam@example.org"]
    mail = message_from_bytes(base64.b64decode(sent["RawMessage.Data"][0]))
    assert mail["X-Notification-Id"] == "mail.1"
    assert b"123456" in mail.get_payload(0).get_payload(decode=True)  # type: ignore[union-attr,operator]


@pytest.mark.parametrize("region", HOSTS)
def test_a_link_to_a_file_is_signed_with_version_4_for_its_region(start: Start, region: str) -> None:
    """botocore would choose version 2 in some regions. S3 refuses it for files under a key of ours."""
    link = urlsplit(start(endpoint="", region=region).do("run", code=LINK))
    asked = parse_qs(link.query)
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert asked["X-Amz-Credential"][0].split("/")[2:] == [region, "s3", "aws4_request"]
    assert link.netloc == HOSTS[region]
    assert asked["X-Amz-Security-Token"] == ["session-token"]


def test_forms_templates_and_built_files_come_out_of_the_package(process: LambdaProcess) -> None:
    assert process.do("run", code=READ) == [["ModuleLoader"], [True] * len(BUILT)]
