"""What all tests have in common: nothing of the developer's own AWS account can be reached by accident, and nothing
personal may be logged."""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Iterator
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from infra.local import dynoxide
from infra.local.database import running_database
from tests.leaks import Watcher

NEEDS_DYNOXIDE = "needs dynoxide: "

os.environ.update(
    AWS_DEFAULT_REGION="eu-west-2",
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
    os.environ.pop(name, None)

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Nearly each test opens a client of its own, and botocore reads the service's model from its files for each: 0.1 s.
botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)


def pytest_configure() -> None:
    """In CI on a machine for which there is a binary, nothing may be skipped for want of it."""
    has_one = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    if os.environ.get("CI") and has_one and dynoxide.found() is None:
        raise pytest.UsageError(
            "CI skips nothing: install dynoxide (make install), and do not set DYNOXIDE=none."
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without dynoxide, skip by name what needs it; everything else runs on moto's DynamoDB."""
    if dynoxide.found() is not None:
        return
    for item in items:
        for mark in item.iter_markers("needs_dynoxide"):
            item.add_marker(pytest.mark.skip(reason=NEEDS_DYNOXIDE + mark.args[0]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many those were."""
    skipped = [
        one for one in terminalreporter.stats.get("skipped", []) if NEEDS_DYNOXIDE in str(one.longrepr)
    ]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} tests were skipped because there is no dynoxide here (docs/operations.md)."
        )


@pytest.fixture(scope="session")
def log_watcher() -> Watcher:
    """Listens to what all tests of one process log."""
    watcher = Watcher()
    watcher.watch()
    return watcher


@pytest.fixture(autouse=True)
def _no_personal_data_or_secret_is_logged(log_watcher: Watcher) -> Iterator[None]:
    log_watcher.forget()
    yield
    found = log_watcher.found()
    log_watcher.forget()
    assert found == [], "the log holds personal data or a secret"


@pytest.fixture(scope="session")
def dynamodb() -> Iterator[str]:
    """A DynamoDB in memory for all tests of one process, dynoxide or moto's; yields its URL."""
    with running_database() as url:
        yield url
