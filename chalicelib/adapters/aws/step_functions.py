"""The state machines, in Step Functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.adapters.aws import clients

# What SendTaskSuccess says of an execution that waits no more: timed out, stopped, ended, or answered before.
_WAITS_NO_MORE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class StepFunctions:
    """`arn_prefix` is the state machines' ARN up to the name; with `alias`, executions are started through it."""

    def __init__(self, arn_prefix: str, *, alias: str = "") -> None:
        self._arn_prefix = arn_prefix
        self._alias = f":{alias}" if alias else ""

    def start(self, workflow: str, name: str, payload: Mapping[str, Any]) -> None:
        """StartExecution under a deterministic name. With the same input while it runs it answers as before;
        afterwards with ExecutionAlreadyExists, which says that it was started, too."""
        try:
            clients.client("stepfunctions").start_execution(
                stateMachineArn=self._arn_prefix + workflow + self._alias,
                name=name,
                input=json.dumps(payload, sort_keys=True),
            )
        except ClientError as error:
            if _code(error) != "ExecutionAlreadyExists":
                raise

    def answer(self, token: str, output: Mapping[str, Any]) -> None:
        """SendTaskSuccess. The decision is stored: if nobody waits for it, the reconciler sees to the rest."""
        try:
            clients.client("stepfunctions").send_task_success(
                taskToken=token, output=json.dumps(output, sort_keys=True)
            )
        except ClientError as error:
            if _code(error) not in _WAITS_NO_MORE:
                raise

    def running(self, workflow: str) -> frozenset[str]:
        """ListExecutions, page by page."""
        pages = clients.client("stepfunctions").get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=self._arn_prefix + workflow, statusFilter="RUNNING")
        return frozenset(execution["name"] for page in found for execution in page["executions"])

    def is_running(self, workflow: str, name: str) -> bool:
        """DescribeExecution by the ARN that the name makes."""
        try:
            found = clients.client("stepfunctions").describe_execution(
                executionArn=self._execution(workflow, name)
            )
        except ClientError as error:
            if _code(error) == "ExecutionDoesNotExist":
                return False
            raise
        return str(found["status"]) == "RUNNING"

    def stop(self, workflow: str, name: str) -> None:
        """StopExecution by the ARN that the name makes. Of one that has ended, AWS says when."""
        try:
            clients.client("stepfunctions").stop_execution(
                executionArn=self._execution(workflow, name),
                error="NotNeeded",
                cause="What it waits for has ended, or another execution waits for it.",
            )
        except ClientError as error:
            if _code(error) != "ExecutionDoesNotExist":
                raise

    def _execution(self, workflow: str, name: str) -> str:
        prefix = self._arn_prefix.replace(":stateMachine:", ":execution:")
        return f"{prefix}{workflow}:{name}"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
