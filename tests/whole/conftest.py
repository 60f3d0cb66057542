"""The whole embedded run, as it is started by `make run`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.whole.visitor import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("run") / "data")
    yield running
    running.stop()
