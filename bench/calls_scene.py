"""One claim's life and the pages that people look at, in one process, with every call to AWS noted."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import Message
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import boto3
from botocore.client import BaseClient
from moto import mock_aws

import app
from bench import events
from bench.filling import the_people
from bench.generate import answers
from chalicelib import wiring
from chalicelib.adapters.aws import clients
from chalicelib.adapters.dynamodb import tables
from chalicelib.adapters.dynamodb.funds import DynamoFunds
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.domain.people.browsers import Carried, written
from chalicelib.domain.people.pairs import Pair, mailbox_of
from chalicelib.settings import Settings
from chalicelib.web.widgets.html_forms import typed_fields
from infra.local import cloud, environment, lambdas
from infra.local.gateway import Gateway

READS = frozenset({"GetItem", "Query", "BatchGetItem", "TransactGetItems", "Scan"})
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
BASE_URL = "http://bench.example.org"


@dataclass
class Calls:
    """What one step asked AWS to do: operations of DynamoDB, and `service:operation` for the others."""

    made: Counter[str] = field(default_factory=Counter)

    @property
    def reads(self) -> int:
        """DynamoDB reads."""
        return sum(count for name, count in self.made.items() if name in READS)

    @property
    def writes(self) -> int:
        """DynamoDB writes; a transaction is one call."""
        return sum(count for name, count in self.made.items() if name in WRITES)

    @property
    def others(self) -> int:
        """Calls to Step Functions, SES, S3 and KMS."""
        return sum(self.made.values()) - self.reads - self.writes

    def __str__(self) -> str:
        return (
            ", ".join(f"{count} {name.rpartition(':')[2]}" for name, count in sorted(self.made.items()))
            or "none"
        )


Steps = dict[str, Calls]


@contextmanager
def on_aws(dynamodb: str) -> Iterator[None]:
    """The app's settings, with DynamoDB at this address and everything else by moto in this process."""
    settings = environment.for_children(
        os.environ,
        base_url=BASE_URL,
        signing_keys="a:signs what is counted here and nothing else",
        timeline_keys={},
        dynamodb=dynamodb,
        cloud="",
    )
    settings |= {"FORM_SECONDS": "0", "UNDO_SECONDS": "0", "MAILBOX_QUOTA": "20", "SOURCE_QUOTA": "300"}
    settings["UNPROVEN_MAIL_QUOTA"] = "2000"
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"):
        del settings[name]
    with patch.dict(os.environ, settings, clear=True), mock_aws():
        os.environ.update(cloud.create_timeline_keys())
        location: Any = {"LocationConstraint": os.environ["AWS_REGION"]}
        boto3.client("s3").create_bucket(
            Bucket=os.environ["ROOTS_BUCKET"], CreateBucketConfiguration=location
        )
        _forget_parts()
        yield
        _forget_parts()


def _forget_parts() -> None:
    wiring.use(None)
    clients.client.cache_clear()


