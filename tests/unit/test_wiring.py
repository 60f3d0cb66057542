"""The parts of a process: each is built once, when it is first used."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cached_property

import pytest

from chalicelib import wiring
from chalicelib.services.ports import Parts
from chalicelib.settings import Settings
from tests.guards.test_project import ENV


@pytest.fixture
def parts() -> Parts:
    return wiring.build(Settings.from_env(ENV))


def test_nothing_is_built_before_it_is_used(parts: Parts) -> None:
    assert {field.name for field in fields(Parts)} & set(vars(parts)) == set()
    assert parts.limits is parts.limits
    assert {field.name for field in fields(Parts)} & set(vars(parts)) == {"limits"}


@pytest.mark.parametrize("name", [field.name for field in fields(Parts)])
def test_every_part_is_built_on_first_use(parts: Parts, name: str) -> None:
    assert isinstance(getattr(type(parts), name), cached_property)
    assert getattr(parts, name) is getattr(parts, name)


def test_what_depends_on_another_part_shares_it(parts: Parts) -> None:
    assert parts.records.of("kent") is not None
    assert parts.security is not None
    assert {"macs", "sources"} <= set(vars(parts))


def test_a_copy_has_what_was_built_and_leaves_the_original_alone(parts: Parts) -> None:
    copy = replace(parts, probe_key="another")
    assert (copy.probe_key, parts.probe_key) == ("another", "")
    assert copy.records is parts.records
    assert copy.now is parts.now
