"""Without dynoxide some tests are skipped: each by name, counted at the end, and never in CI."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from infra.local.options import ROOT

pytestmark = pytest.mark.slow


def races(**settings: str) -> tuple[int, str]:
    """The race tests in a pytest of their own: its exit status and what it printed."""
    env = {name: value for name, value in os.environ.items() if name != "CI" and "PYTEST" not in name}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/contract/records/test_races.py",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env={**env, **settings}, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_what_needs_isolated_transactions_is_skipped_by_name_and_counted() -> None:
    status, told = races(DYNOXIDE="none")
    assert status == 0
    assert "needs dynoxide: transactions that are isolated" in told
    assert "tests were skipped because there is no dynoxide here" in told
    assert " passed" not in told


@pytest.mark.needs_dynoxide("a machine for which there is a binary")
def test_in_ci_that_is_an_error() -> None:
    status, told = races(DYNOXIDE="none", CI="true")
    assert status != 0
    assert "CI skips nothing" in told
