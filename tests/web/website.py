"""The whole product in one process, on DynamoDB and moto, asked as a browser asks: with a cookie jar, following no
redirect."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from chalice.test import Client
from page_checks import check_page, fields_of, text_of

from chalicelib import wiring
from chalicelib.adapters.dynamodb import tables
from chalicelib.adapters.dynamodb.funds import DynamoFunds
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.domain.delivery.deliveries import Delivery, Mark, is_parcel
from chalicelib.domain.intake.form_keys import FormKey
from chalicelib.domain.people.pairs import mailbox_of
from chalicelib.domain.people.people import NATIONAL
from chalicelib.domain.records.submissions import Case
from chalicelib.services.approvals import asking, deciding, following_up
from chalicelib.services.intake.submitting import Receipt
from chalicelib.services.ports import Parts
from chalicelib.settings import Settings
from infra.local import seeds
from tests.builders import MAC_KEY, submitted, told_apart
from tests.table import create_table_without_stream

FORM_TYPE = "application/x-www-form-urlencoded"
LEAD = "lead.kent@example.police.uk"


class NoWorkflows:
    """No state machine runs in these tests: they ask the approvers themselves."""

    def start(self, workflow: str, name: str, payload: Mapping[str, Any]) -> None:
        """Nothing starts."""

    def answer(self, token: str, output: Mapping[str, Any]) -> None:
        """Nobody waits."""

    def running(self, workflow: str) -> frozenset[str]:
        """Nothing runs."""
        return frozenset()

    def is_running(self, workflow: str, name: str) -> bool:
        """Nothing runs."""
        return False

    def stop(self, workflow: str, name: str) -> None:
        """Nothing is there to stop."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response; `root` is the parsed page, checked as every page is, or None where the body is no page."""

    status: int
    headers: Mapping[str, str]
    text: str
    root: Element | None

    @property
    def page(self) -> Element:
        """The page, which must be one."""
        assert self.root is not None, f"this is no page: {self.status} {self.text[:200]}"
        return self.root


def open_website(base_url: str, **settings: Any) -> Parts:
    """Real parts, with the demonstration's people and fund and nothing else in the table. Call inside `mock_aws`,
    with AWS_ENDPOINT_URL_DYNAMODB naming a DynamoDB."""
    made = Settings(
        base_url=base_url,
        table_name="web-tests",
        signing_keys=("a key that only these tests sign with",),
        state_machine_arn_prefix="arn:aws:states:eu-west-2:123456789012:stateMachine:",
        mail_from="share@example.police.uk",
        mail_reply_to="help@example.police.uk",
        exports_bucket="web-tests-exports",
        mac_keys=(MAC_KEY,),
        root_keys=(),
        roots_bucket="web-tests-roots",
        undo_seconds=0,
        form_seconds=0,  # nobody waits between two steps of a test
        mailbox_quota=1000,
    )
    made = replace(made, **settings)
    with _kept_connection():
        parts = replace(wiring.build(made), workflows=NoWorkflows())
    _Table(tables.shared_connection().client, made.table_name).make_as_planted()
    wiring.use(parts)
    return parts


@contextmanager
def _kept_connection() -> Iterator[None]:
    """All websites of a process have one client of a database: to make another takes as long as a request or two."""
    endpoint = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
    make = tables.connect

    def connect(table_name: str) -> None:
        if endpoint not in _CONNECTIONS:
            make(table_name)
            _CONNECTIONS[endpoint] = tables.Row._connection
        tables.Row.Meta.table_name = table_name
        tables.Row._connection = _CONNECTIONS[endpoint]

    with patch.object(tables, "connect", connect):
        yield


_CONNECTIONS: dict[str, Any] = {}
"""By their endpoints."""


@dataclass(frozen=True)
class _Table:
    """The one table of these tests, put back to how it was planted: to make a new one takes ten times as long."""

    client: Any
    name: str

    def make_as_planted(self) -> None:
        """Put every item back that was changed, and take out the others."""
        endpoint = self.client.meta.endpoint_url
        if endpoint not in _PLANTED:
            create_table_without_stream()
            _plant()
            _PLANTED[endpoint] = self._items()
            return
        planted, present = _PLANTED[endpoint], self._items()
        wanted = [{"PutRequest": {"Item": item}} for at, item in planted.items() if present.get(at) != item]
        gone = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in present.keys() - planted.keys()]
        self._write(wanted + [{"DeleteRequest": {"Key": key}} for key in gone])

    def _items(self) -> dict[tuple[str, str], Any]:
        pages = self.client.get_paginator("scan").paginate(TableName=self.name)
        return {(item["pk"]["S"], item["sk"]["S"]): item for page in pages for item in page["Items"]}

    def _write(self, requests: list[Any]) -> None:
        for start in range(0, len(requests), 25):
            self.client.batch_write_item(RequestItems={self.name: requests[start : start + 25]})


