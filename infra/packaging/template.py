"""What follows from the app's functions and the workflows, added to the template by rule.

A new function needs its policy file and its line in .chalice/config.json; a new workflow needs its file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from chalice.utils import to_cfn_resource_name

from infra import machines
from infra.packaging.runtime import CannotPackage

DAYS_KEPT = 90
ALIAS = "live"
HTTP = "http"
ANY = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"

Resources = dict[str, dict[str, Any]]

TRACES: dict[str, Any] = {
    "Sid": "TracesKnowNoResource",
    "Effect": "Allow",
    "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    "Resource": "*",
}
KEY_OF_THE_TABLE: dict[str, Any] = {
    "Sid": "KeyOfTheTable",
    "Effect": "Allow",
    "Action": [
        *("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:DescribeKey"),
        *("kms:ReEncryptFrom", "kms:ReEncryptTo"),
    ],
    "Resource": {"Fn::GetAtt": ["Key", "Arn"]},
    "Condition": {"StringEquals": {"kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"}}},
}


def key_of_variables(name: str) -> dict[str, Any]:
    """The right to start with variables that are under our key. Lambda gives itself a grant for it, which no longer
    holds once the role was deleted and made anew. CloudFormation shortens a long stack's name in that of a function,
    so the pattern does without it: no other stack's variables are under this key."""
    own = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:*-{name}-*"
    return {
        "Sid": "KeyOfItsVariables",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": {"Fn::GetAtt": ["Key", "Arn"]},
        "Condition": {"StringLike": {"kms:EncryptionContext:aws:lambda:FunctionArn": {"Fn::Sub": own}}},
    }


def complete(merged: Path) -> dict[str, Any]:
    """Chalice's template with what each function and each workflow brings. As JSON it needs no YAML aliases."""
    template: dict[str, Any] = yaml.safe_load(merged.read_text(encoding="utf-8"))
    resources: Resources = template["Resources"]
    _hand_over_every_address(resources["RestAPI"]["Properties"]["DefinitionBody"])
    for name, function in functions(resources).items():
        resources.update(_beside_function(name, function))
        function["Properties"]["LoggingConfig"] = {"LogGroup": {"Ref": f"{name}Logs"}}
        _allow_what_all_need(name, function, resources)
    for called in machines.names():
        resources.update(workflow(called, machines.definition(), functions(resources)))
    for resource in resources.values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            resource["Properties"]["AlarmActions"] = [{"Ref": "Alarms"}]
            resource["Properties"]["OKActions"] = [{"Ref": "Alarms"}]
    return template


def _hand_over_every_address(api: dict[str, Any]) -> None:
    """Instead of Chalice's paths, one for `/` and one for all below: the app finds the route (ADR 20)."""
    to_app = {"responses": {}, INTEGRATION: api["paths"]["/"]["get"][INTEGRATION]}
    below = [{"name": "proxy", "in": "path", "required": True, "type": "string"}]
    api["paths"] = {"/": {ANY: to_app}, "/{proxy+}": {ANY: {**to_app, "parameters": below}}}
    del api["definitions"]


def functions(resources: Resources) -> Resources:
    """The app's functions among all resources."""
    return {name: one for name, one in resources.items() if one["Type"] == "AWS::Serverless::Function"}


def _beside_function(name: str, function: dict[str, Any]) -> Resources:
    called = HTTP if name == "APIHandler" else str(function["Properties"]["Handler"]).removeprefix("app.")
    made: Resources = {f"{name}Logs": _log_group(f"/aws/lambda/${{AWS::StackName}}-{called}")}
    own = [{"Name": "FunctionName", "Value": {"Ref": name}}]
    made[f"{name}Fails"] = _alarm(
        f"{called} failed or ran out of time. Its log says why: the kind of error and the place in the code.",
        **_metric("AWS/Lambda", "Errors", own),
    )
    made[f"{name}Throttled"] = _alarm(
        f"{called} was refused a run. Compare the account's limit of concurrent runs with what runs.",
        **_metric("AWS/Lambda", "Throttles", own),
    )
    for minutes in _rates(function):
        made[f"{name}Stopped"] = _alarm(
            f"{called} has not run for {3 * minutes} minutes, and should every {minutes}. See whether its rule is "
            "enabled and may invoke it.",
            **_metric("AWS/Lambda", "Invocations", own, period=180 * minutes),
            ComparisonOperator="LessThanThreshold",
            Threshold=1,
            TreatMissingData="breaching",
        )
    return made


def _rates(function: dict[str, Any]) -> Iterator[int]:
    """Minutes between two runs. Of `cron` schedules none: when the next is due is not a matter of minutes."""
    for event in function["Properties"].get("Events", {}).values():
        match = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", event["Properties"].get("Schedule", ""))
        if match:
            yield int(match[1]) * (60 if match[2] == "hour" else 1)


