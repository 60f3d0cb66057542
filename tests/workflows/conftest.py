"""State machines to be executed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.workflows.machine import Machines


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    """Those of one module's tests: making one takes longer than running it."""
    from moto.awslambda.models import LambdaFunction

    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        made = Machines()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(LambdaFunction, "_invoke_lambda", made.record)
            yield made
