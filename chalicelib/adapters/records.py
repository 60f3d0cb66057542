"""Submissions and what is stored with them, in DynamoDB: reading cases, and committing changes at once."""

from __future__ import annotations

import operator
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters import case_items, changes, items, keys
from chalicelib.adapters.failures import in_our_words, is_unavailable
from chalicelib.adapters.tables import KeyItem, ReferenceItem, Row, SubmissionItem
from chalicelib.domain.errors import NotFound, Unavailable
from chalicelib.domain.stages import AskedAs
from chalicelib.domain.submissions import Case
from chalicelib.services.changes import Change, ChangeRefused, ChangeSubmission, KeyRecord
from chalicelib.services.ports import AskedTask, Listed, Place, Published, Waiting

MAX_TRIES = 8
_FEW = 50
"""Lines that one call reads of the public list, where a page of it is all that is wanted."""
_LONGEST_PAUSE_SECONDS = 0.4


class DynamoForceRecords:
    """The submissions of one force."""

    def __init__(self, force: str) -> None:
        self._force = force

    def case(self, reference: str) -> Case:
        """One consistent query reads all of it."""
        with in_our_words():
            rows = list(Row.query(keys.case(self._force, reference), consistent_read=True))
        case = case_items.case_from(rows)
        if case is None:
            raise NotFound("There is no submission with this reference.")
        return case

    def newest(self, form: str, *, limit: int) -> list[Listed]:
        """From the index alone."""
        with in_our_words():
            rows = Row.listed.query(keys.listed(self._force, form), scan_index_forward=False, limit=limit)
            return [case_items.listed(row) for row in rows]

    def page(self, form: str, *, after: Place | None, limit: int) -> list[Listed]:
        """From the index alone; the force is in its key."""
        return _page(Row.listed, "listed_as", keys.listed(self._force, form), after, limit)


class DynamoRecords:
    """All submissions. `relay_grace` is how long the stream has to carry a delivery before the sweeper does;
    `pause` waits between two tries of a transaction that met another one."""

    def __init__(self, *, relay_grace: timedelta, pause: Callable[[float], None] = time.sleep) -> None:
        self._relay_grace = relay_grace
        self._pause = pause

    def of(self, force: str) -> DynamoForceRecords:
        """The submissions of this force."""
        return DynamoForceRecords(force)

    def force_of(self, reference: str) -> str:
        """The force of a reference."""
        with in_our_words():
            try:
                return ReferenceItem.get(keys.reference(reference), keys.ONLY, consistent_read=True).force
            except ReferenceItem.DoesNotExist:
                raise NotFound("There is no submission with this reference.") from None

    def commit(self, changes_: Sequence[Change]) -> None:
        """One TransactWriteItems. Tried again, with full jitter, only where nothing but another transaction
        stood in the way (TransactionConflict): a condition that does not hold will not hold next time."""
        for attempt in range(MAX_TRIES):
            transaction = TransactWrite(connection=Row._get_connection().connection)
            placed = changes.place(transaction, changes_, relay_grace=self._relay_grace)
            try:
                with transaction:
                    pass
                return
            except TransactWriteError as error:
                refused = _refused_change(error, placed)
                if refused is not None:
                    raise ChangeRefused(refused) from error
                if not _met_another_transaction(error):
                    if is_unavailable(error):
                        raise Unavailable("The service is busy. Try again in a minute.") from error
                    raise
            longest = min(_LONGEST_PAUSE_SECONDS, 0.02 * 2**attempt)
            self._pause(random.uniform(0, longest))  # noqa: S311 - jitter is no secret
        raise Unavailable("Too many people are changing this at once. Try again in a minute.")

    def key(self, form: str, key: str, *, now: datetime) -> KeyRecord | None:
        """The record of an Idempotency-Key, unless it expired: DynamoDB removes expired items only in time."""
        with in_our_words():
            try:
                item = KeyItem.get(keys.idempotency(form, key), keys.ONLY, consistent_read=True)
            except KeyItem.DoesNotExist:
                return None
        return items.key_from(item) if item.expires_at > now else None

    def page(self, form: str, *, after: Place | None, limit: int) -> list[Listed]:
        """From the index alone."""
        return _page(Row.everywhere, "everywhere_as", form, after, limit)

    def open(self, *, limit: int) -> list[Listed]:
        """From the index of what is due, alone."""
        with in_our_words():
            return [case_items.listed(row) for row in Row.due.query(keys.DUE_SUBMISSION, limit=limit)]

    def asked_of(self, person_id: str, *, limit: int) -> list[AskedTask]:
        """From the index alone."""
        with in_our_words():
            rows = Row.listed.query(keys.asked(person_id), limit=limit)
            return [case_items.asked_task(row) for row in rows]

    def published(
        self, now: datetime, *, after: Place | None = None, force: str = "", category: str = ""
    ) -> Iterator[Published]:
        """From the index alone. Without a filter a call reads few lines, since few are wanted; a filter looks at
        all there are until it has found enough."""
        pairs = ((SubmissionItem.force, force), (SubmissionItem.category, category))
        wanted = [attribute == value for attribute, value in pairs if value]
        start = _start("public_as", keys.PUBLIC, after) if after else None
        with in_our_words():
            rows = Row.public.query(
                keys.PUBLIC,
                filter_condition=reduce(operator.and_, wanted) if wanted else None,
                scan_index_forward=False,
                last_evaluated_key=start,
                page_size=None if wanted else _FEW,
            )
            for row in rows:
                if (found := case_items.published(row, now)) is not None:
                    yield found

    def waiting(self) -> Iterator[Waiting]:
        """Open submissions, by their next date, from the index alone."""
        with in_our_words():
            yield from map(_waiting, Row.due.query(keys.DUE_SUBMISSION))

    def due(self, now: datetime) -> Iterator[Waiting]:
        """Those whose date has come."""
        with in_our_words():
            yield from map(_waiting, Row.due.query(keys.DUE_SUBMISSION, Row.due_at <= now))


def _page(index: Any, name: str, key: str, after: Place | None, limit: int) -> list[Listed]:
    """One query of an index, from the place where the page before ended: its key is made anew of that place."""
    start = _start(name, key, after) if after else None
    with in_our_words():
        rows = index.query(key, scan_index_forward=False, limit=limit, last_evaluated_key=start)
        return [case_items.listed(row) for row in rows]


def _start(name: str, key: str, after: Place) -> dict[str, dict[str, str]]:
    """Where a query of an index goes on."""
    return {
        name: {"S": key},
        "listed_at": {"S": str(Row.listed_at.serialize(after.submitted_at))},  # type: ignore[no-untyped-call]
        "pk": {"S": keys.case(after.force, after.reference)},
        "sk": {"S": keys.SUBMISSION},
    }


def _waiting(row: Row) -> Waiting:
    force, reference = keys.force_and_reference(row.pk)
    turn = AskedAs(row.asked_as or AskedAs.APPROVER.value)
    return Waiting(force=force, reference=reference, round=row.round or 1, turn=turn)


def _refused_change(error: TransactWriteError, placed: Sequence[Change]) -> Change | None:
    """The first; but where the submission has moved on, that: the others may then not hold for this reason alone."""
    refused = [
        change
        for reason, change in zip(error.cancellation_reasons, placed)
        if reason is not None and reason.code == "ConditionalCheckFailed"
    ]
    return next(
        (change for change in refused if isinstance(change, ChangeSubmission)), next(iter(refused), None)
    )


def _met_another_transaction(error: TransactWriteError) -> bool:
    codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
    return bool(codes) and codes <= {"TransactionConflict"}
