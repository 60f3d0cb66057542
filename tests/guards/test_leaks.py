"""The search of what all tests log finds what should not be there (tests/leaks.py, tests/conftest.py)."""

from __future__ import annotations

import logging

import pytest

from chalicelib import wiring
from chalicelib.adapters.aws.security_log import NAME
from tests import fakes
from tests.leaks import Watcher, seeded_values


def test_people_of_the_seeds_and_of_example_answers_are_looked_for() -> None:
    values = seeded_values()
    assert {"lead.kent@example.police.uk", "Sam Okafor", "sam.okafor@example.police.uk"} <= values
    assert {"01632 960 417", "+44 (0)1632 960-001"} <= values
    assert len(values) > 150


@pytest.mark.parametrize("name", ["chalicelib.services.intake.submitting", "botocore", NAME])
def test_a_planted_name_address_cookie_or_token_is_found_whoever_logs_it(
    name: str, log_watcher: Watcher
) -> None:
    parts = fakes.parts()
    planted = [
        "sam.okafor@example.police.uk",
        "Sam Okafor",
        parts.links.status_token("kent", "CLM-2222-222M").rpartition(".")[2],
        parts.seals.cookie("asked", ["a"]),
        wiring.new_secret(),
        parts.new_secret(),
    ]
    log = logging.getLogger(name)
    log.warning("nothing of that kind")
    for value in planted:
        log.warning("somebody wrote %s here", value)
    found = log_watcher.found()
    log_watcher.forget()
    assert found == [f"somebody wrote {value} here" for value in planted]


def test_our_own_lines_are_searched_whatever_their_level(log_watcher: Watcher) -> None:
    logging.getLogger("chalicelib.services.intake.submitting").debug("Sam Okafor")
    found = log_watcher.found()
    log_watcher.forget()
    assert found == ["Sam Okafor"]


def test_what_an_exception_says_is_searched_too(log_watcher: Watcher) -> None:
    try:
        raise ValueError("Sam Okafor")
    except ValueError:
        logging.getLogger("chalicelib").exception("failed")
    assert len(log_watcher.found()) == 1
    log_watcher.forget()
