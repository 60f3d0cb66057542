"""The control: store the submission, then start its workflow, with nothing in between that remembers it.

Common, and wrong: the sweep must find that out, or it sees nothing.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from chalicelib import wiring
from chalicelib.adapters.aws import clients
from chalicelib.adapters.dynamodb.tables import Row, shared_connection

MACHINE = "funding-claim"


def submit(answers: dict[str, Any], key: str) -> dict[str, Any]:
    """A put, then a start under a name that nobody can make again. The key is looked up, and not reserved."""
    client = shared_connection().client
    table = Row.Meta.table_name
    known = client.get_item(TableName=table, Key=_key(key)).get("Item")
    if known is not None:
        return {"status": 201, "body": {"reference": known["reference"]["S"]}}
    reference = uuid4().hex
    stored = {**_key(f"SUBMISSION#{reference}"), "answers": {"S": json.dumps(answers)}}
    client.put_item(TableName=table, Item=stored)
    machine = wiring.parts().workflows._arn_prefix + MACHINE  # type: ignore[attr-defined]
    clients.client("stepfunctions").start_execution(
        stateMachineArn=machine, name=uuid4().hex, input=json.dumps({"reference": reference})
    )
    client.put_item(TableName=table, Item={**_key(key), "reference": {"S": reference}})
    return {"status": 201, "body": {"reference": reference}}


def stored(answers: dict[str, Any]) -> int:
    """How many submissions hold these answers."""
    client = shared_connection().client
    pages = client.get_paginator("scan").paginate(TableName=Row.Meta.table_name)
    wanted = json.dumps(answers)
    return sum(item.get("answers", {}).get("S") == wanted for page in pages for item in page["Items"])


def _key(name: str) -> dict[str, Any]:
    return {"pk": {"S": f"NAIVE#{name}"}, "sk": {"S": "-"}}
