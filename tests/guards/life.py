"""Everything that happens, on moto, with each call to AWS noted for the function that makes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from inspect import isfunction
from pathlib import Path
from typing import Any

import boto3
import pytest
from chalice.test import Client
from moto import mock_aws
from website import LEAD, Website, a_claim, form_fields, open_website

from chalicelib import wiring
from chalicelib.adapters.aws.step_functions import StepFunctions
from chalicelib.adapters.dynamodb import keys, tables
from chalicelib.adapters.signing.links import SignedLinks
from chalicelib.adapters.signing.seals import KeyedSeals
from chalicelib.domain.delivery.deliveries import read_address
from chalicelib.domain.errors import InvalidAnswers
from chalicelib.domain.people.identities import Link
from chalicelib.domain.people.people import Away
from chalicelib.domain.people.tokens import Scope
from chalicelib.services.approvals import amending
from chalicelib.services.changes import AddDelivery, CancelDelivery, LinkIdentity
from chalicelib.services.delivery.setting_aside import MOST_TRIES
from chalicelib.services.intake.submitting import Receipt
from chalicelib.services.people import leaving, openid
from chalicelib.services.reports import exporting
from infra.local import cloud, schedules
from tests.builders import a_delivery, told_apart
from tests.guards.aws_calls import Calls
from tests.tokens import give_token

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "arn:aws:states:eu-west-2:123456789012:stateMachine:"
EXECUTION = "arn:aws:states:eu-west-2:123456789012:execution:funding-claim:"
COORDINATOR = "coordinator.kent@example.police.uk"
PROGRAMME = "programme.manager@example.org"
NATIONAL = "coordinator@example.org"
PAYMENTS = "payments@example.org"
HTTP = "api_handler"


def note_signing(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    """Note which function uses the signing keys: all that seals do, and all that links do but these two."""
    for kind, unsigned in ((KeyedSeals, ()), (SignedLinks, ("page", "task"))):
        for name, method in vars(kind).items():
            if isfunction(method) and not name.startswith("_") and name not in unsigned:
                monkeypatch.setattr(kind, name, calls.with_keys(method))


class Watched(Website):
    """Whose every request is the HTTP function's; what the test reads in between is nobody's."""

    calls: Calls

    def _ask(self, *given: Any) -> Any:
        with self.calls.of(HTTP):
            return super()._ask(*given)

    def mails(self, template: str) -> Any:
        """What waits to be mailed."""
        with self.calls.of(""):
            return super().mails(template)


class Life:
    """Claims from the form to every end, on moto, with each call noted for the function that makes it."""

    def __init__(self, site: Watched, calls: Calls) -> None:
        self.site, self.calls = site, calls

    def get(self, path: str) -> None:
        answer = self.site.get(path)
        assert answer.status < 400, f"{path}: {answer.status} {answer.text[:300]}"

    def press(self, path: str, page: str = "", **changes: str) -> None:
        """Open a page (the one of this path, unless one is named) and send its form, with these fields changed."""
        answer = self.site.post(path, {**form_fields(self.site.get(page or path)), **changes})
        assert answer.status == 303, f"{path}: {answer.status} {answer.text[:300]}"

    def sign_in(self, address: str) -> None:
        self.site.cookies.clear()
        self.site.sign_in(address)

    def submit(self) -> Receipt:
        with self.calls.of(HTTP):
            return self.site.submit()

    def ask(self, receipt: Receipt) -> str:
        from app import ask_approver

        with self.calls.of("ask_approver"):
            one = self.site.case(receipt).submission
            step = {"payload_version": 2, "token": f"token-{one.revision}", "stage": one.stage}
            where = {"force": "kent", "reference": receipt.reference, "round": one.round}
            ask_approver({**step, **where, "asked": one.asked_as.value}, None)
        task = self.site.case(receipt).open_task
        assert task is not None
        return f"/tasks/{task.id}"

    def ask_for_changes(self, receipt: Receipt, **changed: Any) -> None:
        """The step of the state machine that waits for a claimant's changes."""
        from app import ask_approver

        one = self.site.case(receipt).submission
        step = {
            "payload_version": 2,
            "token": f"changes-{one.revision}",
            "stage": "changes",
            "asked": "approver",
        }
        where = {"force": "kent", "reference": receipt.reference, "round": one.round}
        with self.calls.of("ask_approver"):
            ask_approver({**step, **where, **changed}, None)

    def waiting(self) -> list[str]:
        return self.site.parts.outbox.due(self.site.parts.now() + timedelta(days=30), limit=100)

    def relay(self) -> None:
        from app import relay_mail, relay_workflow

        for name, function in (("relay_mail", relay_mail), ("relay_workflow", relay_workflow)):
            ids = [
                one
                for one in self.waiting()
                if one.startswith("parcel.") or one.startswith("mail.") == (name == "relay_mail")
            ]
            assert ids, name
            images = [{"NewImage": {"delivery": {"S": one}}, "SequenceNumber": one} for one in ids]
            with self.calls.of(name):
                function({"Records": [{"dynamodb": image} for image in images]}, None)

    def schedule(self, name: str) -> Any:
        import app

        with self.calls.of(name):
            return getattr(app, name)(schedules.event(name), None)

    def mail_comes_back(self, address: str) -> None:
        from app import mail_events

        parcel, notification_id = read_address(address)
        headers = [{"name": "X-Notification-Id", "value": notification_id}]
        headers += [{"name": "X-Parcel-Id", "value": parcel}] if parcel else []
        message = {"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}, "mail": {"headers": headers}}
        with self.calls.of("mail_events"):
            answer = mail_events({"Records": [{"Sns": {"Message": json.dumps(message)}}]}, None)
        assert answer == {"noted": 1}

    def days_pass(self, days: int) -> None:
        later = self.site.parts.now() + timedelta(days=days)
        self.site.use(now=lambda: later)


@contextmanager
def lived(monkeypatch: pytest.MonkeyPatch, dynamodb: str) -> Iterator[Life]:
    with mock_aws():
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
        from app import app

        role = boto3.client("iam").create_role(RoleName="test", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        arn = "arn:aws:lambda:eu-west-2:123456789012:function:ask"
        cloud.create_state_machines({"AskApproverArn": arn}, role)
        boto3.client("ses").verify_email_identity(EmailAddress="share@example.police.uk")
        location: Any = {"LocationConstraint": "eu-west-2"}
        for bucket in ("web-tests-exports", "web-tests-roots"):
            boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
        keys = {name.lower(): (key,) for name, key in cloud.create_timeline_keys().items()}
        parts = open_website("http://127.0.0.1:8000", **keys)
        try:
            with Client(app) as client:
                calls = Calls(monkeypatch)
                note_signing(monkeypatch, calls)
                site = Watched(client, parts)
                site.calls = calls
                site.use(workflows=StepFunctions(PREFIX), undo_for=timedelta(minutes=10))
                yield Life(site, calls)
        finally:
            wiring.use(None)


def people_come(life: Life) -> None:
    """What people and programs do on the pages and through the API."""
    site = life.site
    for path in ("/", "/forms/funding-claim", "/health", "/api/v1/forms", "/ideas", "/map"):
        life.get(path)
    for _ in range(2):
        body = json.dumps(a_claim()).encode()
        sent = site.send_json("/api/v1/forms/funding-claim/submissions", body, idempotency_key="key-1")
        assert sent.status == 201
    with life.calls.of(HTTP), pytest.raises(InvalidAnswers):
        site.submit(innovation_day="DAY-3333-333H")
    first, second = life.submit(), life.submit()
    life.get(f"/status/{first.status_token}")
    task = life.ask(first)
    life.sign_in(LEAD)
    life.get(task)
    life.press(task, decision="approve")
    life.press(f"{task}/undo", task)
    queued_by_earlier_release = a_delivery("mail.moved-on.1", is_held=True)
    with life.calls.of(HTTP):
        life.site.parts.records.commit([AddDelivery(delivery=queued_by_earlier_release)])
        life.site.parts.records.commit([CancelDelivery(delivery_id=queued_by_earlier_release.id)])
    life.press(task, decision="request-changes", **{"changes-costs": "Two quotes, please."})
    life.days_pass(1)
    site.prove(first, "amend")
    life.get(f"/status/{first.status_token}/amend")
    with life.calls.of(HTTP):
        answers = {**site.case(first).answers, "cost_lines": a_claim()["cost_lines"][:1]}
        amending.amend(site.parts, "kent", first.reference, answers, version=1)
    life.sign_in(LEAD)
    life.press(life.ask(first), decision="approve")
    life.days_pass(1)
    life.sign_in(PROGRAMME)
    life.press(life.ask(first), decision="reject", comment="Not this year")
    site.prove(second, "withdraw")
    life.press(f"/status/{second.status_token}/withdraw", confirm="yes")


def staff_look_after_it(life: Life) -> None:
    """Handing on, going away, and the coordinators' pages."""
    claim = life.submit()
    life.sign_in(LEAD)
    life.press(f"{life.ask(claim)}/reassign", to="deputy-kent")
    days = {"first-day": "1", "first-month": "3", "first-year": "2099"}
    days |= {"last-day": "2", "last-month": "3", "last-year": "2099"}
    life.press("/away", **days, delegate="deputy-kent")
    life.ask(life.submit())
    life.press("/away", action="back")
    life.sign_in(COORDINATOR)
    life.get(f"/desk/submissions/{claim.reference}")
    life.press(f"/desk/submissions/{claim.reference}/reassign", to="lead-kent")
    life.get("/desk/stuck")
    life.sign_in(NATIONAL)
    for path in ("/desk", "/desk/submissions", "/account"):
        life.get(path)
    life.get("/desk/people")
    leave = "/desk/people/lead-essex/leave"
    last = life.site.parts.now().date()
    day = {"last-day": str(last.day), "last-month": str(last.month), "last-year": str(last.year)}
    asked = life.site.post(leave, {**form_fields(life.site.get(leave)), **day, "reason": "A new post"})
    assert life.site.post(leave, form_fields(asked)).status == 303
    life.press("/desk/people/lead-essex/stay", "/desk/people/lead-essex")
    typed = {**form_fields(life.site.get("/account/tokens")), "name": "A program", "read": "yes"}
    assert life.site.post("/account/tokens", typed).status == 200
    life.press("/account/tokens/revoke", "/account/tokens")
    life.press("/sign-out")
    with life.calls.of(""):
        secret = give_token(life.site.parts, "national-coordinator", *Scope)
    path = f"/api/v1/submissions/{claim.reference}"
    life.days_pass(1)
    for one in (path, f"{path}/timeline", "/api/v1/funds/ptf"):
        answer = life.site._ask("GET", one, b"", {"authorization": f"Bearer {secret}"})
        assert answer.status == 200, answer.text


def time_passes(life: Life) -> None:
    """Relays, schedules, and mail that comes back."""
    claim = life.submit()
    life.relay()
    life.ask(claim)
    life.mail_comes_back(f"parcel.start.{claim.reference}-r1/mail.receipt.{claim.reference}")
    life.mail_comes_back(f"mail.asked.kent.{claim.reference}.1")
    returned = life.submit()
    life.ask(returned)
    life.site.decide(returned, "request-changes", comment="", changes={"costs": "Two quotes, please."})
    for _ in range(5):
        life.days_pass(12)
        assert life.schedule("follow_up")["failed"] == 0
        life.schedule("sweep")
    something_is_changed_in_the_table(life)
    somebody_leaves(life)
    states = boto3.client("stepfunctions")
    states.stop_execution(executionArn=EXECUTION + claim.reference + "-r1")
    life.days_pass(1)
    assert life.schedule("write_roots")["written"]
    assert life.schedule("reconcile")["restarted"]
    life.schedule("sweep")


def something_is_changed_in_the_table(life: Life) -> None:
    """An approver, the reconciler and the day's root come upon it."""
    life.days_pass(1)
    claim = life.submit()
    task = life.ask(claim)
    life.sign_in(LEAD)
    life.get(task)
    with life.calls.of(""):
        item = tables.SubmissionItem.get(keys.case("kent", claim.reference), keys.SUBMISSION)
        item.update(actions=[tables.SubmissionItem.amount_pence.set(1)])
    assert life.site.get(task).status == 409
    life.days_pass(1)
    assert life.schedule("write_roots")["altered"] == 1
    assert life.schedule("reconcile")["not_as_written"] == 1
    with life.calls.of(""):
        item.update(actions=[tables.SubmissionItem.amount_pence.set(600_000)])


def somebody_leaves(life: Life) -> None:
    """The last day of somebody is over who has a task, a token and a delegation, and is the last in their role."""
    with life.calls.of(""):
        parts = life.site.parts
        lead = parts.people.person("lead-kent")
        assert lead is not None
        day = parts.now().date()
        parts.people.set_away("deputy-kent", Away(first=day, last=day, delegate_id="lead-kent"))
        give_token(parts, "lead-kent", Scope.READ)
    life.ask(life.submit())
    with life.calls.of(""):
        leaving.say(parts, lead, last_day=day, reason="A new post", by="national-coordinator")
    life.days_pass(2)
    for _ in range(2):
        done = life.schedule("follow_up")
        assert (done["left"], done["failed"]) == (1, 0)
        life.days_pass(1)
    with life.calls.of(""):
        parts.people.register([lead], bring_back=[lead.id])  # type: ignore[attr-defined]


class NoPost:
    """A mail system that is down."""

    def send(self, **_: Any) -> None:
        """Nothing goes out."""
        raise ConnectionError("no answer")


def something_goes_wrong(life: Life) -> None:
    """Mail that cannot be sent, deliveries that nobody carries, money that is still held; and a payment."""
    mailer = life.site.parts.mailer
    claim = life.submit()
    life.site.use(mailer=NoPost())
    aside = 0
    for _ in range(MOST_TRIES):
        life.days_pass(1)
        aside += life.schedule("sweep")["set_aside"]
    assert aside
    life.site.use(mailer=mailer)
    life.sign_in(NATIONAL)
    life.press("/desk/checks/again", "/desk/checks")
    life.sign_in(COORDINATOR)
    life.get("/desk/checks")
    with life.calls.of(""):
        for _ in range(2):
            life.ask(claim)
            life.site.decide(claim)
            life.days_pass(1)
    life.sign_in(PAYMENTS)
    path = f"/desk/submissions/{claim.reference}"
    life.press(f"{path}/paid", payment="BACS 42")
    life.press(f"{path}/returned", amount="10.50", reason="It was cheaper")
    gone = life.submit()
    with life.calls.of(""):
        life.ask(gone)
        life.site.decide(gone)
        for row in list(tables.Row.query(keys.case("kent", gone.reference))):
            row.delete()
    life.days_pass(1)
    done = life.schedule("reconcile")
    assert (done["delivered"] > 2, done["stopped"] > 0, done["released"], done["failed"]) == (
        True,
        True,
        1,
        0,
    )


def leaders_are_told(life: Life) -> None:
    """Digests, twice, and the files behind their link."""
    life.submit()
    life.days_pass(15)
    for _ in range(2):
        assert life.schedule("digest")["queued"] == 4
    (mail,) = [one for one in life.site.mails("digest") if ".kent." in one.id]
    links = [form["exports_url"] for form in mail.payload["values"]["forms"]]
    life.mail_comes_back(mail.id)
    life.sign_in("chief.kent@example.police.uk")
    life.get("/exports")
    for link in links:
        path = link.removeprefix("http://127.0.0.1:8000")
        life.get(path)
        answer = life.site._ask("GET", f"{path}/csv", b"", {"accept": "*/*"})
        assert answer.status == 200, answer.text
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(exporting, "MOST_FETCHED", 1)
        answer = life.site._ask("GET", f"{path}/csv", b"", {"accept": "*/*"})
        assert (answer.status, life.calls.signed) == (303, {HTTP})


def submissions_lapse(life: Life) -> None:
    """One without proof, which is reminded first; and two that hold money and wait for changes that do not come: the
    schedule comes to one of them, the state machine to the other."""
    purpose = told_apart(a_claim(), "purpose", 999)
    sent = json.dumps({**a_claim(), "purpose": purpose}).encode()
    assert life.site.send_json("/api/v1/forms/funding-claim/submissions", sent).status == 201
    life.days_pass(1)
    life.schedule("follow_up")
    by_schedule, by_step = life.submit(), life.submit()
    with life.calls.of(""):
        for receipt in (by_schedule, by_step):
            for decision, more in (
                ("approve", {}),
                ("request-changes", {"changes": {"costs": "Two quotes."}}),
            ):
                life.ask(receipt)
                life.site.decide(receipt, decision, **more)
                life.days_pass(1)
    life.days_pass(60)
    life.ask_for_changes(by_step)
    assert life.schedule("follow_up")["lapsed"] >= 2
    for receipt in (by_schedule, by_step):
        one = life.site.case(receipt).submission
        assert (one.status.value, one.reserved_pence) == ("lapsed", 0)
    life.ask_for_changes(by_step, round=0)


def people_end_what_they_hold(life: Life) -> None:
    """Somebody leaves at once; somebody else ends the way in through their provider."""
    parts = life.site.parts
    with life.calls.of(""):
        lead = parts.people.person("lead-kent")
        assert lead is not None
        other = replace(lead, id="lead-kent-2", address="lead2.kent@example.police.uk")
        parts.people.register([other])  # type: ignore[attr-defined]
        link = Link(
            digest="1" * 64, issuer="https://id.example.org", person_id=lead.id, linked_at=parts.now()
        )
        parts.records.commit([LinkIdentity(link=link)])
    with life.calls.of(HTTP):
        day = parts.now().date()
        leaving.say(parts, other, last_day=day, reason="A new post", by="national-coordinator", at_once=True)
        openid.unlink(parts, lead.id, openid.name_of(link))
        assert parts.identities.of_person(lead.id) == []


HAPPENINGS = (
    people_come,
    staff_look_after_it,
    time_passes,
    something_goes_wrong,
    leaders_are_told,
    submissions_lapse,
    people_end_what_they_hold,
)


def all_that_is_called(dynamodb: str) -> Calls:
    """What each function calls in all of this."""
    with pytest.MonkeyPatch.context() as monkeypatch, lived(monkeypatch, dynamodb) as life:
        for happening in HAPPENINGS:
            happening(life)
        return life.calls
