"""Somebody whose item is gone has a live session: it opens nothing any more, on pages and in the API."""

from __future__ import annotations

import json

import pytest
from website import LEAD, Website

from chalicelib.adapters.dynamodb import keys, tables


@pytest.fixture
def task(website: Website) -> str:
    """The path of a task that Kent's lead is asked to decide, who has just gone."""
    path = website.ask(website.submit())
    website.sign_in(LEAD)
    tables.PersonItem(keys.person("lead-kent"), keys.ONLY).delete()
    return path


def test_the_task_is_not_shown(website: Website, task: str) -> None:
    answer = website.get(task)
    assert (answer.status, answer.headers["Location"]) == (303, f"/sign-in?next={task}")
    assert website.get(f"/api/v1{task}").status == 401
    assert website.get("/sign-in").status == 200, "and the way to sign in leads nowhere in a circle"


@pytest.mark.parametrize("what", ["decision", "undo"])
def test_nothing_is_decided_and_nothing_undone(website: Website, task: str, what: str) -> None:
    body = {"decision": "approve", "seen": ""} if what == "decision" else {}
    assert website.send_json(f"/api/v1{task}/{what}", json.dumps(body).encode()).status == 401