def _allow_what_all_need(name: str, function: dict[str, Any], resources: Resources) -> None:
    """Its own log, traces, and the key of the table and of its own variables, besides what its policy file says."""
    logs = {
        "Sid": "OwnLog",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {"Fn::GetAtt": [f"{name}Logs", "Arn"]},
    }
    (policy,) = role_of(function, resources)["Properties"]["Policies"]
    policy["PolicyDocument"]["Statement"] += [logs, TRACES, KEY_OF_THE_TABLE]
    if "KmsKeyArn" in function["Properties"]:
        policy["PolicyDocument"]["Statement"].append(key_of_variables(name))


def role_of(function: dict[str, Any], resources: Resources) -> dict[str, Any]:
    """The role of a function. Each has one of its own."""
    return resources[function["Properties"]["Role"]["Fn::GetAtt"][0]]


def workflow(called: str, file: Path, known: Resources) -> Resources:
    """The state machine of a workflow, from the definition in `file`; its `live` version, its log and its alarms."""
    name = to_cfn_resource_name(called) + "Workflow"
    full_name = {"Fn::Sub": f"${{AWS::StackName}}_{called}"}
    own = [{"Name": "StateMachineArn", "Value": {"Ref": name}}]
    return {
        name: {
            "Type": "AWS::StepFunctions::StateMachine",
            **_kept(),
            "Properties": {
                "StateMachineName": full_name,
                "StateMachineType": "STANDARD",
                "RoleArn": {"Fn::GetAtt": ["WorkflowRole", "Arn"]},
                "DefinitionString": json.dumps(json.loads(file.read_text(encoding="utf-8"))),
                "DefinitionSubstitutions": _substitutions(file, known),
                "LoggingConfiguration": {
                    "Level": "ALL",
                    "IncludeExecutionData": False,
                    "Destinations": [
                        {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": [f"{name}Logs", "Arn"]}}}
                    ],
                },
                "TracingConfiguration": {"Enabled": True},
            },
        },
        # A changed definition has another revision, and the version of it is another resource; the old one stays.
        f"{name}Version": {
            "Type": "AWS::StepFunctions::StateMachineVersion",
            **_kept(),
            "Properties": {
                "StateMachineArn": {"Ref": name},
                "StateMachineRevisionId": {"Fn::GetAtt": [name, "StateMachineRevisionId"]},
            },
        },
        f"{name}Alias": {
            "Type": "AWS::StepFunctions::StateMachineAlias",
            **_kept(),
            "Properties": {
                "Name": ALIAS,
                "DeploymentPreference": {
                    "StateMachineVersionArn": {"Ref": f"{name}Version"},
                    "Type": "ALL_AT_ONCE",
                },
            },
        },
        # It holds the names of states and executions alone, and needs no key of ours to be delivered by AWS's logs.
        f"{name}Logs": _log_group(f"/aws/vendedlogs/states/${{AWS::StackName}}_{called}", our_key=False),
        f"{name}Fails": _alarm(
            f"An execution of {called} failed: the table and its definition do not agree, or ask_approver failed seven "
            "times. Nothing is lost: the reconciler starts the next within the hour. Its history says which state.",
            **_metric("AWS/States", "ExecutionsFailed", own),
        ),
        f"{name}TimedOut": _alarm(
            f"An execution of {called} was open for a year. Decide what becomes of the submission it is named after.",
            **_metric("AWS/States", "ExecutionsTimedOut", own),
        ),
    }


def _substitutions(file: Path, known: Resources) -> dict[str, Any]:
    """What each `${AskApproverArn}` stands for."""
    named = sorted(set(re.findall(r"\$\{([^}]*)\}", file.read_text(encoding="utf-8"))))
    unknown = [one for one in named if one.removesuffix("Arn") not in known]
    if unknown:
        raise CannotPackage(
            f"{file.name} names {', '.join(unknown)}; the app has: {', '.join(sorted(known))}"
        )
    return {one: {"Fn::GetAtt": [one.removesuffix("Arn"), "Arn"]} for one in named}


def _kept() -> dict[str, str]:
    """Deleting a state machine ends its executions: every approval under way. One that a failed deploy has just made
    has none, and would stand in the way of the next deploy."""
    return {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def _log_group(name: str, *, our_key: bool = True) -> dict[str, Any]:
    properties = {"LogGroupName": {"Fn::Sub": name}, "RetentionInDays": DAYS_KEPT}
    key = {"KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}} if our_key else {}
    return {"Type": "AWS::Logs::LogGroup", "Properties": {**properties, **key}}


def _metric(
    namespace: str, name: str, dimensions: list[dict[str, Any]], *, period: int = 300
) -> dict[str, Any]:
    return {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions, "Period": period}


def _alarm(description: str, **properties: Any) -> dict[str, Any]:
    usual = {
        "AlarmDescription": description,
        "Statistic": "Sum",
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "TreatMissingData": "notBreaching",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {**usual, **properties}}
