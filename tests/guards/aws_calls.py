"""Every call to AWS while something runs, as the IAM actions it needs and what it needs them on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient

Need = tuple[str, str]
"""An action (`dynamodb:Query`) and a kind of resource (`table`, `index/due`, `machine`, `execution`, `mail`, `files`,
`bucket`, `any`)."""

_PREFIXES = {"dynamodb": "dynamodb", "stepfunctions": "states", "ses": "ses"}
_IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_PLACES = {
    "states:StartExecution": "machine",
    "states:SendTaskSuccess": "machine",
    "states:ListExecutions": "machine",
    "states:DescribeExecution": "execution",
    "ses:SendRawEmail": "mail",
    "s3:GetObject": "files",
    "s3:PutObject": "files",
}


class Calls:
    """What each function needed, by its name. Calls that no function makes are passed over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by: dict[str, set[Need]] = defaultdict(set)
        self._function = ""
        calling = BaseClient._make_api_call

        def record(client: Any, operation: str, given: Mapping[str, Any]) -> Any:
            if self._function:
                service = client.meta.service_model.service_name
                self.by[self._function].update(needs(service, operation, given))
            return calling(client, operation, given)

        monkeypatch.setattr(BaseClient, "_make_api_call", record)

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
    if service == "dynamodb":
        yield action, f"index/{given['IndexName']}" if "IndexName" in given else "table"
    else:
        if action == "s3:GetObject":
            yield (
                "s3:ListBucket",
                "bucket",
            )  # without it S3 refuses a file that is not there instead of saying so
        yield action, _PLACES.get(action, "any")
