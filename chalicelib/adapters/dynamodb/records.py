"""Submissions and what is stored with them, in DynamoDB: reading cases, and committing changes at once."""

from __future__ import annotations

import json
import operator
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from itertools import islice
from typing import Any

from pynamodb.exceptions import TransactWriteError

from chalicelib.adapters.dynamodb import case_items, changes, counts, items, keys, line_items
from chalicelib.adapters.dynamodb.failures import code_of, in_our_words, is_unavailable
from chalicelib.adapters.dynamodb.tables import (
    ContentItem,
    KeyItem,
    ReferenceItem,
    Row,
    SubmissionItem,
    shared_connection,
)
from chalicelib.adapters.dynamodb.undo_items import undo_from
from chalicelib.domain.errors import NotFound, StillRunning, Unavailable
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import Case
from chalicelib.services.changes import (
    Change,
    ChangeRefused,
    ChangeSubmission,
    ContentRecord,
    KeepContent,
    KeepKey,
    KeyRecord,
)
from chalicelib.services.ports import AskedTask, Counted, EntryMacs, Listed, Place, Published, Waiting

MAX_TRIES = 8
_MANY = 1000
"""Lines that one call reads where a filter leaves few of them."""

_TIMES_MORE = 2
_AT_ONCE = 50
_LONGEST_PAUSE_SECONDS = 0.4
FIRST_TOLD = (ChangeSubmission, KeepKey, KeepContent)
"""Of several that are refused, which is told: for the reason of the first, the others may not hold."""

_REFUSED = "ConditionalCheckFailed"
_CONFLICT = "TransactionConflict"
_UNDER_WAY = "TransactionInProgressException"
_STILL_RUNNING = "The first request with this key is just being stored. Send the same again in a moment."


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
            return [line_items.listed(row) for row in rows]

    def page(self, form: str, *, after: Place | None, limit: int) -> list[Listed]:
        """From the index alone; the force is in its key."""
        return _page(Row.listed, "listed_as", keys.listed(self._force, form), after, limit)

    def open(self, *, limit: int) -> list[Listed]:
        """From the index of what waits in a force, alone."""
        return list(islice(self.waiting(), limit))

    def waiting(self) -> Iterator[Listed]:
        """From the same index, page by page. What waits for its submitter's code is passed over."""
        with in_our_words():
            rows = Row.of_force.query(
                self._force, filter_condition=Row.due_kind == keys.DUE_SUBMISSION, page_size=_MANY
            )
            yield from map(line_items.listed, rows)

    def asked_of(self, person_id: str, *, limit: int) -> list[AskedTask]:
        """From the index alone; force and person are both in its key."""
        with in_our_words():
            rows = Row.due.query(keys.asked_in(self._force, person_id), limit=limit)
            return [line_items.asked_task(row) for row in rows]


