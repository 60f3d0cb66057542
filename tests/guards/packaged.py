"""The package that `make package` makes, built once for all tests of one process that look at it."""

from __future__ import annotations

import atexit
import json
import re
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.packaging.__main__ import build

ROOT = Path(__file__).resolve().parents[2]
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE = f"python/lib/{PYTHON}/site-packages/"
SERVICES_CALLED = {
    "dynamodb",  # by PynamoDB
    *(
        service
        for file in (ROOT / "chalicelib" / "adapters").rglob("*.py")
        for service in re.findall(r"clients\.client\(\"([a-z0-9]+)\"\)", file.read_text(encoding="utf-8"))
    ),
}
PARAMETERS = {
    "DomainName": "ideas.example.org",
    "CertificateArn": "arn:aws:acm:eu-west-2:123456789012:certificate/1",
    "MailDomain": "example.org",
    "MailFrom": "share@example.org",
    "MailReplyTo": "help@example.org",
    "SigningKeysSecret": "arn:aws:secretsmanager:eu-west-2:123456789012:secret:keys",
    "SigningKeysVersion": "0" * 32,
    "AlarmAddress": "operators@example.org",
}
"""What a stack must be given."""

Resources = dict[str, dict[str, Any]]

builds_once = pytest.mark.xdist_group("package")
"""Tests that look at the package go to one process, which makes it once."""


@cache
def folder() -> Path:
    """Where the package is."""
    made = Path(tempfile.mkdtemp(prefix="package-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    build(made)
    return made


@cache
def _text() -> str:
    return (folder() / "template.json").read_text(encoding="utf-8")


def template() -> dict[str, Any]:
    """The template, as it is deployed."""
    return dict(json.loads(_text()))


def resources(kind: str = "") -> Resources:
    """Its resources; of one type, where it is named."""
    found: Resources = template()["Resources"]
    return {name: one for name, one in found.items() if kind in ("", one["Type"])}


def functions() -> Resources:
    """Its functions, by the name that app.py gives them; the HTTP function is `api_handler`."""
    found = resources("AWS::Serverless::Function").values()
    names = {"app.app": "api_handler"}
    return {names.get(one["Properties"]["Handler"], one["Properties"]["Handler"][4:]): one for one in found}


def statements(function: str) -> list[dict[str, Any]]:
    """What the role of a function allows."""
    role = functions()[function]["Properties"]["Role"]["Fn::GetAtt"][0]
    (policy,) = resources()[role]["Properties"]["Policies"]
    return list(policy["PolicyDocument"]["Statement"])


@cache
def expanded() -> str:
    """The template as CloudFormation's serverless transform leaves it, as JSON."""
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    given = template()
    for one in given["Resources"].values():
        for place in ("CodeUri", "ContentUri"):
            if place in one.get("Properties", {}):
                one["Properties"][place] = "s3://bucket/package.zip"
    translator = Translator(managed_policy_map={}, sam_parser=Parser())
    return json.dumps(translator.translate(sam_template=given, parameter_values={}))
