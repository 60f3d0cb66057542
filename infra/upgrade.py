"""Gives the rows that earlier releases wrote the keys by which this release finds them.

Only rows without these keys are changed, so doing it again is harmless. Run it after an update, not before: the earlier
release goes on writing rows without them.
"""

from __future__ import annotations

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.update import Action

from chalicelib.adapters import keys
from chalicelib.adapters.failures import is_condition
from chalicelib.adapters.tables import Row, TaskItem
from chalicelib.domain.submissions import TaskState


def bring_up_to_date() -> None:
    """Look at all that may lack a key of this release."""
    _place_tasks()


def _place_tasks() -> None:
    """Open tasks: one query for each open submission, whose ended tasks need no key."""
    for submission in Row.due.query(keys.DUE_SUBMISSION):
        for task in Row.query(submission.pk, Row.sk.startswith("TASK#")):
            if isinstance(task, TaskItem) and task.state == TaskState.OPEN.value and task.due_kind is None:
                _place_task(task)


def _place_task(task: TaskItem) -> None:
    """Unless it ended in the meantime."""
    found_by: list[Action] = [
        TaskItem.due_kind.set(keys.asked_in(task.force, task.person_id)),
        TaskItem.due_at.set(task.decide_by),
    ]
    try:
        task.update(actions=found_by, condition=TaskItem.state == TaskState.OPEN.value)
    except UpdateError as error:
        if not is_condition(error):
            raise
