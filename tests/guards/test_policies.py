"""What each function may do on AWS: what it does, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.guards.aws_calls import Calls, Need
from tests.guards.life import HTTP
from tests.guards.packaged import builds_once, functions, statements
from tests.guards.policies import NAMES, PLACES, own_statements

pytestmark = builds_once

NO_RESOURCE = {"ses:GetSendQuota", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
"""Actions for which IAM knows no resource but `*`."""

BY_AWS_ITSELF = {
    *("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"),
    "sqs:SendMessage",
    *("logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    *("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:DescribeKey"),
    *("kms:ReEncryptFrom", "kms:ReEncryptTo"),
}
"""What Lambda and DynamoDB do in the function's name: read the stream, keep what failed, logs, traces, the key."""


def allowed(name: str) -> set[Need]:
    """What a policy allows for the app's own calls."""
    places = {json.dumps(resource, sort_keys=True): place for place, resource in PLACES.items()}
    return {
        (action, places.get(json.dumps(statement["Resource"], sort_keys=True), "elsewhere"))
        for statement in own_statements(name)
        for action in statement["Action"]
        if action not in BY_AWS_ITSELF
    }


@pytest.fixture(scope="module")
def used(calls: Calls) -> Mapping[str, set[Need]]:
    """What each function needed in all that happens."""
    return calls.by


@pytest.mark.parametrize("name", NAMES)
def test_a_function_may_do_all_that_it_does(name: str, used: Mapping[str, set[Need]]) -> None:
    assert sorted(used[name] - allowed(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_function_may_do_nothing_that_it_does_not(name: str, used: Mapping[str, set[Need]]) -> None:
    """If it does it after all, let it happen in one of the functions above."""
    assert sorted(allowed(name) - used[name]) == []


def test_every_function_has_its_own_role_with_its_own_policy() -> None:
    assert sorted(functions()) == NAMES
    roles = [one["Properties"]["Role"]["Fn::GetAtt"][0] for one in functions().values()]
    assert len(set(roles)) == len(roles)
    for name in NAMES:
        assert own_statements(name) == statements(name)[: len(own_statements(name))], name


@pytest.mark.parametrize("name", NAMES)
def test_no_action_is_a_pattern_and_no_resource_is_everything(name: str) -> None:
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        actions = statement["Action"]
        assert isinstance(actions, list)
        assert not [action for action in actions if "*" in action]
        if "*" in (statement["Resource"], *statement["Resource"]):
            assert set(actions) <= NO_RESOURCE
        else:
            assert not set(actions) & NO_RESOURCE


def test_mail_leaves_from_our_address_alone() -> None:
    for name in NAMES:
        for statement in own_statements(name):
            if "ses:SendRawEmail" in statement["Action"]:
                assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MailFrom"}}}


def test_the_public_function_sends_no_mail_and_starts_no_workflow() -> None:
    actions = {action for statement in own_statements(HTTP) for action in statement["Action"]}
    assert not actions & {"ses:SendRawEmail", "states:StartExecution", "states:SendTaskSuccess"}