_PLANTED: dict[str, dict[tuple[str, str], Any]] = {}
"""The planted items, by the endpoint where they are."""


def _plant() -> None:
    """People of Kent and Essex and the national ones of the demonstration; all 43 forces would take seconds."""
    planted = seeds.read(Path(seeds.__file__).with_name("seeds.json"))
    places = {"kent", "essex", NATIONAL}
    people = [one for one in seeds.people(planted) if places & {held.at for held in one.roles}]
    DynamoPeople().register(people)
    caps = {"kent": 1_000_000, "essex": 1_000_000}
    DynamoFunds().open_fund("ptf", name="the test fund", total_pence=5_000_000, caps=caps)


class Website:
    """A browser without scripts."""

    def __init__(self, client: Client, parts: Parts) -> None:
        self._client = client
        self.parts = parts
        self.cookies: dict[str, str] = {}
        self.sent = count()

    def get(self, path: str) -> Answer:
        """GET; a page that comes back is checked."""
        return self._ask("GET", path, b"", {})

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """POST as a form does; a page that comes back is checked. `sec_fetch_site="…"` gives that header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask("POST", path, urlencode(fields).encode(), {"content-type": FORM_TYPE, **named})

    def send_json(self, path: str, body: bytes, **headers: str) -> Answer:
        """POST a body to the API, as JSON unless `content_type="…"` says otherwise."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask("POST", path, body, {"content-type": "application/json", **named})

    def sign_in(self, address: str = LEAD) -> None:
        """Sign in through the pages, with the code from the outbox."""
        answer = self.post("/sign-in", {"address": address, "next": "/"})
        assert answer.status == 303
        answer = self.post("/sign-in/code", {"code": self.mailed_code(), "next": "/"})
        assert answer.status == 303, answer.text

    def mailed_code(self, template: str = "sign-in-code") -> str:
        """The newest code that waits to be mailed; it counts as sent then."""
        return str(self.mails(template)[-1].payload["values"]["code"])

    def live_code(self, address: str) -> str:
        """The code that is live for an address, whichever of its mails brought it."""
        (pair,) = self.parts.accounts.pairs([mailbox_of(address)])
        return self.parts.seals.code(pair)

    def mails(self, *templates: str) -> list[Delivery]:
        """What waits to be mailed from these templates, oldest first; it counts as sent then."""
        now = self.parts.now()
        # The sweeper is given what the relay should long have delivered; ask on its behalf, a day later.
        waiting = self.parts.outbox.due(now + timedelta(days=1), limit=2000)
        return [mail for one in waiting for mail in self._mails_of(one, templates, now)]

    def _mails_of(self, delivery_id: str, templates: tuple[str, ...], now: datetime) -> list[Delivery]:
        outbox, begins = self.parts.outbox, tuple(f"mail.{template}." for template in templates)
        if not is_parcel(delivery_id):
            found = outbox.get(delivery_id) if delivery_id.startswith(begins) else None
            if found is not None:
                outbox.done(found, at=now)
            return [found] if found else []
        later = now + timedelta(
            minutes=5
        )  # past the relay's grace, and before what an undo may still take back
        claimed = outbox.claim_parts(delivery_id, lane="mail", now=later, until=later, is_late=True)
        mails = [one for one in claimed.parts if one.id.startswith(begins)] if claimed else []
        if claimed:
            outbox.mark(claimed, [Mark(delivery=one) for one in mails], at=now)
        return mails

    def use(self, **changes: Any) -> None:
        """Put other parts in place: `use(undo_for=timedelta(minutes=10))`, `use(now=lambda: later)`."""
        self.parts = replace(self.parts, **changes)
        wiring.use(self.parts)

    def stored(self) -> list[str]:
        """The references of all that was sent and has not ended, confirmed or not."""
        records = self.parts.records
        found = [*records.waiting(), *records.unconfirmed(self.parts.now() + timedelta(days=30))]
        return [one.reference for one in found]

    def case(self, receipt: Receipt, force: str = "kent") -> Case:
        """The claim as it is stored."""
        return self.parts.records.of(force).case(receipt.reference)

    def stuck(self, receipt: Receipt, force: str = "kent") -> None:
        """Nobody decides in time: neither the approver, nor the deputy, and the coordinators are told."""
        before = self.parts
        self.ask(receipt, force)
        for _ in range(2):
            due = self.case(receipt, force).submission.due_at
            assert due is not None
            self.use(now=lambda due=due: due + timedelta(minutes=1))
            following_up.follow_up(self.parts)
        self.use(now=before.now)

    def decide(self, receipt: Receipt, decision: str = "approve", *, force: str = "kent", **more: Any) -> str:
        """Whoever is asked decides. Returns the path of their task."""
        case = self.case(receipt, force)
        task = case.open_task
        assert task is not None, "nobody is asked"
        values = {"comment": "", "seen": case.seen, **more}
        deciding.decide(self.parts, task.person_id, task.id, decision=decision, **values)
        return f"/tasks/{task.id}"

    def prove(self, receipt: Receipt, action: str = "") -> Answer:
        """Type the code that is mailed to the claimant, through the pages. Returns the last redirect."""
        path = f"/status/{receipt.status_token}/code"
        assert self.post(path, {"next": action}).status == 303
        answer = self.post(path, {"next": action, "code": self.mailed_code("claimant-code")})
        assert answer.status == 303, answer.text
        return answer

    def confirm(self, location: str) -> Answer:
        """Type the mailed code on the page that thanks for what this browser sent. Returns that page then."""
        answer = self.post(location, {"code": self.mailed_code("confirm")})
        assert answer.status == 303, answer.text
        return self.get(answer.headers["Location"])

    def submit(self, **changes: Any) -> Receipt:
        """A claim of Kent's, stored: each another one than those before."""
        form = self.parts.forms.form("funding-claim")
        purpose = told_apart(a_claim(), "purpose", next(self.sent))
        return submitted(self.parts, form, {**a_claim(), "purpose": purpose, **changes})

    def form_key(self, form: str = "funding-claim", **changes: Any) -> str:
        """What the page of a form carries."""
        key = FormKey(form=form, version=1, key=self.parts.new_secret(), shown_at=self.parts.now())
        return self.parts.links.form_key(replace(key, **changes))

    def ask(self, receipt: Receipt, force: str = "kent") -> str:
        """Have the next approver asked, as the state machine would. Returns the path of their task."""
        before = self.parts.records.of(force).case(receipt.reference).submission
        step = asking.Step(
            force=force,
            reference=receipt.reference,
            round=before.round,
            stage=before.stage,
            turn=before.asked_as,
            token=f"token-{before.revision}",
        )
        asking.ask(self.parts, step)
        task = self.parts.records.of(force).case(receipt.reference).open_task
        assert task is not None
        return f"/tasks/{task.id}"

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {**headers, **({"cookie": jar} if jar else {})}
        response = self._client.http.request(method, path, headers=sent, body=body)
        text = response.body.decode("utf-8")
        for line in _all(response.headers.get("Set-Cookie")):
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        is_page = str(response.headers.get("Content-Type", "")).startswith("text/html")
        return Answer(
            status=response.status_code,
            headers=response.headers,
            text=text,
            root=check_page(text) if is_page else None,
        )


