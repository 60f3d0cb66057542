"""Whoever may not ask gets one and the same answer, whatever they ask: every route, every caller without right, bodies
that are empty, broken, bogus and well made. So no answer tells them anything about what they may not see."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client

from chalicelib import wiring
from chalicelib.domain.people.tokens import Scope
from tests.builders import claim_answers
from tests.guards.test_matrix import IN, REFUSED_WHERE_NOBODY_ASKED, ROLES, Site, expected, routes

pytestmark = pytest.mark.slow

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
DEPENDS_ON_THE_BODY = {"POST /desk/checks/again"}
"""What is posted names the delivery: Essex's coordinator may have their own force's tried again."""

MADE_UP = {
    "csrf": "the-token", "decision": "adopt", "comment": "Yes", "seen": "f" * 64, "to": "deputy-kent", "note": "A note",
    "reason": "Because", "confirm": "yes", "last-day": "1", "last-month": "2", "last-year": "2027", "token": "none",
    "amount": "10", "payment": "BACS 1", "delivery": "mail.receipt.none", "code": "123456", "answer": "not-mine",
}  # fmt: skip


def form(**changes: str | None) -> tuple[str, bytes]:
    fields = {name: value for name, value in {**MADE_UP, **changes}.items() if value is not None}
    return FORM, urlencode(fields).encode()


BODIES: dict[str, tuple[str, bytes]] = {
    "empty": (FORM, b""),
    "empty JSON": (JSON, b"{}"),
    "nothing": ("", b""),
    "broken JSON": (JSON, b'{"decision": '),
    "a JSON list": (JSON, b"[1]"),
    "not UTF-8": (FORM, b"csrf=the-token&note=%ff%fe\xff"),
    "another kind": ("application/xml", b"<note/>"),
    "too large": (FORM, b"csrf=the-token&note=" + b"x" * 70_000),
    "well made": form(),
    "without the session's token": form(csrf=None),
    "with the token of another session": form(csrf="another"),
    "bogus": form(decision="burn", to="nobody", seen="", reason="", confirm=""),
    "well-made JSON": (JSON, json.dumps({"decision": "approve", "comment": "", "seen": "f" * 64}).encode()),
    "bogus JSON": (JSON, json.dumps({"decision": 7, "seen": None, "more": []}).encode()),
    "answers": (JSON, json.dumps(claim_answers()).encode()),
}
QUERIES = (
    "",
    "?version=x&cursor=bogus&limit=many&at=nowhere&force=kent&assignee=lead-kent&next=/desk",
    "?cursor=",
)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    from app import app

    with Client(app) as made:
        yield made
    wiring.use(None)


def told(response: Any) -> tuple[int, str, str]:
    """An answer without what is new in each: the id of a request that failed, and the date."""
    headers = {name: value for name, value in response.headers.items() if name.lower() != "date"}
    body = response.body.decode("utf-8", "replace")
    return response.status_code, re.sub("[0-9a-f]{32}", "", body), str(sorted(headers.items()))


def answers(site: Site, client: Client, path: str, method: str) -> dict[str, tuple[int, str, str]]:
    """What each body, or query, gets."""
    address = path.format_map(site.fill)
    if method == "GET":
        return {one: told(client.http.get(address + one, headers=site.headers)) for one in QUERIES}
    found = {}
    for name, (kind, body) in BODIES.items():
        headers = {**site.headers, **({"Content-Type": kind} if kind else {})}
        found[name] = told(client.http.post(address, headers=headers, body=body))
    return found


def differing(site: Site, client: Client, path: str, method: str) -> list[str]:
    found = answers(site, client, path, method)
    if len(set(found.values())) == 1:
        return []
    by_answer: dict[tuple[int, str, str], list[str]] = {}
    for name, answer in found.items():
        by_answer.setdefault(answer, []).append(name)
    return [f"{method} {path}: " + "; ".join(f"{a[0]} for {', '.join(n)}" for a, n in by_answer.items())]


@pytest.mark.parametrize("role", ROLES)
def test_a_caller_without_right_gets_one_answer_whatever_they_send(
    client: Client, role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(role)
    wrong, looked_at = [], 0
    for path, method, access in routes():
        if IN in expected(path, method, access, role) or f"{method} {path}" in DEPENDS_ON_THE_BODY:
            continue
        looked_at += 1
        wrong += differing(site, client, path, method)
    with capsys.disabled():
        print(f"\nsame answer: {role}, {looked_at} routes and methods, {len(BODIES)} bodies")
    assert looked_at > 0
    assert wrong == []


@pytest.mark.parametrize("scope", Scope)
def test_a_token_that_does_not_open_a_route_gets_one_answer_whatever_is_sent(
    client: Client, scope: Scope
) -> None:
    site = Site("coordinator-essex", scope)
    wrong, looked_at = [], 0
    for path, method, _ in routes():
        if f"{method} {path}" in REFUSED_WHERE_NOBODY_ASKED or f"{method} {path}" in DEPENDS_ON_THE_BODY:
            continue
        first = client.http.request(method, path.format_map(site.fill), headers=site.headers, body=b"")
        if first.status_code not in (401, 403, 404):
            continue
        looked_at += 1
        wrong += differing(site, client, path, method)
    assert looked_at > 0
    assert wrong == []


@pytest.mark.parametrize("fill", [{"token": "none"}, {"form": "none"}])
def test_a_link_that_is_not_ours_gets_one_answer_whatever_is_sent(
    client: Client, fill: dict[str, str]
) -> None:
    site = Site("anonymous")
    site.fill = {
        **dict(site.fill),
        "name": "app.js",
        "scope": "kent",
        "period": "none",
        "person": "none",
        **fill,
    }
    (name,) = fill
    paths = [(path, method) for path, method, _ in routes() if f"{{{name}}}" in path]
    assert paths
    assert [one for path, method in paths for one in differing(site, client, path, method)] == []


def test_what_a_panel_answered_is_not_told_to_who_has_no_vote_in_the_casting(client: Client) -> None:
    """The choices of the casting vote are those that somebody gave: a refusal must not depend on them."""
    from tests.builders import FORMS, the_reviewers
    from tests.guards.test_withheld import post
    from tests.tokens import give_session
    from tests.unit.escalation_scenes import Ideas
    from tests.unit.scenes import a_scene

    scene = a_scene()
    ideas = Ideas(scene.parts, form=FORMS.form("idea"))
    ideas.people.register(the_reviewers())
    wiring.use(ideas.parts)
    reference = ideas.before_the_leaders()
    ideas.panel(reference, "adopt", "pilot", "decline")
    ideas.ask(reference)
    task = ideas.task_id(reference)
    for person in ("coordinator-essex", "npcc-leader", "lead-kent"):
        headers = {"Cookie": give_session(ideas.parts, person)}
        for path, csrf in ((f"/tasks/{task}", {"csrf": "csrf"}), (f"/api/v1/tasks/{task}/decision", {})):
            found = {
                told(post(client, path, headers, {**csrf, "decision": one, "seen": "x", "comment": "y"}))
                for one in ("adopt", "pilot", "decline", "refer", "no-majority", "burn")
            }
            assert len(found) == 1, (person, path, [one[0] for one in found])
