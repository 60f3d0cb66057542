"""All submissions of a form at a force, in the order they came; and the running numbers of exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb import case_items, keys
from chalicelib.adapters.dynamodb.attributes import IntegerAttribute
from chalicelib.adapters.dynamodb.failures import in_our_words
from chalicelib.adapters.dynamodb.tables import Row, SubmissionItem
from chalicelib.domain.records.submissions import Submission

_AT_ONCE = 100
"""The most that BatchGetItem takes."""

_KEY = ["pk", "sk", "listed_at"]


class NumberItem(Row, discriminator="export-number"):
    """How many exports of a form and a scope have been begun."""

    number = IntegerAttribute()


class DynamoArchive:
    """Submissions page by page: the index says which, a batch gets them."""

    def submitted(
        self, force: str, form: str, *, since: datetime | None = None, until: datetime
    ) -> Iterator[Submission]:
        """One hundred at a time. The index may be a moment behind, and is asked for keys alone; the items are read
        consistently."""
        found: list[tuple[str, str]] = []
        condition = Row.listed_at < until if since is None else Row.listed_at.between(since, until)
        with in_our_words():
            for listed in Row.listed.query(
                keys.listed(force, form), condition, page_size=_AT_ONCE, attributes_to_get=_KEY
            ):
                if listed.listed_at < until:  # BETWEEN includes its end
                    found.append((listed.pk, listed.sk))
                if len(found) == _AT_ONCE:
                    yield from self._those(found)
                    found = []
            yield from self._those(found)

    def _those(self, wanted: Sequence[tuple[str, str]]) -> list[Submission]:
        if not wanted:
            return []
        rows = {row.pk: row for row in SubmissionItem.batch_get(list(wanted), consistent_read=True)}
        cases = (case_items.case_from([rows[pk]]) for pk, _ in wanted if pk in rows)
        return [case.submission for case in cases if case is not None]

    def next_number(self, form: str, scope: str) -> int:
        """Counted up in one update."""
        item = NumberItem(keys.exports(form, scope), keys.ONLY)
        actions: list[Action] = [NumberItem.number.add(1), NumberItem.kind.set(NumberItem)]
        with in_our_words():
            item.update(actions=actions)
        return item.number
