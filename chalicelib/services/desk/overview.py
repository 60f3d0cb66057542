"""The desk of a force's staff, or of the national team: what waits, what is late, how many stand where, the fund."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chalicelib.domain.errors import NotFound
from chalicelib.domain.forms.form import Form
from chalicelib.domain.money.fund import Fund
from chalicelib.domain.people.people import NATIONAL, Person, check_staff
from chalicelib.domain.values import value
from chalicelib.services.ports import AskedTask, Listed, Parts
from chalicelib.services.records.status_view import fund_for

MOST_READ = 1000
"""How many open submissions the counts are made of at most, for each force of somebody's."""

MOST_SHOWN = 10


@value
class Mine:
    """A task that waits for the person who looks."""

    task: AskedTask
    title: str
    force_name: str
    stage_title: str


@value
class Late:
    """A submission that nobody decided in time, and the names of those who are asked now."""

    line: Listed
    stage_title: str
    asked: tuple[str, ...]


@value
class AtStage:
    """How many open submissions of a form stand at a stage."""

    form: Form
    stage: str
    title: str
    open: int
    overdue: int


@value
class Desk:
    """All of it. `late` are the first of `late_count`; `is_whole` says whether every open submission was counted."""

    is_national: bool
    mine: tuple[Mine, ...]
    late: tuple[Late, ...]
    late_count: int
    stages: tuple[AtStage, ...]
    is_whole: bool
    funds: tuple[Fund, ...]


def desk_for(parts: Parts, person: Person) -> Desk:
    """The desk of this person. Raises Forbidden for people who are no staff."""
    check_staff(person)
    scope = person.staff_of()
    forms = parts.forms.all()
    lines, is_whole = _open_lines(parts, scope)
    now = parts.now()
    late = sorted((line for line in lines if line.is_overdue(now)), key=lambda line: line.due_at or now)
    return Desk(
        is_national=NATIONAL in scope,
        mine=_mine(parts, person),
        late=tuple(_late(parts, line) for line in late[:MOST_SHOWN]),
        late_count=len(late),
        stages=_stages(forms, lines, {line.reference for line in late}),
        is_whole=is_whole,
        funds=tuple(_funds(parts, person, forms)),
    )


def _open_lines(parts: Parts, scope: frozenset[str]) -> tuple[list[Listed], bool]:
    """The open submissions within the scope, and whether these are all."""
    places = [parts.records] if NATIONAL in scope else [parts.records.of(force) for force in sorted(scope)]
    lists = [place.open(limit=MOST_READ) for place in places]
    is_whole = all(len(lines) < MOST_READ for lines in lists)
    return [line for lines in lists for line in lines], is_whole


def _mine(parts: Parts, person: Person) -> tuple[Mine, ...]:
    found = []
    for task in parts.records.asked_of(person.id, limit=MOST_SHOWN):
        try:
            one = parts.records.of(task.force).case(task.reference).submission
        except NotFound:  # the index was behind
            continue
        form = parts.forms.form(one.form, one.form_version)
        found.append(
            Mine(
                task=task,
                title=one.title,
                force_name=parts.forms.force_name(task.force),
                stage_title=form.workflow.stage(task.stage).title,
            )
        )
    return tuple(found)


def _late(parts: Parts, line: Listed) -> Late:
    case = parts.records.of(line.force).case(line.reference)
    one = case.submission
    people = (parts.people.person(task.person_id) for task in case.open_tasks)
    return Late(
        line=line,
        stage_title=parts.forms.form(one.form, one.form_version).workflow.stage(one.stage).title,
        asked=tuple(person.name for person in people if person is not None),
    )


def _stages(forms: Sequence[Form], lines: Sequence[Listed], late: set[str]) -> tuple[AtStage, ...]:
    """Every stage of every form, in order; a stage that only an earlier version has comes last, under its name."""
    counts = Counter((line.form, line.stage) for line in lines)
    overdue = Counter((line.form, line.stage) for line in lines if line.reference in late)
    found = []
    for form in forms:
        titles = {stage.name: stage.title for stage in form.workflow.stages}
        titles |= {stage: stage for of, stage in counts if of == form.id and stage not in titles}
        for stage, title in titles.items():
            at = (form.id, stage)
            found.append(AtStage(form=form, stage=stage, title=title, open=counts[at], overdue=overdue[at]))
    return tuple(found)


def _funds(parts: Parts, person: Person, forms: Sequence[Form]) -> list[Fund]:
    found = []
    for fund in dict.fromkeys(form.workflow.fund for form in forms if form.workflow.fund):
        try:
            found.append(fund_for(parts, person, fund))
        except NotFound:  # it has not been opened yet
            continue
    return found
