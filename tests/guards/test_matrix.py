"""Every route, method and kind of caller against a claim of Kent's: who gets in, who does not, and who learns what.

The table below is what the product promises. A route that is added falls under the rule of its access and its path;
where it is meant to do otherwise, it needs a line here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.domain.people.accounts import claimant_of, new_session, session_secret
from chalicelib.domain.people.tokens import Scope
from chalicelib.web.http.access import Access
from tests import fakes
from tests.builders import PERSONAL, Story, a_person, claim_answers, the_people
from tests.tokens import give_token

pytestmark = pytest.mark.slow

IN, OUT, HIDDEN, SIGN_IN, CODE = "in", "forbidden", "not-found", "sign-in", "code"

PEOPLE = {
    "approver-kent": "lead-kent",
    "coordinator-kent": "coordinator-kent",
    "coordinator-essex": "coordinator-essex",
    "fund-holder": "finance",
    "national-coordinator": "national-coordinator",
}
ROLES = ("anonymous", *PEOPLE, "claimant")
STAFF = {"coordinator-kent", "coordinator-essex", "fund-holder", "national-coordinator"}
COORDINATE_KENT = {"coordinator-kent", "national-coordinator"}

COORDINATORS = {"coordinator-kent", "coordinator-essex", "national-coordinator"}

LOOKS_AFTER_PEOPLE = "/desk/people"
"""For coordinators: of a force for its own people, of the nation for all."""

REVOKES_OF_OTHERS = "POST /desk/people/{person}/revoke"
"""Somebody else's token is revoked by the national team alone."""

FUND_HOLDERS_ALONE = {"/desk/submissions/{reference}/paid", "/desk/submissions/{reference}/returned"}
"""Coordinators, who may do all else about a claim, record no money."""

OF_THEIR_OWN_FORCE = {"POST /desk/checks/again": {"coordinator-kent", "national-coordinator"}}
"""What is posted names a delivery of Kent's: for Essex's coordinator there is none of that name."""

COORDINATORS_ALONE = {
    "/desk/submissions/{reference}/reassign",
    "/desk/submissions/{reference}/withdraw",
    "POST /desk/submissions/{reference}/chase",
}
"""Staff who are no coordinators, such as the fund holder, are refused here."""

HANDED_ON_BY = {"/tasks/{task}/reassign": {"approver-kent", *COORDINATE_KENT}}
"""A task is for the person who was asked; these, too, may hand it on."""

REFUSED_WHERE_NOBODY_ASKED = {"POST /sign-in/{token}"}
"""A mailed link works in the browser that asked for it, whoever is signed in there."""

FOR_ANYBODY_SIGNED_IN = {
    "/account",
    "/account/links",
    "/account/sessions",
    "/away",
    "/sign-out",
    "GET /tasks/{task}/undo",
}
"""About the person who calls; the last leads back to the page, where it is looked at who they are."""

TOKEN_ROUTES: Mapping[Scope, set[str]] = {
    Scope.READ: {
        "GET /api/v1/funds/{fund}",
        "GET /api/v1/submissions",
        "GET /api/v1/submissions/{reference}",
        "GET /api/v1/submissions/{reference}/timeline",
        "GET /api/v1/tasks/{task}",
        "GET /exports/{form}/{scope}/{period}/{name}",
        "GET /health/deep",
    },
    Scope.SUBMIT: {
        "POST /api/v1/forms/{form}/submissions",
        "POST /api/v1/status/{token}/code",
        "POST /api/v1/status/{token}/confirm",
    },
    Scope.MANAGE: {
        "POST /desk/checks/again",
        "POST /desk/submissions/{reference}/chase",
        "POST /desk/submissions/{reference}/note",
    },
}
"""All that a bearer token opens. It never decides, pays, releases, hands on, signs out, or looks after people and
tokens, whoever it acts for."""

SECRETS = ("Innovation day at Maidstone", "ME14 1XQ", *PERSONAL.values())
"""What of Kent's claim nobody of another force may read, besides its reference."""


def routes() -> list[tuple[str, str, Access | None]]:
    from app import app

    return [
        (path, method, getattr(entry.view_function, "access", None))
        for path, methods in sorted(app.routes.items())
        for method, entry in sorted(methods.items())
    ]


