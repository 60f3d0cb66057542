"""State machines and mail: in memory, and on moto through the real adapters."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from chalicelib.adapters.aws import clients
from chalicelib.adapters.aws.ses import SesMailer
from chalicelib.adapters.aws.step_functions import StepFunctions
from chalicelib.services.ports import Mailer, Workflows
from tests.fakes import MemoryMailer, MemoryWorkflows, SentMail

PREFIX = f"arn:aws:states:eu-west-2:{DEFAULT_ACCOUNT_ID}:stateMachine:"
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 86400, "End": True}}}
VALUES = {
    "reference": "CLM-2222-222M",
    "noun": "claim",
    "title": "Day <b>of</b> “ideas” & Ŵales",
    "total": "£6,000",
    "role": "innovation lead",
    "comment": "Da iawn\n<script>alert(1)</script>",
    "next_stage": "The fund holder",
    "status_url": "https://ideas.example.org/status/x",
}


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    clients.client.cache_clear()
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield
    clients.client.cache_clear()


@pytest.fixture(params=["memory", "moto"])
def workflows(request: pytest.FixtureRequest) -> Workflows:
    if request.param == "memory":
        return MemoryWorkflows()
    request.getfixturevalue("amazon")
    clients.client("stepfunctions").create_state_machine(
        name="funding-claim",
        definition=json.dumps(WAITS),
        roleArn=f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/r",
    )
    return StepFunctions(PREFIX)


@dataclass
class Post:
    """A mailer and what came out of it, in whatever form it keeps that."""

    mailer: Mailer
    sent: Callable[[], list[SentMail]] = field(default=list)


def sent_by_moto() -> list[SentMail]:
    messages = ses_backends[DEFAULT_ACCOUNT_ID]["eu-west-2"].sent_messages
    found = []
    for message in messages:
        raw = email.message_from_string(message.raw_data, policy=email.policy.default)
        found.append(
            SentMail(
                notification_id=raw["X-Notification-Id"], to=raw["To"], template="", values={"message": raw}
            )
        )
    return found


@pytest.fixture(params=["memory", "moto"])
def post(request: pytest.FixtureRequest) -> Post:
    if request.param == "memory":
        mailer = MemoryMailer()
        return Post(mailer, lambda: mailer.sent)
    request.getfixturevalue("amazon")
    clients.client("ses").verify_email_identity(EmailAddress="from@example.org")
    return Post(SesMailer(sender="from@example.org", reply_to="people@example.org"), sent_by_moto)


def send(
    post: Post, notification_id: str = "mail.moved-on.1", to: str = "a@example.org", **changes: Any
) -> None:
    template = changes.pop("template", "moved-on")
    post.mailer.send(notification_id=notification_id, to=to, template=template, values=VALUES | changes)


def test_what_was_started_is_running(workflows: Workflows) -> None:
    workflows.start("funding-claim", "CLM-2222-222M-r1", {"reference": "CLM-2222-222M"})
    assert workflows.is_running("funding-claim", "CLM-2222-222M-r1")


def test_what_was_never_started_is_not_running(workflows: Workflows) -> None:
    assert not workflows.is_running("funding-claim", "CLM-2222-222M-r1")
    assert not workflows.is_running("funding-claim", "health")


def test_all_that_runs_is_listed_by_name(workflows: Workflows) -> None:
    assert workflows.running("funding-claim") == frozenset()
    names = {f"CLM-2222-222M-r{number}" for number in range(1, 4)}
    for name in names:
        workflows.start("funding-claim", name, {})
    assert workflows.running("funding-claim") == names


def test_starting_twice_is_harmless(workflows: Workflows) -> None:
    for payload in ({"b": 1, "a": 2}, {"a": 2, "b": 1}):
        workflows.start("funding-claim", "CLM-2222-222M-r1", payload)
    assert workflows.is_running("funding-claim", "CLM-2222-222M-r1")


def test_starting_under_a_used_name_is_harmless_whatever_the_input(workflows: Workflows) -> None:
    workflows.start("funding-claim", "CLM-2222-222M-r1", {"wait": 5})
    workflows.start("funding-claim", "CLM-2222-222M-r1", {"wait": 4})
    assert workflows.is_running("funding-claim", "CLM-2222-222M-r1")


def test_each_round_is_an_execution_of_its_own(workflows: Workflows) -> None:
    workflows.start("funding-claim", "CLM-2222-222M-r1", {})
    assert not workflows.is_running("funding-claim", "CLM-2222-222M-r2")
    workflows.start("funding-claim", "CLM-2222-222M-r2", {})
    assert workflows.is_running("funding-claim", "CLM-2222-222M-r2")


def test_one_that_is_stopped_runs_no_more_and_the_others_go_on(workflows: Workflows) -> None:
    names = [f"CLM-2222-222M-r{number}" for number in range(1, 4)]
    for name in names:
        workflows.start("funding-claim", name, {})
    for _ in range(2):
        workflows.stop("funding-claim", names[0])
    assert workflows.running("funding-claim") == set(names[1:])
    assert not workflows.is_running("funding-claim", names[0])
    workflows.start("funding-claim", names[0], {})
    assert not workflows.is_running("funding-claim", names[0]), "a name is used once"


def test_stopping_one_that_never_was_is_no_error(workflows: Workflows) -> None:
    workflows.stop("funding-claim", "CLM-2222-222M-r1")
    assert workflows.running("funding-claim") == frozenset()


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "InvalidArn"])
def test_any_other_refusal_to_stop_is_an_error(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", lambda service: Refusing(code))
    with pytest.raises(ClientError):
        StepFunctions(PREFIX).stop("funding-claim", "r1")


def test_answering_one_that_waits_no_more_is_no_error(workflows: Workflows) -> None:
    workflows.answer("no-such-token", {"stage": "done"})
    workflows.answer("T" * 2048, {"stage": "done"})


def test_an_execution_that_was_stopped_is_not_running(amazon: None) -> None:
    client = clients.client("stepfunctions")
    client.create_state_machine(
        name="funding-claim",
        definition=json.dumps(WAITS),
        roleArn=f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/r",
    )
    StepFunctions(PREFIX).start("funding-claim", "r1", {})
    client.stop_execution(executionArn=PREFIX.replace("stateMachine", "execution") + "funding-claim:r1")
    assert not StepFunctions(PREFIX).is_running("funding-claim", "r1")


def test_starting_a_machine_that_is_not_there_is_an_error(amazon: None) -> None:
    with pytest.raises(ClientError):
        StepFunctions(PREFIX).start("other", "r1", {})


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_what_step_functions_says_of_a_late_answer_is_no_error(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "client", lambda service: Refusing(code))
    StepFunctions(PREFIX).answer("token", {})


@pytest.mark.parametrize("code", ["InvalidOutput", "ThrottlingException", "AccessDeniedException"])
def test_any_other_refusal_of_an_answer_is_an_error(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", lambda service: Refusing(code))
    with pytest.raises(ClientError):
        StepFunctions(PREFIX).answer("token", {})


def test_an_execution_that_ended_long_ago_counts_as_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", lambda service: Refusing("ExecutionAlreadyExists"))
    StepFunctions(PREFIX).start("funding-claim", "r1", {})
    monkeypatch.setattr(clients, "client", lambda service: Refusing("StateMachineDoesNotExist"))
    with pytest.raises(ClientError):
        StepFunctions(PREFIX).start("funding-claim", "r1", {})


class Refusing:
    """A client whose every call is refused with one code. moto has no time-outs and takes every token."""

    def __init__(self, code: str) -> None:
        self._code = code

    def send_task_success(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "SendTaskSuccess")

    def stop_execution(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "StopExecution")

    def start_execution(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "StartExecution")


def test_a_mail_is_sent_with_its_notification_id(post: Post) -> None:
    send(post, "mail.moved-on.1", "a@example.org")
    send(post, "mail.moved-on.2", "b@example.org")
    assert [(mail.notification_id, mail.to) for mail in post.sent()] == [
        ("mail.moved-on.1", "a@example.org"),
        ("mail.moved-on.2", "b@example.org"),
    ]


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a@example.org, b@example.org",
        "a@example.org\r\nBcc: b@example.org",
        "A <a@example.org>",
        "a@example.org\n",
        "a@[127.0.0.1]",
    ],
)
def test_a_mail_goes_to_exactly_one_mailbox(post: Post, to: str) -> None:
    with pytest.raises(ValueError):
        send(post, to=to)
    assert post.sent() == []


def test_a_template_that_is_not_there_is_an_error(post: Post) -> None:
    with pytest.raises(Exception):  # noqa: B017 - jinja2's own
        send(post, template="no-such-template")
    assert post.sent() == []


def test_a_value_that_a_template_misses_is_an_error(post: Post) -> None:
    values = {name: value for name, value in VALUES.items() if name != "status_url"}
    with pytest.raises(Exception):  # noqa: B017 - jinja2's own
        post.mailer.send(notification_id="1", to="a@example.org", template="moved-on", values=values)
    assert post.sent() == []


def test_mail_can_be_sent_says_the_check(post: Post) -> None:
    post.mailer.check()


def test_what_people_wrote_is_escaped_in_the_html_and_plain_in_the_text(amazon: None) -> None:
    clients.client("ses").verify_email_identity(EmailAddress="from@example.org")
    send(Post(SesMailer(sender="from@example.org", reply_to="people@example.org")))
    (mail,) = sent_by_moto()
    message = mail.values["message"]
    html = message.get_body(("html",)).get_content()
    text = message.get_body(("plain",)).get_content()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "Day <b>of</b> “ideas” & Ŵales" in text
    assert message["Reply-To"] == "people@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"]


def test_a_subject_stays_on_one_line_whatever_the_title(amazon: None) -> None:
    clients.client("ses").verify_email_identity(EmailAddress="from@example.org")
    mailer = Post(SesMailer(sender="from@example.org", reply_to="people@example.org"))
    send(mailer, title="Day\r\nBcc: evil@example.org\n\n<p>")
    (mail,) = sent_by_moto()
    assert "Bcc" not in mail.values["message"]
    assert "\n" not in mail.values["message"]["Subject"]


def test_every_link_in_a_mail_leads_to_a_page_that_only_shows(amazon: None) -> None:
    """A scanner that opens every link must find none that answers."""
    import re

    from chalicelib.adapters.aws.ses import render

    for decision in ("approved", "moved-on", "rejected"):
        urls = set(re.findall(r"https?://[^\s\"'<>]+", render(decision, VALUES).html))
        assert urls <= {VALUES["status_url"]}
    templates = Path(__file__).parents[3] / "chalicelib" / "adapters" / "rendering" / "mail_texts"
    for file in templates.glob("*.j2"):
        urls = set(re.findall(r"\w+_url\b", file.read_text(encoding="utf-8")))
        if file.name == "digest.j2":  # nobody is asked for anything in it
            assert urls == {"page_url", "exports_url", "all_exports_url"}
            continue
        shows = {"status_url", "task_url", "amend_url", "desk_url", "people_url", "account_url"}
        # What a link below /sign-in/ leads to has a button, and only in the browser that asked for the mail.
        assert urls <= {*shows, "sign_in_url"}, file.name
        pairs = ({"amend_url", "status_url"}, {"sign_in_url", "status_url"})
        assert len(urls) <= 1 or urls in pairs, file.name
