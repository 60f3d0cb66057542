"""A few writes about one person: all of them, or none."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.failures import in_our_words
from chalicelib.adapters.dynamodb.tables import shared_connection

MAX_TRIES = 5
_CONFLICT = "TransactionConflict"
_REFUSED = "ConditionalCheckFailed"


def together(write: Callable[[TransactWrite], None], *, pause: Callable[[float], None] = time.sleep) -> bool:
    """Send what `write` puts into a transaction. False, and nothing is stored, where a condition does not hold.
    Tried again where another transaction stood in the way. Raises Unavailable."""
    for attempt in range(1, MAX_TRIES + 1):
        try:
            with in_our_words(), TransactWrite(connection=shared_connection()) as transaction:
                write(transaction)
            return True
        except TransactWriteError as error:
            codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
            if _REFUSED in codes:
                return False
            if _CONFLICT not in codes or attempt == MAX_TRIES:
                raise
        pause(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter is no secret
    raise AssertionError("unreachable")
