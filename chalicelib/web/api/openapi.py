"""The OpenAPI 3.1 document of everything under /api/v1, made from the route table and the form files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain.approvals.decisions import MAX_COMMENT
from chalicelib.domain.forms.form import Form
from chalicelib.domain.forms.stages import AskedAs
from chalicelib.domain.records.submissions import STATUSES, TaskState
from chalicelib.web.http.access import Access
from chalicelib.web.http.problems import PROBLEM_TYPE

_TEXT = {"type": "string"}
_PENCE = {"type": "integer", "description": "pence"}
_MOMENT = {"type": "string", "format": "date-time", "description": "UTC"}
_SUBMIT = "/api/v1/forms/{form}/submissions"
_TASK = "/api/v1/tasks/{task}"
_LIST = "/api/v1/submissions"
_IDEAS = "/api/v1/ideas"
_FEATURES = "/api/v1/ideas.geojson"
_TYPES = {_FEATURES: "application/geo+json"}
"""What is not answered as plain JSON."""

_SUBMIT_PROBLEMS = ("400", "401", "403", "404", "409", "413", "415", "422", "429", "503")
_DECIDE = f"{_TASK}/decision"
_UNDO = f"{_TASK}/undo"
_CONFIRM, _CODE = "/api/v1/status/{token}/confirm", "/api/v1/status/{token}/code"


def document(
    routes: Mapping[str, Mapping[str, Any]], forms: Sequence[Form], *, base_url: str
) -> dict[str, Any]:
    """The document. `routes` is Chalice's table: path → method → route. Submitting stands in it once for each
    form, since each has a body of its own."""
    paths: dict[str, dict[str, Any]] = {}
    for path, method, view in _api_routes(routes):
        if path == _SUBMIT:
            for form in forms:
                paths[path.replace("{form}", form.id)] = {"post": _submitting(view, form)}
        else:
            paths.setdefault(path, {})[method.lower()] = _operation(path, method, view)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Share Your Knowledge",
            "version": "1",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": {**_SCHEMAS, "Decision": _decision(forms)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "session"},
            },
        },
    }


def _api_routes(routes: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for path, methods in sorted(routes.items()):
        if path.startswith("/api/v1/"):
            for method, route in sorted(methods.items()):
                yield path, method, route.view_function


def _operation(path: str, method: str, view: Callable[..., Any]) -> dict[str, Any]:
    problems = ["404", "503"] if "{" in path else ["503"]
    operation: dict[str, Any] = {
        "operationId": view.__name__,
        "summary": (view.__doc__ or "").strip().splitlines()[0],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": _TEXT}
            for name in re.findall(r"\{(\w+)\}", path)
        ],
    }
    if getattr(view, "access", Access.PUBLIC) is not Access.PUBLIC:
        operation["security"] = _security(view)
        problems += ["401", "403"]
    if path in (_DECIDE, _UNDO):
        decision = {"$ref": "#/components/schemas/Decision"}
        operation["requestBody"] = _body(decision if path == _DECIDE else _NOTHING)
        problems += ["400", "409", "410", "413", "415", "422"]
    if path == _CONFIRM:
        operation["requestBody"] = _body({**_object({"code": _TEXT}), "additionalProperties": False})
    if path in (_CONFIRM, _CODE):
        problems += ["403", "410", "429", *(["400", "413", "415", "422"] if path == _CONFIRM else [])]
    if path == _TASK:
        problems += ["409", "410"]
    if path == _LIST:
        operation["parameters"] += _LIST_PARAMETERS
        problems.append("400")
    if path == _IDEAS:
        operation["parameters"] += _IDEAS_PARAMETERS
        problems.append("400")
    if path == "/api/v1/forms/{form}":
        operation["parameters"].append(_version())
        problems.append("400")
    answer = _answer(_ANSWERS.get(path, {"type": "object"}), _TYPES.get(path, "application/json"))
    operation["responses"] = {"202" if path == _CODE else "200": answer, **_problems(problems)}
    return operation


def _security(view: Callable[..., Any]) -> list[dict[str, list[str]]]:
    """A session; or a bearer token, where the route names the scope that one needs."""
    scope = getattr(view, "token", None)
    return [{"session": []}, *([{"bearer": [scope.value]}] if scope else [])]


def _submitting(view: Callable[..., Any], form: Form) -> dict[str, Any]:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "One key, quoted or not. With the same answers it gets the first receipt again, for 24 hours; "
        "422 with others; 409 while the first request is being stored.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }
    duplicate_ok = {
        "name": "duplicate_ok",
        "in": "query",
        "description": "true: take answers that came from the same address within the last 7 days (else: 409)",
        "schema": {"type": "boolean", "default": False},
    }
    accepted = _answer({"$ref": "#/components/schemas/Receipt"})
    accepted["headers"] = {"Location": {"schema": _TEXT}, "Idempotency-Replayed": {"schema": _TEXT}}
    return {
        "operationId": f"{view.__name__}_{form.id.replace('-', '_')}",
        "summary": form.summary,
        "parameters": [key, _version(), duplicate_ok],
        "requestBody": _body(dict(form.schema)),
        "responses": {"201": accepted, **_problems(_SUBMIT_PROBLEMS)},
    }


def _decision(forms: Sequence[Form]) -> dict[str, Any]:
    """The body of a decision. What may be chosen, and which pages there are, is the forms' to say."""
    choices = [choice.value for form in forms for stage in form.workflow.stages for choice in stage.choices]
    words = {"type": "string", "maxLength": MAX_COMMENT}
    changes = {
        "type": "object",
        "description": "what is to be changed, by the id of the form's page (changes_pages)",
        "additionalProperties": _or_null(words),
    }
    body = _object(
        {"decision": {"enum": list(dict.fromkeys(choices))}, "seen": {"type": "string", "maxLength": 64}},
        comment=_or_null(words),
        changes=_or_null(changes),
        values=_or_null(
            {"type": "object", "description": "what the choice asks for, by name (values_asked)"}
        ),
    )
    return {**body, "additionalProperties": False}


