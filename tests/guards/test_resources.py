"""What CloudFormation makes: the same as the embedded run makes, kept, watched, and quiet about people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import boto3
import pytest
from chalice.app import ScheduledEventConfig
from moto import mock_aws

from chalicelib.adapters.dynamodb import tables
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.adapters.dynamodb.people_tables import BearerItem
from chalicelib.domain.records.security import Event
from chalicelib.services.repair import reconciling
from chalicelib.settings import Settings
from chalicelib.web.http.access import Access
from chalicelib.web.http.headers import HEADERS
from infra import machines, plant
from infra.local import events
from infra.local.cloud import create_state_machines
from infra.packaging import template as by_rule
from infra.packaging.runtime import CannotPackage
from tests.guards.aws_calls import Calls
from tests.guards.packaged import PARAMETERS, builds_once, expanded, functions, resources, template

pytestmark = builds_once

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = machines.names()
DOCUMENT = ROOT / "docs" / "deploying.md"
KEPT = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::StepFunctions::StateMachine",
    "AWS::StepFunctions::StateMachineVersion",
    "AWS::StepFunctions::StateMachineAlias",
}


def properties(name: str) -> dict[str, Any]:
    return dict(resources()[name]["Properties"])


def schedule_text(expression: Any) -> str:
    return expression if isinstance(expression, str) else str(expression.to_string())


def shape(described: Mapping[str, Any]) -> dict[str, Any]:
    """What DescribeTable says that code relies on."""
    indexes = [
        (one["IndexName"], one["KeySchema"], one["Projection"]["ProjectionType"],
         sorted(one["Projection"]["NonKeyAttributes"]))
        for one in described["GlobalSecondaryIndexes"]
    ]  # fmt: skip
    return {
        "keys": described["KeySchema"],
        "attributes": sorted(
            (a["AttributeName"], a["AttributeType"]) for a in described["AttributeDefinitions"]
        ),
        "indexes": sorted(indexes, key=lambda one: str(one[0])),
        "stream": described["StreamSpecification"],
        "billing": described["BillingModeSummary"]["BillingMode"],
    }


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def test_the_table_is_the_one_that_the_code_makes_for_itself(aws: None) -> None:
    tables.connect("made-by-the-code")
    tables.create_table()
    stack = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {name: resources()[name] for name in ("Table", "Key")},
    }
    client = boto3.client("cloudformation")
    client.create_stack(StackName="share", TemplateBody=json.dumps(stack))
    made = client.describe_stack_resource(StackName="share", LogicalResourceId="Table")
    dynamodb = boto3.client("dynamodb")
    ours, theirs = (
        shape(dynamodb.describe_table(TableName=name)["Table"])
        for name in ("made-by-the-code", made["StackResourceDetail"]["PhysicalResourceId"])
    )
    assert ours == theirs


def test_people_and_funds_are_planted_into_the_table(
    aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.connect("planted")
    tables.create_table()
    people = {"people": [{"id": "p", "name": "P", "address": "p@example.org", "roles": []}], "funds": []}
    file = tmp_path / "people.json"
    file.write_text(json.dumps({**people, "demo_token": {"person": "p"}}), encoding="utf-8")
    monkeypatch.setenv("TABLE_NAME", "planted")
    assert plant.main([str(file)]) == 0
    found = DynamoPeople().by_address("P@example.org")
    assert found is not None
    assert found.id == "p"
    assert not [row for row in tables.Row.scan() if isinstance(row, BearerItem)]
    file.write_text("{}", encoding="utf-8")
    assert plant.main([str(file)]) == 2


def test_the_table_is_encrypted_restorable_and_not_deleted_by_mistake() -> None:
    table = properties("Table")
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert table["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize(
    ("name", "function"), [("relay_workflow", "RelayWorkflow"), ("relay_mail", "RelayMail")]
)
def test_each_relay_reads_its_lane_of_the_stream_and_loses_nothing(name: str, function: str) -> None:
    source = properties(f"{function}Source")
    assert source["FunctionName"] == {"Ref": function}
    assert [json.loads(one["Pattern"]) for one in source["FilterCriteria"]["Filters"]] == [
        events.FILTERS[name]
    ]
    assert source["StartingPosition"] == "TRIM_HORIZON", (
        "LATEST may miss what comes while the mapping is made"
    )
    assert source["BisectBatchOnFunctionError"] is True
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < source["MaximumRetryAttempts"] <= 10
    assert source["DestinationConfig"]["OnFailure"] == {
        "Destination": {"Fn::GetAtt": ["RelayFailures", "Arn"]}
    }


def test_every_stream_consumer_of_the_embedded_run_has_its_source() -> None:
    assert len(resources("AWS::Lambda::EventSourceMapping")) == len(events.FILTERS)


SECRETS = {"SIGNING_KEYS", "OIDC_SECRETS", "PROBE_KEY"}


def variables_of(name: str) -> dict[str, Any]:
    """What a function has besides what all have."""
    own: dict[str, Any] = functions()[name]["Properties"].get("Environment", {}).get("Variables", {})
    return own


def test_every_function_has_every_setting_that_it_must_have() -> None:
    given = set(template()["Globals"]["Function"]["Environment"]["Variables"])
    known = {one.name.upper() for one in fields(Settings)}
    required = {one.name.upper() for one in fields(Settings) if one.default is MISSING}
    assert required <= given
    for name in functions():
        assert given | set(variables_of(name)) <= known | SECRETS, name
        assert not given & set(variables_of(name)), name
    assert "WORKING_DAY_SECONDS" not in given, "for trials only"


def test_signing_keys_are_where_something_is_signed_and_nowhere_else(calls: Calls) -> None:
    having = {name for name in functions() if "SIGNING_KEYS" in variables_of(name)}
    assert having == calls.keyed


def test_no_secret_is_given_to_all_functions_or_is_in_the_template_or_under_a_key_of_aws() -> None:
    assert not SECRETS & set(template()["Globals"]["Function"]["Environment"]["Variables"])
    for name, function in functions().items():
        has_some = bool(SECRETS & set(variables_of(name)))
        assert function["Properties"].get("KmsKeyArn") == (
            {"Fn::GetAtt": ["Key", "Arn"]} if has_some else None
        )
        keys = variables_of(name).get("SIGNING_KEYS", {"Fn::Sub": ""})["Fn::Sub"]
        assert not keys or keys.startswith("{{resolve:secretsmanager:${SigningKeysSecret}:SecretString:")


def test_a_function_whose_variables_are_under_our_key_may_read_those_and_no_other_functions() -> None:
    for name, function in resources("AWS::Serverless::Function").items():
        (policy,) = by_rule.role_of(function, resources())["Properties"]["Policies"]
        found = [one for one in policy["PolicyDocument"]["Statement"] if one["Sid"] == "KeyOfItsVariables"]
        assert found == ([by_rule.key_of_variables(name)] if "KmsKeyArn" in function["Properties"] else [])
        for one in found:
            (arn,) = one["Condition"]["StringLike"].values()
            assert arn["Fn::Sub"].endswith(f":function:*-{name}-*")


def test_client_secrets_of_providers_are_not_in_the_template_and_left_out_where_there_are_none() -> None:
    variables = variables_of("api_handler")
    name, secrets, otherwise = variables["OIDC_SECRETS"]["Fn::If"]
    assert name == "HasOidcSecret"
    assert secrets["Fn::Sub"].startswith("{{resolve:secretsmanager:${OidcSecret}:SecretString:")
    assert otherwise == variables["OIDC_ISSUERS"]["Fn::If"][2] == {"Ref": "AWS::NoValue"}


def test_the_canary_shows_the_key_that_the_public_function_knows_to_a_route_that_takes_it() -> None:
    shown = properties("ProbeConnection")["AuthParameters"]["ApiKeyAuthParameters"]
    assert shown["ApiKeyName"].lower() == "x-probe"
    assert shown["ApiKeyValue"] == variables_of("api_handler")["PROBE_KEY"]
    assert shown["ApiKeyValue"]["Fn::Sub"].startswith("{{resolve:secretsmanager:${ProbeKey}:")
    assert properties("ProbeKey")["GenerateSecretString"]["PasswordLength"] >= 32
    _, _, path = properties("ProbeDestination")["InvocationEndpoint"]["Fn::Sub"].partition("${DomainName}")
    from app import app

    assert app.routes[path]["GET"].view_function.access is Access.WATCHER


@pytest.mark.parametrize("called", WORKFLOWS)
def test_a_workflow_is_found_under_the_prefix_and_by_its_alias(called: str) -> None:
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    prefix = variables["STATE_MACHINE_ARN_PREFIX"]["Fn::Sub"].partition(":stateMachine:")[2]
    machines = resources("AWS::StepFunctions::StateMachine")
    (name,) = [
        name for name, one in machines.items()
        if one["Properties"]["StateMachineName"] == {"Fn::Sub": prefix + called}
    ]  # fmt: skip
    assert resources()[f"{name}Alias"]["Properties"]["Name"] == variables["STATE_MACHINE_ALIAS"]
    assert properties(f"{name}Version")["StateMachineRevisionId"] == {
        "Fn::GetAtt": [name, "StateMachineRevisionId"]
    }


def test_each_workflow_has_one_state_machine_under_the_name_it_was_first_deployed_with() -> None:
    """Another logical id would be another state machine, and running executions would be of none that is known."""
    assert set(resources("AWS::StepFunctions::StateMachine")) == {
        "FundingClaimWorkflow", "IdeaEscalationWorkflow",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["FundingClaimWorkflow", "IdeaEscalationWorkflow"])
def test_a_state_machine_is_the_definition_and_keeps_no_execution_data_in_its_log(name: str) -> None:
    machine = properties(name)
    text = machines.definition().read_text(encoding="utf-8")
    assert json.loads(machine["DefinitionString"]) == json.loads(text)
    named = set(re.findall(r"\$\{([^}]*)\}", machine["DefinitionString"]))
    assert set(machine["DefinitionSubstitutions"]) == named
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["TracingConfiguration"] == {"Enabled": True}


def test_the_definition_is_accepted_under_every_workflows_name(aws: None) -> None:
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    arn = "arn:aws:lambda:eu-west-2:123456789012:function:ask"
    made = create_state_machines({"AskApproverArn": arn}, role)
    assert made == WORKFLOWS
    assert len(made) == len(resources("AWS::StepFunctions::StateMachine"))


def test_a_workflow_that_names_no_function_of_ours_is_not_packaged(tmp_path: Path) -> None:
    file = tmp_path / "x.asl.json"
    file.write_text('{"FunctionName": "${AskAproverArn}"}', encoding="utf-8")
    with pytest.raises(CannotPackage, match="names AskAproverArn; the app has: AskApprover"):
        by_rule.workflow("x", file, {"AskApprover": {}})


def test_every_schedule_of_the_app_is_made_and_watched() -> None:
    from app import app

    scheduled = [one for one in app.event_sources if isinstance(one, ScheduledEventConfig)]
    expected = {one.name: schedule_text(one.schedule_expression) for one in scheduled}
    found = {
        name: event["Properties"]["Schedule"]
        for name, one in functions().items()
        for event in one["Properties"].get("Events", {}).values()
    }
    assert found == expected
    stopped = {name for name in resources("AWS::CloudWatch::Alarm") if name.endswith("Stopped")}
    # A week is longer than an alarm can look back: of `cron` schedules it is seen when a run fails.
    assert len(stopped) == sum(text.startswith("rate(") for text in found.values())


def test_what_holds_data_or_executions_outlives_the_stack() -> None:
    kept = {name for name, one in resources().items() if "DeletionPolicy" in one}
    assert kept >= {name for name, one in resources().items() if one["Type"] in KEPT}
    assert [name for name in kept if resources()[name]["UpdateReplacePolicy"] != "Retain"] == []


def test_a_first_deploy_that_fails_leaves_nothing_in_the_way_of_the_next() -> None:
    """Of what it has made, only the table and the keys stay. All are named by AWS, each time anew."""
    policies = {name: one["DeletionPolicy"] for name, one in resources().items() if "DeletionPolicy" in one}
    stay = {name for name, policy in policies.items() if policy == "Retain"}
    assert stay == {"Table", "Key", "MacKey", "RootKey"}
    assert {policies[name] for name in policies.keys() - stay} == {"RetainExceptOnCreate"}
    assert "TableName" not in properties("Table")


def test_buckets_are_private_encrypted_and_versioned() -> None:
    buckets = resources("AWS::S3::Bucket")
    assert set(buckets) == {"Exports", "Roots"}
    for name, one in buckets.items():
        found = one["Properties"]
        assert all(found["PublicAccessBlockConfiguration"].values())
        (rule,) = found["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert found["VersioningConfiguration"] == {"Status": "Enabled"}
        (statement,) = properties(f"{name}Policy")["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Condition"]) == (
            "Deny", {"Bool": {"aws:SecureTransport": "false"}}
        )  # fmt: skip
    assert buckets["Roots"]["Properties"]["ObjectLockEnabled"] is True


def test_paths_and_peoples_addresses_reach_no_log_and_no_trace() -> None:
    """A path may hold the token of a status link."""
    api = properties("RestAPI")
    logged = set(re.findall(r"\$context\.([a-zA-Z.]+)", api["AccessLogSetting"]["Format"]))
    assert logged == {
        "requestId", "requestTime", "httpMethod", "status", "responseLength", "responseLatency", "error.responseType",
        "wafResponseCode",
    }  # fmt: skip
    assert api["TracingEnabled"] is False
    assert [(one["LoggingLevel"], one["DataTraceEnabled"]) for one in api["MethodSettings"]] == [
        ("OFF", False)
    ]
    firewall = properties("Firewall")
    views = [firewall["VisibilityConfig"], *(rule["VisibilityConfig"] for rule in firewall["Rules"])]
    assert [one["SampledRequestsEnabled"] for one in views] == [False] * len(views)


def test_the_firewall_logs_what_it_refused_without_paths_cookies_and_tokens_for_30_days() -> None:
    logging = properties("FirewallLogging")
    assert logging["ResourceArn"] == {"Fn::GetAtt": ["Firewall", "Arn"]}
    redacted = {next(iter(one)): one for one in logging["RedactedFields"] if "SingleHeader" not in one}
    assert redacted.keys() == {"UriPath", "QueryString"}
    headers = {
        one["SingleHeader"]["Name"] for one in logging["RedactedFields"] if one.keys() == {"SingleHeader"}
    }
    assert headers == {"cookie", "authorization", "referer", "x-probe"}
    kept = logging["LoggingFilter"]
    assert kept["DefaultBehavior"] == "DROP"
    (rule,) = kept["Filters"]
    assert (rule["Behavior"], rule["Conditions"]) == ("KEEP", [{"ActionCondition": {"Action": "BLOCK"}}])
    (destination,) = logging["LogDestinationConfigs"]
    assert destination["Fn::Sub"].endswith(":log-group:${FirewallLogs}")
    group = properties("FirewallLogs")
    assert group["LogGroupName"]["Fn::Sub"].startswith("aws-waf-logs-")
    assert (group["RetentionInDays"], group["KmsKeyId"]) == (30, {"Fn::GetAtt": ["Key", "Arn"]})


def test_the_alarm_on_refused_requests_looks_at_this_firewall() -> None:
    """The dimension is the name of the firewall's metric. Two stacks of an account have firewalls of two names."""
    dimensions = {one["Name"]: one["Value"] for one in properties("ManyBlocked")["Dimensions"]}
    assert dimensions["WebACL"] == properties("Firewall")["VisibilityConfig"]["MetricName"]
    assert "${AWS::StackName}" in dimensions["WebACL"]["Fn::Sub"]