def forged(token: str) -> str:
    """A token with another signature. A changed last character may stand for the same bytes."""
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{'B' if signature[0] != 'B' else 'C'}{signature[1:]}"


def a_claim() -> dict[str, Any]:
    """Answers that are right in every way."""
    return {
        "force": "kent",
        "event_title": "Ideas from the front line",
        "event_date": "2027-03-27",
        "venue_name": "Maidstone Town Hall",
        "venue_postcode": "ME14 1HT",
        "expected_attendance": 120,
        "cost_lines": [
            {"description": "Main hall, one day", "category": "venue-hire", "amount_pence": 123450},
            {"description": "Sandwiches", "category": "catering", "amount_pence": 60000},
        ],
        "purpose": "Officers bring ideas and work on them together.\nThe best go to the chief constable.",
        "claimant_name": "Sam Okafor",
        "claimant_email": "sam.okafor@example.police.uk",
        "claimant_role": "Sergeant",
        "declaration": True,
    }


def a_filled_form() -> dict[str, str]:
    """The same answers as a person types them."""
    return {
        "force": "kent",
        "event_title": "Ideas from the front line",
        "event_date-day": "27",
        "event_date-month": "March",
        "event_date-year": "2027",
        "venue_name": " Maidstone Town Hall ",
        "venue_postcode": "ME14 1HT",
        "expected_attendance": "120",
        "innovation_day": "",
        "cost_lines-0-description": "Main hall, one day",
        "cost_lines-0-category": "venue-hire",
        "cost_lines-0-amount_pence": "£1,234.50",
        "cost_lines-1-description": "Sandwiches",
        "cost_lines-1-category": "catering",
        "cost_lines-1-amount_pence": "600",
        "purpose": "Officers bring ideas and work on them together.\r\nThe best go to the chief constable.",
        "claimant_name": "Sam Okafor",
        "claimant_email": "sam.okafor@example.police.uk",
        "claimant_role": "Sergeant",
        "claimant_phone": "",
        "declaration": "true",
        "action": "send",
    }


def form_fields(answer: Answer) -> dict[str, str]:
    """What a browser would post from the page's form."""
    return fields_of(next(answer.page.iter("form")))


def heading(answer: Answer) -> str:
    """The text of the page's h1."""
    return text_of(next(answer.page.iter("h1")))


def words(answer: Answer) -> str:
    """The text of the page's main part."""
    return text_of(next(answer.page.iter("main")))


def _all(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)
