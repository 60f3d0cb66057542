"""The running service that is tried. In `make test` one for both proofs, to save the start."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.child_logs import no_run_logs_personal_data_or_secrets
from tests.whole.visitor import Service

__all__ = ["no_run_logs_personal_data_or_secrets"]


@pytest.fixture(scope="module" if os.environ.get("PROVE") else "session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("hostile") / "data")
    yield running
    running.stop()
