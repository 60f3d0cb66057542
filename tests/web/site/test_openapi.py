"""The OpenAPI document: well-formed, whole, and true of what the API answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from website import LEAD, Website, a_claim


@pytest.fixture
def document(website: Website) -> dict[str, Any]:
    return dict(json.loads(website.get("/api/v1/openapi.json").text))


def shape(document: dict[str, Any], path: str, method: str, status: str) -> Draft202012Validator:
    answer = document["paths"][path][method]["responses"][status]
    (content,) = answer["content"].values()
    return Draft202012Validator({**content["schema"], "components": document["components"]})


def test_it_is_a_valid_openapi_document(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_it_has_every_route_of_the_api(document: dict[str, Any]) -> None:
    from app import app

    paths = {path for path in app.routes if path.startswith("/api/v1/")}
    described = set(document["paths"])
    submitting = {f"/api/v1/forms/{form}/submissions" for form in ("funding-claim", "idea")}
    assert submitting <= described
    assert described - submitting | {"/api/v1/forms/{form}/submissions"} == paths


def test_the_forms_own_schema_is_the_body_that_submitting_takes(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/v1/forms/funding-claim/submissions"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert Draft202012Validator(schema).is_valid(a_claim())


def test_it_tells_who_must_sign_in(document: dict[str, Any]) -> None:
    open_to_all = {
        path for path, ways in document["paths"].items() for way in ways.values() if "security" not in way
    }
    assert open_to_all == {
        "/api/v1/openapi.json",
        "/api/v1/forms",
        "/api/v1/forms/{form}",
        "/api/v1/forms/funding-claim/submissions",
        "/api/v1/forms/idea/submissions",
        "/api/v1/ideas",
        "/api/v1/ideas.geojson",
        "/api/v1/status/{token}",
        "/api/v1/status/{token}/code",
        "/api/v1/status/{token}/confirm",
    }


def test_what_is_answered_has_the_shape_that_is_promised(website: Website, document: dict[str, Any]) -> None:
    receipt = website.submit()
    task = website.ask(receipt)
    website.sign_in(LEAD)
    for path, template in (
        ("/api/v1/forms", "/api/v1/forms"),
        ("/api/v1/forms/funding-claim", "/api/v1/forms/{form}"),
        (f"/api/v1/status/{receipt.status_token}", "/api/v1/status/{token}"),
        (f"/api/v1{task}", "/api/v1/tasks/{task}"),
    ):
        answer = website.get(path)
        assert answer.status == 200, path
        shape(document, template, "get", "200").validate(json.loads(answer.text))
    refused = website.get("/api/v1/forms/no-such-form")
    shape(document, "/api/v1/forms/{form}", "get", "404").validate(json.loads(refused.text))
