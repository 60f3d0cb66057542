"""Every call to AWS while something runs, as the IAM actions it needs and what it needs them on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.signers import RequestSigner

Need = tuple[str, str]
"""An action (`dynamodb:Query`) and a kind of resource (`table`, `index/due`, `machine`, `execution`, `mail`, `files`,
`bucket`, `any`)."""

Touched = tuple[str, str, tuple[str, ...]]
"""A need of a call to DynamoDB with its partition keys, which a policy's `dynamodb:LeadingKeys` is compared with."""

_PARTITION_KEYS = {
    "table": "pk",
    "index/due": "due_kind",
    "index/force": "force",
    "index/listed": "listed_as",
    "index/everywhere": "everywhere_as",
    "index/public": "public_as",
}

_PREFIXES = {"dynamodb": "dynamodb", "stepfunctions": "states", "ses": "ses"}
_IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_CALLED_OTHERWISE = {"s3:ListObjectsV2": "s3:ListBucket"}
"""Operations whose action has a name of its own."""

_PLACES = {
    "states:StartExecution": "machine",
    "states:SendTaskSuccess": "machine",
    "states:ListExecutions": "machine",
    "states:DescribeExecution": "execution",
    "states:StopExecution": "execution",
    "ses:SendRawEmail": "mail",
    "s3:GetObject": "files",
    "s3:PutObject": "files",
    "s3:ListBucket": "bucket",
    "kms:GenerateMac": "mac-key",
    "kms:VerifyMac": "mac-key",
    "kms:Sign": "root-key",
    "kms:Verify": "root-key",
}


class Calls:
    """What each function needed, by its name, and the partition keys that it touched. Calls that no function makes are
    passed over. `signed` are those that signed addresses, `keyed` those that used the signing keys."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by: dict[str, set[Need]] = defaultdict(set)
        self.touched: dict[str, set[Touched]] = defaultdict(set)
        self.signed: set[str] = set()
        self.keyed: set[str] = set()
        self._function = ""
        calling = BaseClient._make_api_call

        def record(client: Any, operation: str, given: Mapping[str, Any]) -> Any:
            if self._function:
                service = client.meta.service_model.service_name
                self.by[self._function].update(needs(service, operation, given))
                if service == "dynamodb":
                    self.touched[self._function].update(touches(operation, given))
            return calling(client, operation, given)

        monkeypatch.setattr(BaseClient, "_make_api_call", record)
        signing = RequestSigner.generate_presigned_url

        def sign(signer: Any, request_dict: Any, operation_name: str, **given: Any) -> Any:
            """Whoever has the address calls with the rights of the function that signed it."""
            if self._function and operation_name == "GetObject":
                self.by[self._function].add(("s3:GetObject", "files"))
                self.signed.add(self._function)
            return signing(signer, request_dict, operation_name, **given)

        monkeypatch.setattr(RequestSigner, "generate_presigned_url", sign)

    def with_keys(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """The same method; which function calls it is noted."""

        @wraps(method)
        def noted(*given: Any, **named: Any) -> Any:
            if self._function:
                self.keyed.add(self._function)
            return method(*given, **named)

        return noted

    @contextmanager
    def of(self, function: str) -> Iterator[None]:
        """What is called in here, this function calls."""
        outer, self._function = self._function, function
        yield
        self._function = outer


def needs(service: str, operation: str, given: Mapping[str, Any]) -> Iterator[Need]:
    """The actions that a call needs."""
    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in given["TransactItems"]:
            for kind in item:
                yield f"dynamodb:{_IN_TRANSACTIONS[kind]}", "table"
        return
    action = f"{_PREFIXES.get(service, service)}:{operation}"
    action = _CALLED_OTHERWISE.get(action, action)
    if service == "dynamodb":
        yield action, f"index/{given['IndexName']}" if "IndexName" in given else "table"
    else:
        place = _PLACES.get(action, "any")
        if given.get("Bucket", "").endswith("-roots"):
            place = f"roots' {place}"
        if action == "s3:GetObject":
            # without it S3 refuses a file that is not there instead of saying so
            yield "s3:ListBucket", place.replace("files", "bucket")
        yield action, place


def touches(operation: str, given: Mapping[str, Any]) -> Iterator[Touched]:
    """Each need of a call to DynamoDB, with its partition keys. Each part of a transaction is allowed by itself."""
    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in given["TransactItems"]:
            for kind, one in item.items():
                yield f"dynamodb:{_IN_TRANSACTIONS[kind]}", "table", (_partition_key(one),)
        return
    ((action, place),) = needs("dynamodb", operation, given)
    if operation == "BatchGetItem":
        (wanted,) = given["RequestItems"].values()
        yield action, place, tuple(sorted({key["pk"]["S"] for key in wanted["Keys"]}))
    elif operation == "Query":
        yield action, place, (_queried(given, _PARTITION_KEYS[place]),)
    else:
        yield action, place, (_partition_key(given),)


def _partition_key(given: Mapping[str, Any]) -> str:
    return str((given.get("Key") or given["Item"])["pk"]["S"])


def _queried(given: Mapping[str, Any], name: str) -> str:
    """The one partition that a query reads."""
    (placeholder,) = [key for key, value in given["ExpressionAttributeNames"].items() if value == name]
    found = re.search(rf"{placeholder} = (:\w+)", given["KeyConditionExpression"])
    assert found, given["KeyConditionExpression"]
    return str(given["ExpressionAttributeValues"][found[1]]["S"])
