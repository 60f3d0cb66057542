"""The whole embedded run, as it is started by `make run`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.child_logs import no_run_logs_personal_data_or_secrets
from tests.whole.visitor import Service

__all__ = ["no_run_logs_personal_data_or_secrets"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("run") / "data")
    yield running
    running.stop()