def expected(path: str, method: str, access: Access | None, role: str) -> set[str]:
    """What this caller gets. AssertionError for a route that does not say who may call it."""
    assert isinstance(access, Access), f"{method} {path} declares no access"
    names = {path, f"{method} {path}"}
    if f"{method} {path}" in REFUSED_WHERE_NOBODY_ASKED:
        return {OUT}
    if access is Access.PUBLIC:
        # What anybody finds by its reference is published; a claim never is, whoever asks.
        return {HIDDEN} if "{reference}" in path else {IN}
    if access is Access.CLAIMANT:
        return {IN} if role == "claimant" else {CODE}
    if role not in PEOPLE:
        return {SIGN_IN}
    if access in (Access.STAFF, Access.WATCHER):
        if role not in STAFF:
            return {OUT}
        if path.startswith(LOOKS_AFTER_PEOPLE) and role not in COORDINATORS:
            return {OUT}
        if f"{method} {path}" == REVOKES_OF_OTHERS and role == "coordinator-kent":
            return {OUT}
        if ("{reference}" in path or "{person}" in path) and role == "coordinator-essex":
            return {HIDDEN}
        if path in FUND_HOLDERS_ALONE:
            return {IN} if role == "fund-holder" else {OUT}
        if f"{method} {path}" in OF_THEIR_OWN_FORCE:
            may = OF_THEIR_OWN_FORCE[f"{method} {path}"]
            return {IN} if role in may else {HIDDEN} if role == "coordinator-essex" else {OUT}
        return {OUT} if names & COORDINATORS_ALONE and role not in COORDINATE_KENT else {IN}
    if names & FOR_ANYBODY_SIGNED_IN:
        return {IN}
    if "{task}" in path:
        return {IN} if role in HANDED_ON_BY.get(path, {"approver-kent"}) else {OUT}
    # Anything else of a force's: in for its own and the national staff (who may find that there is none yet).
    return {IN, HIDDEN} if role in STAFF - {"coordinator-essex"} else {OUT, HIDDEN}


class Site:
    """The product in memory, with a claim of Kent's that its lead is asked about, and somebody in front of it."""

    def __init__(self, role: str, token: Scope | None = None) -> None:
        parts = fakes.parts()
        people: Any = parts.people
        people.register([*the_people(), a_person("finance", "fund-holder@national")])
        funds: Any = parts.funds
        funds.open_fund(
            "ptf", name="the fund", total_pence=2_000_000, caps={"kent": 1_000_000, "essex": 1_000_000}
        )
        wiring.use(parts)
        story = Story(parts)
        receipt = story.submit()
        story.ask(receipt.reference)
        self.reference = receipt.reference
        self.fill: Mapping[str, str] = defaultdict(
            lambda: "none",
            form="funding-claim",
            token=receipt.status_token,
            reference=receipt.reference,
            task=story.task_id(receipt.reference),
            person="lead-kent",
            fund="ptf",
            scope="kent",
            period="2027-01-04",
            issuer="kents",
            name="app.js",
        )
        self.headers = self._headers(story, role)
        if token is not None:
            secret = give_token(parts, PEOPLE[role], token)
            self.headers = {"Authorization": f"Bearer {secret}"}

    def call(self, client: Client, path: str, method: str) -> Any:
        """Call it as a browser does: with the token of its session in whatever it posts."""
        headers, path = dict(self.headers), path.format_map(self.fill)
        if method == "GET":
            return client.http.get(path, headers=headers)
        if path.startswith("/api/"):
            headers["Content-Type"] = "application/json"
            body = b'{"decision": "approve", "seen": ""}' if path.endswith("/decision") else b"{}"
            return client.http.post(path, headers=headers, body=body)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        fields = {"csrf": "the-token", "note": "A note", "seen": "", "decision": ""}
        fields["delivery"] = f"parcel.start.{self.reference}-r1/mail.receipt.{self.reference}"
        return client.http.post(path, headers=headers, body=urlencode(fields).encode())

    def _headers(self, story: Story, role: str) -> dict[str, str]:
        if role == "anonymous":
            return {}
        person, cookie = PEOPLE.get(role, ""), "__Host-session"
        if role == "claimant":
            person, cookie = claimant_of("kent", self.reference), "claimant"
        session = new_session(
            session_secret("browser", person), person, csrf="the-token", now=story.parts.now()
        )
        story.parts.accounts.add_session(session)
        return {"Cookie": f"{cookie}={session_secret('browser', person)}"}


def outcome(response: Any) -> str:
    """What an answer comes to."""
    location = str(response.headers.get("Location", ""))
    if response.status_code == 401 or location.startswith("/sign-in?"):
        return SIGN_IN
    if response.status_code == 303 and "/code?next=" in location:
        return CODE
    return {403: OUT, 404: HIDDEN}.get(response.status_code, IN)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    wiring.use(None)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    from app import app

    with Client(app) as made:
        yield made


@pytest.mark.parametrize("role", ROLES)
def test_every_route_lets_in_whom_it_declares_and_nobody_else(client: Client, role: str) -> None:
    wrong = []
    for path, method, access in routes():
        response = Site(role).call(client, path, method)
        found = outcome(response)
        assert response.status_code < 500 or path.startswith("/health"), f"{method} {path}"
        if found not in expected(path, method, access, role):
            wrong.append(f"{method} {path}: {response.status_code} {found}")
    assert wrong == []