class Scene:
    """The app, asked as API Gateway, the stream and the state machine ask it."""

    def __init__(self) -> None:
        self._app = lambdas.load_app()
        cloud.prepare(self._app, os.environ["MAIL_FROM"])
        self._gateway = Gateway(self._app)
        self._parts = wiring.parts()
        self._cookie = self._csrf = ""
        self._plant()
        self.counted: Steps = {}

    def _plant(self) -> None:
        tables.create_table()
        few = [one for one in the_people() if {held.at for held in one.roles} & {"kent", "national"}]
        DynamoPeople().register(few)
        DynamoFunds().open_fund("ptf", name="the fund", total_pence=10_000_000, caps={"kent": 5_000_000})

    def play(self) -> Steps:
        """Everything, in the order in which it happens."""
        self._keys_of_the_day()
        claim = _claim(1)
        page = self._get("form, page", "/forms/funding-claim").decode()
        receipt = self._submit("submission, JSON", claim)
        self._submit("the same again, by its key", claim)
        self._send_form(page, _claim(2))
        reference = str(receipt["reference"])
        self._handle("relay: the code's mail", "relay_mail", events.stream(self._waiting("mail.confirm.")))
        app.relay_mail(events.stream(self._waiting("mail.confirm.")), None)  # that of the page, uncounted
        self._confirm("confirm with the code, JSON", receipt)
        self._confirm("confirm again", receipt)
        self._handle(
            "relay: a workflow's start", "relay_workflow", events.stream(f"parcel.start.{reference}-r1")
        )
        self._handle("relay: a mail", "relay_mail", events.stream(f"parcel.start.{reference}-r1"))
        self._handle("ask the first approver", "ask_approver", events.step(reference, "force-lead"))
        self._signing_in()
        self._sign_in("lead-kent")
        self._get("approver's page", f"/tasks/kent.{reference}.1")
        self._decide("first decision, JSON: reserves the money", reference, 1)
        self._handle(
            "relay: an answer to the workflow", "relay_workflow", events.stream(self._answer(reference))
        )
        self._handle("ask the next approver", "ask_approver", events.step(reference, "programme"))
        self._sign_in("national-programme-manager")
        self._decide_by_page("last decision, page: commits the money", reference, 2)
        self._get("submitter's status page", str(receipt["status_url"]).removeprefix(BASE_URL))
        self._look_around(reference)
        self._schedules()
        return self.counted

    def _keys_of_the_day(self) -> None:
        """What the first request of a day costs that is counted or recorded by its network: here once, so not below."""
        another = wiring.build(Settings.from_env(os.environ))
        for step, parts in (("first in the service", self._parts), ("first in a process", another)):
            with self._counting(f"the day's key, {step}"):
                parts.sources.of("203.0.113.7", parts.now().date())

    def _signing_in(self) -> None:
        """Asking, twice within minutes and for nobody; a wrong code, the right one, the link."""
        address = "lead.kent@example.police.uk"
        self._cookie = ""
        self._post("ask for a code", "/sign-in", {"address": address})
        self._post("ask for a code that is minutes old", "/sign-in", {"address": address})
        self._post("ask for a code, unknown address", "/sign-in", {"address": "nobody@example.org"})
        seals, mailbox = self._parts.seals, mailbox_of(address)
        asked = seals.cookie("asked", written([Carried(mailbox=mailbox, at=self._parts.now())]))
        self._cookie = f"asked={asked}"
        code = seals.code(self._pair(mailbox))
        self._post("a wrong code", "/sign-in/code", {"code": code[::-1] if code != code[::-1] else "012345"})
        self._post("the code", "/sign-in/code", {"code": code})
        self._post("ask for a code", "/sign-in", {"address": address})
        link = f"/sign-in/{seals.link(self._pair(mailbox))}"
        self._get("the link, page", link)
        self._post("the link, pressed", link, {})

    def _pair(self, mailbox: str) -> Pair:
        return self._parts.accounts.pairs([mailbox])[0]

    def _look_around(self, reference: str) -> None:
        self._cookie = ""
        self._get("public list of ideas", "/ideas")
        self._get("map", "/map")
        self._sign_in("coordinator-kent")
        self._get("list of submissions, force's coordinator", "/desk/submissions?form=funding-claim")
        self._get("one submission, page", f"/desk/submissions/{reference}")
        self._get("search by reference", f"/desk/submissions?q={reference}")
        self._get("fund, JSON", "/api/v1/funds/ptf")
        self._get("board, force's coordinator", "/desk")
        self._sign_in("national-coordinator")
        self._get("list of submissions, national", "/desk/submissions?form=funding-claim")
        self._get("list of submissions, JSON", "/api/v1/submissions?form=funding-claim&status=approved")
        self._get("board, national", "/desk")

    def _schedules(self) -> None:
        self._event("sweep, nothing to do", "sweep")
        self._event("follow-up, nothing to do", "follow_up")
        self._event("first root, two timelines", "write_roots")
        self._event("root, there is one of the day", "write_roots")
        self._event("reconciler, one open claim", "reconcile")

    # What asks the app

    def _get(self, step: str, path: str) -> bytes:
        return self._ask(step, "GET", path, {})

    def _submit(self, step: str, claim: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": "the-first"}
        body = json.dumps(claim).encode()
        answer = self._ask(step, "POST", "/api/v1/forms/funding-claim/submissions", headers, body)
        return dict(json.loads(answer))

    def _confirm(self, step: str, receipt: Mapping[str, Any]) -> None:
        code = self._parts.seals.code(self._pair(mailbox_of(_claim(1)["claimant_email"])))
        path = str(receipt["confirm_url"]).removeprefix(BASE_URL)
        self._ask(
            step, "POST", path, {"Content-Type": "application/json"}, json.dumps({"code": code}).encode()
        )

    def _waiting(self, kind: str) -> str:
        """The oldest delivery of a kind that waits."""
        due = self._parts.outbox.due(self._parts.now() + timedelta(days=1), limit=100)
        return next(one for one in due if one.startswith(kind))

    def _send_form(self, page: str, claim: Mapping[str, Any]) -> None:
        """As this page sends it, with the key that it carries."""
        (key,) = re.findall(r'name="key" value="([^"]+)"', page)
        form = self._parts.forms.form("funding-claim")
        typed = typed_fields(form, claim)
        self._post("submission, page", "/forms/funding-claim", {**typed, "key": key})

    def _decide(self, step: str, reference: str, number: int) -> None:
        seen = self._parts.records.of("kent").case(reference).seen
        body = json.dumps({"decision": "approve", "seen": seen}).encode()
        path = f"/api/v1/tasks/kent.{reference}.{number}/decision"
        self._ask(step, "POST", path, {"Content-Type": "application/json"}, body)

    def _decide_by_page(self, step: str, reference: str, number: int) -> None:
        seen = self._parts.records.of("kent").case(reference).seen
        fields = {"decision": "approve", "comment": "", "seen": seen, "csrf": self._csrf}
        self._post(step, f"/tasks/kent.{reference}.{number}", fields)

    def _answer(self, reference: str) -> str:
        return (
            f"parcel.answer.{reference}.{self._parts.records.of('kent').case(reference).submission.revision}"
        )

    def _sign_in(self, person: str) -> None:
        self._cookie, self._csrf = events.signed_in(self._parts, person)

    def _post(self, step: str, path: str, fields: Mapping[str, str]) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._ask(step, "POST", path, headers, urlencode(fields).encode())

    def _ask(self, step: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
        message = Message()
        for name, value in {"Host": "bench.example.org", "Cookie": self._cookie, **headers}.items():
            message[name] = value
        with self._counting(step):
            answer = self._gateway.answer(method, path, message, body)
        if answer.status not in (200, 201, 303, 422):
            raise RuntimeError(f"{step}: {answer.status} {answer.body[:300]!r}")
        return bytes(answer.body)

    def _handle(self, step: str, function: str, event: Mapping[str, Any]) -> None:
        with self._counting(step):
            answer = getattr(app, function)(event, None)
        if answer.get("batchItemFailures"):
            raise RuntimeError(f"{step}: {answer}")

    def _event(self, step: str, function: str) -> None:
        event = {"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events"}
        event |= {"account": "1", "time": "2026-11-23T07:00:00Z", "region": "eu-west-2"}
        with self._counting(step):
            getattr(app, function)({**event, "resources": [], "detail": {}}, None)

    @contextmanager
    def _counting(self, step: str) -> Iterator[None]:
        calls, calling = Calls(), BaseClient._make_api_call

        def counted(client: Any, operation: str, given: Any) -> Any:
            service = client.meta.service_model.service_name
            calls.made[operation if service == "dynamodb" else f"{service}:{operation}"] += 1
            return calling(client, operation, given)

        with patch.object(BaseClient, "_make_api_call", counted):
            yield
        self.counted[step] = calls


def _claim(number: int) -> dict[str, Any]:
    """Small enough for two approvals."""
    lines = [{"category": "venue-hire", "description": "Hire of a hall", "amount_pence": 90_000}]
    return {**answers("funding-claim", number), "force": "kent", "cost_lines": lines}
