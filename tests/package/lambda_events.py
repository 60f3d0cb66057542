"""Events as AWS documents them, from the files in events/, about what is in our table."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Mapping, Sequence
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from infra import machines
from tests.guards.packaged import resources

FOLDER = Path(__file__).with_name("events")
Event = dict[str, Any]
Item = Mapping[str, Any]


def read(name: str) -> Event:
    """An event of events/."""
    return dict(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def http(method: str, target: str, *, body: str = "", as_base64: bool = False, **headers: str) -> Event:
    """What API Gateway sends for a request; `content_type="…"` gives that header."""
    event = read("api_gateway")
    address = urlsplit(target)
    resource, parameters = route(method, address.path)
    query = parse_qs(address.query, keep_blank_values=True)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    event["headers"].update(given)
    event["multiValueHeaders"].update({name: [value] for name, value in given.items()})
    event.update(
        resource=resource,
        path=address.path,
        httpMethod=method,
        pathParameters=parameters or None,
        queryStringParameters={name: values[-1] for name, values in query.items()} or None,
        multiValueQueryStringParameters=query or None,
        body=(base64.b64encode(body.encode()).decode() if as_base64 else body) or None,
        isBase64Encoded=as_base64,
    )
    event["requestContext"].update(resourcePath=resource, path=address.path, httpMethod=method)
    return event


def route(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The resource of the packaged API that API Gateway picks for a path, and the parameters in it."""
    paths = resources()["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    matches = {resource: re.fullmatch(_pattern(resource), path) for resource in sorted(paths, key=_how_vague)}
    resource, match = next((resource, match) for resource, match in matches.items() if match)
    assert {method.lower(), "x-amazon-apigateway-any-method"} & paths[resource].keys(), (method, path)
    return resource, match.groupdict()


def _how_vague(resource: str) -> tuple[bool, int]:
    return "+}" in resource, resource.count("{")


def _pattern(resource: str) -> str:
    pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(resource))
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)


def stream(items: Sequence[Item]) -> Event:
    """A batch in which these items were put, and one was removed as its time was over."""
    event = read("dynamodb_stream")
    (example,) = event.pop("Records")
    records = [copy.deepcopy(example) for _ in items]
    for number, (record, item) in enumerate(zip(records, items)):
        change = record["dynamodb"]
        change["Keys"] = {name: item[name] for name in ("pk", "sk")}
        change["NewImage"] = dict(item)
        change["SequenceNumber"] = f"44215845000000000174504390{number:02}"
    return {"Records": [*records, read("dynamodb_stream_removal")]}


def topic(message: str) -> Event:
    """What SNS hands on."""
    event = read("sns")
    event["Records"][0]["Sns"]["Message"] = message
    return event


def bounce(mail: Message) -> Event:
    """SES says that this mail came back for good. It names the headers that the mail was sent with."""
    message = read("ses_bounce")
    message["mail"]["headers"] = [{"name": name, "value": str(value)} for name, value in mail.items()]
    return topic(json.dumps(message))


def greeting() -> Event:
    """What SES says first when a topic is named to it."""
    return topic((FOLDER / "ses_greeting.txt").read_text(encoding="utf-8").strip())


def task(given: Mapping[str, Any], token: str) -> Event:
    """What the state machine sends for the turn that an execution was started with."""
    definition = json.loads(machines.definition().read_text(encoding="utf-8"))
    for state in definition["States"].values():
        payload = state.get("Parameters", {}).get("Payload", {})
        if payload.get("asked") == given["asked"]:
            return dict(_filled_in(name, value, given, token) for name, value in payload.items())
    raise LookupError(f"nobody is asked for {given}")


def _filled_in(name: str, value: Any, given: Mapping[str, Any], token: str) -> tuple[str, Any]:
    if not name.endswith(".$"):
        return name, value
    path = str(value).removeprefix("$.")
    return name.removesuffix(".$"), token if path == "$$.Task.Token" else given[path]
