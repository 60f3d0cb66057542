"""The package, unpacked as Lambda has it, in processes that have nothing else, before a sink that stands in for AWS."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.packaging.bundle import ZIPS
from tests.guards.packaged import SITE, folder
from tests.package.processes import LambdaProcess, environment
from tests.package.sink import Sink, running_sink

Start = Callable[..., LambdaProcess]


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Where Lambda has the code and the packages."""
    found = []
    for name in ZIPS:
        place = tmp_path_factory.mktemp("unpacked")
        with zipfile.ZipFile(folder() / name) as archive:
            archive.extractall(place)
        found.append(place)
    task, opt = found
    return [task, opt / SITE]


@pytest.fixture(scope="module")
def sink(dynamodb: str) -> Iterator[Sink]:
    """What the processes find where AWS would be."""
    with running_sink(dynamodb) as sink:
        yield sink


@pytest.fixture(scope="module")
def start(places: list[Path], sink: Sink) -> Iterator[Start]:
    """Starts a process; `region=` says where it runs. With `endpoint=""` it would call the real AWS."""
    started: list[LambdaProcess] = []

    def one(**given: str) -> LambdaProcess:
        process = LambdaProcess(places, environment(**{"endpoint": sink.address, **given}))
        started.append(process)
        return process

    yield one
    for process in started:
        process.close()


@pytest.fixture(scope="module")
def process(start: Start) -> LambdaProcess:
    """One for the tests that do not mind what ran in it before."""
    return start()
