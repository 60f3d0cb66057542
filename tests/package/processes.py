"""Processes that have the package and nothing else, with the settings that the template gives them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.guards.packaged import PARAMETERS, functions, resources, template

SCRIPT = Path(__file__).with_name("lambda_process.py")
REGION = "eu-west-2"
ACCOUNT = "123456789012"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": "share",
}


class Failed(AssertionError):
    """A job raised; the message is its traceback."""


class LambdaProcess:
    """One of them. Jobs run one after the other in it, as events do on Lambda."""

    def __init__(self, places: Sequence[Path], env: Mapping[str, str]) -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(SCRIPT), *map(str, places)],
            cwd=places[0],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )

    def do(self, job: str, **given: Any) -> Any:
        """The result of a job. Raises Failed."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": job, "given": given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        told = json.loads(line) if line else {"failed": "the process ended"}
        if "failed" in told:
            raise Failed(f"{told['failed']}\n{self._log()}")
        return told["result"]

    def _log(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def close(self) -> None:
        """End it at once, as Lambda does: there is nothing to tidy up."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.kill()
        self._process.wait(timeout=10)
        self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()


def environment(endpoint: str = "", region: str = REGION, function: str = "api_handler") -> dict[str, str]:
    """What Lambda and the template set for a function. AWS is at `endpoint`, where one is given."""
    reached_at = {"AWS_ENDPOINT_URL": endpoint} if endpoint else {}
    return {
        **settings(function),
        **reached_at,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "session-token",
        "LANG": "en_US.UTF-8",
        "PATH": os.environ["PATH"],
        "TZ": ":UTC",
    }


def settings(function: str = "api_handler") -> dict[str, str]:
    """The variables of a function, as CloudFormation fills them in."""
    own = functions()[function]["Properties"].get("Environment", {}).get("Variables", {})
    variables = {**template()["Globals"]["Function"]["Environment"]["Variables"], **own}
    values = {name: _value(one) for name, one in variables.items()}
    set_ones = {name: value for name, value in values.items() if value is not None}
    return {**set_ones, **({"SIGNING_KEYS": "k1:" + "s" * 40} if "SIGNING_KEYS" in own else {})}


def _value(value: Any) -> str | None:
    """None for a variable that is not set."""
    if not isinstance(value, dict):
        return str(value)
    ((function, given),) = value.items()
    if value == {"Ref": "AWS::NoValue"}:
        return None
    if function == "Ref":
        return _named(given)
    if function == "Fn::If":
        condition, where_it_holds, otherwise = given
        return _value(where_it_holds if _holds(template()["Conditions"][condition]) else otherwise)
    assert function == "Fn::Sub", f"no value for {value}"
    return re.sub(r"\$\{([^}]+)\}", lambda match: _named(match[1]), given)


def _holds(condition: dict[str, Any]) -> bool:
    ((function, given),) = condition.items()
    if function == "Fn::Not":
        return not _holds(given[0])
    assert function == "Fn::Equals", f"no answer for {condition}"
    return _value(given[0]) == _value(given[1])


def _named(name: str) -> str:
    """A parameter's value; a resource is called as in the template, in small letters, which a bucket's name needs."""
    if name in resources():
        return name.lower()
    if name.endswith("Key.Arn"):
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name[:-4].lower()}"
    return {**_defaults(), **PARAMETERS, **PSEUDO}[name]


def _defaults() -> dict[str, str]:
    parameters = template()["Parameters"].items()
    return {name: str(one["Default"]) for name, one in parameters if "Default" in one}
