"""What all tests have in common: nothing of the developer's own AWS account can be reached by accident."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from infra.local.database import running_database

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


@pytest.fixture(scope="session")
def dynamodb() -> Iterator[str]:
    """A DynamoDB in memory for all tests of one process, dynoxide or moto's; yields its URL."""
    with running_database() as url:
        yield url
