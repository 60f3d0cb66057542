"""Failures of DynamoDB in our own words. What is not foreseen here goes through unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib.domain.errors import Unavailable

_NO_ANSWER = frozenset(
    {
        "InternalServerError",
        "ServiceUnavailable",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionInProgressException",
        "500",
        "502",
        "503",
    }
)


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turns "no answer" and "too busy" into Unavailable. Refused conditions are the caller's to read."""
    try:
        yield
    except PynamoDBException as error:
        if is_unavailable(error):
            raise Unavailable("The service is busy. Nothing was lost; try again in a minute.") from error
        raise


def is_unavailable(error: PynamoDBException) -> bool:
    """Whether the store did not answer, or was too busy to."""
    return code_of(error) in _NO_ANSWER or isinstance(error.cause, BotoCoreError)


def code_of(error: PynamoDBException) -> str:
    """What DynamoDB called the error; empty where it did not answer (PynamoDB breaks on botocore's errors then)."""
    return str(error.cause_response_code) if isinstance(error.cause, ClientError) else ""


def is_condition(error: PynamoDBException) -> bool:
    """Whether a condition did not hold."""
    return code_of(error) == "ConditionalCheckFailedException"
