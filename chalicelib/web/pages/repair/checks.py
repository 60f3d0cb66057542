"""What the reconciler found, and what was set aside: seen by staff, tried again by coordinators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.approvals.deadlines import spoken_day, spoken_time
from chalicelib.domain.delivery.deliveries import Kind, SetAside
from chalicelib.domain.delivery.mails import name_of
from chalicelib.domain.money.pence import pounds
from chalicelib.domain.records.roots import Verified
from chalicelib.domain.repair.checks import Finding, Found, Run
from chalicelib.services.delivery import setting_aside
from chalicelib.services.ports import Parts
from chalicelib.services.repair import findings
from chalicelib.web.http import access, rights
from chalicelib.web.http.requests import Request
from chalicelib.web.http.views import view
from chalicelib.web.pages.render import page, redirect

routes = Blueprint(__name__)

_PATH = "/desk/checks"
_DONE = {
    "again": "It is tried again within the next minutes.",
    "before": "Nothing to do: it was tried again before, or is delivered.",
}

_SAID = {
    Found.LOST: "Its workflow had been lost. It was started anew.",
    Found.WAITS_FOR_NOTHING: "Its workflow waited for an answer that nobody could give. It was started anew.",
    Found.NOT_NEEDED: "A workflow ran that nothing waited for. It was stopped.",
    Found.UNDELIVERED: "An email or a message to a workflow was overdue. It was delivered.",
    Found.STILL_HELD: "Money was held that it has no use for. It was released.",
    Found.WRONG_HELD: "What is held for it was not what the ledger says. It was put right.",
    Found.WRONG_BALANCE: "The balance was not what the ledger says. It was put right.",
    Found.NOT_HELD: "It says that money is held or paid which the ledger does not know. Ask whoever runs the service.",
    Found.ALTERED: "It is not what its timeline says, or somebody changed the timeline. Nobody can decide it. "
    "Tell whoever runs the service today.",
    Found.MISSING: "It was there, and somebody removed it. Tell whoever runs the service today.",
    Found.FALSE_ROOT: "A record of all timelines is not one that we signed. Tell whoever runs the service today.",
    Found.NO_ROOT: "No record of all timelines was kept for two days. Tell whoever runs the service.",
    Found.COULD_NOT: "It could not be looked at. It is tried again at the next check.",
}

_FIGURES = {
    "available": "left",
    "reserved": "set aside",
    "committed": "promised",
    "spent": "paid",
    "returned": "came back",
}

_WHAT = {Kind.START: "The start of a workflow", Kind.ANSWER: "An answer to a workflow"}

_LOOKED_AT = {
    "submissions": ("open submission", "open submissions"),
    "executions": ("workflow", "workflows"),
    "overdue deliveries": ("overdue delivery", "overdue deliveries"),
    "lines": ("line of the ledger", "lines of the ledger"),
    "timelines": ("timeline", "timelines"),
    "balances": ("balance", "balances"),
}


@routes.route(_PATH, methods=["GET"])
@view(access.STAFF)
def show_checks(request: Request) -> Response:
    parts = request.parts
    found = findings.checks_for(parts, request.person)
    return page(
        "desk_checks.html",
        signed_in=True,
        is_staff=True,
        csrf=request.csrf,
        done=_DONE.get(request.query.get("done", ""), ""),
        checks=found,
        last=found.runs[0] if found.runs else None,
        verified=_verified(found.verified) if found.is_national else "",
        looked_at=_looked_at(found.runs[0]) if found.runs and found.is_national else "",
        last_rows=_rows(parts, found.runs[0]) if found.runs else [],
        earlier=[(run, _rows(parts, run)) for run in found.runs[1:] if run.findings],
        earlier_runs=found.made - 1,
        set_aside=[_aside(parts, one) for one in found.set_aside],
    )


@routes.route(f"{_PATH}/again", methods=["POST"])
@view(access.STAFF, access.MANAGE, may=rights.tries_again)
def post_again(request: Request) -> Response:
    delivery_id = request.fields().get("delivery", "")
    is_new = setting_aside.try_again(request.parts, request.person, delivery_id)
    return redirect(f"{_PATH}?done={'again' if is_new else 'before'}")


@routes.route(f"{_PATH}/again", methods=["GET"])
@view(access.STAFF)
def show_again(request: Request) -> Response:
    """Whoever had to sign in again on the way comes here: the buttons are on the page of the checks."""
    return redirect(_PATH)


def _verified(so_far: Verified | None) -> str:
    if so_far is None or so_far.last_began is None or so_far.last_ended is None:
        return "Not all timelines have been compared with what was written yet. That takes up to a week."
    count = f"all {so_far.in_all:,} timelines" if so_far.in_all != 1 else "the one timeline that there is"
    times = f"{spoken_time(so_far.last_began)} and {spoken_time(so_far.last_ended)}"
    return f"We compared {count} with what was written between {times}."


def _looked_at(run: Run) -> str:
    said = []
    for name, number in run.looked_at.items():
        one, several = _LOOKED_AT.get(name, (name, name))
        said.append(f"{number:,} {one if number == 1 else several}")
    return ", ".join(said)


def _rows(parts: Parts, run: Run) -> list[tuple[Any, ...]]:
    return [
        (
            _about(one),
            parts.forms.force_name(one.force) if one.force else "All",
            _SAID[one.found],
            _money(one),
        )
        for one in run.findings
    ]


def _about(one: Finding) -> Any:
    if one.found is Found.WRONG_BALANCE:
        return "Share of the fund" if one.force else "The fund"
    if one.force and one.reference:
        return {"text": one.reference, "href": f"/desk/submissions/{one.reference}"}
    return one.reference or "No submission"


def _money(one: Finding) -> str:
    """Each figure that changed, before and after."""
    changed = [
        f"{words.capitalize()}: {pounds(one.was[name])}, now {pounds(one.now[name])}"
        if one.found is not Found.NOT_HELD
        else f"{words.capitalize()}: {pounds(one.now[name])}, in the ledger {pounds(one.was[name])}"
        for name, words in _FIGURES.items()
        if name in one.was and one.was[name] != one.now.get(name)
    ]
    return "; ".join(changed) or "None"


def _aside(parts: Parts, one: SetAside) -> Mapping[str, str]:
    tries = "once" if one.attempts == 1 else f"{one.attempts} times"
    said = f"Failed {tries}, last with {one.error}, and was set aside on {spoken_time(one.at)}."
    return {
        "id": one.id,
        "what": _WHAT.get(one.kind, f"The email “{name_of(one.template)}”"),
        "reference": one.reference,
        "force": parts.forms.force_name(one.force) if one.force else "",
        "said": f"{said} Kept until {spoken_day(one.until)}.",
    }
