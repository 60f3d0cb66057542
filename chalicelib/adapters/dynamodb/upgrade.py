"""Gives the rows that earlier releases wrote the keys by which this release finds them.

Only rows without these keys are changed, so doing it again is harmless. Run it after an update, not before: the earlier
release goes on writing rows without them.
"""

from __future__ import annotations

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.checks import PLACES, RunItem, RunsItem, force_items, run_from, say_kept
from chalicelib.adapters.dynamodb.failures import is_condition
from chalicelib.adapters.dynamodb.leavings import DynamoLeavings
from chalicelib.adapters.dynamodb.people import DynamoPeople
from chalicelib.adapters.dynamodb.people_tables import PlacedItem, left_items, placed_items
from chalicelib.adapters.dynamodb.tables import Row, TaskItem
from chalicelib.domain.records.submissions import TaskState

_AT_ONCE = 100
_MOST_LEFT = 100_000


def bring_up_to_date() -> None:
    """Look at all that may lack a key of this release."""
    _place_tasks()
    _place_people()
    _place_left()
    _place_runs()


def _place_tasks() -> None:
    """Open tasks: one query for each open submission, whose ended tasks need no key."""
    for submission in Row.due.query(keys.DUE_SUBMISSION):
        for task in Row.query(submission.pk, Row.sk.startswith(keys.TASKS)):
            if isinstance(task, TaskItem) and task.state == TaskState.OPEN.value and task.due_kind is None:
                _place_task(task)


def _place_task(task: TaskItem) -> None:
    found_by: list[Action] = [
        TaskItem.due_kind.set(keys.asked_in(task.force, task.person_id)),
        TaskItem.due_at.set(task.decide_by),
    ]
    _update(task, found_by, condition=TaskItem.state == TaskState.OPEN.value)


def _update(row: Row, actions: list[Action], *, condition: Condition) -> None:
    """Unless the row changed in the meantime."""
    try:
        row.update(actions=actions, condition=condition)
    except UpdateError as error:
        if not is_condition(error):
            raise


def _place_people() -> None:
    """Everybody registered gets a row for each place where they hold a role."""
    after = ""
    while True:
        people, after = DynamoLeavings().people_at("", after=after, limit=_AT_ONCE)
        found = [one.person for one in people]
        wanted = [row for person in found for row in placed_items(person.id, person.roles)]
        missing = {keys.value(row.pk) for row in _missing(wanted)}
        DynamoPeople().register([person for person in found if person.id in missing])
        if not after:
            return


def _place_left() -> None:
    """Everybody who has left gets a row for each place where they held a role until then."""
    leavings = DynamoLeavings().left("", limit=_MOST_LEFT)
    with Row.batch_write() as batch:
        for row in _missing([row for one in leavings for row in left_items(one)]):
            batch.save(row)


def _missing(wanted: list[PlacedItem]) -> list[PlacedItem]:
    """Which of these are not in the table."""
    asked = [(row.pk, row.sk) for row in wanted]
    there = {(row.pk, row.sk) for row in Row.batch_get(asked, consistent_read=True)} if asked else set()
    return [row for row in wanted if (row.pk, row.sk) not in there]


def _place_runs() -> None:
    """What a run of the reconciler found gets a row in each force, under the number that its place tells."""
    rows = list(Row.query(keys.CHECKS, consistent_read=True))
    counted = next((row.number for row in rows if isinstance(row, RunsItem)), 0)
    for row in rows:
        if not isinstance(row, RunItem) or row.run is not None:
            continue
        number = counted - (counted - int(keys.value(row.sk))) % PLACES
        for item in force_items(run_from(row), number):
            item.save()
        say_kept(run_from(row), number)
        _update(row, [RunItem.run.set(number)], condition=RunItem.at == row.at)