def test_api_gateway_hands_every_address_to_the_app() -> None:
    body = properties("RestAPI")["DefinitionBody"]
    assert body["paths"].keys() == {"/", "/{proxy+}"}
    for path, methods in body["paths"].items():
        assert methods.keys() == {by_rule.ANY}, path
        integration = methods[by_rule.ANY][by_rule.INTEGRATION]
        assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST")
        assert integration["uri"]["Fn::Sub"].endswith(
            ":lambda:path/2015-03-31/functions/${APIHandler.Arn}/invocations"
        )
    (greedy,) = body["paths"]["/{proxy+}"][by_rule.ANY]["parameters"]
    assert (greedy["name"], greedy["in"]) == ("proxy", "path")


def test_api_gateway_may_call_the_app_for_every_address() -> None:
    found = [
        one["Properties"]
        for one in resources("AWS::Lambda::Permission").values()
        if one["Properties"]["Principal"] == "apigateway.amazonaws.com"
    ]
    (permission,) = found
    assert permission["FunctionName"] == {"Ref": "APIHandler"}
    arn, names = permission["SourceArn"]["Fn::Sub"]
    assert arn.endswith(":${RestAPIId}/*")
    assert names == {"RestAPIId": {"Ref": "RestAPI"}}


def test_what_answers_before_the_app_answers_in_its_shape() -> None:
    """Types that are not named here fall under the two defaults. We have no authorizer, no API key, no validator."""
    answers = properties("RestAPI")["GatewayResponses"]
    assert answers.keys() == {
        *("ACCESS_DENIED", "WAF_FILTERED", "MISSING_AUTHENTICATION_TOKEN", "RESOURCE_NOT_FOUND"),
        *("REQUEST_TOO_LARGE", "THROTTLED", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"),
        *("DEFAULT_4XX", "DEFAULT_5XX"),
    }
    assert answers["MISSING_AUTHENTICATION_TOKEN"]["StatusCode"] == 404
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name, one in answers.items():
        headers = one["ResponseParameters"]["Headers"]
        assert headers["Content-Type"] == "'application/problem+json'", name
        assert HEADERS.keys() | {"Strict-Transport-Security"} <= headers.keys(), name
        assert all(re.fullmatch(r"'[^']*'", value) for value in headers.values()), name
        body = json.loads(one["ResponseTemplates"]["application/json"])
        assert {"type", "title", "detail", "code"} <= set(body), name
        assert body.get("status") == one.get("StatusCode"), name
        assert f"`{name}`" in text, name
    firewall = properties("Firewall")
    assert json.loads(firewall["CustomResponseBodies"]["TooMany"]["Content"])["status"] == 429
    block = firewall["Rules"][0]["Action"]["Block"]["CustomResponse"]
    assert HEADERS.keys() | {"Retry-After"} <= {one["Name"] for one in block["ResponseHeaders"]}


def test_the_firewall_stands_before_the_only_stage() -> None:
    found = json.loads(expanded())["Resources"]
    stages = [name for name, one in found.items() if one["Type"] == "AWS::ApiGateway::Stage"]
    assert stages == ["RestAPIliveStage"]
    assert found["FirewallAssociation"]["Properties"]["ResourceArn"]["Fn::Sub"].endswith(
        "${RestAPIliveStage}"
    )
    deployments = [
        one["Properties"] for one in found.values() if one["Type"] == "AWS::ApiGateway::Deployment"
    ]
    assert all("StageName" not in one for one in deployments), "a second stage, without the firewall"


def test_the_firewall_counts_each_kind_of_post_and_lets_a_whole_force_sign_in_at_once() -> None:
    limits = {
        rule["Name"]: rule["Statement"]["RateBasedStatement"]
        for rule in properties("Firewall")["Rules"]
        if "RateBasedStatement" in rule["Statement"]
    }
    paths = {
        name: re.findall(r"\"SearchString\": \"(/[^\"]+)\"", json.dumps(one)) for name, one in limits.items()
    }
    assert paths == {
        "TooManyRequests": [],
        "TooManySignIns": ["/sign-in"],
        "TooManyProofs": ["/confirm", "/code"],
        "TooManyForms": ["/forms/"],
        "TooManyCalls": ["/api/"],
    }
    for name, one in limits.items():
        limit, seconds = one["Limit"], one["EvaluationWindowSec"]
        assert limit == {"Ref": "RequestsPerFiveMinutes"} or limit >= 2000, name
        assert (one["AggregateKeyType"], seconds) == ("IP", 300), name
    priorities = [rule["Priority"] for rule in properties("Firewall")["Rules"]]
    assert len(set(priorities)) == len(priorities)


def test_what_ses_says_reaches_the_function_or_a_queue() -> None:
    destination = properties("MailEventsDestination")["EventDestination"]
    assert {"bounce", "complaint"} <= set(destination["MatchingEventTypes"])
    assert properties("MailIdentity")["ConfigurationSetAttributes"] == {
        "ConfigurationSetName": {"Ref": "MailSettings"}
    }
    subscription = properties("MailEventsSubscription")
    assert subscription["Endpoint"] == {"Fn::GetAtt": ["MailEvents", "Arn"]}
    assert subscription["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["MailEventsFailures", "Arn"]}
    }


def test_every_function_has_a_log_that_ends_and_alarms() -> None:
    for name in resources("AWS::Serverless::Function"):
        logs = properties(f"{name}Logs")
        assert logs["RetentionInDays"] == by_rule.DAYS_KEPT
        assert properties(name)["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Logs"}}
        assert properties(name)["Tracing"] == "Active"
        for alarm in (f"{name}Fails", f"{name}Throttled"):
            assert alarm in resources("AWS::CloudWatch::Alarm")


