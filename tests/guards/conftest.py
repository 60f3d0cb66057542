"""What several of these tests look at."""

from __future__ import annotations

import pytest

from tests.guards.aws_calls import Calls


@pytest.fixture(scope="session")
def calls(dynamodb: str) -> Calls:
    """What each function calls in all that happens. It takes half a minute: tests that use it are `builds_once`."""
    from tests.guards.life import all_that_is_called

    return all_that_is_called(dynamodb)
