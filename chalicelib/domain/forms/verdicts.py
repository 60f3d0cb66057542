"""What each stage came to: one answer of a stage, however many people were asked there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain.approvals.decisions import what_stands
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import Choice, Stage
from chalicelib.domain.records.submissions import Case, Task
from chalicelib.domain.records.timeline import Entry
from chalicelib.domain.values import value


@value
class Verdict:
    """What ended a stage. `role` is who decided in one word, the panel where one was asked; `reasons` what those
    wrote who chose what stands; `sequence` is the timeline entry that ended it."""

    stage: Stage
    choice: Choice
    role: str
    reasons: tuple[str, ...]
    at: datetime
    sequence: int


def verdicts(case: Case, form: Form) -> Iterator[Verdict]:
    """The verdicts of all stages that have ended, in order, as far as their decisions stand."""
    made: dict[tuple[str, int, int], list[Entry]] = {}
    for entry in case.decisions:
        task = case.task(int(entry.details["task"]))
        if task is None:
            continue
        stage = form.workflow.stage(task.stage)
        answers = made.setdefault((task.stage, task.version, task.sitting), [])
        answers.append(entry)
        choice = _stands(case, stage, answers, task)
        if choice is not None:
            yield Verdict(
                stage=stage,
                choice=choice,
                role=stage.panel or task.role,
                reasons=_reasons(case, answers, choice),
                at=entry.at,
                sequence=entry.sequence,
            )


def _stands(case: Case, stage: Stage, answers: list[Entry], task: Task) -> Choice | None:
    """The choice that stands once these answers are in; None while others are still to answer."""
    votes = [str(entry.details["decision"]) for entry in answers]
    last = stage.choice(votes[-1])
    if last is not None and last.outcome.is_enough_alone:
        return last
    waiting = len(case.sitting_of(task)) - len(votes)
    return stage.choice(what_stands(stage, votes, max(0, waiting)))


def _reasons(case: Case, answers: list[Entry], choice: Choice) -> tuple[str, ...]:
    said = (case.words(one.sequence) for one in answers if one.details["decision"] == choice.value)
    return tuple(words for words in said if words)