def test_every_queue_is_watched() -> None:
    watched = {
        one["Properties"]["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for one in resources("AWS::CloudWatch::Alarm").values()
        if one["Properties"].get("Namespace") == "AWS/SQS"
    }
    assert watched == set(resources("AWS::SQS::Queue"))


def test_every_alarm_tells_somebody_what_to_do_and_is_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, one in resources("AWS::CloudWatch::Alarm").items():
        assert one["Properties"]["AlarmActions"] == [{"Ref": "Alarms"}], name
        assert len(one["Properties"]["AlarmDescription"]) > 60, name
        rule = re.sub(r".*(Fails|Throttled|Stopped|TimedOut)$", r"…\1", name)
        assert f"`{rule}`" in text or f"`{name}`" in text, name


def test_log_lines_that_alarms_wait_for_are_still_written() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "chalicelib").rglob("*.py"))
    logged = [*re.findall(r'_log\.\w+\(\s*"([^"]+)"', source), *reconciling.TOLD.values()]
    assert "_log.warning(words, counts[name])" in source
    for name, one in resources("AWS::Logs::MetricFilter").items():
        if one["Properties"]["FilterPattern"].startswith("{"):
            continue  # of the security log, below
        terms = re.findall(r'"([^"]+)"', one["Properties"]["FilterPattern"])
        assert any(all(term in line for term in terms) for line in logged), name


