"""The embedded run, as fixtures."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import children, environment, processes
from infra.local.data import opened
from infra.local.options import Options
from tests.child_logs import no_run_logs_personal_data_or_secrets
from tests.embedded.running import SMALL_APP, Backend, Run

__all__ = ["no_run_logs_personal_data_or_secrets"]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    options = Options(app_dir=SMALL_APP, seeds_file=None)
    with opened(tmp_path_factory.mktemp("data")) as folder, processes.listening_socket(0) as listening:
        running = [children.start_database(folder, processes.free_port())]
        env = environment.for_children(
            os.environ,
            base_url=options.address,
            signing_keys=folder.signing_keys(),
            timeline_keys=folder.timeline_keys(),
            dynamodb=f"http://127.0.0.1:{running[0].port}",
            cloud=f"http://127.0.0.1:{listening.getsockname()[1]}",
        )
        try:
            assert processes.wait_until(running[0].ready, running[0].process, within=10)
            running.append(children.start_backend(folder, options, env, listening))
            ready = processes.wait_until(running[1].ready, running[1].process, within=30)
            assert ready, running[1].last_words()
            yield Backend(env)
        finally:
            for child in reversed(running):
                child.stop()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path / "data")
    yield run
    if run.process.poll() is None:
        run.stop(signal.SIGTERM)