def expected_with_token(path: str, method: str, access: Access | None, scope: Scope) -> set[str]:
    """What a token of the national coordinator gets: with its scope what they would get, else nothing."""
    if f"{method} {path}" in TOKEN_ROUTES[scope]:
        return expected(path, method, access, "national-coordinator")
    is_public = access is Access.PUBLIC and f"{method} {path}" not in TOKEN_ROUTES[Scope.SUBMIT]
    return expected(path, method, access, "anonymous") if is_public else {OUT}


@pytest.mark.parametrize("scope", Scope)
def test_a_token_gets_in_where_the_route_names_its_scope_and_nowhere_else(
    client: Client, scope: Scope
) -> None:
    wrong = []
    for path, method, access in routes():
        response = Site("national-coordinator", scope).call(client, path, method)
        assert response.status_code < 500 or path.startswith("/health"), f"{method} {path}"
        if outcome(response) not in expected_with_token(path, method, access, scope):
            wrong.append(f"{method} {path}: {response.status_code} {outcome(response)}")
    assert wrong == []


def test_routes_declare_the_scopes_of_the_table_and_no_other() -> None:
    from app import app

    declared: dict[Scope, set[str]] = {scope: set() for scope in Scope}
    for path, methods in app.routes.items():
        for method, entry in methods.items():
            if entry.view_function.token is not None:
                declared[entry.view_function.token].add(f"{method} {path}")
    assert declared == TOKEN_ROUTES


def test_nothing_of_kents_is_in_any_answer_to_essexs_coordinator(client: Client) -> None:
    told = []
    for path, method, access in routes():
        if "{token}" in path:
            continue  # whoever holds the claimant's link may look: that is what the link is for
        site = Site("coordinator-essex")
        response = site.call(client, path, method)
        text = response.body.decode("utf-8", "replace")
        location = str(response.headers.get("Location", ""))
        # The way back to the page of a task says what the caller said: where it leads, they are refused.
        said = text if f"{method} {path}" in FOR_ANYBODY_SIGNED_IN else text + location
        told += [f"{method} {path}: {one}" for one in (site.reference, *SECRETS) if one in said]
        assert access is not None
    assert told == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "force=kent",
        "force=kent&status=in-review",
        "assignee=lead-kent",
        "overdue=true",
        "stage=force-lead",
    ]
    + ["q=Maidstone", "q={reference}", "limit=100&form=funding-claim"],
)
@pytest.mark.parametrize("path", ["/api/v1/submissions", "/desk/submissions"])
def test_no_list_of_essexs_holds_anything_of_kents(client: Client, path: str, query: str) -> None:
    site = Site("coordinator-essex")
    query = query.format(reference=site.reference)
    response = client.http.get(f"{path}?{query}", headers=site.headers)
    assert response.status_code == 200
    text = response.body.decode()
    assert f"/desk/submissions/{site.reference}" not in text
    assert not [one for one in SECRETS if one in text]
    mine = Site("coordinator-kent")
    text = client.http.get(f"{path}?limit=100", headers=mine.headers).body.decode()
    assert mine.reference in text, "the question finds it for those whose it is"


def test_no_id_of_another_forces_person_becomes_a_name(client: Client) -> None:
    """Of somebody of Kent's and of nobody, Essex's coordinator is told the same."""
    site = Site("coordinator-essex")
    for path in (
        "/desk/submissions?assignee={}",
        "/desk/people/{}",
        "/desk/people/{}/leave",
        "/away?delegate={}",
    ):
        known, unknown = (
            client.http.get(path.format(person), headers=site.headers)
            for person in ("lead-kent", "lead-kant")
        )
        assert known.status_code == unknown.status_code, path
        assert known.body.replace(b"lead-kent", b"") == unknown.body.replace(b"lead-kant", b""), path


def test_kents_own_and_the_national_staff_do_read_it(client: Client) -> None:
    for role in ("coordinator-kent", "fund-holder", "national-coordinator"):
        site = Site(role)
        text = site.call(client, "/desk/submissions/{reference}", "GET").body.decode()
        assert [one for one in (site.reference, *SECRETS) if one not in text] == []


def test_the_matrix_has_a_cell_for_each_route_and_caller(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [
        (path, method, role)
        for path, method, access in routes()
        for role in ROLES
        if expected(path, method, access, role)
    ]
    with capsys.disabled():
        print(f"\nmatrix: {len(routes())} routes and methods, {len(ROLES)} callers, {len(cells)} cells")
    assert len(cells) == len(routes()) * len(ROLES)


def test_a_route_that_declares_nothing_has_no_place_in_the_matrix() -> None:
    with pytest.raises(AssertionError, match="declares no access"):
        expected("/new", "GET", None, "anonymous")


def test_what_the_claim_says_is_what_the_matrix_looks_for() -> None:
    answers = claim_answers()
    assert set(SECRETS) <= {str(value) for value in answers.values()}
