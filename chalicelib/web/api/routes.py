"""The JSON API under /api/v1, and the health check. What it answers is a promise (docs/api.md).

Each view imports the services that it calls: a cold start that takes a claim in loads nothing of the desk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalice import Blueprint
from chalice.app import Response

from chalicelib.domain.errors import InvalidAnswers, Problem, Unreadable
from chalicelib.domain.records.security import Event
from chalicelib.web.api import shapes
from chalicelib.web.http import rights
from chalicelib.web.http.access import PUBLIC, READ, SIGNED_IN, STAFF, SUBMIT, WATCHER
from chalicelib.web.http.views import view

if TYPE_CHECKING:
    from chalicelib.domain.forms.form import Form
    from chalicelib.services.repair.health import Health
    from chalicelib.web.http.requests import Request

routes = Blueprint(__name__)

_MAX_KEY = 255
GEOJSON_TYPE = "application/geo+json"


@routes.route("/health")
@view(PUBLIC)
def show_health(request: Request) -> Response:
    """200 where everything needed answers, 503 where something does not; a word for each part. Up to 10 seconds old."""
    from chalicelib.services.repair import health

    found = health.lately(request.parts)
    return _health(
        found, {name: line if line == health.OK else "failing" for name, line in found.lines.items()}
    )


@routes.route("/health/deep")
@view(WATCHER, READ)
def show_health_now(request: Request) -> Response:
    """The same, asked now, and what is wrong with a part."""
    from chalicelib.services.repair import health

    found = health.look(request.parts)
    return _health(found, found.lines)


@routes.route("/api/v1/openapi.json")
@view(PUBLIC)
def openapi_document(request: Request) -> Response:
    """This API, described."""
    from chalicelib.web.api import openapi

    parts = request.parts
    return _json(
        openapi.document(routes.current_app.routes, parts.forms.all(), base_url=parts.links.page(""))
    )


@routes.route("/api/v1/forms")
@view(PUBLIC)
def list_forms(request: Request) -> Response:
    """The forms, newest versions."""
    return _json(
        {"forms": [shapes.form_line(form, request.parts.links) for form in request.parts.forms.all()]}
    )


@routes.route("/api/v1/forms/{form}")
@view(PUBLIC, may=rights.names_form)
def show_form(request: Request, form: str) -> Response:
    """One form with its JSON Schema."""
    return _json(shapes.form_whole(_form(request, form), request.parts.links))


@routes.route("/api/v1/forms/{form}/submissions", methods=["POST"])
@view(PUBLIC, SUBMIT, may=rights.names_form)
def submit(request: Request, form: str) -> Response:
    """Take a submission in. 201 only once it is stored."""
    from chalicelib.services.intake import submitting

    receipt = submitting.submit(
        request.parts,
        _form(request, form),
        request.json(),
        key=_idempotency_key(request.header_values("idempotency-key")),
        duplicate_ok=_duplicate_ok(request.query.get("duplicate_ok", "false")),
        proved=request.proved,
        vouched=request.vouches,
    )
    headers = {"Location": request.parts.links.page(f"/api/v1/status/{receipt.status_token}")}
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    return _json(shapes.receipt(receipt), status=201, headers=headers)


@routes.route("/api/v1/status/{token}")
@view(PUBLIC, may=rights.holds_link)
def status(request: Request, token: str) -> Response:
    """The submitter's view."""
    from chalicelib.services.records import status_view

    return _json(shapes.status(status_view.status_of(request.parts, token)))


@routes.route("/api/v1/status/{token}/confirm", methods=["POST"])
@view(PUBLIC, SUBMIT, may=rights.holds_link)
def confirm(request: Request, token: str) -> Response:
    """Show with the mailed code that the submission comes from the mailbox that it names."""
    from chalicelib.services.intake import confirming
    from chalicelib.services.records import status_view

    body = request.json()
    if not isinstance(body, dict) or set(body) != {"code"} or not isinstance(body["code"], str):
        message = 'Send the code as a JSON object: {"code": "…"}'
        raise InvalidAnswers([Problem(pointer="", code="type", message=message)])
    confirming.confirm(request.parts, *request.parts.links.read_status_token(token), body["code"])
    return _json(shapes.status(status_view.status_of(request.parts, token)))


@routes.route("/api/v1/status/{token}/code", methods=["POST"])
@view(PUBLIC, SUBMIT, may=rights.holds_link)
def mail_code(request: Request, token: str) -> Response:
    """Have the code mailed again, if it is time for a mail."""
    from chalicelib.services.intake import unconfirmed

    force, reference = request.parts.links.read_status_token(token)
    unconfirmed.ask_again(request.parts, force, reference, source=request.source)
    return _json({}, status=202)


@routes.route("/api/v1/submissions")
@view(STAFF, READ)
def submissions(request: Request) -> Response:
    """Submissions, newest first, a page at a time."""
    from chalicelib.services.desk import listing
    from chalicelib.web.pages.desk import list_filters

    unknown = sorted(set(request.query) - {*list_filters.NAMES, "limit", "cursor"})
    if unknown:
        raise Unreadable("There is no such filter. See the list of filters in the API's description.")
    found = listing.submissions(
        request.parts,
        request.person,
        list_filters.read_wanted(request.query, request.parts.forms.all()),
        limit=list_filters.read_limit(request.query),
        cursor=request.query.get("cursor", ""),
    )
    return _json(shapes.submissions(found))


@routes.route("/api/v1/ideas")
@view(PUBLIC)
def ideas(request: Request) -> Response:
    """Published ideas, newest first, a page at a time."""
    from chalicelib.services.ideas import publishing
    from chalicelib.web.pages.desk import list_filters

    if set(request.query) - {"force", "category", "limit", "cursor"}:
        raise Unreadable("There is no such filter. See the list of filters in the API's description.")
    found = publishing.page_of_ideas(
        request.parts,
        force=request.query.get("force", ""),
        category=request.query.get("category", ""),
        limit=list_filters.read_limit(request.query),
        cursor=request.query.get("cursor", ""),
    )
    return _json(shapes.ideas(found, request.parts.links))


