"""The desk of coordinators and the fund holder: what waits for them, and the lists of submissions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.approvals.deadlines import spoken_day
from chalicelib.domain.forms.form import Form
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.people.leaving import looks_after_anybody
from chalicelib.domain.people.people import NATIONAL, role_words
from chalicelib.domain.records.submissions import STATUSES
from chalicelib.domain.values import value
from chalicelib.services.desk import listing, overview
from chalicelib.services.desk.listing import Page, Wanted
from chalicelib.services.ports import Listed, Parts
from chalicelib.services.records import status_view
from chalicelib.web.http import access
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.desk import fund_chart, list_filters, words
from chalicelib.web.pages.render import page

routes = Blueprint(__name__)

_LIST = "/desk/submissions"


@value
class Select:
    """One of the list's filters; `choices` are the design system's items, `choices[0]` narrows nothing."""

    name: str
    label: str
    choices: list[dict[str, Any]]


@routes.route("/desk", methods=["GET"])
@view(access.STAFF)
def show_desk(request: Request) -> Response:
    parts = request.parts
    one = overview.desk_for(parts, request.person)
    forces = sorted(request.person.staff_of() - {NATIONAL})
    names = {force: parts.forms.force_name(force) for force in {line.line.force for line in one.late}}
    stages = [
        (form, [_stage_row(at) for at in found])
        for form, found in groupby(one.stages, key=lambda at: at.form)
    ]
    return page(
        "desk.html",
        signed_in=True,
        is_staff=True,
        place="All forces" if one.is_national else ", ".join(map(parts.forms.force_name, forces)),
        desk=one,
        looks_after=looks_after_anybody(request.person),
        names=names,
        stages=stages,
        charts=[fund_chart.chart_of(fund, parts.forms.force_name) for fund in one.funds],
        colours=fund_chart.COLOURS,
    )


@routes.route(_LIST, methods=["GET"])
@view(access.STAFF)
def show_submissions(request: Request) -> Response:
    parts = request.parts
    forms = parts.forms.all()
    wanted = list_filters.read_wanted(request.query, forms)
    cursor = request.query.get("cursor", "")
    limit = list_filters.read_limit(request.query)
    found = listing.submissions(parts, request.person, wanted, limit=limit, cursor=cursor)
    scope = request.person.staff_of()
    has_forces = NATIONAL in scope or len(scope) > 1
    has_amounts = any(line.amount_pence for line in found.lines)
    headings = ["Reference", "Title", *(["Force"] if has_forces else []), "Status", "Waits for", "Due"]
    return page(
        "desk_submissions.html",
        signed_in=True,
        is_staff=True,
        wanted=wanted,
        selects=_selects(request, wanted, forms, scope),
        caption="Newest first" if not cursor else "Older ones",
        headings=[*headings, *(["Amount"] if has_amounts else [])],
        rows=_rows(parts, found, has_forces=has_forces, has_amounts=has_amounts),
        has_amounts=has_amounts,
        next=list_filters.address(_LIST, wanted, cursor=found.next) if found.next else "",
        first=list_filters.address(_LIST, wanted),
        goes_on=bool(cursor),
    )


@routes.route("/desk/stuck", methods=["GET"])
@view(access.STAFF)
def show_stuck(request: Request) -> Response:
    stuck = status_view.stuck_for(request.parts, request.person)
    return page("desk_stuck.html", signed_in=True, is_staff=True, stuck=stuck)


def _stage_row(at: overview.AtStage) -> tuple[Any, ...]:
    if not at.open:
        return at.title, "0", "0"
    path = list_filters.address(_LIST, Wanted(form=at.form.id, stage=at.stage))
    return {"text": at.title, "href": path}, str(at.overdue), str(at.open)


def _rows(parts: Parts, found: Page, *, has_forces: bool, has_amounts: bool) -> list[tuple[Any, ...]]:
    return [
        (
            {"text": line.reference, "href": f"{_LIST}/{line.reference}"},
            line.title.strip(),
            *([parts.forms.force_name(line.force)] if has_forces else []),
            words.status_words(line.status),
            role_words(line.waiting_for).capitalize() if line.is_open else "Nobody",
            _due(line, found),
            *([pounds(line.amount_pence) if line.amount_pence else "None"] if has_amounts else []),
        )
        for line in found.lines
    ]


def _due(line: Listed, found: Page) -> str:
    if line.due_at is None:
        return "No date"
    day = spoken_day(line.due_at)
    return f"Overdue: {day}" if line.is_overdue(found.now) else day


def _selects(request: Request, wanted: Wanted, forms: Sequence[Form], scope: frozenset[str]) -> list[Select]:
    stages = {stage.name: stage.title for form in forms for stage in form.workflow.stages}
    found = [
        _select("form", "Form", "All forms", {form.id: form.title for form in forms}, wanted.form),
        _select(
            "status",
            "Status",
            "Any status",
            {s.value: words.status_words(s) for s in STATUSES},
            wanted.status,
        ),
        _select("stage", "Open at stage", "Any stage", stages, wanted.stage),
    ]
    if NATIONAL in scope or len(scope) > 1:
        forces = _force_names(request.parts, forms, scope)
        found.append(_select("force", "Force", "All forces", forces, wanted.force))
    people = {request.person.id: "Me"}
    if wanted.assignee and wanted.assignee not in people:
        name = listing.name_of_asked(request.parts, request.person, wanted.assignee)
        people[wanted.assignee] = name or wanted.assignee
    return [*found, _select("assignee", "Waits for", "Anybody", people, wanted.assignee)]


def _force_names(parts: Parts, forms: Sequence[Form], scope: frozenset[str]) -> dict[str, str]:
    """The forces that may be chosen: for the national team all that a form knows."""
    if NATIONAL not in scope:
        return {force: parts.forms.force_name(force) for force in sorted(scope)}
    asked = [question for form in forms for question in form.questions() if question.name == "force"]
    return {option.value: option.label for question in asked for option in question.options}


def _select(name: str, label: str, every: str, choices: dict[str, str], chosen: str) -> Select:
    items = [{"value": value, "text": text, "selected": value == chosen} for value, text in choices.items()]
    return Select(name=name, label=label, choices=[{"value": "", "text": every}, *items])