def _version() -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1}
    return {"name": "version", "in": "query", "description": "default: the newest", "schema": schema}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _answer(schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    return {"description": "Done", "content": {media_type: {"schema": schema}}}


def _problems(statuses: Sequence[str]) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    problem = {"description": "Refused", "content": {PROBLEM_TYPE: {"schema": schema}}}
    return dict.fromkeys(sorted(set(statuses)), problem)


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _list_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


_NOTHING = {"type": "object", "additionalProperties": False}
_STATUS = {"enum": [status.value for status in STATUSES]}
_FORM_LINE = {
    "id": _TEXT,
    "version": {"type": "integer"},
    "title": _TEXT,
    "summary": _TEXT,
    "url": _TEXT,
    "page": _TEXT,
}
_BALANCE = dict.fromkeys(("total", "reserved", "committed", "spent", "returned", "available"), _PENCE)
_TASK_LINE = {
    "id": _TEXT,
    "stage": _TEXT,
    "asked_as": {"enum": [turn.value for turn in AskedAs]},
    "person": _TEXT,
    "role": _TEXT,
    "asked_at": _MOMENT,
    "due": _MOMENT,
    "state": {"enum": [state.value for state in TaskState]},
    "decision": _or_null(_TEXT),
    "decided_at": _or_null(_MOMENT),
}
_WHERE = {
    "reference": _TEXT,
    "form": _TEXT,
    "status": _STATUS,
    "stage": _or_null(_TEXT),
    "waiting_for": _or_null(_TEXT),
    "due": _or_null(_MOMENT),
    "submitted_at": _MOMENT,
}
_SUBMISSION_LINE = _object(
    {**_WHERE, "title": _TEXT, "force": _TEXT, "amount_pence": _PENCE, "overdue": {"type": "boolean"}}
)
_FACTS = _object({"pointer": _TEXT, "code": _TEXT, "message": _TEXT})
_DIFFERENCE = _object({"question": _TEXT, "before": _TEXT, "after": _TEXT})
_EARLIER = _object(
    {
        "stage": _TEXT,
        "role": _TEXT,
        "decision": _TEXT,
        "comment": _or_null(_TEXT),
        "changes": _list_of(_object({"page": _TEXT, "change": _or_null(_TEXT)})),
        "values": _list_of(_object({"question": _TEXT, "answer": _TEXT})),
        "at": _MOMENT,
    }
)
_LISTED = _object(
    {"reference": _TEXT, "title": _TEXT, "status": _STATUS, "amount_pence": _PENCE, "submitted_at": _MOMENT}
)
_LIST_PARAMETERS: list[dict[str, Any]] = [
    {"name": name, "in": "query", "description": said, "schema": schema}
    for name, said, schema in (
        ("form", "a form's id", _TEXT),
        ("status", "a status", _STATUS),
        ("stage", "what is open at this stage", _TEXT),
        ("force", "a force's code", _TEXT),
        ("assignee", "what waits for the person of this id", _TEXT),
        ("overdue", "what nobody decided in time", {"enum": ["true"]}),
        ("q", "a reference, or words of the title", {"type": "string", "maxLength": 100}),
        ("limit", "default: 25", {"type": "integer", "minimum": 1, "maximum": 100}),
        ("cursor", "the `next` of the page before", _TEXT),
    )
]
_IDEAS_PARAMETERS: list[dict[str, Any]] = [
    {"name": name, "in": "query", "description": said, "schema": schema}
    for name, said, schema in (
        ("force", "a force's code", _TEXT),
        ("category", "what it is about, as the form has it", _TEXT),
        ("limit", "default: 25", {"type": "integer", "minimum": 1, "maximum": 100}),
        ("cursor", "the `next` of the page before", _TEXT),
    )
]
_IDEA = _object(
    {
        "reference": _TEXT,
        "title": _TEXT,
        "category": _TEXT,
        "force": _TEXT,
        "status": _STATUS,
        "submitted_at": _MOMENT,
        "url": {"type": "string", "format": "uri"},
    }
)
_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_POINT = _object({"type": {"const": "Point"}, "coordinates": _NUMBERS})
_FEATURE = _object({"type": {"const": "Feature"}, "id": _TEXT, "geometry": _POINT, "properties": _IDEA})
_HISTORY = _object({"at": _MOMENT, "what": _TEXT, "comment": _or_null(_TEXT)})
_ENTRY = _object(
    {
        "sequence": {"type": "integer"},
        "at": _MOMENT,
        "actor": _TEXT,
        "role": _TEXT,
        "action": _TEXT,
        "stage": _or_null(_TEXT),
        "details": {"type": "object"},
        "comment": _or_null(_TEXT),
        "text_digest": _or_null(_TEXT),
        "previous": _TEXT,
        "hash": _TEXT,
    }
)

_SCHEMAS: dict[str, dict[str, Any]] = {
    "Problem": _object(
        {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
        code=_TEXT,
        errors=_list_of(_FACTS),
        changes=_list_of(_DIFFERENCE),
        request_id=_TEXT,
    ),
    "Receipt": _object(
        {
            "reference": _TEXT,
            "form": _TEXT,
            "version": {"type": "integer"},
            "status": _STATUS,
            "submitted_at": _MOMENT,
            "status_url": {"type": "string", "format": "uri"},
        },
        confirm_url={"type": "string", "format": "uri"},
    ),
    "Status": _object({**_WHERE, "history": _list_of(_HISTORY)}),
    "Submission": _object(
        {
            **_WHERE,
            "version": {"type": "integer"},
            "force": _TEXT,
            "changed_at": _MOMENT,
            "vouched_for": {"type": "boolean"},
            "amount_pence": _PENCE,
            "answers": {"type": "object"},
            "tasks": _list_of(_object(_TASK_LINE)),
        }
    ),
    "Submissions": _object({"submissions": _list_of(_SUBMISSION_LINE), "next": _or_null(_TEXT)}),
    "Ideas": _object({"ideas": _list_of(_IDEA), "next": _or_null(_TEXT)}),
    "IdeasOnAMap": _object({"type": {"const": "FeatureCollection"}, "features": _list_of(_FEATURE)}),
    "Timeline": _object(
        {
            "reference": _TEXT,
            "verified": {"type": "boolean"},
            "faults": _list_of(_TEXT),
            "entries": _list_of(_ENTRY),
        }
    ),
    "Task": _object(
        {
            **_TASK_LINE,
            "reference": _TEXT,
            "form": _TEXT,
            "version": {"type": "integer"},
            "force": _TEXT,
            "answers": _list_of({"type": "object"}),
            "amount_pence": _PENCE,
            "fund": _or_null(_object({"name": _TEXT, "available": _PENCE, "force_available": _PENCE})),
            "force_claims": _list_of(_LISTED),
            "earlier": _list_of(_EARLIER),
            "rounds": {"type": "integer"},
            "differences": _list_of(_DIFFERENCE),
            "others": _list_of(_object({"role": _TEXT, "decided": _or_null(_TEXT)})),
            "needed": {"type": "integer"},
            "choices": _list_of(_TEXT),
            "values_asked": {"type": "object", "additionalProperties": {"type": "object"}},
            "changes_pages": _list_of(_object({"id": _TEXT, "title": _TEXT})),
            "seen": _TEXT,
            "undo_until": _or_null(_MOMENT),
        }
    ),
    "Outcome": _object(
        {
            "reference": _TEXT,
            "decision": _TEXT,
            "status": _STATUS,
            "next": _TEXT,
            "undo_until": _or_null(_MOMENT),
        }
    ),
    "Fund": _object(
        {
            "fund": _TEXT,
            "name": _TEXT,
            **_BALANCE,
            "forces": {"type": "object", "additionalProperties": _object({**_BALANCE, "cap": _PENCE})},
        }
    ),
    "Form": _object({**_FORM_LINE, "schema": {"type": "object"}}),
    "Forms": _object({"forms": _list_of(_object(_FORM_LINE))}),
}

_ANSWERS = {
    path: {"$ref": f"#/components/schemas/{name}"}
    for path, name in {
        "/api/v1/forms": "Forms",
        "/api/v1/forms/{form}": "Form",
        "/api/v1/status/{token}": "Status",
        _CONFIRM: "Status",
        _LIST: "Submissions",
        _IDEAS: "Ideas",
        _FEATURES: "IdeasOnAMap",
        "/api/v1/submissions/{reference}": "Submission",
        "/api/v1/submissions/{reference}/timeline": "Timeline",
        _TASK: "Task",
        _DECIDE: "Outcome",
        _UNDO: "Task",
        "/api/v1/funds/{fund}": "Fund",
    }.items()
}