def test_filters_of_the_security_log_read_events_that_are_written_and_feed_an_alarm() -> None:
    filters = {
        name: one["Properties"]
        for name, one in resources("AWS::Logs::MetricFilter").items()
        if one["Properties"]["FilterPattern"].startswith("{")
    }
    read = {
        name: re.fullmatch(r'\{ \$\.event = "([a-z-]+)" \}', one["FilterPattern"])
        for name, one in filters.items()
    }
    assert {Event(found[1]) for found in read.values() if found} == {
        Event.WRONG_CODE,
        Event.LONG_CODE,
        Event.REFUSED,
        Event.TOO_MANY,
    }
    assert None not in read.values()
    alarms = {
        (json.dumps(one["Properties"].get("Namespace")), one["Properties"].get("MetricName"))
        for one in resources("AWS::CloudWatch::Alarm").values()
    }
    for name, one in filters.items():
        (made,) = one["MetricTransformations"]
        assert (json.dumps(made["MetricNamespace"]), made["MetricName"]) in alarms, name


def test_every_parameter_is_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in template()["Parameters"] if f"`{name}`" not in text] == []
    required = {name for name, one in template()["Parameters"].items() if "Default" not in one}
    assert required == set(PARAMETERS)
    for name, value in PARAMETERS.items():
        assert re.fullmatch(template()["Parameters"][name]["AllowedPattern"], value), name


def test_the_linter_finds_what_is_spoiled_on_purpose_and_nothing_else() -> None:
    """In what CloudFormation will make of it; `make check` has it look at the template as it is deployed, too."""
    from cfnlint import lint
    from cfnlint.config import ManualArgs

    spoiled = expanded().replace('"PAY_PER_REQUEST"', '"PAY_LATER"')
    found = lint(spoiled, config=ManualArgs(regions=["eu-west-2"]))
    assert found
    assert {tuple(one.path or ())[:2] for one in found} == {("Resources", "Table")}
