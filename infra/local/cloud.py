"""What stands in moto before the app may run: its functions, its state machines, its sender address."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path

import boto3
from chalice.app import Chalice
from chalice.utils import to_cfn_resource_name

from infra import machines
from infra.local import lambdas


class UnknownName(Exception):
    """A state machine names something that the app does not have."""


def prepare(app: Chalice, sender: str, *, root: Path = machines.ROOT) -> None:
    """Everything that CloudFormation makes of the same files on AWS."""
    role = boto3.client("iam").create_role(RoleName="local", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    create_state_machines(create_functions(app, role), role, root=root)
    boto3.client("ses").verify_email_identity(EmailAddress=parseaddr(sender)[1])


def create_functions(app: Chalice, role: str) -> dict[str, str]:
    """One for each of the app's `lambda_function`s. Returns what `${...}` stands for in a state machine."""
    client = boto3.client("lambda")
    arns = {}
    for function in app.pure_lambda_functions:
        lambdas.check(function.name, function.handler_string)
        made = client.create_function(
            FunctionName=lambdas.function_name(app, function.name),
            Runtime="python3.11",
            Role=role,
            Handler=function.handler_string,
            Timeout=lambdas.TIMEOUT,
            MemorySize=lambdas.MEMORY,
            Code={"ZipFile": _empty_zip()},
        )
        arns[to_cfn_resource_name(function.name) + "Arn"] = made["FunctionArn"]
    return arns


def create_state_machines(arns: Mapping[str, str], role: str, *, root: Path = machines.ROOT) -> list[str]:
    """One for each workflow of the project at `root`. Returns their names. Raises UnknownName."""
    client = boto3.client("stepfunctions")
    text = definition(machines.definition(root), arns)
    names = machines.names(root)
    for name in names:
        client.create_state_machine(name=name, definition=text, roleArn=role)
    return names


def definition(file: Path, arns: Mapping[str, str]) -> str:
    """The state machine with each `${Name}` filled in, as DefinitionSubstitutions does."""
    text = file.read_text()
    json.loads(text)
    unknown = sorted(set(re.findall(r"\$\{([^}]*)\}", text)) - set(arns))
    if unknown:
        known = ", ".join(sorted(arns)) or "none"
        raise UnknownName(f"{file.name} names {', '.join(unknown)}; the app has: {known}")
    return re.sub(r"\$\{([^}]*)\}", lambda found: arns[found[1]], text)


def create_timeline_keys() -> dict[str, str]:
    """Keys of KMS that seal timelines, for tests and counts; the run itself has its keys in files, which outlive moto.
    Returns the settings that name them."""
    client = boto3.client("kms")
    mac = client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    root = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    return {"MAC_KEYS": f"kms:{mac}", "ROOT_KEYS": f"kms:{root}"}


def _empty_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("empty", "")
    return content.getvalue()
