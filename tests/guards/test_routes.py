"""What people forget about routes: who may call them, and that looking changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.domain.people.accounts import claimant_of
from chalicelib.domain.people.tokens import Scope, token_secret
from chalicelib.domain.records.security import Event
from chalicelib.services.people import signing_in
from chalicelib.web.http.access import Access
from tests import fakes
from tests.builders import Story, the_people
from tests.tokens import give_token

STAFF_TOKEN = token_secret("chance", "national-coordinator")
LEAD_TOKEN = token_secret("chance", "lead-kent")


def routes() -> list[tuple[str, str, Callable[..., Any]]]:
    """Path, method and view function of every route."""
    from app import app

    return [
        (path, method, entry.view_function)
        for path, methods in sorted(app.routes.items())
        for method, entry in sorted(methods.items())
    ]


@pytest.fixture
def story() -> Iterator[Story]:
    parts = fakes.parts()
    parts.people.register(the_people())  # type: ignore[attr-defined]
    parts.funds.open_fund("ptf", name="the fund", total_pence=2_000_000, caps={"kent": 1_000_000})  # type: ignore[attr-defined]
    for person in ("national-coordinator", "lead-kent"):
        give_token(parts, person, *Scope)
    wiring.use(parts)
    yield Story(parts)
    wiring.use(None)


def test_there_are_routes() -> None:
    assert {"/health", "/api/v1/tasks/{task}/decision", "/tasks/{task}"} <= {path for path, _, _ in routes()}


def test_every_route_declares_who_may_call_it() -> None:
    undeclared = [
        f"{m} {path}" for path, m, view in routes() if not isinstance(getattr(view, "access", None), Access)
    ]
    assert undeclared == []


def test_everything_but_looking_is_a_post() -> None:
    others = [f"{method} {path}" for path, method, _ in routes() if method not in ("GET", "POST")]
    assert others == []


def test_only_what_anybody_may_see_is_public() -> None:
    """A new public route is a decision: add it here, with a thought for what it shows."""
    public = {f"{method} {path}" for path, method, view in routes() if view.access is Access.PUBLIC}  # type: ignore[attr-defined]
    assert public == {
        "GET /",
        "GET /.well-known/security.txt",
        "GET /accessibility",
        "GET /api/v1/forms",
        "GET /api/v1/forms/{form}",
        "GET /api/v1/ideas",  # published ideas alone, without names, as all three below
        "GET /api/v1/ideas.geojson",
        "GET /ideas",
        "GET /ideas/{reference}",
        "GET /map",  # numbers
        "GET /api/v1/openapi.json",  # made from the form files and the route table: holds no data
        "GET /api/v1/status/{token}",
        "GET /cookies",
        "GET /forms/{form}",
        "GET /forms/{form}/sent/{token}",
        "GET /health",
        "GET /privacy",
        "GET /sign-in",
        "GET /sign-in/code",
        "GET /sign-in/link",  # what a provider calls the person in this browser
        "GET /sign-in/link/code",
        "GET /sign-in/oidc",  # does nothing but in the browser that left for the provider, once
        "GET /sign-in/with/{issuer}",
        "GET /sign-in/with/{issuer}/go",  # leads to the provider, and stores nothing
        "GET /sign-in/{token}",  # in a browser that asked, whose mailbox it is; elsewhere nothing
        "GET /sign-out",
        "GET /static/{name}",
        "GET /status/finish",
        "GET /status/{token}",
        "GET /status/{token}/code",  # how a submitter proves who they are: shows no answer and no address
        "POST /api/v1/forms/{form}/submissions",
        "POST /api/v1/status/{token}/code",  # mails a code to the address that was given
        "POST /api/v1/status/{token}/confirm",  # takes that code
        "POST /forms/{form}",
        "POST /forms/{form}/sent/{token}",  # does something only in the browser that sent it
        "POST /sign-in",
        "POST /sign-in/code",
        "POST /sign-in/link",
        "POST /sign-in/link/code",
        "POST /sign-in/{token}",
        "POST /status/finish",  # ends what the browser that posts it can do, and nothing else
        "POST /status/{token}/code",
    }


def test_reading_exports_and_timelines_and_handling_tokens_is_recorded() -> None:
    """A new route that shows a whole submission or hands out a file belongs here."""
    recorded = {f"{m} {path}": view.records for path, m, view in routes() if view.records}  # type: ignore[attr-defined]
    assert recorded == {
        "GET /api/v1/submissions/{reference}": Event.SUBMISSION_READ,
        "GET /api/v1/submissions/{reference}/timeline": Event.TIMELINE_READ,
        "GET /desk/submissions/{reference}": Event.TIMELINE_READ,
        "GET /exports/{form}/{scope}/{period}": Event.EXPORT_READ,
        "GET /exports/{form}/{scope}/{period}/{name}": Event.EXPORT_READ,
        "POST /account/tokens": Event.TOKEN_MADE,
        "POST /account/tokens/revoke": Event.TOKEN_REVOKED,
        "POST /desk/people/{person}/revoke": Event.TOKEN_REVOKED,
    }


def test_whatever_changes_a_submission_for_its_submitter_takes_their_code() -> None:
    for path, method, view in routes():
        if path.startswith("/status/{token}/") and not path.endswith("/code"):
            assert view.access is Access.CLAIMANT, f"{method} {path}"  # type: ignore[attr-defined]
        if view.access is Access.CLAIMANT:  # type: ignore[attr-defined]
            assert "{token}" in path, f"{method} {path}"


def test_submissions_and_funds_are_for_staff() -> None:
    for path, method, view in routes():
        if "/submissions/{reference}" in path or "/funds/" in path:
            assert view.access is Access.STAFF, f"{method} {path}"  # type: ignore[attr-defined]
        if path.startswith("/desk"):
            assert view.access is Access.STAFF, f"{method} {path}"  # type: ignore[attr-defined]
        if "/tasks/" in path or path == "/away":
            assert view.access is not Access.PUBLIC, f"{method} {path}"  # type: ignore[attr-defined]


def values(story: Story, reference: str, token: str) -> dict[str, str]:
    return {
        "form": "funding-claim",
        "token": token,
        "reference": reference,
        "task": story.task_id(reference),
        "fund": "ptf",
        "name": "app.css",
        "scope": "kent",
        "person": "lead-kent",
        "period": "2027-01",
        "issuer": "kents",
    }


def browser(story: Story, person_id: str, cookie: str) -> dict[str, str]:
    """What the browser of somebody signed in sends."""
    return {"Cookie": f"{cookie}={signing_in.open_session(story.parts, person_id)}"}


LOOKERS: dict[str, Callable[[Story, str], dict[str, str]]] = {
    "nobody": lambda story, reference: {},
    "staff": lambda story, reference: {"Authorization": f"Bearer {STAFF_TOKEN}"},
    "approver": lambda story, reference: {"Authorization": f"Bearer {LEAD_TOKEN}"},
    "staff-browser": lambda story, reference: browser(story, "national-coordinator", "__Host-session"),
    "approver-browser": lambda story, reference: browser(story, "lead-kent", "__Host-session"),
    "claimant-browser": lambda story, reference: browser(story, claimant_of("kent", reference), "claimant"),
}
SEEN = {
    "nobody": {
        "/",
        "/ideas",
        "/map",
        "/api/v1/ideas",
        "/api/v1/ideas.geojson",
        "/forms/{form}",
        "/status/{token}",
        "/api/v1/status/{token}",
        "/status/{token}/code",
        "/sign-in/with/{issuer}",
    },
    "staff": {"/api/v1/submissions/{reference}", "/api/v1/submissions"},
    "approver": set(),
    "staff-browser": {
        "/desk/checks",
        "/desk/stuck",
        "/desk/submissions/{reference}",
        "/desk/submissions/{reference}/reassign",
        "/desk/people",
        "/desk/people/{person}",
        "/desk/people/{person}/leave",
        "/account/tokens",
        "/exports",
    },
    "approver-browser": {"/tasks/{task}", "/tasks/{task}/reassign", "/away", "/account"},
    "claimant-browser": {"/status/{token}/withdraw"},
}


@pytest.mark.parametrize("looker", LOOKERS)
def test_looking_at_anything_changes_nothing(story: Story, looker: str) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    headers = LOOKERS[looker](story, receipt.reference)
    fill = values(story, receipt.reference, receipt.status_token)
    store: fakes.Store = story.parts.records.store  # type: ignore[attr-defined]
    before = store.snapshot()
    called = []
    from app import app

    with Client(app) as client:
        for path, method, _ in routes():
            if method != "GET":
                continue
            response = client.http.get(path.format(**fill), headers=headers)
            assert response.status_code < 500 or path == "/health", path
            assert store.snapshot() == before, f"GET {path} changed something"
            called.append((path, response.status_code))
    seen = {path for path, status in called if status == 200}
    assert SEEN[looker] <= seen
    assert (story.parts.mailer.sent, story.parts.workflows.started) == ([], {})  # type: ignore[attr-defined]


def test_what_is_not_public_is_refused_to_nobody_and_what_is_staffs_to_others(story: Story) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    fill = values(story, receipt.reference, receipt.status_token)
    from app import app

    with Client(app) as client:
        for path, method, view in routes():
            if view.access is Access.PUBLIC:  # type: ignore[attr-defined]
                continue
            call = client.http.get if method == "GET" else client.http.post
            response = call(path.format(**fill))
            assert response.status_code in (401, 303), f"{method} {path}"
            if view.access is Access.STAFF:  # type: ignore[attr-defined]
                response = call(path.format(**fill), headers={"Authorization": f"Bearer {LEAD_TOKEN}"})
                assert response.status_code == 403, f"{method} {path}"
    assert story.case(receipt.reference).open_task is not None


def test_every_answer_carries_the_headers_that_keep_it_safe(story: Story) -> None:
    receipt = story.submit()
    story.ask(receipt.reference)
    fill = values(story, receipt.reference, receipt.status_token)
    from app import app

    with Client(app) as client:
        for path, method, _ in routes():
            call = client.http.get if method == "GET" else client.http.post
            for headers in ({}, {"Authorization": f"Bearer {LEAD_TOKEN}"}):
                response = call(path.format(**fill), headers=headers)
                where = f"{method} {path} {response.status_code}"
                assert "'unsafe" not in response.headers["Content-Security-Policy"], where
                assert "default-src 'none'" in response.headers["Content-Security-Policy"], where
                assert response.headers["X-Content-Type-Options"] == "nosniff", where
                assert response.headers["Referrer-Policy"] == "same-origin", where
                assert response.headers["X-Frame-Options"] == "DENY", where
                assert response.headers["Strict-Transport-Security"], where
                if not path.startswith("/static/"):
                    assert response.headers["Cache-Control"] == "no-store", where
