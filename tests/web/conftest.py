"""A website for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chalice.test import Client
from moto import mock_aws
from website import Website, open_website

from chalicelib import wiring


@pytest.fixture(autouse=True)
def _pretend_cloud(monkeypatch: pytest.MonkeyPatch, dynamodb: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")


@pytest.fixture
def website() -> Iterator[Website]:
    """The product on an empty table, reached over plain http."""
    with mock_aws():
        yield from _website("http://127.0.0.1:8000")


@pytest.fixture
def secure_website() -> Iterator[Website]:
    """The same, reached over https."""
    with mock_aws():
        yield from _website("https://ideas.example.org")


def _website(base_url: str) -> Iterator[Website]:
    from app import app

    parts = open_website(base_url)
    try:
        with Client(app) as client:
            yield Website(client, parts)
    finally:
        wiring.use(None)