class DynamoRecords:
    """All submissions. `relay_grace` is how long the stream has to carry a delivery before the sweeper does; `macs`
    seals every entry; `pause` waits between two tries of a transaction that met another one."""

    def __init__(
        self, *, relay_grace: timedelta, macs: EntryMacs, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._relay_grace = relay_grace
        self._macs = macs
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
        """Each entry's MAC, then one TransactWriteItems. Tried again, with full jitter, only where another transaction
        stood in the way (TransactionConflict): a condition that does not hold will not hold next time, unless that one
        decides it."""
        placed = changes.Placed(changes_, relay_grace=self._relay_grace, sealed=self._macs.sealed)
        reasons: list[tuple[Change, str]] = []
        for attempt in range(MAX_TRIES):
            try:
                return placed.send(shared_connection())
            except TransactWriteError as error:
                reasons = _reasons(error, placed.changes)
                refused = _refused_change(reasons)
                if refused is not None:
                    raise ChangeRefused(refused) from error
                codes = {code for _, code in reasons}
                if _CONFLICT not in codes or codes - {_CONFLICT, _REFUSED}:
                    if code_of(error) == _UNDER_WAY and _keeps_key(changes_):
                        raise StillRunning(_STILL_RUNNING) from error
                    if is_unavailable(error):
                        raise Unavailable("The service is busy. Try again in a minute.") from error
                    raise
            longest = min(_LONGEST_PAUSE_SECONDS, 0.02 * 2**attempt)
            self._pause(random.uniform(0, longest))  # noqa: S311 - jitter is no secret
        if _keeps_key(change for change, code in reasons if code == _CONFLICT):
            raise StillRunning(_STILL_RUNNING)
        raise Unavailable("Too many people are changing this at once. Try again in a minute.")

    def key(self, form: str, key: str, *, now: datetime) -> KeyRecord | None:
        """The record of an Idempotency-Key, unless it expired: DynamoDB removes expired items only in time."""
        with in_our_words():
            try:
                item = KeyItem.get(keys.idempotency(form, key), keys.ONLY, consistent_read=True)
            except KeyItem.DoesNotExist:
                return None
        return items.key_from(item) if item.expires_at > now else None

    def content(self, digest: str, *, now: datetime) -> ContentRecord | None:
        """The record of a content, unless it expired."""
        with in_our_words():
            try:
                item = ContentItem.get(keys.content(digest), keys.ONLY, consistent_read=True)
            except ContentItem.DoesNotExist:
                return None
        return items.content_from(item) if item.expires_at > now else None

    def page(self, form: str, *, after: Place | None, limit: int) -> list[Listed]:
        """From the index alone."""
        return _page(Row.everywhere, "everywhere_as", form, after, limit)

    def open(self, *, limit: int) -> list[Listed]:
        """From the index of what is due, alone."""
        with in_our_words():
            return [line_items.listed(row) for row in Row.due.query(keys.DUE_SUBMISSION, limit=limit)]

    def asked_of(self, person_id: str, *, limit: int) -> list[AskedTask]:
        """From the index alone."""
        with in_our_words():
            rows = Row.listed.query(keys.asked(person_id), limit=limit)
            return [line_items.asked_task(row) for row in rows]

    def published(
        self,
        now: datetime,
        *,
        after: Place | None = None,
        force: str = "",
        category: str = "",
        look_at: int = 50,
    ) -> Iterator[Published]:
        """From the index alone. Each call looks at more than the one before, up to the megabyte that DynamoDB reads
        at once: where a filter leaves few, there are few calls all the same."""
        pairs = ((SubmissionItem.force, force), (SubmissionItem.category, category))
        wanted = [attribute == value for attribute, value in pairs if value]
        start = _start("public_as", keys.PUBLIC, after) if after else None
        with in_our_words():
            pages = Row.public.query(
                keys.PUBLIC,
                filter_condition=reduce(operator.and_, wanted) if wanted else None,
                scan_index_forward=False,
                last_evaluated_key=start,
                page_size=look_at,
            ).page_iter
            for page in _ever_larger(pages):
                rows = map(Row.from_raw_data, page["Items"])
                yield from filter(None, (line_items.published(row, now) for row in rows))

    def count_published(self, now: datetime, *, most: int) -> tuple[Mapping[str, int], bool]:
        """From the index alone. Of each line it asks for what it takes to count it, and makes no item of it: that
        would take four times as long."""
        with in_our_words():
            pages = Row.public.query(
                keys.PUBLIC,
                scan_index_forward=False,
                page_size=_MANY,
                attributes_to_get=["force", "undo"],
            ).page_iter
            lines = (item for page in _ever_larger(pages) for item in page["Items"])
            told = (item["force"]["S"] for item in lines if _is_told(item, now))
            by_force = Counter(islice(told, most))
            return by_force, next(told, None) is not None

    def counted(self) -> Counted | None:
        """One item."""
        return counts.read()

    def keep_counted(self, counted: Counted, *, instead_of: Counted | None) -> bool:
        """One put."""
        return counts.keep(counted, instead_of=instead_of)

    def some(self, wanted: Sequence[tuple[str, str]]) -> Iterator[Case]:
        """Batches of fifty: BatchGetItem takes a hundred items, and each has two."""
        with in_our_words():
            all_of_them = list(dict.fromkeys(keys.case(*one) for one in wanted))
            for start in range(0, len(all_of_them), _AT_ONCE):
                partitions = all_of_them[start : start + _AT_ONCE]
                asked = [(pk, sk) for pk in partitions for sk in (keys.SUBMISSION, keys.TOKEN)]
                found: dict[str, list[Row]] = {}
                for row in Row.batch_get(asked, consistent_read=True):
                    found.setdefault(row.pk, []).append(row)
                cases = (case_items.case_from(rows) for rows in found.values())
                yield from (case for case in cases if case is not None)

    def waiting(self) -> Iterator[Waiting]:
        """Open submissions, by their next date, from the index alone."""
        with in_our_words():
            yield from map(_waiting, Row.due.query(keys.DUE_SUBMISSION))

    def due(self, now: datetime) -> Iterator[Waiting]:
        """Those whose date has come."""
        with in_our_words():
            yield from map(_waiting, Row.due.query(keys.DUE_SUBMISSION, Row.due_at <= now))

    def unconfirmed(self, now: datetime) -> Iterator[Waiting]:
        """From the index of what is due, alone: they have a partition of their own there."""
        with in_our_words():
            yield from map(_waiting, Row.due.query(keys.DUE_UNCONFIRMED, Row.due_at <= now))


def _ever_larger(pages: Any) -> Iterator[Any]:
    """Pages of a query, each of which looks at more than the one before, up to what DynamoDB reads at once."""
    for page in pages:
        pages.page_size *= _TIMES_MORE
        yield page


def _is_told(item: Mapping[str, Any], now: datetime) -> bool:
    """Whether a line of the public list is public already: not by a decision that may still be undone."""
    if "undo" not in item:
        return True
    undo = undo_from(json.loads(item["undo"]["S"]), is_public=True)
    return now >= undo.until or undo.before.published_at is not None


def _page(index: Any, name: str, key: str, after: Place | None, limit: int) -> list[Listed]:
    """One query of an index, from the place where the page before ended: its key is made anew of that place."""
    start = _start(name, key, after) if after else None
    with in_our_words():
        rows = index.query(key, scan_index_forward=False, limit=limit, last_evaluated_key=start)
        return [line_items.listed(row) for row in rows]


def _start(name: str, key: str, after: Place) -> dict[str, dict[str, str]]:
    """Where a query of an index goes on."""
    return {
        name: {"S": key},
        "listed_at": items.moment(after.submitted_at),
        "pk": {"S": keys.case(after.force, after.reference)},
        "sk": {"S": keys.SUBMISSION},
    }


def _waiting(row: Row) -> Waiting:
    force, reference = keys.force_and_reference(row.pk)
    turn = AskedAs(row.asked_as or AskedAs.APPROVER.value)
    return Waiting(force=force, reference=reference, round=row.round or 1, turn=turn)


def _reasons(error: TransactWriteError, placed: Sequence[Change]) -> list[tuple[Change, str]]:
    """The changes that were in the way of the commit, each with the reason's code."""
    reasons = zip(error.cancellation_reasons, placed)
    return [(change, reason.code) for reason, change in reasons if reason is not None]


def _refused_change(reasons: Sequence[tuple[Change, str]]) -> Change | None:
    """The first of those that go before others, else the first of all. None where another transaction may decide it:
    one that is just storing the same key, say, whose content is there already."""
    for kind in FIRST_TOLD:
        told = [(change, code) for change, code in reasons if isinstance(change, kind)]
        if told:
            change, code = told[0]
            return change if code == _REFUSED else None
    return next((change for change, code in reasons if code == _REFUSED), None)


def _keeps_key(some: Iterable[Change]) -> bool:
    return any(isinstance(change, KeepKey) for change in some)
