"""Chromium, and the product behind Chalice's local server, both in this process."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator

import pytest
from chalice.config import Config
from chalice.local import LocalDevServer
from chalice.test import Client
from moto import mock_aws
from playwright.sync_api import Browser, sync_playwright
from website import Website, open_website

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
# In a container there is no sandbox to be had; the rest keeps the browser from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    if not CHROMIUM:
        pytest.fail("there is no Chromium here; set CHROMIUM to its path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")  # longer, and its mock would still hold in the tests of other folders
def site(dynamodb: str) -> Iterator[Website]:
    """A website that both the browser (at `parts.links.page("")`) and the tests' own client reach."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
        yield from _served()


def _served() -> Iterator[Website]:
    from app import app
    from chalicelib import wiring

    port = _free_port()
    parts = open_website(f"http://127.0.0.1:{port}")
    server = LocalDevServer(app, Config(), "127.0.0.1", port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with Client(app) as client:
            yield Website(client, parts)
    finally:
        server.shutdown()
        server.server.server_close()
        thread.join()
        wiring.use(None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