@routes.route("/api/v1/ideas.geojson")
@view(PUBLIC)
def ideas_on_a_map(request: Request) -> Response:
    """Published ideas as GeoJSON, each a point where its force's headquarters are."""
    from chalicelib.services.ideas import publishing

    parts = request.parts
    found = shapes.idea_features(publishing.all_ideas(parts), parts.forms.map_of_forces(), parts.links)
    return _json(found, headers={"Content-Type": GEOJSON_TYPE})


@routes.route("/api/v1/submissions/{reference}")
@view(STAFF, READ, may=rights.reads, records=Event.SUBMISSION_READ)
def submission(request: Request, reference: str) -> Response:
    """One submission, whole, with its tasks."""
    from chalicelib.services.records import status_view

    case = status_view.submission_for(request.parts, request.person, reference)
    return _json(shapes.case(case, status_view.answers_for(request.parts, request.person, case)))


@routes.route("/api/v1/submissions/{reference}/timeline")
@view(STAFF, READ, may=rights.reads, records=Event.TIMELINE_READ)
def timeline(request: Request, reference: str) -> Response:
    """A submission's timeline, and whether it is as it was written."""
    from chalicelib.services.records import status_view

    return _json(shapes.timeline(status_view.timeline_for(request.parts, request.person, reference)))


@routes.route("/api/v1/tasks/{task}")
@view(SIGNED_IN, READ, may=rights.decides)
def task(request: Request, task: str) -> Response:
    """What the asked person is to decide."""
    from chalicelib.services.approvals import task_view

    return _json(shapes.task(task_view.task_view(request.parts, request.person_id, task)))


@routes.route("/api/v1/tasks/{task}/decision", methods=["POST"])
@view(SIGNED_IN, may=rights.decides)
def decide(request: Request, task: str) -> Response:
    """Record the asked person's decision."""
    from chalicelib.services.approvals import deciding

    body = _decision(request.json())
    outcome = deciding.decide(
        request.parts,
        request.person_id,
        task,
        decision=body["decision"],
        comment=body.get("comment"),
        seen=body["seen"],
        changes=body.get("changes"),
        values=body.get("values"),
        maker=request.person_read,
    )
    return _json(shapes.outcome(outcome))


@routes.route("/api/v1/tasks/{task}/undo", methods=["POST"])
@view(SIGNED_IN, may=rights.decides)
def undo(request: Request, task: str) -> Response:
    """Take one's own decision back, while it has not gone out."""
    from chalicelib.services.approvals import deciding, task_view

    # A body says nothing here, but its type does: no page of another site can send it without our leave.
    if request.json() != {}:
        raise InvalidAnswers([Problem(pointer="", code="type", message="Send an empty JSON object: {}")])
    deciding.undo(request.parts, request.person_id, task)
    return _json(shapes.task(task_view.task_view(request.parts, request.person_id, task)))


@routes.route("/api/v1/funds/{fund}")
@view(STAFF, READ)
def fund(request: Request, fund: str) -> Response:
    """A fund's balance and the forces' shares, in pence."""
    from chalicelib.services.records import status_view

    return _json(shapes.fund(status_view.fund_for(request.parts, request.person, fund)))


def _form(request: Request, form_id: str) -> Form:
    """The form of the path, in the version that the query may name."""
    asked = request.query.get("version")
    if asked is None:
        return request.parts.forms.form(form_id)
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 6):
        raise Unreadable("The version must be a whole number, such as 1.")
    return request.parts.forms.form(form_id, int(asked))


def _idempotency_key(given: Sequence[str]) -> str | None:
    """The Idempotency-Key, quoted as in draft-ietf-httpapi-idempotency-key-header or not. One that came more than
    once, as lines or as a list, is none."""
    if not given:
        return None
    key = given[0].strip()
    is_quoted = len(key) >= 2 and key[0] == key[-1] == '"'
    if is_quoted:
        key = key[1:-1]
    well_formed = 0 < len(key) <= _MAX_KEY and all("!" <= character <= "~" for character in key)
    is_one = len(given) == 1 and (is_quoted or "," not in key)
    if not (well_formed and is_one) or '"' in key or "\\" in key:
        raise Unreadable(
            f"The Idempotency-Key must be one key of 1 to {_MAX_KEY} printable characters without spaces."
        )
    return key


def _duplicate_ok(given: str) -> bool:
    if given not in ("true", "false"):
        raise Unreadable("duplicate_ok must be true or false.")
    return given == "true"


def _decision(body: Any) -> dict[str, Any]:
    """The body of a decision, with no member that we would pass over."""
    if not isinstance(body, dict):
        raise InvalidAnswers([Problem(pointer="", code="type", message="The decision must be a JSON object")])
    problems = [
        Problem(pointer=f"/{name}", code="required", message=f"{name} is missing")
        for name in ("decision", "seen")
        if not isinstance(body.get(name), str)
    ]
    problems += [
        Problem(pointer=f"/{name}", code="additionalProperties", message="There is no such member")
        for name in body
        if name not in ("decision", "comment", "seen", "changes", "values")
    ]
    if problems:
        raise InvalidAnswers(problems)
    return body


def _health(found: Health, lines: Mapping[str, str]) -> Response:
    body = {"status": "ok" if found.is_well else "failing", "parts": lines}
    return _json(body, status=200 if found.is_well else 503)


def _json(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status_code=status,
        headers={"Content-Type": "application/json", **(headers or {})},
    )
