"""A task in the words of its page: what the asked person is told, and what they are asked to fill in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.domain.approvals.asked_values import VALUES
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.people.people import role_words
from chalicelib.domain.records.submissions import STATUS_WORDS
from chalicelib.domain.sentences import capital
from chalicelib.domain.values import value
from chalicelib.web.pages.approvals import value_inputs
from chalicelib.web.pages.desk import happenings

if TYPE_CHECKING:
    from chalicelib.domain.errors import Problem
    from chalicelib.services.approvals.task_view import TaskView
    from chalicelib.services.ports import Listed

CHANGES = "changes-"
"""What the names of the inputs begin with that say what is to be changed, page by page."""


@value
class Filled:
    """What somebody filled in before the page came back. `typed` has every field as it was sent. `seen` is
    kept after a mistake, so that a change of the submission is caught; None takes what is stored now."""

    decision: str = ""
    comment: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    seen: str | None = None


@value
class ChangeInput:
    """The text area for what is to be changed on one page of the form."""

    name: str
    label: str
    typed: str
    error: str


def filled(fields: Mapping[str, str]) -> Filled:
    """What was posted."""
    return Filled(
        decision=fields.get("decision", ""),
        comment=fields.get("comment", ""),
        changes={n.removeprefix(CHANGES): typed for n, typed in fields.items() if n.startswith(CHANGES)},
        typed=fields,
        seen=fields.get("seen", ""),
    )


def input_id(pointer: str, decision: str = "") -> str:
    """The id of the input that a problem's pointer means: `/changes/costs` → `changes-costs`. Values are those of the
    `decision`."""
    section, _, name = pointer[1:].partition("/")
    if section == VALUES:
        return value_inputs.input_name(decision, name)
    return pointer[1:].replace("/", "-")


def deciding_words(
    task: TaskView, given: Filled, problems: Sequence[Problem], now: datetime
) -> dict[str, Any]:
    """What the page to decide on shows, besides the task itself."""
    messages = {input_id(problem.pointer): problem.message for problem in reversed(problems)}
    return {
        "messages": messages,
        "facts": [(answer.heading, answer.value) for answer in task.answers if not answer.rows],
        "groups": [answer for answer in task.answers if answer.rows],
        "standing": _standing(task, now),
        "fund_name": capital(task.fund_name),
        "to_reserve": to_reserve(task),
        "fits": fits(task),
        "of_the_force": [_claim(task, claim) for claim in task.force_claims],
        "title_heading": _title_heading(task),
        "earlier": happenings.decided(task.earlier),
        "others": [(capital(other.role), capital(other.done) or "Not decided yet") for other in task.others],
        "agreement": agreement(task),
        "rounds": rounds(task),
        "choices": [_choice(task, choice.value, given) for choice in task.choices],
        "change_inputs": _change_inputs(task, given, messages),
        "value_inputs": list(
            value_inputs.inputs(task.form, task.choices, given.typed, given.decision, problems)
        ),
        "comment": given.comment,
        "comment_hint": comment_hint(task),
        "seen": task.seen if given.seen is None else given.seen,
    }


def to_reserve(task: TaskView) -> int:
    """What approving would still take from the fund: after changes, less may be set aside than is asked for."""
    return max(0, task.total_pence - task.submission.reserved_pence)


def fits(task: TaskView) -> bool:
    """Whether the money is there; also where none is asked for."""
    if task.fund is None or task.force_share is None:
        return True
    return to_reserve(task) <= min(task.fund.available, task.force_share.available)


def _claim(task: TaskView, claim: Listed) -> tuple[str, ...]:
    words = (claim.reference, claim.title.strip(), STATUS_WORDS[claim.status])
    return (*words, pounds(claim.amount_pence)) if task.fund is not None else words


def rounds(task: TaskView) -> str:
    """How often it went back for changes; empty where it never did."""
    if not task.rounds:
        return ""
    times = "once" if task.rounds == 1 else f"{task.rounds} times"
    return f"This {task.form.noun} went back for changes {times}."


def agreement(task: TaskView) -> str:
    """How many must choose alike, where several are asked."""
    asked = len(task.others) + 1
    if asked == 1:
        return ""
    if task.needed >= asked:
        everybody = "Both" if asked == 2 else f"All {asked}"
        return f"{everybody} people who are asked must choose the same."
    return f"{task.needed} of the {asked} people who are asked must choose the same."


def comment_hint(task: TaskView) -> str:
    """What a comment is for, and for which choices it is needed."""
    words = f"{capital(task.form.submitter)} will read this."
    if task.form.is_published:
        words += f" It is public, without your name, for as long as the {task.form.noun} is."
    needing = [choice.label for choice in task.choices if choice.needs_reason]
    if needing:
        words += f" Give your reason if you choose “{'” or “'.join(needing)}”."
    return words


def waited(since: datetime, now: datetime) -> str:
    """For how long, in whole days or hours: `3 days`."""
    hours = max(0, int((now - since).total_seconds() // 3600))
    if hours < 1:
        return "less than an hour"
    number, unit = (hours, "hour") if hours < 48 else (hours // 24, "day")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _standing(task: TaskView, now: datetime) -> dict[str, Any]:
    role = capital(role_words(task.task.role))
    return {
        "role": f"{role}, for somebody who is away" if task.task.stands_in_for else role,
        "waited": waited(task.waiting_since, now),
    }


def _title_heading(task: TaskView) -> str:
    """How the form calls what its submissions are called by."""
    question = task.form.question(task.form.title_field)
    return question.heading if question else "What it is about"


def _choice(task: TaskView, value: str, given: Filled) -> dict[str, Any]:
    choice = next(one for one in task.choices if one.value == value)
    return {
        "value": choice.value,
        "text": choice.label,
        "checked": choice.value == given.decision,
        "asks_for_changes": choice.outcome.asks_for_changes,
    }


def _change_inputs(task: TaskView, given: Filled, messages: Mapping[str, str]) -> list[ChangeInput]:
    """An input for each page of the form, where changes may be asked for at all."""
    if not any(choice.outcome.asks_for_changes for choice in task.choices):
        return []
    return [
        ChangeInput(
            name=CHANGES + page.id,
            label=f"What should be changed in “{page.title}”?",
            typed=given.changes.get(page.id, ""),
            error=messages.get(CHANGES + page.id, ""),
        )
        for page in task.form.pages
    ]
